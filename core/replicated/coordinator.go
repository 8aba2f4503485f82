package replicated

import (
	"encoding/binary"
	"fmt"

	"paxoscommit/core"
)

// manager is one replica of the transaction manager. Its group's log holds the decision; the votes
// that it collects are in the logs of the resource managers, who repeat them.
type manager struct {
	replica
	txs core.Table[tmTx]
}

// tmTx is what a replica of the transaction manager knows of one transaction. Only the durable part
// of log survives a crash.
type tmTx struct {
	log
	asked    bool               // the members have been asked to prepare
	prepared core.Set           // members that have voted so
	refused  core.Set           // members that have voted aborted
	done     core.Set           // members that have applied the outcome
	speaks   [core.MaxRMs]uint8 // by member: the replica that spoke last for it; 0 none did
}

// coordinator is one replica of the transaction manager.
func coordinator(replica uint8) core.Role {
	return core.Role{Kind: core.TM, ID: 1, Replica: replica}
}

func (c *manager) Reset(l *core.Layout, id core.Role) {
	c.reset(l, id)
	c.txs.Clear()
}

func (c *manager) CopyFrom(src core.Part) {
	s := src.(*manager)
	c.copyFrom(&s.replica)
	c.txs.CopyFrom(&s.txs)
}

func (c *manager) AppendKey(dst []byte) []byte {
	dst = c.finished.AppendKey(dst)
	dst = binary.AppendUvarint(dst, uint64(c.txs.Len()))
	var buf [8]int32
	for _, i := range c.txs.Sorted(buf[:0]) {
		tx, st := c.txs.At(int(i))
		flags := byte(0)
		if st.asked {
			flags |= 1
		}
		dst = append(st.appendKey(tx.AppendKey(dst)), flags)
		for _, s := range [...]core.Set{st.prepared, st.refused, st.done} {
			dst = binary.AppendUvarint(dst, uint64(s))
		}
		dst = append(dst, st.speaks[:c.layout.RMs]...)
	}
	return dst
}

func (c *manager) Message(m *core.Message, out *core.Output) error {
	st := c.txs.Get(m.Tx)
	switch {
	case st == nil && c.finished.Has(m.Tx):
		c.forgotten(m, out)
		return nil
	case st != nil && st.members != m.Members:
		return core.Contradiction(m, "other members than before")
	case m.Type == core.MsgForget, m.Type == core.MsgForgotten: // every member is done
		c.finish(m.Tx, m.Members, m.Low, out)
		return nil
	case st == nil && isAnswer(m):
		c.drop(core.DropUnknown, m.Tx, out)
		return nil
	case st == nil:
		st = c.txs.Put(m.Tx)
		st.members = m.Members
		if m.From.Kind != core.TM && m.Type != core.MsgDone { // of peers group sees to it
			c.watchUnlessDone(m.Tx, st, out)
		}
	}
	switch m.Type {
	case core.MsgRequest, core.MsgQuery:
		c.query(st, m, out)
	case core.MsgVote:
		return c.vote(st, m, out)
	case core.MsgDone:
		return c.applied(st, m, out)
	default:
		c.group(st, m, out)
	}
	return nil
}

// isAnswer tells whether a message answers one of a ballot, which nobody knows who has forgotten it
// in a crash.
func isAnswer(m *core.Message) bool {
	return m.Type == core.MsgPhase1b || m.Type == core.MsgPhase2b || m.Type == core.MsgRejected
}

// group takes what the replicas of the group say to one another.
func (c *manager) group(st *tmTx, m *core.Message, out *core.Output) {
	before := st.chosen.val
	switch m.Type {
	case core.MsgPhase1a:
		c.phase1a(&st.log, m, out)
		c.watchUnlessDone(m.Tx, st, out)
	case core.MsgPhase2a:
		c.phase2a(&st.log, m, out)
		c.watchUnlessDone(m.Tx, st, out)
	case core.MsgPhase1b:
		if c.phase1b(&st.log, m, out) {
			c.lead(m.Tx, st, out)
		}
	case core.MsgPhase2b:
		c.phase2b(&st.log, m, out)
		c.chose(m.Tx, st, before, out)
	case core.MsgRejected:
		c.rejected(&st.log, m, out)
		c.watchUnlessDone(m.Tx, st, out)
	default:
		panic(fmt.Sprintf("replicated: senders lets %v through", m))
	}
}

// watchUnlessDone has a replica that does not lead take over in time, until it knows the decision.
func (c *manager) watchUnlessDone(tx core.TxID, st *tmTx, out *core.Output) {
	if st.chosen.val == core.NoValue && !c.leads(&st.log) {
		c.watch(tx, &st.log, out)
	}
}

