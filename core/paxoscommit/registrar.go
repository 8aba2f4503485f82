package paxoscommit

import (
	"encoding/binary"
	"fmt"

	"paxoscommit/core"
)

// registrar knows which resource managers have joined a transaction. It is one more resource
// manager whose instance decides that set (section 6): it proposes the set in ballot 0, once
// BeginCommit has closed it, and never another.
type registrar struct {
	role
	txs core.Table[registrarTx]
}

// registrarTx is durable but for the outcome: whoever is told that he has joined will be in the
// set, whatever crashes.
type registrarTx struct {
	members core.Set // who may join
	joined  core.Set
	closed  bool
	outcome core.Value // if a leader has told it
}

func (g *registrar) Reset(layout *core.Layout, id core.Role) {
	g.layout, g.id = layout, id
	g.finished.Clear()
	g.txs.Clear()
}

func (g *registrar) CopyFrom(src core.Part) {
	s := src.(*registrar)
	g.layout, g.id = s.layout, s.id
	g.finished.CopyFrom(&s.finished)
	g.txs.CopyFrom(&s.txs)
}

func (g *registrar) AppendKey(dst []byte) []byte {
	dst = g.finished.AppendKey(dst)
	dst = binary.AppendUvarint(dst, uint64(g.txs.Len()))
	var buf [8]int32
	for _, i := range g.txs.Sorted(buf[:0]) {
		tx, st := g.txs.At(int(i))
		dst = append(tx.AppendKey(dst), flag(st.closed), byte(st.outcome))
		dst = binary.AppendUvarint(dst, uint64(st.members))
		dst = binary.AppendUvarint(dst, uint64(st.joined))
	}
	return dst
}

func (g *registrar) Message(m *core.Message, out *core.Output) error {
	st := g.txs.Get(m.Tx)
	switch {
	case st == nil && g.finished.Has(m.Tx):
		g.forgotten(m, out)
		return nil
	case st != nil && st.members != m.Members:
		return core.Contradiction(m, "other members than before")
	}
	switch m.Type {
	case core.MsgJoin:
		g.join(st, m, out)
	case core.MsgBeginCommit:
		g.beginCommit(m, out)
	case core.MsgCommit:
		return g.learn(st, core.Committed, m, out)
	case core.MsgAbort:
		return g.learn(st, core.Aborted, m, out)
	case core.MsgForget, core.MsgForgotten:
		g.forget(m, out)
	default:
		panic(fmt.Sprintf("paxoscommit: senders lets %v through", m))
	}
	return nil
}

// join takes a resource manager into the set, unless that is closed (section 6.2). The set is
// durable before anybody hears that he is in it, or too late for it.
func (g *registrar) join(st *registrarTx, m *core.Message, out *core.Output) {
	if st == nil {
		st = g.txs.Put(m.Tx)
		st.members = m.Members
	}
	switch {
	case st.outcome == core.Aborted:
		g.send(&out.Send, m.From, core.MsgAbort, m.Tx, st.members)
		return
	case st.joined.Has(m.From.ID): // it may not have heard
	case st.closed:
		g.send(&out.Gated, m.From, core.MsgTooLate, m.Tx, st.members)
		return
	default:
		st.joined = st.joined.With(m.From.ID)
		g.record(core.RecordJoin, core.NoValue, m.Tx, st, out)
	}
	g.send(&out.Gated, m.From, core.MsgJoined, m.Tx, st.members)
}

// beginCommit closes the set: it is proposed in ballot 0, and everybody in it but the first
// resource manager is asked to prepare (section 6.3).
func (g *registrar) beginCommit(m *core.Message, out *core.Output) {
	st := g.txs.Get(m.Tx)
	switch {
	case st == nil || !st.joined.Has(m.From.ID): // it has not joined here
		g.drop(core.DropUnknown, m.Tx, out)
		return
	case st.closed:
		g.drop(core.DropDuplicate, m.Tx, out)
		return
	}
	st.closed = true
	g.record(core.RecordVote, core.Prepared, m.Tx, st, out)
	g.sendPrepare(m.Tx, st, st.joined.Without(m.From.ID), out)
	g.propose(m.Tx, st, g.layout.Majority(), 1, out)
	g.putRetry(&out.Arm, m.Tx)
}

