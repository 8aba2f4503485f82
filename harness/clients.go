package harness

import (
	"paxoscommit/checker"
	"paxoscommit/core"
)

func (w *World) client(r core.Role) *client {
	if r.Kind != core.Client || r.ID == 0 || int(r.ID) > len(w.clients) {
		return nil
	}
	return &w.clients[r.ID-1]
}

// begin has a client ask for its next transaction.
func (w *World) begin(r core.Role) bool {
	c := w.client(r)
	if c == nil || !w.beginEnabled(c) {
		return false
	}
	c.next++
	c.waiting, c.asked = true, 0
	w.monitor.Invoked(c.next - 1)
	w.request(c, r, &w.cfg.Txns[c.next-1])
	return true
}

func (w *World) beginEnabled(c *client) bool { return !w.settled && !c.waiting && c.next < c.end }

// askAgain is a client that has had no answer: it asks the same resource manager again, and one
// coordinator after the other.
func (w *World) askAgain(r core.Role) {
	c := w.client(r)
	t := &w.cfg.Txns[c.next-1]
	w.request(c, r, t)
	w.send(&core.Message{
		Type: core.MsgQuery, From: r, To: w.cfg.Layout.Coordinator(int(c.asked)), Tx: t.ID,
		Members: t.Members,
	})
	c.asked = (c.asked + 1) % uint8(w.cfg.Layout.Coordinators())
}

// request asks the resource manager, or of a replicated one the replica whose turn it is.
func (w *World) request(c *client, r core.Role, t *checker.Txn) {
	rm := w.cfg.Layout.ReplicaOf(core.Role{Kind: core.RM, ID: t.RM}, int(c.asked))
	m := core.Message{Type: core.MsgRequest, From: r, To: rm, Tx: t.ID, Members: t.Members}
	if t.Optional != 0 {
		m.Joined = t.Must()
	}
	w.send(&m)
	await := core.Await{Kind: core.RM, IDs: core.SetOf(t.RM)}
	if rm.Replica > 0 {
		await.Replicas = core.SetOf(rm.Replica)
	}
	w.arm(&core.Timer{Role: r, Kind: core.TimerRetry, Tx: t.ID, Await: await})
}

// giveUp has a client stop waiting; whether its transaction was committed stays open. It goes on
// with its next epoch (see core.TxID).
func (w *World) giveUp(r core.Role) bool {
	c := w.client(r)
	if c == nil || !w.giveUpEnabled(c) {
		return false
	}
	w.left.GiveUps--
	w.stopWaiting(r, c)
	for epoch := w.cfg.Txns[c.next-1].ID.Epoch; c.next < c.end; c.next++ {
		if w.cfg.Txns[c.next].ID.Epoch != epoch {
			break
		}
	}
	return true
}

func (w *World) giveUpEnabled(c *client) bool {
	return !w.settled && w.left.GiveUps > 0 && c.waiting
}

func (w *World) stopWaiting(r core.Role, c *client) {
	c.waiting = false
	w.disarm(&core.Timer{Role: r, Kind: core.TimerRetry, Tx: w.cfg.Txns[c.next-1].ID})
}

func (w *World) deliverToClient(m *core.Message) {
	c := w.client(m.To)
	if c == nil || !c.waiting || w.cfg.Txns[c.next-1].ID != m.Tx {
		return
	}
	switch m.Type {
	case core.MsgCommit:
		w.monitor.Returned(c.next-1, core.Committed)
	case core.MsgAbort:
		w.monitor.Returned(c.next-1, core.Aborted)
	case core.MsgForgotten:
		w.monitor.Forgotten(c.next-1, m.From)
	default:
		w.monitor.Broken(checker.Contract, "a message that no client takes: "+m.String())
	}
	w.stopWaiting(m.To, c)
}

// txn returns the index of a transaction, or -1.
func (w *World) txn(tx core.TxID) int {
	for i := range w.cfg.Txns {
		if w.cfg.Txns[i].ID == tx {
			return i
		}
	}
	return -1
}

// deliverToBank has the database behind a resource manager do what it is told, and answer.
func (w *World) deliverToBank(m *core.Message) {
	b := &w.banks[m.To.ID-1]
	i := w.txn(m.Tx)
	if i < 0 {
		w.monitor.Broken(checker.Contract, "a transaction that nobody asked for: "+m.String())
		return
	}
	switch m.Type {
	case core.MsgPrepare:
		v := b.Prepare(m.Tx, m.Members, w.cfg.Txns[i].Work)
		if v == core.NoValue {
			return
		}
		if v == core.Prepared {
			w.monitor.Held(m.To.ID, i, b)
			w.armHeld(m.To, m.Tx)
		} else {
			w.monitor.Refused(m.To.ID, i)
		}
		w.answer(m, core.MsgVote, v)
	case core.MsgCommit, core.MsgAbort:
		v := core.Aborted
		if m.Type == core.MsgCommit {
			v = core.Committed
		}
		if err := b.Finish(m.Tx, v); err != nil {
			w.monitor.Broken(checker.History, err.Error())
			return
		}
		w.monitor.Applied(m.To.ID, i, v, b)
		w.disarm(&core.Timer{Role: m.To, Kind: core.TimerRetry, Tx: m.Tx})
		w.answer(m, core.MsgDone, v)
	case core.MsgForget:
		b.Forget(m.Tx, m.Low)
	default:
		w.monitor.Broken(checker.Contract, "a message that no resource takes: "+m.String())
	}
}

// armHeld has the database of a replicated resource manager, which no restart asks what it holds
// prepared, say so in time.
func (w *World) armHeld(r core.Role, tx core.TxID) {
	replicas := core.FullSet(w.cfg.Layout.Replicas)
	if replicas != 0 {
		w.arm(&core.Timer{
			Role: r, Kind: core.TimerRetry, Tx: tx,
			Await: core.Await{Kind: core.RM, IDs: core.SetOf(r.ID), Replicas: replicas},
		})
	}
}

// tellHeld has a database tell every replica of its resource manager that it still holds a
// transaction prepared.
func (w *World) tellHeld(r core.Role, tx core.TxID) {
	members := w.cfg.Txns[w.txn(tx)].Members
	for k := range w.cfg.Layout.Replicas {
		w.send(&core.Message{
			Type: core.MsgFound, Val: core.Prepared, From: r, Tx: tx, Members: members,
			To: core.Role{Kind: core.RM, ID: r.ID, Replica: uint8(k + 1)},
		})
	}
	w.armHeld(r, tx)
}

// answer sends what a resource says to its resource manager, if that is running to hear it.
func (w *World) answer(m *core.Message, t core.MsgType, v core.Value) {
	if n := w.cfg.Layout.NodeOf(m.From); !w.up.Has(n) {
		return
	}
	w.net.put(&core.Message{
		Type: t, Val: v, From: m.To, To: m.From, Tx: m.Tx, Members: m.Members,
	})
}
