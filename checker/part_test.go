package checker

import (
	"testing"

	"paxoscommit/checker/keytest"
	"paxoscommit/core"
	"paxoscommit/core/bank"

	"github.com/stretchr/testify/require"
)

// parts returns monitors of two resource managers and three acceptors, and of one that judges them
// together.
func parts(t *testing.T) (rm, acc []*Monitor, all *Monitor) {
	t.Helper()
	l, err := core.NewLayout(core.Sizes{RMs: 2, Acceptors: 3, Leaders: 1})
	require.NoError(t, err)
	txns := []Txn{{
		ID: core.TxID{Origin: 1, Seq: 1}, RM: 1, Members: core.SetOf(1, 2),
		Work: bank.Work{From: 1, To: 2, Amount: 1},
	}}
	for i := range 5 {
		m := &Monitor{}
		m.ResetPart(l, txns, 2, 100)
		if i < 2 {
			rm = append(rm, m)
		} else {
			acc = append(acc, m)
		}
	}
	all = &Monitor{}
	all.Reset(l, txns, 2, 100)
	return rm, acc, all
}

func record(t core.RecordType, role core.Role, v core.Value) *core.Record {
	return &core.Record{
		Type: t, Role: role, Val: v, Tx: core.TxID{Origin: 1, Seq: 1}, Members: core.SetOf(1, 2),
	}
}

// TestTogetherJudgesWhatNoPartCan: each part is in order by itself, and all of them are not.
func TestTogetherJudgesWhatNoPartCan(t *testing.T) {
	rmRole := func(i int) core.Role { return core.Role{Kind: core.RM, ID: uint8(i + 1)} }
	vote := func(m []*Monitor, i int) {
		m[i].Durable(record(core.RecordVote, rmRole(i), core.Prepared))
	}
	accept := func(m []*Monitor, i int, bal core.Ballot, v core.Value) {
		r := record(core.RecordAcceptor, core.Role{Kind: core.Acceptor, ID: uint8(i + 1)}, 0)
		r.MBal, r.Bal, r.Votes = bal, bal, core.VoteOf(1, v)
		m[i].Durable(r)
	}
	for _, c := range []struct {
		name string
		do   func(rm, acc []*Monitor)
		want Property
	}{
		{"nothing", func(_, _ []*Monitor) {}, NoProperty},
		{"two values are chosen", func(rm, acc []*Monitor) {
			vote(rm, 0)
			accept(acc, 0, 0, core.Prepared)
			accept(acc, 1, 0, core.Prepared)
			accept(acc, 1, 1, core.Aborted)
			accept(acc, 2, 1, core.Aborted)
		}, Agreement},
		{"one value is chosen twice", func(rm, acc []*Monitor) {
			vote(rm, 0)
			for i := range acc {
				accept(acc, i, core.Ballot(i/2), core.Prepared)
			}
		}, NoProperty},
		{"prepared is invented", func(_, acc []*Monitor) { accept(acc, 0, 0, core.Prepared) }, Validity},
		{"one commits, one aborts", func(rm, _ []*Monitor) {
			vote(rm, 0)
			vote(rm, 1)
			rm[0].Durable(record(core.RecordOutcome, rmRole(0), core.Committed))
			rm[1].Durable(record(core.RecordOutcome, rmRole(1), core.Aborted))
		}, Consistency},
		{"one commits before the other is prepared", func(rm, _ []*Monitor) {
			vote(rm, 0)
			rm[0].Durable(record(core.RecordOutcome, rmRole(0), core.Committed))
		}, Validity},
		{"nobody voted aborted", func(rm, _ []*Monitor) {
			vote(rm, 0)
			rm[0].Learned(&core.Decision{
				Role: rmRole(0), Val: core.Aborted, Tx: core.TxID{Origin: 1, Seq: 1},
			})
		}, Validity},
		{"the client is told of a commit that is none", func(rm, _ []*Monitor) {
			rm[0].Returned(0, core.Committed)
		}, Linearizability},
		{"the client is told that it is finished, and it is not", func(rm, acc []*Monitor) {
			rm[0].Durable(record(core.RecordOutcome, rmRole(0), core.Aborted))
			rm[1].Durable(record(core.RecordVote, rmRole(1), core.Aborted))
			acc[0].Forgotten(0, core.Role{Kind: core.Leader, ID: 1})
		}, Validity},
		{"the client is told that it is finished, and it is", func(rm, acc []*Monitor) {
			for i := range rm {
				rm[i].Durable(record(core.RecordVote, rmRole(i), core.Aborted))
				rm[i].Durable(record(core.RecordOutcome, rmRole(i), core.Aborted))
			}
			acc[0].Forgotten(0, core.Role{Kind: core.Leader, ID: 1})
		}, NoProperty},
	} {
		t.Run(c.name, func(t *testing.T) {
			rm, acc, all := parts(t)
			c.do(rm, acc)
			list := append(rm, acc...)
			for _, m := range list {
				require.Nil(t, m.Violation())
			}
			v := all.Together(list)
			if c.want == NoProperty {
				require.Nil(t, v)
				return
			}
			require.NotNil(t, v)
			require.Equal(t, c.want, v.Property)
		})
	}
}

