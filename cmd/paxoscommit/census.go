package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"paxoscommit/checker/mc"
	"paxoscommit/core"
	"paxoscommit/harness"
	"paxoscommit/harness/explore"
)

const censusHelp = `Counts, by visiting every reachable state of a small world, how often a protocol
blocks when one process dies for good, or a partition never ends. The world is
that of explore, with two resource managers, two leaders and F = 1; of it there
is at most one failure, at any moment.

  states   all that can be reached, those before the failure included
  blocked  after the failure a resource manager that lives and is prepared learns
           no outcome, even if all that is in flight arrives, and then everything
           goes on fairly, with all time-outs, but without who is dead
  cut off  the same of those on the far side of a partition
  split    one resource manager has committed and another has aborted

In the asynchronous timing messages are lost and repeated at will, and whoever
waits may stop at any moment; in the synchronous one nothing is lost but what a
process was saying when it died, and whoever stops waiting is right to. How often
somebody stops waiting before the state that is judged, --takeovers limits: 3,
with acceptors or replicas 1, but 0 with acceptors in the asynchronous timing, and
with replicas of more than one resource manager.

--save writes a shortest schedule for each row that counts something: one that
splits, that blocks after a death, or that goes on fairly in a partition.

--json prints an object a row: protocol, option (that is on), timing, world,
failure, complete, states, as far as they are known blocked, cut_off, split, and
schedule (the file, with --save).

Exit codes: 0 nothing is blocked but what is cut off, and nothing splits; 1 if
not; 2 bad usage; 3 unknown, because a limit came first.`

// censusFlags are the flags of the sub-command.
type censusFlags struct {
	protocol, timing string
	rms              int
	takeovers        int
	workers          int
	maxStates        uint64
	maxMemoryMB      uint64
	save             string
	json             bool
}

func newCensusCommand() *cobra.Command {
	var f censusFlags
	cmd := &cobra.Command{
		Use:     "census",
		Short:   "Count the states in which a protocol blocks, or splits",
		Long:    censusHelp,
		Example: "  paxoscommit census --protocol 2pc",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.run(cmd)
		},
	}
	set := cmd.Flags()
	set.SortFlags = false
	set.StringVar(&f.protocol, "protocol", "", strings.Join(protocolNames(), ", ")+"; all by default")
	set.StringVar(&f.timing, "timing", "", "synchronous or asynchronous; both by default")
	set.IntVar(&f.rms, "rms", 2, "resource managers, or as many as fit")
	set.IntVar(&f.takeovers, "takeovers", 0, "time-outs by which somebody waits no longer; as above")
	set.IntVar(&f.workers, "workers", runtime.GOMAXPROCS(0), "states expanded at a time")
	set.Uint64Var(&f.maxStates, "max-states", 0, "stop a world after so many states; 0: 3 * 2^30")
	set.Uint64Var(&f.maxMemoryMB, "max-memory", defaultMemoryMB, "stop at so many MB; 0: no limit")
	set.StringVar(&f.save, "save", "", "directory for the schedules that show what is counted")
	set.BoolVar(&f.json, "json", false, "print one JSON object a row")
	return cmd
}

// chosen returns the rule sets and timings that the flags name.
func (f *censusFlags) chosen() ([]ruleSet, []harness.Timing, error) {
	timings := []harness.Timing{harness.Synchronous, harness.Asynchronous}
	if f.timing != "" {
		i := slices.IndexFunc(timings, func(t harness.Timing) bool { return t.String() == f.timing })
		if i < 0 {
			return nil, nil, fmt.Errorf("unknown timing %q: want synchronous or asynchronous",
				f.timing)
		}
		timings = timings[i : i+1]
	}
	rules := slices.DeleteFunc(ruleSets(), func(r ruleSet) bool {
		return f.protocol != "" && r.protocol.Name() != f.protocol
	})
	switch {
	case len(rules) == 0:
		return nil, nil, fmt.Errorf("no protocol is called %q; there are %s", f.protocol,
			strings.Join(protocolNames(), ", "))
	case f.rms < 1 || f.rms > core.MaxRMs:
		return nil, nil, fmt.Errorf("--rms must be 1 to %d, not %d", core.MaxRMs, f.rms)
	case f.takeovers < 0 || f.takeovers > maxBudget:
		return nil, nil, fmt.Errorf("--takeovers must be 0 to %d, not %d", maxBudget, f.takeovers)
	case f.workers < 1 || f.workers > maxWorkers:
		return nil, nil, fmt.Errorf("--workers must be 1 to %d, not %d", maxWorkers, f.workers)
	case f.maxMemoryMB > maxMemoryMB:
		return nil, nil, fmt.Errorf("--max-memory must be 0 to %d, not %d", maxMemoryMB, f.maxMemoryMB)
	}
	return rules, timings, nil
}

