package checker

import (
	"cmp"
	"encoding/binary"
	"slices"

	"paxoscommit/core"
)

// replica is what the monitor knows of one replica of a role, for one transaction.
type replica struct {
	promised core.Ballot // durable
	gone     bool        // it has forgotten the transaction, durably
	told     toldByReplica
}

// toldByReplica is what a replica has told others of its state.
type toldByReplica struct {
	promise  core.Ballot
	accepted core.Ballot
	vote     core.Value // in that ballot
	val      core.Value
	gone     bool
}

// entryBallot is which replicas of a group have durably accepted what in one ballot.
type entryBallot struct {
	group              uint8 // the resource manager; 0 is the transaction manager
	bal                core.Ballot
	prepared, refused  core.Set // as the vote
	committed, aborted core.Set // as the outcome or the decision
}

// groupOf returns the number of a replicated role among the groups.
func groupOf(r core.Role) uint8 {
	if r.Kind == core.TM {
		return 0
	}
	return r.ID
}

// replica returns what is known of a replica.
func (m *Monitor) replica(f *facts, r core.Role) *replica {
	return &f.replicas[int(groupOf(r))*m.layout.Replicas+int(r.Replica)-1]
}

// eachReplica calls do for every replica of every role.
func (m *Monitor) eachReplica(do func(r core.Role)) {
	for k := range m.layout.Replicas {
		if m.layout.TMs > 0 {
			do(core.Role{Kind: core.TM, ID: 1, Replica: uint8(k + 1)})
		}
		for id := range m.layout.RMs {
			do(core.Role{Kind: core.RM, ID: uint8(id + 1), Replica: uint8(k + 1)})
		}
	}
}

// numReplicas is the length of facts.replicas.
func numReplicas(l *core.Layout) int { return l.Replicas * (l.RMs + 1) }

// entriesIn returns what the replicas of a group have accepted in a ballot, nothing yet if there is
// none.
func (f *facts) entriesIn(group uint8, bal core.Ballot) *entryBallot {
	for k := range f.entries {
		if e := &f.entries[k]; e.group == group && e.bal == bal {
			return e
		}
	}
	f.entries = append(f.entries, entryBallot{group: group, bal: bal})
	return &f.entries[len(f.entries)-1]
}

func (e *entryBallot) add(replica uint8, vote, val core.Value) {
	for _, x := range [...]struct {
		is bool
		by *core.Set
	}{
		{vote == core.Prepared, &e.prepared},
		{vote == core.Aborted, &e.refused},
		{val == core.Committed, &e.committed},
		{val == core.Aborted, &e.aborted},
	} {
		if x.is {
			*x.by = x.by.With(replica)
		}
	}
}

// has tells whether a replica has accepted these.
func (e *entryBallot) has(replica uint8, vote, val core.Value) bool {
	return (vote != core.Prepared || e.prepared.Has(replica)) &&
		(vote != core.Aborted || e.refused.Has(replica)) &&
		(val != core.Committed || e.committed.Has(replica)) &&
		(val != core.Aborted || e.aborted.Has(replica))
}

// replicaAccepted is the state of a replica: what it has accepted may complete a majority of its
// group.
func (m *Monitor) replicaAccepted(i int, r *core.Record) {
	f := &m.facts[i]
	p := m.replica(f, r.Role)
	vote := r.Votes.Of(r.Role.ID)
	if m.restarted.Has(m.layout.NodeOf(r.Role)) {
		m.checkReplicaKept(p, vote, r)
	}
	m.checkRemembered(f, r)
	p.promised = max(p.promised, r.MBal)
	if vote == core.NoValue && r.Val == core.NoValue {
		return
	}
	e := f.entriesIn(groupOf(r.Role), r.Bal)
	e.add(r.Role.Replica, vote, r.Val)
	m.chooseVotes(i, e)
	m.chooseOutcomes(i, e)
}

// checkReplicaKept compares what a replica writes after a restart with what it had told before.
func (m *Monitor) checkReplicaKept(p *replica, vote core.Value, r *core.Record) {
	if r.MBal < p.told.promise {
		m.brokenf(Durability, "%v forgot in a crash its promise of ballot %d of %v, and promises %d",
			r.Role, p.told.promise, r.Tx, r.MBal)
	}
	if r.Bal < p.told.accepted || r.Bal == p.told.accepted &&
		(p.told.vote != core.NoValue && p.told.vote != vote ||
			p.told.val != core.NoValue && p.told.val != r.Val) {
		m.brokenf(Durability, "%v has forgotten in a crash what it accepted in ballot %d of %v",
			r.Role, p.told.accepted, r.Tx)
	}
}

// chooseVotes finds out which vote a majority of a group has accepted in one ballot.
func (m *Monitor) chooseVotes(i int, e *entryBallot) {
	if m.isMajority(e.prepared) {
		m.chooseVote(i, e, core.Prepared)
	}
	if m.isMajority(e.refused) {
		m.chooseVote(i, e, core.Aborted)
	}
}

