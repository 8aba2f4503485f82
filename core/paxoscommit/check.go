package paxoscommit

import (
	"fmt"

	"paxoscommit/core"
)

// kinds is a set of kinds of role: bit k is for the kind k.
type kinds uint8

const (
	nobody        kinds = 0
	fromRM        kinds = 1 << core.RM
	fromAcceptor  kinds = 1 << core.Acceptor
	fromLeader    kinds = 1 << core.Leader
	fromResource  kinds = 1 << core.Resource
	fromClient    kinds = 1 << core.Client
	fromRegistrar kinds = 1 << core.Registrar
)

// senders returns who sends messages of a type to a kind of role. What nobody sends is misrouted.
func (n *Node) senders(t core.MsgType, to core.RoleKind) kinds {
	switch to {
	case core.RM:
		enlists := t == core.MsgEnlist || t == core.MsgEnlisted
		if t == core.MsgPhase2b && !n.faster || enlists && n.layout.Registrars == 0 {
			return nobody
		}
		return toRM(t)
	case core.Acceptor:
		return toAcceptor(t)
	case core.Leader:
		return toLeader(t)
	case core.Registrar:
		return toRegistrar(t)
	default: // no machine here
	}
	return nobody
}

func toRM(t core.MsgType) kinds {
	switch t {
	case core.MsgRequest:
		return fromClient
	case core.MsgPrepare:
		return fromLeader | fromRegistrar
	case core.MsgCommit, core.MsgForget:
		return fromLeader
	case core.MsgEnlist, core.MsgEnlisted:
		return fromRM
	case core.MsgJoined:
		return fromRegistrar
	case core.MsgVote, core.MsgFound, core.MsgDone:
		return fromResource
	case core.MsgPhase2b:
		return fromAcceptor
	case core.MsgAbort:
		return fromLeader | fromRM | fromRegistrar
	case core.MsgForgotten:
		return fromLeader | fromAcceptor | fromRegistrar
	default: // not to a resource manager
	}
	return nobody
}

func toAcceptor(t core.MsgType) kinds {
	switch t {
	case core.MsgPhase1a, core.MsgForget:
		return fromLeader
	case core.MsgPhase2a:
		return fromLeader | fromRM | fromRegistrar
	default: // not to an acceptor
	}
	return nobody
}

func toLeader(t core.MsgType) kinds {
	switch t {
	case core.MsgQuery:
		return fromClient | fromRM | fromRegistrar
	case core.MsgBeginCommit, core.MsgAbort, core.MsgDone:
		return fromRM
	case core.MsgRelay:
		return fromRM | fromRegistrar
	case core.MsgPhase1b, core.MsgPhase2b, core.MsgRejected:
		return fromAcceptor
	case core.MsgForgotten:
		return fromRM | fromAcceptor | fromRegistrar
	default: // not to a leader
	}
	return nobody
}

func toRegistrar(t core.MsgType) kinds {
	switch t {
	case core.MsgJoin, core.MsgBeginCommit:
		return fromRM
	case core.MsgCommit, core.MsgAbort, core.MsgForget:
		return fromLeader
	case core.MsgForgotten:
		return fromRM | fromAcceptor | fromLeader
	default: // not to a registrar
	}
	return nobody
}

// check returns an error for a message that cannot be, whatever the state of its receiver.
func (n *Node) check(m *core.Message) error {
	who := n.senders(m.Type, m.To.Kind)
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
	case m.Begin && (m.Type != core.MsgPhase2a || m.Bal != 0 || !n.beside(m.To, beginner(n.layout))):
		return malformed(m, "nobody to begin")
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
		if !n.layout.Has(OptRelayed) || !isOwnValue(m) {
			return malformed(m, "not a vote to relay")
		}
		return n.checkValues(m)
	case core.MsgPhase1b, core.MsgPhase2b:
		return n.checkValues(m)
	default: // nothing more than any message has
	}
	return nil
}

// checkPhase2a holds a proposal to whom its ballot belongs to: ballot 0 of an instance to the
// resource manager or registrar, a higher one, which speaks for every instance, to its leader.
func (n *Node) checkPhase2a(m *core.Message) error {
	if err := n.checkValues(m); err != nil {
		return err
	}
	ins, all := m.Votes.Instances(), n.layout.Registrars > 0
	switch {
	case m.Bal == 0 && !isOwnValue(m),
		m.Bal > 0 && (m.From.Kind != core.Leader || n.layout.LeaderOf(m.Bal) != m.From.ID):
		return malformed(m, "ballot of another")
	case m.Bal > 0 && (ins != m.Members || all != entryOf(m).isThere()):
		return malformed(m, "not a vote for each instance")
	case m.Bal == 0 && n.layout.Has(OptRelayed):
		return malformed(m, "ballot 0 where votes are relayed")
	}
	return nil
}

// isOwnValue tells whether a message holds what its sender may propose in ballot 0: a resource
// manager its vote, the registrar a set.
func isOwnValue(m *core.Message) bool {
	switch m.From.Kind {
	case core.RM:
		return m.Votes.Instances() == core.SetOf(m.From.ID) && !entryOf(m).isThere()
	case core.Registrar:
		return m.Votes.Instances() == 0 && m.Val == core.Prepared
	default:
		return false
	}
}

func (n *Node) checkValues(m *core.Message) error {
	if !n.areValues(m.Votes, entryOf(m), m.Members) {
		return malformed(m, "not one value for each instance")
	}
	return nil
}

// areValues tells whether these can be values of the instances of some members and of the
// registrar's.
func (n *Node) areValues(v core.Votes, e entry, members core.Set) bool {
	if v.Prepared&v.Aborted != 0 || v.Instances()&^members != 0 {
		return false
	}
	switch e.val {
	case core.Prepared:
		return n.layout.Registrars > 0 && e.joined != 0 && e.joined&^members == 0
	case core.Aborted:
		return n.layout.Registrars > 0 && e.joined == 0
	default:
		return e == entry{}
	}
}

// exists tells whether the layout has a role; it does not count clients.
func (n *Node) exists(r core.Role) bool {
	return r.ID != 0 && (r.Kind == core.Client || n.layout.NodeOf(r) != 0)
}

func (n *Node) beside(a, b core.Role) bool { return n.layout.NodeOf(a) == n.layout.NodeOf(b) }

// checkRecord returns an error for a record that no role here has written.
func (n *Node) checkRecord(rec *core.Record) error {
	members, ok := rec.Members, false
	switch rec.Type {
	case core.RecordVote:
		ok = rec.Role.Kind == core.RM && (rec.Val == core.Prepared || rec.Val == core.Aborted) ||
			n.isSet(rec) && rec.Val == core.Prepared
	case core.RecordJoin:
		ok = n.isSet(rec)
	case core.RecordOutcome:
		ok = rec.Role.Kind == core.RM && (rec.Val == core.Committed || rec.Val == core.Aborted)
	case core.RecordAcceptor:
		ok = rec.Role.Kind == core.Acceptor && rec.Bal <= rec.MBal &&
			n.areValues(rec.Votes, entry{rec.Val, rec.Joined}, members)
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

// isSet tells whether a record is of the registrar, and of a set that can have joined.
func (n *Node) isSet(rec *core.Record) bool {
	return rec.Role.Kind == core.Registrar &&
		n.areValues(core.Votes{}, entry{core.Prepared, rec.Joined}, rec.Members)
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
