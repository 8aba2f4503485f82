// Package mycommit is a commit protocol of somebody's own, in a module of its own: the example of
// what fuzz.Check and fuzz.Target need. A transaction manager asks every resource manager to
// prepare, and commits if all of them have. It writes its votes and outcomes to the log, and never
// reads them back, so it holds as long as nothing crashes, and no longer.
package mycommit

import (
	"encoding/binary"
	"fmt"

	"paxoscommit/core"
)

// Protocol implements core.Protocol.
type Protocol struct{}

// Name is what schedules call it.
func (Protocol) Name() string { return "my-commit" }

// Options says that there is nothing to switch on or off.
func (Protocol) Options() []string { return nil }

// Limits asks for one transaction manager.
func (Protocol) Limits() (least, most core.Sizes) {
	return core.Sizes{RMs: 1, TMs: 1}, core.Sizes{RMs: core.MaxRMs, TMs: 1}
}

// Validate wants each role on a node of its own.
func (Protocol) Validate(l *core.Layout) error {
	if roles := l.RMs + l.TMs; l.Nodes != roles {
		return fmt.Errorf("mycommit: %d roles on %d nodes", roles, l.Nodes)
	}
	return nil
}

// New makes a process.
func (Protocol) New() core.Machine { return &process{} }

// process is a node with one role.
type process struct {
	members core.Table[member]     // at a resource manager
	votes   core.Table[core.Votes] // at the transaction manager
}

// member is what a resource manager remembers of a transaction.
type member struct {
	client  core.Role // who has asked here, if anybody
	vote    core.Value
	outcome core.Value
}

func (p *process) Reset(*core.Layout, core.NodeID) {
	p.members.Clear()
	p.votes.Clear()
}

func (p *process) CopyFrom(src core.Machine) {
	p.members.CopyFrom(&src.(*process).members)
	p.votes.CopyFrom(&src.(*process).votes)
}

func (p *process) AppendKey(dst []byte) []byte {
	for _, i := range p.members.Sorted(nil) {
		tx, m := p.members.At(int(i))
		dst = append(tx.AppendKey(dst), m.client.ID, byte(m.vote), byte(m.outcome))
	}
	dst = append(dst, 0) // no transaction's key begins so
	for _, i := range p.votes.Sorted(nil) {
		tx, v := p.votes.At(int(i))
		dst = binary.AppendUvarint(tx.AppendKey(dst), uint64(v.Prepared))
		dst = binary.AppendUvarint(dst, uint64(v.Aborted))
	}
	return dst
}

func (p *process) Step(in *core.Input, out *core.Output) error {
	if in.Type != core.InputMessage {
		return nil // it sets no timers, and its log is not read
	}
	switch in.Msg.To.Kind {
	case core.RM:
		p.resourceManager(&in.Msg, out)
	case core.TM:
		p.transactionManager(&in.Msg, out)
	default:
		return fmt.Errorf("mycommit: %v: %w", in.Msg, core.ErrMisrouted)
	}
	return nil
}

var tm1 = core.Role{Kind: core.TM, ID: 1}

func (p *process) resourceManager(m *core.Message, out *core.Output) {
	st, resource := p.members.Put(m.Tx), core.Role{Kind: core.Resource, ID: m.To.ID}
	switch m.Type {
	case core.MsgRequest:
		st.client = m.From
		if st.outcome != core.NoValue {
			send(&out.Gated, m, m.From, core.OutcomeMsg(st.outcome))
			return
		}
		send(&out.Send, m, tm1, core.MsgRequest)
	case core.MsgPrepare:
		send(&out.Send, m, resource, core.MsgPrepare)
	case core.MsgVote:
		if st.vote == core.NoValue && st.outcome == core.NoValue {
			st.vote = m.Val
			write(m, core.RecordVote, m.Val, out)
			send(&out.Gated, m, tm1, core.MsgVote).Val = m.Val
		}
	case core.MsgCommit:
		st.learn(core.Committed, m, out)
	case core.MsgAbort:
		st.learn(core.Aborted, m, out)
	default:
	}
}

// learn takes the outcome, and tells it to whoever waits for it here.
func (st *member) learn(v core.Value, m *core.Message, out *core.Output) {
	if st.outcome == core.NoValue {
		st.outcome = v
		write(m, core.RecordOutcome, v, out)
		out.Decided = append(out.Decided, core.Decision{
			Role: m.To, Val: v, Tx: m.Tx, Members: m.Members,
		})
	}
	send(&out.Gated, m, core.Role{Kind: core.Resource, ID: m.To.ID}, m.Type)
	if st.client.ID != 0 {
		send(&out.Gated, m, st.client, m.Type)
	}
}

// write puts a record into the output. What is gated waits until it is durable.
func write(m *core.Message, t core.RecordType, v core.Value, out *core.Output) {
	out.Records = append(out.Records, core.Record{
		Type: t, Role: m.To, Tx: m.Tx, Members: m.Members, Val: v,
	})
}

func (p *process) transactionManager(m *core.Message, out *core.Output) {
	votes := p.votes.Put(m.Tx)
	switch m.Type {
	case core.MsgRequest:
		sendAll(m, core.MsgPrepare, out)
	case core.MsgVote:
		before := *votes
		*votes = votes.Union(core.VoteOf(m.From.ID, m.Val))
		switch {
		case *votes == before: // said before
		case votes.Aborted != 0:
			sendAll(m, core.MsgAbort, out)
		case votes.Prepared == m.Members:
			write(m, core.RecordOutcome, core.Committed, out)
			sendAll(m, core.MsgCommit, out)
		}
	default:
	}
}

// send puts a message about m's transaction into the output, from whoever has received m.
func send(where *[]core.Message, m *core.Message, to core.Role, t core.MsgType) *core.Message {
	return core.PutMessage(where, t, m.To, to, m.Tx, m.Members)
}

// sendAll sends a message to every member of the transaction.
func sendAll(m *core.Message, t core.MsgType, out *core.Output) {
	for s := m.Members; s != 0; s &= s - 1 {
		send(&out.Gated, m, core.Role{Kind: core.RM, ID: s.First()}, t)
	}
}
