package paxoscommit

import "paxoscommit/core"

// What a resource manager does before it is asked to prepare, if there is a registrar: it joins,
// and the first one has the other members join (section 6.2). Nothing of it is durable here: a
// resource manager that crashes before it has voted has promised nothing, and the registrar
// remembers who has joined.

// join tells the registrar that this one takes part.
func (r *rm) join(tx core.TxID, st *rmTx, out *core.Output) {
	st.joining = toJoin
	r.send(&out.Send, theRegistrar(), core.MsgJoin, tx, st.members)
	r.armJoining(tx, st, out)
}

// enlist is the first resource manager wanting this one to take part.
func (r *rm) enlist(st *rmTx, m *core.Message, out *core.Output) {
	if st == nil {
		st = r.add(m)
		r.join(m.Tx, st, out)
	}
	switch st.joining {
	case toJoin:
		st.enlister = m.From.ID
	case joined:
		r.send(&out.Send, m.From, core.MsgEnlisted, m.Tx, st.members)
	default:
		r.drop(core.DropDuplicate, m.Tx, out)
	}
}

// joined is the registrar's word that this one takes part.
func (r *rm) joined(st *rmTx, m *core.Message, out *core.Output) {
	switch {
	case st == nil:
		r.drop(core.DropUnknown, m.Tx, out)
		return
	case st.joining != toJoin:
		r.drop(core.DropDuplicate, m.Tx, out)
		return
	}
	st.joining = joined
	if st.enlister != 0 {
		first := core.Role{Kind: core.RM, ID: st.enlister}
		r.send(&out.Send, first, core.MsgEnlisted, m.Tx, st.members)
	}
	r.armJoining(m.Tx, st, out)
	r.askIfAllJoined(m.Tx, st, out)
}

// tooLate is the word of the registrar, or of a leader that has learned it, that the set is closed
// without this one. It holds nothing, and keeps nothing: whoever enlists it again has it told so
// again.
func (r *rm) tooLate(st *rmTx, m *core.Message, out *core.Output) error {
	switch {
	case st == nil:
		r.drop(core.DropUnknown, m.Tx, out)
	case st.outcome != core.NoValue: // an abort, which all members are told
		r.drop(core.DropStale, m.Tx, out)
	case st.joining != toJoin:
		return core.Contradiction(m, "it has joined")
	default:
		r.txs.Delete(m.Tx)
		r.learners.Delete(m.Tx)
		core.PutTimer(&out.Disarm, core.TimerRetry, r.id, m.Tx, core.Await{})
	}
	return nil
}

// enlisted is another member that has joined.
func (r *rm) enlisted(st *rmTx, m *core.Message, out *core.Output) {
	switch {
	case st == nil:
		r.drop(core.DropUnknown, m.Tx, out)
	case !st.begun || st.joining == asked || st.enlisted.Has(m.From.ID):
		r.drop(core.DropDuplicate, m.Tx, out)
	default:
		st.enlisted = st.enlisted.With(m.From.ID)
		r.askIfAllJoined(m.Tx, st, out)
	}
}

// askIfAllJoined has the first resource manager prepare, by itself as in section 3.2, when
// everybody has joined who may: then the set may be closed.
func (r *rm) askIfAllJoined(tx core.TxID, st *rmTx, out *core.Output) {
	if r.haveJoined(st, st.members) {
		r.ask(tx, st, out)
	}
}

// haveJoined tells whether this is the first resource manager, and it and those of a set have
// joined.
func (r *rm) haveJoined(st *rmTx, s core.Set) bool {
	return st.begun && st.joining == joined && s.Without(r.id.ID)&^st.enlisted == 0
}

func (r *rm) sendEnlist(tx core.TxID, st *rmTx, out *core.Output) {
	for s := st.members.Without(r.id.ID) &^ st.enlisted; s != 0; s &= s - 1 {
		r.send(&out.Send, core.Role{Kind: core.RM, ID: s.First()}, core.MsgEnlist, tx, st.members)
	}
}

// retryJoining has the first resource manager wait no longer for those that need not join.
// Otherwise it says again what has had no answer. Whoever hears no more asks the leaders, and with
// that drives the transaction to an outcome (section 6.4).
func (r *rm) retryJoining(tx core.TxID, st *rmTx, out *core.Output) {
	if r.haveJoined(st, st.must) {
		r.ask(tx, st, out)
		return
	}
	if st.begun {
		r.sendEnlist(tx, st, out)
	}
	if st.joining == toJoin {
		r.join(tx, st, out)
	} else {
		r.armJoining(tx, st, out)
	}
	r.query(tx, st.members, out)
}

// armJoining arms the timer for whom this one waits for: the registrar, the members that have not
// joined, or the leader.
func (r *rm) armJoining(tx core.TxID, st *rmTx, out *core.Output) {
	await := core.Await{Kind: core.Leader, IDs: core.SetOf(firstLeader().ID)}
	switch {
	case st.joining == toJoin:
		await = core.Await{Kind: core.Registrar, IDs: core.SetOf(theRegistrar().ID)}
	case st.begun:
		await = core.Await{Kind: core.RM, IDs: st.members.Without(r.id.ID) &^ st.enlisted}
	}
	core.PutTimer(&out.Arm, core.TimerRetry, r.id, tx, await)
}
