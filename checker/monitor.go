package checker

import (
	"fmt"
	"slices"

	"paxoscommit/core"
	"paxoscommit/core/bank"
)

// Txn is one transaction of a run: who asks which resource manager for it, who takes part, and what
// it does. With a registrar some members are optional: they may take part and need not, for they
// have no work in it.
type Txn struct {
	ID       core.TxID
	RM       uint8
	Members  core.Set
	Optional core.Set // of Members
	Work     bank.Work
}

// Must returns the members that must take part.
func (t *Txn) Must() core.Set { return t.Members &^ t.Optional }

// Monitor watches one run. Reset makes it ready. Transactions are named by their index in the list
// given to Reset.
type Monitor struct {
	layout    *core.Layout
	txns      []Txn
	accounts  int
	opening   int64
	facts     []facts
	expected  [bank.MaxAccounts]int64 // balances, from what has been applied
	committed []int                   // transactions in the order of their commit points
	restarted core.NodeSet            // nodes that have come back from a crash
	step      int
	reached   Milestones
	violation *Violation
	part      bool // it watches a part of the run: see ResetPart
}

// facts is what the monitor knows of one transaction.
type facts struct {
	votes    core.Votes // durable at the resource managers
	chosen   core.Votes // by a majority of acceptors, durably
	ballots  []ballotFacts
	promised [core.MaxAcceptors]core.Ballot // durable
	revealed revealed
	outcome  core.Value // the first that any process learned
	learner  core.Role
	// rm holds the durable outcomes: committed under Prepared, aborted under Aborted.
	rm       core.Votes
	begun    [core.MaxLeaders]core.Ballot // the highest ballot of each leader, durable
	gone     forgetters                   // durable
	held     core.Set                     // databases that hold it prepared
	applied  core.Set                     // databases that have applied its outcome
	reads    [bank.MaxAccounts]int64
	commitAt int // step of the commit point
	invoked  int // step, or -1
	returned int // step, or -1
	answer   core.Value
	told     bool // the client was told that it is finished

	// Of replicated roles only; the votes above, rm and outcome are then what groups have chosen.
	decision core.Value // of the transaction manager's group
	replicas []replica  // see Monitor.replica
	entries  []entryBallot
	claims   claims // in a part only

	registered registered
}

// ballotFacts is what each acceptor has durably accepted in one ballot.
type ballotFacts struct {
	bal   core.Ballot
	votes [core.MaxAcceptors]core.Votes
	entry entryFacts // of the registrar's instance
}

// revealed is what processes have told others of their state.
type revealed struct {
	votes    core.Votes
	promise  [core.MaxAcceptors]core.Ballot
	accepted [core.MaxAcceptors]core.Ballot
	accepts  [core.MaxAcceptors]core.Votes // in that ballot
	begun    [core.MaxLeaders]core.Ballot
	outcomes core.Votes // to its resource or a leader, as in facts.rm
	decided  core.Value // Committed if a transaction manager that is not replicated has said so
	gone     forgetters
}

// Reset makes m watch a new run of these transactions, over accounts that each open with the given
// balance.
func (m *Monitor) Reset(l *core.Layout, txns []Txn, accounts int, opening int64) {
	m.layout, m.txns, m.accounts, m.opening = l, txns, accounts, opening
	m.facts = slices.Grow(m.facts[:0], len(txns))[:len(txns)]
	for i := range m.facts {
		f := &m.facts[i]
		n := numReplicas(l)
		replicas := slices.Grow(f.replicas[:0], n)[:n]
		clear(replicas)
		*f = facts{
			ballots: f.ballots[:0], replicas: replicas, entries: f.entries[:0],
			invoked: -1, returned: -1, commitAt: -1,
		}
	}
	for i := range accounts {
		m.expected[i] = opening
	}
	m.committed = m.committed[:0]
	m.restarted, m.step, m.reached, m.violation, m.part = core.NodeSet{}, 0, 0, nil, false
}

// Step tells the monitor the time.
func (m *Monitor) Step(n int) { m.step = n }

// Violation returns the first property that was broken, or nil.
func (m *Monitor) Violation() *Violation { return m.violation }

// Reached returns the milestones of the run so far.
func (m *Monitor) Reached() Milestones { return m.reached }

// Broken reports a violation that somebody else has found; only the first counts.
func (m *Monitor) Broken(p Property, detail string) {
	if m.violation == nil {
		m.violation = &Violation{Property: p, Detail: detail, Step: m.step}
	}
}

