package replicated

import (
	"encoding/binary"
	"fmt"

	"paxoscommit/core"
)

// participant is one replica of a resource manager. Its group's log holds the vote and the outcome;
// the database is the group's, and whoever leads asks it.
type participant struct {
	replica
	txs core.Table[rmTx]
}

// rmTx is what a replica of a resource manager knows of one transaction. Only the durable part of
// log survives a crash.
type rmTx struct {
	log
	told   core.Value // the outcome that the coordinator has said
	asked  bool       // the database has been asked for its vote
	done   bool       // the database has applied the outcome
	tm     uint8      // replica of the coordinator that spoke last
	client core.Role  // who waits for the outcome here
}

func (p *participant) Reset(l *core.Layout, id core.Role) {
	p.reset(l, id)
	p.txs.Clear()
}

func (p *participant) CopyFrom(src core.Part) {
	s := src.(*participant)
	p.copyFrom(&s.replica)
	p.txs.CopyFrom(&s.txs)
}

func (p *participant) AppendKey(dst []byte) []byte {
	dst = p.finished.AppendKey(dst)
	dst = binary.AppendUvarint(dst, uint64(p.txs.Len()))
	var buf [8]int32
	for _, i := range p.txs.Sorted(buf[:0]) {
		tx, st := p.txs.At(int(i))
		flags := byte(0)
		if st.asked {
			flags |= 1
		}
		if st.done {
			flags |= 2
		}
		dst = st.appendKey(tx.AppendKey(dst))
		dst = append(dst, byte(st.told), flags, st.tm, st.client.ID)
	}
	return dst
}

func (p *participant) Message(m *core.Message, out *core.Output) error {
	st := p.txs.Get(m.Tx)
	switch {
	case st == nil && p.finished.Has(m.Tx):
		p.forgotten(m, out)
		return nil
	case st != nil && st.members != m.Members:
		return core.Contradiction(m, "other members than before")
	case m.Type == core.MsgForget, m.Type == core.MsgForgotten:
		p.finish(m, out)
		return nil
	case st == nil && !p.begins(m):
		p.drop(core.DropUnknown, m.Tx, out)
		return nil
	case st == nil:
		st = p.txs.Put(m.Tx)
		st.members, st.tm = m.Members, 1
		if m.From.Kind != core.RM { // of peers group sees to it
			p.watchUnlessDone(m.Tx, st, out)
		}
	}
	switch m.Type {
	case core.MsgRequest:
		p.request(st, m, out)
	case core.MsgPrepare:
		p.prepare(st, m, out)
	case core.MsgVote, core.MsgFound:
		p.vote(st, m, out)
	case core.MsgCommit:
		return p.outcome(st, core.Committed, m, out)
	case core.MsgAbort:
		return p.outcome(st, core.Aborted, m, out)
	case core.MsgDone:
		return p.applied(st, m, out)
	default:
		p.group(st, m, out)
	}
	return nil
}

// begins tells whether a replica that knows nothing of a transaction takes part in it from this
// message on. A refusal does not matter then: it is not remembered by the database either.
func (p *participant) begins(m *core.Message) bool {
	switch m.Type {
	case core.MsgPhase1b, core.MsgPhase2b, core.MsgRejected, core.MsgDone:
		return false
	case core.MsgVote:
		return m.Val == core.Prepared
	default:
		return true
	}
}

// group takes what the replicas of the group say to one another.
func (p *participant) group(st *rmTx, m *core.Message, out *core.Output) {
	before := st.chosen
	switch m.Type {
	case core.MsgPhase1a:
		p.phase1a(&st.log, m, out)
		p.watchUnlessDone(m.Tx, st, out)
	case core.MsgPhase2a:
		p.phase2a(&st.log, m, out)
		p.watchUnlessDone(m.Tx, st, out)
	case core.MsgPhase1b:
		if p.phase1b(&st.log, m, out) {
			p.lead(m.Tx, st, out)
		}
	case core.MsgPhase2b:
		p.phase2b(&st.log, m, out)
		p.chose(m.Tx, st, before, out)
	case core.MsgRejected:
		p.rejected(&st.log, m, out)
		p.watchUnlessDone(m.Tx, st, out)
	default:
		panic(fmt.Sprintf("replicated: senders lets %v through", m))
	}
}

// watchUnlessDone has a replica that does not lead take over in time, until it knows the outcome.
func (p *participant) watchUnlessDone(tx core.TxID, st *rmTx, out *core.Output) {
	if st.chosen.val == core.NoValue && !p.leads(&st.log) {
		p.watch(tx, &st.log, out)
	}
}

// request passes a client's request on to the coordinator, which begins; or tells the client what
// became of it.
func (p *participant) request(st *rmTx, m *core.Message, out *core.Output) {
	st.client = m.From
	if st.chosen.val != core.NoValue {
		p.answerClient(m.Tx, st, out)
		return
	}
	p.send(&out.Send, coordinator(st.tm), core.MsgRequest, m.Tx, st.members)
	p.armRetry(m.Tx, st, out)
}

