package history

import (
	"cmp"
	"errors"
	"fmt"
	"html"
	"io"
	"math"
	"slices"

	"github.com/anishathalye/porcupine"

	"paxoscommit/checker"
)

// Limits of porcupine, whose memory grows with the square of the length: it keeps a bit for each
// operation, in each state that it has met.
const (
	MaxPorcupineOps = 10_000 // Operations of a part (parts share no cell).
	MaxDrawnOps     = 2_000  // Operations of a picture, which holds many orders of all of them.

	porcupineBytes = 256 << 20 // For what porcupine keeps of the states that it has met.
	entryBytes     = 128       // Of one state, besides a bit for each operation and its cells.
)

// ErrTooLong is the error of Draw for more than MaxDrawnOps operations.
var ErrTooLong = fmt.Errorf("history: more than %d operations to draw", MaxDrawnOps)

// ErrBudget is the error of Draw if the budget ran out before the picture was complete: what
// porcupine would draw then looks like a violation.
var ErrBudget = errors.New("history: the budget ran out before the picture was complete")

// Porcupine judges the history by the porcupine library, one part after the other. budget bounds
// the steps, each an application of an operation to a state, and is lowered so that what porcupine
// remembers stays under 256 MiB. The verdict is Unknown if the steps are spent, or if a part has
// more than MaxPorcupineOps operations. Prefix and Stuck are not filled in.
func (h *History) Porcupine(budget int) Result {
	total := Result{Verdict: checker.Holds, Stuck: -1}
	for _, p := range h.parts() {
		if len(p.ops) > MaxPorcupineOps {
			total.Verdict = checker.Unknown
			total.Reason = fmt.Sprintf("more than %d operations", MaxPorcupineOps)
			continue
		}
		steps := min(budget-total.Steps, p.maxSteps())
		left := steps
		m := porcupineModel(p.opening, func(*operation) *int { return &left })
		legal := porcupine.CheckOperations(m, p.operations(nil))
		total.Steps += steps - max(left, 0)
		switch {
		case legal:
		case left >= 0:
			total.Verdict, total.Reason = checker.Violated, ""
			return total
		default:
			total.Verdict, total.Reason = checker.Unknown, "the budget ran out"
		}
	}
	return total
}

// maxSteps is how many states porcupine may meet within porcupineBytes.
func (h *History) maxSteps() int {
	return porcupineBytes / (entryBytes + len(h.ops)/8 + 8*len(h.opening))
}

// operations puts the history in porcupine's form. A call without a return would make porcupine
// answer "no", so open operations return at the end of time. clients numbers the processes from 0
// for a picture; nil leaves them out.
func (h *History) operations(clients map[int]int) []porcupine.Operation {
	ops := make([]porcupine.Operation, len(h.ops))
	for i := range h.ops {
		o := &h.ops[i]
		ops[i] = porcupine.Operation{
			ClientId: clients[o.Process], Input: o, Call: o.Call, Return: o.Return,
		}
		if o.Open {
			ops[i].Return = math.MaxInt64
		}
	}
	return ops
}

// porcupineModel runs programs on cells. Porcupine places every operation, so an open one that
// cannot take effect passes and changes nothing: that is how it never happens. left returns the
// counter of steps for an operation; below zero it says that a step was refused, after which "no"
// means nothing.
func porcupineModel(opening []int64, left func(*operation) *int) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return opening },
		Step: func(state, input, _ any) (bool, any) {
			o := input.(*operation)
			if n := left(o); n != nil {
				if *n <= 0 {
					*n = -1
					return false, state
				}
				*n--
			}
			cells := slices.Clone(state.([]int64))
			if !apply(cells, o.program) {
				return o.Open, state
			}
			return true, cells
		},
		Equal: func(a, b any) bool { return slices.Equal(a.([]int64), b.([]int64)) },
		Hash:  func(state any) uint64 { return hashCells(state.([]int64)) },
	}
}

// Draw writes porcupine's picture of the history as HTML. budget bounds the steps of each part, as
// in Porcupine. The same history gives the same bytes. Errors: ErrTooLong, ErrBudget, those of w.
func (h *History) Draw(w io.Writer, budget int) error {
	if h.TooLongToDraw() {
		return ErrTooLong
	}
	// Porcupine runs the parts at once, so each counts its own steps.
	parts := h.parts()
	partOf := map[int]int{}
	for i, p := range parts {
		for j := range p.ops {
			partOf[p.ops[j].id] = i
		}
	}
	left := make([]int, len(parts))
	for i, p := range parts {
		left[i] = min(budget, p.maxSteps()/len(parts))
	}
	m := porcupineModel(h.opening, func(o *operation) *int { return &left[partOf[o.id]] })
	m.Partition = func(ops []porcupine.Operation) [][]porcupine.Operation {
		split := make([][]porcupine.Operation, len(parts))
		for _, op := range ops {
			i := partOf[op.Input.(*operation).id]
			split[i] = append(split[i], op)
		}
		return split
	}
	_, info := porcupine.CheckOperationsVerbose(m, h.operations(h.clients()), 0)
	if slices.ContainsFunc(left, func(n int) bool { return n < 0 }) {
		return ErrBudget
	}
	// The partial orders come out in the order of a Go map; this is porcupine's own slice of them.
	for _, partial := range info.PartialLinearizations() {
		slices.SortFunc(partial, func(a, b []int) int {
			return cmp.Or(cmp.Compare(len(b), len(a)), slices.Compare(a, b))
		})
	}
	show := porcupineModel(h.opening, func(*operation) *int { return nil })
	show.DescribeOperation = func(input, _ any) string {
		return h.Describe(input.(*operation).id)
	}
	show.DescribeState = func(state any) string { // Porcupine's page takes this one as HTML.
		return html.EscapeString(h.describeCells(state.([]int64)))
	}
	return porcupine.Visualize(show, info, w)
}

// TooLongToDraw reports whether Draw would answer ErrTooLong.
func (h *History) TooLongToDraw() bool { return len(h.ops) > MaxDrawnOps }

// clients numbers the processes from 0 in ascending order, so that the rows of a picture are those
// of the file and not one for each number up to the greatest.
func (h *History) clients() map[int]int {
	processes := make([]int, 0, len(h.ops))
	for i := range h.ops {
		processes = append(processes, h.ops[i].Process)
	}
	slices.Sort(processes)
	clients := map[int]int{}
	for _, p := range processes {
		if _, known := clients[p]; !known {
			clients[p] = len(clients)
		}
	}
	return clients
}