// world returns the world of some rules, with as many resource managers as fit.
func (f *censusFlags) world(
	rules ruleSet, t harness.Timing, takeovers bool,
) (c *explore.Config, z explore.Size, err error) {
	least, most := rules.protocol.Limits()
	sizes := core.Sizes{RMs: f.rms, Acceptors: 3, Leaders: 2, Replicas: 3}
	sizes = sizes.Clamp(least, most)
	z = explore.Size{Acceptors: sizes.Acceptors, Leaders: sizes.Leaders, Replicas: sizes.Replicas}
	switch {
	case takeovers:
		z.Takeovers = f.takeovers
	case z.Acceptors > 0 && t == harness.Asynchronous, z.Replicas > 0 && sizes.RMs > 1:
		// else it takes minutes
	case z.Acceptors > 0 || z.Replicas > 0:
		z.Takeovers = 1
	default:
		z.Takeovers = 3 // so many make 3pc split: one who decides, and one who takes two for dead
	}
	for z.RMs = sizes.RMs; ; z.RMs-- {
		c, err = explore.NewConfig(rules.protocol, z)
		if z.RMs == 1 || !errors.Is(err, explore.ErrTooLarge) {
			break
		}
	}
	if err == nil {
		c.Timing, c.Layout.Options = t, rules.options
	}
	return c, z, err
}

// censusFailures returns what may go wrong: one process of each kind dies; the last resource
// manager is cut off, or a minority.
func censusFailures(l *core.Layout) []explore.Failure {
	last := l.ReplicaOf(core.Role{Kind: core.RM, ID: uint8(l.RMs)}, 0)
	fs := []explore.Failure{{Dies: l.Coordinator(0)}}
	if l.Acceptors > 0 {
		fs = append(fs, explore.Failure{Dies: core.Role{Kind: core.Acceptor, ID: 1}})
	}
	fs = append(fs, explore.Failure{Dies: last})
	var alone, minority []core.Role
	for _, r := range l.AppendRoles(nil) {
		if (r.Kind == core.RM || r.Kind == core.Resource) && r.ID == last.ID {
			alone = append(alone, r)
		}
		if l.Acceptors > 0 && int(r.ID) == l.Count(r.Kind) ||
			l.Replicas > 0 && int(r.Replica) == l.Replicas {
			minority = append(minority, r)
		}
	}
	if l.RMs > 1 {
		fs = append(fs, explore.Failure{Cut: alone})
	}
	if len(minority) > 0 {
		fs = append(fs, explore.Failure{Cut: minority})
	}
	return fs
}

