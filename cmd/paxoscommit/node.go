package main

import (
	"context"
	"errors"
	"os/signal"
	"syscall"

	"paxoscommit/fuzz"
	"paxoscommit/node/serve"

	"github.com/spf13/cobra"
)

const nodeHelp = `Runs one node: reads a message a line on standard input, and writes one a line on
standard output, both JSON in the envelope of Maelstrom:

  {"src":"c1","dest":"n1","body":{"type":"init","msg_id":1,...}}

The first message is init. One with "system" makes this node one process of a system, as
"paxoscommit cluster" starts it. Any other, with "participants" and "acceptors" or with
"node_id" and "node_ids", makes it a node of the course "Build Distributed Systems": it
takes paxos_commit_begin, recover_proposer, txn_begin, 3pc_prepare, benchmark and
compare_blocking, and plays everybody that init names, each with a log of its own.

Wrong input is answered with an error body, and a line on
standard error; the node goes on. It ends with its input.`

func newNodeCommand() *cobra.Command {
	var o serve.Options
	cmd := &cobra.Command{
		Use:     "node",
		Short:   "Run one node, which speaks JSON lines",
		Long:    nodeHelp,
		Example: "  paxoscommit node --data /var/lib/paxoscommit",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := notDash(o.Data); err != nil {
				return err
			}
			if o.Delay < 0 {
				return errors.New("--slow-disk must not be below 0")
			}
			signal.Ignore(syscall.SIGPIPE) // who reads no more is an error of the write
			o.Find = fuzz.FindProtocol
			o.In, o.Out, o.Err = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
			return serve.Run(context.Background(), o)
		},
	}
	cmd.Flags().StringVar(&o.Data, "data", "", "folder of the log, made if need be; without it\n"+
		"what the node promised is lost when it stops")
	cmd.Flags().BoolVar(&o.Apart, "apart", false,
		"of the course: participants and acceptors are nodes of their own")
	cmd.Flags().DurationVar(&o.Delay, "slow-disk", 0, "how much longer each sync takes")
	return cmd
}
