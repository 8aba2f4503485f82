package explore

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"

	"paxoscommit/harness"
)

// An action is *alone* at a part if it does not matter when it happens there: it needs no budget,
// it adds no evidence (checker.Monitor.AppendEvidence), and whatever else may still happen to the
// part, now or after other such things, either commutes with it, to the same part and the same
// messages, or makes it as if it had never happened. Actions of different nodes commute anyway, for
// messages wait. So a state in which an action is alone needs none of its others: of each run from
// there the same evidence, in the same order, can be had with the action first; and whatever else
// the action may add, such as a decision, breaks no less for being there early. (A persistent set
// of one action: Godefroid, "Partial-Order Methods for the Verification of Concurrent Systems",
// 1996.)
//
// What may still happen to a part is whatever its budgets allow, and the messages that were sent or
// that the other parts can still send. So for each part, and for each set of budgets that are not
// spent, it is worked out beforehand which messages it can still send, and for each action which
// messages must not come for it to be alone. Both come from all parts that a node could come to if
// every message that anybody could send were always there (finder), as least fixpoints.
type loner struct {
	m      *Model
	halter *halter
	words  int      // of a set of messages
	events []event  // those of part p from first[p] to first[p+1], by code
	first  []uint32 // by part
	codes  map[harness.Action]uint16
	parts  []uint32    // that a node can come to
	must   []uint64    // by part: messages that have been sent on every way to it
	masks  []classMask // by part: the budgets that can matter from it on
	solved [1 << numClasses]*solution
	after  []int32 // see pairUp
	needs  []need  // see findUnless
}

// classMask is a set of classes.
type classMask uint8

// event is something that can change a part, or send something.
type event struct {
	edge
	code  uint16 // number of the message delivered, or isOwn and that of the action; or becomeSafe
	class class
	quiet bool // it may be alone
}

const becomeSafe = ^uint16(0)

// solution is what is known if these budgets, and no others, are not spent.
type solution struct {
	future []uint64 // by part: messages that can still be sent
	unless []uint64 // by event: messages that must not come
	never  []bool   // by event: it is not alone, whatever comes
}

// lonely is what of a solution belongs to a part.
type lonely struct {
	future uint32
	alone  []alone // by action
}

// alone is an action, and the number of a set of messages.
type alone struct {
	action uint16 // as in Step
	unless uint32
}

// findAlone sets what is alone in each part, unless it is halted.
func (f *finder) findAlone(h *halter) {
	l := &loner{
		m: f.m, halter: h, words: (len(f.m.messages) + 63) / 64, codes: map[harness.Action]uint16{},
	}
	for _, work := range [...]func(){
		func() { l.list(f) }, l.findSymmetries, l.findMust, l.leaveOut, l.findMasks, l.solveAll,
	} {
		if work(); h.halted {
			return
		}
	}
}

// list collects the events of each part.
func (l *loner) list(f *finder) {
	most := make([]reach, l.m.parts.n+1)
	for i := range f.all {
		r := &f.all[i]
		at := &most[r.part]
		if at.part == 0 {
			at.part = r.part
			l.parts = append(l.parts, r.part)
		}
		for k, w := range r.live {
			at.live[k] |= w
		}
		for c, n := range r.left {
			at.left[c] = max(at.left[c], n)
		}
	}
	l.first = make([]uint32, len(most)+1)
	for id := range most {
		l.first[id] = uint32(len(l.events))
		if most[id].part != 0 && !l.halter.stop() {
			l.listPart(&most[id])
		}
	}
	l.first[len(most)] = uint32(len(l.events))
}

func (l *loner) listPart(r *reach) {
	p, from := l.m.part(r.part), len(l.events)
	add := func(e edge, code uint16, c class) {
		q := l.m.part(e.next)
		quiet := c == free && q.evidence == p.evidence
		l.events = append(l.events, event{e, code, c, quiet})
	}
	for k, w := range r.live {
		for ; w != 0; w &= w - 1 {
			id := 64*k + bits.TrailingZeros64(w)
			add(l.m.delivery(p, id), uint16(id), free)
		}
	}
	for _, o := range l.m.own(p) {
		if o.class != free && r.left[o.class] == 0 {
			continue
		}
		code, ok := l.codes[o.action]
		if !ok {
			code = isOwn | uint16(len(l.codes))
			l.codes[o.action] = code
		}
		add(o.edge, code, o.class)
	}
	if !p.safe { // by the crash of any node, which may be the part's own
		add(l.m.makeSafe(p), becomeSafe, crash)
	}
	slices.SortFunc(l.events[from:], func(a, b event) int { return cmp.Compare(a.code, b.code) })
}

func (l *loner) of(id uint32) []event { return l.events[l.first[id]:l.first[id+1]] }

// at returns the messages of part or event i in a list.
func (l *loner) at(list []uint64, i uint32) []uint64 {
	return list[int(i)*l.words : (int(i)+1)*l.words]
}

// out returns word k of what an edge sends.
func (l *loner) out(e edge, k int) uint64 {
	if e.out == 0 {
		return 0
	}
	return l.m.outs.at(e.out)[k]
}

