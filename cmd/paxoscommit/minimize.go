package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"paxoscommit/harness"
)

// defaultReplays keeps minimising to about a second.
const defaultReplays = 20_000

const minimizeHelp = `Makes the schedule of a violation short: the same property must break.

FILE is a schedule, such as fuzz saves one; "-" reads standard input. First actions go, until
none can be left out; then faults, processes and transactions. The result is the same on
every machine.

Exit codes: 0 done; 2 bad usage or input, or a schedule that breaks nothing.`

// minimizeFlags are the flags of the sub-command.
type minimizeFlags struct {
	budget int
	out    string
}

func newMinimizeCommand() *cobra.Command {
	var flags minimizeFlags
	cmd := &cobra.Command{
		Use:     "minimize FILE",
		Short:   "Make the schedule of a violation short",
		Long:    minimizeHelp,
		Example: "  paxoscommit minimize run42.schedule > short.schedule",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runMinimize(args[0], &flags, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	set := cmd.Flags()
	set.SortFlags = false
	set.IntVar(&flags.budget, "budget", defaultReplays, "the most replays")
	set.StringVar(&flags.out, "out", "", "write to this file")
	return cmd
}

func runMinimize(file string, f *minimizeFlags, stdin io.Reader, stdout io.Writer) error {
	if f.budget < 1 {
		return fmt.Errorf("--budget must be above 0, not %d", f.budget)
	}
	s, err := readSchedule(file, stdin)
	if err != nil {
		return err
	}
	if harness.Replay(s).Violation == nil {
		return fmt.Errorf("%s: breaks nothing: there is nothing to minimise", file)
	}
	minimal, _ := harness.Minimize(s, f.budget)
	text := minimal.AppendText(nil)
	if f.out != "" {
		return os.WriteFile(f.out, text, 0o666)
	}
	_, err = stdout.Write(text)
	return err
}
