package course

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"paxoscommit/core"
	"paxoscommit/core/bank"
	"paxoscommit/node"
	"paxoscommit/node/wire"
)

// patience is how long participants wait where a request does not say.
const patience = 2 * time.Second

// Reply answers a message; see the server.
type Reply func(l *wire.Line, h *wire.Head, body func(r wire.ReplyHead) any)

// Config is what a session is made of.
type Config struct {
	Host         *node.Host
	Self         string // the name of this node
	Participants []string
	Acceptors    []string
	Protocol     string // of txn_begin: 2pc, 3pc; empty is 3pc
	Apart        bool   // everybody else is a node elsewhere; Protocol is that of all
	Find         func(name string) (core.Protocol, error)
	// Open returns how the process of a role opens its log; where is a path of its own.
	Open   func(where string) func(each func(entry []byte) error) (node.Log, error)
	Reply  Reply
	Write  func(src, dest string, body any)
	Report func(error)
}

// Session is a node of the course after its init.
type Session struct {
	config   Config
	plays    map[string]*play
	order    []string         // of plays
	accounts map[string]uint8 // numbers of the accounts that requests name
	open     int              // transactions of which somebody waits for the end
	lines    []line           // said inside, and not written yet
	written  map[line]bool    // so that what is said again is written once
	acceptor *acceptor        // nil if this node is none
}

// line is a message between those who are played here.
type line struct {
	src, dest string
	text      string // of the body
}

