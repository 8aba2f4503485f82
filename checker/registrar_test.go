package checker_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/core/bank"
)

// dynamicWorld is a monitor of one transaction, in which rm1 must take part and rm2 and rm3 may,
// with one acceptor.
type dynamicWorld struct {
	checker.Monitor
	step int
}

func newDynamicWorld(t *testing.T) *dynamicWorld {
	return dynamicBy(t, (*checker.Monitor).Reset)
}

func dynamicBy(
	t *testing.T, reset func(*checker.Monitor, *core.Layout, []checker.Txn, int, int64),
) *dynamicWorld {
	t.Helper()
	l, err := core.NewLayout(core.Sizes{RMs: 3, Acceptors: 1, Leaders: 1, Registrars: 1})
	require.NoError(t, err)
	w := &dynamicWorld{}
	reset(&w.Monitor, l, []checker.Txn{{
		ID: tx(1), RM: 1, Members: core.FullSet(3), Optional: core.SetOf(2, 3),
		Work: bank.Work{From: 1, To: 1, Amount: 1},
	}}, 1, 100)
	return w
}

func (w *dynamicWorld) record(t core.RecordType, r core.Role, v core.Value, joined ...uint8) {
	w.step++
	w.Step(w.step)
	w.Durable(&core.Record{
		Type: t, Role: r, Tx: tx(1), Members: core.FullSet(3), Val: v, Joined: core.SetOf(joined...),
	})
}

func (w *dynamicWorld) join(joined ...uint8) {
	w.record(core.RecordJoin, registrar(), core.NoValue, joined...)
}

func (w *dynamicWorld) closeSet(joined ...uint8) {
	w.record(core.RecordVote, registrar(), core.Prepared, joined...)
}

func (w *dynamicWorld) vote(id uint8) { w.record(core.RecordVote, rm(id), core.Prepared) }

// choose has the acceptor accept a set and some votes in ballot 0.
func (w *dynamicWorld) choose(set, prepared core.Set) {
	w.step++
	w.Step(w.step)
	w.Durable(&core.Record{
		Type: core.RecordAcceptor, Role: acc(1), Tx: tx(1), Members: core.FullSet(3),
		Val: core.Prepared, Joined: set, Votes: votes(prepared, 0),
	})
}

func (w *dynamicWorld) learn(v core.Value) {
	w.Learned(&core.Decision{Role: core.Role{Kind: core.Leader, ID: 1}, Val: v, Tx: tx(1)})
}

func (w *dynamicWorld) tell(t core.MsgType, from core.Role, to uint8) {
	w.Sent(&core.Message{Type: t, From: from, To: rm(to), Tx: tx(1)})
}

// tellSet has the acceptor tell that it has accepted a set.
func (w *dynamicWorld) tellSet(set core.Set) {
	w.Sent(&core.Message{
		Type: core.MsgPhase2b, From: acc(1), To: core.Role{Kind: core.Leader, ID: 1}, Tx: tx(1),
		Val: core.Prepared, Joined: set,
	})
}

func registrar() core.Role { return core.Role{Kind: core.Registrar, ID: 1} }

// commit is a run in which rm1 and rm2 take part, and rm3 comes too late.
func (w *dynamicWorld) commit() {
	w.Invoked(0)
	w.join(1)
	w.join(1, 2)
	w.tell(core.MsgJoined, registrar(), 2)
	w.vote(1)
	w.closeSet(1, 2)
	w.tell(core.MsgTooLate, registrar(), 3)
	w.vote(2)
	w.choose(3, 3)
	w.learn(core.Committed)
	w.record(core.RecordOutcome, rm(1), core.Committed, 1, 2)
	w.record(core.RecordOutcome, rm(2), core.Committed, 1, 2)
	w.tell(core.MsgTooLate, core.Role{Kind: core.Leader, ID: 1}, 3)
	w.Forgotten(0, registrar())
	w.Finish()
}

func TestMonitorIsSilentOnASubsetThatCommits(t *testing.T) {
	w := newDynamicWorld(t)
	w.commit()
	require.Nil(t, w.Violation())
	require.True(t, w.Reached().Has(checker.SawSubset))
	require.True(t, w.Reached().Has(checker.SawTooLate))
	require.Equal(t, core.SetOf(1, 2), w.Takers(0))
	require.Equal(t, core.SetOf(3), w.LeftOut(0))
}

// TestTogetherFindsACommitByOneOutside of the set, who has not even voted: no part can.
func TestTogetherFindsACommitByOneOutside(t *testing.T) {
	for outside, want := range []string{
		"", "Validity at step 0: rm {2} committed c1.1, in which only rm {1} take part",
	} {
		var list []*checker.Monitor
		for node := range 4 {
			w := dynamicBy(t, (*checker.Monitor).ResetPart)
			switch {
			case node == 0:
				w.closeSet(1)
			case node == 1:
				w.vote(1)
				w.record(core.RecordOutcome, rm(1), core.Committed, 1)
			case node == 2:
				w.choose(core.SetOf(1), core.SetOf(1))
			case outside == 1:
				w.record(core.RecordOutcome, rm(2), core.Committed, 1)
			}
			require.Nil(t, w.Violation())
			list = append(list, &w.Monitor)
		}
		v := newDynamicWorld(t).Together(list)
		if want == "" {
			require.Nil(t, v)
			continue
		}
		require.NotNil(t, v)
		require.Equal(t, want, v.String())
	}
}

