package coordinator

import "paxoscommit/core"

// preCommit tells every member that all are prepared, once that is durable: from now on nobody
// aborts whom it has reached (Skeen, "Nonblocking Commit Protocols", SIGMOD 1981).
func (t *tm) preCommit(tx core.TxID, st *tmTx, out *core.Output) {
	st.phase = announcing
	t.write(core.RecordPreCommit, tx, st.members, out)
	t.announce(tx, st, out)
}

func (t *tm) announce(tx core.TxID, st *tmTx, out *core.Output) {
	t.tell(core.MsgPreCommit, tx, st.members, st.members&^st.ready, out)
	t.armBoth(tx, st, out)
}

// preCommitted is a member that knows that all are prepared. When all that live do, it is
// committed.
func (t *tm) preCommitted(st *tmTx, m *core.Message, out *core.Output) {
	if st == nil || st.phase != announcing || st.ready.Has(m.From.ID) {
		t.drop(core.DropStale, m.Tx, out)
		return
	}
	t.count(m.Tx, st, m.From.ID, out)
}

// presumeDead goes on without the member that is waited for.
func (t *tm) presumeDead(tx core.TxID, st *tmTx, out *core.Output) {
	t.count(tx, st, (st.members &^ st.ready).First(), out)
}

// count goes on to commit, or to wait for the next member. It waits for one at a time, to know by
// a time-out which of them is dead.
func (t *tm) count(tx core.TxID, st *tmTx, id uint8, out *core.Output) {
	st.ready = st.ready.With(id)
	if st.ready == st.members {
		t.decide(tx, st, core.Committed, out)
		return
	}
	t.armBoth(tx, st, out)
}

// resume is a transaction manager that was pre-committed before a crash. Where the members do not
// elect another one it goes on; where they do it waits for what they have come to.
func (t *tm) resume(tx core.TxID, st *tmTx, out *core.Output) {
	if t.rules.InDoubt != Terminates {
		t.announce(tx, st, out)
	}
}

// preCommit is what a prepared resource manager is told when all are. It listens to the
// coordinator that it follows, and to no earlier one.
func (r *rm) preCommit(st *rmTx, m *core.Message, out *core.Output) {
	from := uint8(0)
	if m.From.Kind == core.RM {
		from = m.From.ID
	}
	if st != nil && st.outcome != core.NoValue && from > 0 {
		r.query(st, m, out) // a Commit of the transaction manager was faster
		return
	}
	if !st.inDoubt() || from != st.follows {
		r.drop(core.DropStale, m.Tx, out)
		return
	}
	r.becomeReady(m.Tx, st, out)
	r.send(&out.Gated, m.From, core.MsgPreCommitted, m.Tx, st.members)
	r.armTakeOver(m.Tx, st, out)
}

func (r *rm) becomeReady(tx core.TxID, st *rmTx, out *core.Output) {
	if !st.ready {
		st.ready = true
		r.write(core.RecordPreCommit, tx, st.members, out)
	}
}
