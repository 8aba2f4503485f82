package paxoscommit

import (
	"encoding/binary"
	"fmt"

	"paxoscommit/core"
)

// rm is a resource manager: the proposer of ballot 0 of its own instance, and the one who tells its resource what to do.
type rm struct {
	role
	faster bool
	txs    core.Table[rmTx]
}

// rmTx is rmState of PaxosCommit.tla: working while vote and outcome are NoValue, prepared, aborted or committed after that.
type rmTx struct {
	members core.Set
	vote    core.Value // Prepared or Aborted once the resource has answered
	outcome core.Value // Committed or Aborted once learned
	done    bool       // the resource has applied the outcome
	begun   bool       // asked by a client, so this one sends BeginCommit
	leader  uint8      // who said the outcome, or the first leader
	client  core.Role  // who waits for the outcome here
	learned learner    // Faster Paxos Commit only
}

func (r *rm) reset(l *core.Layout, faster bool) {
	r.layout, r.faster = l, faster
	r.finished.Clear()
	r.txs.Clear()
}

func (r *rm) copyFrom(src *rm) {
	r.layout, r.id, r.faster = src.layout, src.id, src.faster
	r.finished.CopyFrom(&src.finished)
	r.txs.CopyFrom(&src.txs)
}

func (r *rm) appendKey(dst []byte) []byte {
	dst = r.finished.AppendKey(dst)
	dst = binary.AppendUvarint(dst, uint64(r.txs.Len()))
	for _, i := range r.txs.Sorted() {
		tx, st := r.txs.At(int(i))
		flags := byte(0)
		if st.done {
			flags |= 1
		}
		if st.begun {
			flags |= 2
		}
		dst = binary.BigEndian.AppendUint64(dst, tx.Word())
		dst = binary.AppendUvarint(dst, uint64(st.members))
		dst = append(dst, byte(st.vote), byte(st.outcome), flags, st.leader, byte(st.client.Kind), st.client.ID)
		if r.faster {
			dst = st.learned.appendKey(dst, r.layout.Acceptors)
		}
	}
	return dst
}

func (r *rm) message(m *core.Message, out *core.Output) error {
	if !m.Members.Has(r.id.ID) {
		return fmt.Errorf("paxoscommit: %v: not a member of %v: %w", m, m.Members, core.ErrMalformed)
	}
	if r.finished.Has(m.Tx) {
		if m.Type == core.MsgForgotten {
			r.drop(core.DropFinished, m.Tx, out)
		} else {
			r.forgotten(m, out)
		}
		return nil
	}
	switch m.Type {
	case core.MsgRequest:
		r.request(m, out)
	case core.MsgPrepare:
		r.prepare(m, out)
	case core.MsgVote, core.MsgFound:
		r.vote(m, out)
	case core.MsgPhase2b:
		r.phase2b(m, out)
	case core.MsgCommit, core.MsgAbort:
		return r.outcome(m, out)
	case core.MsgDone:
		r.done(m, out)
	case core.MsgForget, core.MsgForgotten:
		return r.forget(m, out)
	case core.NoMsg, core.MsgQuery, core.MsgBeginCommit, core.MsgPhase1a, core.MsgPhase1b, core.MsgPhase2a,
		core.MsgRejected:
		return fmt.Errorf("paxoscommit: %v: %w", m, core.ErrMisrouted)
	default:
		return fmt.Errorf("paxoscommit: %v: %w", m, core.ErrMisrouted)
	}
	return nil
}

// request begins a transaction here, or tells the client what became of it (section 3.2: the first resource manager prepares by
// itself).
func (r *rm) request(m *core.Message, out *core.Output) {
	st := r.txs.Get(m.Tx)
	if st == nil {
		st = r.add(m)
		r.sendToResource(core.MsgPrepare, m.Tx, st, &out.Send)
	}
	st.begun = true
	st.client = m.From
	r.answerClient(m.Tx, st, out)
}

// prepare asks the resource, or repeats what it answered: the same vote, for ever, and now to all acceptors.
func (r *rm) prepare(m *core.Message, out *core.Output) {
	st := r.txs.Get(m.Tx)
	switch {
	case st == nil:
		st = r.add(m)
		r.sendToResource(core.MsgPrepare, m.Tx, st, &out.Send)
	case st.done:
		r.sendDone(m.Tx, st, m.From.ID, out)
	case st.outcome != core.NoValue || st.vote == core.NoValue:
		r.drop(core.DropDuplicate, m.Tx, out)
	default:
		r.sendPhase2a(m.Tx, st, r.layout.Acceptors, out)
	}
}

