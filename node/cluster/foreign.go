package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"paxoscommit/checker"
	"paxoscommit/node/wire"
)

// ForeignConfig says which program to test, and how long.
type ForeignConfig struct {
	Command  []string // each process runs in a folder of its own, where it may keep what it likes
	Restarts bool     // kill it with SIGKILL and start it again in the same folder
	Seed     uint64
	For      time.Duration
	Dir      string
	Stderr   io.Writer
}

// ForeignReport is what came of it.
type ForeignReport struct {
	Games     int // as an acceptor
	Requests  int // in these
	Kills     int
	Txns      int // as a coordinator
	Committed int
	Aborted   int
	Elapsed   time.Duration
	Verdict   checker.Verdict
	Violation *checker.Violation
	Reason    string   // why the verdict is unknown
	Talk      []string // the lines of the game that broke something
}

// RunForeign tests a program that speaks the course's messages: as an acceptor of Paxos, with a
// proposer of this module's making, and as a coordinator, by what its clients see. The verdict is
// unknown if it never said an outcome, or the context is done. The error is that of a program that
// could not be run.
func RunForeign(ctx context.Context, c ForeignConfig) (*ForeignReport, error) {
	begin := time.Now()
	r := &ForeignReport{}
	for i := uint64(0); ; i++ {
		for _, play := range []func(*game) error{playAcceptor, playCoordinator} {
			g := &game{
				ctx: ctx, config: &c, report: r, rng: rand.New(rand.NewPCG(c.Seed, i)),
				dir: filepath.Join(c.Dir, fmt.Sprintf("game%d", i)),
			}
			if err := os.MkdirAll(g.dir, 0o777); err != nil {
				return r, fmt.Errorf("cluster: %w", err)
			}
			err := g.start()
			if err == nil {
				err = play(g)
			}
			g.stop()
			r.Elapsed = time.Since(begin)
			switch {
			case errors.Is(err, errBroken):
				r.Verdict, r.Talk = checker.Violated, g.talk
				return r, nil
			case errors.Is(err, errStopped):
				r.Reason = interrupted
				return r, nil
			case errors.Is(err, errSilent):
				r.Reason = err.Error()
				return r, nil
			case err != nil:
				return r, err
			}
			if err := os.RemoveAll(g.dir); err != nil {
				return r, fmt.Errorf("cluster: %w", err)
			}
		}
		if time.Since(begin) > c.For {
			break
		}
	}
	r.Verdict = checker.Holds
	if r.Committed+r.Aborted == 0 {
		r.Verdict, r.Reason = checker.Unknown, "it never said what became of a transaction"
	}
	return r, nil
}

var (
	errBroken = errors.New("cluster: the program broke a property")
	errSilent = errors.New("cluster: no init_ok in 5 s")
)

// game is a program under test, from its start to its end.
type game struct {
	ctx    context.Context // of the call of RunForeign that it is played in
	config *ForeignConfig
	report *ForeignReport
	rng    *rand.Rand
	dir    string
	child  *child
	lines  chan []byte
	ended  error // of the child, once lines is closed
	talk   []string
	msgID  int
}

func (g *game) start() error {
	g.lines = make(chan []byte, 1<<12)
	lines := g.lines
	c, err := start(g.config.Command, g.dir, g.config.Stderr,
		func(line []byte) { lines <- line },
		func(err error) {
			g.ended = err
			close(lines)
		})
	g.child = c
	return err
}

func (g *game) stop() {
	if g.child == nil {
		return
	}
	g.child.kill()
	for range g.lines { // until it has ended
	}
}

// restart kills the program and starts it again.
func (g *game) restart() error {
	g.stop()
	g.report.Kills++
	g.talk = append(g.talk, "# SIGKILL, and started again in the same folder")
	return g.start()
}

// broken reports a violation.
func (g *game) broken(p checker.Property, format string, args ...any) error {
	g.report.Violation = &checker.Violation{
		Property: p, Detail: fmt.Sprintf(format, args...), Step: len(g.talk),
	}
	return errBroken
}

// say sends a message, whose fields come after its type and msg_id.
func (g *game) say(src, dest, kind string, fields map[string]any) (id int) {
	g.msgID++
	body := map[string]any{"type": kind, "msg_id": g.msgID}
	for k, v := range fields {
		body[k] = v
	}
	line, err := wire.Encode(src, dest, body, false)
	if err != nil {
		panic(err) // texts and numbers are JSON
	}
	g.talk = append(g.talk, "> "+string(line))
	g.child.say(line)
	return g.msgID
}

// heard is a line of the program: what may be in its body.
type heard struct {
	src, dest string
	Type      string          `json:"type"`
	InReplyTo *int            `json:"in_reply_to"`
	TxnID     string          `json:"txn_id"`
	Proposal  int             `json:"proposal_id"`
	Value     string          `json:"value"`
	Outcome   string          `json:"outcome"`
	Accepted  json.RawMessage `json:"accepted_value"`
	AcceptID  *int            `json:"accepted_proposal_id"`
}

// hear returns the next message of the program, nil if none has come in time or none will.
func (g *game) hear(wait time.Duration) (*heard, error) {
	select {
	case text, ok := <-g.lines:
		if !ok {
			how := "exit status 0"
			if g.ended != nil {
				how = g.ended.Error()
			}
			return nil, g.broken(checker.Contract, "the program ended by itself: %s", how)
		}
		if text == nil {
			return nil, g.broken(checker.Contract, "it wrote a line of more than %d bytes", wire.MaxLine)
		}
		g.talk = append(g.talk, "< "+string(text))
		l, _, err := wire.Parse(text)
		if err != nil {
			return nil, g.broken(checker.Contract, "it wrote %.80q: %v", text, err)
		}
		h := heard{src: l.Src, dest: l.Dest}
		if err := json.Unmarshal(l.Body, &h); err != nil {
			return nil, g.broken(checker.Contract, "it wrote %.80q: %v", text, err)
		}
		return &h, nil
	case <-g.ctx.Done():
		return nil, errStopped
	case <-time.After(wait):
		return nil, nil
	}
}

// answerTo waits for the answer to a message, nil if there is none.
func (g *game) answerTo(id int, wait time.Duration) (*heard, error) {
	for deadline := time.Now().Add(wait); ; {
		h, err := g.hear(time.Until(deadline))
		if err != nil || h == nil || h.InReplyTo != nil && *h.InReplyTo == id {
			return h, err
		}
	}
}

// init tells the program who it is.
func (g *game) init(name string) error {
	id := g.say("c0", name, "init", map[string]any{
		"participants": []string{"p1", "p2"}, "acceptors": []string{"a1", "a2", "a3"},
	})
	h, err := g.answerTo(id, 5*time.Second)
	switch {
	case err != nil:
		return err
	case h == nil:
		return errSilent
	case h.Type != "init_ok":
		return g.broken(checker.Contract, "it answers init with %q", h.Type)
	}
	return nil
}
