// Command canary shows that the checkers find bugs: it builds the paxoscommit command with each
// planted bug of package mutants, runs a seeded campaign on one core until something breaks, and
// prints what caught the bug, how soon, and how short the schedule became. Controls, which break
// nothing, must stay silent for as many runs as it takes. A campaign that takes long tells every
// few seconds on standard error how far it is.
//
//	go run ./fuzz/canary [--only A03,L09] [--runs N] [--control-runs N] [--seed S] [--json]
//	go run ./fuzz/canary --native A03,L09,R11    the same by go test -fuzz, with a fresh cache each
//	go run ./fuzz/canary --explore [--only A03]  holds minimised schedules against the shortest
//
// It exits with 1 if a bug survives, is caught by a property that its diff does not name, or a
// control is accused, and with 2 if a diff no longer applies or does not build.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"paxoscommit/checker"
	"paxoscommit/fuzz/mutants"
)

// errSurvived means that a bug was not caught, or a control was accused.
var errSurvived = errors.New("canary: a planted bug was not caught as it should be")

type options struct {
	only, native      string
	runs, controlRuns uint64
	seed              uint64
	json, explore     bool
}

func main() {
	var o options
	flag.StringVar(&o.only, "only", "", "IDs of planted bugs, by commas; all if empty")
	flag.StringVar(&o.native, "native", "", "IDs of planted bugs to find by go test -fuzz instead")
	number(&o.runs, "runs", 2_000_000, "runs within which a bug must be caught")
	number(&o.controlRuns, "control-runs", 200_000, "runs in which a control must stay silent")
	number(&o.seed, "seed", 1, "seed of every campaign")
	flag.BoolVar(&o.explore, "explore", false,
		"hold each minimised schedule against the shortest in its world")
	flag.BoolVar(&o.json, "json", false, "print a row a line as JSON")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := hunt(ctx, &o, os.Stdout)
	switch {
	case err == nil:
	case errors.Is(err, errSurvived), errors.Is(err, errLonger):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	default:
		fmt.Fprintln(os.Stderr, "canary:", err)
		os.Exit(2)
	}
}

// number adds a flag that reads decimal digits; package flag takes 010 for eight.
func number(n *uint64, name string, byDefault uint64, usage string) {
	*n = byDefault
	flag.Func(name, fmt.Sprintf("%s (default %d)", usage, byDefault), func(text string) error {
		var err error
		*n, err = strconv.ParseUint(text, 10, 64)
		return err
	})
}

// hunt hunts every bug that was asked for, and prints a row each in the order of their IDs.
func hunt(ctx context.Context, o *options, out io.Writer) error {
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	list, err := selected(cmp.Or(o.native, o.only))
	if err != nil {
		return err
	}
	root, err := mutants.Root(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "canary")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	h := &hunter{options: o, root: root, dir: dir}
	switch {
	case o.native != "":
		return h.native(ctx, list, out)
	case o.explore:
		return h.explore(ctx, list, out)
	}
	rows := make([]chan row, len(list))
	work := make(chan int, len(list))
	for i := range list {
		rows[i] = make(chan row, 1)
		work <- i
	}
	close(work)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var workers sync.WaitGroup
	defer workers.Wait()
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range work {
				rows[i] <- h.hunt(ctx, &list[i])
			}
		})
	}
	t := table{out: out, json: o.json}
	for i := range list {
		r := <-rows[i]
		if r.err != nil {
			cancel()
			return r.err
		}
		t.add(&list[i], &r)
	}
	return t.finish()
}

// selected returns the planted bugs of these IDs, all if there are none.
func selected(ids string) ([]mutants.Mutant, error) {
	if ids == "" {
		return mutants.List()
	}
	var list []mutants.Mutant
	for id := range strings.SplitSeq(ids, ",") {
		m, err := mutants.Find(strings.TrimSpace(id))
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

// table prints rows as they come, and counts.
type table struct {
	out     io.Writer
	json    bool
	bugs    []row
	silent  int // controls
	failed  []string
	started bool
}

func (t *table) add(m *mutants.Mutant, r *row) {
	switch {
	case m.Control && r.Property == "":
		r.Result = "silent"
		t.silent++
	case m.Control:
		r.Result = "ACCUSED"
	case r.Property == "":
		r.Result = "SURVIVED"
	case !slices.ContainsFunc(m.CaughtBy, func(p checker.Property) bool {
		return p.String() == r.Property
	}):
		r.Result = "OTHER"
	default:
		r.Result = "caught"
		t.bugs = append(t.bugs, *r)
	}
	if r.Result != "silent" && r.Result != "caught" {
		t.failed = append(t.failed, r.ID)
	}
	if t.json {
		text, err := json.Marshal(r)
		if err != nil {
			panic(err) // a row holds numbers and texts
		}
		fmt.Fprintf(t.out, "%s\n", text)
		return
	}
	if !t.started {
		t.started = true
		fmt.Fprintf(t.out, "%-4s %-8s %-15s %9s %8s %7s %8s %8s  %s\n", "bug", "result",
			"caught by", "runs", "seconds", "actions", "minimal", "seconds", "what is wrong")
	}
	if r.Property == "" {
		fmt.Fprintf(t.out, "%-4s %-8s %-15s %9d %8.2f %7s %8s %8s  %s\n", r.ID, r.Result, "-", r.Runs,
			r.Seconds, "-", "-", "-", r.Title)
		return
	}
	fmt.Fprintf(t.out, "%-4s %-8s %-15s %9d %8.2f %7d %8d %8.2f  %s\n", r.ID, r.Result,
		r.Property, r.Runs, r.Seconds, r.Found, r.Actions, r.MinimizeSeconds, r.Title)
}

func (t *table) finish() error {
	if !t.json && len(t.bugs) > 0 {
		fmt.Fprintf(t.out, "\n%d bugs caught, %d controls silent, %d wrong; "+
			"median %.2f s to catch, %d actions found, %d minimal\n", len(t.bugs), t.silent, len(t.failed),
			median(t.bugs, func(r row) float64 { return r.Seconds }),
			median(t.bugs, func(r row) int { return r.Found }),
			median(t.bugs, func(r row) int { return r.Actions }))
	}
	if len(t.failed) > 0 {
		return fmt.Errorf("%w: %s", errSurvived, strings.Join(t.failed, " "))
	}
	return nil
}

func median[T cmp.Ordered](rows []row, value func(row) T) T {
	var all []T
	for _, r := range rows {
		all = append(all, value(r))
	}
	slices.Sort(all)
	return all[len(all)/2]
}
