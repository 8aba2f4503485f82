package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"paxoscommit/checker/mc"
	"paxoscommit/harness/explore"
)

// exploreProgress shows how far an exploration has come.
type exploreProgress struct {
	out      io.Writer
	terminal bool
	start    time.Time
	last     time.Time
}

func newExploreProgress(out io.Writer) *exploreProgress {
	now := time.Now()
	return &exploreProgress{out: out, terminal: isTerminal(out), start: now, last: now}
}

func (p *exploreProgress) show(s mc.Progress) {
	now := time.Now()
	interval := plainInterval
	if p.terminal {
		interval = time.Second / 5
	}
	if now.Sub(p.last) < interval {
		return
	}
	p.last = now
	line := fmt.Sprintf("working out the parts of nodes  %s MB", grouped(s.Bytes>>20))
	if s.Distinct > 0 {
		line = fmt.Sprintf("%s states  %s generated  depth %d  queue %s  %.2f M/s  %s MB",
			grouped(s.Distinct), grouped(s.Generated), s.Depth, grouped(s.Queue),
			float64(perSecond(s.Generated, now.Sub(p.start)))/1e6, grouped(s.Bytes>>20))
	}
	if p.terminal {
		overwrite(p.out, line)
	} else {
		fmt.Fprintln(p.out, line)
	}
}

