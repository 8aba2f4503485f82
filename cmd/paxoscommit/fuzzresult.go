package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/fuzz"
	"paxoscommit/harness"
)

// enoughRuns is how many runs a campaign has before an unreached milestone is worth a warning.
const enoughRuns = 10_000

// fuzzResult is what there is to say of a campaign that has ended.
type fuzzResult struct {
	flags       *fuzzFlags
	report      *fuzz.Report
	interrupted bool

	// Of a violation.
	minimal   *harness.Schedule
	violation *checker.Violation // of the minimal schedule
	replays   int
	took      time.Duration
	file      string // where the schedule was saved; empty if it could not be
}

func newFuzzResult(f *fuzzFlags, r *fuzz.Report) *fuzzResult {
	return &fuzzResult{flags: f, report: r}
}

// minimize makes the schedule of a violation as short as it can be and saves it. The error is that
// of the file.
func (r *fuzzResult) minimize() error {
	f := r.report.Failure
	if f == nil {
		return nil
	}
	start := time.Now()
	r.minimal, r.replays = harness.Minimize(f.Schedule, defaultReplays)
	r.took = time.Since(start)
	r.violation = &f.Violation
	if v := harness.Replay(r.minimal).Violation; v != nil {
		r.violation = v
	}
	file := r.flags.save
	if file == "" {
		file = fmt.Sprintf("./paxoscommit-%s-seed%d-run%d.schedule",
			strings.ToLower(r.violation.Property.String()), r.report.Seed, f.Run)
	}
	if err := os.WriteFile(file, r.minimal.AppendText(nil), 0o666); err != nil {
		return err
	}
	r.file = file
	return nil
}

// exit returns the error for the exit code of the campaign; err is what went wrong in saying so.
func (r *fuzzResult) exit(err error) error {
	verdict := r.report.Verdict()
	switch {
	case verdict == checker.Violated:
		return &exitError{exitViolated, err}
	case err != nil:
		return err
	case r.interrupted:
		err = fmt.Errorf("unknown: interrupted after %s", counted(r.report.Runs, "run"))
	case r.report.Runs == 0:
		err = errors.New("unknown: there was no time for a run")
	case verdict == checker.Unknown:
		err = fmt.Errorf("unknown: %s could not be judged within the budget",
			counted(r.report.Unknown, "run"))
	default:
		return nil
	}
	return &exitError{exitUnknown, err}
}

// fuzzJSON is the object of --json.
type fuzzJSON struct {
	Verdict       string  `json:"verdict"`
	Runs          uint64  `json:"runs"`
	Steps         uint64  `json:"steps"`
	Violations    uint64  `json:"violations"`
	Unknown       uint64  `json:"unknown"`
	Seed          uint64  `json:"seed"`
	First         uint64  `json:"first"`
	RunsPerSecond uint64  `json:"runs_per_second"`
	Seconds       float64 `json:"seconds"`
	Digest        string  `json:"digest,omitempty"`

	Protocol   string            `json:"protocol"`
	Planted    string            `json:"planted,omitempty"`
	Drawn      *fuzzDrawn        `json:"drawn,omitempty"`
	Milestones map[string]uint64 `json:"milestones"` // in how many runs

	Coverage *coverageJSON `json:"coverage,omitempty"`

	// Of a violation.
	Property string  `json:"property,omitempty"`
	Run      *uint64 `json:"run,omitempty"`
	Detail   string  `json:"detail,omitempty"`
	Found    int     `json:"actions_found,omitempty"` // before minimising
	Actions  int     `json:"actions,omitempty"`
	Replays  int     `json:"replays,omitempty"`          // of the minimiser
	Took     float64 `json:"minimize_seconds,omitempty"` // and how long they took
	Schedule string  `json:"schedule,omitempty"`         // the minimised one, as text
	File     string  `json:"file,omitempty"`
}

// fuzzDrawn is what the configurations of the runs are drawn from.
type fuzzDrawn struct {
	RMs        []int    `json:"rms"`
	Acceptors  []int    `json:"acceptors"`
	Leaders    []int    `json:"leaders"`
	Registrars []int    `json:"registrars"`
	Replicas   []int    `json:"replicas"`
	Apart      bool     `json:"apart"`
	Timing     string   `json:"timing"`
	Faults     []string `json:"faults"`
	Options    []string `json:"options"`
}

