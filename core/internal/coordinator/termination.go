package coordinator

import (
	"encoding/binary"

	"paxoscommit/core"
)

// election is where a resource manager in doubt has come to without the transaction manager
// (Skeen's termination protocol: the first member that lives takes its place).
type election struct {
	follows   uint8    // the resource manager whose word counts; 0 is the transaction manager
	telling   bool     // as the one who leads: it tells the others that all are prepared
	someReady bool     // as the one who leads: one that has answered is pre-committed
	heard     core.Set // as the one who leads: who has answered, or is taken for dead
	dead      core.Set // who is taken for dead
	recovered bool     // it has been down, and takes nobody for dead: they may have gone on without it
}

func (e *election) appendKey(dst []byte, ready bool) []byte {
	flags := byte(0)
	for i, on := range [...]bool{ready, e.telling, e.someReady, e.recovered} {
		if on {
			flags |= 1 << i
		}
	}
	dst = append(dst, flags, e.follows)
	dst = binary.AppendUvarint(dst, uint64(e.heard))
	return binary.AppendUvarint(dst, uint64(e.dead))
}

// awaits returns the resource manager that member id waits for, 0 for the transaction manager. One
// that leads waits for one after the other, to know by a time-out which of them is dead.
func (st *rmTx) awaits(id uint8) uint8 {
	if st.follows == id {
		return (st.members &^ st.heard).First()
	}
	return st.follows
}

// takeOver is a prepared resource manager that waits no longer.
func (r *rm) takeOver(tx core.TxID, out *core.Output) {
	st := r.txs.Get(tx)
	switch {
	case !st.inDoubt():
		r.drop(core.DropStale, tx, out)
	case r.rules.InDoubt == Asks:
		r.toMembers(core.MsgAskState, tx, st, st.members.Without(r.id.ID), out)
		r.armTakeOver(tx, st, out)
	case r.rules.InDoubt == Terminates && st.follows == r.id.ID:
		r.waitForNext(tx, st, out)
	case r.rules.InDoubt == Terminates:
		r.elect(tx, st, out)
	case st.ready:
		r.learn(tx, st, core.Committed, &out.Gated, out)
	case r.rules.InDoubt == Decides:
		r.learn(tx, st, core.Aborted, &out.Gated, out)
	default:
		r.drop(core.DropStale, tx, out)
	}
}

// elect goes on to the next member, since the one that was waited for is silent: it leads, or is
// asked what became of the transaction.
func (r *rm) elect(tx core.TxID, st *rmTx, out *core.Output) {
	above := st.members &^ core.FullSet(int(st.follows))
	if above == 0 {
		above = st.members
	}
	st.follows = above.First()
	if st.follows == r.id.ID {
		r.lead(tx, st, out)
		return
	}
	r.toMembers(core.MsgQuery, tx, st, core.SetOf(st.follows), out)
	r.armTakeOver(tx, st, out)
}

// lead asks every other member how far it is.
func (r *rm) lead(tx core.TxID, st *rmTx, out *core.Output) {
	st.telling, st.someReady, st.dead = false, st.ready, 0
	if !st.recovered {
		st.dead = st.members & core.FullSet(int(r.id.ID)-1)
	}
	st.heard = st.dead.With(r.id.ID)
	r.toMembers(core.MsgAskState, tx, st, st.members&^st.heard, out)
	r.proceed(tx, st, out)
}

// waitForNext takes the member that is waited for to be dead. One that was down itself may not: it
// asks again.
func (r *rm) waitForNext(tx core.TxID, st *rmTx, out *core.Output) {
	if st.recovered {
		r.lead(tx, st, out)
		return
	}
	first := (st.members &^ st.heard).First()
	st.dead, st.heard = st.dead.With(first), st.heard.With(first)
	r.proceed(tx, st, out)
}

