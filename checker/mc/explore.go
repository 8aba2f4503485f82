package mc

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"unsafe"
)

// ErrActions is a state with more than [MaxActions] actions.
var ErrActions = errors.New("mc: too many actions")

// maxDistinct leaves room in 32 bits for what a round may add: MaxActions for each of its states.
const maxDistinct = 3 << 30

// Options say how to explore. The zero value explores everything on all cores up to the first
// violation. Limits are looked at between rounds: a round of 16384 states is always finished.
type Options struct {
	Workers   int    // goroutines; 0 means GOMAXPROCS
	MaxStates uint64 // distinct states; 0 means 3 * 2^30, the most
	MaxBytes  uint64 // of memory, as Progress counts it; 0 means no limit
	MaxDepth  int    // levels; 0 means no limit
	Continue  bool   // go on after a violation, for the verdicts on the other properties

	// Progress is called after every round, from the goroutine of Explore; true stops it.
	Progress func(Progress) (stop bool)
}

// Explore visits the reachable states of m. Check and Goal are called once for every state, Step
// once for every step, as long as their property is undecided. The error, which wraps [ErrProperty]
// or [ErrActions], is about ps and m; what is found is in the report.
func Explore[S, A any](m Model[S, A], ps []Property[S, A], o Options) (Report[S, A], error) {
	e := newExplorer(m, ps, o)
	for i := range ps {
		if err := ps[i].validate(); err != nil {
			return e.report, err
		}
	}
	e.start()
	for e.err == nil && !e.done() {
		e.round()
	}
	if e.err != nil {
		return e.report, e.err
	}
	e.finish()
	return e.report, nil
}

// An explorer is an exploration under way.
type explorer[S, A any] struct {
	m      Model[S, A]
	ps     []Property[S, A]
	o      Options
	orbit  OrbitSizer[S] // nil without
	ample  Reducer[S, A] // nil without, or if a property forbids it
	words  WordKeyer[S]
	foot   Footprinter[S]      // nil without
	holder Holder              // nil without
	byKind [CanStill + 1][]int // the properties of a kind

	seen    *set
	ways    ways
	inits   uint64              // distinct initial states; they come first in ways
	level   frontier[marked[S]] // the level being expanded
	pos     int                 // where in level the next round begins
	base    uint64              // number of the first state of level
	next    frontier[marked[S]]
	outside [2]uint64 // what level and next hold outside of S, in bytes

	workers []worker[S, A]
	chunks  []chunk[S, A]
	results []found // by property
	report  Report[S, A]
	err     error
}

// found is where a property was decided: at the state with this number, or, for an AlwaysStep, at
// the action with this index in that state.
type found struct {
	ok     bool
	at     uint64
	action int
	err    error
}

func newExplorer[S, A any](m Model[S, A], ps []Property[S, A], o Options) *explorer[S, A] {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.MaxStates == 0 || o.MaxStates > maxDistinct {
		o.MaxStates = maxDistinct
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = math.MaxUint64
	}
	if o.MaxDepth <= 0 {
		o.MaxDepth = math.MaxInt
	}
	e := &explorer[S, A]{m: m, ps: ps, o: o, seen: newSet(), results: make([]found, len(ps))}
	for i, p := range ps {
		if p.Kind <= CanStill {
			e.byKind[p.Kind] = append(e.byKind[p.Kind], i)
		}
	}
	e.words, _ = m.(WordKeyer[S])
	e.foot, _ = m.(Footprinter[S])
	e.holder, _ = m.(Holder)
	if !slices.ContainsFunc(ps, func(p Property[S, A]) bool {
		return p.Kind == CanStill || p.Kind == AlwaysStep && !p.Stutters
	}) {
		e.ample, _ = m.(Reducer[S, A])
	}
	e.orbit, _ = m.(OrbitSizer[S])
	e.workers = make([]worker[S, A], o.Workers)
	e.chunks = make([]chunk[S, A], roundStates/chunkStates)
	for i := range e.chunks {
		e.chunks[i].found = make([]found, len(ps))
	}
	return e
}

// start makes the initial states the candidates of a first round that expands nothing.
func (e *explorer[S, A]) start() {
	c, w := &e.chunks[0], &e.workers[0]
	for i, s := range e.m.Init() {
		c.candidates = append(c.candidates,
			candidate[S]{marked[S]{e.fingerprint(w, s), s}, edge{parent: uint32(i)}})
		c.tally.generated++
	}
	c.tally.expanded.Generated = c.tally.generated
	e.flush(w, c)
	c.partition()
	e.settle(e.chunks[:1])
	e.inits = e.report.Distinct
	e.advance()
}