// newFuzzDrawn returns nil under --coverage-of: all runs are of one world.
func newFuzzDrawn(f *fuzzFlags) *fuzzDrawn {
	o := &f.campaign.Options
	if o.Coverage != nil {
		return nil
	}
	d := &fuzzDrawn{Timing: f.timing, Faults: []string{}, Options: o.Protocol.Options()}
	drawn := o.Drawn()
	d.RMs, d.Acceptors, d.Leaders = drawn.RMs, drawn.Acceptors, drawn.Leaders
	d.Registrars, d.Replicas, d.Apart = drawn.Registrars, drawn.Replicas, o.Apart
	faults := o.Faults
	if o.Synchronous {
		faults &^= fuzz.Crashes
	}
	for i, name := range faultNames() {
		if faults&(1<<i) != 0 {
			d.Faults = append(d.Faults, name)
		}
	}
	return d
}

// coverageJSON is how much of a world a campaign has visited.
type coverageJSON struct {
	World              string  `json:"world"`
	States             int     `json:"states"`
	OfStates           int     `json:"of_states"`
	StatesPercent      float64 `json:"states_percent"`
	Transitions        uint64  `json:"transitions"`
	OfTransitions      uint64  `json:"of_transitions"`
	TransitionsPercent float64 `json:"transitions_percent"`
}

// coverage returns nil without --coverage-of.
func (r *fuzzResult) coverage() *coverageJSON {
	c := r.flags.campaign.Coverage
	if c == nil {
		return nil
	}
	space := c.Space()
	states, transitions := c.Visited()
	return &coverageJSON{
		World:  space.Protocol.Name() + " " + space.Size.String(),
		States: states, OfStates: space.States(),
		StatesPercent: 100 * float64(states) / float64(space.States()),
		Transitions:   transitions, OfTransitions: space.Transitions,
		TransitionsPercent: 100 * float64(transitions) / float64(max(space.Transitions, 1)),
	}
}

func (r *fuzzResult) writeJSON(w io.Writer) error {
	p := r.report
	o := fuzzJSON{
		Verdict: p.Verdict().String(), Runs: p.Runs, Steps: p.Steps, Violations: p.Violations,
		Unknown: p.Unknown, Seed: p.Seed, First: p.First,
		RunsPerSecond: perSecond(p.Runs, p.Elapsed), Seconds: p.Elapsed.Seconds(),
		Protocol: r.flags.campaign.Protocol.Name(), Planted: r.flags.mutant.planted,
		Drawn: newFuzzDrawn(r.flags), Milestones: map[string]uint64{},
	}
	for m := checker.SawCommit; int(m) < checker.NumMilestones; m++ {
		o.Milestones[m.String()] = p.Reached[m]
	}
	if r.interrupted {
		o.Verdict = checker.Unknown.String()
	}
	o.Coverage = r.coverage()
	if p.HasDigest {
		o.Digest = fmt.Sprintf("%016x", p.Digest)
	}
	if f := p.Failure; f != nil {
		o.Property, o.Run, o.Detail = r.violation.Property.String(), &f.Run, r.violation.Detail
		o.Found, o.Actions = len(f.Schedule.Actions), len(r.minimal.Actions)
		o.Replays, o.Took = r.replays, r.took.Seconds()
		o.Schedule, o.File = r.minimal.String(), r.file
	}
	return writeObject(w, o)
}

