package paxoscommit

import (
	"encoding/binary"
	"fmt"

	"paxoscommit/core"
)

// leader begins transactions in ballot 0, finishes them with a ballot of its own when they hang,
// announces outcomes, and sees to it that what is finished is forgotten.
type leader struct {
	role
	txs core.Table[leaderTx]
}

// phase is how far a leader has come with a transaction.
type phase uint8

const (
	watching   phase = iota + 1 // ballot 0 is running
	preparing                   // phase 1 of ballot bal: 1a sent
	accepting                   // phase 2 of ballot bal: 2a sent
	decided                     // the outcome is known; some member may not be done
	forgetting                  // every member is done; somebody may not have forgotten
)

// leaderTx is what a leader knows of one transaction. Only bal is durable: what else a crash takes,
// the acceptors and the resource managers still know.
type leaderTx struct {
	members   core.Set
	phase     phase
	outcome   core.Value
	bal       core.Ballot // the highest ballot begun here; 0 none
	seen      core.Ballot // the highest promise heard of
	promised  core.Set    // acceptors whose 1b of bal has come
	reported  core.Ballot // the highest ballot that these report
	votes     core.Votes  // the votes reported in it; from phase 2 on, the votes proposed
	relayed   core.Votes  // the votes that resource managers have told this leader (OptRelayed)
	entry     entry       // of the registrar's instance, as votes
	told      entry       // of the registrar's instance, as relayed
	learned   learner
	done      core.Set // members that have applied the outcome
	forgotten core.Set // members that have forgotten
	cleared   core.Set // acceptors that have forgotten
	closed    bool     // the registrar has forgotten, or there is none
	set       core.Set // of what is committed, if there is a registrar: who takes part
}

// takers returns those that apply the outcome: the set that is committed, and of an abort all
// members, since it may come before anybody knows who has joined.
func (st *leaderTx) takers() core.Set {
	if st.set != 0 {
		return st.set
	}
	return st.members
}

func (l *leader) Reset(layout *core.Layout, id core.Role) {
	l.layout, l.id = layout, id
	l.finished.Clear()
	l.txs.Clear()
}

func (l *leader) CopyFrom(src core.Part) {
	s := src.(*leader)
	l.layout, l.id = s.layout, s.id
	l.finished.CopyFrom(&s.finished)
	l.txs.CopyFrom(&s.txs)
}

func (l *leader) AppendKey(dst []byte) []byte {
	dst = l.finished.AppendKey(dst)
	dst = binary.AppendUvarint(dst, uint64(l.txs.Len()))
	var buf [8]int32
	for _, i := range l.txs.Sorted(buf[:0]) {
		tx, st := l.txs.At(int(i))
		dst = tx.AppendKey(dst)
		dst = append(dst, byte(st.phase), byte(st.outcome))
		dst = binary.AppendUvarint(dst, uint64(st.members))
		dst = binary.AppendUvarint(dst, uint64(st.bal))
		if st.phase >= decided {
			for _, s := range [...]core.Set{st.done, st.forgotten, st.cleared} {
				dst = binary.AppendUvarint(dst, uint64(s))
			}
			if l.layout.Registrars > 0 {
				dst = binary.AppendUvarint(append(dst, flag(st.closed)), uint64(st.set))
			}
			continue
		}
		dst = binary.AppendUvarint(dst, uint64(st.seen))
		dst = binary.AppendUvarint(dst, uint64(st.promised))
		dst = binary.AppendUvarint(dst, uint64(st.reported))
		dst = st.votes.AppendKey(dst)
		if l.layout.Has(OptRelayed) {
			dst = st.relayed.AppendKey(dst)
		}
		if l.layout.Registrars > 0 {
			dst = st.told.appendKey(st.entry.appendKey(dst))
		}
		dst = st.learned.appendKey(dst, l.layout)
	}
	return dst
}

