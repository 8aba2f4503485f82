package costs

import (
	"errors"
	"fmt"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/core/bank"
	"paxoscommit/harness"
)

// Errors of Count.
var (
	// ErrPlacement means that there is no such placement of the roles.
	ErrPlacement = errors.New("costs: bad placement")
	// ErrNotCommitted means that the run did not come to a commit by itself.
	ErrNotCommitted = errors.New("costs: the transaction was not committed")
)

// Placement says which roles share nodes. The zero placement means none.
type Placement uint8

// The placements of section 5 of the paper.
const (
	NoPlacement      Placement = iota
	Apart                      // every role on a node of its own
	LeaderOnAcceptor           // the leader on the node of acceptor 1
	CoLocated                  // acceptor i on the node of rm i, and the coordinator on that of rm 1
	numPlacements
)

// Placements returns all placements.
func Placements() []Placement { return []Placement{Apart, LeaderOnAcceptor, CoLocated} }

// String gives apart, leader-on-acceptor or co-located.
func (p Placement) String() string {
	if p >= numPlacements {
		return fmt.Sprintf("placement%d", uint8(p))
	}
	return [...]string{"none", "apart", "leader-on-acceptor", "co-located"}[p]
}

// Costs are those of one transaction, as the package comment counts them.
type Costs struct {
	Messages    int
	Delays      int
	Writes      int
	WriteDelays int
}

// Count runs one transaction of all resource managers of a system that tolerates so many faults:
// with 2F+1 acceptors, or 2F+1 replicas of each role, if the protocol has such, and one leader.
// Errors are ErrPlacement, ErrNotCommitted or harness.ErrConfig.
func Count(p core.Protocol, options uint32, at Placement, rms, faults int) (Costs, error) {
	l, err := layout(p, at, rms, faults)
	if err != nil {
		return Costs{}, err
	}
	l.Options = options
	work := bank.Work{Read: core.FullSet(rms)}
	cfg := &harness.Config{
		Protocol: p, Layout: *l, Timing: harness.Asynchronous, Accounts: rms, Opening: 100,
		Txns: []checker.Txn{{
			ID: core.TxID{Origin: 1, Seq: 1}, RM: 1, Members: core.FullSet(rms), Work: work,
		}},
	}
	if err := cfg.Validate(); err != nil {
		return Costs{}, err
	}
	byMessages, err := run(cfg, 1, 0)
	if err != nil {
		return Costs{}, err
	}
	byWrites, err := run(cfg, 0, 1)
	if err != nil {
		return Costs{}, err
	}
	return Costs{
		Messages: byMessages.messages, Delays: byMessages.learned,
		Writes: byMessages.writes, WriteDelays: byWrites.learned,
	}, nil
}

// layout returns the system that Count runs.
func layout(p core.Protocol, at Placement, rms, faults int) (*core.Layout, error) {
	least, most := p.Limits()
	copies := 2*faults + 1
	sizes := core.Sizes{RMs: rms, Leaders: min(1, most.Leaders), TMs: min(1, most.TMs)}
	if most.Acceptors > 0 {
		sizes.Acceptors = copies
	}
	if most.Replicas > 0 {
		sizes.Replicas = copies
	}
	if err := sizes.Check(least, most); err != nil {
		return nil, fmt.Errorf("%w: %s with %d faults: %w", ErrPlacement, p.Name(), faults, err)
	}
	l := &core.Layout{Sizes: sizes}
	for _, r := range sizes.AppendRoles(nil) {
		if r.Kind == core.Resource { // not counted: anywhere
			l.Place(r, 1)
			continue
		}
		host, err := at.host(r, &sizes, faults)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrPlacement, at, err)
		}
		n := l.NodeOf(host)
		if n == 0 {
			n = core.NodeID(l.Nodes + 1)
		}
		l.Place(r, n)
	}
	return l, nil
}

// host returns the role on whose node a role goes, or a role that has none if it has its own.
func (p Placement) host(r core.Role, s *core.Sizes, faults int) (core.Role, error) {
	rm := func(i int) core.Role { return s.ReplicaOf(core.Role{Kind: core.RM, ID: uint8(i)}, 0) }
	coordinates := r == s.Coordinator(0)
	switch {
	case p == CoLocated && s.Acceptors > 0 && faults+1 > s.RMs:
		return r, fmt.Errorf("%d acceptors are used, and there are %d resource managers", faults+1,
			s.RMs)
	case p == LeaderOnAcceptor && s.Acceptors == 0, p == CoLocated && s.Replicas > 0:
		return r, errors.New("the protocol has no such roles")
	case p == CoLocated && coordinates:
		return rm(1), nil
	case p == CoLocated && r.Kind == core.Acceptor && int(r.ID) <= s.RMs:
		return rm(int(r.ID)), nil
	case p == LeaderOnAcceptor && coordinates:
		return core.Role{Kind: core.Acceptor, ID: 1}, nil
	}
	return core.Role{}, nil
}

// Counts tells whether the paper counts a message: not one of clients and databases, nor within a
// node, nor of what comes after the outcome is known.
func Counts(l *core.Layout, m *core.Message) bool {
	for _, r := range [...]core.Role{m.From, m.To} {
		if r.Kind == core.Client || r.Kind == core.Resource {
			return false
		}
	}
	switch m.Type {
	case core.MsgRequest, core.MsgDone, core.MsgForget, core.MsgForgotten:
		return false
	default:
		return l.NodeOf(m.From) != l.NodeOf(m.To)
	}
}
