package checker_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/core/bank"
)

// world is a monitor with two transactions: c1.1 moves 60 from account 1 (rm1) to 2 (rm2), and
// c2.1 reads both. Three acceptors, one leader; rm1 is on node 1, acc1 on node 3.
type world struct {
	checker.Monitor
	step  int
	banks [2]bank.Bank
	txns  []checker.Txn
}

func newWorld(t *testing.T) *world {
	l, err := core.NewLayout(core.Sizes{RMs: 2, Acceptors: 3, Leaders: 1})
	require.NoError(t, err)
	w := &world{txns: []checker.Txn{
		{ID: tx(1), RM: 1, Members: core.SetOf(1, 2), Work: bank.Work{From: 1, To: 2, Amount: 60}},
		{ID: tx(2), RM: 1, Members: core.SetOf(1, 2), Work: bank.Work{Read: core.SetOf(1, 2)}},
	}}
	w.Reset(l, w.txns, 2, 100)
	for i := range w.banks {
		w.banks[i].Reset(core.SetOf(uint8(i+1)), 100)
	}
	return w
}

func tx(client uint16) core.TxID { return core.TxID{Origin: client, Seq: 1} }
func rm(id uint8) core.Role      { return core.Role{Kind: core.RM, ID: id} }
func acc(id uint8) core.Role     { return core.Role{Kind: core.Acceptor, ID: id} }
func votes(prepared, aborted core.Set) core.Votes {
	return core.Votes{Prepared: prepared, Aborted: aborted}
}

func (w *world) tick() { w.step++; w.Step(w.step) }

func (w *world) vote(client uint16, id uint8, v core.Value) {
	w.tick()
	w.Durable(&core.Record{Type: core.RecordVote, Role: rm(id), Tx: tx(client), Val: v})
}

func (w *world) outcome(client uint16, id uint8, v core.Value) {
	w.tick()
	w.Durable(&core.Record{Type: core.RecordOutcome, Role: rm(id), Tx: tx(client), Val: v})
}

func (w *world) accept(client uint16, id uint8, mbal, bal core.Ballot, v core.Votes) {
	w.tick()
	w.Durable(&core.Record{
		Type: core.RecordAcceptor, Role: acc(id), Tx: tx(client), MBal: mbal, Bal: bal, Votes: v,
	})
}

func (w *world) learn(client uint16, r core.Role, v core.Value) {
	w.tick()
	w.Learned(&core.Decision{Role: r, Val: v, Tx: tx(client)})
}

func (w *world) invoke(i int) { w.tick(); w.Invoked(i) }

func (w *world) answer(i int, v core.Value) { w.tick(); w.Returned(i, v) }

// hold prepares transaction i at both banks.
func (w *world) hold(i int) {
	for k := range w.banks {
		w.banks[k].Prepare(w.txns[i].ID, w.txns[i].Members, w.txns[i].Work)
		w.tick()
		w.Held(uint8(k+1), i, &w.banks[k])
	}
}

func (w *world) apply(i int, v core.Value) {
	for k := range w.banks {
		_ = w.banks[k].Finish(w.txns[i].ID, v)
		w.tick()
		w.Applied(uint8(k+1), i, v, &w.banks[k])
	}
}

// choose lets both resource managers vote prepared and a majority of acceptors accept it.
func (w *world) choose(client uint16) {
	w.vote(client, 1, core.Prepared)
	w.vote(client, 2, core.Prepared)
	w.accept(client, 1, 0, 0, votes(3, 0))
	w.accept(client, 2, 0, 0, votes(3, 0))
}

// begin is leader 1 beginning a ballot of c1.1.
func (w *world) begin(b core.Ballot) {
	w.tick()
	w.Durable(&core.Record{
		Type: core.RecordBallot, Role: core.Role{Kind: core.Leader, ID: 1}, Tx: tx(1), Bal: b,
	})
}

// tell is a message about c1.1, with what else it says in msg.
func (w *world) tell(t core.MsgType, from, to core.Role, msg core.Message) {
	w.tick()
	msg.Type, msg.From, msg.To, msg.Tx = t, from, to, tx(1)
	w.Sent(&msg)
}

func (w *world) forget(r core.Role) {
	w.tick()
	w.Durable(&core.Record{Type: core.RecordForget, Role: r, Tx: tx(1)})
}

