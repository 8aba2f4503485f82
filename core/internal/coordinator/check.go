package coordinator

import (
	"fmt"

	"paxoscommit/core"
)

// kinds is a set of kinds of role: bit k is for the kind k.
type kinds uint8

const (
	nobody       kinds = 0
	fromRM       kinds = 1 << core.RM
	fromTM       kinds = 1 << core.TM
	fromResource kinds = 1 << core.Resource
	fromClient   kinds = 1 << core.Client
)

// senders returns who sends messages of a type to a kind of role. What nobody sends is misrouted.
func (r *Rules) senders(t core.MsgType, to core.RoleKind) kinds {
	switch to {
	case core.RM:
		return r.toRM(t)
	case core.TM:
		return r.toTM(t)
	default: // no machine here
	}
	return nobody
}

func (r *Rules) toRM(t core.MsgType) kinds {
	switch t {
	case core.MsgRequest:
		return fromClient
	case core.MsgPrepare, core.MsgForget, core.MsgForgotten:
		return fromTM
	case core.MsgCommit, core.MsgAbort:
		if r.InDoubt == Terminates {
			return fromTM | fromRM
		}
		return fromTM
	case core.MsgPreCommit:
		switch {
		case r.InDoubt == Terminates:
			return fromTM | fromRM
		case r.ThreePhase:
			return fromTM
		}
	case core.MsgPreCommitted, core.MsgQuery:
		if r.InDoubt == Terminates {
			return fromRM
		}
	case core.MsgVote, core.MsgFound, core.MsgDone:
		return fromResource
	case core.MsgAskState, core.MsgState:
		if r.InDoubt == Asks || r.InDoubt == Terminates {
			return fromRM
		}
	default: // not to a resource manager
	}
	return nobody
}

func (r *Rules) toTM(t core.MsgType) kinds {
	switch t {
	case core.MsgPreCommitted:
		if r.ThreePhase {
			return fromRM
		}
	case core.MsgQuery:
		return fromClient
	case core.MsgVote, core.MsgDone, core.MsgForgotten:
		return fromRM
	default: // not to a transaction manager
	}
	return nobody
}

// check returns an error for a message that cannot be, whatever the state of its receiver.
func (n *Node) check(m *core.Message) error {
	who := n.rules.senders(m.Type, m.To.Kind)
	switch {
	case who == nobody:
		return misrouted(n.rules, m)
	case who>>m.From.Kind&1 == 0 || m.From.Kind != core.Client && !n.layout.Exists(m.From),
		m.From.ID == 0 || m.From == m.To:
		return malformed(n.rules, m, "no such sender")
	case m.Tx.Seq == 0:
		return malformed(n.rules, m, "transactions are counted from 1")
	case m.Members == 0 || m.Members&^core.FullSet(n.layout.RMs) != 0:
		return malformed(n.rules, m, "members that are not")
	case m.To.Kind == core.RM && !m.Members.Has(m.To.ID),
		m.From.Kind == core.RM && !m.Members.Has(m.From.ID):
		return malformed(n.rules, m, "not a member")
	case m.From.Kind == core.Resource && m.From.ID != m.To.ID:
		return malformed(n.rules, m, "resource of another")
	}
	return n.checkValue(m)
}

// checkValue checks the field that only some types use.
func (n *Node) checkValue(m *core.Message) error {
	ok := true
	switch m.Type {
	case core.MsgVote:
		ok = m.Val == core.Prepared || m.Val == core.Aborted
	case core.MsgFound:
		ok = m.Val == core.Prepared
	case core.MsgDone:
		ok = m.Val == core.Committed || m.Val == core.Aborted
	case core.MsgState:
		ok = m.Val == core.Prepared || m.Val == core.Committed || m.Val == core.Aborted ||
			m.Val == core.Precommitted && n.rules.ThreePhase
	default: // nothing more than any message has
	}
	if !ok {
		return malformed(n.rules, m, "a value that cannot be")
	}
	return nil
}

// checkRecord returns an error for a record that no role here has written.
func (n *Node) checkRecord(rec *core.Record) error {
	ok := rec.Tx.Seq > 0 && rec.Members != 0 && rec.Members&^core.FullSet(n.layout.RMs) == 0
	switch rec.Type {
	case core.RecordVote:
		ok = ok && rec.Role.Kind == core.RM &&
			(rec.Val == core.Prepared || rec.Val == core.Aborted)
	case core.RecordOutcome:
		ok = ok && (rec.Val == core.Committed || rec.Val == core.Aborted)
	case core.RecordForget:
	case core.RecordPreCommit:
		ok = ok && n.rules.ThreePhase
	case core.RecordBallot:
		ok = rec.Role.Kind == core.TM && rec.Tx == core.TxID{} && rec.Members == 0
	default: // not of this protocol
		ok = false
	}
	if !ok || rec.Role.Kind == core.RM && !rec.Members.Has(rec.Role.ID) {
		return fmt.Errorf("%s: record %v: %w", n.rules.Name, rec, core.ErrMalformed)
	}
	return nil
}

func misrouted(r Rules, m *core.Message) error {
	return fmt.Errorf("%s: %v: %w", r.Name, m, core.ErrMisrouted)
}

func malformed(r Rules, m *core.Message, why string) error {
	return fmt.Errorf("%s: %v: %s: %w", r.Name, m, why, core.ErrMalformed)
}

// contradiction is the error for a message that can be, but not after what has happened here.
func contradiction(r Rules, m *core.Message, why string) error {
	return fmt.Errorf("%s: %v: %s: %w", r.Name, m, why, core.ErrProtocol)
}
