package serve

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"paxoscommit/core"
	"paxoscommit/node"
	"paxoscommit/node/wire"
)

// lingers is how long a node waits at the end of its input for what clients still have to hear.
const lingers = 10 * time.Second

// Options are what a node is started with.
type Options struct {
	Data  string // folder of the log; empty: nothing survives the process
	Apart bool   // of the course: this node plays one part, and the others are elsewhere
	Find  func(name string) (core.Protocol, error)
	In    io.Reader
	Out   io.Writer
	Err   io.Writer
	Delay time.Duration // that each sync takes longer: a slow disk
}

// handler is what a node is after its init.
type handler interface {
	// handle takes a message that is not an init. The error is a *wire.Error for the sender; any
	// other ends the node.
	handle(l *wire.Line, h *wire.Head) error
	// busy tells whether somebody still has to be answered.
	busy() bool
	// close lets go of the log.
	close() error
}

// server is the program.
type server struct {
	options Options
	host    *node.Host
	handler handler
	name    string
	msgID   int64 // of the next message
	mute    bool  // nobody reads what it writes
}

// Run is the life of a node: it reads until its input ends, answers what is still open, and
// returns. The error is that of a log that failed.
func Run(ctx context.Context, o Options) error {
	s := &server{options: o, host: node.NewHost()}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go s.read(ctx, cancel)
	err := s.host.Run(ctx)
	if s.handler != nil {
		err = errors.Join(err, s.handler.close())
	}
	return err
}

// read passes lines on, one at a time.
func (s *server) read(ctx context.Context, cancel context.CancelFunc) {
	r := wire.NewReader(s.options.In)
	for {
		text, err := r.Next()
		if err != nil && !errors.Is(err, wire.ErrTooLong) {
			if !errors.Is(err, io.EOF) {
				s.host.Do(func() { s.report(err) })
			}
			break
		}
		done := make(chan struct{})
		s.host.Do(func() {
			defer close(done)
			if err != nil {
				s.report(err)
				return
			}
			s.line(text)
		})
		select {
		case <-done:
		case <-ctx.Done():
			return
		}
	}
	s.host.Do(func() { s.end(time.Now().Add(lingers), cancel) })
}

// end stops the node once nobody waits any more.
func (s *server) end(deadline time.Time, cancel context.CancelFunc) {
	if s.handler == nil || !s.handler.busy() || time.Now().After(deadline) {
		cancel()
		return
	}
	time.AfterFunc(10*time.Millisecond, func() { s.host.Do(func() { s.end(deadline, cancel) }) })
}

// line takes one line of input.
func (s *server) line(text []byte) {
	l, h, err := wire.Parse(text)
	if err == nil {
		err = s.message(&l, &h)
	}
	if err == nil {
		return
	}
	var wrong *wire.Error
	if !errors.As(err, &wrong) {
		s.host.Fail(err)
		return
	}
	s.report(fmt.Errorf("%.80s: %w", bytes.ReplaceAll(text, []byte("\n"), []byte(" ")), err))
	if l.Src == "" || h.MsgID == nil || h.InReplyTo != nil || h.Type == "error" {
		return
	}
	from := s.name
	if from == "" {
		from = l.Dest
	}
	s.reply(from, &l, &h, false, func(r wire.ReplyHead) any {
		r.Type = "error"
		return struct {
			wire.ReplyHead
			Code wire.Code `json:"code"`
			Text string    `json:"text"`
		}{r, wrong.Code, wrong.Text}
	})
}

func (s *server) message(l *wire.Line, h *wire.Head) error {
	switch {
	case h.Type == "init":
		return s.init(l, h)
	case s.handler == nil:
		return wire.Errorf(wire.TemporarilyUnavailable, "%q before init", h.Type)
	}
	return s.handler.handle(l, h)
}

// initBody is every form of init.
type initBody struct {
	NodeID       string   `json:"node_id"`
	NodeIDs      []string `json:"node_ids"`
	Participants []string `json:"participants"`
	Acceptors    []string `json:"acceptors"`
	Protocol     string   `json:"protocol"`
	System       *System  `json:"system"`
}

func (s *server) init(l *wire.Line, h *wire.Head) error {
	if s.handler != nil {
		return wire.Errorf(wire.MalformedRequest, "init, and this node has had one")
	}
	if h.MsgID == nil {
		return wire.Errorf(wire.MalformedRequest, "init without msg_id")
	}
	var body initBody
	if err := json.Unmarshal(l.Body, &body); err != nil {
		return wire.Errorf(wire.MalformedRequest, "init: %v", err)
	}
	name := body.NodeID
	if name == "" {
		name = l.Dest
	}
	if name != l.Dest {
		return wire.Errorf(wire.MalformedRequest, "init of %q sent to %q", name, l.Dest)
	}
	if body.System != nil {
		handler, err := s.newSystem(name, &body)
		if err != nil {
			return err
		}
		s.name, s.handler = name, handler
		if err := handler.process.Start(); err != nil {
			return err
		}
		s.reply(name, l, h, false, func(r wire.ReplyHead) any { return r })
		return nil
	}
	handler, err := s.newCourse(name, &body)
	if err != nil {
		return err
	}
	s.name, s.handler = name, handler
	s.reply(name, l, h, handler.blanks, func(r wire.ReplyHead) any { return r })
	return nil
}

// reply answers a message; body makes the answer from its head, whose type is that of the message
// with _ok behind it.
func (s *server) reply(
	from string, l *wire.Line, h *wire.Head, blanks bool, body func(r wire.ReplyHead) any,
) {
	head := wire.ReplyHead{Type: h.Type + "_ok", InReplyTo: *h.MsgID, MsgID: s.msgID}
	s.msgID++
	line, err := wire.Encode(from, l.Src, body(head), blanks)
	if err != nil {
		s.report(err)
		return
	}
	s.write(line)
}

// write writes a line. Where nobody reads, that is said once, and what is written is lost.
func (s *server) write(line []byte) {
	if s.mute {
		return
	}
	if _, err := s.options.Out.Write(append(line, '\n')); err != nil {
		s.mute = true
		s.report(fmt.Errorf("nobody reads what this node writes: %w", err))
	}
}

func (s *server) report(err error) {
	text := bytes.ReplaceAll([]byte(err.Error()), []byte("\n"), []byte(" "))
	fmt.Fprintf(s.options.Err, "%s: %s\n", cmp.Or(s.name, "node"), text)
}
