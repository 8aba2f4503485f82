package replicated

import (
	"fmt"

	"paxoscommit/core"
)

// from says who sends messages of a type to a kind of role.
type from uint8

const (
	fromClient from = 1 << iota
	fromResource
	fromRM
	fromTM
	fromPeer // another replica of the same group
)

// senders returns who sends messages of a type to a kind of role, 0 for what nobody sends.
func senders(t core.MsgType, to core.RoleKind) from {
	switch t {
	case core.MsgPhase1a, core.MsgPhase1b, core.MsgPhase2a, core.MsgPhase2b, core.MsgRejected:
		return fromPeer
	default:
	}
	switch to {
	case core.RM:
		return toRM(t)
	case core.TM:
		return toTM(t)
	default: // no machine here
	}
	return 0
}

func toRM(t core.MsgType) from {
	switch t {
	case core.MsgRequest:
		return fromClient
	case core.MsgPrepare, core.MsgCommit, core.MsgAbort, core.MsgForget:
		return fromTM
	case core.MsgVote, core.MsgFound, core.MsgDone:
		return fromResource
	case core.MsgForgotten:
		return fromTM | fromPeer
	default: // not to a resource manager
	}
	return 0
}

func toTM(t core.MsgType) from {
	switch t {
	case core.MsgQuery:
		return fromClient
	case core.MsgRequest, core.MsgVote, core.MsgDone:
		return fromRM
	case core.MsgForget:
		return fromPeer
	case core.MsgForgotten:
		return fromRM | fromPeer
	default: // not to a transaction manager
	}
	return 0
}

// senderOf says what the sender of a message is to its receiver.
func senderOf(m *core.Message) from {
	group := m.From.Kind == m.To.Kind && m.From.ID == m.To.ID
	switch {
	case group && m.From.Replica != m.To.Replica:
		return fromPeer
	case group:
		return 0
	}
	switch m.From.Kind {
	case core.Client:
		return fromClient
	case core.Resource:
		return fromResource
	case core.RM:
		return fromRM
	case core.TM:
		return fromTM
	default: // of other protocols
	}
	return 0
}

// check returns an error for a message that cannot be, whatever the state of its receiver.
func (n *Node) check(m *core.Message) error {
	who := senders(m.Type, m.To.Kind)
	switch {
	case who == 0 || !n.layout.Exists(m.To):
		return misrouted(m)
	case who&senderOf(m) == 0, m.From.Kind != core.Client && !n.layout.Exists(m.From),
		m.From.ID == 0:
		return malformed(m, "no such sender")
	case m.Tx.Seq == 0:
		return malformed(m, "transactions are counted from 1")
	case m.Members == 0 || m.Members&^core.FullSet(n.layout.RMs) != 0:
		return malformed(m, "members that are not")
	case m.To.Kind == core.RM && !m.Members.Has(m.To.ID),
		m.From.Kind == core.RM && !m.Members.Has(m.From.ID):
		return malformed(m, "not a member")
	case m.From.Kind == core.Resource && m.From.ID != m.To.ID:
		return malformed(m, "resource of another")
	}
	return n.checkContent(m)
}

// checkContent checks the fields that only some types use.
func (n *Node) checkContent(m *core.Message) error {
	switch m.Type {
	case core.MsgVote:
		if m.Val != core.Prepared && m.Val != core.Aborted {
			return malformed(m, "not a vote")
		}
	case core.MsgFound:
		if m.Val != core.Prepared {
			return malformed(m, "only what is prepared can be found")
		}
	case core.MsgDone:
		if !isOutcome(m.Val) {
			return malformed(m, "not an outcome")
		}
	case core.MsgPhase1a:
		if m.Bal == 0 || owner(n.layout, m.Bal) != m.From.Replica {
			return malformed(m, "ballot of another")
		}
	case core.MsgPhase2a:
		switch {
		case owner(n.layout, m.Bal) != m.From.Replica:
			return malformed(m, "ballot of another")
		case m.Votes == core.Votes{} && m.Val == core.NoValue:
			return malformed(m, "nothing to accept")
		}
		return checkEntries(m)
	case core.MsgPhase1b, core.MsgPhase2b:
		return checkEntries(m)
	default: // nothing more than any message has
	}
	return nil
}

func checkEntries(m *core.Message) error {
	if !areEntries(m.From, m.Votes, m.Val) {
		return malformed(m, "not what this group's log holds")
	}
	return nil
}

// areEntries tells whether these can be in the log of a role's group.
func areEntries(r core.Role, v core.Votes, val core.Value) bool {
	if val != core.NoValue && !isOutcome(val) || v.Prepared&v.Aborted != 0 {
		return false
	}
	return v == core.Votes{} || r.Kind == core.RM && v.Instances() == core.SetOf(r.ID)
}

func isOutcome(v core.Value) bool { return v == core.Committed || v == core.Aborted }

// checkRecord returns an error for a record that no replica here has written.
func (n *Node) checkRecord(rec *core.Record) error {
	ok := false
	switch rec.Type {
	case core.RecordAcceptor:
		ok = rec.Bal <= rec.MBal && areEntries(rec.Role, rec.Votes, rec.Val)
	case core.RecordForget:
		ok = true
	default: // not of this protocol
	}
	members := rec.Members
	switch {
	case !ok, rec.Tx.Seq == 0, members == 0, members&^core.FullSet(n.layout.RMs) != 0,
		rec.Role.Kind == core.RM && !members.Has(rec.Role.ID):
		return fmt.Errorf("replicated: record %v: %w", rec, core.ErrMalformed)
	}
	return nil
}

func misrouted(m *core.Message) error {
	return fmt.Errorf("replicated: %v: %w", m, core.ErrMisrouted)
}

func malformed(m *core.Message, why string) error {
	return fmt.Errorf("replicated: %v: %s: %w", m, why, core.ErrMalformed)
}

// contradiction is the error for a message that can be, but not after what has happened here.
func contradiction(m *core.Message, why string) error {
	return fmt.Errorf("replicated: %v: %s: %w", m, why, core.ErrProtocol)
}
