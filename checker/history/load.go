package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// A Model says what the operations of a history mean. The zero value is none of them.
type Model uint8

// The models, documented at the functions that read their values.
const (
	ModelRegister  Model = iota + 1 // register: read, write, cas.
	ModelWriteOnce                  // write-once: propose, decide, read.
	ModelBank                       // bank: open, transfer, read.
	ModelKV                         // kv: txn.
)

// modelNames are the names of the models in the command, by Model.
var modelNames = [...]string{
	ModelRegister: "register", ModelWriteOnce: "write-once", ModelBank: "bank", ModelKV: "kv",
}

// String returns the name by which ParseModel knows the model.
func (m Model) String() string {
	if m < ModelRegister || m > ModelKV {
		return "none"
	}
	return modelNames[m]
}

// ParseModel returns the model of that name, or an error that lists the names.
func ParseModel(name string) (Model, error) {
	for m := ModelRegister; m <= ModelKV; m++ {
		if m.String() == name {
			return m, nil
		}
	}
	return 0, fmt.Errorf("unknown model %q: want %s", name,
		strings.Join(modelNames[ModelRegister:], ", "))
}

// A source is where a history was loaded from: what its cells and values are called.
type source struct {
	model  Model
	events []Event
	calls  []call
	cells  []string
	values []string
}

// A call is an operation in a file: its events, as indices, and -1 for the end of one that has
// none.
type call struct {
	invoke, end int
}

// A loader collects the operations of a file.
type loader struct {
	source
	opening []int64
	ops     []operation
	cellOf  map[string]int32
	valueOf map[string]int64
	running map[int]int // By process: its open operation, an index into calls.
	dead    map[int]int // By process: the line of its info.
	money   int64       // What all accounts opened with.
}

// Load pairs the events of each process into operations and translates them under a model. What is
// wrong is an *InputError with the line of the event: a completion without an invocation, two open
// operations of a process, a process that goes on after an info (nobody knows whether its
// operation still runs, so the next needs a new number), an unknown f, a value of the wrong shape.
func Load(model Model, events []Event) (*History, error) {
	l := loader{
		source:  source{model: model, events: events, values: []string{"null"}},
		cellOf:  map[string]int32{},
		valueOf: map[string]int64{"null": unset},
		running: map[int]int{},
		dead:    map[int]int{},
	}
	last := 0
	for i := range events {
		if err := l.event(i); err != nil {
			return nil, err
		}
		last = events[i].Line
	}
	if len(l.calls) == 0 {
		return nil, inputErrorf(last, "history without operations")
	}
	for id, c := range l.calls { // In this order, as maps have none.
		if c.end < 0 {
			if err := l.operation(id, nil); err != nil {
				return nil, err
			}
		}
	}
	h := newHistory(l.opening, l.ops)
	h.source = &l.source
	return h, nil
}

// event takes up the i-th event.
func (l *loader) event(i int) error {
	e := &l.events[i]
	if l.model == ModelBank && e.F == "open" {
		return l.open(i)
	}
	if e.Key != "" && l.model != ModelRegister && l.model != ModelWriteOnce {
		return inputErrorf(e.Line, "a %v history has no keys", l.model)
	}
	id, running := l.running[e.Process]
	if e.Type == Invoke {
		if running {
			return inputErrorf(e.Line, "process %d invokes while its operation of line %d is open",
				e.Process, l.events[l.calls[id].invoke].Line)
		}
		if line, dead := l.dead[e.Process]; dead {
			return inputErrorf(e.Line, "process %d invokes after its info of line %d", e.Process, line)
		}
		l.running[e.Process] = len(l.calls)
		l.calls = append(l.calls, call{invoke: i, end: -1})
		return nil
	}
	if !running {
		return inputErrorf(e.Line, "%v of process %d without an invocation", e.Type, e.Process)
	}
	c := &l.calls[id]
	invoke := &l.events[c.invoke]
	if e.F != invoke.F {
		return inputErrorf(e.Line, "%v of %q for the %q of line %d", e.Type, e.F, invoke.F,
			invoke.Line)
	}
	if e.Key != "" && e.Key != invoke.Key {
		return inputErrorf(e.Line, "%v with key %q for the key %q of line %d", e.Type, e.Key,
			invoke.Key, invoke.Line)
	}
	delete(l.running, e.Process)
	c.end = i
	if e.Type == Info {
		l.dead[e.Process] = e.Line
	}
	return l.operation(id, e)
}