// findMust works out what has been sent on every way to each part, from the parts of init on.
func (l *loner) findMust() {
	l.must = make([]uint64, len(l.first)*l.words)
	for i := range l.must {
		l.must[i] = ^uint64(0)
	}
	reached := make([]bool, len(l.first))
	for i := range l.m.n {
		for _, id := range [...]uint32{l.m.init.parts[i], l.m.spared[i]} {
			clear(l.at(l.must, id))
			reached[id] = true
		}
	}
	for changed := true; changed; {
		changed = false
		for _, id := range l.parts {
			if l.halter.stop() {
				return
			}
			here := l.at(l.must, id)
			for _, e := range l.of(id) {
				next := l.at(l.must, e.next)
				reached[e.next] = true
				for k := range next {
					if w := next[k] & (here[k] | l.out(e.edge, k)); w != next[k] {
						next[k], changed = w, true
					}
				}
			}
		}
	}
	for _, id := range l.parts {
		if !reached[id] {
			panic(fmt.Sprintf("explore: nothing leads to part %d of node %d", id,
				l.m.part(id).data.Node()))
		}
	}
}

// leaveOut forgets the events that change nothing and send what has been sent.
func (l *loner) leaveOut() {
	kept := l.events[:0]
	from := l.first[0]
	for id := range len(l.first) - 1 {
		to := l.first[id+1]
		must := l.at(l.must, uint32(id))
		l.first[id] = uint32(len(kept))
		for _, e := range l.events[from:to] {
			idle := e.next == uint32(id)
			for k := range must {
				idle = idle && l.out(e.edge, k)&^must[k] == 0
			}
			if !idle {
				kept = append(kept, e)
			}
		}
		from = to
	}
	l.first[len(l.first)-1] = uint32(len(kept))
	l.events = kept
}

func (l *loner) findMasks() {
	l.masks = make([]classMask, len(l.first))
	for changed := true; changed; {
		changed = false
		for _, id := range slices.Backward(l.parts) {
			if l.halter.stop() {
				return
			}
			mask := l.masks[id]
			for _, e := range l.of(id) {
				if mask |= l.masks[e.next]; e.class != free {
					mask |= 1 << e.class
				}
			}
			changed = changed || mask != l.masks[id]
			l.masks[id] = mask
		}
	}
}

func (l *loner) solveAll() {
	for mask := range classMask(1 << numClasses) { // what a set is made of comes before it
		if l.solve(mask); l.halter.halted {
			return
		}
	}
}

// solve works out a solution for all parts from which on just these budgets can matter, or more.
func (l *loner) solve(mask classMask) {
	var parts []uint32
	for _, id := range l.parts {
		if l.masks[id]&mask == mask {
			parts = append(parts, id)
		}
	}
	if len(parts) == 0 {
		return
	}
	s := &solution{
		future: make([]uint64, len(l.first)*l.words),
		unless: make([]uint64, len(l.events)*l.words),
		never:  make([]bool, len(l.events)),
	}
	l.solved[mask] = s
	l.findFuture(s, mask, parts)
	l.findUnless(s, mask, parts)
	for _, id := range parts {
		if l.halter.stop() {
			return
		}
		p := l.m.part(id)
		if p.lonely == nil {
			p.mask, p.lonely = l.masks[id], make([]*lonely, l.masks[id]+1)
		}
		p.lonely[mask] = l.lonely(s, p)
	}
}

// solution returns the solution of a part.
func (l *loner) solution(mask classMask, id uint32) *solution { return l.solved[mask&l.masks[id]] }

func (mask classMask) allows(c class) bool { return c == free || mask>>c&1 == 1 }

func (l *loner) findFuture(s *solution, mask classMask, parts []uint32) {
	for changed := true; changed; {
		changed = false
		for _, id := range slices.Backward(parts) {
			if l.halter.stop() {
				return
			}
			here := l.at(s.future, id)
			for _, e := range l.of(id) {
				if !mask.allows(e.class) {
					continue
				}
				next := l.at(l.solution(mask, e.next).future, e.next)
				for k := range here {
					if w := here[k] | next[k] | l.out(e.edge, k); w != here[k] {
						here[k], changed = w, true
					}
				}
			}
		}
	}
}

// need is that an event is alone only if another is, of the solution for its part.
type need struct {
	event, on uint32
	mask      classMask // of the other's solution: there are very many of these
}

