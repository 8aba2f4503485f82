package paxoscommit

import (
	"encoding/binary"
	"fmt"

	"paxoscommit/core"
)

// rm is a resource manager: the proposer of ballot 0 of its own instance, and the one who tells its
// resource what to do.
type rm struct {
	role
	faster bool
	txs    core.Table[rmTx]

	// Of Faster Paxos Commit, until the outcome is known. They are large, so the others do not
	// carry them.
	learners core.Table[learner]
}

// rmTx is rmState of PaxosCommit.tla: working while vote and outcome are NoValue, prepared, aborted
// or committed after that.
type rmTx struct {
	members core.Set
	vote    core.Value // Prepared or Aborted once the resource has answered
	outcome core.Value // Committed or Aborted once learned
	done    bool       // the resource has applied the outcome
	begun   bool       // asked by a client, so this one sends BeginCommit
	leader  uint8      // who said the outcome, or the first leader
	client  core.Role  // who waits for the outcome here
	set     core.Set   // of what is committed, if there is a registrar: who takes part

	// With a registrar, until the resource is asked to prepare:
	joining  joining
	enlister uint8    // the first resource manager, which waits for this one to join
	enlisted core.Set // at the first one: the members that have joined
	must     core.Set // at the first one: it does not begin without these
}

// joining is how far a resource manager has come with joining a transaction (section 6.2).
type joining uint8

const (
	asked joining = iota // there is no registrar, or the resource has been asked to prepare
	toJoin
	joined
)

func (r *rm) Reset(layout *core.Layout, id core.Role) {
	r.layout, r.id = layout, id
	r.finished.Clear()
	r.txs.Clear()
	r.learners.Clear()
}

func (r *rm) CopyFrom(src core.Part) {
	s := src.(*rm)
	r.layout, r.id, r.faster = s.layout, s.id, s.faster
	r.finished.CopyFrom(&s.finished)
	r.txs.CopyFrom(&s.txs)
	if r.faster {
		r.learners.CopyFrom(&s.learners)
	}
}

func (r *rm) AppendKey(dst []byte) []byte {
	dst = r.finished.AppendKey(dst)
	dst = binary.AppendUvarint(dst, uint64(r.txs.Len()))
	var buf [8]int32
	for _, i := range r.txs.Sorted(buf[:0]) {
		tx, st := r.txs.At(int(i))
		flags := byte(0)
		if st.done {
			flags |= 1
		}
		if st.begun {
			flags |= 2
		}
		dst = tx.AppendKey(dst)
		dst = binary.AppendUvarint(dst, uint64(st.members))
		dst = append(dst, byte(st.vote), byte(st.outcome), flags, st.leader, st.client.ID)
		if r.faster {
			learned := r.learners.Get(tx)
			if learned == nil {
				learned = &learner{}
			}
			dst = learned.appendKey(dst, r.layout)
		}
		if r.layout.Registrars > 0 {
			dst = append(dst, byte(st.joining), st.enlister)
			for _, s := range [...]core.Set{st.enlisted, st.must, st.set} {
				dst = binary.AppendUvarint(dst, uint64(s))
			}
		}
	}
	return dst
}

func (r *rm) Message(m *core.Message, out *core.Output) error {
	st := r.txs.Get(m.Tx)
	switch {
	case st == nil && r.finished.Has(m.Tx):
		r.forgotten(m, out)
		return nil
	case st != nil && st.members != m.Members:
		return core.Contradiction(m, "other members than before")
	}
	switch m.Type {
	case core.MsgRequest:
		r.request(st, m, out)
	case core.MsgEnlist:
		r.enlist(st, m, out)
	case core.MsgJoined:
		r.joined(st, m, out)
	case core.MsgTooLate:
		return r.tooLate(st, m, out)
	case core.MsgEnlisted:
		r.enlisted(st, m, out)
	case core.MsgPrepare:
		r.prepare(st, m, out)
	case core.MsgVote, core.MsgFound:
		r.vote(st, m, out)
	case core.MsgPhase2b:
		r.phase2b(st, m, out)
	case core.MsgCommit:
		return r.outcome(st, core.Committed, m, out)
	case core.MsgAbort:
		return r.outcome(st, core.Aborted, m, out)
	case core.MsgDone:
		return r.done(st, m, out)
	case core.MsgForget, core.MsgForgotten:
		return r.forget(st, m, out)
	default:
		panic(fmt.Sprintf("paxoscommit: senders lets %v through", m))
	}
	return nil
}

