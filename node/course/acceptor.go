package course

import (
	"encoding/json"
	"hash/fnv"

	"paxoscommit/core"
	"paxoscommit/node"
	"paxoscommit/node/wire"
)

// acceptor is a node that init names among the acceptors: proposers elsewhere, of this module or
// not, run Paxos with it, an instance a participant. Each instance is a transaction of its own with
// one resource manager, and every proposal_id belongs to the one leader of that system.
type acceptor struct {
	session *Session
	process *node.Process
	asked   map[question]asked
}

// question is what an answer answers.
type question struct {
	tx  core.TxID
	t   core.MsgType
	bal core.Ballot
}

// asked is who asked last, and for which instance.
type asked struct {
	line        wire.Line
	head        wire.Head
	txn         string
	participant string
}

func newAcceptor(s *Session) (*acceptor, error) {
	protocol, err := s.find(paxosCommit)
	if err != nil {
		return nil, err
	}
	layout, err := core.NewLayout(core.Sizes{RMs: 1, Acceptors: 1, Leaders: 1})
	if err != nil {
		return nil, err
	}
	a := &acceptor{session: s, asked: map[question]asked{}}
	a.process = node.NewProcess(s.config.Host, node.ProcessConfig{
		Protocol: protocol, Layout: layout, Node: layout.NodeOf(acceptorRole()),
		Timing: timing(patience), Open: s.config.Open("acceptor"), Send: a.answer,
		Report: s.config.Report,
	})
	return a, a.process.Start()
}

func acceptorRole() core.Role { return core.Role{Kind: core.Acceptor, ID: 1} }

// phase is a prepare or an accept.
type phase struct {
	TxnID       string `json:"txn_id"`
	ProposalID  int64  `json:"proposal_id"`
	Participant string `json:"participant"`
	Value       string `json:"value"`
}

// handle takes a prepare or an accept.
func (a *acceptor) handle(l *wire.Line, h *wire.Head) error {
	var b phase
	if err := json.Unmarshal(l.Body, &b); err != nil {
		return wire.Errorf(wire.MalformedRequest, "%s: %v", h.Type, err)
	}
	m := core.Message{
		Type: core.MsgPhase1a, From: core.Role{Kind: core.Leader, ID: 1}, To: acceptorRole(),
		Bal: core.Ballot(b.ProposalID), Tx: instance(b.TxnID, b.Participant), Members: core.SetOf(1),
	}
	if h.Type == "accept" {
		m.Type = core.MsgPhase2a
		switch b.Value {
		case "commit":
			m.Votes = core.VoteOf(1, core.Prepared)
		case "abort":
			m.Votes = core.VoteOf(1, core.Aborted)
		default:
			return wire.Errorf(wire.MalformedRequest, "value %.40q: want commit or abort", b.Value)
		}
	}
	if b.ProposalID < 1 || b.ProposalID > 1<<32-1 || b.Participant == "" {
		return wire.Errorf(wire.MalformedRequest, "%s: want a participant and a proposal_id from 1",
			h.Type)
	}
	a.asked[question{m.Tx, m.Type, m.Bal}] = asked{*l, *h, b.TxnID, b.Participant}
	a.process.Deliver(&node.Envelope{Msg: m})
	return nil
}

// instance is the transaction for an instance: a hash, since the course's messages bring no number.
func instance(txn, participant string) core.TxID {
	h := fnv.New64a()
	h.Write([]byte(txn + "\x00" + participant)) //nolint:errcheck // it never fails
	sum := h.Sum64()
	return core.TxID{Origin: uint16(sum >> 48), Epoch: uint16(sum >> 32), Seq: uint32(sum) | 1}
}

// answer says what the machine answers.
func (a *acceptor) answer(e node.Envelope) {
	m := &e.Msg
	q := question{m.Tx, core.MsgPhase1a, m.MBal}
	if m.Type == core.MsgPhase2b || m.Type == core.MsgRejected {
		q = question{m.Tx, core.MsgPhase2a, m.Bal}
	}
	who, ok := a.asked[q]
	if !ok && m.Type == core.MsgRejected {
		q.t = core.MsgPhase1a
		who, ok = a.asked[q]
	}
	if !ok {
		return
	}
	delete(a.asked, q)
	b := body{content: content{
		Acceptor: a.session.config.Self, TxnID: who.txn, ProposalID: q.bal,
		Participant: who.participant,
	}}
	switch m.Type {
	case core.MsgPhase1b:
		b.Type = "promise"
		value := accepted(valueText(m.Votes.Of(1)))
		if b.AcceptedText = &value; value != "" {
			b.AcceptedID = &m.Bal
		}
	case core.MsgPhase2b:
		b.Type, b.Value = "accepted", valueText(m.Votes.Of(1))
	default:
		b.Type, b.PromisedID = "rejected", m.MBal
	}
	if who.head.MsgID == nil {
		a.session.config.Write(a.session.config.Self, who.line.Src, b)
		return
	}
	a.session.config.Reply(&who.line, &who.head, func(r wire.ReplyHead) any {
		r.Type = b.Type
		return struct {
			wire.ReplyHead
			content
		}{r, b.content}
	})
}