func TestMonitorFindsWhatIsBrokenWithARegistrar(t *testing.T) {
	for _, c := range []struct {
		name string
		want checker.Property
		run  func(w *dynamicWorld)
	}{
		{"one who has joined is not prepared", checker.Validity, func(w *dynamicWorld) {
			w.closeSet(1, 2)
			w.vote(1)
			w.choose(3, 1)
			w.learn(core.Committed)
		}},
		{"one who must is not in the set", checker.Validity, func(w *dynamicWorld) {
			w.closeSet(2)
			w.vote(2)
			w.choose(2, 2)
			w.learn(core.Committed)
		}},
		{"the set is not chosen", checker.Validity, func(w *dynamicWorld) {
			w.closeSet(1)
			w.vote(1)
			w.choose(0, 1)
			w.learn(core.Committed)
		}},
		{"one who is told that he takes part does not", checker.Durability, func(w *dynamicWorld) {
			w.join(1, 2)
			w.tell(core.MsgJoined, registrar(), 2)
			w.closeSet(1)
		}},
		{"one who is told so when the set is closed", checker.Durability, func(w *dynamicWorld) {
			w.closeSet(1)
			w.tell(core.MsgJoined, registrar(), 2)
		}},
		{"one who is told that he is too late takes part", checker.Durability, func(w *dynamicWorld) {
			w.closeSet(1, 2)
			w.tell(core.MsgTooLate, core.Role{Kind: core.Leader, ID: 1}, 2)
		}},
		{"too late for a set that may still change", checker.Durability, func(w *dynamicWorld) {
			w.tell(core.MsgTooLate, registrar(), 2)
		}},
		{"a vote of one outside", checker.Validity, func(w *dynamicWorld) {
			w.closeSet(1)
			w.vote(2)
		}},
		{"a set without one who has voted", checker.Validity, func(w *dynamicWorld) {
			w.vote(2)
			w.closeSet(1)
		}},
		{"a commit by one outside", checker.Validity, func(w *dynamicWorld) {
			w.closeSet(1)
			w.vote(1)
			w.choose(1, 1)
			w.record(core.RecordOutcome, rm(2), core.Committed, 1)
		}},
		{"an abort for the sake of one outside", checker.Validity, func(w *dynamicWorld) {
			w.closeSet(1)
			w.vote(1)
			w.choose(1, 1)
			w.Durable(&core.Record{
				Type: core.RecordAcceptor, Role: acc(1), Tx: tx(1), Members: core.FullSet(3),
				MBal: 1, Bal: 1, Val: core.Prepared, Joined: 1, Votes: votes(1, 6),
			})
			w.learn(core.Aborted)
		}},
		{"finished without one who takes part", checker.Validity, func(w *dynamicWorld) {
			w.closeSet(1, 2)
			w.vote(1)
			w.vote(2)
			w.choose(3, 3)
			w.record(core.RecordOutcome, rm(1), core.Committed, 1, 2)
			w.Forgotten(0, registrar())
		}},
		{"a join told and lost", checker.Durability, func(w *dynamicWorld) {
			w.tell(core.MsgJoined, registrar(), 1)
			w.Crashed(6, false)
		}},
		{"a set proposed and lost", checker.Durability, func(w *dynamicWorld) {
			w.join(1)
			w.tell(core.MsgPhase2a, registrar(), 1)
			w.Crashed(6, false)
		}},
		{"forgetting told and lost", checker.Durability, func(w *dynamicWorld) {
			w.tell(core.MsgForgotten, registrar(), 1)
			w.Crashed(6, false)
		}},
		{"a join of what is forgotten", checker.Durability, func(w *dynamicWorld) {
			w.record(core.RecordForget, registrar(), core.NoValue)
			w.join(1)
		}},
		{"a set accepted, told and lost", checker.Durability, func(w *dynamicWorld) {
			w.closeSet(1)
			w.tellSet(1)
			w.Crashed(4, false)
		}},
		{"a set accepted, and forgotten by a restart", checker.Durability, func(w *dynamicWorld) {
			w.closeSet(1)
			w.choose(1, 0)
			w.tellSet(1)
			w.Crashed(4, false)
			w.Restarted(4)
			w.record(core.RecordAcceptor, acc(1), core.NoValue)
		}},
		{"a set that nobody proposed", checker.Validity, func(w *dynamicWorld) {
			w.closeSet(1)
			w.choose(3, 0)
		}},
		{"two values in one ballot", checker.Agreement, func(w *dynamicWorld) {
			w.closeSet(1)
			w.choose(1, 0)
			w.record(core.RecordAcceptor, acc(1), core.Aborted)
		}},
		{"two values in two ballots", checker.Agreement, func(w *dynamicWorld) {
			w.closeSet(1)
			w.choose(1, 0)
			w.Durable(&core.Record{
				Type: core.RecordAcceptor, Role: acc(1), Tx: tx(1), MBal: 1, Bal: 1, Val: core.Aborted,
			})
		}},
		{"another set after a restart", checker.History, func(w *dynamicWorld) {
			w.closeSet(1)
			w.closeSet(1, 2)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newDynamicWorld(t)
			c.run(w)
			require.NotNil(t, w.Violation())
			require.Equal(t, c.want, w.Violation().Property, w.Violation())
		})
	}
}
