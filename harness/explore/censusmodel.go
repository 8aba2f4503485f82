package explore

import (
	"encoding/binary"

	"paxoscommit/core"
	"paxoscommit/harness"
)

// What Step.action says beside isOwn.
const (
	isLoss = 1 << 14 // with the number of a message: it is lost
	isCut  = 1 << 13 // with the index of a failure
)

// Init is the world before anything has happened.
func (k *censusModel) Init() []censusState { return []censusState{{State: k.init}} }

// AppendKey appends the state.
func (k *censusModel) AppendKey(dst []byte, s censusState) []byte {
	for _, id := range s.parts[:k.n] {
		dst = binary.LittleEndian.AppendUint32(dst, id)
	}
	for _, w := range s.sent {
		dst = binary.LittleEndian.AppendUint64(dst, w)
	}
	return append(append(dst, s.left[:]...), s.failed)
}

// Actions lists what can happen in s. Left out is what changes nothing, or only spends its budget.
func (k *censusModel) Actions(s censusState, buf []Step) []Step {
	sync := k.timing == harness.Synchronous
	still := sync && k.isStill(&s)
	for i := range k.n {
		p := k.part(s.parts[i])
		list := k.own(p)
		for j := range list {
			o := &list[j]
			if o.class != free && s.left[o.class] == 0 ||
				o.class == death && (s.failed != 0 || k.death(i) == 0) ||
				o.next == p.number && k.isThere(&s, o.out) ||
				sync && !k.mayFire(&s, p, &o.action, still) {
				continue
			}
			buf = append(buf, Step{o.next, o.out, uint16(j) | isOwn, uint8(i), o.class})
		}
	}
	rest := s
	if !sync {
		k.leaveDeaf(&rest)
	}
	for id := range rest.messages() {
		r := &k.receiver[id]
		e := k.arrival(&s, id)
		if sync || e.next != s.parts[r.node] || !k.isThere(&s, e.out) {
			buf = append(buf, Step{e.next, e.out, uint16(id), r.node, free})
		}
		if sync && k.part(s.parts[r.sender]).data.Dead() {
			buf = append(buf, Step{action: uint16(id) | isLoss})
		}
	}
	for i := range k.failures {
		if s.failed == 0 && !k.failures[i].far.Empty() {
			buf = append(buf, Step{action: isCut | uint16(i)})
		}
	}
	return buf
}

// Next is the state after a.
func (k *censusModel) Next(s censusState, a Step) censusState {
	switch {
	case a.action&isOwn == 0 && a.action&isCut != 0:
		s.failed = uint8(a.action&^isCut) + 1
		k.strand(&s)
	case a.action&isOwn != 0:
		s.parts[a.node] = a.next
		if a.class != free {
			s.left[a.class]--
		}
		if a.class == death {
			s.failed = k.death(int(a.node))
			k.strand(&s)
		}
		k.send(&s, a.out)
	default:
		id := a.action &^ isLoss
		if k.timing == harness.Synchronous {
			s.sent[id/64] &^= 1 << (id % 64)
		}
		if a.action&isLoss == 0 {
			s.parts[a.node] = a.next
			k.send(&s, a.out)
		}
	}
	if k.pruned {
		k.prune(&s.State)
	}
	return s
}

// death returns the number of the failure that is the death of node i, 0 if there is none.
func (k *censusModel) death(i int) uint8 {
	for j := range k.failures {
		if k.failures[j].dies == core.NodeID(i) && i > 0 {
			return uint8(j + 1)
		}
	}
	return 0
}

// sameSide tells whether no partition is between two nodes; the clients, node 0, reach everybody.
func (k *censusModel) sameSide(s *censusState, a, b core.NodeID) bool {
	if s.failed == 0 || a == 0 || b == 0 {
		return true
	}
	far := &k.failures[s.failed-1].far
	return far.Has(a) == far.Has(b)
}

// send puts messages in flight, but for those that can never arrive.
func (k *censusModel) send(s *censusState, out uint32) {
	k.Model.send(&s.State, out)
	if s.failed != 0 {
		k.strand(s)
	}
}

// strand takes out of flight what can never arrive: its receiver is dead, or on the other side.
func (k *censusModel) strand(s *censusState) {
	for id := range s.messages() {
		r := &k.receiver[id]
		if k.part(s.parts[r.node]).data.Dead() ||
			!k.sameSide(s, core.NodeID(r.node), core.NodeID(r.sender)) {
			s.sent[id/64] &^= 1 << (id % 64)
		}
	}
}

// leaveDeaf takes out messages of which it is known that their arrival does nothing.
func (k *censusModel) leaveDeaf(s *censusState) {
	for i := range k.n {
		p := k.part(s.parts[i])
		for w := range s.sent {
			s.sent[w] &^= p.deaf[w].Load()
		}
	}
}

// isThere tells whether messages are all in flight, or can never arrive.
func (k *censusModel) isThere(s *censusState, out uint32) bool {
	if out == 0 {
		return true
	}
	t := *s
	k.send(&t, out)
	if k.pruned {
		k.prune(&t.State)
	}
	return t.sent == s.sent
}

// arrival returns what the arrival of a message does to its receiver.
func (k *censusModel) arrival(s *censusState, id int) edge {
	return k.delivery(k.part(s.parts[k.receiver[id].node]), id)
}

// moving returns something that goes on inside a node, and where, or nil.
func (k *censusModel) moving(s *censusState) (int, *own) {
	for i := range k.n {
		list := k.own(k.part(s.parts[i]))
		for j := range list {
			if t := list[j].action.Type; t == harness.Deliver || t == harness.Sync {
				return i, &list[j]
			}
		}
	}
	return 0, nil
}

// isStill tells whether nothing moves but timers.
func (k *censusModel) isStill(s *censusState) bool {
	_, o := k.moving(s)
	return o == nil && s.sent == [sentWords]uint64{}
}

// mayFire tells of a timer what harness.World tells in the synchronous timing: a role that it waits
// for is dead or cut off and nothing from it is in flight; or it says something again, and nothing
// moves. Of any other action it is true.
func (k *censusModel) mayFire(s *censusState, p *part, a *harness.Action, still bool) bool {
	if a.Type != harness.Fire || still && a.Timer.Kind == core.TimerRetry {
		return true
	}
	here := p.data.Node()
	return p.data.Await(&a.Timer).Any(func(from core.Role) bool {
		n := k.cfg.Layout.NodeOf(from)
		if n == 0 || !k.part(s.parts[n]).data.Dead() && k.sameSide(s, n, here) {
			return false
		}
		for id := range s.messages() {
			if k.receiver[id].from == from && k.receiver[id].to == a.Timer.Role {
				return false
			}
		}
		return true
	})
}
