package core

import "fmt"

// Layout says which roles there are, on which nodes they run, and which of the protocol's options
// are on. It is fixed for the life of a system.
type Layout struct {
	RMs       int    // 1 to MaxRMs
	Acceptors int    // 1 to MaxAcceptors; 2F+1 of them tolerate F faults
	Leaders   int    // 1 to MaxLeaders
	Nodes     int    // number of nodes, 1 to 64
	Options   uint32 // bit i turns on the i-th of Protocol.Options
	nodes     [NumRoleKinds][MaxRMs]NodeID
}

// NewLayout returns a layout with every role on a node of its own: resource managers first, then
// acceptors, then leaders. A number outside its limits is an error.
func NewLayout(rms, acceptors, leaders int) (*Layout, error) {
	l := &Layout{}
	if err := l.Apart(rms, acceptors, leaders); err != nil {
		return nil, err
	}
	return l, nil
}

// Apart makes l what NewLayout returns, without allocating. After an error l is of no use.
func (l *Layout) Apart(rms, acceptors, leaders int) error {
	*l = Layout{RMs: rms, Acceptors: acceptors, Leaders: leaders}
	for _, c := range []struct {
		name     string
		n, limit int
	}{
		{"resource managers", rms, MaxRMs},
		{"acceptors", acceptors, MaxAcceptors},
		{"leaders", leaders, MaxLeaders},
		{"nodes", rms + acceptors + leaders, 64},
	} {
		if c.n < 1 || c.n > c.limit {
			return fmt.Errorf("core: %d %s: want 1 to %d", c.n, c.name, c.limit)
		}
	}
	for i := range rms {
		l.Place(Role{RM, uint8(i + 1)}, NodeID(i+1))
	}
	for i := range acceptors {
		l.Place(Role{Acceptor, uint8(i + 1)}, NodeID(rms+i+1))
	}
	for i := range leaders {
		l.Place(Role{Leader, uint8(i + 1)}, NodeID(rms+acceptors+i+1))
	}
	return nil
}

// Place puts a role, one of those that l counts, on a node; a resource goes with its resource
// manager.
func (l *Layout) Place(r Role, n NodeID) {
	l.nodes[r.Kind][r.ID-1] = n
	if r.Kind == RM {
		l.nodes[Resource][r.ID-1] = n
	}
	l.Nodes = max(l.Nodes, int(n))
}

// NodeOf returns the node of a role; 0 for clients, which run on none, and for roles that do not
// exist.
func (l *Layout) NodeOf(r Role) NodeID {
	if r.ID == 0 || int(r.Kind) >= NumRoleKinds || r.ID > MaxRMs {
		return 0
	}
	return l.nodes[r.Kind][r.ID-1]
}

// Count returns how many roles of a kind the layout has; clients are not counted.
func (l *Layout) Count(k RoleKind) int {
	switch k {
	case RM, Resource:
		return l.RMs
	case Acceptor:
		return l.Acceptors
	case Leader:
		return l.Leaders
	default:
		return 0
	}
}

// Has tells whether option bit i is on.
func (l *Layout) Has(option int) bool { return l.Options>>option&1 == 1 }

// Majority returns the number of acceptors that choose a value: F+1 of 2F+1.
func (l *Layout) Majority() int { return l.Acceptors/2 + 1 }

// NextBallot returns the least ballot above b that belongs to the leader: the ballots 1, 2, 3, ...
// go round the leaders in turn. It returns 0 when ballots have run out.
func (l *Layout) NextBallot(leader uint8, b Ballot) Ballot {
	n := uint64(l.Leaders)
	next := uint64(b)/n*n + uint64(leader)
	if next <= uint64(b) {
		next += n
	}
	if next > 1<<32-1 {
		return 0
	}
	return Ballot(next)
}

// LeaderOf returns the leader that a ballot above 0 belongs to.
func (l *Layout) LeaderOf(b Ballot) uint8 { return uint8((uint64(b)-1)%uint64(l.Leaders)) + 1 }
