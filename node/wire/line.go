package wire

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxLine limits a line, in bytes without its end.
const MaxLine = 1 << 20

// Line is one message.
type Line struct {
	Src  string          `json:"src"`
	Dest string          `json:"dest"`
	Body json.RawMessage `json:"body"`
}

// Head is what every body has.
type Head struct {
	Type      string `json:"type"`
	MsgID     *int64 `json:"msg_id"`
	InReplyTo *int64 `json:"in_reply_to"`
}

// Code is an error code of Maelstrom. The zero code is a time-out.
type Code int

// The codes that are used here.
const (
	NodeNotFound           Code = 1  // the receiver is not here
	NotSupported           Code = 10 // no such type
	TemporarilyUnavailable Code = 11 // not now
	MalformedRequest       Code = 12
	Abort                  Code = 14
)

// Error is what is wrong with a message, and what its sender is told.
type Error struct {
	Code Code
	Text string
}

// Error returns the text.
func (e *Error) Error() string { return e.Text }

// Errorf returns an Error with a formatted text.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{code, fmt.Sprintf(format, args...)}
}

// ErrTooLong is the error for a line above MaxLine.
var ErrTooLong = errors.New("wire: the line is too long")

// Reader reads lines.
type Reader struct {
	in *bufio.Reader
}

// NewReader returns a Reader of in.
func NewReader(in io.Reader) *Reader { return &Reader{bufio.NewReaderSize(in, 1<<16)} }

// Next returns the next line that is not blank, good until the next call. A line that is too long
// is skipped, whatever its length, with ErrTooLong; at the end the error is io.EOF.
func (r *Reader) Next() ([]byte, error) {
	for {
		var line []byte
		long := false
		for {
			part, err := r.in.ReadSlice('\n')
			if long = long || len(line)+len(part) > MaxLine+1; !long {
				line = append(line, part...)
			}
			if errors.Is(err, bufio.ErrBufferFull) {
				continue
			}
			if err != nil && (!errors.Is(err, io.EOF) || len(line) == 0 && !long) {
				return nil, err
			}
			break
		}
		if long {
			return nil, ErrTooLong
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, nil
		}
	}
}

// Parse reads the envelope of a line and the head of its body. The error is an *Error; what could
// be read of the line is returned with it, so that its sender can be told.
func Parse(text []byte) (Line, Head, error) {
	var l Line
	var h Head
	if err := json.Unmarshal(text, &l); err != nil {
		return l, h, Errorf(MalformedRequest, "not a message: %v", err)
	}
	if len(l.Body) == 0 {
		return l, h, Errorf(MalformedRequest, "a message without a body")
	}
	if err := json.Unmarshal(l.Body, &h); err != nil {
		var id struct {
			MsgID *int64 `json:"msg_id"`
		}
		if json.Unmarshal(l.Body, &id) != nil {
			h.MsgID = nil // not 0, as which Unmarshal leaves what is no number
		}
		return l, h, Errorf(MalformedRequest, "the body: %v", err)
	}
	switch {
	case l.Src == "":
		return l, h, Errorf(MalformedRequest, "a message without src")
	case l.Dest == "":
		return l, h, Errorf(MalformedRequest, "a message without dest")
	case h.Type == "":
		return l, h, Errorf(MalformedRequest, "a body without a type")
	}
	return l, h, nil
}

// Encode returns a message as a line without its end. Its body is a struct; blanks says whether a
// blank follows each colon and comma, as some of the course's samples have it. It fails if the body
// cannot be JSON.
func Encode(src, dest string, body any, blanks bool) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(struct {
		Src  string `json:"src"`
		Dest string `json:"dest"`
		Body any    `json:"body"`
	}{src, dest, body}); err != nil {
		return nil, fmt.Errorf("wire: %w", err)
	}
	line := bytes.TrimSpace(out.Bytes())
	if blanks {
		line = withBlanks(line)
	}
	return line, nil
}

// withBlanks puts a blank behind each colon and comma that is not in a string.
func withBlanks(text []byte) []byte {
	var out []byte
	quoted, escaped := false, false
	for _, c := range text {
		out = append(out, c)
		switch {
		case escaped:
			escaped = false
		case c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ':' || c == ','):
			out = append(out, ' ')
		}
	}
	return out
}

// ReplyHead is what every answer begins with, in the order of the course's samples.
type ReplyHead struct {
	Type      string `json:"type"`
	InReplyTo int64  `json:"in_reply_to"`
	MsgID     int64  `json:"msg_id"`
}
