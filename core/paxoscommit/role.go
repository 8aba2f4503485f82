package paxoscommit

import "paxoscommit/core"

// rules are those of Paxos Commit, or of Faster Paxos Commit.
type rules struct {
	faster bool
}

// NewPart returns a part of a process.
func (r *rules) NewPart(k core.RoleKind, p *core.Process) core.Part {
	switch k {
	case core.RM:
		return &rm{faster: r.faster}
	case core.Acceptor:
		return &acceptor{faster: r.faster, process: p}
	case core.Leader:
		return &leader{}
	default: // Protocol.Limits has no other
		return &registrar{}
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