// done reports whether there is nothing left to expand, or a reason to stop, which it notes.
func (e *explorer[S, A]) done() bool {
	if e.o.Progress != nil && e.o.Progress(e.report.Progress) {
		e.report.Limit = Stopped
	}
	r := &e.report
	switch {
	case r.Queue == 0:
		r.Complete, r.Limit = true, NoLimit
		return true
	case !e.o.Continue && e.violated():
		r.Limit = NoLimit
		return true
	case r.Limit == Stopped:
	case r.Distinct >= e.o.MaxStates:
		r.Limit = LimitStates
	case r.Bytes >= e.o.MaxBytes:
		r.Limit = LimitBytes
	case r.Depth >= e.o.MaxDepth:
		r.Limit = LimitDepth
	}
	return r.Limit != NoLimit
}

func (e *explorer[S, A]) violated() bool {
	for i := range e.results {
		if e.results[i].ok && e.ps[i].Kind != Sometimes {
			return true
		}
	}
	return false
}

// advance goes to the next level once this one is expanded, and brings the progress up to date.
func (e *explorer[S, A]) advance() {
	if e.pos == e.level.n && e.next.n > 0 {
		e.base += uint64(e.level.n)
		e.level, e.next = e.next, e.level
		e.next.reset()
		e.pos = 0
		e.outside = [2]uint64{e.outside[1], 0}
		e.report.Depth++
	}
	r := &e.report
	r.Queue = uint64(e.level.n - e.pos + e.next.n)
	r.VisitedBytes = e.seen.bytes() + e.ways.bytes()
	r.Bytes = r.VisitedBytes + e.outside[0] + e.outside[1]
	states := e.level.capacity() + e.next.capacity()
	for i := range e.chunks {
		r.Bytes += e.chunks[i].bytes()
	}
	for i := range e.workers {
		r.Bytes += e.workers[i].bytes()
	}
	r.Bytes += uint64(states) * uint64(unsafe.Sizeof(marked[S]{}))
	if e.holder != nil {
		r.Bytes += e.holder.Held()
	}
}

// finish turns what was found into results.
func (e *explorer[S, A]) finish() {
	r := &e.report
	worst := Holds
	if len(e.ps) == 0 && !r.Complete {
		worst = Unknown
	}
	for i := range e.ps {
		res := e.result(i)
		r.Results = append(r.Results, res)
		if worst != Violated && res.Verdict != Holds {
			worst = res.Verdict
		}
	}
	r.Verdict = worst
	for i := range e.workers {
		if e.workers[i].hashed {
			n := float64(r.Distinct)
			r.Collision = min(1, n*n/math.Exp2(129))
		}
	}
}

func (e *explorer[S, A]) result(i int) Result[S, A] {
	p, f := &e.ps[i], e.results[i]
	res := Result[S, A]{Property: p.Name, Kind: p.Kind, Err: f.err}
	switch {
	case !f.ok && !e.report.Complete:
		return res
	case f.ok == (p.Kind == Sometimes):
		res.Verdict = Holds
	default:
		res.Verdict = Violated
	}
	if !f.ok {
		return res
	}
	t := e.trace(f.at)
	res.Trace = &t
	switch p.Kind {
	case AlwaysStep:
		a := e.enabled(t.Last(), nil)[f.action]
		t.Steps = append(t.Steps, Step[S, A]{a, e.m.Next(t.Last(), a)})
	case CanStill:
		res.Fair = e.fairRun(p, t.Last())
		res.Err = fmt.Errorf("%s is not reached in %d fair steps", p.Name, p.Within)
	case Always, Sometimes:
	}
	return res
}

// trace replays the way to a state from an initial state.
func (e *explorer[S, A]) trace(at uint64) Trace[S, A] {
	var actions []int
	parent, action := e.ways.at(at)
	for at >= e.inits {
		actions = append(actions, action)
		at = uint64(parent)
		parent, action = e.ways.at(at)
	}
	t := Trace[S, A]{Init: e.m.Init()[parent]}
	for i := len(actions) - 1; i >= 0; i-- {
		s := t.Last()
		a := e.enabled(s, nil)[actions[i]]
		t.Steps = append(t.Steps, Step[S, A]{a, e.m.Next(s, a)})
	}
	return t
}

// enabled lists the actions of s in the order in which they were explored.
func (e *explorer[S, A]) enabled(s S, buf []A) []A {
	buf = e.m.Actions(s, buf)
	if e.ample != nil {
		e.ample.Ample(s, buf)
	}
	return buf
}
