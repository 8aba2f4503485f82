package threephase

import (
	"paxoscommit/core"
	"paxoscommit/core/internal/coordinator"
)

// Rules say what a resource manager in doubt does that waits no longer. The zero rules are
// Skeen's.
type Rules uint8

// The rule sets.
const (
	Termination Rules = iota // the first member that lives takes the transaction manager's place
	Course                   // it commits if it is pre-committed, and else waits
	Timeouts                 // it commits if it is pre-committed, and else aborts
)

// Protocol is three-phase commit with one of the rule sets.
type Protocol struct {
	Rules Rules
}

// Name is 3pc, 3pc-course or 3pc-timeouts.
func (p Protocol) Name() string {
	return [...]string{"3pc", "3pc-course", "3pc-timeouts"}[p.Rules]
}

// Options names the bits of core.Layout.Options, of which there are none.
func (Protocol) Options() []string { return nil }

// Limits asks for resource managers and the transaction manager.
func (Protocol) Limits() (least, most core.Sizes) {
	return core.Sizes{RMs: 1, TMs: 1}, core.Sizes{RMs: core.MaxRMs, TMs: 1}
}

// Validate accepts every layout within Limits that has each role on a node.
func (p Protocol) Validate(l *core.Layout) error { return l.Suits(p) }

// New returns a machine to be Reset.
func (p Protocol) New() core.Machine {
	inDoubt := [...]coordinator.InDoubt{
		coordinator.Terminates, coordinator.Commits, coordinator.Decides,
	}[p.Rules]
	return coordinator.New(coordinator.Rules{Name: p.Name(), ThreePhase: true, InDoubt: inDoubt})
}
