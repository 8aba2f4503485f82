package history

// A content is a value in a cell.
type content struct {
	cell  int32
	value int64
}

// A demand is how many instructions of operations that have not returned name a content.
type demand struct {
	expects int // They expect it,
	musts   int // and do so in operations that are not open;
	writes  int // they write it.
}

// A lookahead counts what the rest of a history expects and writes. It is nil for a history
// without assignments, where it has nothing to tell.
type lookahead map[content]demand

func newLookahead(h *History) lookahead {
	var l lookahead
	for i := range h.ops {
		for _, in := range h.ops[i].program {
			if in.code == assign && l == nil {
				l = lookahead{}
			}
		}
	}
	if l != nil {
		for i := range h.ops {
			l.count(&h.ops[i], 1)
		}
	}
	return l
}

// count adds the instructions of o, times by.
func (l lookahead) count(o *operation, by int) {
	if l == nil {
		return
	}
	for _, in := range o.program {
		c := content{in.cell, in.arg}
		n := l[c]
		n.add(in.code, o.Open, by)
		if n == (demand{}) {
			delete(l, c)
		} else {
			l[c] = n
		}
	}
}

func (n *demand) add(code opcode, open bool, by int) {
	if code != expect {
		n.writes += by
		return
	}
	n.expects += by
	if !open {
		n.musts += by
	}
}

// demand returns what is still to come for a content after the configuration in scratch. An open
// operation that has taken effect counts as if it were to come: it may hide that there is nothing
// to wait for, and never the opposite.
func (d *direct) demand(c content) demand {
	n, named := d.ahead[c]
	if !named {
		return demand{}
	}
	for _, op := range d.live {
		if word, bit := d.bit(op); d.scratch[word]&bit != 0 {
			for _, in := range d.h.ops[op].program {
				if in.cell == c.cell && in.arg == c.value {
					n.add(in.code, false, -1)
				}
			}
		}
	}
	return n
}

// missed reports whether an operation to come must see value in a cell that has lost it, and none
// will write it again.
func (d *direct) missed(cell int32, value int64) bool {
	if d.ahead == nil {
		return false
	}
	n := d.demand(content{cell, value})
	return n.musts > 0 && n.writes == 0
}

// forget makes equal, in scratch, those cells of a program whose values nobody to come expects.
func (d *direct) forget(program []instruction) {
	if d.ahead == nil {
		return
	}
	cells := d.cells(d.scratch)
	for _, in := range program {
		if d.demand(content{in.cell, cells[in.cell]}).expects == 0 {
			cells[in.cell] = forgotten
		}
	}
}
