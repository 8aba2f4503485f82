package coordinator

import (
	"encoding/binary"
	"fmt"

	"paxoscommit/core"
)

// rm is a resource manager: it votes, and has its resource do what comes of it.
type rm struct {
	role
	life core.Ballot // the latest life of the transaction manager that it has heard of
	txs  core.Table[rmTx]
}

// rmTx is rmState of TwoPhase.tla: working while vote and outcome are NoValue, prepared, aborted
// or committed after that.
type rmTx struct {
	members core.Set
	vote    core.Value  // Prepared or Aborted once the resource has answered
	life    core.Ballot // for which life of the transaction manager the vote is
	outcome core.Value  // Committed or Aborted once it is known
	done    bool        // the resource has applied the outcome
	client  core.Role   // who waits for the outcome here
	ready   bool        // pre-committed: it knows that all are prepared (three-phase commit)
	election
}

// inDoubt tells whether it has voted prepared and knows no outcome.
func (st *rmTx) inDoubt() bool {
	return st != nil && st.vote == core.Prepared && st.outcome == core.NoValue
}

func (r *rm) Reset(l *core.Layout, id core.Role) {
	r.reset(l, id)
	r.life = 0
	r.txs.Clear()
}

func (r *rm) CopyFrom(src core.Part) {
	s := src.(*rm)
	r.copyFrom(&s.role)
	r.life = s.life
	r.txs.CopyFrom(&s.txs)
}

func (r *rm) AppendKey(dst []byte) []byte {
	dst = r.finished.AppendKey(dst)
	dst = binary.AppendUvarint(dst, uint64(r.life))
	dst = binary.AppendUvarint(dst, uint64(r.txs.Len()))
	var buf [8]int32
	for _, i := range r.txs.Sorted(buf[:0]) {
		tx, st := r.txs.At(int(i))
		done := byte(0)
		if st.done {
			done = 1
		}
		dst = tx.AppendKey(dst)
		dst = binary.AppendUvarint(dst, uint64(st.members))
		dst = binary.AppendUvarint(dst, uint64(st.life))
		dst = append(dst, byte(st.vote), byte(st.outcome), done, st.client.ID)
		if r.rules.ThreePhase {
			dst = st.appendKey(dst, st.ready)
		}
	}
	return dst
}

func (r *rm) Message(m *core.Message, out *core.Output) error {
	st := r.txs.Get(m.Tx)
	switch {
	case st == nil && r.finished.Has(m.Tx):
		r.finishedMessage(m, out)
	case st != nil && st.members != m.Members:
		return core.Contradiction(m, "other members than before")
	default:
		if err := r.openMessage(st, m, out); err != nil {
			return err
		}
	}
	if m.From.Kind == core.TM {
		r.life = max(r.life, m.Bal)
	}
	return nil
}

// finishedMessage answers who asks about a finished transaction. Who does not ask gets no answer.
func (r *rm) finishedMessage(m *core.Message, out *core.Output) {
	if m.Type == core.MsgForgotten || m.From.Kind == core.RM || m.From.Kind == core.Resource {
		r.drop(core.DropFinished, m.Tx, out)
		return
	}
	r.forgotten(m, out)
}

func (r *rm) openMessage(st *rmTx, m *core.Message, out *core.Output) error {
	switch m.Type {
	case core.MsgRequest:
		r.request(st, m, out)
	case core.MsgPrepare:
		r.prepare(st, m, out)
	case core.MsgVote, core.MsgFound:
		r.vote(st, m, out)
	case core.MsgCommit:
		return r.outcome(st, core.Committed, m, out)
	case core.MsgAbort:
		return r.outcome(st, core.Aborted, m, out)
	case core.MsgDone:
		return r.done(st, m, out)
	case core.MsgForget, core.MsgForgotten:
		return r.forget(st, m, out)
	case core.MsgPreCommit:
		r.preCommit(st, m, out)
	case core.MsgPreCommitted:
		r.preCommitted(st, m, out)
	case core.MsgQuery:
		r.query(st, m, out)
	case core.MsgAskState:
		r.askState(st, m, out)
	case core.MsgState:
		return r.state(st, m, out)
	default:
		panic(fmt.Sprintf("%s: senders lets %v through", r.rules.Name, m))
	}
	return nil
}

// request begins a transaction here, or tells the client what became of it (section 3.2 of the
// paper: the first resource manager prepares by itself).
func (r *rm) request(st *rmTx, m *core.Message, out *core.Output) {
	if st == nil {
		st = r.begin(m, out)
	}
	st.client = m.From
	r.answerClient(m.Tx, st, &out.Gated)
}

// prepare asks the resource, or repeats what it answered: the same vote, for ever.
func (r *rm) prepare(st *rmTx, m *core.Message, out *core.Output) {
	switch {
	case st == nil:
		r.begin(m, out)
	case st.done:
		r.sendDone(m.Tx, st, out)
	case st.outcome != core.NoValue || st.vote == core.NoValue:
		r.drop(core.DropDuplicate, m.Tx, out)
	default:
		r.sendVote(m.Tx, st, out)
	}
}

