package explore

import "math/bits"

// maxReach bounds the work of findLive: so many parts, with what is left of their budgets, and so
// many offers.
const maxReach = 1 << 19

// haltEvery is after how many parts the work before the first state asks whether to go on.
const haltEvery = 16

// halter asks now and then whether to stop, and keeps to it.
type halter struct {
	halt   func() bool
	count  int
	halted bool
}

func (h *halter) stop() bool {
	if h.count++; h.count%haltEvery == 0 && !h.halted {
		h.halted = h.halt()
	}
	return h.halted
}

// reach is a part that a node can come to, alone, given every message that anybody could send it.
type reach struct {
	part uint32
	left [numClasses]uint8
	done int     // offers tried, of those in the inbox; -1 if its own actions are to be tried too
	next []int32 // what follows, as indices
	live [sentWords]uint64
}

// finder works out which messages can still matter to a part. It takes each node alone, and gives
// it in every part every message that any node was found to send, as if all had been sent: more
// than can happen, and nothing less. Only the budgets go along: what is left of them after a
// delivery is at most what is left at the receiver, and what can be left once the message has been
// sent. A message that does nothing from some part on, whatever else comes, is dead there. States
// that differ only in dead messages behave alike.
type finder struct {
	m     *Model
	all   []reach
	index map[reachKey]int32
	inbox [maxParts][]offer // by receiver
	sent  int               // offers in all
	left  [maxMessages][numClasses]uint8
	known [maxMessages]bool
}

// offer is a message with the most that can be left of each budget once it has been sent.
type offer struct {
	id   int
	left [numClasses]uint8
}

type reachKey struct {
	part uint32
	left [numClasses]uint8
}

// findLive sets the live messages of all parts that can be reached. It returns false if the world
// is too large for that, or when halt, which it asks now and then, says so.
func (m *Model) findLive(halt func() bool) bool {
	h := &halter{halt: halt}
	f := &finder{m: m, index: map[reachKey]int32{}}
	for i, id := range m.init.parts[:m.n] {
		f.find(id, m.init.left)
		f.find(m.spared[i], m.init.left)
	}
	for tried := true; tried; {
		tried = false
		for i := 0; i < len(f.all); i++ {
			tried = f.try(int32(i)) || tried
			if max(len(f.all), f.sent) > maxReach || m.Err() != nil || h.stop() {
				return false
			}
		}
	}
	if !m.cfg.NonBlocking {
		f.findAlone(h)
		m.ordered = true
	}
	f.spread(h)
	if h.halted {
		return false
	}
	for i := range f.all {
		m.part(f.all[i].part).live = [sentWords]uint64{}
	}
	for i := range f.all {
		p := m.part(f.all[i].part)
		for k, w := range f.all[i].live {
			p.live[k] |= w
		}
	}
	return true
}

// find returns the index of a part with what is left of the budgets, a new one if it is new.
func (f *finder) find(part uint32, left [numClasses]uint8) int32 {
	key := reachKey{part, left}
	i, ok := f.index[key]
	if !ok {
		i = int32(len(f.all))
		f.index[key] = i
		f.all = append(f.all, reach{part: part, left: left, done: -1})
	}
	return i
}

// try takes all that can happen to a part and has not been tried, and tells whether there was any.
func (f *finder) try(i int32) bool {
	m, r := f.m, f.all[i]
	p := m.part(r.part)
	var next []int32
	add := func(e edge, left [numClasses]uint8) {
		f.send(e.out, left)
		if j := f.find(e.next, left); j != i {
			next = append(next, j)
		}
	}
	tried := r.done < 0
	if tried {
		r.done = 0
		for _, o := range m.own(p) {
			left := r.left
			if o.class == free {
				add(o.edge, left)
			} else if left[o.class] > 0 {
				left[o.class]--
				add(o.edge, left)
			}
		}
		if !p.safe && !m.cfg.Unreduced {
			left := r.left
			left[crash] = 0
			add(m.makeSafe(p), left)
		}
	}
	for inbox := f.inbox[p.data.Node()]; r.done < len(inbox); r.done++ {
		o := &inbox[r.done]
		if e := m.delivery(p, o.id); !p.silent(e) {
			r.live[o.id/64] |= 1 << (o.id % 64)
			add(e, least(r.left, o.left))
		}
		tried = true
	}
	at := &f.all[i]
	at.done, at.live, at.next = r.done, r.live, append(at.next, next...)
	return tried
}

// send offers messages to their receivers, again if more can be left of a budget than was known.
func (f *finder) send(out uint32, left [numClasses]uint8) {
	if out == 0 {
		return
	}
	for k, w := range f.m.outs.at(out) {
		for ; w != 0; w &= w - 1 {
			id := 64*k + bits.TrailingZeros64(w)
			most := f.left[id]
			for c := range most {
				most[c] = max(most[c], left[c])
			}
			if f.known[id] && most == f.left[id] {
				continue
			}
			f.known[id], f.left[id] = true, most
			node := f.m.receiver[id].node
			f.inbox[node] = append(f.inbox[node], offer{id, most})
			f.sent++
		}
	}
}

func least(a, b [numClasses]uint8) [numClasses]uint8 {
	for c := range a {
		a[c] = min(a[c], b[c])
	}
	return a
}

// spread makes live what is live in any part that follows.
func (f *finder) spread(h *halter) {
	for changed := true; changed; {
		changed = false
		for i := len(f.all) - 1; i >= 0; i-- {
			if h.stop() {
				return
			}
			r := &f.all[i]
			before := r.live
			for _, j := range r.next {
				for k, w := range f.all[j].live {
					r.live[k] |= w
				}
			}
			changed = changed || r.live != before
		}
	}
}
