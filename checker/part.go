package checker

import (
	"cmp"
	"encoding/binary"
	"slices"

	"paxoscommit/core"
)

// ResetPart is Reset for a monitor that is told what happens at one node only, or to the clients.
// It judges all but Validity, and of Agreement, Consistency and what groups of replicas tell only
// what one node can break alone: Together judges these over all parts.
func (m *Monitor) ResetPart(l *core.Layout, txns []Txn, accounts int, opening int64) {
	m.Reset(l, txns, accounts, opening)
	m.part = true
}

// CopyFrom makes m equal to src. They share the layout, the transactions and the violation, which
// do not change.
func (m *Monitor) CopyFrom(src *Monitor) {
	all, committed := m.facts, m.committed
	*m = *src
	m.committed = append(committed[:0], src.committed...)
	m.facts = slices.Grow(all[:0], len(src.facts))[:len(src.facts)]
	for i := range src.facts {
		ballots, replicas, entries := m.facts[i].ballots, m.facts[i].replicas, m.facts[i].entries
		m.facts[i] = src.facts[i]
		m.facts[i].ballots = append(ballots[:0], src.facts[i].ballots...)
		m.facts[i].replicas = append(replicas[:0], src.facts[i].replicas...)
		m.facts[i].entries = append(entries[:0], src.facts[i].entries...)
	}
}

// AppendKey appends a canonical encoding of what m knows, but for the times: monitors with equal
// bytes judge alike whatever comes, Linearizability apart.
func (m *Monitor) AppendKey(dst []byte) []byte {
	dst = m.AppendFacts(dst)
	for i := range m.facts {
		f, r := &m.facts[i], &m.facts[i].revealed
		dst = binary.AppendUvarint(dst, uint64(f.held))
		dst = binary.AppendUvarint(dst, uint64(f.applied))
		dst = r.outcomes.AppendKey(r.votes.AppendKey(dst))
		dst = append(dst, byte(f.decision), byte(r.decided))
		for _, s := range [...]core.Set{
			f.gone.rms, f.gone.acceptors, r.gone.rms, r.gone.acceptors,
		} {
			dst = binary.AppendUvarint(dst, uint64(s))
		}
		if m.layout.Registrars > 0 {
			dst = binary.AppendUvarint(dst, uint64(f.gone.registrars))
			dst = f.registered.appendKey(binary.AppendUvarint(dst, uint64(r.gone.registrars)))
		}
		for l := range m.layout.Leaders {
			dst = binary.AppendUvarint(dst, uint64(f.begun[l]))
			dst = binary.AppendUvarint(dst, uint64(r.begun[l]))
		}
		for a := range m.layout.Acceptors {
			dst = binary.AppendUvarint(dst, uint64(f.promised[a]))
			dst = binary.AppendUvarint(dst, uint64(r.promise[a]))
			dst = binary.AppendUvarint(dst, uint64(r.accepted[a]))
			dst = r.accepts[a].AppendKey(dst)
		}
		dst = f.appendReplicas(dst)
		for s := m.txns[i].Work.Read; s != 0; s &= s - 1 {
			dst = binary.AppendVarint(dst, f.reads[s.First()-1])
		}
	}
	for _, balance := range m.expected[:m.accounts] {
		dst = binary.AppendVarint(dst, balance)
	}
	return m.restarted.AppendKey(dst)
}