func (r *rm) begin(m *core.Message, out *core.Output) *rmTx {
	st := r.add(m)
	r.send(&out.Send, r.resource(), core.MsgPrepare, m.Tx, st.members)
	return st
}

// vote takes the resource's answer and tells the transaction manager (TwoPhase.tla, RMPrepare and
// RMChooseToAbort); the first vote begins the transaction there. A prepared transaction that the
// resource still holds but this log does not know is voted on now: its prepare was slow, or its
// vote record was lost before anybody had heard of it.
func (r *rm) vote(st *rmTx, m *core.Message, out *core.Output) {
	switch {
	case st == nil && m.Val != core.Prepared:
		r.drop(core.DropUnknown, m.Tx, out)
		return
	case st == nil:
		st = r.add(m)
	case st.vote != core.NoValue || st.outcome != core.NoValue:
		r.drop(core.DropDuplicate, m.Tx, out)
		return
	}
	r.cast(m.Tx, st, m.Val, out)
	r.sendVote(m.Tx, st, out)
	if st.vote == core.Aborted {
		r.learn(m.Tx, st, core.Aborted, &out.Gated, out)
		return
	}
	r.armRetry(m.Tx, out)
	r.armTakeOver(m.Tx, st, out)
}

// cast makes the vote durable. It is for the life of the transaction manager that is known here.
func (r *rm) cast(tx core.TxID, st *rmTx, v core.Value, out *core.Output) {
	st.vote, st.life = v, r.life
	rec := r.write(core.RecordVote, tx, st.members, out)
	rec.Val, rec.Bal = st.vote, st.life
}

// outcome takes a Commit or an Abort (TwoPhase.tla, RMRcvCommitMsg and RMRcvAbortMsg). An abort
// may be all that this resource manager ever hears of a transaction; a commit needs its vote.
func (r *rm) outcome(st *rmTx, v core.Value, m *core.Message, out *core.Output) error {
	contradicts := v == core.Committed && (st == nil || st.vote != core.Prepared) ||
		st != nil && st.outcome != core.NoValue && st.outcome != v
	switch {
	case contradicts && r.rules.ThreePhase: // where time-outs are wrong it splits
		r.drop(core.DropStale, m.Tx, out)
		return nil
	case v == core.Committed && (st == nil || st.vote != core.Prepared):
		return core.Contradiction(m, "not prepared here")
	case st != nil && st.outcome != core.NoValue && st.outcome != v:
		return core.Contradiction(m, "another outcome is known here")
	case st == nil:
		st = r.add(m)
	}
	switch {
	case st.outcome == core.NoValue:
		r.learn(m.Tx, st, v, &out.Send, out)
	case st.done && m.From.Kind == core.TM:
		r.sendDone(m.Tx, st, out)
	default:
		r.drop(core.DropDuplicate, m.Tx, out)
	}
	return nil
}

// learn makes the outcome durable and then has the resource apply it. The client's answer goes
// where it is told to: what this resource manager has decided alone must be durable first.
func (r *rm) learn(
	tx core.TxID, st *rmTx, v core.Value, answer *[]core.Message, out *core.Output,
) {
	st.outcome, st.ready, st.election = v, false, election{}
	r.write(core.RecordOutcome, tx, st.members, out).Val = v
	r.sendOutcome(tx, st, out)
	r.answerClient(tx, st, answer)
	r.armRetry(tx, out)
	r.disarmTakeOver(tx, out)
}

// done tells the transaction manager that the resource has applied the outcome, which is durable
// then.
func (r *rm) done(st *rmTx, m *core.Message, out *core.Output) error {
	switch {
	case st == nil || st.outcome != m.Val:
		return core.Contradiction(m, "the resource was not told so")
	case st.done:
		r.drop(core.DropDuplicate, m.Tx, out)
	default:
		st.done = true
		out.Decide(st.outcome, r.id, m.Tx, st.members)
		r.sendDone(m.Tx, st, out)
	}
	return nil
}

// forget drops a transaction that every resource has applied for good; after a restart its own may
// not have said so again.
func (r *rm) forget(st *rmTx, m *core.Message, out *core.Output) error {
	if st == nil || st.isOpen() ||
		core.AnyUpTo(&r.finished, &r.txs, m.Tx, m.Low, (*rmTx).isOpen) {
		return core.Contradiction(m, "no outcome is known here")
	}
	r.write(core.RecordForget, m.Tx, m.Members, out).Low = m.Low
	core.PutTimer(&out.Disarm, core.TimerRetry, r.id, m.Tx, core.Await{})
	r.send(&out.Gated, r.resource(), core.MsgForget, m.Tx, m.Members).Low = m.Low
	core.Forget(&r.finished, &r.txs, m.Tx, m.Low)
	if m.Type == core.MsgForget {
		r.forgotten(m, out)
	}
	return nil
}

