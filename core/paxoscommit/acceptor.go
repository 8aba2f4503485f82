package paxoscommit

import (
	"encoding/binary"
	"fmt"

	"paxoscommit/core"
)

// acceptor is an acceptor of every instance of every transaction. Its 2b of ballot 0 are bundled:
// it holds the votes that come in until it has one for every instance, and then accepts them all
// with one record and one message (section 4.2).
type acceptor struct {
	role
	process *core.Process
	faster  bool
	txs     core.Table[acceptorTx]
}

// acceptorTx is aState of PaxosCommit.tla for all instances of one transaction.
type acceptorTx struct {
	members core.Set
	mbal    core.Ballot // promised: nothing below it will be accepted
	bal     core.Ballot // the ballot in which votes were accepted
	votes   core.Votes  // accepted
	held    core.Votes  // of ballot 0, come in but not accepted yet
	entry   entry       // accepted in the registrar's instance
	holds   entry       // of ballot 0, come in but not accepted yet
}

// isHolding tells whether something of ballot 0 waits for the rest of the bundle.
func (st *acceptorTx) isHolding() bool { return st.held.Instances() != 0 || st.holds.isThere() }

func (a *acceptor) Reset(layout *core.Layout, id core.Role) {
	a.layout, a.id = layout, id
	a.finished.Clear()
	a.txs.Clear()
}

func (a *acceptor) CopyFrom(src core.Part) {
	s := src.(*acceptor)
	a.layout, a.id, a.faster = s.layout, s.id, s.faster
	a.finished.CopyFrom(&s.finished)
	a.txs.CopyFrom(&s.txs)
}

func (a *acceptor) AppendKey(dst []byte) []byte {
	dst = a.finished.AppendKey(dst)
	dst = binary.AppendUvarint(dst, uint64(a.txs.Len()))
	var buf [8]int32
	for _, i := range a.txs.Sorted(buf[:0]) {
		tx, st := a.txs.At(int(i))
		dst = tx.AppendKey(dst)
		dst = binary.AppendUvarint(dst, uint64(st.members))
		dst = binary.AppendUvarint(dst, uint64(st.mbal))
		dst = binary.AppendUvarint(dst, uint64(st.bal))
		dst = st.votes.AppendKey(dst)
		dst = st.held.AppendKey(dst)
		if a.layout.Registrars > 0 {
			dst = st.holds.appendKey(st.entry.appendKey(dst))
		}
	}
	return dst
}

// Message is to an acceptor, but a BeginCommit may ride on it, to the role beside.
func (a *acceptor) Message(m *core.Message, out *core.Output) error {
	if err := a.message(m, out); err != nil || !m.Begin {
		return err
	}
	switch begins := a.process.Part(beginner(a.layout)).(type) {
	case *leader:
		begins.begin(m, out)
	case *registrar:
		begins.beginCommit(m, out)
	}
	return nil
}

func (a *acceptor) message(m *core.Message, out *core.Output) error {
	st := a.txs.Get(m.Tx)
	switch {
	case st == nil && a.finished.Has(m.Tx):
		a.forgotten(m, out)
		return nil
	case st != nil && st.members != m.Members:
		return core.Contradiction(m, "other members than before")
	case m.Type == core.MsgForget:
		a.forget(m, out)
		return nil
	case st == nil:
		st = a.txs.Put(m.Tx)
		st.members = m.Members
	}
	switch m.Type {
	case core.MsgPhase1a:
		a.phase1a(st, m, out)
	case core.MsgPhase2a:
		a.phase2a(st, m, out)
	default:
		panic(fmt.Sprintf("paxoscommit: senders lets %v through", m))
	}
	return nil
}

// phase1a promises to accept nothing below the ballot, and reports what has been accepted
// (PaxosCommit.tla, Phase1b). A repeated 1a is answered again until something is accepted in its
// ballot.
func (a *acceptor) phase1a(st *acceptorTx, m *core.Message, out *core.Output) {
	switch {
	case m.Bal > st.mbal:
		if st.isHolding() {
			a.acceptHeld(m.Tx, st, out)
		}
		st.mbal = m.Bal
		a.record(m.Tx, st, out)
	case m.Bal < st.mbal:
		a.reject(st, m, out)
		return
	case st.bal == st.mbal:
		a.drop(core.DropStale, m.Tx, out)
		return
	}
	promise := a.send(&out.Gated, m.From, core.MsgPhase1b, m.Tx, st.members)
	promise.MBal, promise.Bal, promise.Votes = m.Bal, st.bal, st.votes
	promise.Val, promise.Joined = st.entry.val, st.entry.joined
}

// phase2a accepts votes unless a higher ballot has been promised (PaxosCommit.tla, Phase2b).
func (a *acceptor) phase2a(st *acceptorTx, m *core.Message, out *core.Output) {
	switch {
	case m.Bal < st.mbal && m.Bal > 0:
		a.reject(st, m, out)
	case m.Bal < st.mbal:
		a.drop(core.DropStale, m.Tx, out)
	case m.Bal == 0:
		a.hold(st, m, out)
	case m.Bal == st.bal:
		a.phase2b(m.Tx, st, out)
	default:
		if st.isHolding() { // of ballot 0, and accepted nowhere: as if never come
			st.held, st.holds = core.Votes{}, entry{}
			a.putFlush(&out.Disarm, m.Tx, st)
		}
		st.mbal, st.bal, st.votes = m.Bal, m.Bal, m.Votes
		st.entry = entryOf(m)
		a.record(m.Tx, st, out)
		a.phase2b(m.Tx, st, out)
	}
}

