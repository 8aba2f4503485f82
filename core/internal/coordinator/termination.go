package coordinator

import "paxoscommit/core"

// takeOver is a prepared resource manager that waits for the transaction manager no longer: it
// asks the other members (cooperative termination; Bernstein, Hadzilacos and Goodman, section
// 7.4).
func (r *rm) takeOver(tx core.TxID, out *core.Output) {
	st := r.txs.Get(tx)
	if st == nil || st.vote == core.NoValue || st.outcome != core.NoValue {
		r.drop(core.DropStale, tx, out)
		return
	}
	for s := st.members.Without(r.id.ID); s != 0; s &= s - 1 {
		peer := core.Role{Kind: core.RM, ID: s.First()}
		r.send(&out.Gated, peer, core.MsgAskState, tx, st.members)
	}
	r.armTakeOver(tx, out)
}

// askState answers a member that is in doubt. One that has not voted aborts, for good: what it
// says settles the outcome.
func (r *rm) askState(st *rmTx, m *core.Message, out *core.Output) {
	if st == nil {
		st = r.add(m)
	}
	if st.vote == core.NoValue && st.outcome == core.NoValue {
		r.cast(m.Tx, st, core.Aborted, out)
		r.learn(m.Tx, st, core.Aborted, &out.Gated, out)
	}
	answer := r.send(&out.Gated, m.From, core.MsgState, m.Tx, st.members)
	if answer.Val = st.outcome; answer.Val == core.NoValue {
		answer.Val = st.vote
	}
}

// state is how far another member is. Its outcome is copied; if it is prepared too it knows no
// more.
func (r *rm) state(st *rmTx, m *core.Message, out *core.Output) error {
	switch {
	case st == nil:
		r.drop(core.DropUnknown, m.Tx, out)
		return nil
	case m.Val == core.Prepared:
		r.drop(core.DropStale, m.Tx, out)
		return nil
	}
	return r.outcome(st, m.Val, m, out)
}