// commit is a transaction as it should be.
func (w *world) commit(i int) {
	client := uint16(i + 1)
	w.invoke(i)
	w.hold(i)
	w.choose(client)
	w.learn(client, core.Role{Kind: core.Leader, ID: 1}, core.Committed)
	w.outcome(client, 1, core.Committed)
	w.outcome(client, 2, core.Committed)
	w.apply(i, core.Committed)
	w.answer(i, core.Committed)
}

func TestMonitorIsSilentOnACorrectRun(t *testing.T) {
	w := newWorld(t)
	w.commit(0)
	w.commit(1)
	w.Finish()
	require.Nil(t, w.Violation())
	require.True(t, w.Reached().Has(checker.SawCommit))
	require.True(t, w.Reached().Has(checker.SawReadCommitted))
}

// Every property is broken by some run that the monitor must not let pass.
func TestMonitorFindsWhatIsBroken(t *testing.T) {
	ldr := core.Role{Kind: core.Leader, ID: 1}
	for _, c := range []struct {
		name string
		want checker.Property
		run  func(w *world)
	}{
		{"two values chosen in an instance", checker.Agreement, func(w *world) {
			w.choose(1)
			w.accept(1, 2, 1, 1, votes(2, 1))
			w.accept(1, 3, 1, 1, votes(2, 1))
		}},
		{"two outcomes learned", checker.Consistency, func(w *world) {
			w.choose(1)
			w.learn(1, ldr, core.Committed)
			w.learn(1, rm(1), core.Aborted)
		}},
		{"one commits and another aborts", checker.Consistency, func(w *world) {
			w.choose(1)
			w.outcome(1, 1, core.Committed)
			w.outcome(1, 2, core.Aborted)
		}},
		{"a commit that no acceptor has accepted", checker.Validity, func(w *world) {
			w.vote(1, 1, core.Prepared)
			w.vote(1, 2, core.Prepared)
			w.learn(1, ldr, core.Committed)
		}},
		{"another outcome written than learned", checker.Consistency, func(w *world) {
			w.choose(1)
			w.learn(1, ldr, core.Committed)
			w.outcome(1, 1, core.Aborted)
		}},
		{"acceptance of ballot 0 forgotten by a restart", checker.Durability, func(w *world) {
			w.vote(1, 1, core.Prepared)
			w.accept(1, 1, 0, 0, votes(1, 0))
			w.Sent(&core.Message{
				Type: core.MsgPhase2b, From: acc(1), To: ldr, Tx: tx(1), Votes: votes(1, 0),
			})
			w.Crashed(3, false)
			w.Restarted(3)
			w.accept(1, 1, 1, 0, core.Votes{})
		}},
		{"said to be finished before all have an outcome", checker.Validity, func(w *world) {
			w.choose(1)
			w.outcome(1, 1, core.Committed)
			w.Forgotten(0, ldr)
		}},
		{"one aborts what all have chosen", checker.Validity, func(w *world) {
			w.choose(1)
			w.outcome(1, 1, core.Aborted)
			w.outcome(1, 2, core.Committed)
		}},
		{"committed with one prepared", checker.Validity, func(w *world) {
			w.vote(1, 1, core.Prepared)
			w.outcome(1, 1, core.Committed)
		}},
		{"commit learned with one prepared", checker.Validity, func(w *world) {
			w.vote(1, 1, core.Prepared)
			w.learn(1, ldr, core.Committed)
		}},
		{"commit learned before it is chosen", checker.Validity, func(w *world) {
			w.vote(1, 1, core.Prepared)
			w.vote(1, 2, core.Prepared)
			w.accept(1, 1, 0, 0, votes(3, 0))
			w.learn(1, ldr, core.Committed)
		}},
		{"prepared invented", checker.Validity, func(w *world) {
			w.accept(1, 1, 1, 1, votes(1, 2))
		}},
		{"abort that nobody voted or chose", checker.Validity, func(w *world) {
			w.vote(1, 1, core.Prepared)
			w.learn(1, ldr, core.Aborted)
		}},
		{"promise sent and lost", checker.Durability, func(w *world) {
			w.Sent(&core.Message{Type: core.MsgPhase1b, From: acc(1), To: ldr, Tx: tx(1), MBal: 1})
			w.Crashed(3, false)
		}},
		{"acceptance sent and lost", checker.Durability, func(w *world) {
			w.Sent(&core.Message{
				Type: core.MsgPhase2b, From: acc(1), To: ldr, Tx: tx(1), Votes: votes(1, 0),
			})
			w.Crashed(3, false)
		}},
		{"vote sent and lost", checker.Durability, func(w *world) {
			w.Sent(&core.Message{
				Type: core.MsgPhase2a, From: rm(1), To: acc(1), Tx: tx(1), Votes: votes(1, 0),
			})
			w.Crashed(1, false)
		}},
		{"promise forgotten by a restart", checker.Durability, func(w *world) {
			w.accept(1, 1, 2, 0, core.Votes{})
			w.Sent(&core.Message{Type: core.MsgPhase1b, From: acc(1), To: ldr, Tx: tx(1), MBal: 2})
			w.Crashed(3, false)
			w.Restarted(3)
			w.accept(1, 1, 1, 1, votes(0, 3))
		}},
		{"acceptance forgotten by a restart", checker.Durability, func(w *world) {
			w.accept(1, 1, 2, 2, votes(0, 3))
			w.Sent(&core.Message{
				Type: core.MsgPhase2b, From: acc(1), To: ldr, Tx: tx(1), Bal: 2, Votes: votes(0, 3),
			})
			w.Crashed(3, false)
			w.Restarted(3)
			w.accept(1, 1, 3, 0, core.Votes{})
		}},
		{"ballot begun and lost", checker.Durability, func(w *world) {
			w.begin(1)
			w.tell(core.MsgPhase1a, ldr, acc(1), core.Message{Bal: 2})
			w.Crashed(6, false)
		}},
		{"ballot begun again", checker.Durability, func(w *world) {
			w.begin(2)
			w.Crashed(6, false)
			w.Restarted(6)
			w.begin(2)
		}},
		{"outcome told to the resource and lost", checker.Durability, func(w *world) {
			w.tell(core.MsgCommit, rm(1), core.Role{Kind: core.Resource, ID: 1}, core.Message{})
			w.Crashed(1, false)
		}},
		{"done told and lost", checker.Durability, func(w *world) {
			w.tell(core.MsgDone, rm(1), ldr, core.Message{Val: core.Aborted})
			w.Crashed(1, false)
		}},
		{"another outcome than the resource was told", checker.Durability, func(w *world) {
			w.vote(1, 1, core.Aborted)
			w.tell(core.MsgCommit, rm(1), core.Role{Kind: core.Resource, ID: 1}, core.Message{})
			w.outcome(1, 1, core.Aborted)
		}},
		{"forgetting told and lost", checker.Durability, func(w *world) {
			w.tell(core.MsgForgotten, acc(1), ldr, core.Message{})
			w.Crashed(3, false)
		}},
		{"forgetting told by a low-water mark and lost", checker.Durability, func(w *world) {
			later := tx(1)
			later.Seq = 2
			w.txns[1].ID = later
			w.Sent(&core.Message{Type: core.MsgForgotten, From: rm(2), To: ldr, Tx: later, Low: 2})
			w.Durable(&core.Record{Type: core.RecordForget, Role: rm(2), Tx: later, Low: 0})
			w.Crashed(2, false)
		}},
		{"a resource told to forget, and that lost", checker.Durability, func(w *world) {
			w.tell(core.MsgForget, rm(1), core.Role{Kind: core.Resource, ID: 1}, core.Message{})
			w.Crashed(1, false)
		}},
		{"a vote on what is forgotten", checker.Durability, func(w *world) {
			w.forget(rm(1))
			w.vote(1, 1, core.Prepared)
		}},
		{"an outcome of what is forgotten", checker.Durability, func(w *world) {
			w.vote(1, 1, core.Aborted)
			w.forget(rm(1))
			w.outcome(1, 1, core.Aborted)
		}},
		{"a promise about what is forgotten", checker.Durability, func(w *world) {
			w.forget(acc(1))
			w.accept(1, 1, 1, 0, core.Votes{})
		}},
		{"vote changed", checker.History, func(w *world) {
			w.vote(1, 1, core.Prepared)
			w.vote(1, 1, core.Aborted)
		}},
		{"outcome changed", checker.History, func(w *world) {
			w.choose(1)
			w.outcome(1, 1, core.Committed)
			w.outcome(1, 1, core.Aborted)
		}},
		{"two on one account", checker.History, func(w *world) {
			w.hold(0)
			w.Held(1, 1, &w.banks[0])
		}},
		{"applied twice", checker.History, func(w *world) {
			w.commit(0)
			w.banks[0].Reset(core.SetOf(1), -20) // 100, less 60 twice
			w.Applied(1, 0, core.Committed, &w.banks[0])
		}},
		{"client told of an abort that was a commit", checker.Linearizability, func(w *world) {
			w.invoke(0)
			w.answer(0, core.Aborted)
			w.choose(1)
			w.Finish()
		}},
		{"client told of a commit that was none", checker.Linearizability, func(w *world) {
			w.invoke(0)
			w.answer(0, core.Committed)
			w.Finish()
		}},
		{"answer before the commit", checker.Linearizability, func(w *world) {
			w.invoke(0)
			w.answer(0, core.Committed)
			w.choose(1)
			w.Finish()
		}},
		{"committed before it was asked for", checker.Linearizability, func(w *world) {
			w.choose(1)
			w.invoke(0)
			w.Finish()
		}},
		{"a read from before the transfer, committed after it", checker.Linearizability, func(w *world) {
			w.invoke(1)
			w.hold(1) // reads 100 and 100
			w.apply(1, core.Aborted)
			w.commit(0)
			w.choose(2)
			w.Finish()
		}},
		{"a transaction nobody asked for", checker.Contract, func(w *world) {
			w.vote(3, 1, core.Prepared)
		}},
		{"reported by the world", checker.NonBlocking, func(w *world) {
			w.Broken(checker.NonBlocking, "rm1 waits")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.run(w)
			require.NotNil(t, w.Violation())
			require.Equal(t, c.want, w.Violation().Property, w.Violation().String())
		})
	}
}