func (l *leader) Message(m *core.Message, out *core.Output) error {
	st := l.txs.Get(m.Tx)
	switch {
	case st == nil && l.finished.Has(m.Tx):
		l.finishedMessage(m, out)
		return nil
	case st != nil && st.members != m.Members:
		return core.Contradiction(m, "other members than before")
	}
	switch m.Type {
	case core.MsgBeginCommit:
		l.begin(m, out)
		return nil
	case core.MsgQuery:
		l.query(st, m, out)
		return nil
	case core.MsgRelay:
		l.relayed(st, m, out)
		return nil
	case core.MsgDone:
		return l.done(st, m, out)
	case core.MsgAbort:
		return l.aborted(st, m, out)
	default:
	}
	switch {
	case st != nil:
	case m.Type == core.MsgPhase2b && m.Bal == 0 && l.layout.Registrars > 0:
		st = l.watch(m, out) // BeginCommit went to the registrar
	default:
		l.drop(core.DropUnknown, m.Tx, out)
		return nil
	}
	switch m.Type {
	case core.MsgPhase1b:
		l.phase1b(st, m, out)
	case core.MsgPhase2b:
		l.phase2b(st, m, out)
	case core.MsgRejected:
		l.rejected(st, m, out)
	case core.MsgForgotten:
		l.heardForgotten(st, m, out)
	default:
		panic(fmt.Sprintf("paxoscommit: senders lets %v through", m))
	}
	return nil
}

// finishedMessage answers whoever still asks about a finished transaction.
func (l *leader) finishedMessage(m *core.Message, out *core.Output) {
	switch m.Type {
	case core.MsgDone:
		l.send(&out.Send, m.From, core.MsgForget, m.Tx, m.Members).Low = l.finished.Low(m.Tx)
	case core.MsgBeginCommit, core.MsgQuery:
		l.forgotten(m, out)
	default:
		l.drop(core.DropFinished, m.Tx, out)
	}
}

// begin starts a transaction: every other member is asked to prepare (sections 3.2 and 4.3).
func (l *leader) begin(m *core.Message, out *core.Output) {
	st := l.txs.Get(m.Tx)
	switch {
	case l.finished.Has(m.Tx), st != nil && !st.overtaken(m.From):
		l.drop(core.DropDuplicate, m.Tx, out)
		return
	case st == nil:
		st = l.watch(m, out)
	}
	l.sendPrepare(m.Tx, st, st.members.Without(m.From.ID), out)
}

// overtaken tells whether nothing is known but the vote of the resource manager that began: it came
// before its BeginCommit, and nobody else has been asked.
func (st *leaderTx) overtaken(rm core.Role) bool {
	return st.phase == watching && st.relayed.Instances() == core.SetOf(rm.ID)
}

// query is somebody wanting to know the outcome. Whoever does not know it watches, and takes over
// in time (section 6.4: anyone who wants to know drives the protocol).
func (l *leader) query(st *leaderTx, m *core.Message, out *core.Output) {
	switch {
	case st == nil:
		l.watch(m, out)
	case m.From.Kind == core.RM && !st.takers().Has(m.From.ID):
		l.send(&out.Send, m.From, core.MsgTooLate, m.Tx, st.members)
	case st.outcome != core.NoValue:
		l.tell(m.From, m.Tx, st, out)
	case st.phase == forgetting: // finished, and nobody here has learned how
		l.forgotten(m, out)
	default:
		l.drop(core.DropDuplicate, m.Tx, out)
	}
}

func (l *leader) watch(m *core.Message, out *core.Output) *leaderTx {
	st := l.add(m)
	l.armBoth(m.Tx, st, out)
	return st
}

func (l *leader) add(m *core.Message) *leaderTx {
	st := l.txs.Put(m.Tx)
	st.members, st.phase, st.closed = m.Members, watching, l.layout.Registrars == 0
	return st
}

// relayed is a vote for this leader to propose: it begins a ballot as soon as the votes that it
// knows settle the outcome. One that comes when its instance has been proposed must wait for the
// next ballot.
func (l *leader) relayed(st *leaderTx, m *core.Message, out *core.Output) {
	switch {
	case st == nil:
		st = l.watch(m, out)
	case st.phase >= decided, st.relayed.Instances()&m.Votes.Instances() != 0,
		st.told.isThere() && m.Val != core.NoValue:
		l.drop(core.DropDuplicate, m.Tx, out)
		return
	}
	st.relayed, st.told = st.relayed.Union(m.Votes), st.told.union(entryOf(m))
	settled := outcome(st.relayed, st.told, st.members, l.layout) != core.NoValue
	if st.phase == watching && settled {
		l.takeOver(m.Tx, out)
	}
}

