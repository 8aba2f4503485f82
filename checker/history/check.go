package history

import (
	"errors"
	"fmt"

	"paxoscommit/checker"
)

// ErrDisagree is the error of two exact checkers that gave different answers: one of them is
// wrong, so neither answer may be used.
var ErrDisagree = errors.New("history: internal error: the direct checker and porcupine disagree")

// A Result is the answer to whether a history is linearizable.
type Result struct {
	Verdict checker.Verdict
	Steps   int    // What the answer cost.
	Reason  string // Why the verdict is Unknown, else empty.
	Checked string // Which checkers established the verdict; filled in by Check.

	// Of a violation: the longest order of operations that the direct checker reached before the
	// return of Stuck, and the operation that fits nowhere after it. Operations are numbered as they
	// were passed, or as their invocations stand in the file, from 0. Prefix covers the operations
	// that share cells with Stuck, as the others cannot matter. Stuck is -1 if it is not known.
	Prefix []int
	Stuck  int
	found  []int64 // What the cells of Stuck's program held after Prefix.
	broken bool    // The two passes of the direct checker differ.
}

// Check judges the history by both checkers, each within budget steps. What either establishes is
// the answer; the error is ErrDisagree if they establish different things, and then the verdict is
// Unknown.
func (h *History) Check(budget int) (Result, error) {
	return combine(h.Direct(budget), h.Porcupine(budget))
}

// combine makes one answer of those of the direct checker and of porcupine.
func combine(direct, second Result) (Result, error) {
	r := direct
	r.Steps += second.Steps
	switch {
	case r.broken:
		return Result{Steps: r.Steps, Stuck: -1}, fmt.Errorf("%w: it differs from itself", ErrDisagree)
	case r.Verdict == checker.Unknown && second.Verdict == checker.Unknown:
	case second.Verdict == checker.Unknown:
		r.Checked = "direct"
	case r.Verdict == checker.Unknown:
		r.Verdict, r.Reason, r.Checked = second.Verdict, "", "porcupine"
	case r.Verdict == second.Verdict:
		r.Checked = "direct and porcupine"
	default:
		return Result{Steps: r.Steps, Stuck: -1}, fmt.Errorf("%w: %v and %v", ErrDisagree, r.Verdict,
			second.Verdict)
	}
	return r, nil
}
