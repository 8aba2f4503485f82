package paxoscommit

import (
	"fmt"

	"paxoscommit/core"
)

// Bits of core.Layout.Options.
const (
	// OptMergeBegin sends BeginCommit along with the first phase 2a, if an acceptor that gets one
	// is on the leader's node (section 5).
	OptMergeBegin = iota
	// OptShortCircuit lets a resource manager that votes aborted say so directly, since that
	// settles the outcome (section 4.2).
	OptShortCircuit
	// OptRelayed has resource managers tell the leader their votes, and the leader propose them in
	// a ballot of its own with both phases: the algorithm before its optimisations (section 4.2).
	// Faster Paxos Commit, which lives on ballot 0, does not have it.
	OptRelayed
)

// Protocol is Paxos Commit, or Faster Paxos Commit, in which acceptors send the 2b of ballot 0
// straight to the resource managers (section 4.3).
type Protocol struct {
	Faster bool
}

// Name is paxos-commit or faster-paxos-commit.
func (p Protocol) Name() string {
	if p.Faster {
		return "faster-paxos-commit"
	}
	return "paxos-commit"
}

// Options names the bits of core.Layout.Options.
func (p Protocol) Options() []string {
	if p.Faster {
		return []string{"merge-begin", "short-circuit"}
	}
	return []string{"merge-begin", "short-circuit", "relayed"}
}

// Limits asks for at least one resource manager, acceptor and leader. With a registrar the resource
// managers are dynamic (section 6).
func (p Protocol) Limits() (least, most core.Sizes) {
	return core.Sizes{RMs: 1, Acceptors: 1, Leaders: 1}, core.Sizes{
		RMs: core.MaxRMs, Acceptors: core.MaxAcceptors, Leaders: core.MaxLeaders, Registrars: 1,
	}
}

// Validate accepts every layout within Limits that has each role on a node.
func (p Protocol) Validate(l *core.Layout) error {
	if p.Faster && l.Has(OptRelayed) {
		return fmt.Errorf("%s: no votes are relayed", p.Name())
	}
	return l.Suits(p)
}

// New returns a process to be Reset.
func (p Protocol) New() core.Machine { return core.NewProcess(&rules{p.Faster}) }
