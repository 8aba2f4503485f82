package node

import (
	"paxoscommit/core"
	"paxoscommit/core/bank"
)

// resources are the databases of one process, by resource manager.
type resources struct {
	banks map[uint8]*bank.Bank
	work  map[core.TxID]bank.Work // what transactions are to do, as far as somebody has said
}

// Bank is the workload that the databases of a system hold: accounts from 1 to Accounts, each with
// the opening balance, account a with resource manager (a-1) mod RMs + 1.
type Bank struct {
	Accounts int
	Opening  int64
}

// AccountsOf returns the accounts that are with a resource manager.
func (b Bank) AccountsOf(l *core.Layout, rm uint8) core.Set {
	var s core.Set
	for a := range uint8(b.Accounts) {
		if a%uint8(l.RMs)+1 == rm {
			s = s.With(a + 1)
		}
	}
	return s
}

func (r *resources) reset(p *ProcessConfig) {
	r.banks, r.work = map[uint8]*bank.Bank{}, map[core.TxID]bank.Work{}
	for i := range p.Layout.RMs {
		rm := uint8(i + 1)
		if p.Layout.NodeOf(core.Role{Kind: core.Resource, ID: rm}) == p.Node {
			b := &bank.Bank{}
			b.Reset(p.Bank.AccountsOf(p.Layout, rm), p.Bank.Opening)
			r.banks[rm] = b
		}
	}
}

// Replay has a bank do what an entry of its log says it did.
func Replay(b *bank.Bank, e *Entry) error {
	switch e.Type {
	case EntryHeld:
		b.Prepare(e.Tx, e.Members, e.Work)
	case EntryApplied:
		return b.Finish(e.Tx, e.Val)
	case EntryDropped:
		b.Forget(e.Tx, e.Low)
	default:
	}
	return nil
}

// resource has the database behind a resource manager do what it is told, and answers. Its word
// that an outcome is applied is durable before it is given. What it has prepared comes before the
// vote in the log, and so needs no sync of its own.
func (p *Process) resource(m *core.Message) {
	b := p.resources.banks[m.To.ID]
	answer := core.Message{From: m.To, To: m.From, Tx: m.Tx, Members: m.Members}
	switch m.Type {
	case core.MsgPrepare:
		answer.Type, answer.Val = core.MsgVote, p.prepare(b, m)
		if answer.Val != core.NoValue {
			p.send(&answer)
		}
	case core.MsgCommit, core.MsgAbort:
		v := core.Aborted
		if m.Type == core.MsgCommit {
			v = core.Committed
		}
		if err := b.Finish(m.Tx, v); err != nil {
			p.config.Report(err)
			return
		}
		p.append(&Entry{Type: EntryApplied, RM: m.To.ID, Tx: m.Tx, Val: v})
		answer.Type, answer.Val = core.MsgDone, v
		p.gate(&answer)
	case core.MsgForget:
		b.Forget(m.Tx, m.Low)
		p.append(&Entry{Type: EntryDropped, RM: m.To.ID, Tx: m.Tx, Low: m.Low})
		delete(p.resources.work, m.Tx)
	default:
	}
	p.sync()
}

// prepare returns the vote; a transaction of which nobody has said what it does is refused.
func (p *Process) prepare(b *bank.Bank, m *core.Message) core.Value {
	if b.Holds(m.Tx) {
		return core.Prepared
	}
	w, ok := p.resources.work[m.Tx]
	if !ok {
		return core.Aborted
	}
	v := b.Prepare(m.Tx, m.Members, w)
	if v == core.Prepared {
		e := Entry{Type: EntryHeld, RM: m.To.ID, Tx: m.Tx, Members: m.Members, Work: w}
		here := p.config.Bank.AccountsOf(p.config.Layout, m.To.ID)
		for s := w.Read & here; s != 0; s &= s - 1 {
			e.Reads = append(e.Reads, b.Balance(s.First()))
		}
		p.append(&e)
	}
	return v
}