// vote takes the resource's answer and proposes it in ballot 0 (PaxosCommit.tla, RMPrepare and RMChooseToAbort). A prepared
// transaction that the resource still holds but this log does not know is voted on now: its prepare was slow, or its vote
// record was lost before anybody had heard of it.
func (r *rm) vote(m *core.Message, out *core.Output) {
	st := r.txs.Get(m.Tx)
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
	st.vote = m.Val
	out.Records = append(out.Records, core.Record{
		Type: core.RecordVote, Role: r.id, Tx: m.Tx, Members: st.members, Val: st.vote,
	})
	merged := st.begun && r.layout.Has(OptMergeBegin) && r.usedAcceptorByLeader() != 0
	if st.begun && !merged {
		out.Gated = append(out.Gated, r.to(firstLeader(), core.MsgBeginCommit, m.Tx, st))
	}
	r.sendPhase2a(m.Tx, st, r.layout.Majority(), out)
	if st.vote == core.Aborted && r.layout.Has(OptShortCircuit) {
		r.shortCircuit(m.Tx, st, out)
	}
	r.armRetry(m.Tx, out)
}

// shortCircuit tells the leader, and in Faster Paxos Commit the other members, of an abort that nothing can undo: only this resource
// manager could have proposed prepared in its instance (section 4.2).
func (r *rm) shortCircuit(tx core.TxID, st *rmTx, out *core.Output) {
	out.Gated = append(out.Gated, r.to(firstLeader(), core.MsgAbort, tx, st))
	if !r.faster {
		return
	}
	for s := st.members.Without(r.id.ID); s != 0; s &= s - 1 {
		out.Gated = append(out.Gated, r.to(core.Role{Kind: core.RM, ID: s.First()}, core.MsgAbort, tx, st))
	}
}

// phase2b counts the acceptors of ballot 0 itself (section 4.3, Faster Paxos Commit).
func (r *rm) phase2b(m *core.Message, out *core.Output) {
	st := r.txs.Get(m.Tx)
	if st == nil || st.outcome != core.NoValue {
		r.drop(core.DropStale, m.Tx, out)
		return
	}
	chosen := st.learned.learn(m, r.layout)
	if v := chosen.Outcome(st.members); v != core.NoValue {
		r.learn(m.Tx, st, v, firstLeader().ID, out)
	}
}

// outcome takes a Commit or an Abort (PaxosCommit.tla, RMRcvCommitMsg and RMRcvAbortMsg).
func (r *rm) outcome(m *core.Message, out *core.Output) error {
	v := core.Aborted
	if m.Type == core.MsgCommit {
		v = core.Committed
	}
	st := r.txs.Get(m.Tx)
	if v == core.Committed && (st == nil || st.vote != core.Prepared) || st != nil && st.outcome != 0 && st.outcome != v {
		return fmt.Errorf("paxoscommit: %v: contradicts what %v did: %w", m, r.id, core.ErrProtocol)
	}
	from := firstLeader().ID
	if m.From.Kind == core.Leader {
		from = m.From.ID
	}
	switch {
	case st == nil:
		st = r.add(m)
		r.learn(m.Tx, st, v, from, out)
	case st.outcome == core.NoValue:
		r.learn(m.Tx, st, v, from, out)
	case st.done:
		r.sendDone(m.Tx, st, from, out)
	default:
		r.drop(core.DropDuplicate, m.Tx, out)
	}
	return nil
}

// learn makes the outcome durable and then has the resource apply it.
func (r *rm) learn(tx core.TxID, st *rmTx, v core.Value, leader uint8, out *core.Output) {
	st.outcome, st.leader = v, leader
	out.Records = append(out.Records, core.Record{
		Type: core.RecordOutcome, Role: r.id, Tx: tx, Members: st.members, Val: v,
	})
	out.Decided = append(out.Decided, core.Decision{Role: r.id, Val: v, Tx: tx, Members: st.members})
	r.sendToResource(core.OutcomeMsg(v), tx, st, &out.Gated)
	r.answerClient(tx, st, out)
	r.armRetry(tx, out)
}

// done tells the leader that the resource has applied the outcome.
func (r *rm) done(m *core.Message, out *core.Output) {
	st := r.txs.Get(m.Tx)
	if st == nil || st.done {
		r.drop(core.DropDuplicate, m.Tx, out)
		return
	}
	st.done = true
	r.sendDone(m.Tx, st, st.leader, out)
}

func (r *rm) forget(m *core.Message, out *core.Output) error {
	st := r.txs.Get(m.Tx)
	if st != nil && st.outcome == core.NoValue {
		return fmt.Errorf("paxoscommit: %v: but %v knows no outcome: %w", m, r.id, core.ErrProtocol)
	}
	rec := core.Record{Type: core.RecordForget, Role: r.id, Tx: m.Tx, Members: m.Members, Low: m.Low}
	out.Records = append(out.Records, rec)
	out.Disarm = append(out.Disarm, core.Timer{Role: r.id, Kind: core.TimerRetry, Tx: m.Tx})
	res := r.toResource(core.MsgForget, m.Tx, m.Members)
	res.Low = m.Low
	out.Gated = append(out.Gated, res)
	forget(&r.role, &r.txs, &rec)
	if m.Type == core.MsgForget {
		r.forgotten(m, out)
	}
	return nil
}

