package core

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/bits"
	"strconv"
)

// Limits of one transaction and of one layout.
const (
	MaxRMs       = 64
	MaxAcceptors = 15
	MaxLeaders   = 15
	MaxReplicas  = 15
	MaxClients   = 15
	MaxNodes     = 1023
)

// NodeID names a process: one log, one crash, any set of roles. The first node is 1; 0 means no
// node, which is where clients live.
type NodeID uint16

// String gives the name that schedules use: n1, n2, ...
func (n NodeID) String() string { return "n" + strconv.Itoa(int(n)) }

// RoleKind says what a role does. The zero kind means none.
type RoleKind uint8

// The kinds of role.
const (
	NoRole    RoleKind = iota
	RM                 // resource manager: one instance of Paxos each
	Acceptor           // acceptor of every instance
	Leader             // coordinator of the ballots above 0
	Resource           // the database behind the resource manager of the same number
	Client             // who asks for transactions
	TM                 // transaction manager: the coordinator of the protocols without acceptors
	Registrar          // who knows which resource managers have joined (section 6 of the paper)
	numRoleKinds
)

// NumRoleKinds is the length of an array indexed by RoleKind.
const NumRoleKinds = int(numRoleKinds)

// RoleNames holds the short name of each RoleKind, by kind.
func RoleNames() [NumRoleKinds]string {
	return [NumRoleKinds]string{"none", "rm", "acc", "ldr", "res", "cl", "tm", "reg"}
}

// Role addresses one role: rm1, acc2, ldr1, or one replica of a replicated role: rm1.3. Numbers
// start at 1; Replica is 0 for a role that is not replicated.
type Role struct {
	Kind    RoleKind
	ID      uint8
	Replica uint8
}

// String gives the role's name, such as rm1 or rm1.3.
func (r Role) String() string {
	name := "role" + strconv.Itoa(int(r.Kind)) + "."
	if int(r.Kind) < NumRoleKinds {
		name = RoleNames()[r.Kind]
	}
	name += strconv.Itoa(int(r.ID))
	if r.Replica != 0 {
		name += "." + strconv.Itoa(int(r.Replica))
	}
	return name
}

// NodeSet is a set of the nodes 1 to MaxNodes; node 0 is never in it.
type NodeSet struct {
	words [(MaxNodes + 1) / 64]uint64
	len   int
}

// Has tells whether n is in the set.
func (s *NodeSet) Has(n NodeID) bool { return s.words[n/64]>>(n%64)&1 == 1 }

// Add puts n, at least 1, into the set.
func (s *NodeSet) Add(n NodeID) {
	if !s.Has(n) {
		s.words[n/64] |= 1 << (n % 64)
		s.len++
	}
}

// Remove takes n out of the set.
func (s *NodeSet) Remove(n NodeID) {
	if s.Has(n) {
		s.words[n/64] &^= 1 << (n % 64)
		s.len--
	}
}

// Len returns the number of members.
func (s *NodeSet) Len() int { return s.len }

// First returns the least member, or 0 of the empty set.
func (s *NodeSet) First() NodeID {
	for i, w := range s.words {
		if w != 0 {
			return NodeID(64*i + bits.TrailingZeros64(w))
		}
	}
	return 0
}

// Empty tells whether the set has no member.
func (s *NodeSet) Empty() bool { return s.len == 0 }

// AppendKey appends a canonical encoding.
func (s *NodeSet) AppendKey(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(s.len))
	for i, left := 0, s.len; left > 0; i++ {
		dst = binary.AppendUvarint(dst, s.words[i])
		left -= bits.OnesCount64(s.words[i])
	}
	return dst
}

// TxID names a transaction for ever: the client that began it, the incarnation of that client, and
// a number that the client counts up from 1. Because a client's numbers are consecutive, the
// finished ones are remembered as a low-water mark (see Finished) and forgetting stays bounded. A
// client that gives a transaction up before it has an answer may leave a gap for ever, and so goes
// on in a new epoch.
type TxID struct {
	Origin uint16
	Epoch  uint16
	Seq    uint32
}

// String gives c1.2 for the second transaction of client 1, and c1e3.2 where its epoch is 3.
func (t TxID) String() string {
	if t.Epoch == 0 {
		return fmt.Sprintf("c%d.%d", t.Origin, t.Seq)
	}
	return fmt.Sprintf("c%de%d.%d", t.Origin, t.Epoch, t.Seq)
}

