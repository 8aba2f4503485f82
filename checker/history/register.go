package history

import "encoding/json"

// register reads the operations of registers that hold null at first, one for each key (no key is
// one register too). Values are strings, integers, true or false.
//
//	read  null       ok: the value, or null
//	write v          ok: took effect
//	cas   [old,new]  ok: held old and now holds new; fail: did not
func (l *loader) register(invoke, answer *Event) ([]instruction, error) {
	cell := l.cell(invoke.Key)
	switch invoke.F {
	case "read":
		if err := noArgument(invoke); err != nil || answer == nil {
			return nil, err
		}
		v, ok := l.value(answer.Value)
		if !ok {
			return nil, inputErrorf(answer.Line, "ok of read needs the value it saw, or null")
		}
		return []instruction{{expect, cell, v}}, nil
	case "write":
		v, ok := l.given(invoke.Value)
		if !ok {
			return nil, inputErrorf(invoke.Line,
				"value of write must be a string, an integer, true or false")
		}
		return []instruction{{assign, cell, v}}, repeats(invoke, answer)
	case "cas":
		var pair []json.RawMessage
		if json.Unmarshal(invoke.Value, &pair) != nil || len(pair) != 2 {
			return nil, inputErrorf(invoke.Line, "value of cas must be [old,new]")
		}
		before, ok1 := l.value(pair[0])
		after, ok2 := l.given(pair[1])
		if !ok1 || !ok2 {
			return nil, inputErrorf(invoke.Line, "value of cas must be [old,new]")
		}
		return []instruction{{expect, cell, before}, {assign, cell, after}}, repeats(invoke, answer)
	default:
		return nil, unknownF(l.model, invoke)
	}
}