// operation translates a call that ended with the event end, or has no end if that is nil.
func (l *loader) operation(id int, end *Event) error {
	invoke := &l.events[l.calls[id].invoke]
	op := operation{Span: Span{Process: invoke.Process, Call: int64(l.calls[id].invoke)}, id: id}
	answer := end
	if end == nil || end.Type != OK {
		answer, op.Open = nil, true
	} else {
		op.Return = int64(l.calls[id].end)
	}
	program, err := l.program(invoke, answer)
	if err != nil {
		return err
	}
	op.program = program
	if end == nil || end.Type != Fail {
		l.ops = append(l.ops, op)
	}
	return nil
}

// program translates an operation; answer is nil if it has none.
func (l *loader) program(invoke, answer *Event) ([]instruction, error) {
	switch l.model {
	case ModelRegister:
		return l.register(invoke, answer)
	case ModelWriteOnce:
		return l.writeOnce(invoke, answer)
	case ModelBank:
		return l.bank(invoke, answer)
	case ModelKV:
		return l.txn(invoke, answer)
	default:
		return nil, fmt.Errorf("history: no model %d", l.model)
	}
}

// cell returns the number of the cell of that name, which is new and unset when first named.
func (l *loader) cell(name string) int32 {
	c, known := l.cellOf[name]
	if !known {
		c = int32(len(l.cells))
		l.cellOf[name] = c
		l.cells = append(l.cells, name)
		l.opening = append(l.opening, unset)
	}
	return c
}

// value returns the number of a value: a string, an integer, true, false, or null for unset.
func (l *loader) value(raw json.RawMessage) (v int64, ok bool) {
	text, ok := scalar(raw)
	if !ok {
		return 0, false
	}
	v, known := l.valueOf[text]
	if !known {
		v = int64(len(l.values))
		l.valueOf[text] = v
		l.values = append(l.values, text)
	}
	return v, true
}

// given is value for one that must not be null.
func (l *loader) given(raw json.RawMessage) (v int64, ok bool) {
	v, ok = l.value(raw)
	return v, ok && v != unset
}

// scalar returns one text for each JSON string, integer of 64 bits, true, false and null.
func scalar(raw json.RawMessage) (text string, ok bool) {
	if len(raw) == 0 {
		return "", false
	}
	switch raw[0] {
	case '"':
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return "", false
		}
		return strconv.Quote(s), true
	case 't', 'f', 'n':
		return string(raw), true
	default:
		n, err := strconv.ParseInt(string(raw), 10, 64)
		return strconv.FormatInt(n, 10), err == nil
	}
}

// name returns the name of a register, key or account: a string, or the digits of an integer.
func name(raw json.RawMessage) (text string, ok bool) {
	if len(raw) > 0 && raw[0] == '"' {
		err := json.Unmarshal(raw, &text)
		return text, err == nil
	}
	text, ok = scalar(raw)
	return text, ok && (text[0] == '-' || '0' <= text[0] && text[0] <= '9')
}

// repeats returns an error unless the answer has no value or that of the invocation, for
// operations whose answer says nothing but that they took effect.
func repeats(invoke, answer *Event) error {
	if answer == nil || isNull(answer.Value) || sameJSON(invoke.Value, answer.Value) {
		return nil
	}
	return inputErrorf(answer.Line, "ok of %s must repeat the value of line %d or have none",
		invoke.F, invoke.Line)
}

func isNull(raw json.RawMessage) bool { return raw == nil || string(raw) == "null" }

// sameJSON reports whether two values are equal but for spaces and the order of fields.
func sameJSON(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// noArgument returns an error unless the invocation has no value.
func noArgument(invoke *Event) error {
	if isNull(invoke.Value) {
		return nil
	}
	return inputErrorf(invoke.Line, "value of %s must be null", invoke.F)
}

func unknownF(model Model, e *Event) error {
	return inputErrorf(e.Line, "unknown f %q in a %v history", e.F, model)
}