// hold takes a vote of ballot 0 into the bundle. The bundle is closed when it is complete, and when
// it settles the outcome.
func (a *acceptor) hold(st *acceptorTx, m *core.Message, out *core.Output) {
	ins, e := m.Votes.Instances(), entryOf(m)
	switch {
	case st.votes.Instances()&ins != 0 || e.isThere() && st.entry.isThere():
		a.phase2b(m.Tx, st, out)
		return
	case st.held.Instances()&ins != 0 || e.isThere() && st.holds.isThere():
		a.drop(core.DropDuplicate, m.Tx, out)
		return
	}
	first := !st.isHolding()
	st.held, st.holds = st.held.Union(m.Votes), st.holds.union(e)
	all := st.votes.Union(st.held)
	switch {
	case outcome(all, st.entry.union(st.holds), st.members, a.layout) != core.NoValue:
		a.closeBundle(m.Tx, st, out)
	case first:
		a.putFlush(&out.Arm, m.Tx, st)
	}
}

// Timer closes the bundle.
func (a *acceptor) Timer(k core.TimerKind, tx core.TxID, out *core.Output) bool {
	if k != core.TimerFlush {
		return false
	}
	a.flush(tx, out)
	return true
}

// flush closes the bundle although votes are missing, so that one silent resource manager does not
// hide the others.
func (a *acceptor) flush(tx core.TxID, out *core.Output) {
	st := a.txs.Get(tx)
	if st == nil || !st.isHolding() {
		a.drop(core.DropStale, tx, out)
		return
	}
	a.closeBundle(tx, st, out)
}

func (a *acceptor) closeBundle(tx core.TxID, st *acceptorTx, out *core.Output) {
	a.acceptHeld(tx, st, out)
	a.record(tx, st, out)
	a.phase2b(tx, st, out)
}

// acceptHeld accepts in ballot 0. Nothing higher has been promised, for then nothing is held.
func (a *acceptor) acceptHeld(tx core.TxID, st *acceptorTx, out *core.Output) {
	st.votes, st.held = st.votes.Union(st.held), core.Votes{}
	st.entry, st.holds = st.entry.union(st.holds), entry{}
	a.putFlush(&out.Disarm, tx, st)
}

// phase2b reports everything accepted in the latest ballot: to the ballot's leader, and of ballot 0
// to the first leader or, in Faster Paxos Commit, to every resource manager that takes part, as far
// as that is known here (section 4.3).
func (a *acceptor) phase2b(tx core.TxID, st *acceptorTx, out *core.Output) {
	switch {
	case st.bal > 0:
		a.sendPhase2b(core.Role{Kind: core.Leader, ID: a.layout.LeaderOf(st.bal)}, tx, st, out)
	case !a.faster:
		a.sendPhase2b(firstLeader(), tx, st, out)
	default:
		s := st.members
		if st.entry.isThere() {
			s = st.entry.joined
		}
		for ; s != 0; s &= s - 1 {
			a.sendPhase2b(core.Role{Kind: core.RM, ID: s.First()}, tx, st, out)
		}
	}
}

func (a *acceptor) sendPhase2b(to core.Role, tx core.TxID, st *acceptorTx, out *core.Output) {
	m := a.send(&out.Gated, to, core.MsgPhase2b, tx, st.members)
	m.Bal, m.Votes = st.bal, st.votes
	m.Val, m.Joined = st.entry.val, st.entry.joined
}

func (a *acceptor) reject(st *acceptorTx, m *core.Message, out *core.Output) {
	answer := a.send(&out.Gated, m.From, core.MsgRejected, m.Tx, st.members)
	answer.MBal, answer.Bal = st.mbal, m.Bal
}

// forget also takes a transaction that never came here: it must not look free.
func (a *acceptor) forget(m *core.Message, out *core.Output) {
	out.Write(core.RecordForget, a.id, m.Tx, m.Members).Low = m.Low
	core.PutTimer(&out.Disarm, core.TimerFlush, a.id, m.Tx, core.Await{})
	core.Forget(&a.finished, &a.txs, m.Tx, m.Low)
	a.forgotten(m, out)
}

func (a *acceptor) Restore(rec *core.Record) {
	if rec.Type == core.RecordForget {
		core.Forget(&a.finished, &a.txs, rec.Tx, rec.Low)
		return
	}
	*a.txs.Put(rec.Tx) = acceptorTx{
		members: rec.Members, mbal: rec.MBal, bal: rec.Bal, votes: rec.Votes,
		entry: entry{rec.Val, rec.Joined},
	}
}

// Restart has nothing to take up again: an acceptor only answers.
func (a *acceptor) Restart(*core.Output) {}

func (a *acceptor) record(tx core.TxID, st *acceptorTx, out *core.Output) {
	rec := out.Write(core.RecordAcceptor, a.id, tx, st.members)
	rec.MBal, rec.Bal, rec.Votes = st.mbal, st.bal, st.votes
	rec.Val, rec.Joined = st.entry.val, st.entry.joined
}

func (a *acceptor) putFlush(where *[]core.Timer, tx core.TxID, st *acceptorTx) {
	core.PutTimer(where, core.TimerFlush, a.id, tx, core.Await{Kind: core.RM, IDs: st.members})
}