func (r *fuzzResult) writeText(w io.Writer) error {
	var b bytes.Buffer
	verdict := r.report.Verdict()
	switch {
	case verdict == checker.Violated:
		r.writeFailure(&b)
	case verdict == checker.Unknown || r.interrupted:
		fmt.Fprintf(&b, "Unknown: no violation in the %s that could be judged\n\n",
			counted(r.report.Runs-r.report.Unknown, "run"))
	default:
		fmt.Fprintf(&b, "Holds: no violation in %s\n\n", counted(r.report.Runs, "run"))
	}
	r.writeFigures(&b)
	if verdict != checker.Violated || r.flags.campaign.KeepGoing {
		r.writeMilestones(&b)
	}
	if verdict == checker.Violated {
		r.writeSchedule(&b)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// row writes a line of two columns.
func row(b *bytes.Buffer, name, format string, args ...any) {
	fmt.Fprintf(b, "  %-14s %s\n", name, fmt.Sprintf(format, args...))
}

func (r *fuzzResult) writeFigures(b *bytes.Buffer) {
	p := r.report
	r.flags.mutant.writeRow(b, p.Failure != nil)
	row(b, "protocol", "%s", r.flags.campaign.Protocol.Name())
	row(b, "seed", "%d, runs from %s", p.Seed, grouped(p.First))
	row(b, "runs", "%s", grouped(p.Runs))
	row(b, "steps", "%s", grouped(p.Steps))
	row(b, "violations", "%s", grouped(p.Violations))
	if p.Unknown > 0 {
		row(b, "unknown", "%s", grouped(p.Unknown))
	}
	row(b, "seconds", "%.1f with %s", p.Elapsed.Seconds(),
		counted(uint64(r.flags.campaign.Workers), "worker"))
	row(b, "runs/s", "%s", grouped(perSecond(p.Runs, p.Elapsed)))
	row(b, "steps/s", "%s", grouped(perSecond(p.Steps, p.Elapsed)))
	if p.HasDigest {
		row(b, "digest", "%016x", p.Digest)
	}
	if c := r.coverage(); c != nil {
		row(b, "world", "%s", c.World)
		row(b, "states", "%s of %s, %.2f %%", grouped(uint64(c.States)),
			grouped(uint64(c.OfStates)), c.StatesPercent)
		row(b, "transitions", "%s of %s, %.2f %%", grouped(c.Transitions),
			grouped(c.OfTransitions), c.TransitionsPercent)
	}
}

// writeMilestones tells in how many runs what was reached, so that nobody takes a campaign in which
// nothing happened for a pass.
func (r *fuzzResult) writeMilestones(b *bytes.Buffer) {
	p := r.report
	if p.Runs == 0 {
		return
	}
	fmt.Fprintf(b, "\n  %-14s %12s\n", "milestone", "runs")
	for m := checker.SawCommit; int(m) < checker.NumMilestones; m++ {
		fmt.Fprintf(b, "  %-14s %12s %6.2f %%\n", m, grouped(p.Reached[m]),
			100*float64(p.Reached[m])/float64(p.Runs))
	}
	if p.Runs < enoughRuns || r.flags.coverageOf != "" {
		return
	}
	for _, m := range expected(&r.flags.campaign.Options) {
		if p.Reached[m] == 0 {
			fmt.Fprintf(b, "\nWarning: no run reached %v, which these options allow.\n", m)
		}
	}
}

func (r *fuzzResult) writeFailure(b *bytes.Buffer) {
	f, v := r.report.Failure, r.violation
	fmt.Fprintf(b, "Violated: %v, in run %s of seed %d\n\n", v.Property, grouped(f.Run),
		r.report.Seed)
	row(b, "how", "%s", v.Detail)
	row(b, "configuration", "%s", describeConfig(&f.Schedule.Config))
	row(b, "actions", "%d, minimised to %d with %s in %.1f s", len(f.Schedule.Actions),
		len(r.minimal.Actions), counted(uint64(r.replays), "replay"), r.took.Seconds())
}

// writeSchedule writes the minimised schedule, and the commands that use it.
func (r *fuzzResult) writeSchedule(b *bytes.Buffer) {
	fmt.Fprintf(b, "\n%s", r.minimal)
	if r.file != "" {
		r.flags.mutant.writeNext(b, r.file)
	}
}

// describeSizes tells how many there are of each role that there is, under a name for RMs.
func describeSizes(s *core.Sizes, rm string) []string {
	parts := []string{counted(uint64(s.RMs), rm)}
	for _, k := range []struct {
		name string
		n    int
	}{
		{"acceptor", s.Acceptors},
		{"leader", s.Leaders},
		{"transaction manager", s.TMs},
		{"registrar", s.Registrars},
		{"replica", s.Replicas},
	} {
		if k.n > 0 {
			parts = append(parts, counted(uint64(k.n), k.name))
		}
	}
	return parts
}

// describeConfig tells on a line how a run was set up.
func describeConfig(c *harness.Config) string {
	l := &c.Layout
	parts := describeSizes(&l.Sizes, "RM")
	parts[len(parts)-1] += " on " + counted(uint64(l.Nodes), "node")
	parts = append(parts, counted(uint64(c.Clients()), "client")+" with "+
		counted(uint64(len(c.Txns)), "transaction"), c.Timing.String())
	for i, option := range c.Protocol.Options() {
		if l.Has(i) {
			parts = append(parts, option)
		}
	}
	return strings.Join(parts, ", ")
}
