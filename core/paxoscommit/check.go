package paxoscommit

import (
	"fmt"

	"paxoscommit/core"
)

// kinds is a set of kinds of role: bit k is for the kind k.
type kinds uint8

const (
	nobody       kinds = 0
	fromRM       kinds = 1 << core.RM
	fromAcceptor kinds = 1 << core.Acceptor
	fromLeader   kinds = 1 << core.Leader
	fromResource kinds = 1 << core.Resource
	fromClient   kinds = 1 << core.Client
)

// senders returns who sends messages of a type to a kind of role. What nobody sends is misrouted.
func senders(t core.MsgType, to core.RoleKind, faster bool) kinds {
	switch to {
	case core.RM:
		if t == core.MsgPhase2b && !faster {
			return nobody
		}
		return toRM(t)
	case core.Acceptor:
		return toAcceptor(t)
	case core.Leader:
		return toLeader(t)
	default: // no machine here
	}
	return nobody
}

func toRM(t core.MsgType) kinds {
	switch t {
	case core.MsgRequest:
		return fromClient
	case core.MsgPrepare, core.MsgCommit, core.MsgForget:
		return fromLeader
	case core.MsgVote, core.MsgFound, core.MsgDone:
		return fromResource
	case core.MsgPhase2b:
		return fromAcceptor
	case core.MsgAbort:
		return fromLeader | fromRM
	case core.MsgForgotten:
		return fromLeader | fromAcceptor
	default: // not to a resource manager
	}
	return nobody
}

func toAcceptor(t core.MsgType) kinds {
	switch t {
	case core.MsgPhase1a, core.MsgForget:
		return fromLeader
	case core.MsgPhase2a:
		return fromLeader | fromRM
	default: // not to an acceptor
	}
	return nobody
}

func toLeader(t core.MsgType) kinds {
	switch t {
	case core.MsgQuery:
		return fromClient | fromRM
	case core.MsgBeginCommit, core.MsgAbort, core.MsgDone, core.MsgRelay:
		return fromRM
	case core.MsgPhase1b, core.MsgPhase2b, core.MsgRejected:
		return fromAcceptor
	case core.MsgForgotten:
		return fromRM | fromAcceptor
	default: // not to a leader
	}
	return nobody
}

// check returns an error for a message that cannot be, whatever the state of its receiver.
func (n *Node) check(m *core.Message) error {
	who := senders(m.Type, m.To.Kind, n.faster)
	switch {
	case who == nobody:
		return misrouted(m)
	case who>>m.From.Kind&1 == 0 || !n.exists(m.From):
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
	case m.Begin && (m.Type != core.MsgPhase2a || m.Bal != 0 || !n.beside(m.To, firstLeader())):
		return malformed(m, "no leader to begin")
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
		if m.Val != core.Committed && m.Val != core.Aborted {
			return malformed(m, "not an outcome")
		}
	case core.MsgPhase1a:
		if m.Bal == 0 || n.layout.LeaderOf(m.Bal) != m.From.ID {
			return malformed(m, "ballot of another")
		}
	case core.MsgPhase2a:
		return n.checkPhase2a(m)
	case core.MsgRelay:
		if !n.layout.Has(OptRelayed) || m.Votes.Instances() != core.SetOf(m.From.ID) {
			return malformed(m, "not a vote to relay")
		}
		return checkVotes(m)
	case core.MsgPhase1b, core.MsgPhase2b:
		return checkVotes(m)
	default: // nothing more than any message has
	}
	return nil
}

// checkPhase2a holds a proposal to whom its ballot belongs to: ballot 0 of an instance to the
// resource manager, a higher one, which speaks for every instance, to its leader.
func (n *Node) checkPhase2a(m *core.Message) error {
	if err := checkVotes(m); err != nil {
		return err
	}
	ins := m.Votes.Instances()
	switch {
	case m.Bal == 0 && (m.From.Kind != core.RM || ins != core.SetOf(m.From.ID)),
		m.Bal > 0 && (m.From.Kind != core.Leader || n.layout.LeaderOf(m.Bal) != m.From.ID):
		return malformed(m, "ballot of another")
	case m.Bal > 0 && ins != m.Members:
		return malformed(m, "not a vote for each instance")
	case m.Bal == 0 && n.layout.Has(OptRelayed):
		return malformed(m, "ballot 0 where votes are relayed")
	}
	return nil
}

func checkVotes(m *core.Message) error {
	if m.Votes.Prepared&m.Votes.Aborted != 0 || m.Votes.Instances()&^m.Members != 0 {
		return malformed(m, "not one vote for each instance")
	}
	return nil
}

// exists tells whether the layout has a role; it does not count clients.
func (n *Node) exists(r core.Role) bool {
	return r.ID != 0 && (r.Kind == core.Client || int(r.ID) <= n.layout.Count(r.Kind))
}

func (n *Node) beside(a, b core.Role) bool { return n.layout.NodeOf(a) == n.layout.NodeOf(b) }

// checkRecord returns an error for a record that no role here has written.
func (n *Node) checkRecord(rec *core.Record) error {
	members, ok := rec.Members, false
	switch rec.Type {
	case core.RecordVote:
		ok = rec.Role.Kind == core.RM && (rec.Val == core.Prepared || rec.Val == core.Aborted)
	case core.RecordOutcome:
		ok = rec.Role.Kind == core.RM && (rec.Val == core.Committed || rec.Val == core.Aborted)
	case core.RecordAcceptor:
		v := rec.Votes
		ok = rec.Role.Kind == core.Acceptor && rec.Bal <= rec.MBal && v.Prepared&v.Aborted == 0 &&
			v.Instances()&^members == 0
	case core.RecordBallot:
		ok = rec.Role.Kind == core.Leader && rec.Bal > 0 &&
			n.layout.LeaderOf(rec.Bal) == rec.Role.ID
	case core.RecordForget:
		ok = true
	default: // not of this protocol
	}
	switch {
	case !ok, rec.Tx.Seq == 0, members == 0, members&^core.FullSet(n.layout.RMs) != 0,
		rec.Role.Kind == core.RM && !members.Has(rec.Role.ID):
		return fmt.Errorf("paxoscommit: record %v: %w", rec, core.ErrMalformed)
	}
	return nil
}

func misrouted(m *core.Message) error {
	return fmt.Errorf("paxoscommit: %v: %w", m, core.ErrMisrouted)
}

func malformed(m *core.Message, why string) error {
	return fmt.Errorf("paxoscommit: %v: %s: %w", m, why, core.ErrMalformed)
}

// contradiction is the error for a message that can be, but not after what has happened here.
func contradiction(m *core.Message, why string) error {
	return fmt.Errorf("paxoscommit: %v: %s: %w", m, why, core.ErrProtocol)
}
