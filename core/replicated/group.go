package replicated

import (
	"encoding/binary"

	"paxoscommit/core"
)

// replica is what the replicas of all groups have in common: each is an acceptor of its group's log
// and a possible leader of its group.
type replica struct {
	layout   *core.Layout
	id       core.Role
	finished core.Finished
}

// entries are the places that a group's log has for one transaction; a place without a value is
// free. A coordinator group votes on nothing.
type entries struct {
	vote core.Value // Prepare entry: Prepared or Aborted
	val  core.Value // Outcome or Decision entry: Committed or Aborted
}

// log is what one replica knows of its group's log for one transaction. Durable are members, mbal,
// bal and accepted; that this replica leads follows from these and promised.
type log struct {
	members  core.Set
	mbal     core.Ballot // promised: nothing below it will be accepted
	bal      core.Ballot // the ballot in which accepted was accepted
	accepted entries
	chosen   entries     // what is known here to be chosen
	seen     core.Ballot // the highest promise heard of
	promised core.Set    // replicas whose 1b of mbal, this one's own ballot, is here
	reported core.Ballot // the highest ballot that these have accepted something in
	found    entries     // what they have accepted in it
	voteBy   core.Set    // replicas that have accepted the vote in bal, this one's own ballot
	valBy    core.Set    // replicas that have accepted the value in it
}

func (r *replica) reset(l *core.Layout, id core.Role) {
	r.layout, r.id = l, id
	r.finished.Clear()
}

func (r *replica) copyFrom(src *replica) {
	r.layout, r.id = src.layout, src.id
	r.finished.CopyFrom(&src.finished)
}

func (r *replica) majority() int { return r.layout.Replicas/2 + 1 }

// peers are the other replicas of the group.
func (r *replica) peers() core.Set {
	return core.FullSet(r.layout.Replicas).Without(r.id.Replica)
}

// owns tells whether a ballot belongs to this replica.
func (r *replica) owns(b core.Ballot) bool { return owner(r.layout, b) == r.id.Replica }

// owner returns the replica that a ballot of any group belongs to: ballot 0 to the first, and those
// above go round.
func owner(l *core.Layout, b core.Ballot) uint8 {
	if b == 0 {
		return 1
	}
	return core.BallotOwner(l.Replicas, b)
}

// leads tells whether this replica may propose what it likes in a free place: the ballot that it
// has promised is its own, and either something was proposed in it, so that every place was settled
// that phase 1 found taken, or phase 1 is over.
func (r *replica) leads(l *log) bool {
	return r.owns(l.mbal) && l.seen <= l.mbal &&
		(l.bal == l.mbal || l.promised.Len() >= r.majority())
}

// takeOver begins a ballot of this replica's own, above all it has heard of. Its own promise is
// durable before anybody hears of it, so that no restart uses the ballot again. It returns false if
// ballots have run out.
func (r *replica) takeOver(tx core.TxID, l *log, out *core.Output) bool {
	next := core.NextBallot(r.layout.Replicas, r.id.Replica, max(l.mbal, l.seen))
	if next == 0 {
		r.drop(core.DropStale, tx, out)
		return false
	}
	l.raise(next)
	r.promise(l)
	r.record(tx, l, out)
	r.sendPhase1a(tx, l, out)
	return true
}

func (r *replica) sendPhase1a(tx core.TxID, l *log, out *core.Output) {
	for s := r.peers() &^ l.promised; s != 0; s &= s - 1 {
		r.send(&out.Gated, r.peer(s.First()), core.MsgPhase1a, tx, l.members).Bal = l.mbal
	}
}

// propose has the group accept entries in the ballot that this replica leads: itself first, so that
// what it proposed is never forgotten. In ballot 0 as many are asked as are needed. In every ballot
// later proposals add to earlier ones.
func (r *replica) propose(tx core.TxID, l *log, e entries, out *core.Output) {
	if l.bal != l.mbal {
		l.voteBy, l.valBy = 0, 0
	}
	l.raise(l.mbal)
	l.bal, l.accepted = l.mbal, e
	r.record(tx, l, out)
	to := r.peers()
	if l.bal == 0 {
		to &= core.FullSet(r.majority())
	}
	r.sendPhase2a(tx, l, to, out)
	r.accept(l, r.id.Replica, e)
}

func (r *replica) sendPhase2a(tx core.TxID, l *log, to core.Set, out *core.Output) {
	for ; to != 0; to &= to - 1 {
		m := r.send(&out.Gated, r.peer(to.First()), core.MsgPhase2a, tx, l.members)
		m.Bal, m.Votes, m.Val = l.bal, r.votes(l.accepted), l.accepted.val
	}
}