// chooseOutcomes finds out which outcome or decision a majority of a group has accepted in one
// ballot.
func (m *Monitor) chooseOutcomes(i int, e *entryBallot) {
	choose := m.chooseOutcome
	if e.group == 0 {
		choose = m.chooseDecision
	}
	if m.isMajority(e.committed) {
		choose(i, e, core.Committed)
	}
	if m.isMajority(e.aborted) {
		choose(i, e, core.Aborted)
	}
}

func (m *Monitor) isMajority(replicas core.Set) bool {
	return replicas.Len() > m.layout.Replicas/2
}

// chooseVote is the moment at which a replicated resource manager has voted.
func (m *Monitor) chooseVote(i int, e *entryBallot, v core.Value) {
	f, tx := &m.facts[i], m.txns[i].ID
	switch before := f.votes.Of(e.group); {
	case before == v:
		return
	case before != core.NoValue:
		m.brokenf(Agreement, "%v is chosen as the vote of rm%d on %v in ballot %d, and %v was before",
			v, e.group, tx, e.bal, before)
		return
	case v == core.Prepared && !f.held.Has(e.group):
		m.brokenf(Validity, "prepared is chosen as the vote of rm%d on %v, and its database is not",
			e.group, tx)
	}
	f.votes = f.votes.Union(core.VoteOf(e.group, v))
	if e.bal > 0 {
		m.reach(SawHigherBallot)
		if v == core.Prepared {
			m.reach(SawRescued)
		}
	}
}

// chooseDecision is the moment at which the group of the transaction manager has decided.
func (m *Monitor) chooseDecision(i int, e *entryBallot, v core.Value) {
	f, t := &m.facts[i], &m.txns[i]
	switch {
	case f.decision == v:
		return
	case f.decision != core.NoValue:
		m.brokenf(Agreement, "%v is chosen as the decision on %v in ballot %d, and %v was before",
			v, t.ID, e.bal, f.decision)
		return
	}
	f.decision = v
	if e.bal > 0 {
		m.reach(SawHigherBallot)
	}
	m.Learned(&core.Decision{
		Role: core.Role{Kind: core.TM, ID: 1}, Val: v, Tx: t.ID, Members: t.Members,
	})
}

// chooseOutcome is the moment at which a replicated resource manager has its outcome.
func (m *Monitor) chooseOutcome(i int, e *entryBallot, v core.Value) {
	f, t := &m.facts[i], &m.txns[i]
	_, before := m.RMState(i, e.group)
	switch {
	case before == v:
		return
	case before != core.NoValue:
		m.brokenf(Agreement, "%v is chosen as the outcome of %v at rm%d in ballot %d, and %v was before",
			v, t.ID, e.group, e.bal, before)
		return
	case f.votes.Of(e.group) == core.NoValue && e.bal > 0:
		m.reach(SawFreeAborted)
	}
	m.finished(i, &core.Record{
		Type: core.RecordOutcome, Role: core.Role{Kind: core.RM, ID: e.group}, Val: v, Tx: t.ID,
		Members: t.Members,
	})
}

// byReplica takes what a replica tells: of its own state to its group, and of what its group has
// chosen to all others.
func (m *Monitor) byReplica(i int, msg *core.Message) {
	f := &m.facts[i]
	told := &m.replica(f, msg.From).told
	switch msg.Type {
	case core.MsgPhase1a:
		told.promise = max(told.promise, msg.Bal)
	case core.MsgPhase1b:
		told.promise = max(told.promise, msg.MBal)
	case core.MsgPhase2a, core.MsgPhase2b:
		if msg.Bal < told.accepted {
			return
		}
		if msg.Bal > told.accepted {
			told.accepted, told.vote, told.val = msg.Bal, core.NoValue, core.NoValue
		}
		told.vote = max(told.vote, msg.Votes.Of(msg.From.ID))
		told.val = max(told.val, msg.Val)
	default:
		m.checkChosen(f, msg)
	}
}

// claims is what a message says that a group has chosen, or what many do. A decision is that of the
// transaction manager's group, under 1; outcomes and it are as in facts.rm.
type claims struct {
	votes, outcomes, decision core.Votes
}

// claim returns what a replica says with a message to somebody outside its group.
func claim(msg *core.Message) (c claims) {
	id := msg.From.ID
	val := core.VoteOf(id, core.Aborted)
	if msg.Type == core.MsgCommit || msg.Val == core.Prepared || msg.Val == core.Committed {
		val = core.VoteOf(id, core.Prepared)
	}
	switch msg.Type {
	case core.MsgVote:
		c.votes = val
	case core.MsgCommit, core.MsgAbort, core.MsgDone:
		if msg.From.Kind == core.TM {
			c.decision = val
		} else {
			c.outcomes = val
		}
	default:
	}
	return c
}

