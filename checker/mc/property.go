package mc

import (
	"errors"
	"fmt"
)

// ErrProperty is a property that lacks a field its kind needs, or has one too many.
var ErrProperty = errors.New("mc: bad property")

// A Kind says what a property claims.
type Kind uint8

// The kinds of property.
const (
	Always     Kind = iota + 1 // Check is nil in every reachable state
	AlwaysStep                 // Step is nil for every step from a reachable state
	Sometimes                  // Goal is true in some reachable state
	CanStill                   // from every reachable state, Fair leads to Goal within Within steps
)

// String is the kind in lower case, as messages write it.
func (k Kind) String() string {
	switch k {
	case Always:
		return "always"
	case AlwaysStep:
		return "always step"
	case Sometimes:
		return "sometimes"
	case CanStill:
		return "can still"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// A Property is a named claim about a model. Its kind says which of the fields are set. The
// functions are called from many goroutines at once.
type Property[S, A any] struct {
	Name string
	Kind Kind

	Check func(s S) error           // Always
	Step  func(s S, a A, t S) error // AlwaysStep: t is Next(s, a)

	// Stutters is for an AlwaysStep that a partial-order reduction keeps: the Reducer vouches that
	// if some step fails, one does that is explored.
	Stutters bool
	Goal     func(s S) bool // Sometimes, CanStill

	// Fair picks, for CanStill, the action that a fair run takes in s: an index into enabled, which
	// is Actions(s), or -1 for none. Under symmetry it must lead every state of an orbit to the
	// goal in the same number of steps.
	Fair   func(s S, enabled []A) int
	Within int // CanStill: the number of steps in which the goal is reached, at most 65534
}

func (p *Property[S, A]) validate() error {
	if p.Stutters && p.Kind != AlwaysStep {
		return fmt.Errorf("%w: %q stutters, and is no step", ErrProperty, p.Name)
	}
	want := map[Kind][5]bool{ // Check, Step, Goal, Fair, Within
		Always:     {true, false, false, false, false},
		AlwaysStep: {false, true, false, false, false},
		Sometimes:  {false, false, true, false, false},
		CanStill:   {false, false, true, true, true},
	}
	fields, ok := want[p.Kind]
	if !ok {
		return fmt.Errorf("%w: %q has %v", ErrProperty, p.Name, p.Kind)
	}
	got := [5]bool{p.Check != nil, p.Step != nil, p.Goal != nil, p.Fair != nil, p.Within != 0}
	if got != fields {
		return fmt.Errorf("%w: %q does not have the fields of kind %v", ErrProperty, p.Name, p.Kind)
	}
	if p.Within < 0 || p.Within > maxWithin {
		return fmt.Errorf("%w: %q: within %d steps is not in 1..%d",
			ErrProperty, p.Name, p.Within, maxWithin)
	}
	return nil
}

// A Verdict is what is known of a property, or of all. Only Holds is success.
type Verdict uint8

// The verdicts, from the zero value on.
const (
	Unknown Verdict = iota
	Holds
	Violated
)

// String is the verdict in lower case.
func (v Verdict) String() string {
	switch v {
	case Unknown:
		return "unknown"
	case Holds:
		return "holds"
	case Violated:
		return "violated"
	}
	return fmt.Sprintf("verdict %d", uint8(v))
}
