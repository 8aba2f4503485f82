package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/token"
	"io"
	"os"
	"strings"

	"paxoscommit/checker"
	"paxoscommit/harness"

	"github.com/spf13/cobra"
)

// defaultReplays keeps minimising to about a second.
const defaultReplays = 60_000

const minimizeHelp = `Makes the schedule of a violation short: the same property must break.

FILE is a schedule, such as fuzz saves one; "-" reads standard input. First actions go, until
none can be left out; then faults, processes and transactions. The result is the same on
every machine, and is printed as a schedule, or with --test as a Go test to paste, which fails
as long as the property breaks. So that the test cannot pass by skipping, it demands the actions
that are no business of the bug's, as far as they can be told. When the bug is mended, --test
writes a test of the same schedule that demands everything the mended core does.

Exit codes: 0 done; 2 bad usage or input, or a schedule that breaks nothing (with --test: and
has no expect line).`

// minimizeFlags are the flags of the sub-command.
type minimizeFlags struct {
	test      bool
	budget    int
	name, out string
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
			return runMinimize(args[0], &flags, cmd.InOrStdin(), cmd.OutOrStdout())
		}),
	}
	set := cmd.Flags()
	set.SortFlags = false
	set.BoolVar(&flags.test, "test", false, "print a Go test")
	set.StringVar(&flags.name, "name", "", "name of the Go test; by default that of the property")
	set.IntVar(&flags.budget, "budget", defaultReplays, "the most replays")
	set.StringVar(&flags.out, "out", "", "write to this file")
	flags.mutant.add(cmd)
	return cmd
}

func runMinimize(file string, f *minimizeFlags, stdin io.Reader, stdout io.Writer) error {
	switch {
	case f.budget < 1:
		return fmt.Errorf("--budget must be above 0, not %d", f.budget)
	case f.name != "" && !f.test:
		return errors.New("--name needs --test")
	case f.name != "" && !isTestName(f.name):
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
	if harness.Replay(s).Violation == nil && (!f.test || s.Expect == checker.NoProperty) {
		return fmt.Errorf("%s: breaks nothing: there is nothing to minimise", file)
	}
	minimal, _ := harness.Minimize(s, f.budget)
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
	_, err = stdout.Write(text)
	return err
}

// isTestName tells whether go test runs a function of that name.
func isTestName(name string) bool {
	rest, found := strings.CutPrefix(name, "Test")
	return found && token.IsIdentifier(name) && (rest == "" || rest[0] < 'a' || rest[0] > 'z')
}