// accept counts a replica that has accepted entries in this one's ballot: what a majority has
// accepted is chosen.
func (r *replica) accept(l *log, by uint8, e entries) {
	if e.vote != core.NoValue {
		l.voteBy = l.voteBy.With(by)
	}
	if e.val != core.NoValue {
		l.valBy = l.valBy.With(by)
	}
	if l.voteBy.Len() >= r.majority() {
		l.chosen.vote = l.accepted.vote
	}
	if l.valBy.Len() >= r.majority() {
		l.chosen.val = l.accepted.val
	}
}

// phase1a promises to accept nothing below the ballot, and reports what has been accepted.
func (r *replica) phase1a(l *log, m *core.Message, out *core.Output) {
	switch {
	case m.Bal > l.mbal:
		l.raise(m.Bal)
		r.record(m.Tx, l, out)
	case m.Bal < l.mbal:
		r.reject(l, m, out)
		return
	case l.bal == l.mbal:
		r.drop(core.DropStale, m.Tx, out)
		return
	}
	promise := r.send(&out.Gated, m.From, core.MsgPhase1b, m.Tx, l.members)
	promise.MBal, promise.Bal = m.Bal, l.bal
	promise.Votes, promise.Val = r.votes(l.accepted), l.accepted.val
}

// phase1b collects promises, and what the replicas have accepted in the highest ballot that any of
// them reports: that ballot's leader proposed in it all that was chosen below. It returns true when
// this replica leads by it.
func (r *replica) phase1b(l *log, m *core.Message, out *core.Output) bool {
	if m.MBal != l.mbal || !r.owns(l.mbal) || l.bal == l.mbal || r.leads(l) ||
		l.promised.Has(m.From.Replica) {
		r.drop(core.DropStale, m.Tx, out)
		return false
	}
	l.promised = l.promised.With(m.From.Replica)
	switch e := r.entriesOf(m); {
	case m.Bal > l.reported:
		l.reported, l.found = m.Bal, e
	case m.Bal == l.reported:
		l.found.vote, l.found.val = max(l.found.vote, e.vote), max(l.found.val, e.val)
	}
	return r.leads(l)
}

// phase2a accepts entries unless a higher ballot has been promised. Within a ballot it adds them to
// what it has.
func (r *replica) phase2a(l *log, m *core.Message, out *core.Output) {
	if m.Bal < l.mbal {
		r.reject(l, m, out)
		return
	}
	e := r.entriesOf(m)
	if m.Bal == l.bal {
		e.vote, e.val = max(l.accepted.vote, e.vote), max(l.accepted.val, e.val)
	}
	if m.Bal > l.bal {
		l.voteBy, l.valBy = 0, 0
	}
	if m.Bal > l.bal || e != l.accepted {
		l.raise(m.Bal)
		l.bal, l.accepted = m.Bal, e
		r.record(m.Tx, l, out)
	}
	answer := r.send(&out.Gated, m.From, core.MsgPhase2b, m.Tx, l.members)
	answer.Bal, answer.Votes, answer.Val = l.bal, r.votes(l.accepted), l.accepted.val
}

// raise promises a ballot, and drops what phase 1 of a lower one has collected.
func (l *log) raise(b core.Ballot) {
	l.mbal = b
	l.promised, l.reported, l.found = 0, 0, entries{}
	if l.seen <= b {
		l.seen = 0
	}
}

// phase2b counts a replica that has accepted.
func (r *replica) phase2b(l *log, m *core.Message, out *core.Output) {
	if m.Bal != l.bal || !r.owns(l.bal) {
		r.drop(core.DropStale, m.Tx, out)
		return
	}
	r.accept(l, m.From.Replica, r.entriesOf(m))
}

// rejected is a replica that has promised a higher ballot: this one's is over.
func (r *replica) rejected(l *log, m *core.Message, out *core.Output) {
	if m.MBal <= max(l.mbal, l.seen) {
		r.drop(core.DropStale, m.Tx, out)
		return
	}
	l.seen = m.MBal
}

func (r *replica) reject(l *log, m *core.Message, out *core.Output) {
	answer := r.send(&out.Gated, m.From, core.MsgRejected, m.Tx, l.members)
	answer.MBal, answer.Bal = l.mbal, m.Bal
}

// again says again what a leader, or one that wants to be, has said to its group. It returns false
// if nothing of that is waiting for an answer: then it only shows that the leader lives.
func (r *replica) again(tx core.TxID, l *log, out *core.Output) bool {
	switch {
	case !r.owns(l.mbal) || l.seen > l.mbal:
		return false
	case !r.leads(l):
		r.sendPhase1a(tx, l, out)
		return true
	case l.bal == l.mbal && l.accepted != (entries{}):
		r.sendPhase2a(tx, l, r.peers(), out)
		return l.accepted != l.chosen
	default:
		return false
	}
}

func (r *replica) restoreLog(l *log, rec *core.Record) {
	*l = log{
		members: rec.Members, mbal: rec.MBal, bal: rec.Bal,
		accepted: entries{vote: rec.Votes.Of(r.instance()), val: rec.Val},
	}
}