func (l *loner) findUnless(s *solution, mask classMask, parts []uint32) {
	l.needs = l.needs[:0]
	for _, id := range parts {
		if l.halter.stop() {
			return
		}
		first := l.first[id]
		l.pairUp(id)
		for i := range l.of(id) {
			a := first + uint32(i)
			s.never[a] = !l.events[a].quiet
			for k := range l.of(id) {
				b := &l.events[first+uint32(k)]
				if s.never[a] {
					break
				}
				if k == i || !mask.allows(b.class) {
					continue
				}
				on, ok := l.commute(id, i, k)
				switch {
				case !ok && b.code < isOwn:
					l.at(s.unless, a)[b.code/64] |= 1 << (b.code % 64)
				case !ok:
					s.never[a] = true
				case on >= 0:
					l.needs = append(l.needs, need{a, uint32(on), mask & l.masks[b.next]})
				}
			}
		}
	}
	for changed := true; changed; {
		changed = false
		for _, n := range slices.Backward(l.needs) {
			if l.halter.stop() {
				return
			}
			if s.never[n.event] {
				continue
			}
			other := l.solved[n.mask]
			if other.never[n.on] {
				s.never[n.event], changed = true, true
				continue
			}
			here, there := l.at(s.unless, n.event), l.at(other.unless, n.on)
			for k := range here {
				if w := here[k] | there[k]; w != here[k] {
					here[k], changed = w, true
				}
			}
		}
	}
}

// find returns the index of the event with a code, -1 if it would change nothing.
func (l *loner) find(id uint32, code uint16) int {
	i, ok := slices.BinarySearchFunc(l.of(id), code, func(e event, code uint16) int {
		return cmp.Compare(e.code, code)
	})
	if !ok {
		return -1
	}
	return int(l.first[id]) + i
}

// pairUp finds, for any two events of a part, the second after the first.
func (l *loner) pairUp(id uint32) {
	list := l.of(id)
	l.after = l.after[:0]
	for i := range list {
		next := l.first[list[i].next]
		end := l.first[list[i].next+1]
		for k := range list { // both are in the order of their codes
			for next < end && l.events[next].code < list[k].code {
				next++
			}
			at := int32(-1)
			if next < end && l.events[next].code == list[k].code {
				at = int32(next)
			}
			l.after = append(l.after, at)
		}
	}
}

// commute tells whether event k of a part that was paired up leaves event i as it is or as if it
// had never happened. In the first case it returns the index of event i after event k.
func (l *loner) commute(id uint32, i, k int) (on int32, ok bool) {
	list := l.of(id)
	a, b := &list[i], &list[k]
	ab, ba := edge{next: a.next}, edge{next: b.next}
	if at := l.after[i*len(list)+k]; at >= 0 {
		ab = l.events[at].edge
	}
	on = l.after[k*len(list)+i]
	if on >= 0 {
		ba = l.events[on].edge
	}
	same, gone := ab.next == ba.next, ab.next == b.next
	for w, must := range l.at(l.must, id) {
		first := l.out(a.edge, w) | l.out(ab, w)
		same = same && (first^(l.out(b.edge, w)|l.out(ba, w)))&^must == 0
		gone = gone && (first^l.out(b.edge, w))&^must == 0
	}
	if gone {
		return -1, true
	}
	return on, same
}

func (l *loner) lonely(s *solution, p *part) *lonely {
	set := func(words []uint64) uint32 {
		var all [sentWords]uint64
		copy(all[:], words)
		return l.m.out(all)
	}
	x := &lonely{future: set(l.at(s.future, p.number))}
	list := l.m.own(p)
	for i := l.first[p.number]; i < l.first[p.number+1]; i++ {
		e := &l.events[i]
		if s.never[i] {
			continue
		}
		action := e.code
		if action >= isOwn {
			k := slices.IndexFunc(list, func(o own) bool { return l.codes[o.action] == e.code })
			action = isOwn | uint16(k)
		}
		x.alone = append(x.alone, alone{action, set(l.at(s.unless, i))})
	}
	slices.SortFunc(x.alone, func(a, b alone) int { return cmp.Compare(a.action, b.action) })
	return x
}

// Ample puts an action that is alone first, and says that it is enough.
func (m *Model) Ample(s State, actions []Step) int {
	if !m.ordered {
		return len(actions)
	}
	var mask classMask
	for c, n := range s.left {
		if n > 0 {
			mask |= 1 << c
		}
	}
	var lonelies [maxParts]*lonely
	for i := range m.n {
		p := m.part(s.parts[i])
		lonelies[i] = p.lonely[mask&p.mask]
	}
	for i := range actions {
		a := &actions[i]
		if a.class != free {
			continue
		}
		x := lonelies[a.node]
		k, ok := slices.BinarySearchFunc(x.alone, a.action, func(b alone, action uint16) int {
			return cmp.Compare(b.action, action)
		})
		if ok && !m.comes(&s, lonelies[:m.n], int(a.node), x.alone[k].unless) {
			actions[0], actions[i] = actions[i], actions[0]
			return 1
		}
	}
	return len(actions)
}

// comes tells whether one of some messages has been sent, or can be by another node.
func (m *Model) comes(s *State, lonelies []*lonely, node int, unless uint32) bool {
	if unless == 0 {
		return false
	}
	for k, w := range m.outs.at(unless)[:m.words()] {
		if w == 0 {
			continue
		}
		coming := s.sent[k]
		for i, x := range lonelies {
			if i != node && x.future != 0 {
				coming |= m.outs.at(x.future)[k]
			}
		}
		if w&coming != 0 {
			return true
		}
	}
	return false
}