func (m *Monitor) brokenf(p Property, format string, args ...any) {
	if m.violation == nil && (!m.part || p != Validity) {
		m.violation = &Violation{Property: p, Detail: fmt.Sprintf(format, args...), Step: m.step}
	}
}

func (m *Monitor) reach(s Milestone) { m.reached |= 1 << s }

// find returns the index of a transaction, or reports that nobody asked for it.
func (m *Monitor) find(tx core.TxID) (int, bool) {
	for i := range m.txns {
		if m.txns[i].ID == tx {
			return i, true
		}
	}
	m.brokenf(Contract, "a transaction that nobody asked for: %v", tx)
	return 0, false
}

// Durable takes a record that has become durable.
func (m *Monitor) Durable(r *core.Record) {
	if r.Type == core.RecordBallot && r.Role.Kind == core.TM {
		return // it counts its restarts, for no transaction
	}
	i, ok := m.find(r.Tx)
	if !ok {
		return
	}
	switch r.Type {
	case core.RecordVote, core.RecordJoin:
		if r.Role.Kind == core.Registrar {
			m.registered(i, r)
		} else {
			m.voted(i, r)
		}
	case core.RecordOutcome:
		if r.Role.Kind == core.TM {
			m.facts[i].decision = r.Val
			m.Learned(&core.Decision{Role: r.Role, Val: r.Val, Tx: r.Tx, Members: r.Members})
		} else {
			m.finished(i, r)
		}
	case core.RecordAcceptor:
		if r.Role.Replica > 0 {
			m.replicaAccepted(i, r)
		} else {
			m.accepted(i, r)
		}
	case core.RecordBallot:
		m.begun(i, r)
	case core.RecordForget:
		m.forgot(r)
	case core.NoRecord, core.RecordPreCommit:
	}
}

func (m *Monitor) voted(i int, r *core.Record) {
	f := &m.facts[i]
	switch before := f.votes.Of(r.Role.ID); {
	case before != core.NoValue && before != r.Val:
		m.brokenf(History, "%v voted %v on %v, having voted %v", r.Role, r.Val, r.Tx, before)
	case r.Val == core.Prepared && f.rm.Aborted.Has(r.Role.ID):
		m.brokenf(History, "%v prepares %v, which it has aborted", r.Role, r.Tx)
	}
	m.checkRemembered(f, r)
	f.votes = f.votes.Union(core.VoteOf(r.Role.ID, r.Val))
	m.judgeVoters(i)
}

// finished is a resource manager's own outcome: it must be a step of TCommit.tla.
func (m *Monitor) finished(i int, r *core.Record) {
	f := &m.facts[i]
	id, members := r.Role.ID, m.Takers(i)
	switch r.Val {
	case core.Committed:
		switch {
		case !members.Has(id):
			m.brokenf(Validity, "%v commits %v, in which only rm {%v} take part", r.Role, r.Tx, members)
		case f.rm.Aborted.Has(id):
			m.brokenf(History, "%v commits %v, which it has aborted", r.Role, r.Tx)
		case f.votes.Prepared&members != members:
			m.brokenf(Validity, "%v commits %v, but only rm {%v} are prepared",
				r.Role, r.Tx, f.votes.Prepared)
		case f.rm.Aborted != 0:
			m.brokenf(Consistency, "%v commits %v, which rm {%v} aborted",
				r.Role, r.Tx, f.rm.Aborted)
		}
		f.rm.Prepared = f.rm.Prepared.With(id)
	default:
		switch {
		case f.rm.Prepared.Has(id):
			m.brokenf(History, "%v aborts %v, which it has committed", r.Role, r.Tx)
		case f.rm.Prepared != 0:
			m.brokenf(Consistency, "%v aborts %v, which rm {%v} committed",
				r.Role, r.Tx, f.rm.Prepared)
		}
		f.rm.Aborted = f.rm.Aborted.With(id)
	}
	m.checkRemembered(f, r)
	m.checkOutcomeKept(f, r)
	m.Learned(&core.Decision{Role: r.Role, Val: r.Val, Tx: r.Tx, Members: r.Members})
}

