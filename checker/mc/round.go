package mc

import (
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Sizes, measured on two cores with the models of specs. A round bounds what is buffered; a chunk
// is what a worker takes at a time; a batch is what it looks up at a time and fits into its
// first-level cache; the recent fingerprints fit into its second-level cache.
const (
	roundStates = 1 << 14
	chunkStates = 1 << 7
	batchLen    = 1 << 7
	recentLen   = 1 << 14
)

// An edge is the number of a state and the index of an action in it.
type edge struct {
	parent uint32
	action uint16
}

// A marked is a state with its fingerprint.
type marked[S any] struct {
	print fingerprint
	state S
}

// A candidate is a successor that may be new, and the edge that leads to it.
type candidate[S any] struct {
	marked[S]
	edge edge
}

// listed is what the insertion of a candidate reads, side by side with those of its shard.
type listed struct {
	print fingerprint
	index uint32
}

// A tally is what a chunk adds to the report.
type tally struct {
	generated, terminal uint64
	expanded            Orbit  // Generated and Terminal over the orbits of the sources
	distinct            uint64 // over the orbits of the new states
	outside             uint64 // bytes that the new states hold outside of S
}

// A chunk is a stretch of the frontier and what its expansion gave, in the order of the frontier.
type chunk[S, A any] struct {
	first, last int // in the level
	candidates  []candidate[S]
	looked      int      // so many of them were looked up
	byShard     []listed // those of shard i from starts[i] to starts[i+1]
	starts      [shards + 1]uint32
	fresh       []bool // by candidate: it was the first to bring its state
	n           int    // fresh candidates
	offset      int    // of its first new state among those of the round
	tally       tally
	found       []found
	err         error
}

func (c *chunk[S, A]) reset(first, last int) {
	c.first, c.last = first, last
	clear(c.candidates) // lets go of what the states point to
	c.candidates = c.candidates[:0]
	c.looked, c.n, c.tally, c.err = 0, 0, tally{}, nil
	clear(c.found)
}

func (c *chunk[S, A]) bytes() uint64 {
	return uint64(cap(c.candidates))*uint64(unsafe.Sizeof(candidate[S]{})) +
		uint64(cap(c.fresh)) + uint64(cap(c.byShard))*uint64(unsafe.Sizeof(listed{}))
}

// partition lists the candidates by shard, in order (a counting sort).
func (c *chunk[S, A]) partition() {
	n := len(c.candidates)
	if cap(c.fresh) < n {
		c.fresh = make([]bool, cap(c.candidates))
		c.byShard = make([]listed, cap(c.candidates))
	}
	c.fresh, c.byShard = c.fresh[:n], c.byShard[:n]
	var at [shards + 1]uint32
	for i := range c.candidates {
		at[c.candidates[i].print.shardOf()+1]++
	}
	for i := range shards {
		at[i+1] += at[i]
	}
	c.starts = at
	for i := range c.candidates {
		f := c.candidates[i].print
		k := f.shardOf()
		c.byShard[at[k]] = listed{f, uint32(i)}
		at[k]++
	}
}

// A worker is the scratch space of a goroutine.
type worker[S, A any] struct {
	actions []A
	key     []byte
	recent  [recentLen]fingerprint
	warm    uint64 // keeps the loads of touch alive
	hashed  bool   // some key was longer than exactBytes
	memos   []memo // by property
	walk    []fingerprint
}

// isRecent reports whether f is among the recent ones, and puts it there. A worker meets chunks in
// the order of the frontier, so that what it leaves out as recent is never the first of its kind.
// Which worker meets what is left to chance, though; a reduction must not ask it what is new.
func (w *worker[S, A]) isRecent(f fingerprint) bool {
	r := &w.recent[f.lo%recentLen]
	if *r == f {
		return true
	}
	*r = f
	return false
}

func (w *worker[S, A]) bytes() uint64 {
	n := uint64(unsafe.Sizeof(w.recent))
	for i := range w.memos {
		n += w.memos[i].bytes()
	}
	return n
}

func (e *explorer[S, A]) fingerprint(w *worker[S, A], s S) fingerprint {
	if e.words != nil {
		hi, lo := e.words.WordKey(s)
		return fingerprint{hi | (exactBytes+1)<<56, lo}.permute()
	}
	w.key = e.m.AppendKey(w.key[:0], s)
	f, exact := newFingerprint(w.key)
	if !exact {
		w.hashed = true
	}
	return f
}

// parallel calls task for 0..n-1, each once, on all workers.
func (e *explorer[S, A]) parallel(n int, task func(w *worker[S, A], i int)) {
	var at atomic.Int64
	run := func(w *worker[S, A]) {
		for i := int(at.Add(1)) - 1; i < n; i = int(at.Add(1)) - 1 {
			task(w, i)
		}
	}
	var wg sync.WaitGroup
	for i := 1; i < min(n, len(e.workers)); i++ {
		wg.Go(func() { run(&e.workers[i]) })
	}
	run(&e.workers[0])
	wg.Wait()
}

// round expands the next stretch of the level.
func (e *explorer[S, A]) round() {
	n := 0
	for end := min(e.pos+roundStates, e.level.n); e.pos < end; n++ {
		e.chunks[n].reset(e.pos, min(e.pos+chunkStates, end))
		e.pos = e.chunks[n].last
	}
	cs := e.chunks[:n]
	e.parallel(n, func(w *worker[S, A], i int) { e.expand(w, &cs[i]) })
	for i := range cs {
		if cs[i].err != nil {
			e.err = cs[i].err
			return
		}
	}
	e.level.release(e.pos, &e.next)
	e.settle(cs)
	e.advance()
}

// expand looks up the successors of a chunk and keeps those not visited before the round.
func (e *explorer[S, A]) expand(w *worker[S, A], c *chunk[S, A]) {
	for i := c.first; i < c.last; i++ {
		from := e.level.at(i)
		s := from.state
		parent := uint32(e.base) + uint32(i)
		w.actions = e.m.Actions(s, w.actions[:0])
		all := len(w.actions)
		if all > MaxActions {
			c.err = fmt.Errorf("%w: %d in one state, at most %d", ErrActions, all, MaxActions)
			return
		}
		n := all
		if e.ample != nil {
			n = e.ample.Ample(s, w.actions)
		}
		if n < all {
			e.flush(w, c)
		}
		before := len(c.candidates)
		e.successors(w, c, from, parent, 0, n)
		if n < all {
			if e.flush(w, c); len(c.candidates) == before { // nothing new
				e.successors(w, c, from, parent, n, all)
				n = all
			}
		}
		c.tally.generated += uint64(n)
		if all == 0 {
			c.tally.terminal++
		}
		if e.orbit != nil {
			size := e.orbit.OrbitSize(s)
			c.tally.expanded.Generated += size * uint64(n)
			if all == 0 {
				c.tally.expanded.Terminal += size
			}
		}
		if len(c.candidates)-c.looked >= batchLen {
			e.flush(w, c)
		}
	}
	e.flush(w, c)
	c.partition()
}

// successors adds those by the actions first..end-1 to the batch. It leaves out at once what is as
// the source or as the successor before, and what this worker saw of late, which is most.
func (e *explorer[S, A]) successors(
	w *worker[S, A], c *chunk[S, A], from *marked[S], parent uint32, first, end int,
) {
	s, last := from.state, from.print
	for i := first; i < end; i++ {
		t := e.m.Next(s, w.actions[i])
		for _, p := range e.byKind[AlwaysStep] {
			if e.results[p].ok || c.found[p].ok {
				continue
			}
			if err := e.ps[p].Step(s, w.actions[i], t); err != nil {
				c.found[p] = found{ok: true, at: uint64(parent), action: i, err: err}
			}
		}
		f := e.fingerprint(w, t)
		if f == from.print || f == last || e.ample == nil && w.isRecent(f) {
			continue
		}
		last = f
		c.candidates = append(c.candidates, candidate[S]{marked[S]{f, t}, edge{parent, uint16(i)}})
	}
}

// flush looks up the candidates that were not yet, and leaves out those that are not new. It first
// touches where each search will begin: these loads do not depend on each other, and so the memory
// serves several at once.
func (e *explorer[S, A]) flush(w *worker[S, A], c *chunk[S, A]) {
	batch := c.candidates[c.looked:]
	for i := range batch {
		w.warm += e.seen.touch(batch[i].print)
	}
	for i := range batch {
		if !e.seen.has(batch[i].print) {
			c.candidates[c.looked] = batch[i]
			c.looked++
		}
	}
	clear(c.candidates[c.looked:]) // lets go of what the states point to
	c.candidates = c.candidates[:c.looked]
}

// settle inserts the candidates of the chunks, appends the new states to the next level in the
// order of the candidates, judges them, and adds up.
func (e *explorer[S, A]) settle(cs []chunk[S, A]) {
	e.parallel(shards, func(w *worker[S, A], i int) {
		s := &e.seen.shards[i]
		for k := range cs {
			c := &cs[k]
			for _, l := range c.byShard[c.starts[i]:c.starts[i+1]] {
				w.warm += s.slots[s.home(l.print)].lo
			}
		}
		for k := range cs {
			c := &cs[k]
			for _, l := range c.byShard[c.starts[i]:c.starts[i+1]] {
				c.fresh[l.index] = s.insert(l.print)
			}
		}
	})
	sum := 0
	for k := range cs {
		for _, fresh := range cs[k].fresh {
			if fresh {
				cs[k].n++
			}
		}
		cs[k].offset = sum
		sum += cs[k].n
	}
	firstNew, distinct := e.next.n, e.report.Distinct
	e.next.extend(sum)
	e.ways.extend(distinct + uint64(sum))
	e.parallel(len(cs), func(w *worker[S, A], k int) {
		c := &cs[k]
		n := c.offset
		for j, fresh := range c.fresh {
			if fresh {
				*e.next.at(firstNew + n) = c.candidates[j].marked
				e.ways.put(distinct+uint64(n), c.candidates[j].edge)
				e.judge(w, c, c.candidates[j].state, distinct+uint64(n))
				n++
			}
		}
	})
	e.report.Distinct += uint64(sum)
	for k := range cs {
		e.addUp(&cs[k])
	}
}

// judge holds the undecided properties of states against a new state.
func (e *explorer[S, A]) judge(w *worker[S, A], c *chunk[S, A], s S, number uint64) {
	for p := range e.ps {
		if e.results[p].ok || c.found[p].ok {
			continue
		}
		switch e.ps[p].Kind {
		case Always:
			if err := e.ps[p].Check(s); err != nil {
				c.found[p] = found{ok: true, at: number, err: err}
			}
		case Sometimes:
			if e.ps[p].Goal(s) {
				c.found[p] = found{ok: true, at: number}
			}
		case CanStill:
			if !e.canStill(w, p, s) {
				c.found[p] = found{ok: true, at: number}
			}
		case AlwaysStep:
		}
	}
	if e.orbit != nil {
		c.tally.distinct += e.orbit.OrbitSize(s)
	}
	if e.foot != nil {
		c.tally.outside += e.foot.Footprint(s)
	}
}

// addUp adds a chunk to the report; chunks come in order, so the first finding is the least.
func (e *explorer[S, A]) addUp(c *chunk[S, A]) {
	r, t := &e.report, &c.tally
	r.Generated += t.generated
	r.Terminal += t.terminal
	e.outside[1] += t.outside
	if e.orbit != nil {
		r.Orbit.Distinct += t.distinct
		r.Orbit.Generated += t.expanded.Generated
		r.Orbit.Terminal += t.expanded.Terminal
	}
	for p := range c.found {
		if c.found[p].ok && !e.results[p].ok {
			e.results[p] = c.found[p]
		}
	}
}
