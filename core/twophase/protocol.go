package twophase

import (
	"paxoscommit/core"
	"paxoscommit/core/internal/coordinator"
)

// OptCooperative is the bit of core.Layout.Options by which a resource manager in doubt asks the
// other members.
const OptCooperative = iota

// Protocol is two-phase commit.
type Protocol struct{}

// Name is 2pc.
func (Protocol) Name() string { return "2pc" }

// Options names the bits of core.Layout.Options.
func (Protocol) Options() []string { return []string{"cooperative"} }

// Limits asks for resource managers and the transaction manager.
func (Protocol) Limits() (least, most core.Sizes) {
	return core.Sizes{RMs: 1, TMs: 1}, core.Sizes{RMs: core.MaxRMs, TMs: 1}
}

// Validate accepts every layout within Limits that has each role on a node.
func (p Protocol) Validate(l *core.Layout) error { return l.Suits(p) }

// New returns a machine to be Reset.
func (p Protocol) New() core.Machine {
	return coordinator.New(coordinator.Rules{Name: p.Name(), Optionally: coordinator.Asks})
}