// accepted is the state of an acceptor: what it has accepted may complete a majority.
func (m *Monitor) accepted(i int, r *core.Record) {
	f, acc := &m.facts[i], r.Role.ID-1
	if m.restarted.Has(m.layout.NodeOf(r.Role)) {
		m.checkAcceptorKept(f, r)
	}
	m.checkRemembered(f, r)
	f.promised[acc] = max(f.promised[acc], r.MBal)
	if r.Val != core.NoValue {
		m.acceptedEntry(i, r)
	}
	if r.Votes.Instances() == 0 {
		return
	}
	b := f.ballot(r.Bal)
	b.votes[acc] = b.votes[acc].Union(r.Votes)
	for s := r.Votes.Instances(); s != 0; s &= s - 1 {
		ins := s.First()
		v := r.Votes.Of(ins)
		if v == core.Prepared && !f.votes.Prepared.Has(ins) {
			m.brokenf(Validity, "%v accepts prepared for rm%d in ballot %d of %v, and rm%d never prepared",
				r.Role, ins, r.Bal, r.Tx, ins)
		}
		if m.count(b, ins, v) >= m.layout.Majority() {
			m.choose(i, ins, v, b.bal)
		}
	}
}

// checkAcceptorKept compares what an acceptor writes after a restart with what it had told before.
func (m *Monitor) checkAcceptorKept(f *facts, r *core.Record) {
	acc := r.Role.ID - 1
	if r.MBal < f.revealed.promise[acc] {
		m.brokenf(Durability, "%v forgot in a crash its promise of ballot %d of %v, and promises %d",
			r.Role, f.revealed.promise[acc], r.Tx, r.MBal)
	}
	told := f.revealed.accepts[acc]
	if r.Bal < f.revealed.accepted[acc] ||
		r.Bal == f.revealed.accepted[acc] && (told.Union(r.Votes) != r.Votes ||
			f.registered.told.Has(r.Role.ID) && r.Val == core.NoValue) {
		m.brokenf(Durability, "%v has forgotten in a crash what it accepted in ballot %d of %v",
			r.Role, f.revealed.accepted[acc], r.Tx)
	}
}

func (m *Monitor) count(b *ballotFacts, ins uint8, v core.Value) int {
	n := 0
	for a := range m.layout.Acceptors {
		votes := b.votes[a].Prepared
		if v == core.Aborted {
			votes = b.votes[a].Aborted
		}
		if votes.Has(ins) {
			n++
		}
	}
	return n
}

func (m *Monitor) choose(i int, ins uint8, v core.Value, bal core.Ballot) {
	f := &m.facts[i]
	switch f.chosen.Of(ins) {
	case v:
		return
	case core.NoValue:
	default:
		m.brokenf(Agreement, "%v is chosen for rm%d of %v in ballot %d, and %v was chosen before",
			v, ins, m.txns[i].ID, bal, f.chosen.Of(ins))
		return
	}
	f.chosen = f.chosen.Union(core.VoteOf(ins, v))
	m.reachChosen(bal, v, f.votes.Of(ins) != core.NoValue)
	m.checkCommitPoint(i)
}

// reachChosen notes that a value is chosen in a ballot; voted tells whether whose instance it is
// had proposed one.
func (m *Monitor) reachChosen(bal core.Ballot, v core.Value, voted bool) {
	if bal == 0 {
		return
	}
	m.reach(SawHigherBallot)
	switch {
	case v == core.Prepared:
		m.reach(SawRescued)
	case !voted:
		m.reach(SawFreeAborted)
	}
}

func (m *Monitor) checkCommitPoint(i int) {
	if m.facts[i].chosen.Outcome(m.Takers(i)) == core.Committed && m.isSetChosen(i) {
		m.commitPoint(i)
	}
}

// commitPoint is the moment at which a transaction is committed, whether or not anybody knows it
// yet.
func (m *Monitor) commitPoint(i int) {
	f := &m.facts[i]
	if f.commitAt < 0 {
		f.commitAt = m.step
		m.committed = append(m.committed, i)
	}
}

// Learned takes an outcome that a process has learned.
func (m *Monitor) Learned(d *core.Decision) {
	i, ok := m.find(d.Tx)
	if !ok {
		return
	}
	f, members := &m.facts[i], m.Takers(i)
	if f.outcome != core.NoValue {
		if f.outcome != d.Val {
			m.brokenf(Consistency, "%v learns that %v is %v, and %v has learned that it is %v",
				d.Role, d.Tx, d.Val, f.learner, f.outcome)
		}
		return
	}
	f.outcome, f.learner = d.Val, d.Role
	switch d.Val {
	case core.Committed:
		m.reach(SawCommit)
		if m.txns[i].Work.Read != 0 {
			m.reach(SawReadCommitted)
		}
		if members != m.txns[i].Members {
			m.reach(SawSubset)
		}
		if f.votes.Prepared&members != members {
			m.brokenf(Validity, "%v learns that %v is committed, but only rm {%v} are prepared",
				d.Role, d.Tx, f.votes.Prepared)
		}
		if m.layout.Acceptors > 0 && f.chosen.Outcome(members) != core.Committed {
			m.brokenf(Validity, "%v learns that %v is committed, but prepared is chosen only for rm {%v}",
				d.Role, d.Tx, f.chosen.Prepared)
		}
		if !m.isSetChosen(i) {
			m.brokenf(Validity, "%v learns that %v is committed, but it was not chosen that rm %v take part",
				d.Role, d.Tx, m.txns[i].Must())
		}
		m.commitPoint(i)
	default:
		m.reach(SawAbort)
		if m.layout.Acceptors > 0 && f.chosen.Aborted&members|f.votes.Aborted == 0 &&
			f.registered.chosen.val != core.Aborted {
			m.brokenf(Validity, "%v learns that %v is aborted, but nobody voted so and no instance chose it",
				d.Role, d.Tx)
		}
	}
}