// request begins a transaction here, or tells the client what became of it (section 3.2: the first
// resource manager prepares by itself). With a registrar the members join first.
func (r *rm) request(st *rmTx, m *core.Message, out *core.Output) {
	switch {
	case st != nil:
	case r.layout.Registrars > 0:
		st = r.add(m)
		r.join(m.Tx, st, out)
		r.sendEnlist(m.Tx, st, out)
	default:
		st = r.add(m)
		r.ask(m.Tx, st, out)
	}
	st.begun = true
	st.client = m.From
	if st.must = m.Joined; st.must == 0 {
		st.must = m.Members
	}
	r.answerClient(m.Tx, st, out)
}

// prepare asks the resource, or repeats what it answered: the same vote, for ever, and now to all
// acceptors.
func (r *rm) prepare(st *rmTx, m *core.Message, out *core.Output) {
	switch {
	case st == nil:
		st = r.add(m)
		r.ask(m.Tx, st, out)
	case st.joining != asked:
		r.ask(m.Tx, st, out)
	case st.done:
		r.sendDone(m.Tx, st, leaderIn(m), out)
	case st.outcome != core.NoValue || st.vote == core.NoValue:
		r.drop(core.DropDuplicate, m.Tx, out)
	default:
		r.sendPhase2a(m.Tx, st, r.layout.Acceptors, out)
	}
}

// vote takes the resource's answer and proposes it in ballot 0 (PaxosCommit.tla, RMPrepare and
// RMChooseToAbort). A prepared transaction that the resource still holds but this log does not know
// is voted on now: its prepare was slow, or its vote record was lost before anybody had heard of
// it.
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
	st.vote, st.joining = m.Val, asked
	out.Write(core.RecordVote, r.id, m.Tx, st.members).Val = st.vote
	if st.begun && r.acceptorToBegin(st) == 0 {
		r.send(&out.Gated, beginner(r.layout), core.MsgBeginCommit, m.Tx, st.members)
	}
	if r.layout.Has(OptRelayed) {
		r.relay(m.Tx, st, 1, out)
	} else {
		r.sendPhase2a(m.Tx, st, r.layout.Majority(), out)
	}
	if st.vote == core.Aborted && r.layout.Has(OptShortCircuit) {
		r.shortCircuit(m.Tx, st, out)
	}
	r.armRetry(m.Tx, out)
}

// shortCircuit tells the leader, and in Faster Paxos Commit the other members, of an abort that
// nothing can undo: only this resource manager could have proposed prepared in its instance
// (section 4.2).
func (r *rm) shortCircuit(tx core.TxID, st *rmTx, out *core.Output) {
	r.send(&out.Gated, firstLeader(), core.MsgAbort, tx, st.members)
	if !r.faster {
		return
	}
	for s := st.members.Without(r.id.ID); s != 0; s &= s - 1 {
		member := core.Role{Kind: core.RM, ID: s.First()}
		r.send(&out.Gated, member, core.MsgAbort, tx, st.members)
	}
}

// phase2b counts the acceptors of ballot 0 itself (section 4.3, Faster Paxos Commit).
func (r *rm) phase2b(st *rmTx, m *core.Message, out *core.Output) {
	switch {
	case st == nil:
		r.drop(core.DropUnknown, m.Tx, out)
		return
	case st.outcome != core.NoValue:
		r.drop(core.DropStale, m.Tx, out)
		return
	}
	chosen, e := r.learners.Put(m.Tx).learn(m, r.layout)
	if v := outcome(chosen, e, st.members, r.layout); v != core.NoValue {
		r.learn(m.Tx, st, v, e.joined, firstLeader().ID, out)
	}
}

// outcome takes a Commit or an Abort (PaxosCommit.tla, RMRcvCommitMsg and RMRcvAbortMsg). An abort
// may be all that this resource manager ever hears of a transaction; a commit needs its vote.
func (r *rm) outcome(st *rmTx, v core.Value, m *core.Message, out *core.Output) error {
	switch {
	case v == core.Committed && (st == nil || st.vote != core.Prepared):
		return core.Contradiction(m, "not prepared here")
	case st != nil && st.outcome != core.NoValue && st.outcome != v:
		return core.Contradiction(m, "another outcome is known here")
	}
	if st == nil {
		st = r.add(m)
	}
	switch {
	case st.outcome == core.NoValue:
		r.learn(m.Tx, st, v, m.Joined, leaderIn(m), out)
	case st.done:
		r.sendDone(m.Tx, st, leaderIn(m), out)
	default:
		r.drop(core.DropDuplicate, m.Tx, out)
	}
	return nil
}

