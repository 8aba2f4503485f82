package paxoscommit

import (
	"fmt"

	"paxoscommit/core"
)

// Node is a process with any set of roles. It implements core.Machine.
type Node struct {
	layout    *core.Layout
	faster    bool
	rms       []rm
	acceptors []acceptor
	leaders   []leader
	registrar []registrar // one or none
}

var _ core.Machine = (*Node)(nil)

// Reset makes n the process of the given node with an empty log.
func (n *Node) Reset(l *core.Layout, node core.NodeID) {
	n.layout = l
	n.rms = core.ResetRoles(n.rms, l, node, core.RM)
	for i := range n.rms {
		n.rms[i].reset(l, n.faster)
	}
	n.acceptors = core.ResetRoles(n.acceptors, l, node, core.Acceptor)
	for i := range n.acceptors {
		n.acceptors[i].reset(l, n.faster)
	}
	n.leaders = core.ResetRoles(n.leaders, l, node, core.Leader)
	for i := range n.leaders {
		n.leaders[i].reset(l)
	}
	n.registrar = core.ResetRoles(n.registrar, l, node, core.Registrar)
	for i := range n.registrar {
		n.registrar[i].reset(l)
	}
}

// role is what the roles of a node have in common.
type role struct {
	layout   *core.Layout
	id       core.Role
	finished core.Finished
}

// query asks every leader what became of a transaction.
func (r *role) query(tx core.TxID, members core.Set, out *core.Output) {
	for i := range r.layout.Leaders {
		ldr := core.Role{Kind: core.Leader, ID: uint8(i + 1)}
		r.send(&out.Gated, ldr, core.MsgQuery, tx, members)
	}
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

// forgotten answers a message about a finished transaction, so that its sender stops asking. Who
// does not ask gets no answer: resources, acceptors, a resource manager that tells of its abort.
func (r *role) forgotten(m *core.Message, out *core.Output) {
	told := m.Type == core.MsgForgotten || m.From.Kind == core.RM && r.id.Kind == core.RM
	if told || m.From.Kind == core.Resource || m.From.Kind == core.Acceptor {
		r.drop(core.DropFinished, m.Tx, out)
		return
	}
	answer := r.send(&out.Gated, m.From, core.MsgForgotten, m.Tx, m.Members)
	answer.Low = r.finished.Low(m.Tx)
}

// CopyFrom makes n equal to src, which must be a *Node.
func (n *Node) CopyFrom(src core.Machine) {
	s := src.(*Node)
	n.layout, n.faster = s.layout, s.faster
	n.rms = core.Resize(n.rms, len(s.rms))
	for i := range s.rms {
		n.rms[i].copyFrom(&s.rms[i])
	}
	n.acceptors = core.Resize(n.acceptors, len(s.acceptors))
	for i := range s.acceptors {
		n.acceptors[i].copyFrom(&s.acceptors[i])
	}
	n.leaders = core.Resize(n.leaders, len(s.leaders))
	for i := range s.leaders {
		n.leaders[i].copyFrom(&s.leaders[i])
	}
	n.registrar = core.Resize(n.registrar, len(s.registrar))
	for i := range s.registrar {
		n.registrar[i].copyFrom(&s.registrar[i])
	}
}

// AppendKey appends the state of every role in the order resource managers, acceptors, leaders,
// registrar.
func (n *Node) AppendKey(dst []byte) []byte {
	for i := range n.rms {
		dst = n.rms[i].appendKey(dst)
	}
	for i := range n.acceptors {
		dst = n.acceptors[i].appendKey(dst)
	}
	for i := range n.leaders {
		dst = n.leaders[i].appendKey(dst)
	}
	for i := range n.registrar {
		dst = n.registrar[i].appendKey(dst)
	}
	return dst
}

// Step takes one input. It returns core.ErrMisrouted for a role that is not here or a message that
// the role does not take, core.ErrMalformed for fields that cannot be, core.ErrProtocol for what no
// correct peer sends.
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
		for i := range n.leaders {
			n.leaders[i].restart(out)
		}
		for i := range n.registrar {
			n.registrar[i].restart(out)
		}
		return nil
	default:
		return fmt.Errorf("paxoscommit: input type %d: %w", in.Type, core.ErrMisrouted)
	}
}