// takeOver begins a ballot of this leader's own, higher than all it has heard of (PaxosCommit.tla,
// Phase1a). The ballot is durable before anybody hears of it, so that no restart uses it again.
func (l *leader) takeOver(tx core.TxID, out *core.Output) {
	st := l.txs.Get(tx)
	if st == nil || st.phase >= decided {
		l.drop(core.DropStale, tx, out)
		return
	}
	next := l.layout.NextBallot(l.id.ID, max(st.bal, st.seen))
	if next == 0 { // none left: the ballot that runs, or another leader, must do
		l.drop(core.DropStale, tx, out)
		return
	}
	st.phase, st.bal = preparing, next
	st.seen, st.promised, st.reported, st.votes, st.entry = 0, 0, 0, core.Votes{}, entry{}
	out.Write(core.RecordBallot, l.id, tx, st.members).Bal = st.bal
	l.toAcceptors(core.MsgPhase1a, tx, st, 0, &out.Gated)
	l.armBoth(tx, st, out)
}

// phase1b collects promises. A majority of them settles what may be proposed: in each instance the
// value reported in the highest ballot, and in one that is free the vote that was relayed, or
// else aborted, since nobody here may vote for its resource manager (section 4.1; PaxosCommit.tla,
// Phase2a).
func (l *leader) phase1b(st *leaderTx, m *core.Message, out *core.Output) {
	if st.phase != preparing || m.MBal != st.bal || st.promised.Has(m.From.ID) {
		l.drop(core.DropStale, m.Tx, out)
		return
	}
	st.promised = st.promised.With(m.From.ID)
	switch {
	case m.Bal > st.reported:
		st.reported, st.votes = m.Bal, m.Votes
		st.entry = entryOf(m)
	case m.Bal == st.reported:
		st.votes = st.votes.Union(m.Votes)
		st.entry = st.entry.union(entryOf(m))
	}
	if st.promised.Len() < l.layout.Majority() {
		return
	}
	st.phase = accepting
	st.votes.Prepared |= st.relayed.Prepared &^ st.votes.Aborted
	st.votes.Aborted = st.members &^ st.votes.Prepared
	if l.layout.Registrars > 0 {
		st.entry = st.entry.union(st.told).union(entry{val: core.Aborted})
	}
	l.toAcceptors(core.MsgPhase2a, m.Tx, st, 0, &out.Send)
}

// rejected is an acceptor that has promised a higher ballot: the next one begun here is above it.
func (l *leader) rejected(st *leaderTx, m *core.Message, out *core.Output) {
	if st.phase >= decided || m.MBal <= max(st.bal, st.seen) {
		l.drop(core.DropStale, m.Tx, out)
		return
	}
	st.seen = m.MBal
}

// phase2b finds out what has been chosen, and with that the outcome (PaxosCommit.tla, Decide).
func (l *leader) phase2b(st *leaderTx, m *core.Message, out *core.Output) {
	if st.phase >= decided {
		l.drop(core.DropStale, m.Tx, out)
		return
	}
	chosen, e := st.learned.learn(m, l.layout)
	if v := outcome(chosen, e, st.members, l.layout); v != core.NoValue {
		l.decide(m.Tx, st, v, e.joined, out)
		l.tellAll(m.Tx, st, out)
	}
}

// aborted is a resource manager that says that it voted aborted in ballot 0, which settles the
// outcome (section 4.2).
func (l *leader) aborted(st *leaderTx, m *core.Message, out *core.Output) error {
	switch {
	case st != nil && st.outcome == core.Committed:
		return core.Contradiction(m, "committed")
	case st != nil && st.phase >= decided:
		l.drop(core.DropDuplicate, m.Tx, out)
		return nil
	case st == nil:
		st = l.add(m)
	}
	l.decide(m.Tx, st, core.Aborted, 0, out)
	l.tellAll(m.Tx, st, out)
	return nil
}

func (l *leader) decide(
	tx core.TxID, st *leaderTx, v core.Value, set core.Set, out *core.Output,
) {
	l.stopBallots(tx, st, decided, out)
	st.outcome = v
	if v == core.Committed {
		st.set = set
	}
	out.Decide(v, l.id, tx, st.members)
	l.armRetry(tx, st, out)
}

// stopBallots moves on to a phase in which no ballot matters, and drops what was known of them.
func (l *leader) stopBallots(tx core.TxID, st *leaderTx, p phase, out *core.Output) {
	st.phase = p
	st.seen, st.promised, st.reported, st.votes = 0, 0, 0, core.Votes{}
	st.learned, st.relayed = learner{}, core.Votes{}
	st.entry, st.told = entry{}, entry{}
	core.PutTimer(&out.Disarm, core.TimerTakeOver, l.id, tx, l.awaitVotes(st))
}