// AppendEvidence appends a canonical encoding of that part of the facts without which something
// else may be wrong: what is prepared, what databases of groups hold, what is accepted, and which
// resource managers have the outcome. Of all other facts it holds that what Together finds broken
// stays broken when there are more of them.
func (m *Monitor) AppendEvidence(dst []byte) []byte {
	for i := range m.facts {
		f := &m.facts[i]
		dst = f.rm.AppendKey(f.votes.AppendKey(dst))
		dst = binary.AppendUvarint(dst, uint64(len(f.ballots)))
		slices.SortFunc(f.ballots, func(a, b ballotFacts) int { return cmp.Compare(a.bal, b.bal) })
		for k := range f.ballots {
			dst = binary.AppendUvarint(dst, uint64(f.ballots[k].bal))
			for _, v := range f.ballots[k].votes[:m.layout.Acceptors] {
				dst = v.AppendKey(dst)
			}
		}
		if m.layout.Replicas > 0 {
			dst = binary.AppendUvarint(f.appendEntries(dst), uint64(f.held))
		}
		if m.layout.Registrars > 0 {
			dst = f.appendRegistered(dst)
		}
	}
	return dst
}

// AppendFacts appends a canonical encoding of what Together looks at.
func (m *Monitor) AppendFacts(dst []byte) []byte {
	dst = m.AppendEvidence(dst)
	for i := range m.facts {
		f := &m.facts[i]
		told := byte(0)
		if f.told {
			told = 1
		}
		dst = append(dst, byte(f.outcome), byte(f.answer), told)
		if m.layout.Replicas > 0 {
			dst = f.claims.appendKey(dst)
		}
		if m.layout.Registrars > 0 {
			dst = binary.AppendUvarint(dst, uint64(f.registered.left))
		}
	}
	if m.violation != nil {
		dst = append(append(dst, byte(m.violation.Property)), m.violation.Detail...)
	}
	return append(dst, 0)
}

// RMState returns what of transaction i is durable at a resource manager: its vote and, once there
// is one, the outcome.
func (m *Monitor) RMState(i int, rm uint8) (vote, outcome core.Value) {
	f := &m.facts[i]
	switch {
	case f.rm.Prepared.Has(rm):
		outcome = core.Committed
	case f.rm.Aborted.Has(rm):
		outcome = core.Aborted
	}
	return f.votes.Of(rm), outcome
}

// Together makes m, which has been Reset, know what the monitors of all parts know, and returns
// the first property that is broken: one of a part's own, or Agreement, Consistency and Validity
// of the state as a whole, or what a client was told that does not fit what was committed. From
// then on m can watch the whole run, but it takes what went before as one moment, and what was
// revealed in it as forgotten.
func (m *Monitor) Together(parts []*Monitor) *Violation {
	for _, p := range parts {
		if p.violation != nil {
			return p.violation
		}
	}
	for _, p := range parts {
		for a, balance := range p.expected[:m.accounts] {
			m.expected[a] += balance - m.opening
		}
	}
	for i := range m.txns {
		m.gather(i, parts)
		m.judgeAccepted(i)
		m.judgeEntries(i)
		m.judgeOutcome(i, parts)
		m.judgeClaims(i)
		m.judgeTold(i, "somebody")
	}
	return m.violation
}

// gather unites what the parts know of a transaction.
func (m *Monitor) gather(i int, parts []*Monitor) {
	f := &m.facts[i]
	for _, p := range parts {
		g := &p.facts[i]
		if m.layout.Replicas == 0 { // what groups have chosen is judged anew, even in groups of one
			f.votes, f.rm = f.votes.Union(g.votes), f.rm.Union(g.rm)
		}
		f.held, f.applied = f.held|g.held, f.applied|g.applied
		f.registered.set |= g.registered.set
		f.registered.left |= g.registered.left
		f.invoked, f.returned = max(f.invoked, g.invoked), max(f.returned, g.returned)
		for a, read := range g.reads {
			f.reads[a] += read
		}
		if g.answer != core.NoValue {
			f.answer = g.answer
		}
		f.told = f.told || g.told
		for k := range g.ballots {
			b := f.ballot(g.ballots[k].bal)
			for a := range b.votes {
				b.votes[a] = b.votes[a].Union(g.ballots[k].votes[a])
			}
			m.gatherEntry(i, b, &g.ballots[k].entry)
		}
		f.gatherEntries(g)
		f.claims = f.claims.union(g.claims)
	}
}

