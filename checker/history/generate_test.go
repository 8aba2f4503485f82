package history

import (
	"encoding/json"
	"fmt"
	"maps"
)

// A generator makes small histories out of bytes: a correct system whose answers are, here and
// there, replaced by others. Few values and keys, so that wrong answers are near misses.

type generator struct {
	model  Model
	bytes  []byte
	state  map[string]any
	events []Event
}

// next returns a number below n, and 0 when the bytes have run out.
func (g *generator) next(n int) int {
	if len(g.bytes) == 0 {
		return 0
	}
	b := int(g.bytes[0])
	g.bytes = g.bytes[1:]
	return b % n
}

// generate returns a history of at most maxOps operations, of which clients run at once.
func generate(model Model, data []byte, clients, maxOps int) []Event {
	g := generator{model: model, bytes: data, state: map[string]any{}}
	if model == ModelBank {
		g.state = map[string]any{"a": 2.0, "b": 1.0}
		g.emit(0, OK, Event{F: "open", Value: marshal(g.state)})
	}
	running := map[int]*bruteOp{}
	invoked := map[int]Event{}
	processes := make([]int, clients)
	for i := range processes {
		processes[i] = i
	}
	for ops := 0; len(g.bytes) > 0; {
		slot := g.next(len(processes))
		p := processes[slot]
		op := running[p]
		if op == nil {
			if ops == maxOps {
				break
			}
			ops++
			e := g.invoke()
			running[p] = &bruteOp{f: e.F, key: e.Key, arg: decode(e.Value)}
			invoked[p] = e
			g.emit(p, Invoke, e)
			continue
		}
		delete(running, p)
		e := Event{F: op.f, Key: op.key}
		switch how := g.next(8); how {
		case 0:
			g.emit(p, Info, e)
			processes[slot] = p + len(processes)
			if g.next(2) == 0 {
				g.apply(op)
			}
		case 1:
			g.emit(p, Fail, e)
		default:
			e.Value = g.answer(op, invoked[p].Value, how == 2)
			g.emit(p, OK, e)
		}
	}
	return g.events
}

func (g *generator) emit(p int, t EventType, e Event) {
	e.Process, e.Type, e.Time, e.Line = p, t, int64(len(g.events)), len(g.events)+1
	g.events = append(g.events, e)
}

func (g *generator) key() string { return string(rune('x' + g.next(2))) }

func (g *generator) account() string { return string(rune('a' + g.next(3))) }

func (g *generator) scalar() any { return 1.0 + float64(g.next(2)) }

func (g *generator) invoke() Event {
	kind := g.next(4)
	switch g.model {
	case ModelRegister:
		switch kind {
		case 0:
			return Event{F: "write", Key: g.key(), Value: marshal(g.scalar())}
		case 1:
			return Event{F: "cas", Key: g.key(), Value: marshal([]any{g.scalar(), g.scalar()})}
		}
		return Event{F: "read", Key: g.key()}
	case ModelWriteOnce:
		switch kind {
		case 0:
			return Event{F: "propose", Key: g.key(), Value: marshal(g.scalar())}
		case 1:
			return Event{F: "decide", Key: g.key(), Value: null()}
		}
		return Event{F: "read", Key: g.key(), Value: null()}
	case ModelBank:
		switch kind {
		case 0:
			return Event{F: "read", Value: null()}
		case 1:
			return Event{F: "read", Value: json.RawMessage(`["a","b"]`)}
		}
		return Event{F: "transfer", Value: marshal(map[string]any{
			"from": g.account(), "to": g.account(), "amount": 1 + g.next(2),
		})}
	default:
		var txn [][]any
		for range kind {
			if g.next(2) == 0 {
				txn = append(txn, []any{"r", g.key(), nil})
			} else {
				txn = append(txn, []any{"w", g.key(), g.scalar()})
			}
		}
		if txn == nil {
			return Event{F: "txn", Value: json.RawMessage("[]")}
		}
		return Event{F: "txn", Value: marshal(txn)}
	}
}

// apply lets op take effect if it can.
func (g *generator) apply(op *bruteOp) {
	open := *op
	open.open = true
	if next := bruteStep(g.model, g.state, &open); len(next) > 0 {
		g.state = next[g.next(len(next))]
	}
}

// answer lets op take effect and returns what it saw, or something else if that is to be wrong.
func (g *generator) answer(op *bruteOp, arg json.RawMessage, wrong bool) json.RawMessage {
	g.apply(op)
	switch op.f {
	case "read":
		if g.model == ModelBank {
			seen := map[string]any{"a": bruteMoney(g.state, "a"), "b": bruteMoney(g.state, "b")}
			if wrong {
				seen[string(rune('a'+g.next(2)))] = g.next(5) - 1
			}
			return marshal(seen)
		}
		if wrong {
			return marshal([]any{nil, 1, 2}[g.next(3)])
		}
		return marshal(g.state[op.key])
	case "propose", "decide":
		if wrong || g.state[op.key] == nil {
			return marshal(g.scalar())
		}
		return marshal(g.state[op.key])
	case "txn":
		seen := maps.Clone(g.state)
		var done []any
		for _, m := range op.arg.([]any) {
			micro := append([]any{}, m.([]any)...)
			if micro[0] == "r" {
				micro[2] = seen[fmt.Sprint(micro[1])]
				if wrong {
					micro[2] = g.scalar()
				}
			}
			done = append(done, micro)
		}
		if done == nil {
			return json.RawMessage("[]")
		}
		return marshal(done)
	default:
		return arg
	}
}
