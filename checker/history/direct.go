package history

import (
	"slices"

	"paxoscommit/checker"
)

// maxWords bounds the set of configurations of the direct checker: 2^21 words are 16 MiB.
const maxWords = 1 << 21

// Direct judges the history by just-in-time linearization (Lowe 2017): it goes through the calls
// and returns in order and keeps every configuration that they allow, which is the cells and which
// of the running operations have taken effect. Operations take effect at the last moment: when an
// operation returns, it must have, and before it any others that are running may. If no
// configuration is left, the history is not linearizable.
//
// A few exchanges keep the set small and the verdict the same. A read that fits the cells may take
// effect at once, since it changes nothing. Of two running operations with the same program, the
// one that returns first may go first, and open ones need not be told apart at all. An open write
// may wait until just before an operation that sees it. Of two configurations with the same cells,
// one is enough if it used fewer open operations and has more reads behind it. Looking ahead, a
// value that no operation to come expects is as good as any other such value, and one that is still
// expected and that none will write again must not be overwritten.
//
// Memory depends on how many operations run at once, not on the length of the history, except that
// a violation is gone through again, without looking ahead, to tell the order that led to it; Stuck
// is -1 if the budget does not suffice for that. budget bounds the steps of each pass: one
// application of an operation to a configuration, or one comparison of two configurations. The
// verdict is Unknown if the budget is spent, or the configurations outgrow 16 MiB.
func (h *History) Direct(budget int) Result {
	total := Result{Verdict: checker.Holds, Stuck: -1}
	for _, p := range h.parts() {
		r := p.direct(budget-total.Steps, false)
		r.Steps += total.Steps
		if r.Verdict == checker.Violated {
			again := p.direct(budget, true)
			r.Prefix, r.Stuck, r.found = again.Prefix, again.Stuck, again.found
			r.broken = again.Verdict == checker.Holds
			return r
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
	h        *History
	left     int           // Steps left of the budget.
	reason   string        // Why it gave up; empty while it did not.
	kinds    [][]int32     // By kind of open operation: those called so far, in order.
	kindOf   []int32       // By operation: its kind if it is open, else its bit.
	expected []instruction // What open operations expect.
	live     []int32       // Operations that are running and will return, in order of call.
	twin     []int32       // By live operation: the one like it that goes before it, or -1.
	now      rowSet        // The configurations at this moment.
	next     rowSet        // The configurations after the return at hand.
	scratch  []int64
	ahead    lookahead // What operations to come expect and write.
}

func (h *History) direct(budget int, traced bool) Result {
	d := direct{h: h, left: budget, kindOf: make([]int32, len(h.ops))}
	d.twin = make([]int32, len(h.ops))
	counts, reads, others := d.number()
	row := counts + reads + others + len(h.opening)
	d.now, d.next = newRowSet(row, counts, reads, traced), newRowSet(row, counts, reads, traced)
	d.scratch = make([]int64, row)
	copy(d.cells(d.scratch), h.opening)
	if !traced {
		d.ahead = newLookahead(h)
	}
	d.now.add(d.scratch, nil)

	r := Result{Verdict: checker.Holds, Stuck: -1}
	for _, m := range h.moments {
		switch {
		case h.ops[m.op].Open:
			k := d.kindOf[m.op]
			d.kinds[k] = append(d.kinds[k], m.op)
			continue
		case !m.isReturn:
			d.call(m.op)
			continue
		}
		d.settle(m.op)
		if d.reason != "" {
			r.Verdict, r.Reason = checker.Unknown, d.reason
			break
		}
		if d.next.size == 0 {
			r.Verdict = checker.Violated
			if traced {
				d.explain(&r, m.op)
			}
			break
		}
		d.leave(m.op)
		d.now, d.next = d.next, d.now
	}
	r.Steps = budget - max(d.left, 0)
	return r
}

// number gives each kind of open operation a count, where operations of one kind have the same
// program and so need not be told apart, and each other operation a bit that no operation uses
// which runs at the same time. It returns how many counts there are, and how many words of bits
// for reads, which come first, and for others.
func (d *direct) number() (counts, reads, others int) {
	var kinds map[string]int32
	var free [2][]int32 // Bits of reads, and of others.
	var bits [2]int
	for _, m := range d.h.moments {
		o := &d.h.ops[m.op]
		class := 1
		if o.isRead() {
			class = 0
		}
		switch {
		case o.Open:
			key := string(appendProgram(nil, o.program))
			k, known := kinds[key]
			if !known {
				if kinds == nil {
					kinds = map[string]int32{}
				}
				k = int32(len(kinds))
				kinds[key] = k
				d.expect(o.program)
			}
			d.kindOf[m.op] = k
		case m.isReturn:
			free[class] = append(free[class], d.kindOf[m.op])
		case len(free[class]) > 0:
			last := len(free[class]) - 1
			d.kindOf[m.op] = free[class][last]
			free[class] = free[class][:last]
		default:
			d.kindOf[m.op] = int32(bits[class])
			bits[class]++
		}
	}
	d.kinds = make([][]int32, len(kinds))
	reads, others = (bits[0]+63)/64, (bits[1]+63)/64
	for i := range d.h.ops {
		if o := &d.h.ops[i]; !o.Open && !o.isRead() {
			d.kindOf[i] += int32(64 * reads)
		}
	}
	return len(kinds), reads, others
}

// call makes op a live operation, and orders it by return among those of the same program.
func (d *direct) call(op int32) {
	ops := d.h.ops
	d.twin[op] = -1
	after := int32(-1)
	for _, other := range d.live {
		switch {
		case !slices.Equal(ops[other].program, ops[op].program):
		case ops[other].Return > ops[op].Return:
			if after < 0 || ops[other].Return < ops[after].Return {
				after = other
			}
		case d.twin[op] < 0 || ops[other].Return >= ops[d.twin[op]].Return:
			d.twin[op] = other
		}
	}
	if after >= 0 {
		d.twin[after] = op
	}
	d.live = append(d.live, op)
}

// leave ends op, which has taken effect everywhere.
func (d *direct) leave(op int32) {
	d.ahead.count(&d.h.ops[op], -1)
	d.live = slices.DeleteFunc(d.live, func(other int32) bool {
		if d.twin[other] == op {
			d.twin[other] = -1
		}
		return other == op
	})
}

// expect notes what an open operation expects.
func (d *direct) expect(program []instruction) {
	for _, in := range program {
		if in.code == expect {
			d.expected = append(d.expected, in)
		}
	}
}

// settle fills next with the configurations in which target has taken effect, from those in now
// and, appended to now, those that they reach by other operations taking effect before it.
func (d *direct) settle(target int32) {
	d.next.reset()
	word, bit := d.bit(target)
	for i := 0; i < d.now.size; i++ {
		if d.now.row(i)[word]&bit != 0 {
			copy(d.scratch, d.now.row(i))
			d.scratch[word] &^= bit
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
	copy(d.scratch, d.now.row(i))
	if order, more := d.absorb(d.now.order(i)); more {
		d.charge(d.now.add(d.scratch, order)) // The calls since i was added; expanded in its turn.
		return
	}
	if order, ok := d.take(i, target); ok {
		word, bit := d.bit(target)
		d.scratch[word] &^= bit // Free for the next operation that is called.
		d.charge(d.next.add(d.scratch, order))
	}
	for _, op := range d.live {
		word, bit := d.bit(op)
		if op == target || d.now.row(i)[word]&bit != 0 || d.waits(i, op) {
			continue
		}
		if order, ok := d.take(i, op); ok {
			d.charge(d.now.add(d.scratch, order))
		}
	}
	for k, called := range d.kinds {
		used := d.now.row(i)[k]
		if used == int64(len(called)) || !d.wanted(i, k) {
			continue
		}
		if order, ok := d.take(i, called[used]); ok {
			d.charge(d.now.add(d.scratch, order))
		}
	}
}

// wanted reports whether the k-th kind of open operation has to be tried in the i-th configuration:
// no running operation does the same, and if all it does is to write one cell, there is an
// operation to see it.
func (d *direct) wanted(i, k int) bool {
	program := d.h.ops[d.kinds[k][0]].program
	seen := instruction{expect, program[0].cell, program[0].arg}
	needed := len(program) > 1 || program[0].code != assign || slices.Contains(d.expected, seen)
	for _, op := range d.live {
		if word, bit := d.bit(op); d.now.row(i)[word]&bit == 0 {
			other := d.h.ops[op].program
			if slices.Equal(other, program) {
				return false
			}
			needed = needed || slices.Contains(other, seen)
		}
	}
	return needed
}

// waits reports whether an operation like op goes before it and has not taken effect yet.
func (d *direct) waits(i int, op int32) bool {
	if d.twin[op] < 0 {
		return false
	}
	word, bit := d.bit(d.twin[op])
	return d.now.row(i)[word]&bit == 0
}

// take makes scratch the i-th configuration after op took effect, and then every read that fits.
// It reports whether op can take effect there and something can follow.
func (d *direct) take(i int, op int32) (order *placed, ok bool) {
	d.charge(1)
	copy(d.scratch, d.now.row(i))
	o := &d.h.ops[op]
	if !apply(d.cells(d.scratch), o.program) {
		return nil, false
	}
	if o.Open {
		d.scratch[d.kindOf[op]]++
	} else {
		word, bit := d.bit(op)
		d.scratch[word] |= bit
	}
	for _, in := range o.program {
		if was := d.cells(d.now.row(i))[in.cell]; was != d.cells(d.scratch)[in.cell] &&
			d.missed(in.cell, was) {
			return nil, false
		}
	}
	d.forget(o.program)
	order, _ = d.absorb(d.place(d.now.order(i), op))
	return order, true
}

// absorb lets every live read that fits the cells of scratch take effect. It returns the order
// with them, and whether there were any.
func (d *direct) absorb(order *placed) (*placed, bool) {
	more := false
	for _, op := range d.live {
		word, bit := d.bit(op)
		if d.scratch[word]&bit == 0 && fits(d.cells(d.scratch), d.h.ops[op].program) {
			d.scratch[word] |= bit
			d.forget(d.h.ops[op].program)
			order = d.place(order, op)
			more = true
		}
	}
	return order, more
}

// cells returns the cells of a configuration.
func (d *direct) cells(row []int64) []int64 { return row[len(row)-len(d.h.opening):] }

// bit returns where a configuration tells whether op has taken effect.
func (d *direct) bit(op int32) (word int, bit int64) {
	b := d.kindOf[op]
	return d.now.counts + int(b/64), 1 << (b % 64)
}

func (d *direct) charge(steps int) { d.left -= steps }

// place returns order with op after it.
func (d *direct) place(order *placed, op int32) *placed {
	if !d.now.traced {
		return nil
	}
	length := int32(1)
	if order != nil {
		length += order.length
	}
	return &placed{before: order, op: op, length: length}
}

// explain tells of a violation: the longest order among the configurations that were reached, and
// what the cells that the stuck operation looks at then held.
func (d *direct) explain(r *Result, stuck int32) {
	r.Stuck = d.h.ops[stuck].id
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
	cells := d.cells(d.now.row(best))
	for _, in := range d.h.ops[stuck].program {
		r.found = append(r.found, cells[in.cell])
	}
}