func (st *rmTx) isOpen() bool { return st.outcome == core.NoValue }

// Timer says again what has had no answer, or waits for the outcome no longer.
func (r *rm) Timer(k core.TimerKind, tx core.TxID, out *core.Output) bool {
	switch {
	case k == core.TimerRetry:
		r.retry(tx, out)
	case k == core.TimerTakeOver && r.rules.InDoubt != Blocks:
		r.takeOver(tx, out)
	default:
		return false
	}
	return true
}

// retry says again what has had no answer: the outcome to the resource, that it is done, or before
// the outcome the vote, which asks for it, and the query to whoever is to lead, who may have heard
// the outcome since.
func (r *rm) retry(tx core.TxID, out *core.Output) {
	st := r.txs.Get(tx)
	switch {
	case st == nil || st.vote == core.NoValue && st.outcome == core.NoValue:
		r.drop(core.DropStale, tx, out)
		return
	case st.done:
		r.sendDone(tx, st, out)
	case st.outcome != core.NoValue:
		r.sendOutcome(tx, st, out)
	default:
		r.sendVote(tx, st, out)
		if st.follows > 0 && st.follows != r.id.ID {
			r.toMembers(core.MsgQuery, tx, st, core.SetOf(st.follows), out)
		}
	}
	r.armRetry(tx, out)
}

func (r *rm) Restore(rec *core.Record) {
	if rec.Type == core.RecordForget {
		core.Forget(&r.finished, &r.txs, rec.Tx, rec.Low)
		return
	}
	st := r.txs.Put(rec.Tx)
	st.members = rec.Members
	switch rec.Type {
	case core.RecordVote:
		st.vote, st.life, st.recovered = rec.Val, rec.Bal, true
		r.life = max(r.life, rec.Bal)
	case core.RecordPreCommit:
		st.ready = true
	default:
		st.outcome, st.ready, st.election = rec.Val, false, election{}
	}
}

// Restart takes up again what the log says is open: outcomes go to the resource once more, votes
// to the transaction manager on time-out.
func (r *rm) Restart(out *core.Output) {
	for _, i := range r.txs.Sorted(nil) {
		tx, st := r.txs.At(int(i))
		r.armRetry(tx, out)
		if st.outcome != core.NoValue {
			r.sendOutcome(tx, st, out)
		} else {
			r.armTakeOver(tx, st, out)
		}
	}
}

func (r *rm) add(m *core.Message) *rmTx {
	st := r.txs.Put(m.Tx)
	st.members = m.Members
	return st
}

func (r *rm) resource() core.Role { return core.Role{Kind: core.Resource, ID: r.id.ID} }

func (r *rm) sendVote(tx core.TxID, st *rmTx, out *core.Output) {
	m := r.send(&out.Gated, theTM(), core.MsgVote, tx, st.members)
	m.Val, m.Bal = st.vote, st.life
}

func (r *rm) sendDone(tx core.TxID, st *rmTx, out *core.Output) {
	r.send(&out.Send, theTM(), core.MsgDone, tx, st.members).Val = st.outcome
}

func (r *rm) sendOutcome(tx core.TxID, st *rmTx, out *core.Output) {
	r.send(&out.Gated, r.resource(), core.OutcomeMsg(st.outcome), tx, st.members)
}

// answerClient tells the client that asked here, once there is an outcome.
func (r *rm) answerClient(tx core.TxID, st *rmTx, where *[]core.Message) {
	if st.outcome == core.NoValue || st.client.Kind == core.NoRole {
		return
	}
	r.send(where, st.client, core.OutcomeMsg(st.outcome), tx, st.members)
	st.client = core.Role{}
}

func (r *rm) armRetry(tx core.TxID, out *core.Output) {
	core.PutTimer(&out.Arm, core.TimerRetry, r.id, tx, awaitTM())
}

// armTakeOver has a resource manager in doubt not wait for ever, where there is something to be
// done then.
func (r *rm) armTakeOver(tx core.TxID, st *rmTx, out *core.Output) {
	if r.rules.InDoubt == Blocks || r.rules.InDoubt == Commits && !st.ready {
		return
	}
	await := awaitTM()
	if awaited := st.awaits(r.id.ID); awaited > 0 {
		await = core.Await{Kind: core.RM, IDs: core.SetOf(awaited)}
	}
	core.PutTimer(&out.Arm, core.TimerTakeOver, r.id, tx, await)
}

func (r *rm) disarmTakeOver(tx core.TxID, out *core.Output) {
	if r.rules.InDoubt != Blocks {
		core.PutTimer(&out.Disarm, core.TimerTakeOver, r.id, tx, awaitTM())
	}
}

func awaitTM() core.Await { return core.Await{Kind: core.TM, IDs: core.SetOf(theTM().ID)} }
