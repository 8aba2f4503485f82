package history

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// writeOnce reads what clients saw of the outcomes of transactions, one for each key: a register
// that is unset until its one value is written, and never changes again. Values are as in a
// register.
//
//	propose v     ok: the outcome, which is v unless it was settled before
//	decide  null  ok: the outcome, which the system chose unless it was settled before
//	read    null  ok: the outcome, or null while it is unset
func (l *loader) writeOnce(invoke, answer *Event) ([]instruction, error) {
	cell := l.cell(invoke.Key)
	proposed := hidden
	switch invoke.F {
	case "propose":
		v, ok := l.given(invoke.Value)
		if !ok {
			return nil, inputErrorf(invoke.Line,
				"value of propose must be a string, an integer, true or false")
		}
		proposed = v
	case "decide", "read":
		if err := noArgument(invoke); err != nil {
			return nil, err
		}
	default:
		return nil, unknownF(l.model, invoke)
	}
	read := invoke.F == "read"
	if answer == nil {
		return outcomeProgram(cell, read, proposed, -1), nil
	}
	seen, ok := l.value(answer.Value)
	if !ok || seen == unset && !read {
		return nil, inputErrorf(answer.Line, "ok of %s needs the outcome", invoke.F)
	}
	return outcomeProgram(cell, read, proposed, seen), nil
}

// outcomeProgram is the program of an operation on an outcome; seen is -1 without an answer.
func outcomeProgram(cell int32, read bool, proposed, seen int64) []instruction {
	var program []instruction
	if !read {
		program = append(program, instruction{propose, cell, proposed})
	}
	if seen >= 0 {
		program = append(program, instruction{expect, cell, seen})
	}
	return program
}

// An OutcomeKind is what a client does to the outcome of a transaction. The zero value is none.
type OutcomeKind uint8

const (
	// Propose asks for a certain outcome.
	Propose OutcomeKind = iota + 1
	// Decide asks for an outcome and leaves it to the system.
	Decide
	// Read asks what the outcome is, if there is one.
	Read
)

// outcomeFs are the names in a file, by OutcomeKind.
var outcomeFs = [...]string{Propose: "propose", Decide: "decide", Read: "read"}

// An OutcomeOp is one operation on the outcome of a transaction.
type OutcomeOp struct {
	Span
	Tx       int // The transaction, numbered from 0.
	Kind     OutcomeKind
	Proposed int // Of Propose: an outcome, from 1.
	Seen     int // The answer: an outcome, from 1, or 0 for a Read that found none.
}

// Outcomes makes a history of what clients saw of the outcomes of txs transactions. It returns an
// error for an operation that cannot be: a transaction outside 0 to txs-1, no kind, an outcome
// below 1 where one is needed, a return before the call.
func Outcomes(txs int, ops []OutcomeOp) (*History, error) {
	all := make([]operation, len(ops))
	for i := range ops {
		op := &ops[i]
		if err := op.check(i, txs); err != nil {
			return nil, err
		}
		proposed, seen := int64(op.Proposed), int64(op.Seen)
		if op.Kind == Decide {
			proposed = hidden
		}
		if op.Open {
			seen = -1
		}
		all[i] = operation{op.Span, i, outcomeProgram(int32(op.Tx), op.Kind == Read, proposed, seen)}
	}
	return newHistory(make([]int64, txs), all), nil
}

func (op *OutcomeOp) check(i, txs int) error {
	switch {
	case op.Tx < 0 || op.Tx >= txs:
		return fmt.Errorf("history: operation %d on transaction %d of %d", i, op.Tx, txs)
	case op.Kind < Propose || op.Kind > Read:
		return fmt.Errorf("history: operation %d without a kind", i)
	case op.Kind == Propose && op.Proposed < 1:
		return fmt.Errorf("history: operation %d proposes %d", i, op.Proposed)
	case !op.Open && (op.Seen < 0 || op.Seen == 0 && op.Kind != Read):
		return fmt.Errorf("history: operation %d saw outcome %d", i, op.Seen)
	}
	return checkSpan(i, op.Span)
}

// OutcomeEvents writes operations as the events of a write-once history, with tx numbers as keys.
// outcomes are the names of the outcomes from 1; outcomes[0] is not used.
func OutcomeEvents(outcomes []string, ops []OutcomeOp) []Event {
	spans := make([]Span, len(ops))
	for i := range ops {
		spans[i] = ops[i].Span
	}
	return events(spans, func(i int) (invoke, ok Event) {
		op := &ops[i]
		invoke = Event{F: outcomeFs[op.Kind], Key: strconv.Itoa(op.Tx), Value: null()}
		ok = invoke
		if op.Kind == Propose {
			invoke.Value = quote(outcomes[op.Proposed])
		}
		if op.Seen > 0 {
			ok.Value = quote(outcomes[op.Seen])
		}
		return invoke, ok
	})
}

func null() json.RawMessage { return json.RawMessage("null") }

func quote(s string) json.RawMessage { return marshal(s) }
