package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"paxoscommit/checker"
	"paxoscommit/fuzz"
	"paxoscommit/harness"

	"github.com/spf13/cobra"
)

const replayHelp = `Makes the actions of a schedule happen, one by one, and checks every step.

FILE is a schedule, such as fuzz saves one and people edit it; "-" reads standard input. What
is not enabled is skipped, and said. --step shows what each action did. --tla holds what each
transaction did against the specification BundledPaxosCommit, and writes it as a TLA+ module
that TLC can hold against it too.

Exit codes: 0 every action was taken (but for those marked ?), every milestone of a reach line
was reached, and nothing was broken; 1 a property was broken; 2 bad usage or input; 3 unknown,
because the replay did not do what the schedule says, or did nothing at all.`

func newReplayCommand() *cobra.Command {
	var step bool
	var dir string
	var mutant mutantFlags
	cmd := &cobra.Command{
		Use:     "replay FILE",
		Short:   "Make the actions of a schedule happen again",
		Long:    replayHelp,
		Example: "  paxoscommit replay --step paxoscommit-agreement-seed1-run42.schedule",
		Args:    oneFile,
		RunE: mutant.orBuild(func(cmd *cobra.Command, args []string) error {
			if err := notDash(dir); err != nil {
				return err
			}
			s, err := readSchedule(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			if err := mutant.check(s.Config.Protocol); err != nil {
				return err
			}
			return runReplay(s, step, dir, cmd.OutOrStdout())
		}),
	}
	cmd.Flags().BoolVar(&step, "step", false, "show what each action did")
	cmd.Flags().StringVar(&dir, "tla", "",
		"folder for a TLA+ module of each transaction, and those that it needs")
	mutant.add(cmd)
	return cmd
}

// readSchedule reads a file, or standard input for "-". Errors name the line.
func readSchedule(file string, stdin io.Reader) (*harness.Schedule, error) {
	f, err := openInput(file, stdin)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if file == "-" {
		file = "standard input"
	}
	return harness.ParseSchedule(file, f, fuzz.Protocols())
}

func runReplay(s *harness.Schedule, step bool, dir string, stdout io.Writer) error {
	out := bufio.NewWriter(stdout)
	var observe func(*harness.Step)
	if step {
		observe = stepWriter(out)
	}
	r := harness.ReplaySteps(s, observe)
	if step {
		fmt.Fprintln(out)
	}
	var traced strings.Builder
	refined := true
	if dir != "" {
		var err error
		if refined, err = traceReplay(s, dir, &traced); err != nil {
			return err
		}
	}
	verdict := r.Verdict()
	switch {
	case verdict == checker.Violated:
		fmt.Fprintf(out, "Violated: %v\n", r)
	case !refined:
		verdict = checker.Violated
		fmt.Fprintln(out, "Violated: the run is not a behaviour of BundledPaxosCommit")
	case verdict == checker.Holds:
		fmt.Fprintln(out, "Holds: the schedule was replayed and nothing was broken")
	default:
		fmt.Fprintf(out, "Unknown: the replay did not do what the schedule says\n%v\n", r)
	}
	fmt.Fprintf(out, "\n  %-14s %d taken, %d skipped\n", "actions", len(r.Taken), len(r.Skipped))
	fmt.Fprintf(out, "  %-14s %s\n", "milestones", listMilestones(r.Reached))
	fmt.Fprint(out, traced.String())
	if err := out.Flush(); err != nil {
		return err
	}
	return verdictError(verdict)
}

// stepWriter writes each step in two columns: its number, as violations give it, and what it did.
func stepWriter(w io.Writer) func(*harness.Step) {
	n := 0
	return func(s *harness.Step) {
		number := "-"
		if s.Taken {
			number = fmt.Sprint(n)
			n++
		}
		fmt.Fprintf(w, "%4s  %s\n", number, strings.ReplaceAll(s.String(), "\n", "\n      "))
	}
}

func listMilestones(reached checker.Milestones) string {
	var names []string
	for m := checker.SawCommit; int(m) < checker.NumMilestones; m++ {
		if reached.Has(m) {
			names = append(names, m.String())
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