// Sent takes a message that has left its role: what it says of its sender's state must survive from
// now on.
func (m *Monitor) Sent(msg *core.Message) {
	switch msg.Type {
	case core.MsgPhase1a, core.MsgPhase1b, core.MsgPhase2a, core.MsgPhase2b, core.MsgCommit,
		core.MsgAbort, core.MsgDone, core.MsgForget, core.MsgForgotten, core.MsgRelay, core.MsgVote,
		core.MsgState, core.MsgJoined, core.MsgTooLate:
	default:
		return
	}
	i, ok := m.find(msg.Tx)
	if !ok {
		return
	}
	r := &m.facts[i].revealed
	switch {
	case msg.Type == core.MsgTooLate:
		m.leftOut(i, msg)
	case msg.From.Replica > 0:
		m.byReplica(i, msg)
	case msg.From.Kind == core.RM:
		r.byRM(msg)
	case msg.From.Kind == core.Acceptor:
		r.byAcceptor(msg)
		m.facts[i].registered.byAcceptor(msg, r.accepted[msg.From.ID-1])
	case msg.From.Kind == core.Leader:
		r.byLeader(msg)
	case msg.From.Kind == core.TM:
		r.byTM(msg)
	case msg.From.Kind == core.Registrar:
		m.byRegistrar(i, msg)
	default:
		return
	}
	if msg.Type == core.MsgForgotten || msg.Type == core.MsgForget && msg.To.Kind == core.Resource {
		m.eachUpTo(msg.Tx, msg.Low, func(f *facts) {
			if msg.From.Replica > 0 {
				m.replica(f, msg.From).told.gone = true
			} else {
				f.revealed.gone.add(msg.From)
			}
		})
	}
}

// Crashed takes the crash of a node: what its roles have revealed must be durable.
func (m *Monitor) Crashed(n core.NodeID, forGood bool) {
	m.reach(SawCrash)
	if forGood {
		m.reach(SawDeath)
	}
	for i := range m.facts {
		for _, k := range [...]core.RoleKind{
			core.RM, core.Acceptor, core.Leader, core.TM, core.Registrar,
		} {
			for id := range m.layout.Count(k) {
				if r := (core.Role{Kind: k, ID: uint8(id + 1)}); m.layout.NodeOf(r) == n {
					m.checkDurable(i, r)
				}
			}
		}
		m.eachReplica(func(r core.Role) {
			if m.layout.NodeOf(r) == n {
				m.checkReplicaDurable(i, r)
			}
		})
	}
}

func (m *Monitor) checkAcceptorDurable(i int, acc core.Role) {
	f, k := &m.facts[i], acc.ID-1
	if f.revealed.promise[k] > f.promised[k] {
		m.brokenf(Durability, "%v has sent its promise of ballot %d of %v and lost it in a crash",
			acc, f.revealed.promise[k], m.txns[i].ID)
	}
	told, durable, entries := f.revealed.accepts[k], core.Votes{}, core.Set(0)
	for j := range f.ballots {
		if f.ballots[j].bal == f.revealed.accepted[k] {
			durable, entries = f.ballots[j].votes[k], f.ballots[j].entry.by
		}
	}
	if told.Prepared&^durable.Prepared != 0 || told.Aborted&^durable.Aborted != 0 ||
		f.registered.told.Has(acc.ID) && !entries.Has(acc.ID) {
		m.brokenf(Durability, "%v has sent what it accepted in ballot %d of %v and lost it in a crash",
			acc, f.revealed.accepted[k], m.txns[i].ID)
	}
}

// Restarted takes the return of a node.
func (m *Monitor) Restarted(n core.NodeID) {
	m.reach(SawRestart)
	m.restarted.Add(n)
}

// Partitioned takes a change of sides.
func (m *Monitor) Partitioned() { m.reach(SawPartition) }
