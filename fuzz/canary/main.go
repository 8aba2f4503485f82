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
// control is accused, and of --explore if a schedule is too long or exploration is blind to what it
// shows; with 2 for bad usage, or if a diff no longer applies or does not build.
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
	only, native      []mutants.Mutant
	runs, controlRuns uint64
	seed              uint64
	json, explore     bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run does what the arguments say, and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stdout)
	if err == nil {
		err = hunt(ctx, o, stdout)
	}
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errSurvived), errors.Is(err, errLonger), errors.Is(err, errBlind):
		fmt.Fprintln(stderr, err)
		return 1
	}
	fmt.Fprintln(stderr, "canary:", err)
	return 2
}

// parse reads the flags. Asked for help it prints that, and returns flag.ErrHelp.
func parse(args []string, help io.Writer) (*options, error) {
	var o options
	set := flag.NewFlagSet("canary", flag.ContinueOnError)
	set.SetOutput(io.Discard) // who is wrong gets one line
	bugs(set, &o.only, "only", "`IDs` of planted bugs, by commas; by default all")
	bugs(set, &o.native, "native", "`IDs` of planted bugs to find by go test -fuzz instead")
	number(set, &o.runs, "runs", 2_000_000, "runs within which a bug must be caught")
	number(set, &o.controlRuns, "control-runs", 200_000, "runs in which a control must stay silent")
	number(set, &o.seed, "seed", 1, "seed of every campaign")
	set.BoolVar(&o.explore, "explore", false,
		"hold each minimised schedule against the shortest in its world")
	set.BoolVar(&o.json, "json", false, "print a row a line as JSON")
	err := set.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		set.SetOutput(help)
		set.Usage()
		return nil, err
	case err != nil:
		return nil, err
	case set.NArg() > 0:
		return nil, fmt.Errorf("unexpected argument %q", set.Arg(0))
	case o.runs == 0 || o.controlRuns == 0:
		return nil, errors.New("--runs and --control-runs must be above 0")
	case o.native != nil && set.NFlag() > 1:
		return nil, errors.New("--native takes no other flag")
	case o.explore && o.json:
		return nil, errors.New("--json is not for --explore")
	}
	if o.only == nil {
		o.only, err = mutants.List()
	}
	return &o, err
}

// bugs adds a flag that reads the IDs of planted bugs.
func bugs(set *flag.FlagSet, list *[]mutants.Mutant, name, usage string) {
	set.Func(name, usage, func(text string) error {
		*list = nil
		seen := map[string]bool{}
		for id := range strings.SplitSeq(text, ",") {
			m, err := mutants.Find(strings.TrimSpace(id))
			if err != nil {
				return err
			}
			if seen[m.ID] {
				return fmt.Errorf("%s is there twice", m.ID)
			}
			seen[m.ID] = true
			*list = append(*list, m)
		}
		return nil
	})
}

// number adds a flag that reads decimal digits; package flag takes 010 for eight.
func number(set *flag.FlagSet, n *uint64, name string, byDefault uint64, usage string) {
	*n = byDefault
	set.Func(name, fmt.Sprintf("%s (default %d)", usage, byDefault), func(text string) error {
		var err error
		*n, err = strconv.ParseUint(text, 10, 64)
		return err
	})
}

// hunt hunts every bug that was asked for, and prints a row each in the order of their IDs.
func hunt(ctx context.Context, o *options, out io.Writer) error {
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
	case o.native != nil:
		return h.native(ctx, o.native, out)
	case o.explore:
		return h.explore(ctx, o.only, out)
	}
	list := o.only
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
