package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"paxoscommit/core"
	"paxoscommit/fuzz/mutants"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// mutantFlags have a sub-command run by this program as it is with a planted bug.
type mutantFlags struct {
	build   string // the bug to build with
	planted string // the bug that this program was built with; who built it says so
	title   string // what that does wrong
}

func (m *mutantFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&m.build, "mutant", "",
		"build this program with a planted bug, such as A03, and\n"+
			"run that; needs Go and the module's sources")
	cmd.Flags().StringVar(&m.planted, "planted", "", "")
	if err := cmd.Flags().MarkHidden("planted"); err != nil {
		panic(err) // it was added above
	}
}

type runE = func(cmd *cobra.Command, args []string) error

// orBuild returns run, unless a bug is to be planted: then the program with the bug runs it.
func (m *mutantFlags) orBuild(run runE) runE {
	return func(cmd *cobra.Command, args []string) error {
		if !cmd.Flags().Changed("mutant") {
			return run(cmd, args)
		}
		bug, err := mutants.Find(m.build)
		if err != nil {
			return err
		}
		return runPlanted(&bug, cmd, args)
	}
}

// check refuses a protocol that never runs what the planted bug is in: it holds whatever the bug.
func (m *mutantFlags) check(p core.Protocol) error {
	if m.planted == "" {
		return nil
	}
	bug, err := mutants.Find(m.planted)
	switch {
	case err != nil:
		return err
	case !bug.IsIn(p):
		return fmt.Errorf("planted bug %s is in %s, which %s never runs: it is planted for %s",
			bug.ID, bug.File, p.Name(), bug.Protocol)
	}
	m.title = bug.Title
	return nil
}

// writeRow names the planted bug, if there is one, and says so when it was not seen.
func (m *mutantFlags) writeRow(b *bytes.Buffer, seen bool) {
	title := m.title
	if !seen {
		title += ": not seen"
	}
	if m.planted != "" {
		row(b, "planted bug", "%s, %s", m.planted, title)
	}
}

// writeNext says what to do with the schedule of a violation.
func (m *mutantFlags) writeNext(b *bytes.Buffer, file string) {
	with := ""
	if m.planted != "" {
		with = "--mutant " + m.planted + " "
	}
	fmt.Fprintf(b, "\nSaved in %s; what to type next:\n", file)
	program, file := asWord(os.Args[0]), asWord(file)
	fmt.Fprintf(b, "  %s replay --step %s%s\n", program, with, file)
	fmt.Fprintf(b, "  %s minimize --test %s%s\n", program, with, file)
}

// asWord quotes the name of a file that a shell would not take for one word.
func asWord(name string) string {
	if !strings.ContainsAny(name, " \t\n\"'`$&|;<>()*?[]{}#~!\\") {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}

// runPlanted builds this program with a bug and has it do what this one was asked to.
func runPlanted(bug *mutants.Mutant, cmd *cobra.Command, args []string) error {
	ctx, stop := untilInterrupted()
	defer stop()
	root, err := mutants.Root(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "paxoscommit-mutant-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program, err := bug.Build(ctx, root, dir, "./cmd/paxoscommit")
	switch {
	case ctx.Err() != nil:
		return &exitError{exitUnknown, errors.New("unknown: interrupted before the first run")}
	case err != nil:
		return err
	}
	child := exec.CommandContext(ctx, program, plantedArgs(bug, cmd, args)...)
	child.Args[0] = os.Args[0] // the commands that it tells people to type begin with it
	child.Cancel = func() error { return child.Process.Signal(os.Interrupt) }
	child.Stdin, child.Stdout, child.Stderr = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
	err = child.Run()
	switch code := child.ProcessState.ExitCode(); {
	case code == exitHolds:
		return nil
	case code > exitHolds:
		return &exitError{code: code}
	default: // it did not start, or died of a signal
		return &exitError{exitUnknown, fmt.Errorf("unknown: planted bug %s: %w", bug.ID, err)}
	}
}

// plantedArgs is the command line that was given, for the program with the bug. What the bug needs
// is added where nobody has said otherwise, on the line or by a file with a world.
func plantedArgs(bug *mutants.Mutant, cmd *cobra.Command, args []string) []string {
	list, set := []string{cmd.Name(), "--planted=" + bug.ID}, cmd.Flags()
	needs := append([]string{"--protocol", bug.Protocol}, bug.With...)
	for i := 0; i+1 < len(needs); i += 2 {
		f := set.Lookup(strings.TrimPrefix(needs[i], "--"))
		if f == nil || f.Changed || f.Value.Type() == "bool" || set.Changed("world-of") ||
			set.Changed("coverage-of") {
			continue
		}
		list = append(list, needs[i]+"="+needs[i+1])
	}
	set.Visit(func(f *pflag.Flag) {
		if f.Name != "mutant" {
			list = append(list, "--"+f.Name+"="+f.Value.String())
		}
	})
	return append(append(list, "--"), args...)
}