// done is a member that has applied the outcome. It is how a leader that was not there, or in
// Faster Paxos Commit never is, learns of it.
func (l *leader) done(st *leaderTx, m *core.Message, out *core.Output) error {
	switch {
	case st != nil && st.outcome != core.NoValue && (st.outcome != m.Val || st.set != m.Joined):
		return core.Contradiction(m, "another outcome is known here")
	case st != nil && (st.done.Has(m.From.ID) || st.phase == forgetting):
		l.drop(core.DropDuplicate, m.Tx, out)
		return nil
	case st == nil:
		st = l.add(m)
	}
	if st.phase < decided {
		l.decide(m.Tx, st, m.Val, m.Joined, out)
	}
	st.done = st.done.With(m.From.ID)
	if st.done == st.takers() {
		l.startForgetting(m.Tx, st, out)
	}
	return nil
}

// heardForgotten is somebody who has forgotten the transaction, so every member is done. This
// leader forgets it once all members have, and a majority of acceptors: one that is down learns it
// later, from the low-water mark of another transaction.
func (l *leader) heardForgotten(st *leaderTx, m *core.Message, out *core.Output) {
	l.finished.Raise(m.Tx, m.Low)
	switch m.From.Kind {
	case core.RM:
		st.forgotten = st.forgotten.With(m.From.ID)
	case core.Registrar:
		st.closed = true
	default:
		st.cleared = st.cleared.With(m.From.ID)
	}
	switch {
	case st.phase < decided:
		l.stopBallots(m.Tx, st, forgetting, out)
		l.startForgetting(m.Tx, st, out)
	case st.phase == decided:
		l.startForgetting(m.Tx, st, out)
	case st.takers()&^st.forgotten == 0 && st.cleared.Len() >= l.layout.Majority() && st.closed:
		l.finish(m.Tx, st, out)
	}
}

// finish forgets a transaction here too. Only a leader that has a ballot in its log writes that
// down; any other would find out again from those who have.
func (l *leader) finish(tx core.TxID, st *leaderTx, out *core.Output) {
	if st.bal > 0 {
		out.Write(core.RecordForget, l.id, tx, st.members).Low = l.finished.Low(tx)
	}
	core.PutTimer(&out.Disarm, core.TimerRetry, l.id, tx, l.awaitAnswers(st))
	core.Forget(&l.finished, &l.txs, tx, 0)
}

func (l *leader) startForgetting(tx core.TxID, st *leaderTx, out *core.Output) {
	st.phase = forgetting
	l.forget(tx, st, out)
	l.armRetry(tx, st, out)
}

// forget tells everybody who may still remember.
func (l *leader) forget(tx core.TxID, st *leaderTx, out *core.Output) {
	low := l.finished.Low(tx)
	for s := st.takers() &^ st.forgotten; s != 0; s &= s - 1 {
		rm := core.Role{Kind: core.RM, ID: s.First()}
		l.send(&out.Send, rm, core.MsgForget, tx, st.members).Low = low
	}
	for s := core.FullSet(l.layout.Acceptors) &^ st.cleared; s != 0; s &= s - 1 {
		acc := core.Role{Kind: core.Acceptor, ID: s.First()}
		l.send(&out.Send, acc, core.MsgForget, tx, st.members).Low = low
	}
	if !st.closed {
		l.send(&out.Send, theRegistrar(), core.MsgForget, tx, st.members).Low = low
	}
}

// Timer says again what has had no answer, or waits no longer.
func (l *leader) Timer(k core.TimerKind, tx core.TxID, out *core.Output) bool {
	switch k {
	case core.TimerRetry:
		l.retry(tx, out)
	case core.TimerTakeOver:
		l.takeOver(tx, out)
	default:
		return false
	}
	return true
}

