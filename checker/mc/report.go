package mc

import "fmt"

// A Limit says why an exploration ended before all reachable states were visited.
type Limit uint8

// The limits. NoLimit is the zero value: nothing was cut short by a limit.
const (
	NoLimit Limit = iota
	LimitStates
	LimitBytes
	LimitDepth
	Stopped // by Progress
)

// String names the limit.
func (l Limit) String() string {
	switch l {
	case NoLimit:
		return "none"
	case LimitStates:
		return "states"
	case LimitBytes:
		return "bytes"
	case LimitDepth:
		return "depth"
	case Stopped:
		return "stopped"
	}
	return fmt.Sprintf("limit %d", uint8(l))
}

// Progress is where an exploration stands.
type Progress struct {
	Distinct  uint64 // states visited
	Generated uint64 // initial states and successors
	Depth     int    // levels, the initial states being level 1
	Queue     uint64 // states visited and not yet expanded
	Bytes     uint64 // of memory: visited set, ways back, frontier, buffers, and the model's own
}

// Stats are the verdict on all properties together, and the counts. They are the same for any
// number of workers, but for Bytes.
type Stats struct {
	Progress
	// Verdict is Violated if a result is; else Unknown if a result is, or if there are none and the
	// exploration is not complete; else Holds.
	Verdict  Verdict
	Complete bool   // every reachable state was expanded
	Limit    Limit  // what ended the exploration, if it is not complete and nothing is violated
	Terminal uint64 // states without an action
	// Orbit is what the model has without symmetry, if it is an [OrbitSizer]; it is zero otherwise.
	// With a partial-order reduction it is only what belongs to the states that were visited.
	Orbit Orbit
	// VisitedBytes is the memory of the visited set and the ways back, the frontier apart.
	VisitedBytes uint64
	// Collision bounds the probability that two different keys were taken for one: 0 if all were
	// stored exactly.
	Collision float64
}

// A Report is the outcome of an exploration.
type Report[S, A any] struct {
	Stats
	Results []Result[S, A] // one a property, in their order
}

// A Finding is a result as text, without the types of its model.
type Finding struct {
	Property string
	Kind     Kind
	Verdict  Verdict
	Err      error
	Actions  []string // of the trace
	Fair     []string // of the fair continuation
}

// Findings are the results as text.
func (r *Report[S, A]) Findings() []Finding {
	fs := make([]Finding, len(r.Results))
	for i, res := range r.Results {
		fs[i] = Finding{
			Property: res.Property, Kind: res.Kind, Verdict: res.Verdict, Err: res.Err,
			Fair: texts(res.Fair),
		}
		if res.Trace != nil {
			fs[i].Actions = texts(res.Trace.Steps)
		}
	}
	return fs
}

func texts[S, A any](steps []Step[S, A]) []string {
	var lines []string
	for i := range steps {
		lines = append(lines, fmt.Sprint(steps[i].Action))
	}
	return lines
}

// An Orbit is a pair of counts that were summed over the orbits of a symmetry.
type Orbit struct{ Distinct, Generated, Terminal uint64 }

// A Result is the verdict on one property.
type Result[S, A any] struct {
	Property string
	Kind     Kind
	Verdict  Verdict
	Err      error // what Check or Step said, if it is violated
	// Trace leads to the state that violates an Always or CanStill, takes the violating step of an
	// AlwaysStep last, or leads to the goal of a Sometimes. No shorter path does, and among those
	// as short it is the first in the order of the actions.
	Trace *Trace[S, A]
	// Fair is the fair continuation, from the end of Trace, that misses the goal of a CanStill.
	Fair []Step[S, A]
}

// A Trace is a path from an initial state.
type Trace[S, A any] struct {
	Init  S
	Steps []Step[S, A]
}

// A Step is an action and the state after it.
type Step[S, A any] struct {
	Action A
	State  S
}

// Last is the state at the end of the trace.
func (t *Trace[S, A]) Last() S {
	if len(t.Steps) == 0 {
		return t.Init
	}
	return t.Steps[len(t.Steps)-1].State
}

// Actions lists the actions of the trace.
func (t *Trace[S, A]) Actions() []A {
	as := make([]A, len(t.Steps))
	for i := range t.Steps {
		as[i] = t.Steps[i].Action
	}
	return as
}
