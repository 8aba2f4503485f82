package core

import "fmt"

// Sizes says how many roles there are of each kind.
type Sizes struct {
	RMs        int // 1 to MaxRMs
	Acceptors  int // 0 to MaxAcceptors; 2F+1 of them tolerate F faults
	Leaders    int // 0 to MaxLeaders
	TMs        int // 0 or 1 transaction manager
	Registrars int // 0 or 1
	Replicas   int // of each RM and TM: 2F+1 tolerate F faults; 0 if they are not replicated
}

// ptr returns where the number of roles of a kind stands, or nil.
func (s *Sizes) ptr(k RoleKind) *int {
	switch k {
	case RM, Resource:
		return &s.RMs
	case Acceptor:
		return &s.Acceptors
	case Leader:
		return &s.Leaders
	case TM:
		return &s.TMs
	case Registrar:
		return &s.Registrars
	default:
		return nil
	}
}

// Count returns how many roles of a kind there are, the replicas of one counted once; clients are
// not counted.
func (s *Sizes) Count(k RoleKind) int {
	if p := s.ptr(k); p != nil {
		return *p
	}
	return 0
}

// SetCount sets how many roles there are of a kind that is counted.
func (s *Sizes) SetCount(k RoleKind, n int) { *s.ptr(k) = n }

// Check tells which of the sizes is not between least and most.
func (s *Sizes) Check(least, most Sizes) error {
	for _, c := range [...]struct {
		name           string
		n, least, most int
	}{
		{"resource managers", s.RMs, least.RMs, most.RMs},
		{"acceptors", s.Acceptors, least.Acceptors, most.Acceptors},
		{"leaders", s.Leaders, least.Leaders, most.Leaders},
		{"transaction managers", s.TMs, least.TMs, most.TMs},
		{"registrars", s.Registrars, least.Registrars, most.Registrars},
		{"replicas", s.Replicas, least.Replicas, most.Replicas},
	} {
		switch {
		case c.n >= c.least && c.n <= c.most:
		case c.least == c.most:
			return fmt.Errorf("%d %s: want %d", c.n, c.name, c.least)
		default:
			return fmt.Errorf("%d %s: want %d to %d", c.n, c.name, c.least, c.most)
		}
	}
	return nil
}

// Clamp returns the sizes brought between least and most.
func (s *Sizes) Clamp(least, most Sizes) Sizes {
	return Sizes{
		RMs:        min(max(s.RMs, least.RMs), most.RMs),
		Acceptors:  min(max(s.Acceptors, least.Acceptors), most.Acceptors),
		Leaders:    min(max(s.Leaders, least.Leaders), most.Leaders),
		TMs:        min(max(s.TMs, least.TMs), most.TMs),
		Registrars: min(max(s.Registrars, least.Registrars), most.Registrars),
		Replicas:   min(max(s.Replicas, least.Replicas), most.Replicas),
	}
}

// maxSizes are the limits of every layout.
func maxSizes() Sizes {
	return Sizes{
		RMs: MaxRMs, Acceptors: MaxAcceptors, Leaders: MaxLeaders, TMs: 1, Registrars: 1,
		Replicas: MaxReplicas,
	}
}

// PlacedKinds are the kinds of role that run on nodes, in the order in which layouts list them. The
// database of a resource manager goes with it, but that of a replicated one has a place of its own.
func PlacedKinds() [6]RoleKind {
	return [...]RoleKind{RM, Resource, Acceptor, Leader, TM, Registrar}
}

// Layout says which roles there are, on which nodes they run, and which of the protocol's options
// are on. It is fixed for the life of a system.
type Layout struct {
	Sizes
	Nodes    int    // number of nodes, 1 to MaxNodes
	Options  uint32 // bit i turns on the i-th of Protocol.Options
	nodes    [NumRoleKinds][MaxRMs]NodeID
	replicas [MaxRMs + 1][MaxReplicas]NodeID // by resource manager; 0 is the transaction manager
}

// NewLayout returns a layout with every role on a node of its own, in the order of AppendRoles. A
// number outside its limits is an error.
func NewLayout(s Sizes) (*Layout, error) {
	l := &Layout{}
	if err := l.Apart(s); err != nil {
		return nil, err
	}
	return l, nil
}

// Apart makes l what NewLayout returns, without allocating. After an error l is of no use.
func (l *Layout) Apart(s Sizes) error {
	*l = Layout{Sizes: s}
	if err := s.Check(Sizes{RMs: 1}, maxSizes()); err != nil {
		return fmt.Errorf("core: %w", err)
	}
	if n := s.Roles(); n > MaxNodes {
		return fmt.Errorf("core: %d nodes: want 1 to %d", n, MaxNodes)
	}
	var buf [64]Role
	for i, r := range l.AppendRoles(buf[:0]) {
		l.Place(r, NodeID(i+1))
	}
	return nil
}

// Roles returns the number of roles that AppendRoles lists.
func (s *Sizes) Roles() int {
	copies, databases := 1, 0
	if s.Replicas > 0 {
		copies, databases = s.Replicas, s.RMs
	}
	return (s.RMs+s.TMs)*copies + databases + s.Acceptors + s.Leaders + s.Registrars
}

