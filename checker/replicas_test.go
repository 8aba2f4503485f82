package checker

import (
	"testing"

	"paxoscommit/core"
	"paxoscommit/core/bank"

	"github.com/stretchr/testify/require"
)

// groups is a monitor of one transaction of two resource managers, with three replicas each. rm1.1
// is on node 1.
func groups(t *testing.T) *Monitor {
	t.Helper()
	l, err := core.NewLayout(core.Sizes{RMs: 2, TMs: 1, Replicas: 3})
	require.NoError(t, err)
	m := &Monitor{}
	m.Reset(l, []Txn{{
		ID: core.TxID{Origin: 1, Seq: 1}, RM: 1, Members: core.SetOf(1, 2),
		Work: bank.Work{From: 1, To: 2, Amount: 1},
	}}, 2, 100)
	return m
}

func held(m *Monitor, rm uint8) {
	b := &bank.Bank{}
	b.Reset(core.SetOf(rm), 100)
	m.Held(rm, 0, b)
}

func replicaOf(kind core.RoleKind, id, replica uint8) core.Role {
	return core.Role{Kind: kind, ID: id, Replica: replica}
}

// accepts has replicas of a group accept, durably. NoValue stands for an empty place.
func accepts(m *Monitor, group core.Role, bal core.Ballot, vote, val core.Value, by ...uint8) {
	for _, k := range by {
		group.Replica = k
		r := record(core.RecordAcceptor, group, val)
		r.MBal, r.Bal = bal, bal
		if vote != core.NoValue {
			r.Votes = core.VoteOf(group.ID, vote)
		}
		m.Durable(r)
	}
}

func tells(m *Monitor, t core.MsgType, from, to core.Role, said core.Message) {
	said.Type, said.From, said.To, said.Tx = t, from, to, core.TxID{Origin: 1, Seq: 1}
	m.Sent(&said)
}

// chooseAll has both groups vote prepared and the coordinator's decide to commit.
func chooseAll(m *Monitor) {
	for id := range uint8(2) {
		held(m, id+1)
		accepts(m, replicaOf(core.RM, id+1, 0), 0, core.Prepared, core.NoValue, 1, 2)
	}
	accepts(m, replicaOf(core.TM, 1, 0), 0, core.NoValue, core.Committed, 1, 2)
}

func TestAGroupHasVotedWhenAMajorityOfItHas(t *testing.T) {
	m := groups(t)
	held(m, 1)
	accepts(m, replicaOf(core.RM, 1, 0), 0, core.Prepared, core.NoValue, 1)
	vote, _ := m.RMState(0, 1)
	require.Equal(t, core.NoValue, vote)
	accepts(m, replicaOf(core.RM, 1, 0), 3, core.Prepared, core.NoValue, 2)
	vote, _ = m.RMState(0, 1)
	require.Equal(t, core.NoValue, vote, "in two ballots it is no majority")
	accepts(m, replicaOf(core.RM, 1, 0), 3, core.Prepared, core.NoValue, 3)
	vote, _ = m.RMState(0, 1)
	require.Equal(t, core.Prepared, vote)
	require.True(t, m.Reached().Has(SawHigherBallot))
	require.Nil(t, m.Violation())
}

