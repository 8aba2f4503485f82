package history

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// An EventType says what an event tells of its operation. The zero value is none of them.
type EventType uint8

const (
	// Invoke is the call of an operation.
	Invoke EventType = iota + 1
	// OK is the return of an operation that took effect.
	OK
	// Fail is the return of an operation that definitely did not take effect.
	Fail
	// Info says that nothing will be known of the operation: it may take effect now, later or never.
	Info
)

// eventTypes are the words of the file format, by EventType.
var eventTypes = [...]string{Invoke: "invoke", OK: "ok", Fail: "fail", Info: "info"}

// String returns the word of the file format.
func (t EventType) String() string {
	if t < Invoke || t > Info {
		return "none"
	}
	return eventTypes[t]
}

// An Event is one line of a history.
type Event struct {
	Process int             // The client, from 0; at most one operation of a process is open.
	Type    EventType       // Invoke, or how the operation ended.
	F       string          // The operation's name in its model, such as "read".
	Key     string          // The register or transaction, where the model has several; else empty.
	Value   json.RawMessage // The argument of an invocation or the answer; nil where left out.
	Time    int64           // Nanoseconds since any moment; does not decrease.
	Line    int             // Where it was read, from 1; not written.
}

// line is the form of an event in a file.
type line struct {
	Process int             `json:"process"`
	Type    string          `json:"type"`
	F       string          `json:"f"`
	Key     string          `json:"key,omitempty"`
	Value   json.RawMessage `json:"value,omitempty"`
	Time    int64           `json:"time"`
}

// WriteJSON writes events as Parse reads them, a line each. It fails if w does, or if a value is
// not JSON.
func WriteJSON(w io.Writer, events []Event) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for i := range events {
		e := &events[i]
		l := line{e.Process, e.Type.String(), e.F, e.Key, e.Value, e.Time}
		if err := enc.Encode(l); err != nil {
			return fmt.Errorf("history: write event %d: %w", i+1, err)
		}
	}
	return nil
}

// events makes the two events of each operation, and one of an open operation, in the order of
// their times, calls before returns.
func events(spans []Span, describe func(i int) (invoke, ok Event)) []Event {
	var all []Event
	for i, s := range spans {
		invoke, ok := describe(i)
		invoke.Process, invoke.Type, invoke.Time = s.Process, Invoke, s.Call
		all = append(all, invoke)
		if !s.Open {
			ok.Process, ok.Type, ok.Time = s.Process, OK, s.Return
			all = append(all, ok)
		}
	}
	slices.SortStableFunc(all, func(a, b Event) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Type, b.Type))
	})
	return all
}