// query is somebody wanting an outcome: the first time it is a request to begin.
func (c *manager) query(st *tmTx, m *core.Message, out *core.Output) {
	switch {
	case st.chosen.val != core.NoValue:
		c.send(&out.Gated, m.From, core.OutcomeMsg(st.chosen.val), m.Tx, st.members)
	case !c.leads(&st.log), st.asked, st.accepted.val != core.NoValue:
		c.drop(core.DropDuplicate, m.Tx, out)
	default:
		c.collect(m.Tx, st, out)
	}
}

// collect asks the members to prepare, or to repeat what they voted.
func (c *manager) collect(tx core.TxID, st *tmTx, out *core.Output) {
	st.asked = true
	c.toMembers(core.MsgPrepare, tx, st, st.members&^st.prepared, &out.Send)
	c.armBoth(tx, st, out)
}

// vote takes what the group of a member has chosen as its vote. Whoever leads decides as soon as
// the votes allow it.
func (c *manager) vote(st *tmTx, m *core.Message, out *core.Output) error {
	id := m.From.ID
	switch {
	case m.Val == core.Prepared && st.refused.Has(id), m.Val == core.Aborted && st.prepared.Has(id):
		return core.Contradiction(m, "another vote is known here")
	case m.Val == core.Prepared:
		st.prepared = st.prepared.With(id)
	default:
		st.refused = st.refused.With(id)
	}
	st.speaks[id-1] = m.From.Replica
	switch {
	case st.chosen.val != core.NoValue:
		c.send(&out.Gated, m.From, core.OutcomeMsg(st.chosen.val), m.Tx, st.members)
	case !c.leads(&st.log), st.accepted.val != core.NoValue:
		c.drop(core.DropDuplicate, m.Tx, out)
	case c.settled(st) != core.NoValue:
		c.decide(m.Tx, st, c.settled(st), out)
	case !st.asked:
		c.collect(m.Tx, st, out)
	}
	return nil
}

// settled returns the outcome that the votes collected here come to, or NoValue.
func (c *manager) settled(st *tmTx) core.Value {
	return core.Votes{Prepared: st.prepared, Aborted: st.refused}.Outcome(st.members)
}

// decide proposes a decision. Nobody is told before it is chosen.
func (c *manager) decide(tx core.TxID, st *tmTx, v core.Value, out *core.Output) {
	before := st.chosen.val
	c.propose(tx, &st.log, entries{val: v}, out)
	c.armBoth(tx, st, out)
	c.chose(tx, st, before, out)
}

// chose tells every member the decision as soon as it is known to be chosen.
func (c *manager) chose(tx core.TxID, st *tmTx, before core.Value, out *core.Output) {
	if st.chosen.val == before {
		return
	}
	c.toMembers(core.OutcomeMsg(st.chosen.val), tx, st, st.members, &out.Gated)
	c.stopWatching(tx, out)
	c.armRetry(tx, st, out)
}

// applied is a member whose outcome is chosen and applied. To one who does not know the decision it
// tells it.
func (c *manager) applied(st *tmTx, m *core.Message, out *core.Output) error {
	id, before := m.From.ID, st.chosen.val
	switch {
	case before != core.NoValue && before != m.Val:
		return core.Contradiction(m, "another outcome is known here")
	case st.done.Has(id):
		c.drop(core.DropDuplicate, m.Tx, out)
		return nil
	}
	st.done, st.speaks[id-1] = st.done.With(id), m.From.Replica
	st.chosen.val = m.Val
	if st.done == st.members {
		c.allDone(m.Tx, st, out)
		return nil
	}
	if before == core.NoValue {
		c.stopWatching(m.Tx, out)
		c.armRetry(m.Tx, st, out)
	}
	return nil
}

// takeOver is the end of waiting: for votes, with the decision to abort; for another leader, with a
// ballot of this replica's own.
func (c *manager) takeOver(tx core.TxID, out *core.Output) {
	st := c.txs.Get(tx)
	switch {
	case st == nil || st.chosen.val != core.NoValue:
		c.drop(core.DropStale, tx, out)
	case c.leads(&st.log) && st.accepted.val == core.NoValue:
		c.decide(tx, st, core.Aborted, out)
	case c.replica.takeOver(tx, &st.log, out):
		c.watch(tx, &st.log, out)
		c.armRetry(tx, st, out)
	}
}

// lead begins the work of one who has just become leader: a decision that phase 1 has found is
// proposed again; if there is none, the votes are collected once more.
func (c *manager) lead(tx core.TxID, st *tmTx, out *core.Output) {
	switch {
	case st.found.val != core.NoValue:
		c.decide(tx, st, st.found.val, out)
	case c.settled(st) != core.NoValue:
		c.decide(tx, st, c.settled(st), out)
	default:
		c.collect(tx, st, out)
	}
}

