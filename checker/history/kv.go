package history

import (
	"encoding/json"
	"slices"
)

// txn reads transactions on keys that hold null at first: lists of micro-operations that take
// effect together, each ["r",key,null] or ["w",key,value]. The answer is the list again, with what
// each "r" saw in the place of null; an "r" after a "w" of its own key sees that. Values are as in
// a register. That the history is linearizable means that its committed transactions are strictly
// serializable.
//
//	txn [["r","x",null],["w","y",3]]  ok: [["r","x",1],["w","y",3]]
func (l *loader) txn(invoke, answer *Event) ([]instruction, error) {
	if invoke.F != "txn" {
		return nil, unknownF(l.model, invoke)
	}
	asked, ok := microOps(invoke.Value)
	filled := func(op microOp) bool { return op.isRead && !isNull(op.value) }
	if !ok || slices.ContainsFunc(asked, filled) {
		return nil, inputErrorf(invoke.Line, "value of txn must be a list of %s",
			`["r",key,null] and ["w",key,value]`)
	}
	done := asked
	if answer != nil {
		if done, ok = microOps(answer.Value); !ok || len(done) != len(asked) {
			return nil, inputErrorf(answer.Line,
				"ok of txn must repeat the list of line %d with its reads filled in", invoke.Line)
		}
	}
	var program []instruction
	for i, a := range asked {
		d := done[i]
		v, ok := l.value(d.value)
		if !ok || a.isRead != d.isRead || a.key != d.key {
			return nil, inputErrorf(answer.Line,
				"ok of txn must repeat the list of line %d with its reads filled in", invoke.Line)
		}
		switch {
		case !a.isRead:
			if w, _ := l.value(a.value); w != v {
				return nil, inputErrorf(answer.Line, "ok of txn wrote what line %d did not", invoke.Line)
			}
			program = append(program, instruction{assign, l.cell(a.key), v})
		case answer != nil:
			program = append(program, instruction{expect, l.cell(a.key), v})
		}
	}
	return program, nil
}

// A microOp is one read or write of a transaction.
type microOp struct {
	isRead bool
	key    string
	value  json.RawMessage
}

// microOps reads the value of a txn and checks all but what reads hold.
func microOps(value json.RawMessage) (ops []microOp, ok bool) {
	var list [][]json.RawMessage
	if json.Unmarshal(value, &list) != nil || list == nil {
		return nil, false
	}
	for _, m := range list {
		if len(m) != 3 {
			return nil, false
		}
		key, ok := name(m[1])
		if !ok {
			return nil, false
		}
		op := microOp{isRead: string(m[0]) == `"r"`, key: key, value: m[2]}
		_, valued := scalar(m[2])
		written := string(m[0]) == `"w"` && !isNull(m[2])
		if !valued || !op.isRead && !written {
			return nil, false
		}
		ops = append(ops, op)
	}
	return ops, true
}
