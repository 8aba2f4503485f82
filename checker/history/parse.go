package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// Limits of a file, so that a wrong file cannot take all memory.
const (
	MaxLineBytes = 1 << 20 // The longest line, without its line feed.
	MaxEvents    = 1 << 20 // The most events.
)

// An InputError is what is wrong with a history, in one line.
type InputError struct {
	Line int // From 1; 0 where the whole history is meant.
	Msg  string
}

// Error returns "line N: what is wrong".
func (e *InputError) Error() string {
	if e.Line == 0 {
		return e.Msg
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Msg)
}

func inputErrorf(line int, format string, args ...any) error {
	return &InputError{Line: line, Msg: fmt.Sprintf(format, args...)}
}

// Parse reads a history: JSON lines, one event each, blank lines ignored. It checks each line by
// itself and that time does not run backwards; what the events mean together is Load's part. What
// is wrong with the input is an *InputError; an error of r is returned as it is. A history without
// events is an error: it would hold without having been looked at.
func Parse(r io.Reader) ([]Event, error) { return parse(r, MaxEvents) }

func parse(r io.Reader, maxEvents int) ([]Event, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 1<<16), MaxLineBytes+1)
	var events []Event
	number := 0
	for lines.Scan() {
		number++
		text := bytes.TrimSpace(lines.Bytes())
		if number == 1 {
			text = bytes.TrimPrefix(text, []byte("\ufeff")) // some editors begin a file with it
		}
		if len(text) == 0 {
			continue
		}
		e, err := parseLine(text, number)
		if err != nil {
			return nil, err
		}
		if n := len(events); n > 0 && e.Time < events[n-1].Time {
			return nil, inputErrorf(number, "time runs backwards: %d after %d", e.Time,
				events[n-1].Time)
		}
		if len(events) == maxEvents {
			return nil, inputErrorf(number, "more than %d events", maxEvents)
		}
		events = append(events, e)
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, inputErrorf(number+1, "line longer than %d bytes", MaxLineBytes)
	} else if err != nil {
		return nil, err
	}
	if len(events) == 0 {
		return nil, inputErrorf(max(number, 1), "empty history")
	}
	return events, nil
}

// checkKeys refuses fields that the JSON package would read and that would hide others: a known
// one twice, or in other letters.
func checkKeys(text []byte, number int) error {
	fields := json.NewDecoder(bytes.NewReader(text))
	if _, err := fields.Token(); err != nil {
		return inputErrorf(number, "not JSON: %v", err)
	}
	var seen [6]bool
	for fields.More() {
		token, err := fields.Token()
		if err != nil {
			return inputErrorf(number, "not JSON: %v", err)
		}
		key, _ := token.(string)
		for i, known := range [...]string{"process", "type", "f", "key", "value", "time"} {
			switch {
			case !strings.EqualFold(key, known):
			case key != known:
				return inputErrorf(number, "field %q: write %q", key, known)
			case seen[i]:
				return inputErrorf(number, "field %q twice", key)
			default:
				seen[i] = true
			}
		}
		var value json.RawMessage
		if err := fields.Decode(&value); err != nil {
			return inputErrorf(number, "not JSON: %v", err)
		}
	}
	return nil
}

// parseLine reads one event. Fields that it does not know are ignored, as other tools add some.
func parseLine(text []byte, number int) (Event, error) {
	if !utf8.Valid(text) {
		// The JSON package would replace bad bytes, and so make different values equal.
		return Event{}, inputErrorf(number, "not UTF-8")
	}
	var l struct {
		Process *int64          `json:"process"`
		Type    *string         `json:"type"`
		F       *string         `json:"f"`
		Key     json.RawMessage `json:"key"`
		Value   json.RawMessage `json:"value"`
		Time    *int64          `json:"time"`
	}
	if err := json.Unmarshal(text, &l); err != nil {
		var wrong *json.UnmarshalTypeError
		if !errors.As(err, &wrong) {
			return Event{}, inputErrorf(number, "not JSON: %v", err)
		}
		if wrong.Field == "" {
			return Event{}, inputErrorf(number, "not a JSON object")
		}
		return Event{}, inputErrorf(number, "field %q cannot be a %s", wrong.Field, wrong.Value)
	}
	if err := checkKeys(text, number); err != nil {
		return Event{}, err
	}
	for _, f := range []struct {
		name    string
		missing bool
	}{
		{"process", l.Process == nil},
		{"type", l.Type == nil},
		{"f", l.F == nil},
		{"time", l.Time == nil},
	} {
		if f.missing {
			return Event{}, inputErrorf(number, "missing field %q", f.name)
		}
	}
	if *l.Process < 0 || *l.Process > math.MaxInt32 {
		return Event{}, inputErrorf(number, "process %d is not between 0 and %d", *l.Process,
			math.MaxInt32)
	}
	e := Event{Process: int(*l.Process), F: *l.F, Value: l.Value, Time: *l.Time, Line: number}
	for t := Invoke; t <= Info; t++ {
		if *l.Type == t.String() {
			e.Type = t
		}
	}
	if e.Type == 0 {
		return Event{}, inputErrorf(number, "unknown type %q", *l.Type)
	}
	if !isNull(l.Key) {
		key, ok := name(l.Key)
		if !ok {
			return Event{}, inputErrorf(number, "key must be a string or an integer")
		}
		e.Key = key
	}
	return e, nil
}
