package explore

import (
	"encoding/binary"
	"iter"
	"math/bits"

	"paxoscommit/core"
	"paxoscommit/harness"
)

// Limits of a world, so that a state is a value without pointers.
const (
	maxParts    = 12 // nodes, and the clients
	sentWords   = 8
	maxMessages = 64 * sentWords // of different content, between nodes
)

// A class is the budget that an action needs.
type class uint8

const (
	free class = iota
	takeover
	timeout
	crash
	death
	refusal
	numClasses
)

// State is a state of the whole world: the part of each node by its number, the messages ever sent
// between nodes, and what is left of the budgets.
type State struct {
	parts [maxParts]uint32
	sent  [sentWords]uint64
	left  [numClasses]uint8
}

// messages iterates over the numbers of the messages that were sent.
func (s *State) messages() iter.Seq[int] {
	return func(yield func(int) bool) {
		for k, w := range s.sent {
			for ; w != 0; w &= w - 1 {
				if !yield(64*k + bits.TrailingZeros64(w)) {
					return
				}
			}
		}
	}
}

// Step is an action, looked up: what it makes of its part, and which messages it sends.
type Step struct {
	next, out uint32
	action    uint16 // number of the message delivered; or, with isOwn, index of the part's own
	node      uint8
	class     class
}

const isOwn = 1 << 15

// Init is the world before anything has happened: with n crashes, once for each n nodes that may
// be the ones to crash.
func (m *Model) Init() []State {
	crashes, nodes := int(m.init.left[crash]), m.cfg.Layout.Nodes
	if m.cfg.Unreduced || crashes == 0 || crashes >= nodes {
		return []State{m.init}
	}
	var list []State
	for set := core.Set(0); set < core.Set(1)<<nodes; set++ {
		if set.Len() != crashes {
			continue
		}
		s := m.init
		for i := 1; i < m.n; i++ {
			if !set.Has(uint8(i)) {
				s.parts[i] = m.spared[i]
			}
		}
		s.parts[0] = m.spared[0]
		list = append(list, s)
	}
	return list
}

// Actions lists what can happen in s, but for deliveries that change nothing.
func (m *Model) Actions(s State, buf []Step) []Step {
	var parts [maxParts]*part
	var live [sentWords]uint64
	heard := s.sent
	words := m.words()
	for i := range m.n {
		p := m.part(s.parts[i])
		for k := range words {
			heard[k] &^= p.deaf[k].Load()
			live[k] |= p.live[k]
		}
		parts[i] = p
	}
	for i := range m.n {
		list := m.own(parts[i])
		for k := range list {
			o := &list[k]
			if o.class != free && s.left[o.class] == 0 ||
				o.next == s.parts[i] && m.covered(&s, &live, o.out) ||
				o.class == death && !m.canLose(&s, i) {
				continue
			}
			buf = append(buf, Step{o.next, o.out, uint16(k) | isOwn, uint8(i), o.class})
		}
	}
	for k := range words {
		for rest := heard[k]; rest != 0; rest &= rest - 1 {
			id := 64*k + bits.TrailingZeros64(rest)
			i := m.receiver[id].node
			e := m.delivery(parts[i], id)
			if e.next == s.parts[i] && m.covered(&s, &live, e.out) {
				continue
			}
			buf = append(buf, Step{e.next, e.out, uint16(id), i, free})
		}
	}
	return buf
}

// Next is the state after a.
func (m *Model) Next(s State, a Step) State {
	s.parts[a.node] = a.next
	m.send(&s, a.out)
	if a.class != free {
		s.left[a.class]--
		if a.class == crash && m.isSafe(&s) {
			for i := range m.n {
				e := m.makeSafe(m.part(s.parts[i]))
				s.parts[i] = e.next
				m.send(&s, e.out)
			}
		}
	}
	if m.pruned {
		m.prune(&s)
	}
	return s
}

// prune leaves out the messages that are dead.
func (m *Model) prune(s *State) {
	var live [sentWords]uint64
	words := m.words()
	for i := range m.n {
		p := m.part(s.parts[i])
		for k := range words {
			live[k] |= p.live[k]
		}
	}
	for k := range words {
		s.sent[k] &= live[k]
	}
}

// words is how many words of what was sent are in use: as many as the messages that there are so
// far need, and so at least as many as any state.
func (m *Model) words() int { return int(m.inUse.Load()) }

// appendState appends a state. The words of what was sent come last, but for those that are zero
// from there on, so that the key of a state stays the same when more come into use.
func (m *Model) appendState(dst []byte, s *State) []byte {
	for _, id := range s.parts[:m.n] {
		dst = binary.LittleEndian.AppendUint32(dst, id)
	}
	dst = append(dst, s.left[:]...)
	words := m.words()
	for words > 0 && s.sent[words-1] == 0 {
		words--
	}
	for _, w := range s.sent[:words] {
		dst = binary.LittleEndian.AppendUint64(dst, w)
	}
	return dst
}

// isSafe tells whether no node can crash any more and come back, so that nothing of a log matters
// but what is read by who is down.
func (m *Model) isSafe(s *State) bool { return !m.cfg.Unreduced && s.left[crash] == 0 }

// canLose tells whether node i may be lost for good, beside those that are.
func (m *Model) canLose(s *State, i int) bool {
	var gone core.NodeSet
	gone.Add(core.NodeID(i))
	for k := 1; k < m.n; k++ {
		if m.part(s.parts[k]).data.Dead() {
			gone.Add(core.NodeID(k))
		}
	}
	return m.cfg.CanLose(&gone)
}

// covered tells whether all of a set of messages have been sent before, or are dead.
func (m *Model) covered(s *State, live *[sentWords]uint64, out uint32) bool {
	if out == 0 {
		return true
	}
	for k, w := range m.outs.at(out)[:m.words()] {
		if m.pruned {
			w &= live[k]
		}
		if w&^s.sent[k] != 0 {
			return false
		}
	}
	return true
}

func (m *Model) send(s *State, out uint32) {
	if out == 0 {
		return
	}
	for k, w := range m.outs.at(out)[:m.words()] {
		s.sent[k] |= w
	}
}

// classOf returns the budget that an action of a node needs.
func classOf(a *harness.Action) class {
	switch a.Type {
	case harness.Fire:
		if a.Timer.Kind == core.TimerTakeOver {
			return takeover
		}
		return timeout
	case harness.Crash, harness.CrashKeep:
		return crash
	case harness.Die:
		return death
	case harness.Refuse:
		return refusal
	default:
		return free
	}
}