// What is durable before it is told may be lost by nobody.
func TestMonitorLetsDurableStateBeTold(t *testing.T) {
	w := newWorld(t)
	ldr, res := core.Role{Kind: core.Leader, ID: 1}, core.Role{Kind: core.Resource, ID: 1}
	w.commit(0)
	w.begin(1)
	w.tell(core.MsgPhase1a, ldr, acc(1), core.Message{Bal: 1})
	w.begin(2)
	w.tell(core.MsgPhase2a, ldr, acc(1), core.Message{Bal: 2, Votes: votes(3, 0)})
	w.tell(core.MsgCommit, rm(1), res, core.Message{})
	w.tell(core.MsgDone, rm(1), ldr, core.Message{Val: core.Committed})
	for _, r := range []core.Role{rm(1), acc(1)} {
		w.forget(r)
		w.tell(core.MsgForgotten, r, ldr, core.Message{Low: 1})
	}
	w.tell(core.MsgForget, rm(1), res, core.Message{Low: 1})
	w.tell(core.MsgForgotten, ldr, rm(2), core.Message{Low: 1}) // it writes nothing down
	for n := range core.NodeID(6) {
		w.Crashed(n+1, false)
		w.Restarted(n + 1)
	}
	w.begin(3)
	require.Nil(t, w.Violation())
}

func TestMonitorKeepsTheFirstViolation(t *testing.T) {
	w := newWorld(t)
	w.vote(1, 1, core.Prepared)
	w.vote(1, 1, core.Aborted)
	first := *w.Violation()
	w.Broken(checker.Contract, "later")
	require.Equal(t, first, *w.Violation())
	require.Equal(t, 2, first.Step)
}

func TestNamesOfPropertiesAndMilestonesAreReadBack(t *testing.T) {
	for p := checker.Agreement; int(p) < checker.NumProperties; p++ {
		got, err := checker.ParseProperty(p.String())
		require.NoError(t, err)
		require.Equal(t, p, got)
	}
	for m := checker.SawCommit; int(m) < checker.NumMilestones; m++ {
		got, err := checker.ParseMilestone(m.String())
		require.NoError(t, err)
		require.Equal(t, m, got)
	}
	_, err := checker.ParseProperty("agreement")
	require.ErrorContains(t, err, `"agreement"`)
	_, err = checker.ParseMilestone("")
	require.Error(t, err)
}