// leaderIn returns the leader that a message is from, or the first one.
func leaderIn(m *core.Message) uint8 {
	if m.From.Kind == core.Leader {
		return m.From.ID
	}
	return firstLeader().ID
}

// learn makes the outcome durable and then has the resource apply it.
func (r *rm) learn(
	tx core.TxID, st *rmTx, v core.Value, set core.Set, leader uint8, out *core.Output,
) {
	st.outcome, st.leader, st.joining = v, leader, asked
	if v == core.Committed {
		st.set = set
	}
	r.learners.Delete(tx)
	rec := out.Write(core.RecordOutcome, r.id, tx, st.members)
	rec.Val, rec.Joined = v, st.set
	out.Decide(v, r.id, tx, st.members)
	r.sendToResource(core.OutcomeMsg(v), tx, st, &out.Gated)
	r.answerClient(tx, st, out)
	r.armRetry(tx, out)
}

// done tells the leader that the resource has applied the outcome.
func (r *rm) done(st *rmTx, m *core.Message, out *core.Output) error {
	switch {
	case st == nil || st.outcome != m.Val:
		return core.Contradiction(m, "the resource was not told so")
	case st.done:
		r.drop(core.DropDuplicate, m.Tx, out)
	default:
		st.done = true
		r.sendDone(m.Tx, st, st.leader, out)
	}
	return nil
}

// forget drops a transaction that every resource has applied for good; after a restart its own may
// not have said so again. With a registrar it may also have been committed without this one.
func (r *rm) forget(st *rmTx, m *core.Message, out *core.Output) error {
	if st == nil && r.layout.Registrars == 0 || st != nil && st.isOpen() ||
		core.AnyUpTo(&r.finished, &r.txs, m.Tx, m.Low, (*rmTx).isOpen) {
		return core.Contradiction(m, "no outcome is known here")
	}
	out.Write(core.RecordForget, r.id, m.Tx, m.Members).Low = m.Low
	core.PutTimer(&out.Disarm, core.TimerRetry, r.id, m.Tx, core.Await{})
	r.send(&out.Gated, r.resource(), core.MsgForget, m.Tx, m.Members).Low = m.Low
	core.Forget(&r.finished, &r.txs, m.Tx, m.Low)
	if m.Type == core.MsgForget {
		r.forgotten(m, out)
	}
	return nil
}

// isOpen tells whether the transaction may need this resource manager for its outcome. It does not
// need one that has not joined.
func (st *rmTx) isOpen() bool { return st.outcome == core.NoValue && st.joining != toJoin }

// Timer says again what has had no answer.
func (r *rm) Timer(k core.TimerKind, tx core.TxID, out *core.Output) bool {
	if k != core.TimerRetry {
		return false
	}
	r.retry(tx, out)
	return true
}

// retry says again what has had no answer: the outcome to the resource, or that it is done to every
// leader; before the outcome, the vote to every acceptor, and a question to every leader.
func (r *rm) retry(tx core.TxID, out *core.Output) {
	st := r.txs.Get(tx)
	switch {
	case st != nil && st.joining != asked:
		r.retryJoining(tx, st, out)
		return
	case st == nil || st.vote == core.NoValue && st.outcome == core.NoValue:
		r.drop(core.DropStale, tx, out)
		return
	case st.done:
		for i := range r.layout.Leaders {
			r.sendDone(tx, st, uint8(i+1), out)
		}
	case st.outcome != core.NoValue:
		r.sendToResource(core.OutcomeMsg(st.outcome), tx, st, &out.Gated)
	default:
		if st.begun && r.layout.Registrars > 0 { // which nobody else tells
			r.send(&out.Gated, beginner(r.layout), core.MsgBeginCommit, tx, st.members)
		}
		r.sendPhase2a(tx, st, r.layout.Acceptors, out)
		r.query(tx, st.members, out)
	}
	r.armRetry(tx, out)
}

