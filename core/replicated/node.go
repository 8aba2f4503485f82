package replicated

import (
	"fmt"

	"paxoscommit/core"
)

// Node is a process with any set of replicas. It implements core.Machine.
type Node struct {
	layout *core.Layout
	rms    []participant
	tms    []manager
}

var _ core.Machine = (*Node)(nil)

// Reset makes n the process of the given node with an empty log.
func (n *Node) Reset(l *core.Layout, node core.NodeID) {
	n.layout = l
	n.rms = core.ResetRoles(n.rms, l, node, core.RM)
	for i := range n.rms {
		n.rms[i].reset(l)
	}
	n.tms = core.ResetRoles(n.tms, l, node, core.TM)
	for i := range n.tms {
		n.tms[i].reset(l)
	}
}

// CopyFrom makes n equal to src, which must be a *Node.
func (n *Node) CopyFrom(src core.Machine) {
	s := src.(*Node)
	n.layout = s.layout
	n.rms = core.Resize(n.rms, len(s.rms))
	for i := range s.rms {
		n.rms[i].copyFrom(&s.rms[i])
	}
	n.tms = core.Resize(n.tms, len(s.tms))
	for i := range s.tms {
		n.tms[i].copyFrom(&s.tms[i])
	}
}

// AppendKey appends the state of every replica, those of resource managers first.
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
		for i := range n.tms {
			n.tms[i].restart(out)
		}
		return nil
	default:
		return fmt.Errorf("replicated: input type %d: %w", in.Type, core.ErrMisrouted)
	}
}

func (n *Node) message(m *core.Message, out *core.Output) error {
	if err := n.check(m); err != nil {
		return err
	}
	if p := n.participant(m.To); p != nil {
		return p.message(m, out)
	}
	if c := n.manager(m.To); c != nil {
		return c.message(m, out)
	}
	return misrouted(m)
}

func (n *Node) timer(t core.Timer, out *core.Output) error {
	p, c := n.participant(t.Role), n.manager(t.Role)
	switch {
	case p != nil && t.Kind == core.TimerRetry:
		p.retry(t.Tx, out)
	case p != nil && t.Kind == core.TimerTakeOver:
		p.takeOver(t.Tx, out)
	case c != nil && t.Kind == core.TimerRetry:
		c.retry(t.Tx, out)
	case c != nil && t.Kind == core.TimerTakeOver:
		c.takeOver(t.Tx, out)
	default:
		return fmt.Errorf("replicated: timer %v: %w", t, core.ErrMisrouted)
	}
	return nil
}

func (n *Node) restore(rec *core.Record) error {
	if err := n.checkRecord(rec); err != nil {
		return err
	}
	if p := n.participant(rec.Role); p != nil {
		p.restore(rec)
		return nil
	}
	if c := n.manager(rec.Role); c != nil {
		c.restore(rec)
		return nil
	}
	return fmt.Errorf("replicated: record %v: %w", rec, core.ErrMisrouted)
}

func (n *Node) participant(id core.Role) *participant {
	for i := range n.rms {
		if n.rms[i].id == id {
			return &n.rms[i]
		}
	}
	return nil
}

func (n *Node) manager(id core.Role) *manager {
	for i := range n.tms {
		if n.tms[i].id == id {
			return &n.tms[i]
		}
	}
	return nil
}
