package replicated

import "paxoscommit/core"

// Protocol is two-phase commit between groups of replicas.
type Protocol struct{}

// Name is replicated-2pc.
func (Protocol) Name() string { return "replicated-2pc" }

// Options names the bits of core.Layout.Options: there are none.
func (Protocol) Options() []string { return nil }

// Limits asks for at least one resource manager, one transaction manager and one replica of each.
func (Protocol) Limits() (least, most core.Sizes) {
	return core.Sizes{RMs: 1, TMs: 1, Replicas: 1}, core.Sizes{
		RMs: core.MaxRMs, TMs: 1, Replicas: core.MaxReplicas,
	}
}

// Validate accepts every layout within Limits that has each role on a node.
func (p Protocol) Validate(l *core.Layout) error { return l.Suits(p) }

// New returns a process to be Reset.
func (Protocol) New() core.Machine { return core.NewProcess(&rules{}) }