// TestEvidenceIsWhatCanMend: to be told that it is finished is wrong, until it is.
func TestEvidenceIsWhatCanMend(t *testing.T) {
	rm, _, _ := parts(t)
	before := rm[0].AppendEvidence(nil)
	rm[0].Durable(record(core.RecordOutcome, core.Role{Kind: core.RM, ID: 1}, core.Aborted))
	outcome := rm[0].AppendEvidence(nil)
	require.NotEqual(t, before, outcome)
	facts := rm[0].AppendFacts(nil)
	rm[0].Forgotten(0, core.Role{Kind: core.Leader, ID: 1})
	require.Equal(t, outcome, rm[0].AppendEvidence(nil))
	require.NotEqual(t, facts, rm[0].AppendFacts(nil))
}

// TestNoMoreCrashesKeepsWhatNeedsNone: what a node that never crashed must not write.
func TestNoMoreCrashesKeepsWhatNeedsNone(t *testing.T) {
	ballot := record(core.RecordBallot, core.Role{Kind: core.Leader, ID: 1}, core.NoValue)
	ballot.Bal = 1
	outcome := func(v core.Value) *core.Record {
		return record(core.RecordOutcome, core.Role{Kind: core.RM, ID: 1}, v)
	}
	done := &core.Message{
		Type: core.MsgDone, From: outcome(core.Aborted).Role, Val: core.Aborted, Tx: ballot.Tx,
	}
	for name, do := range map[string]struct{ before, after func(m *Monitor) }{
		"a ballot begins again": {
			func(m *Monitor) { m.Durable(ballot) }, func(m *Monitor) { m.Durable(ballot) },
		},
		"what is forgotten is written again": {
			func(m *Monitor) { m.Durable(record(core.RecordForget, done.From, core.NoValue)) },
			func(m *Monitor) { m.Durable(outcome(core.Aborted)) },
		},
		"another outcome is written than was told": {
			func(m *Monitor) { m.Sent(done) }, func(m *Monitor) { m.Durable(outcome(core.Committed)) },
		},
	} {
		rm, _, _ := parts(t)
		do.before(rm[0])
		require.Nil(t, rm[0].Violation(), name)
		rm[0].NoMoreCrashes(false)
		do.after(rm[0])
		require.NotNil(t, rm[0].Violation(), name)
		require.Equal(t, Durability, rm[0].Violation().Property, name)
	}
	m := groups(t)
	m.Durable(record(core.RecordForget, replicaOf(core.RM, 1, 1), core.NoValue))
	m.NoMoreCrashes(false)
	accepts(m, replicaOf(core.RM, 1, 0), 0, core.Aborted, core.NoValue, 1)
	require.NotNil(t, m.Violation())
	require.Equal(t, Durability, m.Violation().Property)
}

// TestCopiesOfAMonitorAreApart: what one is told, the other does not know, and their keys say so.
func TestCopiesOfAMonitorAreApart(t *testing.T) {
	rm, _, _ := parts(t)
	var m Monitor
	m.CopyFrom(rm[0])
	require.Equal(t, rm[0].AppendKey(nil), m.AppendKey(nil))
	m.Durable(record(core.RecordVote, core.Role{Kind: core.RM, ID: 1}, core.Prepared))
	require.NotEqual(t, rm[0].AppendKey(nil), m.AppendKey(nil))
	vote, outcome := m.RMState(0, 1)
	require.Equal(t, core.Prepared, vote)
	require.Equal(t, core.NoValue, outcome)
	vote, _ = rm[0].RMState(0, 1)
	require.Equal(t, core.NoValue, vote)
}

// TestKeyHoldsEverything but times, and what follows from the rest.
func TestKeyHoldsEverything(t *testing.T) {
	l, err := core.NewLayout(core.Sizes{
		RMs: 1, Acceptors: 1, Leaders: 1, TMs: 1, Registrars: 1, Replicas: 1,
	})
	require.NoError(t, err)
	var m Monitor
	m.ResetPart(l, []Txn{{
		ID: core.TxID{Origin: 1, Seq: 1}, RM: 1, Members: 1, Work: bank.Work{Read: 1},
	}}, 1, 100)
	st := m.facts[0]
	st.ballots, st.entries = make([]ballotFacts, 1), make([]entryBallot, 1)
	require.Equal(t, []string{
		".chosen.Prepared", ".chosen.Aborted", ".learner.Kind", ".learner.ID", ".learner.Replica",
		".commitAt", ".invoked", ".returned", ".registered.chosen.val", ".registered.chosen.set",
	}, keytest.Silent(func(st *facts) string {
		m.facts[0] = *st
		return string(m.AppendKey(nil))
	}, &st))
}

// TestTogetherKnowsWhatEachDatabaseRead of a transaction that reads at two.
func TestTogetherKnowsWhatEachDatabaseRead(t *testing.T) {
	l, err := core.NewLayout(core.Sizes{RMs: 2, TMs: 1})
	require.NoError(t, err)
	txns := []Txn{{
		ID: core.TxID{Origin: 1, Seq: 1}, RM: 1, Members: core.SetOf(1, 2),
		Work: bank.Work{Read: core.SetOf(1, 2)},
	}}
	var list []*Monitor
	for rm := uint8(1); rm <= 2; rm++ {
		m := &Monitor{}
		m.ResetPart(l, txns, 2, 100)
		m.Invoked(0)
		held(m, rm)
		for _, r := range []core.RecordType{core.RecordVote, core.RecordOutcome} {
			v := core.Prepared
			if r == core.RecordOutcome {
				v = core.Committed
			}
			m.Durable(record(r, core.Role{Kind: core.RM, ID: rm}, v))
		}
		list = append(list, m)
	}
	all := &Monitor{}
	all.Reset(l, txns, 2, 100)
	require.Nil(t, all.Together(list))
	all.Finish()
	require.Nil(t, all.Violation())
}