// allDone has everybody forget a transaction that every member has applied for good. Whoever does
// not hear of it asks again, and is told.
func (c *manager) allDone(tx core.TxID, st *tmTx, out *core.Output) {
	members := st.members
	c.finished.Add(tx)
	low := c.finished.Low(tx)
	for s := members; s != 0; s &= s - 1 {
		for k := range c.layout.Replicas {
			rm := core.Role{Kind: core.RM, ID: s.First(), Replica: uint8(k + 1)}
			c.send(&out.Send, rm, core.MsgForget, tx, members).Low = low
		}
	}
	for s := c.peers(); s != 0; s &= s - 1 {
		c.send(&out.Send, c.peer(s.First()), core.MsgForget, tx, members).Low = low
	}
	c.finish(tx, members, low, out)
}

func (c *manager) finish(tx core.TxID, members core.Set, low uint32, out *core.Output) {
	c.forget(tx, members, low, out)
	core.Forget(&c.finished, &c.txs, tx, low)
}

// Timer says again what has had no answer, or waits no longer.
func (c *manager) Timer(k core.TimerKind, tx core.TxID, out *core.Output) bool {
	switch k {
	case core.TimerRetry:
		c.retry(tx, out)
	case core.TimerTakeOver:
		c.takeOver(tx, out)
	default:
		return false
	}
	return true
}

// retry says again what has had no answer.
func (c *manager) retry(tx core.TxID, out *core.Output) {
	st := c.txs.Get(tx)
	if st == nil {
		c.drop(core.DropStale, tx, out)
		return
	}
	switch waits := c.again(tx, &st.log, out); {
	case st.chosen.val != core.NoValue:
		c.toReplicas(core.OutcomeMsg(st.chosen.val), tx, st, st.members&^st.done, out)
	case waits:
	case c.leads(&st.log) && st.asked:
		c.toReplicas(core.MsgPrepare, tx, st, st.members&^st.prepared, out)
	default:
		c.drop(core.DropStale, tx, out)
		return
	}
	c.armRetry(tx, st, out)
}

func (c *manager) Restore(rec *core.Record) {
	if rec.Type == core.RecordForget {
		core.Forget(&c.finished, &c.txs, rec.Tx, rec.Low)
		return
	}
	st := c.txs.Put(rec.Tx)
	*st = tmTx{}
	c.restoreLog(&st.log, rec)
}

// Restart takes up again what the log says is open.
func (c *manager) Restart(out *core.Output) {
	for _, i := range c.txs.Sorted(nil) {
		tx, st := c.txs.At(int(i))
		c.restart(&st.log)
		if st.accepted != (entries{}) {
			c.chose(tx, st, core.NoValue, out)
		}
		if st.chosen.val == core.NoValue {
			c.armBoth(tx, st, out)
		}
	}
}

// toMembers tells members something by the replicas that spoke last for them.
func (c *manager) toMembers(
	t core.MsgType, tx core.TxID, st *tmTx, to core.Set, where *[]core.Message,
) {
	for ; to != 0; to &= to - 1 {
		rm := core.Role{Kind: core.RM, ID: to.First(), Replica: max(st.speaks[to.First()-1], 1)}
		c.send(where, rm, t, tx, st.members)
	}
}

// toReplicas tells every replica of members something.
func (c *manager) toReplicas(
	t core.MsgType, tx core.TxID, st *tmTx, to core.Set, out *core.Output,
) {
	for ; to != 0; to &= to - 1 {
		for k := range c.layout.Replicas {
			rm := core.Role{Kind: core.RM, ID: to.First(), Replica: uint8(k + 1)}
			c.send(&out.Gated, rm, t, tx, st.members)
		}
	}
}

func (c *manager) armBoth(tx core.TxID, st *tmTx, out *core.Output) {
	c.armRetry(tx, st, out)
	if c.leads(&st.log) {
		c.arm(core.TimerTakeOver, tx, c.awaitMembers(st.members&^st.prepared), out)
		return
	}
	c.watch(tx, &st.log, out)
}

func (c *manager) armRetry(tx core.TxID, st *tmTx, out *core.Output) {
	await := c.awaitGroup()
	switch {
	case st.chosen.val != core.NoValue:
		await = c.awaitMembers(st.members &^ st.done)
	case c.leads(&st.log) && st.accepted.val == core.NoValue:
		await = c.awaitMembers(st.members &^ st.prepared)
	}
	c.arm(core.TimerRetry, tx, await, out)
}

// awaitMembers is for what members have to answer.
func (c *manager) awaitMembers(members core.Set) core.Await {
	return core.Await{Kind: core.RM, IDs: members, Replicas: core.FullSet(c.layout.Replicas)}
}
