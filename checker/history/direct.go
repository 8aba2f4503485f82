package history

import (
	"slices"

	"paxoscommit/checker"
)

// maxWords bounds the set of configurations of the direct checker: 2^22 words are 32 MiB.
const maxWords = 1 << 22

// Direct judges the history by just-in-time linearization (Lowe 2017): it goes through the calls
// and returns in order and keeps every configuration that they allow, which is the cells and which
// of the running operations have taken effect. Operations take effect at the last moment: when an
// operation returns, it must have, and before it any others that are running may. If no
// configuration is left, the history is not linearizable.
//
// Memory depends on how many operations run at once, not on the length of the history, except that
// a violation is gone through again to tell the order that led to it. budget bounds the steps: one
// application of an operation to a configuration, or one comparison of two configurations. The
// verdict is Unknown if the budget is spent, or the configurations outgrow 32 MiB.
func (h *History) Direct(budget int) Result {
	total := Result{Verdict: checker.Holds, Stuck: -1}
	for _, p := range h.parts() {
		r := p.direct(budget-total.Steps, false)
		r.Steps += total.Steps
		if r.Verdict == checker.Violated {
			again := p.direct(budget-total.Steps, true)
			again.Steps = r.Steps
			return again
		}
		total.Steps = r.Steps
		if r.Verdict == checker.Unknown {
			total.Verdict, total.Reason = checker.Unknown, r.Reason
		}
	}
	return total
}

// direct is the state of the direct checker on one part.
type direct struct {
	h       *History
	left    int       // Steps left of the budget.
	kinds   [][]int32 // By kind of open operation: those called so far, in order.
	kindOf  []int32   // By operation: its kind if it is open, else its bit.
	live    []int32   // Operations that are running and will return, in order of call.
	now     rowSet    // The configurations at this moment.
	next    rowSet    // The configurations after the return at hand.
	scratch []int64
	reason  string // Why it gave up; empty while it did not.
}

func (h *History) direct(budget int, traced bool) Result {
	d := direct{h: h, left: budget, kindOf: make([]int32, len(h.ops))}
	counts, words := d.number()
	width := counts + words + len(h.opening)
	d.now, d.next = newRowSet(width, counts, traced), newRowSet(width, counts, traced)
	d.scratch = make([]int64, width)
	copy(d.scratch[counts+words:], h.opening)
	d.now.add(d.scratch, nil)

	r := Result{Verdict: checker.Holds, Stuck: -1}
	for _, m := range h.moments {
		switch {
		case h.ops[m.op].Open:
			k := d.kindOf[m.op]
			d.kinds[k] = append(d.kinds[k], m.op)
			continue
		case !m.isReturn:
			d.live = append(d.live, m.op)
			continue
		}
		d.settle(m.op)
		if d.reason != "" {
			r.Verdict, r.Reason = checker.Unknown, d.reason
			break
		}
		if d.next.size == 0 {
			r.Verdict = checker.Violated
			r.Stuck = h.ops[m.op].id
			d.explain(&r, m.op)
			break
		}
		d.live = slices.DeleteFunc(d.live, func(op int32) bool { return op == m.op })
		d.now, d.next = d.next, d.now
	}
	r.Steps = budget - max(d.left, 0)
	return r
}

// number gives each kind of open operation a count, where operations of one kind have the same
// program and so need not be told apart, and each other operation a bit that no operation uses
// which runs at the same time. It returns how many counts and how many words of bits there are.
func (d *direct) number() (counts, words int) {
	var kinds map[string]int32
	var free []int32
	bits := 0
	for _, m := range d.h.moments {
		switch {
		case d.h.ops[m.op].Open:
			key := string(appendProgram(nil, d.h.ops[m.op].program))
			k, known := kinds[key]
			if !known {
				if kinds == nil {
					kinds = map[string]int32{}
				}
				k = int32(len(kinds))
				kinds[key] = k
			}
			d.kindOf[m.op] = k
		case m.isReturn:
			free = append(free, d.kindOf[m.op])
		case len(free) > 0:
			d.kindOf[m.op] = free[len(free)-1]
			free = free[:len(free)-1]
		default:
			d.kindOf[m.op] = int32(bits)
			bits++
		}
	}
	d.kinds = make([][]int32, len(kinds))
	return len(kinds), (bits + 63) / 64
}

// settle fills next with the configurations in which target has taken effect, from those in now
// and, appended to now, those that they reach by other operations taking effect before it.
func (d *direct) settle(target int32) {
	d.next.reset()
	word, bit := d.bit(target)
	for i := 0; i < d.now.size; i++ {
		if d.now.row(i)[word]&bit != 0 {
			copy(d.scratch, d.now.row(i))
			d.scratch[word] &^= bit // Free for the next operation that is called.
			d.charge(1 + d.next.add(d.scratch, d.now.order(i)))
		} else {
			d.expand(i, target)
		}
		if d.left < 0 {
			d.reason = "the budget ran out"
			return
		}
		if len(d.now.rows)+len(d.next.rows) > maxWords {
			d.reason = "too many configurations at once"
			return
		}
	}
}

// expand lets target, and every other operation that can, take effect in the i-th configuration.
func (d *direct) expand(i int, target int32) {
	if d.try(i, target) {
		d.charge(d.next.add(d.scratch, d.place(i, target)))
	}
	for _, op := range d.live {
		word, bit := d.bit(op)
		if op != target && d.now.row(i)[word]&bit == 0 && d.try(i, op) {
			d.scratch[word] |= bit
			d.charge(d.now.add(d.scratch, d.place(i, op)))
		}
	}
	for k, called := range d.kinds {
		used := d.now.row(i)[k]
		if used < int64(len(called)) && d.try(i, called[used]) {
			d.scratch[k]++
			d.charge(d.now.add(d.scratch, d.place(i, called[used])))
		}
	}
}

// try applies op to a copy of the i-th configuration, in scratch.
func (d *direct) try(i int, op int32) bool {
	d.charge(1)
	copy(d.scratch, d.now.row(i))
	return apply(d.scratch[len(d.scratch)-len(d.h.opening):], d.h.ops[op].program)
}

// bit returns where a configuration tells whether op has taken effect.
func (d *direct) bit(op int32) (word int, bit int64) {
	b := d.kindOf[op]
	return d.now.counts + int(b/64), 1 << (b % 64)
}

func (d *direct) charge(steps int) { d.left -= steps }

// place returns the order of the i-th configuration with op after it.
func (d *direct) place(i int, op int32) *placed {
	if !d.now.traced {
		return nil
	}
	p := &placed{before: d.now.order(i), op: op, length: 1}
	if p.before != nil {
		p.length += p.before.length
	}
	return p
}

// explain tells of a violation: the longest order among the configurations that were reached, and
// what the cells that the stuck operation looks at then held.
func (d *direct) explain(r *Result, stuck int32) {
	if !d.now.traced {
		return
	}
	var longest *placed
	best := 0
	for i := range d.now.size {
		if p := d.now.order(i); p != nil && (longest == nil || p.length > longest.length) {
			longest, best = p, i
		}
	}
	for p := longest; p != nil; p = p.before {
		r.Prefix = append(r.Prefix, d.h.ops[p.op].id)
	}
	slices.Reverse(r.Prefix)
	cells := d.now.row(best)[d.now.width-len(d.h.opening):]
	for _, in := range d.h.ops[stuck].program {
		r.found = append(r.found, cells[in.cell])
	}
}