// prepare has the leader ask the database, or repeats what the group has chosen: the same vote, for
// ever.
func (p *participant) prepare(st *rmTx, m *core.Message, out *core.Output) {
	st.tm = m.From.Replica
	switch {
	case st.done:
		p.sendDone(m.Tx, st, st.tm, out)
	case st.chosen.val != core.NoValue:
		p.drop(core.DropDuplicate, m.Tx, out)
	case st.chosen.vote != core.NoValue:
		p.sendVote(m.Tx, st, st.tm, out)
	case p.leads(&st.log) && st.accepted == entries{} && !st.asked:
		p.askResource(m.Tx, st, out)
	default:
		p.drop(core.DropDuplicate, m.Tx, out)
	}
}

func (p *participant) askResource(tx core.TxID, st *rmTx, out *core.Output) {
	st.asked = true
	p.send(&out.Send, p.resource(), core.MsgPrepare, tx, st.members)
	p.armRetry(tx, st, out)
}

// vote takes the database's answer. It is the group's vote once the group has chosen it. A database
// that holds a prepared transaction and has heard no outcome says so again.
func (p *participant) vote(st *rmTx, m *core.Message, out *core.Output) {
	switch {
	case st.chosen.val != core.NoValue && m.Type == core.MsgFound:
		p.tellResource(m.Tx, st, out)
	case !p.leads(&st.log), st.accepted != entries{}:
		p.drop(core.DropDuplicate, m.Tx, out)
	default:
		p.add(m.Tx, st, entries{vote: m.Val}, out)
	}
}

// outcome takes the coordinator's decision into the log. One who leads proposes it; a leader whose
// log does not allow it is none any more, although nobody has told it yet.
func (p *participant) outcome(st *rmTx, v core.Value, m *core.Message, out *core.Output) error {
	known := max(st.told, st.accepted.val)
	switch {
	case known != core.NoValue && known != v:
		return core.Contradiction(m, "another outcome is known here")
	case v == core.Committed && st.chosen.vote == core.Aborted:
		return core.Contradiction(m, "not prepared here")
	}
	st.told, st.tm = v, m.From.Replica
	switch {
	case st.done:
		p.sendDone(m.Tx, st, st.tm, out)
	case st.chosen.val != core.NoValue, p.leads(&st.log) && st.accepted.val == v:
		p.drop(core.DropDuplicate, m.Tx, out)
	case p.leads(&st.log) && fits(st.accepted, v):
		p.add(m.Tx, st, entries{vote: st.accepted.vote, val: v}, out)
	case known == core.NoValue:
		p.watch(m.Tx, &st.log, out)
	default:
		p.drop(core.DropDuplicate, m.Tx, out)
	}
	return nil
}

// fits tells whether a log with these entries can take an outcome: to commit, it must be prepared.
func fits(e entries, v core.Value) bool {
	return e.val == core.NoValue && v != core.NoValue &&
		(v == core.Aborted || e.vote == core.Prepared)
}

// applied is the database's word that it has applied the outcome for good.
func (p *participant) applied(st *rmTx, m *core.Message, out *core.Output) error {
	switch {
	case st.accepted.val != m.Val:
		return core.Contradiction(m, "the resource was not told so")
	case st.done || st.chosen.val == core.NoValue:
		p.drop(core.DropDuplicate, m.Tx, out)
	default:
		st.done = true
		p.sendDone(m.Tx, st, st.tm, out)
	}
	return nil
}

// takeOver begins a ballot of this replica's own.
func (p *participant) takeOver(tx core.TxID, out *core.Output) {
	st := p.txs.Get(tx)
	if st == nil || st.chosen.val != core.NoValue {
		p.drop(core.DropStale, tx, out)
		return
	}
	if p.replica.takeOver(tx, &st.log, out) {
		p.watch(tx, &st.log, out)
		p.armRetry(tx, st, out)
	}
}

// lead begins the work of one who has just become leader: what phase 1 has found is proposed again,
// together with an outcome that was told meanwhile; when it has found nothing, the database is
// asked to prepare. A vote that it has found is in doubt until the coordinator says its outcome,
// however long that takes.
func (p *participant) lead(tx core.TxID, st *rmTx, out *core.Output) {
	p.stopWatching(tx, out)
	e := st.found
	if fits(e, st.told) {
		e.val = st.told
	}
	if e == (entries{}) {
		p.askResource(tx, st, out)
		return
	}
	p.add(tx, st, e, out)
}

// add proposes entries, and goes on at once if this replica alone is a majority.
func (p *participant) add(tx core.TxID, st *rmTx, e entries, out *core.Output) {
	before := st.chosen
	p.propose(tx, &st.log, e, out)
	p.armRetry(tx, st, out)
	p.chose(tx, st, before, out)
}

