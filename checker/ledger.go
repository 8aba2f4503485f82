package checker

import (
	"paxoscommit/core"
	"paxoscommit/core/bank"
)

// Held takes a database's word that it has prepared a transaction: from now until its outcome it
// must be alone on its accounts, and what it reads is what it finds now.
func (m *Monitor) Held(rm uint8, i int, b *bank.Bank) {
	f := &m.facts[i]
	accounts := m.accountsOf(rm, m.txns[i].Work.Accounts())
	for j := range m.facts {
		other := &m.facts[j]
		if j == i || !other.held.Has(rm) || other.applied.Has(rm) {
			continue
		}
		if both := accounts & m.txns[j].Work.Accounts(); both != 0 {
			m.brokenf(History, "res%d prepares %v on accounts %v, where %v is prepared and open",
				rm, m.txns[i].ID, both, m.txns[j].ID)
		}
	}
	f.held = f.held.With(rm)
	for s := m.txns[i].Work.Read & accounts; s != 0; s &= s - 1 {
		f.reads[s.First()-1] = b.Balance(s.First())
	}
}

// Applied takes a database's word that it has applied an outcome, once or again.
func (m *Monitor) Applied(rm uint8, i int, v core.Value, b *bank.Bank) {
	f := &m.facts[i]
	accounts := m.accountsOf(rm, m.txns[i].Work.Accounts())
	if f.applied.Has(rm) {
		m.reach(SawReapplied)
	} else {
		f.applied = f.applied.With(rm)
		if v == core.Committed {
			for s := accounts; s != 0; s &= s - 1 {
				m.expected[s.First()-1] += m.txns[i].Work.Change(s.First())
			}
		}
	}
	for s := accounts; s != 0; s &= s - 1 {
		if a := s.First(); b.Balance(a) != m.expected[a-1] {
			m.brokenf(History, "res%d has applied %v of %v, and account %d holds %d instead of %d",
				rm, v, m.txns[i].ID, a, b.Balance(a), m.expected[a-1])
		}
	}
}

// Refused takes the vote of a database that found an account locked or too little money in it.
func (m *Monitor) Refused(rm uint8, i int) {
	for j := range m.facts {
		both := m.accountsOf(rm, m.txns[i].Work.Accounts()&m.txns[j].Work.Accounts())
		if j != i && m.facts[j].held.Has(rm) && !m.facts[j].applied.Has(rm) && both != 0 {
			m.reach(SawLockConflict)
		}
	}
}

func (m *Monitor) accountsOf(rm uint8, s core.Set) core.Set {
	var here core.Set
	for ; s != 0; s &= s - 1 {
		if (s.First()-1)%uint8(m.layout.RMs)+1 == rm {
			here = here.With(s.First())
		}
	}
	return here
}

// Invoked takes a client's asking for transaction i.
func (m *Monitor) Invoked(i int) { m.facts[i].invoked = m.step }

// Returned takes the answer that the client got: Committed or Aborted.
func (m *Monitor) Returned(i int, v core.Value) {
	m.facts[i].returned, m.facts[i].answer = m.step, v
}

// Forgotten takes the word of a role that a transaction is finished, told to the client that asked:
// everybody must have its outcome who takes part.
func (m *Monitor) Forgotten(i int, from core.Role) {
	m.facts[i].told = true
	m.judgeTold(i, from.String())
}

func (m *Monitor) judgeTold(i int, by string) {
	f, members := &m.facts[i], m.txns[i].Members
	if f.rm.Prepared != 0 {
		members = m.Takers(i)
	}
	if done := f.rm.Instances(); f.told && done&members != members {
		m.brokenf(Validity, "%s says that %v is finished, and of rm %v only {%v} have an outcome",
			by, m.txns[i].ID, members, done)
	}
}

// Call is what a client saw of one transaction; times are steps.
type Call struct {
	Txn      int
	Invoked  int
	Returned int        // -1 while there is no answer
	Answer   core.Value // Committed or Aborted
	Reads    []int64    // by account, from 0; of a committed transaction that reads
}

// Calls calls f for what clients have asked for, in the order of Reset's list. Reads is good until
// f returns.
func (m *Monitor) Calls(f func(Call)) {
	for i := range m.facts {
		if x := &m.facts[i]; x.invoked >= 0 {
			f(Call{
				Txn: i, Invoked: x.invoked, Returned: x.returned, Answer: x.answer,
				Reads: x.reads[:m.accounts],
			})
		}
	}
}

// Outcome returns the outcome of transaction i that some process has learned, or NoValue.
func (m *Monitor) Outcome(i int) core.Value { return m.facts[i].outcome }

// Involved returns the durable votes on transaction i, and the resource managers that have a
// durable outcome of it.
func (m *Monitor) Involved(i int) (votes core.Votes, outcomes core.Set) {
	f := &m.facts[i]
	return f.votes, f.rm.Prepared | f.rm.Aborted
}

// Finish judges what clients saw, at the end of the run: the transactions, done one after the other
// in the order of their commit points, must give what clients read, and each commit point must lie
// between question and answer.
func (m *Monitor) Finish() {
	var balance [bank.MaxAccounts]int64
	for i := range m.accounts {
		balance[i] = m.opening
	}
	for _, i := range m.committed {
		m.checkCommitted(i, &balance)
	}
	for i := range m.facts {
		f := &m.facts[i]
		if f.invoked >= 0 && f.returned < 0 {
			m.reach(SawOpenAnswer)
		}
		if f.answer == core.Aborted && f.commitAt >= 0 {
			m.brokenf(Linearizability, "the client was told that %v is aborted, and it was committed",
				m.txns[i].ID)
		}
		if f.answer == core.Committed && f.commitAt < 0 {
			m.brokenf(Linearizability, "the client was told that %v is committed, and it never was",
				m.txns[i].ID)
		}
	}
}

func (m *Monitor) checkCommitted(i int, balance *[bank.MaxAccounts]int64) {
	f, w := &m.facts[i], &m.txns[i].Work
	if f.invoked < 0 || f.commitAt < f.invoked || f.returned >= 0 && f.returned < f.commitAt {
		m.brokenf(Linearizability, "%v was asked for at step %d, committed at %d and answered at %d",
			m.txns[i].ID, f.invoked, f.commitAt, f.returned)
	}
	for s := w.Read; s != 0; s &= s - 1 {
		if a := s.First(); f.reads[a-1] != balance[a-1] {
			m.brokenf(Linearizability, "%v read %d in account %d, which held %d",
				m.txns[i].ID, f.reads[a-1], a, balance[a-1])
		}
	}
	for s := w.Accounts(); s != 0; s &= s - 1 {
		a := s.First()
		if balance[a-1] += w.Change(a); balance[a-1] < 0 {
			m.brokenf(Linearizability, "%v took more from account %d than it held", m.txns[i].ID, a)
		}
	}
}