// AppendRoles appends all roles that run on nodes: by kind as in PlacedKinds, by number, and by
// replica.
func (s *Sizes) AppendRoles(dst []Role) []Role {
	for _, k := range PlacedKinds() {
		if k == Resource && s.Replicas == 0 {
			continue
		}
		copies := s.copies(k)
		for i := range s.Count(k) {
			r := Role{Kind: k, ID: uint8(i + 1)}
			if copies == 0 {
				dst = append(dst, r)
			}
			for c := range copies {
				r.Replica = uint8(c + 1)
				dst = append(dst, r)
			}
		}
	}
	return dst
}

// copies returns how many replicas a role of a kind has, 0 if it is not replicated.
func (s *Sizes) copies(k RoleKind) int {
	if k == RM || k == TM {
		return s.Replicas
	}
	return 0
}

// Exists tells whether there is such a role that runs on a node, or is a database.
func (s *Sizes) Exists(r Role) bool {
	if r.ID == 0 || int(r.ID) > s.Count(r.Kind) {
		return false
	}
	if s.copies(r.Kind) == 0 {
		return r.Replica == 0
	}
	return r.Replica > 0 && int(r.Replica) <= s.Replicas
}

// ReplicaOf returns the i-th replica of a role, i counted from 0 and going round, or the role
// itself if its kind is not replicated.
func (s *Sizes) ReplicaOf(r Role, i int) Role {
	if n := s.copies(r.Kind); n > 0 {
		r.Replica = uint8(i%n) + 1
	}
	return r
}

// Coordinators returns how many roles there are to ask what became of a transaction.
func (s *Sizes) Coordinators() int {
	if s.Leaders > 0 {
		return s.Leaders
	}
	return s.TMs * max(s.Replicas, 1)
}

// Coordinator returns the i-th role to ask what became of a transaction, i counted from 0 and
// going round: a leader, or where there is none the transaction manager.
func (s *Sizes) Coordinator(i int) Role {
	if s.Leaders > 0 {
		return Role{Kind: Leader, ID: uint8(i%s.Leaders) + 1}
	}
	return s.ReplicaOf(Role{Kind: TM, ID: 1}, i)
}

// Place puts a role, one of those that AppendRoles lists, on a node; the database of a resource
// manager that is not replicated goes with it.
func (l *Layout) Place(r Role, n NodeID) {
	l.Nodes = max(l.Nodes, int(n))
	if r.Replica > 0 {
		l.replicas[group(r)][r.Replica-1] = n
		return
	}
	l.nodes[r.Kind][r.ID-1] = n
	if r.Kind == RM {
		l.nodes[Resource][r.ID-1] = n
	}
}

// group returns where the replicas of a role stand in Layout.replicas.
func group(r Role) uint8 {
	if r.Kind == TM {
		return 0
	}
	return r.ID
}

// NodeOf returns the node of a role; 0 for clients, which run on none, and for roles that do not
// exist.
func (l *Layout) NodeOf(r Role) NodeID {
	if i := r.ID - 1; i >= MaxRMs || int(r.Kind) >= NumRoleKinds {
		return 0
	} else if r.Replica == 0 {
		return l.nodes[r.Kind][i]
	}
	return l.nodeOfReplica(r)
}

func (l *Layout) nodeOfReplica(r Role) NodeID {
	if r.Replica > MaxReplicas || r.Kind != RM && r.Kind != TM {
		return 0
	}
	return l.replicas[group(r)][r.Replica-1]
}

// CheckPlaced tells which role is on no node.
func (l *Layout) CheckPlaced() error {
	var buf [64]Role
	for _, r := range l.AppendRoles(buf[:0]) {
		if l.NodeOf(r) == 0 {
			return fmt.Errorf("%v is on no node", r)
		}
	}
	return nil
}

// Suits tells whether a protocol can have so many roles of each kind, each of them on a node: what
// Protocol.Validate asks of every layout.
func (l *Layout) Suits(p Protocol) error {
	least, most := p.Limits()
	err := l.Check(least, most)
	if err == nil {
		err = l.CheckPlaced()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", p.Name(), err)
	}
	return nil
}

// Has tells whether option bit i is on.
func (l *Layout) Has(option int) bool { return l.Options>>option&1 == 1 }

// Majority returns the number of acceptors that choose a value: F+1 of 2F+1.
func (l *Layout) Majority() int { return l.Acceptors/2 + 1 }

// NextBallot returns the least ballot above b that belongs to the leader, as NextBallot does.
func (l *Layout) NextBallot(leader uint8, b Ballot) Ballot {
	return NextBallot(l.Leaders, leader, b)
}

// LeaderOf returns the leader that a ballot above 0 belongs to.
func (l *Layout) LeaderOf(b Ballot) uint8 { return BallotOwner(l.Leaders, b) }

// NextBallot returns the least ballot above b that belongs to one of so many owners, counted from
// 1: the ballots 1, 2, 3, ... go round them in turn. It returns 0 when ballots have run out.
func NextBallot(owners int, owner uint8, b Ballot) Ballot {
	n := uint64(owners)
	next := uint64(b)/n*n + uint64(owner)
	if next <= uint64(b) {
		next += n
	}
	if next > 1<<32-1 {
		return 0
	}
	return Ballot(next)
}

// BallotOwner returns which of so many owners a ballot above 0 belongs to.
func BallotOwner(owners int, b Ballot) uint8 { return uint8((uint64(b)-1)%uint64(owners)) + 1 }