// restart has a replica count itself again: what it had accepted it still accepts, and what it had
// promised to itself it still promises.
func (r *replica) restart(l *log) {
	switch {
	case !r.owns(l.mbal):
	case l.bal == l.mbal:
		r.accept(l, r.id.Replica, l.accepted)
	default:
		r.promise(l)
	}
}

// promise starts phase 1 of this replica's own ballot with its own promise.
func (r *replica) promise(l *log) {
	l.promised = core.SetOf(r.id.Replica)
	l.reported, l.found = l.bal, l.accepted
}

// forget writes down that a transaction is finished, and all of its origin and epoch up to low.
func (r *replica) forget(tx core.TxID, members core.Set, low uint32, out *core.Output) {
	out.Write(core.RecordForget, r.id, tx, members).Low = low
	core.PutTimer(&out.Disarm, core.TimerRetry, r.id, tx, core.Await{})
	r.stopWatching(tx, out)
}

// forgotten answers a message about a finished transaction, so that its sender stops asking.
func (r *replica) forgotten(m *core.Message, out *core.Output) {
	switch m.Type {
	case core.MsgForget, core.MsgForgotten, core.MsgPhase1b, core.MsgPhase2b, core.MsgRejected:
		r.drop(core.DropFinished, m.Tx, out)
		return
	default:
	}
	if m.From.Kind == core.Resource {
		r.drop(core.DropFinished, m.Tx, out)
		return
	}
	answer := r.send(&out.Gated, m.From, core.MsgForgotten, m.Tx, m.Members)
	answer.Low = r.finished.Low(m.Tx)
}

func (r *replica) record(tx core.TxID, l *log, out *core.Output) {
	rec := out.Write(core.RecordAcceptor, r.id, tx, l.members)
	rec.MBal, rec.Bal, rec.Votes, rec.Val = l.mbal, l.bal, r.votes(l.accepted), l.accepted.val
}

// instance is the number under which a group's vote stands in core.Votes; a coordinator group has
// none, and reads that of resource manager 1, which is empty in all that it gets.
func (r *replica) instance() uint8 { return r.id.ID }

func (r *replica) votes(e entries) core.Votes {
	if e.vote == core.NoValue {
		return core.Votes{}
	}
	return core.VoteOf(r.instance(), e.vote)
}

func (r *replica) entriesOf(m *core.Message) entries {
	return entries{vote: m.Votes.Of(r.instance()), val: m.Val}
}

func (r *replica) peer(replica uint8) core.Role {
	return core.Role{Kind: r.id.Kind, ID: r.id.ID, Replica: replica}
}

// send puts a message from this role into one of the lists of an output.
func (r *replica) send(
	where *[]core.Message, to core.Role, t core.MsgType, tx core.TxID, members core.Set,
) *core.Message {
	return core.PutMessage(where, t, r.id, to, tx, members)
}

func (r *replica) drop(why core.DropReason, tx core.TxID, out *core.Output) {
	out.Drop(why, r.id, tx)
}

func (r *replica) arm(kind core.TimerKind, tx core.TxID, await core.Await, out *core.Output) {
	core.PutTimer(&out.Arm, kind, r.id, tx, await)
}

// watch has a replica that does not lead take over, if it hears nothing more from who does. What
// others say does not arm the timer again: who asks more often than it runs would keep it from
// ever running out.
func (r *replica) watch(tx core.TxID, l *log, out *core.Output) {
	await := core.Await{Kind: r.id.Kind, IDs: core.SetOf(r.id.ID), Replicas: r.peers()}
	if leader := owner(r.layout, max(l.mbal, l.seen)); leader != r.id.Replica {
		await.Replicas = core.SetOf(leader)
	}
	r.arm(core.TimerTakeOver, tx, await, out)
}

func (r *replica) stopWatching(tx core.TxID, out *core.Output) {
	core.PutTimer(&out.Disarm, core.TimerTakeOver, r.id, tx, core.Await{})
}

// awaitGroup is for what the group's own replicas have to answer.
func (r *replica) awaitGroup() core.Await {
	return core.Await{Kind: r.id.Kind, IDs: core.SetOf(r.id.ID), Replicas: r.peers()}
}

func (l *log) appendKey(dst []byte) []byte {
	for _, n := range [...]uint64{
		uint64(l.members), uint64(l.mbal), uint64(l.bal), uint64(l.seen), uint64(l.promised),
		uint64(l.reported), uint64(l.voteBy), uint64(l.valBy),
	} {
		dst = binary.AppendUvarint(dst, n)
	}
	for _, e := range [...]entries{l.accepted, l.chosen, l.found} {
		dst = append(dst, byte(e.vote), byte(e.val))
	}
	return dst
}
