package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"paxoscommit/core"
	"paxoscommit/fuzz"
	"paxoscommit/harness/costs"
)

const costsHelp = `Costs runs a commit without faults and counts what it costs, for a number of
resource managers N and of tolerated faults F: 2F+1 acceptors, or 2F+1 replicas
of each role, where the protocol has such.

  messages      from node to node; not those of clients and databases, nor what
                comes after the outcome is known: acknowledgements, forgetting
  delays        the longest chain of such messages until the last resource
                manager learns the outcome
  writes        forced writes until then: not a resource manager's of the outcome
  write delays  the longest chain of such writes

Beside each count stands the formula of the literature (for Paxos Commit and
two-phase commit section 5 of the paper). Where they differ the exit code is 1;
delays are given for N >= 2 and, with acceptors or replicas, F >= 1.

Placements: apart (every role on a node of its own), leader-on-acceptor (the
leader on the node of acceptor 1; BeginCommit rides on the first phase 2a) and
co-located (acceptor i on the node of rm i, the coordinator on that of rm 1).

--json prints an object a row: protocol, placement, rms, faults, messages, delays,
writes, write_delays.`

// maxFaults is how many faults as many acceptors as there can be tolerate.
const maxFaults = (core.MaxAcceptors - 1) / 2

// costRow is a line of costs --json.
type costRow struct {
	Protocol    string `json:"protocol"`
	Placement   string `json:"placement"`
	RMs         int    `json:"rms"`
	Faults      int    `json:"faults"`
	Messages    int    `json:"messages"`
	Delays      int    `json:"delays"`
	Writes      int    `json:"writes"`
	WriteDelays int    `json:"write_delays"`
}

// costsFlags are the flags of the sub-command.
type costsFlags struct {
	protocol, placement string
	rms, faults         int
	json                bool
}

func newCostsCommand() *cobra.Command {
	var f costsFlags
	cmd := &cobra.Command{
		Use:     "costs",
		Short:   "Count the messages, writes and delays of a commit without faults",
		Long:    costsHelp,
		Example: "  paxoscommit costs --rms 5 --faults 1",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.run(cmd.OutOrStdout())
		},
	}
	set := cmd.Flags()
	set.SortFlags = false
	set.StringVar(&f.protocol, "protocol", "", strings.Join(protocolNames(), ", ")+"; all by default")
	set.StringVar(&f.placement, "placement", "",
		"apart, leader-on-acceptor or co-located; all by default")
	set.IntVar(&f.rms, "rms", 5, "resource managers")
	set.IntVar(&f.faults, "faults", 1, "faults to tolerate")
	set.BoolVar(&f.json, "json", false, "print one JSON object a row")
	return cmd
}

// chosen returns the protocols and placements that the flags name.
func (f *costsFlags) chosen() ([]core.Protocol, []costs.Placement, error) {
	if f.rms < 1 || f.rms > core.MaxRMs {
		return nil, nil, fmt.Errorf("--rms must be 1 to %d, not %d", core.MaxRMs, f.rms)
	}
	if f.faults < 0 || f.faults > maxFaults {
		return nil, nil, fmt.Errorf("--faults must be 0 to %d, not %d", maxFaults, f.faults)
	}
	protocols, placements := fuzz.Protocols(), costs.Placements()
	if f.protocol != "" {
		p, err := fuzz.FindProtocol(f.protocol)
		if err != nil {
			return nil, nil, err
		}
		protocols = []core.Protocol{p}
	}
	if f.placement != "" {
		i := slices.IndexFunc(placements, func(p costs.Placement) bool {
			return p.String() == f.placement
		})
		if i < 0 {
			return nil, nil, fmt.Errorf("unknown placement %q: "+
				"want apart, leader-on-acceptor or co-located", f.placement)
		}
		placements = placements[i : i+1]
	}
	return protocols, placements, nil
}

func (f *costsFlags) run(out io.Writer) error {
	protocols, placements, err := f.chosen()
	if err != nil {
		return err
	}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "protocol\tplacement\tmessages\t\tdelays\twrites\t\twrite delays")
	rows, differ := 0, false
	var unplaced error
	for _, p := range protocols {
		for _, at := range placements {
			c, err := costs.Count(p, mergeBegin(p), at, f.rms, f.faults)
			if errors.Is(err, costs.ErrPlacement) {
				if unplaced == nil {
					unplaced = err
				}
				continue
			}
			if err != nil {
				return err
			}
			rows++
			want := published(p.Name(), at, f.rms, f.faults)
			differ = differ || !want.agrees(c)
			if f.json {
				err = writeObject(out, costRow{
					p.Name(), at.String(), f.rms, f.faults, c.Messages, c.Delays, c.Writes,
					c.WriteDelays,
				})
				if err != nil {
					return err
				}
				continue
			}
			fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%d\t%s\t%s\n", p.Name(), at, c.Messages,
				want.messages.beside(c.Messages), want.delays.justOf(c.Delays), c.Writes,
				want.writes.beside(c.Writes), want.writeDelays.justOf(c.WriteDelays))
		}
	}
	if rows == 0 {
		return unplaced
	}
	if !f.json {
		w.Flush()
		_, err := fmt.Fprintf(out, "A commit of N = %s that tolerates F = %s:\n\n%s",
			counted(uint64(f.rms), "resource manager"), counted(uint64(f.faults), "fault"),
			table.String())
		if err != nil {
			return err
		}
	}
	if differ {
		return &exitError{code: exitViolated}
	}
	return nil
}

// mergeBegin returns the options that the paper's counts ask for.
func mergeBegin(p core.Protocol) uint32 {
	if i := slices.Index(p.Options(), "merge-begin"); i >= 0 {
		return 1 << i
	}
	return 0
}
