package coordinator

import (
	"fmt"

	"paxoscommit/core"
)

// InDoubt is what a prepared resource manager does that waits for the outcome no longer.
type InDoubt uint8

// The ways out of doubt.
const (
	Blocks     InDoubt = iota // it waits for the transaction manager
	Asks                      // it asks the other members, and copies their outcome
	Commits                   // it commits if it is pre-committed, and else waits
	Decides                   // it commits if it is pre-committed, and else aborts
	Terminates                // the first that lives takes the transaction manager's place
)

// Rules tell one protocol from another. They are comparable.
type Rules struct {
	Name       string
	ThreePhase bool // members are told that all are prepared before any commits
	InDoubt    InDoubt
	Optionally InDoubt // instead, with bit 0 of core.Layout.Options
}

// Node is a process with any set of roles. It implements core.Machine.
type Node struct {
	layout *core.Layout
	given  Rules
	rules  Rules // with the layout's options
	rms    []rm
	tms    []tm
}

var _ core.Machine = (*Node)(nil)

// New returns a Node to be Reset.
func New(rules Rules) *Node { return &Node{given: rules} }

// Reset makes n the process of the given node with an empty log.
func (n *Node) Reset(l *core.Layout, node core.NodeID) {
	n.layout, n.rules = l, n.given
	if l.Has(0) && n.given.Optionally != Blocks {
		n.rules.InDoubt = n.given.Optionally
	}
	n.rms = core.ResetRoles(n.rms, l, node, core.RM)
	for i := range n.rms {
		n.rms[i].reset(l, n.rules)
	}
	n.tms = core.ResetRoles(n.tms, l, node, core.TM)
	for i := range n.tms {
		n.tms[i].reset(l, n.rules)
	}
}

// role is what the roles of a node have in common.
type role struct {
	layout   *core.Layout
	rules    Rules
	id       core.Role
	finished core.Finished
}

// SetID makes r the role of that name.
func (r *role) SetID(id core.Role) { r.id = id }

// send puts a message from this role into one of the lists of an output.
func (r *role) send(
	where *[]core.Message, to core.Role, t core.MsgType, tx core.TxID, members core.Set,
) *core.Message {
	return core.PutMessage(where, t, r.id, to, tx, members)
}

func (r *role) drop(why core.DropReason, tx core.TxID, out *core.Output) {
	out.Drop(why, r.id, tx)
}

// forgotten tells whoever asks that a transaction is finished: every member has its outcome.
func (r *role) forgotten(m *core.Message, out *core.Output) *core.Message {
	answer := r.send(&out.Gated, m.From, core.MsgForgotten, m.Tx, m.Members)
	answer.Low = r.finished.Low(m.Tx)
	return answer
}

// write appends a record of this role.
func (r *role) write(
	t core.RecordType, tx core.TxID, members core.Set, out *core.Output,
) *core.Record {
	out.Records = append(out.Records, core.Record{Type: t, Role: r.id, Tx: tx, Members: members})
	return &out.Records[len(out.Records)-1]
}

// CopyFrom makes n equal to src, which must be a *Node.
func (n *Node) CopyFrom(src core.Machine) {
	s := src.(*Node)
	n.layout, n.given, n.rules = s.layout, s.given, s.rules
	n.rms = core.Resize(n.rms, len(s.rms))
	for i := range s.rms {
		n.rms[i].copyFrom(&s.rms[i])
	}
	n.tms = core.Resize(n.tms, len(s.tms))
	for i := range s.tms {
		n.tms[i].copyFrom(&s.tms[i])
	}
}

// AppendKey appends the state of the resource managers, and then of the transaction manager.
func (n *Node) AppendKey(dst []byte) []byte {
	for i := range n.rms {
		dst = n.rms[i].appendKey(dst)
	}
	for i := range n.tms {
		dst = n.tms[i].appendKey(dst)
	}
	return dst
}

// Step takes one input. It returns core.ErrMisrouted for a role that is not here or a message that
// the role does not take, core.ErrMalformed for fields that cannot be, core.ErrProtocol for what
// no correct peer sends.
func (n *Node) Step(in *core.Input, out *core.Output) error {
	switch in.Type {
	case core.InputMessage:
		return n.message(&in.Msg, out)
	case core.InputTimer:
		return n.timer(in.Timer, out)
	case core.InputRecord:
		return n.restore(&in.Rec)
	case core.InputRestart:
		for i := range n.rms {
			n.rms[i].restart(out)
		}
		for i := range n.tms {
			n.tms[i].restart(out)
		}
		return nil
	default:
		return fmt.Errorf("%s: input type %d: %w", n.rules.Name, in.Type, core.ErrMisrouted)
	}
}

func (n *Node) message(m *core.Message, out *core.Output) error {
	if err := n.check(m); err != nil {
		return err
	}
	if r := n.rm(m.To); r != nil {
		return r.message(m, out)
	}
	if t := n.tm(m.To); t != nil {
		return t.message(m, out)
	}
	return misrouted(n.rules, m)
}

func (n *Node) timer(t core.Timer, out *core.Output) error {
	r, manager := n.rm(t.Role), n.tm(t.Role)
	switch {
	case r != nil && t.Kind == core.TimerRetry:
		r.retry(t.Tx, out)
	case r != nil && t.Kind == core.TimerTakeOver && n.rules.InDoubt != Blocks:
		r.takeOver(t.Tx, out)
	case manager != nil && t.Kind == core.TimerRetry:
		manager.retry(t.Tx, out)
	case manager != nil && t.Kind == core.TimerTakeOver:
		manager.takeOver(t.Tx, out)
	default:
		return fmt.Errorf("%s: timer %v: %w", n.rules.Name, t, core.ErrMisrouted)
	}
	return nil
}

func (n *Node) restore(rec *core.Record) error {
	if err := n.checkRecord(rec); err != nil {
		return err
	}
	if r := n.rm(rec.Role); r != nil {
		r.restore(rec)
		return nil
	}
	if t := n.tm(rec.Role); t != nil {
		t.restore(rec)
		return nil
	}
	return fmt.Errorf("%s: record %v: %w", n.rules.Name, rec, core.ErrMisrouted)
}

func (n *Node) rm(id core.Role) *rm {
	for i := range n.rms {
		if n.rms[i].id == id {
			return &n.rms[i]
		}
	}
	return nil
}

func (n *Node) tm(id core.Role) *tm {
	for i := range n.tms {
		if n.tms[i].id == id {
			return &n.tms[i]
		}
	}
	return nil
}

// theTM is the transaction manager of every transaction.
func theTM() core.Role { return core.Role{Kind: core.TM, ID: 1} }