func TestWhatReplicasDoWrong(t *testing.T) {
	rm, tm := replicaOf(core.RM, 1, 0), replicaOf(core.TM, 1, 0)
	rm11, rm12, tm11 := replicaOf(core.RM, 1, 1), replicaOf(core.RM, 1, 2), replicaOf(core.TM, 1, 1)
	for name, c := range map[string]struct {
		want Property
		do   func(m *Monitor)
	}{
		"nothing": {NoProperty, func(m *Monitor) {
			chooseAll(m)
			tells(m, core.MsgVote, rm11, tm11, core.Message{Val: core.Prepared})
			tells(m, core.MsgCommit, tm11, rm11, core.Message{})
			accepts(m, rm, 0, core.Prepared, core.Committed, 1, 2)
			accepts(m, replicaOf(core.RM, 2, 0), 4, core.Prepared, core.Committed, 2, 3)
			tells(m, core.MsgDone, rm11, tm11, core.Message{Val: core.Committed})
			m.Crashed(1, false)
		}},
		"two votes are chosen": {Agreement, func(m *Monitor) {
			held(m, 1)
			accepts(m, rm, 0, core.Prepared, core.NoValue, 1, 2)
			accepts(m, rm, 2, core.Aborted, core.NoValue, 2, 3)
		}},
		"two decisions are chosen": {Agreement, func(m *Monitor) {
			chooseAll(m)
			accepts(m, tm, 1, core.NoValue, core.Aborted, 2, 3)
		}},
		"two outcomes are chosen": {Agreement, func(m *Monitor) {
			chooseAll(m)
			accepts(m, rm, 0, core.Prepared, core.Committed, 1, 2)
			accepts(m, rm, 1, core.Prepared, core.Aborted, 2, 3)
		}},
		"prepared is invented": {Validity, func(m *Monitor) {
			accepts(m, rm, 0, core.Prepared, core.NoValue, 1, 2)
		}},
		"a commit is decided too early": {Validity, func(m *Monitor) {
			accepts(m, tm, 0, core.NoValue, core.Committed, 1, 2)
		}},
		"an outcome is not the decision": {Consistency, func(m *Monitor) {
			chooseAll(m)
			accepts(m, rm, 0, core.Prepared, core.Aborted, 1, 2)
		}},
		"a vote is told before it is chosen": {Durability, func(m *Monitor) {
			held(m, 1)
			accepts(m, rm, 0, core.Prepared, core.NoValue, 1)
			tells(m, core.MsgVote, rm11, tm11, core.Message{Val: core.Prepared})
		}},
		"a decision is told before it is chosen": {Durability, func(m *Monitor) {
			tells(m, core.MsgAbort, tm11, rm11, core.Message{})
		}},
		"an outcome is applied before it is chosen": {Durability, func(m *Monitor) {
			tells(m, core.MsgAbort, rm11, core.Role{Kind: core.Resource, ID: 1}, core.Message{})
		}},
		"done before the outcome is chosen": {Durability, func(m *Monitor) {
			tells(m, core.MsgDone, rm11, tm11, core.Message{Val: core.Aborted})
		}},
		"a promise is lost": {Durability, func(m *Monitor) {
			tells(m, core.MsgPhase1b, rm11, rm12, core.Message{MBal: 2})
			m.Crashed(1, false)
		}},
		"a ballot is lost": {Durability, func(m *Monitor) {
			tells(m, core.MsgPhase1a, rm11, rm12, core.Message{Bal: 1})
			m.Crashed(1, false)
		}},
		"what was accepted is lost": {Durability, func(m *Monitor) {
			tells(m, core.MsgPhase2a, rm11, rm12, core.Message{Votes: core.VoteOf(1, core.Aborted)})
			m.Crashed(1, false)
		}},
		"another entry is lost": {Durability, func(m *Monitor) {
			accepts(m, rm, 0, core.Aborted, core.NoValue, 1)
			tells(m, core.MsgPhase2b, rm11, rm12, core.Message{Val: core.Aborted})
			m.Crashed(1, false)
		}},
		"a promise is forgotten": {Durability, func(m *Monitor) {
			tells(m, core.MsgPhase1b, rm11, rm12, core.Message{MBal: 2})
			m.Restarted(1)
			accepts(m, rm, 0, core.Aborted, core.NoValue, 1)
		}},
		"what was accepted is forgotten": {Durability, func(m *Monitor) {
			tells(m, core.MsgPhase2a, rm11, rm12, core.Message{Votes: core.VoteOf(1, core.Aborted)})
			m.Restarted(1)
			accepts(m, rm, 0, core.Prepared, core.NoValue, 1)
		}},
		"forgotten, and taken for new": {Durability, func(m *Monitor) {
			m.Durable(record(core.RecordForget, rm11, core.NoValue))
			accepts(m, rm, 0, core.Aborted, core.NoValue, 1)
		}},
		"that it has forgotten is lost": {Durability, func(m *Monitor) {
			tells(m, core.MsgForgotten, rm11, tm11, core.Message{})
			m.Crashed(1, false)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			m := groups(t)
			c.do(m)
			if c.want == NoProperty {
				require.Nil(t, m.Violation())
				return
			}
			require.NotNil(t, m.Violation())
			require.Equal(t, c.want, m.Violation().Property, "%v", m.Violation())
		})
	}
}

