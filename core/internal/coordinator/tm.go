package coordinator

import (
	"encoding/binary"
	"fmt"

	"paxoscommit/core"
)

// tm is the transaction manager: it collects votes, decides, and sees to it that what is finished
// is forgotten.
type tm struct {
	role
	// life counts the restarts, durably. Every message tells it, a vote is for the life that its
	// resource manager knew of, and only votes for this life count: an abort that was decided before
	// a crash, and never written down, stays one however late a vote comes.
	life core.Ballot
	txs  core.Table[tmTx]
}

// phase is how far the transaction manager has come with a transaction.
type phase uint8

const (
	collecting phase = iota + 1 // waiting for votes
	announcing                  // of three: waiting for members to say that they are pre-committed
	decided                     // the outcome is known; some member may not be done
	forgetting                  // every member is done; some may not have forgotten
)

// tmTx is what the transaction manager knows of one transaction.
type tmTx struct {
	members   core.Set
	phase     phase
	outcome   core.Value
	votes     core.Votes
	ready     core.Set // members that are pre-committed, or are taken for dead
	done      core.Set // members that have applied the outcome
	forgotten core.Set // members that have forgotten
}

func (t *tm) Reset(l *core.Layout, id core.Role) {
	t.reset(l, id)
	t.life = 0
	t.txs.Clear()
}

func (t *tm) CopyFrom(src core.Part) {
	s := src.(*tm)
	t.copyFrom(&s.role)
	t.life = s.life
	t.txs.CopyFrom(&s.txs)
}

func (t *tm) AppendKey(dst []byte) []byte {
	dst = t.finished.AppendKey(dst)
	dst = binary.AppendUvarint(dst, uint64(t.life))
	dst = binary.AppendUvarint(dst, uint64(t.txs.Len()))
	var buf [8]int32
	for _, i := range t.txs.Sorted(buf[:0]) {
		tx, st := t.txs.At(int(i))
		dst = append(tx.AppendKey(dst), byte(st.phase), byte(st.outcome))
		for _, s := range [...]core.Set{
			st.members, st.votes.Prepared, st.votes.Aborted, st.ready, st.done,
			st.forgotten,
		} {
			dst = binary.AppendUvarint(dst, uint64(s))
		}
	}
	return dst
}

func (t *tm) Message(m *core.Message, out *core.Output) error {
	st := t.txs.Get(m.Tx)
	switch {
	case st == nil && t.finished.Has(m.Tx):
		t.finishedMessage(m, out)
		return nil
	case st != nil && st.members != m.Members:
		return core.Contradiction(m, "other members than before")
	case m.Type == core.MsgVote && m.Bal > t.life:
		return core.Contradiction(m, "a vote for a life that has not begun")
	}
	switch m.Type {
	case core.MsgVote:
		t.vote(st, m, out)
	case core.MsgQuery:
		t.query(st, m, out)
	case core.MsgPreCommitted:
		t.preCommitted(st, m, out)
	case core.MsgDone:
		return t.done(st, m, out)
	case core.MsgForgotten:
		t.heardForgotten(st, m, out)
	default:
		panic(fmt.Sprintf("%s: senders lets %v through", t.rules.Name, m))
	}
	return nil
}

// finishedMessage answers whoever still asks about a finished transaction.
func (t *tm) finishedMessage(m *core.Message, out *core.Output) {
	switch m.Type {
	case core.MsgDone:
		t.tell(core.MsgForget, m.Tx, m.Members, core.SetOf(m.From.ID), out)
	case core.MsgVote, core.MsgQuery:
		t.forgotten(m, out).Bal = t.life
	default:
		t.drop(core.DropFinished, m.Tx, out)
	}
}

// vote counts a vote (TwoPhase.tla, TMRcvPrepared). The first begins the transaction here: the
// other members are asked to prepare (section 3.2 of the paper). A vote that is said again asks
// for the outcome. One for an earlier life was begun in that, and nothing is known of it: it is
// aborted.
func (t *tm) vote(st *tmTx, m *core.Message, out *core.Output) {
	switch {
	case st == nil && m.Bal < t.life:
		t.tell(core.MsgAbort, m.Tx, m.Members, core.SetOf(m.From.ID), out)
		return
	case st == nil:
		st = t.add(m)
	case st.outcome != core.NoValue:
		t.tell(core.OutcomeMsg(st.outcome), m.Tx, st.members, core.SetOf(m.From.ID), out)
		return
	case st.phase == forgetting: // finished, and nobody here has learned how
		t.forgotten(m, out).Bal = t.life
		return
	case st.phase != collecting || st.votes.Instances().Has(m.From.ID):
		t.drop(core.DropDuplicate, m.Tx, out)
		return
	}
	first := st.votes.Instances() == 0
	st.votes = st.votes.Union(core.VoteOf(m.From.ID, m.Val))
	switch {
	case m.Val == core.Aborted || m.Bal < t.life:
		t.decide(m.Tx, st, core.Aborted, out)
	case st.votes.Prepared == st.members && t.rules.ThreePhase:
		t.preCommit(m.Tx, st, out)
	case st.votes.Prepared == st.members:
		t.decide(m.Tx, st, core.Committed, out)
	case first:
		t.tell(core.MsgPrepare, m.Tx, st.members, st.members.Without(m.From.ID), out)
		t.armBoth(m.Tx, st, out)
	}
}

