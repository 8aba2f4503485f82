package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"paxoscommit/checker"
	"paxoscommit/checker/mc"
	"paxoscommit/harness"
	"paxoscommit/harness/explore"

	"github.com/spf13/cobra"
)

// shortestStates keeps --shortest to a minute or two.
const shortestStates = 2_000_000

// defaultReplays keeps minimising to about a second.
const defaultReplays = 60_000

const minimizeHelp = `Makes the schedule of a violation short: the same property must break.

FILE is a schedule, such as fuzz saves one; "-" reads standard input. First actions go, until
none can be left out; then faults, processes and transactions. The result is the same on
every machine, and is printed as a schedule, or with --test as a Go test to paste, which fails
as long as the property breaks. So that the test cannot pass by skipping, it demands the actions
that are no business of the bug's, as far as they can be told. When the bug is mended, --test
writes a test of the same schedule that demands everything the mended core does.

Some shorter ways to the same failure no leaving out leads to. --shortest looks for them among all
there are: it explores the world of the result, with the same faults, breadth first. In that world
every role has a node of its own, as with fuzz --apart, and nobody is cut off.

Exit codes: 0 done; 2 bad usage or input, or a schedule that breaks nothing (with --test alone:
and has no expect line); 3 what is printed may not be the shortest: --budget came first, or with
--shortest another limit, or another property breaks sooner, or the world cannot be explored.`

// minimizeFlags are the flags of the sub-command.
type minimizeFlags struct {
	test      bool
	budget    int
	name, out string
	shortest  bool
	maxStates uint64
	mutant    mutantFlags
}

func newMinimizeCommand() *cobra.Command {
	var flags minimizeFlags
	cmd := &cobra.Command{
		Use:     "minimize FILE",
		Short:   "Make the schedule of a violation short, or a Go test of it",
		Long:    minimizeHelp,
		Example: "  paxoscommit minimize --test --name TestVote run42.schedule > vote_test.go",
		Args:    oneFile,
		RunE: flags.mutant.orBuild(func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("max-states") && !flags.shortest {
				return errors.New("--max-states needs --shortest")
			}
			return runMinimize(args[0], &flags, cmd.InOrStdin(), cmd.OutOrStdout())
		}),
	}
	set := cmd.Flags()
	set.SortFlags = false
	set.BoolVar(&flags.test, "test", false, "print a Go test")
	set.StringVar(&flags.name, "name", "", "name of the Go test; by default that of the property")
	set.IntVar(&flags.budget, "budget", defaultReplays, "the most replays")
	set.BoolVar(&flags.shortest, "shortest", false, "explore the world for a shorter one still")
	set.Uint64Var(&flags.maxStates, "max-states", shortestStates, "of --shortest: the most states")
	set.StringVar(&flags.out, "out", "", "write to this file")
	flags.mutant.add(cmd)
	return cmd
}

func runMinimize(file string, f *minimizeFlags, stdin io.Reader, stdout io.Writer) error {
	switch {
	case f.maxStates == 0:
		return errors.New("--max-states must be above 0")
	case f.budget < 1:
		return fmt.Errorf("--budget must be above 0, not %d", f.budget)
	case f.name != "" && !f.test:
		return errors.New("--name needs --test")
	case f.name != "" && !harness.IsTestName(f.name):
		return fmt.Errorf("--name must be that of a Go test, such as TestAgreement, not %q", f.name)
	}
	if f.out != "" {
		if err := canWrite(f.out); err != nil {
			return err
		}
	}
	s, err := readSchedule(file, stdin)
	if err != nil {
		return err
	}
	if err := f.mutant.check(s.Config.Protocol); err != nil {
		return err
	}
	mended := f.test && !f.shortest && s.Expect != checker.NoProperty
	if harness.Replay(s).Violation == nil && !mended {
		return fmt.Errorf("%s: breaks nothing: there is nothing to minimise", file)
	}
	minimal, replays := harness.Minimize(s, f.budget)
	var unsure error
	if replays >= f.budget {
		unsure = fmt.Errorf("%w: --budget %d came first", errUnsure, f.budget)
	}
	if f.shortest {
		minimal, unsure = shortest(minimal, f.maxStates)
		if unsure != nil && !errors.Is(unsure, errUnsure) {
			return fmt.Errorf("%s: %w", file, unsure)
		}
	}
	if err := f.write(minimal, stdout); err != nil {
		return err
	}
	if unsure != nil {
		return &exitError{exitUnknown, unsure}
	}
	return nil
}

// write writes the result, as text or as a test.
func (f *minimizeFlags) write(minimal *harness.Schedule, stdout io.Writer) error {
	text := minimal.AppendText(nil)
	if f.test {
		v := harness.Replay(minimal).Violation
		name := f.name
		if name == "" {
			name = "Test" + minimal.Expect.String()
		}
		var b bytes.Buffer
		if err := harness.WriteRegression(&b, name, minimal, v); err != nil {
			return err
		}
		text = b.Bytes()
	}
	if f.out != "" {
		return os.WriteFile(f.out, text, 0o666)
	}
	_, err := stdout.Write(text)
	return err
}

var errUnsure = errors.New("unknown: there may be a shorter schedule")

// shortest returns the shortest schedule that breaks the same property in the same world with the
// same faults, s itself if none is shorter. With errUnsure it is s, and nobody knows.
func shortest(s *harness.Schedule, maxStates uint64) (*harness.Schedule, error) {
	c, err := explore.ConfigOf(s)
	if err != nil {
		return s, fmt.Errorf("%w: %w", errUnsure, err)
	}
	c.Unreduced = true
	r, err := explore.Explore(c, mc.Options{
		Workers: 1, MaxStates: maxStates, MaxBytes: defaultMemoryMB << 20,
	})
	switch {
	case errors.Is(err, explore.ErrConfig), errors.Is(err, explore.ErrTooLarge):
		return s, fmt.Errorf("%w: %w", errUnsure, err)
	case err != nil:
		return nil, err
	case r.Schedule == nil:
		return s, fmt.Errorf("%w: nothing breaks in the first %s states", errUnsure,
			grouped(r.Distinct))
	case r.Violation.Property != s.Expect:
		return s, fmt.Errorf("%w: %v breaks sooner, with %d actions", errUnsure,
			r.Violation.Property, len(r.Schedule.Actions))
	case len(r.Schedule.Actions) < len(s.Actions):
		return r.Schedule, nil
	default:
		return s, nil
	}
}