// proceed decides once everybody has answered or is dead: if somebody is pre-committed all that
// live must be before any commits, since whoever leads may die too; and if nobody is, nobody can
// have committed.
func (r *rm) proceed(tx core.TxID, st *rmTx, out *core.Output) {
	switch {
	case st.heard != st.members:
		r.armTakeOver(tx, st, out)
	case st.telling:
		r.conclude(tx, st, core.Committed, out)
	case !st.someReady:
		r.conclude(tx, st, core.Aborted, out)
	default:
		r.becomeReady(tx, st, out)
		st.telling, st.heard = true, st.dead.With(r.id.ID)
		r.toMembers(core.MsgPreCommit, tx, st, st.members&^st.heard, out)
		r.proceed(tx, st, out)
	}
}

func (r *rm) conclude(tx core.TxID, st *rmTx, v core.Value, out *core.Output) {
	r.learn(tx, st, v, &out.Gated, out)
	r.toMembers(core.OutcomeMsg(v), tx, st, st.members.Without(r.id.ID), out)
}

// query is a member that waits for this one to lead, or to tell the outcome.
func (r *rm) query(st *rmTx, m *core.Message, out *core.Output) {
	if st.inDoubt() {
		r.drop(core.DropStale, m.Tx, out)
		return
	}
	st = r.abortUnlessVoted(st, m, out)
	r.send(&out.Gated, m.From, core.OutcomeMsg(st.outcome), m.Tx, st.members)
}

// askState answers a member that is in doubt, and follows it from now on.
func (r *rm) askState(st *rmTx, m *core.Message, out *core.Output) {
	st = r.abortUnlessVoted(st, m, out)
	if st.inDoubt() && r.rules.InDoubt == Terminates {
		st.follows = m.From.ID
		r.armTakeOver(m.Tx, st, out)
	}
	answer := r.send(&out.Gated, m.From, core.MsgState, m.Tx, st.members)
	switch answer.Val = st.outcome; {
	case st.ready:
		answer.Val = core.Precommitted
	case st.outcome == core.NoValue:
		answer.Val = st.vote
	}
}

// abortUnlessVoted has a resource manager that is asked and has not voted abort, for good: what it
// says settles the outcome.
func (r *rm) abortUnlessVoted(st *rmTx, m *core.Message, out *core.Output) *rmTx {
	if st == nil {
		st = r.add(m)
	}
	if st.vote == core.NoValue && st.outcome == core.NoValue {
		r.cast(m.Tx, st, core.Aborted, out)
		r.learn(m.Tx, st, core.Aborted, &out.Gated, out)
	}
	return st
}

// state is how far another member is. Its outcome is copied, and told to all by one that leads; if
// it is in doubt too, who does not lead knows no more.
func (r *rm) state(st *rmTx, m *core.Message, out *core.Output) error {
	leads := st.inDoubt() && r.rules.InDoubt == Terminates && st.follows == r.id.ID
	switch {
	case st == nil:
		r.drop(core.DropUnknown, m.Tx, out)
	case m.Val == core.Committed || m.Val == core.Aborted:
		if leads {
			r.conclude(m.Tx, st, m.Val, out)
			return nil
		}
		return r.outcome(st, m.Val, m, out)
	case !leads || st.telling || st.heard.Has(m.From.ID):
		r.drop(core.DropStale, m.Tx, out)
	default:
		st.heard = st.heard.With(m.From.ID)
		st.someReady = st.someReady || m.Val == core.Precommitted
		r.proceed(m.Tx, st, out)
	}
	return nil
}

// preCommitted is a member that knows that all are prepared, told to the one that leads.
func (r *rm) preCommitted(st *rmTx, m *core.Message, out *core.Output) {
	leads := st.inDoubt() && st.follows == r.id.ID && st.telling
	if !leads || st.heard.Has(m.From.ID) {
		r.drop(core.DropStale, m.Tx, out)
		return
	}
	st.heard = st.heard.With(m.From.ID)
	r.proceed(m.Tx, st, out)
}

func (r *rm) toMembers(
	t core.MsgType, tx core.TxID, st *rmTx, to core.Set, out *core.Output,
) {
	for ; to != 0; to &= to - 1 {
		r.send(&out.Gated, core.Role{Kind: core.RM, ID: to.First()}, t, tx, st.members)
	}
}