func (g *registrar) record(
	t core.RecordType, v core.Value, tx core.TxID, st *registrarTx, out *core.Output,
) {
	rec := out.Write(t, g.id, tx, st.members)
	rec.Val, rec.Joined = v, st.joined
}

// sendPrepare is gated on the set: nobody is asked to prepare who might not be in it.
func (g *registrar) sendPrepare(tx core.TxID, st *registrarTx, to core.Set, out *core.Output) {
	for ; to != 0; to &= to - 1 {
		rm := core.Role{Kind: core.RM, ID: to.First()}
		g.send(&out.Gated, rm, core.MsgPrepare, tx, st.members)
	}
}

// propose sends the set to the first acceptors, or where votes are relayed to the first leaders: a
// majority of them and one in the normal case, all on a time-out.
func (g *registrar) propose(
	tx core.TxID, st *registrarTx, acceptors, leaders int, out *core.Output,
) {
	t, to, n := core.MsgPhase2a, core.Acceptor, acceptors
	if g.layout.Has(OptRelayed) {
		t, to, n = core.MsgRelay, core.Leader, leaders
	}
	for i := range n {
		m := g.send(&out.Gated, core.Role{Kind: to, ID: uint8(i + 1)}, t, tx, st.members)
		m.Val, m.Joined = core.Prepared, st.joined
	}
}

// learn takes the outcome from a leader that was asked: there is nothing more to say here.
func (g *registrar) learn(
	st *registrarTx, v core.Value, m *core.Message, out *core.Output,
) error {
	switch {
	case st == nil || !st.closed:
		return core.Contradiction(m, "nobody asked here")
	case st.outcome != core.NoValue && st.outcome != v:
		return core.Contradiction(m, "another outcome is known here")
	}
	st.outcome = v
	g.putRetry(&out.Disarm, m.Tx)
	return nil
}

// forget also takes a transaction that never came here: nobody may join it any more.
func (g *registrar) forget(m *core.Message, out *core.Output) {
	out.Write(core.RecordForget, g.id, m.Tx, m.Members).Low = m.Low
	g.putRetry(&out.Disarm, m.Tx)
	core.Forget(&g.finished, &g.txs, m.Tx, m.Low)
	if m.Type == core.MsgForget {
		g.forgotten(m, out)
	}
}

// Timer says again what has had no answer.
func (g *registrar) Timer(k core.TimerKind, tx core.TxID, out *core.Output) bool {
	if k != core.TimerRetry {
		return false
	}
	g.retry(tx, out)
	return true
}

// retry says again what has had no answer: that everybody who has joined must prepare, the set to
// every acceptor, and a question to every leader.
func (g *registrar) retry(tx core.TxID, out *core.Output) {
	st := g.txs.Get(tx)
	if st == nil || !st.closed || st.outcome != core.NoValue {
		g.drop(core.DropStale, tx, out)
		return
	}
	g.sendPrepare(tx, st, st.joined, out)
	g.propose(tx, st, g.layout.Acceptors, g.layout.Leaders, out)
	g.query(tx, st.members, out)
	g.putRetry(&out.Arm, tx)
}

func (g *registrar) Restore(rec *core.Record) {
	if rec.Type == core.RecordForget {
		core.Forget(&g.finished, &g.txs, rec.Tx, rec.Low)
		return
	}
	st := g.txs.Put(rec.Tx)
	st.members, st.joined = rec.Members, rec.Joined
	st.closed = rec.Type == core.RecordVote
}

// Restart takes up again the sets that are closed.
func (g *registrar) Restart(out *core.Output) {
	for _, i := range g.txs.Sorted(nil) {
		if tx, st := g.txs.At(int(i)); st.closed {
			g.putRetry(&out.Arm, tx)
		}
	}
}

func (g *registrar) putRetry(where *[]core.Timer, tx core.TxID) {
	core.PutTimer(where, core.TimerRetry, g.id, tx,
		core.Await{Kind: core.Leader, IDs: core.SetOf(firstLeader().ID)})
}
