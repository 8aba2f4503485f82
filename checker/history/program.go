package history

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
)

// An opcode is what an instruction does to its cell.
type opcode uint8

const (
	expect  opcode = iota + 1 // The cell must hold arg.
	assign                    // The cell becomes arg.
	add                       // The cell grows by arg, and must not fall below zero.
	propose                   // The cell becomes arg if it is unset.
)

// Values that no client writes. Registers, outcomes and keys hold numbers of values from 1, and
// accounts hold their balance.
const (
	unset     int64 = 0
	hidden    int64 = -1 // Decided, but nobody has an answer; the first who looks learns what.
	forgotten int64 = -2 // Any value that no operation to come expects.
)

// An instruction is one test or change of one cell.
type instruction struct {
	code opcode
	cell int32
	arg  int64
}

// apply runs program on cells and reports whether all its tests passed; if not, cells are spoilt.
func apply(cells []int64, program []instruction) bool {
	for i := range program {
		in := &program[i]
		cell := &cells[in.cell]
		switch in.code {
		case expect:
			if *cell == in.arg {
				continue
			}
			if *cell != hidden || in.arg <= unset {
				return false
			}
			*cell = in.arg
		case assign:
			*cell = in.arg
		case add:
			if *cell += in.arg; *cell < 0 {
				return false
			}
		case propose:
			if *cell == unset {
				*cell = in.arg
			}
		}
	}
	return true
}

// fits reports whether program passes on cells and changes nothing: it only expects what is there.
func fits(cells []int64, program []instruction) bool {
	for i := range program {
		if in := &program[i]; in.code != expect || cells[in.cell] != in.arg {
			return false
		}
	}
	return true
}

// A Span says who ran an operation and when.
type Span struct {
	Process int   // The client. An open operation ends its process: the next needs a new number.
	Call    int64 // When it was invoked, on any clock that orders all events.
	Return  int64 // When its answer came, not before Call; equal times of two events: concurrent.
	Open    bool  // No answer came: Return is not looked at.
}

// An operation is one that took effect, or may have.
type operation struct {
	Span
	id      int // Its place in what the caller passed.
	program []instruction
}

// isRead reports whether the operation only expects.
func (o *operation) isRead() bool {
	for i := range o.program {
		if o.program[i].code != expect {
			return false
		}
	}
	return true
}

// A moment is the call or the return of an operation.
type moment struct {
	time     int64
	op       int32 // Index into History.ops.
	isReturn bool
}

// A History is a set of operations on a row of cells, ready to be judged. It is not changed by
// judging, and may be judged by several goroutines at once.
type History struct {
	opening []int64 // The cells before the first operation.
	ops     []operation
	moments []moment // Both ends of every operation in order; open ones have no return.
	source  *source  // The events it was loaded from; nil for Go values.
}

// newHistory keeps those operations that can matter, and orders their ends.
func newHistory(opening []int64, ops []operation) *History {
	h := &History{opening: opening, ops: dropUnobserved(ops)}
	h.moments = make([]moment, 0, 2*len(h.ops))
	for i := range h.ops {
		o := &h.ops[i]
		h.moments = append(h.moments, moment{o.Call, int32(i), false})
		if !o.Open {
			h.moments = append(h.moments, moment{o.Return, int32(i), true})
		}
	}
	slices.SortFunc(h.moments, func(a, b moment) int {
		if a.time != b.time {
			return cmp.Compare(a.time, b.time)
		}
		if a.isReturn != b.isReturn { // Calls first: closed intervals that touch are concurrent.
			if b.isReturn {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.op, b.op)
	})
	return h
}

// dropUnobserved removes open operations whose effect nobody can have seen: those without a
// change, and those that only set cells to values which no operation expects in that cell. Taking
// such an operation out of a valid order leaves it valid, since until the cell changes again
// nobody looks at it; so the verdict is the same and a history of many lost requests stays small.
func dropUnobserved(ops []operation) []operation {
	var expected map[content]bool
	for i := range ops {
		if ops[i].Open {
			expected = map[content]bool{}
			break
		}
	}
	if expected == nil {
		return ops
	}
	for i := range ops {
		for _, in := range ops[i].program {
			if in.code == expect {
				expected[content{in.cell, in.arg}] = true
			}
		}
	}
	return slices.DeleteFunc(ops, func(o operation) bool {
		return o.Open && !slices.ContainsFunc(o.program, func(in instruction) bool {
			switch in.code {
			case assign, propose:
				return in.arg == hidden || expected[content{in.cell, in.arg}]
			case add:
				return true
			default:
				return false
			}
		})
	})
}

// checkSpan returns an error for an operation that returns before it is called.
func checkSpan(i int, s Span) error {
	if !s.Open && s.Return < s.Call {
		return fmt.Errorf("history: operation %d returns at %d, before its call at %d", i, s.Return,
			s.Call)
	}
	return nil
}

// appendProgram appends an encoding of a program that tells it from every other.
func appendProgram(dst []byte, program []instruction) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(program)))
	for _, in := range program {
		dst = append(dst, byte(in.code))
		dst = binary.AppendUvarint(dst, uint64(in.cell))
		dst = binary.AppendVarint(dst, in.arg)
	}
	return dst
}

// parts splits a history into histories that share no cell, in the order of their first cells.
// Linearizability is local (Herlihy and Wing 1990, theorem 1): the whole is linearizable if and
// only if each part is, and the parts are far cheaper. A history of one part is returned as it is.
func (h *History) parts() []*History {
	parent := make([]int32, len(h.opening))
	for c := range parent {
		parent[c] = int32(c)
	}
	root := func(c int32) int32 {
		for parent[c] != c {
			parent[c] = parent[parent[c]]
			c = parent[c]
		}
		return c
	}
	for i := range h.ops {
		for _, in := range h.ops[i].program {
			a, b := root(h.ops[i].program[0].cell), root(in.cell)
			parent[max(a, b)] = min(a, b)
		}
	}
	roots := 0
	for c := range parent {
		if root(int32(c)) == int32(c) {
			roots++
		}
	}
	if roots <= 1 {
		return []*History{h}
	}
	return h.split(root)
}

// split makes a history of each set of cells that have the same root.
func (h *History) split(root func(int32) int32) []*History {
	var parts []*History
	partOf := make([]int32, len(h.opening)) // By root cell.
	cellIn := make([]int32, len(h.opening)) // Number of each cell in its part.
	for c, v := range h.opening {
		r := root(int32(c))
		if r == int32(c) { // A root is the least cell of its set, so it comes first.
			partOf[r] = int32(len(parts))
			parts = append(parts, &History{source: h.source})
		}
		p := parts[partOf[r]]
		cellIn[c] = int32(len(p.opening))
		p.opening = append(p.opening, v)
	}
	opIn := make([]int32, len(h.ops))
	for i := range h.ops {
		o := h.ops[i]
		if len(o.program) == 0 {
			continue // Fits anywhere.
		}
		p := parts[partOf[root(o.program[0].cell)]]
		o.program = slices.Clone(o.program)
		for j := range o.program {
			o.program[j].cell = cellIn[o.program[j].cell]
		}
		opIn[i] = int32(len(p.ops))
		p.ops = append(p.ops, o)
	}
	for _, m := range h.moments {
		if o := &h.ops[m.op]; len(o.program) > 0 {
			p := parts[partOf[root(o.program[0].cell)]]
			m.op = opIn[m.op]
			p.moments = append(p.moments, m)
		}
	}
	return slices.DeleteFunc(parts, func(p *History) bool { return len(p.ops) == 0 })
}