func (p *exploreProgress) clear() {
	if p.terminal {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

// exploreResult is what there is to say of an exploration that has ended.
type exploreResult struct {
	flags     *exploreFlags
	world     string
	reduction string
	stats     mc.Stats
	findings  []mc.Finding
	core      *explore.Report // of the real core; nil of a specification
	took      time.Duration
	file      string         // where the schedule was saved; empty if there is none
	space     *explore.Space // of --write; nil if not all was visited
}

func (r *exploreResult) saveSchedule() error {
	if r.core == nil || r.core.Schedule == nil {
		return nil
	}
	err := os.WriteFile(r.flags.save, r.core.Schedule.AppendText(nil), 0o666)
	if err == nil {
		r.file = r.flags.save
	}
	return err
}

// saveSpace writes the states; an exploration that was cut short has none.
func (r *exploreResult) saveSpace() error {
	if r.space == nil {
		return nil
	}
	return writeFile(r.flags.write, func(w io.Writer) error {
		_, err := r.space.WriteTo(w)
		return err
	})
}

// exit returns the error for the exit code; err is what went wrong in saying so.
func (r *exploreResult) exit(err error) error {
	switch {
	case r.stats.Verdict == mc.Violated:
		return &exitError{exitViolated, err}
	case err != nil:
		return err
	case r.stats.Verdict == mc.Unknown:
		return &exitError{exitUnknown, fmt.Errorf("unknown: %s", r.limit())}
	}
	return nil
}

// limit says what ended an exploration before its end.
func (r *exploreResult) limit() string {
	switch r.stats.Limit {
	case mc.LimitStates:
		return "the limit by --max-states came first"
	case mc.LimitBytes:
		return "the limit by --max-memory came first"
	case mc.LimitDepth:
		return "the limit by --max-depth came first"
	case mc.Stopped:
		return "interrupted"
	case mc.NoLimit:
	}
	return "not everything was visited"
}

// broken returns the first property that is violated, or nil.
func (r *exploreResult) broken() *mc.Finding {
	for i := range r.findings {
		if r.findings[i].Verdict == mc.Violated {
			return &r.findings[i]
		}
	}
	return nil
}

// describe gives the property of a violation, and how it is broken.
func (r *exploreResult) describe(f *mc.Finding) (property, detail string) {
	switch {
	case r.core != nil && r.core.Violation != nil:
		return r.core.Violation.Property.String(), r.core.Violation.Detail
	case f.Err != nil:
		return f.Property, f.Err.Error()
	}
	return f.Property, "no state that was reached is one"
}

func (r *exploreResult) bytesPerState() float64 {
	return float64(r.stats.VisitedBytes) / float64(max(r.stats.Distinct, 1))
}

// exploreJSON is the object of --json.
type exploreJSON struct {
	World           string  `json:"world"`
	Planted         string  `json:"planted,omitempty"`
	Verdict         string  `json:"verdict"`
	Distinct        uint64  `json:"distinct"`
	Generated       uint64  `json:"generated"`
	Depth           int     `json:"depth"`
	Complete        bool    `json:"complete"`
	Limit           string  `json:"limit,omitempty"`
	Reduction       string  `json:"reduction"`
	OrbitExpanded   uint64  `json:"orbit_expanded"` // those that distinct ones stand for
	Seconds         float64 `json:"seconds"`
	StatesPerSecond uint64  `json:"states_per_second"` // generated
	BytesPerState   float64 `json:"bytes_per_state"`   // visited, the frontier apart
	Collision       float64 `json:"collision"`         // bound on its probability

	// Of a violation.
	Property string   `json:"property,omitempty"`
	Detail   string   `json:"detail,omitempty"`
	Actions  []string `json:"actions,omitempty"`
	File     string   `json:"file,omitempty"`
}

func (r *exploreResult) writeJSON(w io.Writer) error {
	s := &r.stats
	o := exploreJSON{
		World: r.world, Planted: r.flags.mutant.planted, Verdict: s.Verdict.String(),
		Distinct: s.Distinct, Generated: s.Generated, Depth: s.Depth, Complete: s.Complete,
		Reduction: r.reduction, OrbitExpanded: max(s.Distinct, s.Orbit.Distinct),
		Seconds: r.took.Seconds(), StatesPerSecond: perSecond(s.Generated, r.took),
		BytesPerState: r.bytesPerState(), Collision: s.Collision, Actions: r.actions(), File: r.file,
	}
	if s.Limit != mc.NoLimit {
		o.Limit = s.Limit.String()
	}
	if f := r.broken(); f != nil {
		o.Property, o.Detail = r.describe(f)
	}
	return writeObject(w, o)
}

// actions returns the way to a violation.
func (r *exploreResult) actions() []string {
	if r.core != nil && r.core.Schedule != nil {
		var list []string
		for _, l := range r.core.Schedule.Actions {
			list = append(list, l.Action.String())
		}
		return list
	}
	if f := r.broken(); f != nil {
		return f.Actions
	}
	return nil
}

func (r *exploreResult) writeText(w io.Writer) error {
	var b bytes.Buffer
	s, broken := &r.stats, r.broken()
	switch {
	case broken != nil:
		property, detail := r.describe(broken)
		fmt.Fprintf(&b, "Violated: %s\n\n", property)
		row(&b, "how", "%s", detail)
	case s.Verdict == mc.Unknown:
		fmt.Fprintf(&b, "Unknown: no violation in what was visited; %s\n\n", r.limit())
	default:
		fmt.Fprintf(&b, "Holds: in every state, on every step\n\n")
	}
	r.flags.mutant.writeRow(&b, broken != nil)
	row(&b, "world", "%s", r.world)
	row(&b, "reduction", "%s", r.reduction)
	row(&b, "distinct", "%s", grouped(s.Distinct))
	row(&b, "generated", "%s", grouped(s.Generated))
	row(&b, "depth", "%d", s.Depth)
	row(&b, "seconds", "%.1f with %s", r.took.Seconds(), counted(uint64(r.flags.workers), "worker"))
	row(&b, "generated/s", "%s", grouped(perSecond(s.Generated, r.took)))
	row(&b, "bytes/state", "%.0f, and the frontier", r.bytesPerState())
	if r.space != nil {
		row(&b, "written", "%s", r.flags.write)
	}
	if s.Collision > 0 {
		row(&b, "collision", "%.1g at most", s.Collision)
	}
	for i := range r.findings {
		f := &r.findings[i]
		row(&b, f.Kind.String(), "%s: %v", f.Property, f.Verdict)
	}
	r.writeActions(&b)
	_, err := w.Write(b.Bytes())
	return err
}

func (r *exploreResult) writeActions(b *bytes.Buffer) {
	switch actions := r.actions(); {
	case r.core != nil && r.core.Schedule != nil:
		fmt.Fprintf(b, "\n%s", r.core.Schedule)
	case len(actions) > 0:
		fmt.Fprintf(b, "\n%s\n", strings.Join(actions, "\n"))
	}
	if r.file != "" {
		r.flags.mutant.writeNext(b, r.file)
	}
}