// query is a client that wants to know the outcome. A transaction that nobody has voted on is
// watched, and aborted in time.
func (t *tm) query(st *tmTx, m *core.Message, out *core.Output) {
	switch {
	case st == nil:
		t.armBoth(m.Tx, t.add(m), out)
	case st.outcome != core.NoValue:
		t.send(&out.Gated, m.From, core.OutcomeMsg(st.outcome), m.Tx, st.members).Bal = t.life
	case st.phase == forgetting:
		t.forgotten(m, out).Bal = t.life
	default:
		t.drop(core.DropDuplicate, m.Tx, out)
	}
}

func (t *tm) add(m *core.Message) *tmTx {
	st := t.txs.Put(m.Tx)
	st.members, st.phase = m.Members, collecting
	return st
}

// takeOver waits for votes no longer (TwoPhase.tla, TMAbort).
func (t *tm) takeOver(tx core.TxID, out *core.Output) {
	st := t.txs.Get(tx)
	if st == nil || st.phase >= decided {
		t.drop(core.DropStale, tx, out)
		return
	}
	if st.phase == announcing {
		t.presumeDead(tx, st, out)
		return
	}
	t.decide(tx, st, core.Aborted, out)
}

// decide settles the outcome and tells every member. A commit is durable before anybody hears of
// it. An abort is not written down: after a crash no information means abort, for a vote that has
// been heard is for this life and counts in no other. So only one that nobody has voted on is,
// which would be begun as new.
func (t *tm) decide(tx core.TxID, st *tmTx, v core.Value, out *core.Output) {
	st.outcome = v
	if v == core.Committed || st.votes.Instances() == 0 {
		t.write(core.RecordOutcome, tx, st.members, out).Val = v
	} else {
		out.Decide(v, t.id, tx, st.members)
	}
	t.stopWaiting(tx, st, decided, out)
	t.tell(core.OutcomeMsg(v), tx, st.members, st.members, out)
	t.putRetry(&out.Arm, tx, st)
}

// stopWaiting moves on to a phase in which no vote matters.
func (t *tm) stopWaiting(tx core.TxID, st *tmTx, p phase, out *core.Output) {
	st.phase, st.votes, st.ready = p, core.Votes{}, 0
	t.putTakeOver(&out.Disarm, tx, st)
}

// done is a member that has applied the outcome. After a crash it is how an abort is learned
// again.
func (t *tm) done(st *tmTx, m *core.Message, out *core.Output) error {
	undecided := st == nil || st.outcome == core.NoValue
	differs := !undecided && st.outcome != m.Val
	switch {
	case differs && t.rules.ThreePhase: // members may decide by themselves
		t.drop(core.DropStale, m.Tx, out)
		return nil
	case differs, undecided && m.Val == core.Committed && !t.rules.ThreePhase:
		return core.Contradiction(m, "not the outcome that was decided here")
	case st != nil && (st.done.Has(m.From.ID) || st.phase == forgetting):
		t.drop(core.DropDuplicate, m.Tx, out)
		return nil
	case st == nil:
		st = t.add(m)
	}
	if st.phase < decided {
		st.votes = core.VoteOf(m.From.ID, core.Aborted) // so that an abort is not written again
		t.decide(m.Tx, st, m.Val, out)
	}
	st.done = st.done.With(m.From.ID)
	if st.done == st.members {
		t.startForgetting(m.Tx, st, out)
	}
	return nil
}

// heardForgotten is a member that has forgotten the transaction, so every member is done.
func (t *tm) heardForgotten(st *tmTx, m *core.Message, out *core.Output) {
	if st == nil {
		t.drop(core.DropUnknown, m.Tx, out)
		return
	}
	t.finished.Raise(m.Tx, m.Low)
	st.forgotten = st.forgotten.With(m.From.ID)
	was := st.phase
	if was < decided {
		t.stopWaiting(m.Tx, st, forgetting, out)
	}
	switch {
	case st.forgotten == st.members:
		t.finish(m.Tx, st, out)
	case was != forgetting:
		t.startForgetting(m.Tx, st, out)
	}
}