// ballot returns the facts of a ballot, new ones if there are none.
func (f *facts) ballot(bal core.Ballot) *ballotFacts {
	k := slices.IndexFunc(f.ballots, func(b ballotFacts) bool { return b.bal == bal })
	if k < 0 {
		k = len(f.ballots)
		f.ballots = append(f.ballots, ballotFacts{bal: bal})
	}
	return &f.ballots[k]
}

func (m *Monitor) judgeAccepted(i int) {
	f, t := &m.facts[i], &m.txns[i]
	for k := range f.ballots {
		b := &f.ballots[k]
		for a := range b.votes {
			if invented := b.votes[a].Prepared &^ f.votes.Prepared; invented != 0 {
				m.brokenf(Validity,
					"acc%d has accepted prepared for rm %v in ballot %d of %v, who never prepared",
					a+1, invented, b.bal, t.ID)
			}
		}
		m.judgeEntry(i, b)
		for s := t.Members; s != 0; s &= s - 1 {
			for _, v := range [...]core.Value{core.Prepared, core.Aborted} {
				if m.count(b, s.First(), v) >= m.layout.Majority() {
					m.choose(i, s.First(), v, b.bal)
				}
			}
		}
	}
}

// judgeEntries finds out what each group has chosen: the votes first, by which all else is judged.
func (m *Monitor) judgeEntries(i int) {
	f := &m.facts[i]
	for k := range f.entries {
		m.chooseVotes(i, &f.entries[k])
	}
	for k := range f.entries {
		m.chooseOutcomes(i, &f.entries[k])
	}
}

func (m *Monitor) judgeOutcome(i int, parts []*Monitor) {
	f, t := &m.facts[i], &m.txns[i]
	if f.rm.Prepared != 0 && f.rm.Aborted != 0 {
		m.brokenf(Consistency, "rm {%v} committed %v, and rm {%v} aborted it",
			f.rm.Prepared, t.ID, f.rm.Aborted)
	}
	m.judgeVoters(i)
	m.judgeLeftOut(i)
	takers := m.Takers(i)
	if others := f.rm.Prepared &^ takers; others != 0 {
		m.brokenf(Validity, "rm {%v} committed %v, in which only rm {%v} take part",
			others, t.ID, takers)
	}
	if f.rm.Prepared != 0 && f.votes.Prepared&takers != takers {
		m.brokenf(Validity, "rm {%v} committed %v, but only rm {%v} are prepared",
			f.rm.Prepared, t.ID, f.votes.Prepared)
	}
	for _, p := range parts {
		if g := &p.facts[i]; g.outcome != core.NoValue {
			m.Learned(&core.Decision{Role: g.learner, Val: g.outcome, Tx: t.ID, Members: t.Members})
		}
	}
	switch committed := f.commitAt >= 0; {
	case f.answer == core.Aborted && committed:
		m.brokenf(Linearizability, "the client was told that %v is aborted, and it is committed",
			t.ID)
	case f.answer == core.Committed && !committed:
		m.brokenf(Linearizability, "the client was told that %v is committed, and it is not", t.ID)
	}
}

// NoMoreCrashes tells m that its node will not crash again, or is dead for good. Of what the node
// has revealed and forgotten it then keeps only what is to be compared with what it writes.
func (m *Monitor) NoMoreCrashes(dead bool) {
	for i := range m.facts {
		f := &m.facts[i]
		var kept revealed
		if dead {
			clear(f.begun[:])
			f.gone = forgetters{}
		} else {
			kept.outcomes = f.revealed.outcomes
		}
		if !m.restarted.Empty() {
			kept.promise, kept.accepted = f.revealed.promise, f.revealed.accepted
		}
		f.revealed = kept
		if m.layout.Replicas == 0 {
			f.decision = core.NoValue
		}
		f.registered.joined, f.registered.told, f.registered.claimed = 0, 0, false
		clear(f.promised[:])
		f.noMoreCrashes(!m.restarted.Empty(), dead)
	}
}