// retry says again what has had no answer: the outcome to the resource, or that it is done to every leader; before the outcome, the
// vote to every acceptor, and a question to every leader.
func (r *rm) retry(tx core.TxID, out *core.Output) {
	st := r.txs.Get(tx)
	switch {
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
		r.sendPhase2a(tx, st, r.layout.Acceptors, out)
		for i := range r.layout.Leaders {
			ldr := core.Role{Kind: core.Leader, ID: uint8(i + 1)}
			out.Gated = append(out.Gated, r.to(ldr, core.MsgQuery, tx, st))
		}
	}
	r.armRetry(tx, out)
}

func (r *rm) restore(rec *core.Record) error {
	switch rec.Type {
	case core.RecordVote:
		st := r.txs.Put(rec.Tx)
		st.members, st.vote, st.leader = rec.Members, rec.Val, firstLeader().ID
	case core.RecordOutcome:
		st := r.txs.Put(rec.Tx)
		st.members, st.outcome, st.leader = rec.Members, rec.Val, firstLeader().ID
	case core.RecordForget:
		forget(&r.role, &r.txs, rec)
	case core.NoRecord, core.RecordAcceptor, core.RecordBallot:
		return fmt.Errorf("paxoscommit: record %v: %w", rec, core.ErrMisrouted)
	default:
		return fmt.Errorf("paxoscommit: record %v: %w", rec, core.ErrMisrouted)
	}
	return nil
}

// restart takes up again what the log says is open: outcomes go to the resource once more, votes to the acceptors on time-out.
func (r *rm) restart(out *core.Output) {
	for _, i := range r.txs.Sorted() {
		tx, st := r.txs.At(int(i))
		if st.outcome != core.NoValue {
			out.Decided = append(out.Decided, core.Decision{Role: r.id, Val: st.outcome, Tx: tx, Members: st.members})
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

func (r *rm) to(to core.Role, t core.MsgType, tx core.TxID, st *rmTx) core.Message {
	return core.Message{Type: t, From: r.id, To: to, Tx: tx, Members: st.members}
}

func (r *rm) toResource(t core.MsgType, tx core.TxID, members core.Set) core.Message {
	return core.Message{Type: t, From: r.id, To: core.Role{Kind: core.Resource, ID: r.id.ID}, Tx: tx, Members: members}
}

func (r *rm) sendToResource(t core.MsgType, tx core.TxID, st *rmTx, where *[]core.Message) {
	*where = append(*where, r.toResource(t, tx, st.members))
}

func (r *rm) sendDone(tx core.TxID, st *rmTx, leader uint8, out *core.Output) {
	m := r.to(core.Role{Kind: core.Leader, ID: leader}, core.MsgDone, tx, st)
	m.Val = st.outcome
	out.Send = append(out.Send, m)
}

// sendPhase2a proposes the vote to the first n acceptors: a majority in the normal case, all of them on a time-out (section 4.1).
func (r *rm) sendPhase2a(tx core.TxID, st *rmTx, n int, out *core.Output) {
	m := r.to(core.Role{Kind: core.Acceptor}, core.MsgPhase2a, tx, st)
	m.Votes = core.VoteOf(r.id.ID, st.vote)
	begin := uint8(0)
	if st.begun && r.layout.Has(OptMergeBegin) {
		begin = r.usedAcceptorByLeader()
	}
	for i := range n {
		m.To.ID = uint8(i + 1)
		m.Begin = m.To.ID == begin
		out.Gated = append(out.Gated, m)
	}
}

// usedAcceptorByLeader returns the acceptor on the first leader's node that gets a phase 2a in the normal case, or 0.
func (r *rm) usedAcceptorByLeader() uint8 {
	for i := range r.layout.Majority() {
		acc := core.Role{Kind: core.Acceptor, ID: uint8(i + 1)}
		if r.layout.NodeOf(acc) == r.layout.NodeOf(firstLeader()) {
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
	out.Send = append(out.Send, r.to(st.client, core.OutcomeMsg(st.outcome), tx, st))
	st.client = core.Role{}
}

func (r *rm) armRetry(tx core.TxID, out *core.Output) {
	out.Arm = append(out.Arm, core.Timer{
		Role: r.id, Kind: core.TimerRetry, Tx: tx,
		Await: core.Await{Kind: core.Leader, IDs: core.SetOf(firstLeader().ID)},
	})
}