func (f *censusFlags) run(cmd *cobra.Command) error {
	rules, timings, err := f.chosen()
	if err != nil {
		return err
	}
	ctx, stop := untilInterruptedTwice()
	defer stop()
	line := newExploreProgress(cmd.ErrOrStderr())
	o := mc.Options{
		Workers: f.workers, MaxStates: f.maxStates, MaxBytes: f.maxMemoryMB << 20,
		Progress: func(p mc.Progress) bool {
			line.show(p)
			return ctx.Err() != nil
		},
	}
	if err := makeDir(f.save); err != nil {
		return err
	}
	out := bufio.NewWriter(cmd.OutOrStdout())
	w := censusWriter{out: out, json: f.json, save: f.save, limits: o}
	w.limits.Progress = func(mc.Progress) bool { return ctx.Err() != nil }
	for _, r := range rules {
		for _, t := range timings {
			c, z, err := f.world(r, t, cmd.Flags().Changed("takeovers"))
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			found, err := explore.TakeCensus(c, censusFailures(&c.Layout), o)
			line.clear()
			if err != nil && !errors.Is(err, explore.ErrTooLarge) {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			err = w.write(r, c, z, found)
			if err := cmp.Or(err, out.Flush()); err != nil {
				return err
			}
			if ctx.Err() != nil {
				return &exitError{exitUnknown, errors.New("unknown: interrupted")}
			}
		}
	}
	switch {
	case w.bad:
		return &exitError{code: exitViolated}
	case w.unknown:
		return &exitError{exitUnknown, errors.New("unknown: not every world was visited to its end")}
	}
	return nil
}

// censusWriter writes what censuses have found.
type censusWriter struct {
	out          io.Writer
	json         bool
	save         string     // directory of the examples; none if it is empty
	limits       mc.Options // of the search for one
	bad, unknown bool
}

// censusRow is a line of census --json. What is not known is left out.
type censusRow struct {
	Protocol string  `json:"protocol"`
	Option   string  `json:"option,omitempty"`
	Timing   string  `json:"timing"`
	World    string  `json:"world"`
	Failure  string  `json:"failure"`
	Complete bool    `json:"complete"`
	States   uint64  `json:"states"` // that were visited
	Blocked  *uint64 `json:"blocked,omitempty"`
	CutOff   *uint64 `json:"cut_off,omitempty"`
	Split    *uint64 `json:"split,omitempty"`
	Schedule string  `json:"schedule,omitempty"`
}

// write writes a row for each failure; found is nil if the world is too large.
func (w *censusWriter) write(
	rules ruleSet, c *explore.Config, z explore.Size, found *explore.Census,
) error {
	if !w.json {
		fmt.Fprintf(w.out, "%s, %v: %v\n", rules.name, c.Timing, z)
		fmt.Fprintf(w.out, "  %-31s%11s%10s%10s%10s\n", "", "states", "blocked", "cut off", "split")
	}
	for i, f := range censusFailures(&c.Layout) {
		row := censusRow{
			Protocol: rules.protocol.Name(), Option: rules.option, Timing: c.Timing.String(),
			World: z.String(), Failure: f.String(),
		}
		if found != nil {
			row.fill(found, i)
		}
		if err := w.saveExample(&row, c, f); err != nil {
			return err
		}
		w.bad = w.bad || isPositive(row.Blocked) || isPositive(row.Split)
		w.unknown = w.unknown || !row.Complete
		if w.json {
			if err := writeObject(w.out, row); err != nil {
				return err
			}
			continue
		}
		cutOff := "-"
		if len(f.Cut) > 0 {
			cutOff = knownOr(row.CutOff)
		}
		line := fmt.Sprintf("  %-31s%11s%10s%10s%10s  %s", f, row.visited(), knownOr(row.Blocked),
			cutOff, knownOr(row.Split), row.Schedule)
		fmt.Fprintln(w.out, strings.TrimRight(line, " "))
	}
	if !w.json {
		fmt.Fprintln(w.out)
	}
	return nil
}

// saveExample saves a schedule that shows what a row counts, if that is asked for and there is one.
func (w *censusWriter) saveExample(row *censusRow, c *explore.Config, f explore.Failure) error {
	if w.save == "" || !isPositive(row.Blocked) && !isPositive(row.CutOff) && !isPositive(row.Split) {
		return nil
	}
	s, err := explore.Example(c, f, w.limits)
	if s == nil {
		return err
	}
	words := []string{row.Protocol, row.Option, row.Timing, row.Failure}
	base := strings.Join(slices.DeleteFunc(words, func(s string) bool { return s == "" }), "-")
	row.Schedule = filepath.Join(w.save, strings.ReplaceAll(base, " ", "-")+".schedule")
	return os.WriteFile(row.Schedule, s.AppendText(nil), 0o644)
}

// fill takes the numbers of a failure. What was found is there in a census that was cut short too;
// that there is nothing is known at its end only.
func (r *censusRow) fill(c *explore.Census, i int) {
	if len(c.Rows) == 0 {
		return
	}
	row := &c.Rows[i]
	r.Complete, r.States = c.Complete, c.Healthy.States+row.States
	known := func(n uint64) *uint64 {
		if n == 0 && !c.Complete {
			return nil
		}
		return &n
	}
	r.Blocked, r.Split = known(row.Blocked[0]), known(row.Split+c.Healthy.Split)
	if len(row.Failure.Cut) > 0 {
		r.CutOff = known(row.Blocked[1])
	}
}

// visited is the number of states, and whether there are more.
func (r *censusRow) visited() string {
	if r.Complete {
		return grouped(r.States)
	}
	return ">" + grouped(r.States)
}

func isPositive(n *uint64) bool { return n != nil && *n > 0 }

func knownOr(n *uint64) string {
	if n == nil {
		return "unknown"
	}
	return grouped(*n)
}