func (r *rm) Restore(rec *core.Record) {
	if rec.Type == core.RecordForget {
		core.Forget(&r.finished, &r.txs, rec.Tx, rec.Low)
		return
	}
	st := r.txs.Put(rec.Tx)
	st.members, st.leader = rec.Members, firstLeader().ID
	if rec.Type == core.RecordVote {
		st.vote = rec.Val
	} else {
		st.outcome, st.set = rec.Val, rec.Joined
	}
}

// Restart takes up again what the log says is open: outcomes go to the resource once more, votes to
// the acceptors on time-out.
func (r *rm) Restart(out *core.Output) {
	for _, i := range r.txs.Sorted(nil) {
		tx, st := r.txs.At(int(i))
		if st.outcome != core.NoValue {
			out.Decide(st.outcome, r.id, tx, st.members)
			r.sendToResource(core.OutcomeMsg(st.outcome), tx, st, &out.Send)
		}
		r.armRetry(tx, out)
	}
}

func (r *rm) add(m *core.Message) *rmTx {
	st := r.txs.Put(m.Tx)
	st.members, st.leader = m.Members, firstLeader().ID
	return st
}

// ask has the resource prepare.
func (r *rm) ask(tx core.TxID, st *rmTx, out *core.Output) {
	st.joining = asked
	r.sendToResource(core.MsgPrepare, tx, st, &out.Send)
}

func (r *rm) resource() core.Role { return core.Role{Kind: core.Resource, ID: r.id.ID} }

func (r *rm) sendToResource(t core.MsgType, tx core.TxID, st *rmTx, where *[]core.Message) {
	r.send(where, r.resource(), t, tx, st.members)
}

func (r *rm) sendDone(tx core.TxID, st *rmTx, leader uint8, out *core.Output) {
	ldr := core.Role{Kind: core.Leader, ID: leader}
	m := r.send(&out.Send, ldr, core.MsgDone, tx, st.members)
	m.Val, m.Joined = st.outcome, st.set
}

// sendPhase2a proposes the vote to the first n acceptors: a majority in the normal case, all of
// them on a time-out (section 4.1).
func (r *rm) sendPhase2a(tx core.TxID, st *rmTx, n int, out *core.Output) {
	if r.layout.Has(OptRelayed) {
		r.relay(tx, st, r.layout.Leaders, out)
		return
	}
	vote, begin := core.VoteOf(r.id.ID, st.vote), r.acceptorToBegin(st)
	for i := range n {
		acc := core.Role{Kind: core.Acceptor, ID: uint8(i + 1)}
		m := r.send(&out.Gated, acc, core.MsgPhase2a, tx, st.members)
		m.Votes, m.Begin = vote, acc.ID == begin
	}
}

// relay tells the first n leaders the vote: one in the normal case, all of them on a time-out.
func (r *rm) relay(tx core.TxID, st *rmTx, n int, out *core.Output) {
	for i := range n {
		ldr := core.Role{Kind: core.Leader, ID: uint8(i + 1)}
		m := r.send(&out.Gated, ldr, core.MsgRelay, tx, st.members)
		m.Votes = core.VoteOf(r.id.ID, st.vote)
	}
}

// acceptorToBegin returns the acceptor whose phase 2a carries BeginCommit to the leader or
// registrar beside it (section 5): one that gets a phase 2a in the normal case. It returns 0 if
// BeginCommit goes alone.
func (r *rm) acceptorToBegin(st *rmTx) uint8 {
	if !st.begun || !r.layout.Has(OptMergeBegin) || r.layout.Has(OptRelayed) {
		return 0
	}
	for i := range r.layout.Majority() {
		acc := core.Role{Kind: core.Acceptor, ID: uint8(i + 1)}
		if r.layout.NodeOf(acc) == r.layout.NodeOf(beginner(r.layout)) {
			return acc.ID
		}
	}
	return 0
}

// answerClient tells the client that asked here, once there is an outcome.
func (r *rm) answerClient(tx core.TxID, st *rmTx, out *core.Output) {
	if st.outcome == core.NoValue || st.client.Kind == core.NoRole {
		return
	}
	r.send(&out.Send, st.client, core.OutcomeMsg(st.outcome), tx, st.members)
	st.client = core.Role{}
}

func (r *rm) armRetry(tx core.TxID, out *core.Output) {
	core.PutTimer(&out.Arm, core.TimerRetry, r.id, tx,
		core.Await{Kind: core.Leader, IDs: core.SetOf(firstLeader().ID)})
}