func (n *Node) message(m *core.Message, out *core.Output) error {
	if err := n.check(m); err != nil {
		return err
	}
	switch m.To.Kind {
	case core.RM:
		if r := n.rm(m.To); r != nil {
			return r.message(m, out)
		}
	case core.Acceptor:
		if a := n.acceptor(m.To); a != nil {
			return n.accept(a, m, out)
		}
	case core.Leader:
		if l := n.leader(m.To); l != nil {
			return l.message(m, out)
		}
	case core.Registrar:
		if g := n.registrarOf(m.To); g != nil {
			return g.message(m, out)
		}
	default: // senders lets none through
	}
	return misrouted(m)
}

// accept is a message to an acceptor, on which a BeginCommit may ride to a role beside it.
func (n *Node) accept(a *acceptor, m *core.Message, out *core.Output) error {
	err := a.message(m, out)
	switch {
	case err != nil || !m.Begin:
	case n.layout.Registrars > 0:
		n.registrar[0].beginCommit(m, out)
	default:
		n.leader(firstLeader()).begin(m, out)
	}
	return err
}

func (n *Node) timer(t core.Timer, out *core.Output) error {
	if r := n.rm(t.Role); r != nil && t.Kind == core.TimerRetry {
		r.retry(t.Tx, out)
		return nil
	}
	if a := n.acceptor(t.Role); a != nil && t.Kind == core.TimerFlush {
		a.flush(t.Tx, out)
		return nil
	}
	if g := n.registrarOf(t.Role); g != nil && t.Kind == core.TimerRetry {
		g.retry(t.Tx, out)
		return nil
	}
	if l := n.leader(t.Role); l != nil {
		switch t.Kind {
		case core.TimerRetry:
			l.retry(t.Tx, out)
			return nil
		case core.TimerTakeOver:
			l.takeOver(t.Tx, out)
			return nil
		default:
		}
	}
	return fmt.Errorf("paxoscommit: timer %v: %w", t, core.ErrMisrouted)
}

func (n *Node) restore(rec *core.Record) error {
	if err := n.checkRecord(rec); err != nil {
		return err
	}
	if r := n.rm(rec.Role); r != nil {
		r.restore(rec)
		return nil
	}
	if a := n.acceptor(rec.Role); a != nil {
		a.restore(rec)
		return nil
	}
	if l := n.leader(rec.Role); l != nil {
		l.restore(rec)
		return nil
	}
	if g := n.registrarOf(rec.Role); g != nil {
		g.restore(rec)
		return nil
	}
	return fmt.Errorf("paxoscommit: record %v: %w", rec, core.ErrMisrouted)
}

func (n *Node) rm(id core.Role) *rm {
	for i := range n.rms {
		if n.rms[i].id == id {
			return &n.rms[i]
		}
	}
	return nil
}

func (n *Node) acceptor(id core.Role) *acceptor {
	for i := range n.acceptors {
		if n.acceptors[i].id == id {
			return &n.acceptors[i]
		}
	}
	return nil
}

func (n *Node) leader(id core.Role) *leader {
	for i := range n.leaders {
		if n.leaders[i].id == id {
			return &n.leaders[i]
		}
	}
	return nil
}

func (n *Node) registrarOf(id core.Role) *registrar {
	for i := range n.registrar {
		if n.registrar[i].id == id {
			return &n.registrar[i]
		}
	}
	return nil
}

// firstLeader is the leader that begins every transaction; the others take part only when it is
// slow or dead.
func firstLeader() core.Role { return core.Role{Kind: core.Leader, ID: 1} }

// theRegistrar is the registrar, if the layout has one.
func theRegistrar() core.Role { return core.Role{Kind: core.Registrar, ID: 1} }

// beginner returns the role that BeginCommit goes to (sections 3.2 and 6.3).
func beginner(l *core.Layout) core.Role {
	if l.Registrars > 0 {
		return theRegistrar()
	}
	return firstLeader()
}
