package course

import (
	"paxoscommit/core"
)

// body is a message between participants, coordinator and acceptors in the course's words.
type body struct {
	Type string `json:"type"`
	content
}

// content is all of a body but its type.
type content struct {
	Acceptor     string       `json:"acceptor,omitempty"`
	TxnID        string       `json:"txn_id,omitempty"`
	ProposalID   core.Ballot  `json:"proposal_id,omitempty"`
	PromisedID   core.Ballot  `json:"promised_id,omitempty"`
	Participant  string       `json:"participant,omitempty"`
	Value        string       `json:"value,omitempty"`
	AcceptedID   *core.Ballot `json:"accepted_proposal_id,omitempty"`
	AcceptedText *accepted    `json:"accepted_value,omitempty"`
	Recovery     string       `json:"recovery,omitempty"`
}

// accepted is "commit", "abort" or null.
type accepted string

// MarshalJSON writes null for the empty value.
func (a accepted) MarshalJSON() ([]byte, error) {
	if a == "" {
		return []byte("null"), nil
	}
	return []byte(`"` + string(a) + `"`), nil
}

// render returns a message in the course's words, nothing for what the course has no word for.
func (p *play) render(m *core.Message) []body {
	b := body{content: content{TxnID: p.txnName(m.Tx)}}
	switch m.Type {
	case core.MsgPhase1a, core.MsgPhase1b, core.MsgPhase2a, core.MsgPhase2b, core.MsgRejected:
		return p.renderPhase(m, b)
	case core.MsgRequest, core.MsgPrepare:
		b.Type = "can_commit"
		if p.protocol.Name() == twoPhase {
			b.Type = "prepare"
		}
	case core.MsgVote, core.MsgRelay:
		b.Type, b.Participant = "can_commit_no", p.name(m.From)
		if m.Val == core.Prepared || m.Votes.Prepared != 0 {
			b.Type = "can_commit_yes"
		}
	case core.MsgPreCommit:
		b.Type = "pre_commit"
	case core.MsgPreCommitted:
		b.Type, b.Participant = "pre_commit_ack", p.name(m.From)
	case core.MsgCommit:
		b.Type = "do_commit"
	case core.MsgAbort:
		b.Type = "do_abort"
	case core.MsgDone:
		b.Type, b.Participant = "have_aborted", p.name(m.From)
		if m.Val == core.Committed {
			b.Type = "have_committed"
		}
		if !p.told[told{m.Tx, m.From.ID}] {
			b.Recovery = "timeout"
		}
	default:
		return nil
	}
	return []body{b}
}

// renderPhase returns a line for each instance of a message of Paxos.
func (p *play) renderPhase(m *core.Message, b body) []body {
	types := map[core.MsgType]string{
		core.MsgPhase1a: "prepare", core.MsgPhase1b: "promise", core.MsgPhase2a: "accept",
		core.MsgPhase2b: "accepted", core.MsgRejected: "rejected",
	}
	b.Type, b.ProposalID = types[m.Type], m.Bal
	if m.From.Kind == core.Acceptor {
		b.Acceptor = p.name(m.From)
	}
	if m.Type == core.MsgRejected {
		b.PromisedID = m.MBal
		return []body{b}
	}
	var lines []body
	for s := m.Members; s != 0; s &= s - 1 {
		line, value := b, valueText(m.Votes.Of(s.First()))
		line.Participant = p.name(core.Role{Kind: core.RM, ID: s.First()})
		switch m.Type {
		case core.MsgPhase1b:
			line.ProposalID = m.MBal
			line.AcceptedText = (*accepted)(&value)
			if value != "" {
				line.AcceptedID = &m.Bal
			}
		case core.MsgPhase2a, core.MsgPhase2b:
			line.Value = value
		default:
		}
		lines = append(lines, line)
	}
	return lines
}

func valueText(v core.Value) string {
	switch v {
	case core.Prepared:
		return "commit"
	case core.Aborted:
		return "abort"
	default:
		return ""
	}
}