// New returns the session that follows an init.
func New(c Config) (*Session, error) {
	if !slices.Contains([]string{"", twoPhase, threePhase, paxosCommit}, c.Protocol) {
		return nil, wire.Errorf(wire.MalformedRequest, "protocol %.40q: want 2pc or 3pc", c.Protocol)
	}
	s := &Session{
		config: c, plays: map[string]*play{}, accounts: map[string]uint8{}, written: map[line]bool{},
	}
	c.Host.Idle = s.flush
	if slices.Contains(c.Acceptors, c.Self) {
		var err error
		if s.acceptor, err = newAcceptor(s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// request is every request of the course; each type has some of the fields.
type request struct {
	Participants            json.RawMessage `json:"participants"` // names; of benchmark a number
	Acceptors               []string        `json:"acceptors"`
	Operations              []operation     `json:"operations"`
	TxID                    string          `json:"tx_id"`
	CrashCoordinatorAfter   string          `json:"crash_coordinator_after"`
	CrashProposerAfter      string          `json:"crash_proposer_after"`
	PartitionAfter          string          `json:"partition_after"`
	PartitionedParticipants []string        `json:"partitioned_participants"`
	ParticipantTimeoutMS    int64           `json:"participant_timeout_ms"`
	TimeoutMS               int64           `json:"timeout_ms"`
	Protocols               []string        `json:"protocols"`
	Transactions            int             `json:"transactions"`
}

// operation is a transfer, or a write of a key.
type operation struct {
	Transfer int64           `json:"transfer"`
	From     string          `json:"from"`
	To       string          `json:"to"`
	Key      string          `json:"key"`
	Value    json.RawMessage `json:"value"`
}

// Handle takes a message. The error is a *wire.Error for its sender, or that of a log, with which
// nobody may go on.
func (s *Session) Handle(l *wire.Line, h *wire.Head) error {
	if l.Dest != s.config.Self {
		return wire.Errorf(wire.NodeNotFound, "this is %s, not %.40q", s.config.Self, l.Dest)
	}
	handlers := map[string]func(*wire.Line, *wire.Head, *request) error{
		"txn_begin": s.txnBegin, "paxos_commit_begin": s.paxosCommitBegin,
		"recover_proposer": s.recoverProposer, "3pc_prepare": s.prepare3PC,
		"benchmark": s.benchmark, "compare_blocking": s.compareBlocking,
	}
	handle := handlers[h.Type]
	switch {
	case s.config.Apart && wire.IsCore(h.Type):
		return s.fromElsewhere(l)
	case s.acceptor != nil && (h.Type == "prepare" || h.Type == "accept"):
		return s.acceptor.handle(l, h)
	case h.InReplyTo != nil:
		return wire.Errorf(wire.MalformedRequest, "%q answers nothing that was asked here", h.Type)
	case handle == nil:
		return wire.Errorf(wire.NotSupported, "no message of type %.40q", h.Type)
	case h.MsgID == nil:
		return wire.Errorf(wire.MalformedRequest, "%s without msg_id", h.Type)
	}
	var r request
	if err := json.Unmarshal(l.Body, &r); err != nil {
		return wire.Errorf(wire.MalformedRequest, "%s: %v", h.Type, err)
	}
	return handle(l, h, &r)
}

// Busy tells whether somebody waits for the end of a transaction, or something is not written yet.
func (s *Session) Busy() bool { return s.open > 0 || len(s.lines) > 0 }

// Close stops everybody who is played here.
func (s *Session) Close() error {
	var errs []error
	if s.acceptor != nil {
		errs = append(errs, s.acceptor.process.Crash())
	}
	for _, key := range s.order {
		errs = append(errs, s.plays[key].close())
	}
	return errors.Join(errs...)
}

// say takes a message between those who are played here; it is written when nothing is on its way.
func (s *Session) say(src, dest string, b body) {
	text, err := json.Marshal(b)
	if err != nil {
		s.config.Report(err)
		return
	}
	l := line{src, dest, string(text)}
	if !s.written[l] {
		s.written[l] = true
		s.lines = append(s.lines, l)
	}
}

func (s *Session) flush() {
	for _, l := range s.lines {
		s.config.Write(l.src, l.dest, json.RawMessage(l.text))
	}
	s.lines = s.lines[:0]
}

// find returns the protocol that the course calls by a name: its three-phase commit has a rule set
// of its own, in which who waits on a time-out waits on.
func (s *Session) find(name string) (core.Protocol, error) {
	if name == threePhase {
		name = "3pc-course"
	}
	return s.config.Find(name)
}

func (s *Session) txnBegin(l *wire.Line, h *wire.Head, r *request) error {
	name := threePhase
	if s.config.Protocol != "" {
		name = s.config.Protocol
	}
	return s.begin(name, l, h, r)
}

func (s *Session) paxosCommitBegin(l *wire.Line, h *wire.Head, r *request) error {
	return s.begin(paxosCommit, l, h, r)
}

// begin begins a transaction, answers with its name, and with its outcome when there is one.
func (s *Session) begin(protocol string, l *wire.Line, h *wire.Head, r *request) error {
	p, t, err := s.start(protocol, r)
	if err != nil {
		return err
	}
	s.config.Reply(l, h, func(head wire.ReplyHead) any {
		return struct {
			wire.ReplyHead
			TxnID string `json:"txn_id"`
		}{head, p.txnName(t.id)}
	})
	s.await(l, p, t, s.wait(r))
	return nil
}

// start begins the transaction of a request.
func (s *Session) start(protocol string, r *request) (*play, *txn, error) {
	members, err := s.members(r)
	if err != nil {
		return nil, nil, err
	}
	f, err := r.faults(members)
	if err != nil {
		return nil, nil, err
	}
	w, err := s.work(r.Operations)
	if err != nil {
		return nil, nil, err
	}
	if s.config.Apart && (protocol != s.together() ||
		!slices.Equal(members, s.config.Participants) ||
		len(r.Acceptors) > 0 && !slices.Equal(r.Acceptors, s.config.Acceptors)) {
		return nil, nil, wire.Errorf(wire.NotSupported, "nodes that are apart run %s with the "+
			"participants and acceptors of their init", s.together())
	}
	p, err := s.play(protocol, members, r.Acceptors)
	if err != nil {
		return nil, nil, err
	}
	if !p.procs[p.coordinator()-1].Up() {
		return nil, nil, wire.Errorf(wire.TemporarilyUnavailable, "the coordinator has crashed")
	}
	for _, proc := range p.procs {
		proc.SetTiming(timing(s.wait(r)))
	}
	return p, p.begin(w, f), nil
}

// wait is how long participants wait for somebody before they do what their rules say.
func (s *Session) wait(r *request) time.Duration {
	for _, ms := range []int64{r.ParticipantTimeoutMS, r.TimeoutMS} {
		if ms > 0 {
			return time.Duration(min(ms, 60_000)) * time.Millisecond
		}
	}
	return patience
}

func timing(wait time.Duration) node.Timing {
	t := node.DefaultTiming()
	t.TakeOver, t.Longest = wait, max(wait, t.Longest)
	return t
}

// outcome is what a client is told when a transaction has come to an end.
type outcome struct {
	Type    string   `json:"type"`
	TxnID   string   `json:"txn_id"`
	Outcome string   `json:"outcome,omitempty"`
	Blocked []string `json:"blocked,omitempty"`
}

// await tells a client the outcome as soon as somebody has learned it, and after the time-outs who
// does not know it.
func (s *Session) await(l *wire.Line, p *play, t *txn, wait time.Duration) {
	s.open++
	t.decided = func() {
		s.config.Write(s.config.Self, l.Src, outcome{
			Type: "txn_outcome", TxnID: p.txnName(t.id), Outcome: t.outcome.String(),
		})
	}
	var look func()
	deadline := time.Now().Add(2*wait + time.Second)
	look = func() {
		blocked := p.blocked(t)
		switch {
		case len(blocked) == 0:
			s.open--
		case time.Now().After(deadline):
			s.open--
			s.config.Write(s.config.Self, l.Src, outcome{
				Type: "txn_blocked", TxnID: p.txnName(t.id), Blocked: blocked,
			})
		default:
			time.AfterFunc(10*time.Millisecond, func() { s.config.Host.Do(look) })
		}
	}
	s.config.Host.Do(look)
}

// recoverProposer has the second proposer finish what the first has left.
func (s *Session) recoverProposer(l *wire.Line, h *wire.Head, _ *request) error {
	recovered := false
	for _, key := range s.order {
		if p := s.plays[key]; p.protocol.Name() == paxosCommit {
			if err := p.recover(); err != nil {
				return err
			}
			recovered = true
		}
	}
	if !recovered {
		return wire.Errorf(wire.MalformedRequest, "recover_proposer, and nothing has been proposed")
	}
	s.config.Reply(l, h, func(head wire.ReplyHead) any { return head })
	return nil
}

// prepare3PC begins a transaction, and answers with the votes when all are known, or on a time-out.
func (s *Session) prepare3PC(l *wire.Line, h *wire.Head, r *request) error {
	if r.TxID == "" {
		return wire.Errorf(wire.MalformedRequest, "3pc_prepare without tx_id")
	}
	p, t, err := s.start(threePhase, r)
	if err != nil {
		return err
	}
	s.open++
	answered := false
	answer := func() {
		if answered {
			return
		}
		answered = true
		s.open--
		votes := map[string]string{}
		for m := t.members; m != 0; m &= m - 1 {
			vote := map[core.Value]string{core.Prepared: "yes", core.Aborted: "no"}
			if v := t.votes.Of(m.First()); v != core.NoValue {
				votes[p.members[m.First()-1]] = vote[v]
			}
		}
		s.config.Reply(l, h, func(head wire.ReplyHead) any {
			return struct {
				wire.ReplyHead
				TxID  string            `json:"tx_id"`
				Votes map[string]string `json:"votes"`
			}{head, r.TxID, votes}
		})
	}
	t.voted = func() {
		if t.votes.Instances() == t.members {
			answer()
		}
	}
	time.AfterFunc(s.wait(r), func() { s.config.Host.Do(answer) })
	return nil
}

// members returns who takes part: those that the request names, or else those of init.
func (s *Session) members(r *request) ([]string, error) {
	members := s.config.Participants
	if len(r.Participants) > 0 {
		members = nil
		if err := json.Unmarshal(r.Participants, &members); err != nil {
			return nil, wire.Errorf(wire.MalformedRequest, "participants: want a list of names")
		}
	}
	sorted := slices.Sorted(slices.Values(members))
	if len(members) == 0 || slices.Contains(members, "") ||
		len(slices.Compact(sorted)) != len(members) || len(members) > core.MaxRMs {
		return nil, wire.Errorf(wire.MalformedRequest,
			"participants: want 1 to %d different names", core.MaxRMs)
	}
	return members, nil
}

// faults reads what a request asks to go wrong.
func (r *request) faults(members []string) (faults, error) {
	after := map[string]core.MsgType{
		"": core.NoMsg, "can_commit": core.MsgPrepare, "prepare": core.MsgPrepare,
		"pre_commit": core.MsgPreCommit,
	}
	var f faults
	var ok1, ok2, ok3 bool
	f.crashAfter, ok1 = after[r.CrashCoordinatorAfter]
	if r.CrashProposerAfter != "" {
		f.crashAfter, ok2 = core.MsgPhase1a, r.CrashProposerAfter == "prepare"
	} else {
		ok2 = true
	}
	f.partitionAfter, ok3 = after[r.PartitionAfter]
	for i, ok := range []bool{ok1, ok2, ok3} {
		if !ok {
			return f, wire.Errorf(wire.NotSupported, "%s: no such moment", [...]string{
				"crash_coordinator_after", "crash_proposer_after", "partition_after",
			}[i])
		}
	}
	for _, name := range r.PartitionedParticipants {
		i := slices.Index(members, name)
		if i < 0 {
			return f, wire.Errorf(wire.MalformedRequest, "%.40q is partitioned, and no participant", name)
		}
		f.partitioned = f.partitioned.With(uint8(i + 1))
	}
	return f, nil
}

// work returns what operations do: one transfer, or the locking of keys.
func (s *Session) work(operations []operation) (bank.Work, error) {
	var w bank.Work
	for _, o := range operations {
		switch {
		case o.Key != "":
			n, err := s.account(o.Key)
			if err != nil {
				return w, err
			}
			w.Read = w.Read.With(n)
		case o.Transfer <= 0 || o.From == "" || o.To == "":
			return w, wire.Errorf(wire.MalformedRequest, "an operation is no transfer and has no key")
		case w.Amount != 0:
			return w, wire.Errorf(wire.NotSupported, "more than one transfer in a transaction")
		default:
			from, err1 := s.account(o.From)
			to, err2 := s.account(o.To)
			if err := errors.Join(err1, err2); err != nil {
				return w, wire.Errorf(wire.MalformedRequest, "%v", err)
			}
			w.From, w.To, w.Amount = from, to, o.Transfer
		}
	}
	if w == (bank.Work{}) {
		w.Read = core.SetOf(1) // a transaction that only has to be agreed on
	}
	return w, nil
}

// account returns the number of an account: in the order in which they are named first.
func (s *Session) account(name string) (uint8, error) {
	n, ok := s.accounts[name]
	if !ok {
		if len(s.accounts) == bank.MaxAccounts {
			return 0, wire.Errorf(wire.NotSupported, "more than %d accounts", bank.MaxAccounts)
		}
		n = uint8(len(s.accounts) + 1)
		s.accounts[name] = n
	}
	return n, nil
}

// play returns the system of these participants and acceptors, a new one if there is none.
func (s *Session) play(protocol string, members, acceptors []string) (*play, error) {
	if len(acceptors) == 0 {
		acceptors = s.config.Acceptors
	}
	if len(acceptors) == 0 {
		acceptors = []string{"a1", "a2", "a3"}
	}
	key := fmt.Sprintf("%s %q %q", protocol, members, acceptors)
	if p := s.plays[key]; p != nil {
		return p, nil
	}
	found, err := s.find(protocol)
	if err != nil {
		return nil, wire.Errorf(wire.NotSupported, "%v", err)
	}
	config := playConfig{
		origin: uint16(len(s.order) + 1),
		host:   s.config.Host, protocol: found, options: options(protocol), self: s.config.Self,
		here: s.config.Self, members: members, acceptors: acceptors, timing: timing(patience),
		say: s.say, report: s.config.Report,
		open: func(process string) func(each func(entry []byte) error) (node.Log, error) {
			// Names of any length, with anything in them, are no names of folders.
			sum := sha256.Sum256([]byte(key))
			return s.config.Open(filepath.Join(fmt.Sprintf("%s-%x", protocol, sum[:8]), process))
		},
	}
	if s.config.Apart {
		config.remote = s.toElsewhere
		if slices.Contains(members, s.config.Self) || slices.Contains(acceptors, s.config.Self) {
			config.self = "" // until a message of the coordinator comes
		}
	}
	p, err := newPlay(config)
	if err != nil {
		return nil, err
	}
	s.plays[key] = p
	s.order = append(s.order, key)
	return p, nil
}

// options are those with which a protocol is the course's.
func options(protocol string) []string {
	if protocol == paxosCommit {
		return []string{"relayed"}
	}
	return nil
}