// Word packs the id into a number that orders ids by origin, epoch and sequence.
func (t TxID) Word() uint64 {
	return uint64(t.source())<<32 | uint64(t.Seq)
}

// Compare orders ids by origin, epoch and sequence.
func (t TxID) Compare(u TxID) int { return cmp.Compare(t.Word(), u.Word()) }

// AppendKey appends a canonical encoding.
func (t TxID) AppendKey(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(t.source()))
	return binary.AppendUvarint(dst, uint64(t.Seq))
}

// source is what the ids share that one client counts up in one epoch.
func (t TxID) source() uint32 { return uint32(t.Origin)<<16 | uint32(t.Epoch) }

// Ballot numbers the rounds of every instance of a transaction. Ballot 0 of an instance belongs to
// its resource manager; higher ballots are partitioned among the leaders (see Layout.NextBallot).
type Ballot uint32

// Value is what an instance can choose (Prepared or Aborted) and what a transaction can come to
// (Committed or Aborted).
type Value uint8

// NumValues is the length of an array indexed by Value.
const NumValues = int(numValues)

// The values. The zero value means none.
const (
	NoValue Value = iota
	Prepared
	Aborted
	Committed
	Precommitted // of three-phase commit: prepared, and told that everybody is
	numValues
)

// String gives the value's name as the TLA+ modules write it.
func (v Value) String() string {
	names := [numValues]string{"none", "prepared", "aborted", "committed", "precommitted"}
	if v >= numValues {
		return fmt.Sprintf("value%d", uint8(v))
	}
	return names[v]
}

// Set is a set of the numbers 1 to 64: resource managers (instances), acceptors or replicas.
type Set uint64

// SetOf returns the set of the given numbers, each 1 to 64.
func SetOf(ids ...uint8) Set {
	var s Set
	for _, id := range ids {
		s = s.With(id)
	}
	return s
}

// FullSet returns {1, ..., n}, n at most 64.
func FullSet(n int) Set { return Set(^uint64(0) >> (64 - uint(n))) }

// Has tells whether id is in the set.
func (s Set) Has(id uint8) bool { return s>>(id-1)&1 == 1 }

// With returns the set with id added.
func (s Set) With(id uint8) Set { return s | 1<<(id-1) }

// Without returns the set with id taken out.
func (s Set) Without(id uint8) Set { return s &^ (1 << (id - 1)) }

// Len returns the number of members.
func (s Set) Len() int { return bits.OnesCount64(uint64(s)) }

// First returns the least member, or 65 of the empty set. All members in order:
// "for r := s; r != 0; r &= r - 1 { r.First() }".
func (s Set) First() uint8 { return uint8(bits.TrailingZeros64(uint64(s)) + 1) }

// String lists the members: 1,2,3.
func (s Set) String() string {
	var b []byte
	for r := s; r != 0; r &= r - 1 {
		if len(b) > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(r.First()), 10)
	}
	return string(b)
}

// Votes maps instances to the values Prepared and Aborted: one set of instances for each.
type Votes struct {
	Prepared Set
	Aborted  Set
}

// VoteOf returns the votes that hold one value for one instance.
func VoteOf(ins uint8, v Value) Votes {
	if v == Prepared {
		return Votes{Prepared: SetOf(ins)}
	}
	return Votes{Aborted: SetOf(ins)}
}

// Of returns the value of one instance, NoValue if there is none.
func (v Votes) Of(ins uint8) Value {
	switch {
	case v.Prepared.Has(ins):
		return Prepared
	case v.Aborted.Has(ins):
		return Aborted
	}
	return NoValue
}

// Instances returns the instances that have a value.
func (v Votes) Instances() Set { return v.Prepared | v.Aborted }

// Union returns the votes of both; the caller knows that they agree where both speak.
func (v Votes) Union(w Votes) Votes { return Votes{v.Prepared | w.Prepared, v.Aborted | w.Aborted} }

// AppendKey appends a canonical encoding.
func (v Votes) AppendKey(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(v.Prepared))
	return binary.AppendUvarint(dst, uint64(v.Aborted))
}

// Outcome returns what a transaction of these members has come to when these are the values chosen:
// Aborted as soon as one is Aborted, Committed when all are Prepared, otherwise NoValue (section
// 4.1 of the paper).
func (v Votes) Outcome(members Set) Value {
	switch {
	case v.Aborted&members != 0:
		return Aborted
	case members != 0 && v.Prepared&members == members:
		return Committed
	}
	return NoValue
}