// Of what is prepared at a database nothing else of a part of that node may tell.
func TestEvidenceHoldsWhatDatabasesOfGroupsHold(t *testing.T) {
	p := groups(t)
	p.ResetPart(p.layout, p.txns, 2, 100)
	before := p.AppendEvidence(nil)
	held(p, 1)
	require.NotEqual(t, before, p.AppendEvidence(nil))
}

func TestTogetherJudgesGroupsOfOne(t *testing.T) {
	for _, prepared := range []bool{false, true} {
		var list []*Monitor
		l, err := core.NewLayout(core.Sizes{RMs: 2, TMs: 1, Replicas: 1})
		require.NoError(t, err)
		txns := groups(t).txns
		for range 2 {
			p := &Monitor{}
			p.ResetPart(l, txns, 2, 100)
			list = append(list, p)
		}
		accepts(list[0], replicaOf(core.RM, 1, 0), 0, core.Prepared, core.NoValue, 1)
		if prepared {
			held(list[1], 1)
		}
		all := &Monitor{}
		all.Reset(l, txns, 2, 100)
		v := all.Together(list)
		if prepared {
			require.Nil(t, v)
			continue
		}
		require.NotNil(t, v)
		require.Equal(t, Validity, v.Property)
	}
}

// What each replica accepts and tells is in order by itself, and all of it is not.
func TestTogetherJudgesGroups(t *testing.T) {
	rm := func(replica uint8) core.Role { return replicaOf(core.RM, 1, replica) }
	tm := func(replica uint8) core.Role { return replicaOf(core.TM, 1, replica) }
	for name, c := range map[string]struct {
		want Property
		do   func(by func(replica uint8) *Monitor)
	}{
		"one vote": {NoProperty, func(by func(uint8) *Monitor) {
			accepts(by(1), replicaOf(core.RM, 1, 0), 0, core.Aborted, core.NoValue, 1)
			accepts(by(2), replicaOf(core.RM, 1, 0), 0, core.Aborted, core.NoValue, 2)
		}},
		"two votes": {Agreement, func(by func(uint8) *Monitor) {
			held(by(1), 1)
			accepts(by(1), replicaOf(core.RM, 1, 0), 0, core.Prepared, core.NoValue, 1)
			accepts(by(2), replicaOf(core.RM, 1, 0), 0, core.Prepared, core.NoValue, 2)
			accepts(by(2), replicaOf(core.RM, 1, 0), 3, core.Aborted, core.NoValue, 2)
			accepts(by(3), replicaOf(core.RM, 1, 0), 3, core.Aborted, core.NoValue, 3)
		}},
		"a commit without votes": {Validity, func(by func(uint8) *Monitor) {
			accepts(by(1), replicaOf(core.TM, 1, 0), 0, core.NoValue, core.Committed, 1)
			accepts(by(2), replicaOf(core.TM, 1, 0), 0, core.NoValue, core.Committed, 2)
		}},
		"a vote is told when it is chosen": {NoProperty, func(by func(uint8) *Monitor) {
			accepts(by(1), rm(1), 0, core.Aborted, core.NoValue, 1)
			accepts(by(2), rm(1), 0, core.Aborted, core.NoValue, 2)
			tells(by(1), core.MsgVote, rm(1), tm(1), core.Message{Val: core.Aborted})
		}},
		"a vote is told sooner": {Durability, func(by func(uint8) *Monitor) {
			accepts(by(1), rm(1), 0, core.Aborted, core.NoValue, 1)
			tells(by(1), core.MsgVote, rm(1), tm(1), core.Message{Val: core.Aborted})
		}},
		"a vote is told sooner, and what claims nothing": {Durability, func(by func(uint8) *Monitor) {
			accepts(by(1), rm(1), 0, core.Aborted, core.NoValue, 1)
			tells(by(1), core.MsgVote, rm(1), tm(1), core.Message{Val: core.Aborted})
			tells(by(1), core.MsgForgotten, rm(1), tm(1), core.Message{})
		}},
		"another vote is told": {Durability, func(by func(uint8) *Monitor) {
			accepts(by(1), rm(1), 0, core.Aborted, core.NoValue, 1)
			accepts(by(2), rm(1), 0, core.Aborted, core.NoValue, 2)
			tells(by(1), core.MsgVote, rm(1), tm(1), core.Message{Val: core.Prepared})
		}},
		"a decision is told when it is chosen": {NoProperty, func(by func(uint8) *Monitor) {
			accepts(by(1), tm(1), 0, core.NoValue, core.Aborted, 1)
			accepts(by(2), tm(1), 0, core.NoValue, core.Aborted, 2)
			tells(by(1), core.MsgAbort, tm(1), rm(1), core.Message{})
		}},
		"a decision is told sooner": {Durability, func(by func(uint8) *Monitor) {
			accepts(by(1), tm(1), 0, core.NoValue, core.Aborted, 1)
			tells(by(1), core.MsgAbort, tm(1), rm(1), core.Message{})
		}},
		"a commit is told, and abort is decided": {Durability, func(by func(uint8) *Monitor) {
			accepts(by(1), tm(1), 0, core.NoValue, core.Aborted, 1)
			accepts(by(2), tm(1), 0, core.NoValue, core.Aborted, 2)
			tells(by(1), core.MsgCommit, tm(1), rm(1), core.Message{})
		}},
		"an outcome is told when it is chosen": {NoProperty, func(by func(uint8) *Monitor) {
			accepts(by(1), rm(1), 0, core.Aborted, core.Aborted, 1)
			accepts(by(2), rm(1), 0, core.Aborted, core.Aborted, 2)
			tells(by(1), core.MsgDone, rm(1), tm(1), core.Message{Val: core.Aborted})
		}},
		"an outcome is told sooner": {Durability, func(by func(uint8) *Monitor) {
			accepts(by(1), rm(1), 0, core.Aborted, core.NoValue, 1)
			accepts(by(2), rm(1), 0, core.Aborted, core.NoValue, 2)
			accepts(by(1), rm(1), 0, core.Aborted, core.Aborted, 1)
			tells(by(1), core.MsgDone, rm(1), tm(1), core.Message{Val: core.Aborted})
		}},
		"a database is told sooner": {Durability, func(by func(uint8) *Monitor) {
			accepts(by(1), rm(1), 0, core.Aborted, core.Aborted, 1)
			tells(by(1), core.MsgAbort, rm(1), core.Role{Kind: core.Resource, ID: 1}, core.Message{})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			all := groups(t)
			var parts []*Monitor
			for range 3 {
				p := groups(t)
				p.ResetPart(p.layout, p.txns, 2, 100)
				parts = append(parts, p)
			}
			empty := string(parts[0].AppendKey(nil))
			c.do(func(replica uint8) *Monitor { return parts[replica-1] })
			require.NotEqual(t, empty, string(parts[0].AppendKey(nil)))
			require.NotEqual(t, parts[0].AppendFacts(nil), parts[1].AppendFacts(nil))
			copied := &Monitor{}
			copied.CopyFrom(parts[0])
			require.Equal(t, parts[0].AppendKey(nil), copied.AppendKey(nil))
			parts[0] = copied
			v := all.Together(parts)
			if c.want == NoProperty {
				require.Nil(t, v)
				return
			}
			require.NotNil(t, v)
			require.Equal(t, c.want, v.Property, "%v", v)
		})
	}
}
