package harness

import "paxoscommit/core"

// Odd numbers that words are multiplied by before they are added up: equal words in other places
// give another sum, and no product waits for another.
const (
	odd0 = 0x9e3779b97f4a7c15
	odd1 = 0xbf58476d1ce4e5b9
	odd2 = 0x94d049bb133111eb
	odd3 = 0xd6e8feb86659fd93
	odd4 = 0xa0761d6478bd642f
	odd5 = 0xe7037ed1a0b428db
	odd6 = 0x8ebc6af09c88c6e3
	odd7 = 0x589965cc75374cc3
)

func mix(w, h uint64) uint64 {
	h = (h ^ w) * 0xff51afd7ed558ccd
	return h ^ h>>32
}

// Hash mixes the content of an action into 64 bits, the same on every platform.
func (a *Action) Hash() uint64 {
	content := uint64(0)
	switch a.Type {
	case Begin, GiveUp:
		content = uint64(a.Role.ID)
	case Deliver, Drop, Duplicate, Refuse:
		content = sumContent(&a.Msg)
	case Fire:
		content = sumNamed(&a.Timer)
	default:
	}
	return hashAction(a.Type, a.Node, content)
}

// hashAction is Action.Hash; node counts only where it is named, and content elsewhere.
func hashAction(t ActionType, node core.NodeID, content uint64) uint64 {
	switch t {
	case Sync, Crash, CrashKeep, Die, Restart, Cut:
		return mix(uint64(t)<<8|uint64(node), 0)
	case Heal, Settle:
		return mix(uint64(t)<<8, 0)
	default:
		return mix(content, mix(uint64(t)<<8, 0))
	}
}

func word(kind, val uint8, from, to core.Role) uint64 {
	return uint64(kind) | uint64(val)<<8 | uint64(from.Kind)<<16 | uint64(from.ID)<<24 |
		uint64(to.Kind)<<32 | uint64(to.ID)<<40 | uint64(from.Replica)<<48 | uint64(to.Replica)<<56
}

// sumContent sums what an action names of a message: all but its Members.
func sumContent(m *core.Message) uint64 {
	sum := word(uint8(m.Type), uint8(m.Val), m.From, m.To)*odd0 + m.Tx.Word()*odd1 +
		(uint64(m.Bal)|uint64(m.MBal)<<32)*odd2 + uint64(m.Votes.Prepared)*odd3 +
		uint64(m.Votes.Aborted)*odd4 + uint64(m.Low)*odd6 + uint64(m.Joined)*odd7
	if m.Begin {
		sum = ^sum
	}
	return sum
}

// sumMessage sums all of a message, given the sum of its content.
func sumMessage(m *core.Message, content uint64) uint64 {
	if m.Begin {
		return content - uint64(m.Members)*odd5
	}
	return content + uint64(m.Members)*odd5
}

func sumRecord(r *core.Record) uint64 {
	return word(uint8(r.Type), uint8(r.Val), r.Role, core.Role{})*odd0 + r.Tx.Word()*odd1 +
		(uint64(r.Bal)|uint64(r.MBal)<<32)*odd2 + uint64(r.Votes.Prepared)*odd3 +
		uint64(r.Votes.Aborted)*odd4 + uint64(r.Members)*odd5 + uint64(r.Low)*odd6 +
		uint64(r.Joined)*odd7
}

// sumNamed sums what an action names of a timer: all but its Await.
func sumNamed(t *core.Timer) uint64 {
	return word(uint8(t.Kind), 0, t.Role, core.Role{})*odd0 + t.Tx.Word()*odd1
}

func sumTimer(t *core.Timer) uint64 {
	return word(uint8(t.Kind), 0, t.Role, core.Role{Kind: t.Await.Kind})*odd0 + t.Tx.Word()*odd1 +
		uint64(t.Await.IDs)*odd2 + uint64(t.Await.Replicas)*odd3
}
