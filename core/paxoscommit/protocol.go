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

// Validate accepts every layout with at least one resource manager, acceptor and leader, within the
// limits of package core, and each on a node.
func (p Protocol) Validate(l *core.Layout) error {
	if p.Faster && l.Has(OptRelayed) {
		return fmt.Errorf("paxoscommit: %s has no relayed votes", p.Name())
	}
	for _, c := range []struct {
		kind  core.RoleKind
		limit int
	}{{core.RM, core.MaxRMs}, {core.Acceptor, core.MaxAcceptors}, {core.Leader, core.MaxLeaders}} {
		n := l.Count(c.kind)
		if n < 1 || n > c.limit {
			return fmt.Errorf("paxoscommit: a layout with %d roles of kind %s: want 1 to %d",
				n, core.RoleNames()[c.kind], c.limit)
		}
		for id := range n {
			if r := (core.Role{Kind: c.kind, ID: uint8(id + 1)}); l.NodeOf(r) == 0 {
				return fmt.Errorf("paxoscommit: %v is on no node", r)
			}
		}
	}
	return nil
}

// New returns a Node to be Reset.
func (p Protocol) New() core.Machine { return &Node{faster: p.Faster} }
