package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"paxoscommit/checker"
	"paxoscommit/node/cluster"

	"github.com/spf13/cobra"
)

// runForeign tests the program of --bin.
func runForeign(cmd *cobra.Command, f *clusterFlags) error {
	for _, name := range []string{
		"protocol", "options", "rms", "acceptors", "leaders", "clients", "round", "faults",
		"slow-disk",
	} {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--bin and --%s exclude each other", name)
		}
	}
	switch {
	case f.mutant.planted != "":
		return errors.New("--bin and --mutant exclude each other")
	case f.config.For <= 0:
		return errors.New("--for must be above 0")
	case strings.TrimSpace(f.bin) == "":
		return errors.New("--bin must be a program and its arguments")
	}
	dir, err := os.MkdirTemp("", "paxoscommit-cluster-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ctx, stop := untilInterrupted()
	defer stop()
	c := cluster.ForeignConfig{
		Command: command(f.bin), Restarts: f.restarts, Seed: f.config.Seed,
		For: f.config.For, Dir: dir, Stderr: io.Discard,
	}
	if f.verbose {
		c.Stderr = cmd.ErrOrStderr()
	}
	report, err := cluster.RunForeign(ctx, c)
	if err != nil {
		return err
	}
	if f.json {
		err = writeObject(cmd.OutOrStdout(), newForeignResult(report))
	} else {
		err = writeForeign(cmd.OutOrStdout(), f, report)
	}
	return errors.Join(err, verdictError(report.Verdict))
}

// command splits a command line at blanks. What is a file here is named so that it can be found
// from elsewhere: the program runs in a folder of its own.
func command(line string) []string {
	list := strings.Fields(line)
	for i, word := range list {
		if info, err := os.Stat(word); err != nil || info.IsDir() {
			continue
		}
		if path, err := filepath.Abs(word); err == nil {
			list[i] = path
		}
	}
	return list
}

// foreignResult is the object of --json.
type foreignResult struct {
	Verdict   string   `json:"verdict"`
	Reason    string   `json:"reason,omitempty"`
	Property  string   `json:"property,omitempty"`
	Detail    string   `json:"detail,omitempty"`
	Talk      []string `json:"talk,omitempty"`
	Games     int      `json:"games"`
	Requests  int      `json:"requests"`
	Kills     int      `json:"kills"`
	Txns      int      `json:"transactions"`
	Committed int      `json:"committed"`
	Aborted   int      `json:"aborted"`
	Seconds   float64  `json:"seconds"`
}

func newForeignResult(r *cluster.ForeignReport) foreignResult {
	f := foreignResult{
		Verdict: r.Verdict.String(), Reason: r.Reason, Talk: r.Talk, Games: r.Games,
		Requests: r.Requests, Kills: r.Kills, Txns: r.Txns, Committed: r.Committed,
		Aborted: r.Aborted, Seconds: r.Elapsed.Seconds(),
	}
	if r.Violation != nil {
		f.Property, f.Detail = r.Violation.Property.String(), r.Violation.Detail
	}
	return f
}

// lastTalk is how many lines of the talk with a wrong program are printed.
const lastTalk = 12

func writeForeign(out io.Writer, f *clusterFlags, r *cluster.ForeignReport) error {
	c := newForeignResult(r)
	headline := "Holds: nothing wrong was seen"
	switch r.Verdict {
	case checker.Violated:
		talk := r.Talk[max(0, len(r.Talk)-lastTalk):]
		headline = fmt.Sprintf("Violated: %s\n\n  %s\n\n  the last lines to (>) and from (<) it:\n  %s",
			c.Property, c.Detail, strings.Join(talk, "\n  "))
	case checker.Unknown:
		headline = "Unknown: " + c.Reason
	default:
	}
	_, err := fmt.Fprintf(out, `%s

  program        %s
  seed           %d
  as acceptor    %s, %s, %s
  as coordinator %s: %s committed, %s aborted
  seconds        %.1f
`, headline, f.bin, f.config.Seed, counted(uint64(c.Games), "game"),
		counted(uint64(c.Requests), "request"), counted(uint64(c.Kills), "kill"),
		counted(uint64(c.Txns), "transaction"), grouped(uint64(c.Committed)),
		grouped(uint64(c.Aborted)), c.Seconds)
	return err
}