// retry says again what has had no answer.
func (l *leader) retry(tx core.TxID, out *core.Output) {
	st := l.txs.Get(tx)
	if st == nil {
		l.drop(core.DropStale, tx, out)
		return
	}
	switch st.phase {
	case watching:
		if l.layout.Registrars == 0 { // which knows better whom to ask
			l.sendPrepare(tx, st, st.members, out)
		}
	case preparing:
		l.toAcceptors(core.MsgPhase1a, tx, st, st.promised, &out.Gated)
	case accepting:
		l.toAcceptors(core.MsgPhase2a, tx, st, 0, &out.Send)
	case decided:
		l.tellAll(tx, st, out)
	case forgetting:
		l.forget(tx, st, out)
	}
	l.armRetry(tx, st, out)
}

func (l *leader) Restore(rec *core.Record) {
	if rec.Type == core.RecordForget {
		core.Forget(&l.finished, &l.txs, rec.Tx, rec.Low)
		return
	}
	st := l.txs.Put(rec.Tx)
	st.members, st.phase, st.bal = rec.Members, watching, rec.Bal
	st.closed = l.layout.Registrars == 0
}

func (l *leader) Restart(out *core.Output) {
	for _, i := range l.txs.Sorted(nil) {
		tx, st := l.txs.At(int(i))
		l.armBoth(tx, st, out)
	}
}

func (l *leader) sendPrepare(tx core.TxID, st *leaderTx, to core.Set, out *core.Output) {
	for ; to != 0; to &= to - 1 {
		rm := core.Role{Kind: core.RM, ID: to.First()}
		l.send(&out.Send, rm, core.MsgPrepare, tx, st.members)
	}
}

// tellAll tells the outcome to everybody who has not applied it.
func (l *leader) tellAll(tx core.TxID, st *leaderTx, out *core.Output) {
	for s := st.takers() &^ st.done; s != 0; s &= s - 1 {
		l.tell(core.Role{Kind: core.RM, ID: s.First()}, tx, st, out)
	}
}

func (l *leader) tell(to core.Role, tx core.TxID, st *leaderTx, out *core.Output) {
	l.send(&out.Send, to, core.OutcomeMsg(st.outcome), tx, st.members).Joined = st.set
}

// toAcceptors sends phase 1a or 2a of the current ballot to every acceptor but those in except.
func (l *leader) toAcceptors(
	t core.MsgType, tx core.TxID, st *leaderTx, except core.Set, where *[]core.Message,
) {
	for s := core.FullSet(l.layout.Acceptors) &^ except; s != 0; s &= s - 1 {
		m := l.send(where, core.Role{Kind: core.Acceptor, ID: s.First()}, t, tx, st.members)
		m.Bal = st.bal
		if t == core.MsgPhase2a {
			m.Votes = st.votes
			m.Val, m.Joined = st.entry.val, st.entry.joined
		}
	}
}

func (l *leader) armBoth(tx core.TxID, st *leaderTx, out *core.Output) {
	l.armRetry(tx, st, out)
	core.PutTimer(&out.Arm, core.TimerTakeOver, l.id, tx, l.awaitVotes(st))
}

func (l *leader) armRetry(tx core.TxID, st *leaderTx, out *core.Output) {
	core.PutTimer(&out.Arm, core.TimerRetry, l.id, tx, l.awaitAnswers(st))
}

// awaitAnswers is what the retry timer waits for.
func (l *leader) awaitAnswers(st *leaderTx) core.Await {
	switch {
	case st.phase == decided:
		return core.Await{Kind: core.RM, IDs: st.takers() &^ st.done}
	case st.phase == forgetting && st.takers()&^st.forgotten != 0:
		return core.Await{Kind: core.RM, IDs: st.takers() &^ st.forgotten}
	case st.phase == forgetting && !st.closed:
		return core.Await{Kind: core.Registrar, IDs: core.SetOf(theRegistrar().ID)}
	}
	return core.Await{Kind: core.Acceptor, IDs: core.FullSet(l.layout.Majority())}
}

// awaitVotes is what the timer to take over waits for: the first leader, or, at the first leader,
// the registrar's set and then the members' votes.
func (l *leader) awaitVotes(st *leaderTx) core.Await {
	switch {
	case l.id != firstLeader():
		return core.Await{Kind: core.Leader, IDs: core.SetOf(firstLeader().ID)}
	case l.layout.Registrars > 0 && !st.learned.entry.isThere():
		return core.Await{Kind: core.Registrar, IDs: core.SetOf(theRegistrar().ID)}
	case l.layout.Registrars > 0:
		return core.Await{Kind: core.RM, IDs: st.learned.entry.joined}
	}
	return core.Await{Kind: core.RM, IDs: st.members}
}