// chose acts on what has become known to be chosen: the vote goes to the coordinator, the outcome
// to the database and to the client.
func (p *participant) chose(tx core.TxID, st *rmTx, before entries, out *core.Output) {
	switch {
	case st.chosen.val != before.val:
		out.Decide(st.chosen.val, p.id, tx, st.members)
		p.tellResource(tx, st, out)
		p.answerClient(tx, st, out)
		p.stopWatching(tx, out)
		p.armRetry(tx, st, out)
	case st.chosen.vote != before.vote && st.told == core.NoValue:
		p.sendVote(tx, st, st.tm, out)
		p.armRetry(tx, st, out)
	}
}

// finish forgets a transaction that every member has applied for good.
func (p *participant) finish(m *core.Message, out *core.Output) {
	p.forget(m.Tx, m.Members, m.Low, out)
	p.send(&out.Gated, p.resource(), core.MsgForget, m.Tx, m.Members).Low = m.Low
	core.Forget(&p.finished, &p.txs, m.Tx, m.Low)
}

// Timer says again what has had no answer, or waits no longer.
func (p *participant) Timer(k core.TimerKind, tx core.TxID, out *core.Output) bool {
	switch k {
	case core.TimerRetry:
		p.retry(tx, out)
	case core.TimerTakeOver:
		p.takeOver(tx, out)
	default:
		return false
	}
	return true
}

// retry says again what has had no answer.
func (p *participant) retry(tx core.TxID, out *core.Output) {
	st := p.txs.Get(tx)
	if st == nil {
		p.drop(core.DropStale, tx, out)
		return
	}
	switch waits := p.again(tx, &st.log, out); {
	case st.done:
		p.toCoordinators(func(tm uint8) { p.sendDone(tx, st, tm, out) })
	case st.chosen.val != core.NoValue:
		p.tellResource(tx, st, out)
	case waits:
	case p.leads(&st.log) && st.chosen.vote != core.NoValue:
		p.toCoordinators(func(tm uint8) { p.sendVote(tx, st, tm, out) })
	case p.leads(&st.log) && st.asked:
		p.askResource(tx, st, out)
	case st.client.Kind != core.NoRole:
		p.toCoordinators(func(tm uint8) {
			p.send(&out.Send, coordinator(tm), core.MsgRequest, tx, st.members)
		})
	default:
		p.drop(core.DropStale, tx, out)
		return
	}
	p.armRetry(tx, st, out)
}

func (p *participant) toCoordinators(send func(tm uint8)) {
	for i := range p.layout.Replicas {
		send(uint8(i + 1))
	}
}

func (p *participant) Restore(rec *core.Record) {
	if rec.Type == core.RecordForget {
		core.Forget(&p.finished, &p.txs, rec.Tx, rec.Low)
		return
	}
	st := p.txs.Put(rec.Tx)
	*st = rmTx{tm: 1}
	p.restoreLog(&st.log, rec)
}

// Restart takes up again what the log says is open.
func (p *participant) Restart(out *core.Output) {
	for _, i := range p.txs.Sorted(nil) {
		tx, st := p.txs.At(int(i))
		p.restart(&st.log)
		if st.accepted != (entries{}) {
			p.chose(tx, st, entries{}, out)
		}
		p.watchUnlessDone(tx, st, out)
		p.armRetry(tx, st, out)
	}
}

func (p *participant) resource() core.Role { return core.Role{Kind: core.Resource, ID: p.id.ID} }

func (p *participant) tellResource(tx core.TxID, st *rmTx, out *core.Output) {
	p.send(&out.Gated, p.resource(), core.OutcomeMsg(st.chosen.val), tx, st.members)
}

func (p *participant) sendVote(tx core.TxID, st *rmTx, tm uint8, out *core.Output) {
	p.send(&out.Gated, coordinator(tm), core.MsgVote, tx, st.members).Val = st.chosen.vote
}

func (p *participant) sendDone(tx core.TxID, st *rmTx, tm uint8, out *core.Output) {
	p.send(&out.Gated, coordinator(tm), core.MsgDone, tx, st.members).Val = st.chosen.val
}

// answerClient tells the client that asked here, once there is an outcome.
func (p *participant) answerClient(tx core.TxID, st *rmTx, out *core.Output) {
	if st.client.Kind == core.NoRole {
		return
	}
	p.send(&out.Gated, st.client, core.OutcomeMsg(st.chosen.val), tx, st.members)
	st.client = core.Role{}
}

// armRetry waits for whoever has to answer next.
func (p *participant) armRetry(tx core.TxID, st *rmTx, out *core.Output) {
	await := core.Await{
		Kind: core.TM, IDs: core.SetOf(1), Replicas: core.FullSet(p.layout.Replicas),
	}
	switch {
	case st.done:
	case st.chosen.val != core.NoValue, st.asked && st.accepted == entries{}:
		await = core.Await{Kind: core.Resource, IDs: core.SetOf(p.id.ID)}
	case st.accepted != st.chosen || !p.leads(&st.log):
		await = p.awaitGroup()
	}
	p.arm(core.TimerRetry, tx, await, out)
}
