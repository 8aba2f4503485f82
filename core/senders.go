package core

import "fmt"

// From is a set of those who may send a message, as seen from its receiver.
type From uint8

// Who may send a message, one at a time: the bit of a kind of role is that of its RoleKind.
const (
	FromPeer      From = 1 << NoRole // another replica of the receiver
	FromRM        From = 1 << RM
	FromAcceptor  From = 1 << Acceptor
	FromLeader    From = 1 << Leader
	FromResource  From = 1 << Resource
	FromClient    From = 1 << Client
	FromTM        From = 1 << TM
	FromRegistrar From = 1 << Registrar
)

// Senders is who sends what to whom in a protocol: by the receiver's kind and the message's type.
type Senders [NumRoleKinds][NumMsgTypes]From

// check returns an error for a message that cannot be, whatever the state of its receiver, which is
// there, and the fields that only some types have: ErrMisrouted if nobody sends its type to such a
// role, and ErrMalformed if not its sender, or if it is of no transaction of these two. A
// transaction has some of members.
func (s *Senders) check(m *Message, l *Layout, members Set) error {
	if int(m.Type) >= NumMsgTypes {
		return misrouted(m)
	}
	who := s[m.To.Kind][m.Type]
	switch {
	case who == 0:
		return misrouted(m)
	case who&senderOf(m, l) == 0:
		return Malformed(m, "no such sender")
	case m.Tx.Seq == 0:
		return Malformed(m, "transactions are counted from 1")
	case m.Members == 0 || m.Members&^members != 0:
		return Malformed(m, "members that are not")
	case m.To.Kind == RM && !m.Members.Has(m.To.ID), m.From.Kind == RM && !m.Members.Has(m.From.ID):
		return Malformed(m, "not a member")
	case m.From.Kind == Resource && m.From.ID != m.To.ID:
		return Malformed(m, "resource of another")
	}
	return nil
}

// senderOf returns what the sender of a message is to its receiver, 0 if there is none like it.
func senderOf(m *Message, l *Layout) From {
	switch {
	case l.NodeOf(m.From) != 0:
		if m.From.Kind != m.To.Kind || m.From.ID != m.To.ID {
			return 1 << m.From.Kind
		} else if m.From.Replica != m.To.Replica {
			return FromPeer
		}
	case m.From.Kind == Client && m.From.ID != 0:
		return FromClient
	}
	return 0
}

// IsOfTx tells whether a record is of a transaction that its role can take part in.
func (r *Record) IsOfTx(l *Layout) bool {
	return r.Tx.Seq != 0 && r.Members != 0 && r.Members&^FullSet(l.RMs) == 0 &&
		(r.Role.Kind != RM || r.Members.Has(r.Role.ID))
}

func misrouted(m *Message) error { return fmt.Errorf("%v: %w", m, ErrMisrouted) }

// Malformed is the error for a message that cannot be.
func Malformed(m *Message, why string) error {
	return fmt.Errorf("%v: %s: %w", m, why, ErrMalformed)
}

// Contradiction is the error for a message that can be, but not after what has happened here.
func Contradiction(m *Message, why string) error {
	return fmt.Errorf("%v: %s: %w", m, why, ErrProtocol)
}