// finish forgets a transaction here too.
func (t *tm) finish(tx core.TxID, st *tmTx, out *core.Output) {
	t.write(core.RecordForget, tx, st.members, out).Low = t.finished.Low(tx)
	t.putRetry(&out.Disarm, tx, st)
	core.Forget(&t.finished, &t.txs, tx, 0)
}

func (t *tm) startForgetting(tx core.TxID, st *tmTx, out *core.Output) {
	st.phase = forgetting
	t.tell(core.MsgForget, tx, st.members, st.members&^st.forgotten, out)
	t.putRetry(&out.Arm, tx, st)
}

// Timer says again what has had no answer, or waits no longer.
func (t *tm) Timer(k core.TimerKind, tx core.TxID, out *core.Output) bool {
	switch k {
	case core.TimerRetry:
		t.retry(tx, out)
	case core.TimerTakeOver:
		t.takeOver(tx, out)
	default:
		return false
	}
	return true
}

// retry says again what has had no answer.
func (t *tm) retry(tx core.TxID, out *core.Output) {
	st := t.txs.Get(tx)
	if st == nil {
		t.drop(core.DropStale, tx, out)
		return
	}
	switch st.phase {
	case collecting:
		t.tell(core.MsgPrepare, tx, st.members, st.members&^st.votes.Instances(), out)
	case announcing:
		t.tell(core.MsgPreCommit, tx, st.members, st.members&^st.ready, out)
	case decided:
		t.tell(core.OutcomeMsg(st.outcome), tx, st.members, st.members&^st.done, out)
	case forgetting:
		t.tell(core.MsgForget, tx, st.members, st.members&^st.forgotten, out)
	}
	t.putRetry(&out.Arm, tx, st)
}

func (t *tm) Restore(rec *core.Record) {
	switch rec.Type {
	case core.RecordBallot:
		t.life = rec.Bal
	case core.RecordForget:
		core.Forget(&t.finished, &t.txs, rec.Tx, rec.Low)
	case core.RecordPreCommit:
		st := t.txs.Put(rec.Tx)
		st.members, st.phase = rec.Members, announcing
	default:
		st := t.txs.Put(rec.Tx)
		st.members, st.phase, st.outcome = rec.Members, decided, rec.Val
	}
}

// Restart begins a new life, and tells every outcome in the log again. Of any other transaction
// nothing is known.
func (t *tm) Restart(out *core.Output) {
	t.life++
	t.write(core.RecordBallot, core.TxID{}, 0, out).Bal = t.life
	for _, i := range t.txs.Sorted(nil) {
		tx, st := t.txs.At(int(i))
		if st.phase == announcing {
			t.resume(tx, st, out)
			continue
		}
		t.retry(tx, out)
		out.Decide(st.outcome, t.id, tx, st.members)
	}
}

// tell sends a message to some members, once all that was written is durable.
func (t *tm) tell(typ core.MsgType, tx core.TxID, members, to core.Set, out *core.Output) {
	low := uint32(0)
	if typ == core.MsgForget {
		low = t.finished.Low(tx)
	}
	for ; to != 0; to &= to - 1 {
		m := t.send(&out.Gated, core.Role{Kind: core.RM, ID: to.First()}, typ, tx, members)
		m.Bal, m.Low = t.life, low
	}
}

func (t *tm) armBoth(tx core.TxID, st *tmTx, out *core.Output) {
	t.putRetry(&out.Arm, tx, st)
	t.putTakeOver(&out.Arm, tx, st)
}

func (t *tm) putRetry(where *[]core.Timer, tx core.TxID, st *tmTx) {
	missing := st.votes.Instances()
	switch st.phase {
	case decided:
		missing = st.done
	case forgetting:
		missing = st.forgotten
	case announcing:
		missing = st.ready
	case collecting:
	}
	t.put(where, core.TimerRetry, tx, st.members&^missing)
}

func (t *tm) putTakeOver(where *[]core.Timer, tx core.TxID, st *tmTx) {
	await := st.members &^ st.votes.Instances()
	if st.phase == announcing {
		await = core.SetOf((st.members &^ st.ready).First())
	}
	t.put(where, core.TimerTakeOver, tx, await)
}

func (t *tm) put(where *[]core.Timer, k core.TimerKind, tx core.TxID, await core.Set) {
	core.PutTimer(where, k, t.id, tx, core.Await{Kind: core.RM, IDs: await})
}
