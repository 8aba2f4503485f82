// Command paxoscommit tests implementations of Paxos Commit and judges the histories of any system.
//
// Exit codes: 0 holds, 1 a violation was found, 2 bad usage or input, 3 unknown (a budget ran out
// before the answer, or it could not be written). An error is one line on standard error.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"paxoscommit/checker"

	"github.com/spf13/cobra"
)

// Exit codes of every sub-command.
const (
	exitHolds    = 0
	exitViolated = 1
	exitUsage    = 2
	exitUnknown  = 3
)

// An exitError ends the command with a code of its own; any other error means bad usage or input.
type exitError struct {
	code int
	err  error // Printed; nil if all has been said.
}

// Error returns what is printed.
func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

// Unwrap returns the cause.
func (e *exitError) Unwrap() error { return e.err }

// verdictError turns a verdict that was already printed into the error for its exit code.
func verdictError(v checker.Verdict) error {
	switch v {
	case checker.Holds:
		return nil
	case checker.Violated:
		return &exitError{code: exitViolated}
	default:
		return &exitError{code: exitUnknown}
	}
}

// writeObject writes the object of --json, on a line.
func writeObject(w io.Writer, object any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(object)
}

// untilInterrupted returns a context that is done at the first Ctrl-C or SIGTERM.
func untilInterrupted() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
}

// sameInterrupt is how long after an interrupt another one is the same: on a terminal a program
// with a planted bug gets it from there, and from the one that has built it.
const sameInterrupt = time.Second

// untilInterruptedTwice is untilInterrupted, but that the second interrupt ends the program: what
// heeds the first may take its time.
func untilInterruptedTwice() (context.Context, context.CancelFunc) {
	ctx, stop := untilInterrupted()
	context.AfterFunc(ctx, func() { time.AfterFunc(sameInterrupt, stop) })
	return ctx, stop
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:                "paxoscommit",
		Short:              "Paxos Commit, fuzzed and checked end to end",
		SilenceUsage:       true,
		SilenceErrors:      true,
		DisableSuggestions: true,
		CompletionOptions:  cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE: func(*cobra.Command, []string) error {
			return errors.New("a command is missing: paxoscommit help lists them")
		},
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return flagError(err) })
	root.AddCommand(newFuzzCommand(), newReplayCommand(), newMinimizeCommand(), newHistoryCommand())
	root.AddCommand(newExploreCommand(), newCensusCommand(), newCostsCommand(), newDrillCommand(),
		newNodeCommand(),
		newClusterCommand())
	root.SetHelpCommand(newHelpCommand(root))
	readStrictly(root)
	return root
}

// run executes the command line args and returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.Execute()
	if err == nil {
		return exitHolds
	}
	code := exitUsage
	var exit *exitError
	var file *fs.PathError
	switch {
	case errors.As(err, &exit):
		code = exit.code
		if exit.err == nil {
			return code
		}
	case errors.As(err, &file) && (file.Op == "write" || file.Op == "sync"):
		code = exitUnknown // such as a full disk: the answer, or what a node promised, is lost
	}
	fmt.Fprintf(stderr, "paxoscommit: %s\n", strings.ReplaceAll(err.Error(), "\n", " "))
	return code
}

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