func (c claims) union(d claims) claims {
	return claims{c.votes.Union(d.votes), c.outcomes.Union(d.outcomes), c.decision.Union(d.decision)}
}

// areChosen tells whether the groups have chosen what they claim to have.
func (c claims) areChosen(f *facts) bool {
	var decision core.Votes
	switch f.decision {
	case core.Committed:
		decision = core.VoteOf(1, core.Prepared)
	case core.Aborted:
		decision = core.VoteOf(1, core.Aborted)
	default:
	}
	within := func(v, of core.Votes) bool { return v.Union(of) == of }
	return within(c.votes, f.votes) && within(c.outcomes, f.rm) && within(c.decision, decision)
}

// checkChosen demands that a replica tells a vote, a decision or an outcome only after its group
// has chosen it: then no crash can take it back. Who watches one node cannot tell, and remembers.
func (m *Monitor) checkChosen(f *facts, msg *core.Message) {
	c := claim(msg)
	if m.part {
		f.claims = f.claims.union(c)
	} else if !c.areChosen(f) {
		m.brokenf(Durability, "%v tells what its group has not chosen: %v", msg.From, *msg)
	}
}

// judgeClaims demands that the groups have chosen what all parts together have told.
func (m *Monitor) judgeClaims(i int) {
	f := &m.facts[i]
	if !f.claims.areChosen(f) {
		m.brokenf(Durability, "a replica has told of %v what its group has not chosen", m.txns[i].ID)
	}
}

func (m *Monitor) checkReplicaDurable(i int, r core.Role) {
	f, tx := &m.facts[i], m.txns[i].ID
	p := m.replica(f, r)
	if p.told.promise > p.promised {
		m.brokenf(Durability, "%v has sent its promise of ballot %d of %v and lost it in a crash",
			r, p.told.promise, tx)
	}
	if p.told.gone && !p.gone {
		m.brokenf(Durability, "%v has said that %v is finished and lost that in a crash", r, tx)
	}
	if p.told.vote == core.NoValue && p.told.val == core.NoValue {
		return
	}
	k := slices.IndexFunc(f.entries, func(e entryBallot) bool {
		return e.group == groupOf(r) && e.bal == p.told.accepted
	})
	if k < 0 || !f.entries[k].has(r.Replica, p.told.vote, p.told.val) {
		m.brokenf(Durability, "%v has sent what it accepted in ballot %d of %v and lost it in a crash",
			r, p.told.accepted, tx)
	}
}

// appendReplicas appends what AppendKey says of replicas.
func (f *facts) appendReplicas(dst []byte) []byte {
	for k := range f.replicas {
		p := &f.replicas[k]
		flags := byte(0)
		if p.gone {
			flags |= 1
		}
		if p.told.gone {
			flags |= 2
		}
		dst = append(dst, flags, byte(p.told.vote), byte(p.told.val))
		for _, b := range [...]core.Ballot{p.promised, p.told.promise, p.told.accepted} {
			dst = binary.AppendUvarint(dst, uint64(b))
		}
	}
	return dst
}

// appendKey appends a canonical encoding.
func (c *claims) appendKey(dst []byte) []byte {
	return c.decision.AppendKey(c.outcomes.AppendKey(c.votes.AppendKey(dst)))
}

// appendEntries appends what AppendEvidence says of replicas.
func (f *facts) appendEntries(dst []byte) []byte {
	slices.SortFunc(f.entries, func(a, b entryBallot) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.bal, b.bal))
	})
	dst = append(dst, byte(len(f.entries)))
	for k := range f.entries {
		e := &f.entries[k]
		dst = append(dst, e.group)
		dst = binary.AppendUvarint(dst, uint64(e.bal))
		for _, s := range [...]core.Set{e.prepared, e.refused, e.committed, e.aborted} {
			dst = binary.AppendUvarint(dst, uint64(s))
		}
	}
	return dst
}

// gatherEntries unites what replicas have accepted.
func (f *facts) gatherEntries(g *facts) {
	for k := range g.entries {
		e := &g.entries[k]
		all := f.entriesIn(e.group, e.bal)
		all.prepared, all.refused = all.prepared|e.prepared, all.refused|e.refused
		all.committed, all.aborted = all.committed|e.committed, all.aborted|e.aborted
	}
}

// noMoreCrashes is Monitor.NoMoreCrashes for replicas.
func (f *facts) noMoreCrashes(restarted, dead bool) {
	for k := range f.replicas {
		p := &f.replicas[k]
		kept := replica{gone: p.gone && !dead}
		if restarted {
			kept.told.promise, kept.told.accepted = p.told.promise, p.told.accepted
		}
		*p = kept
	}
}
