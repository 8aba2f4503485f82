package harness_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"paxoscommit/checker"
	"paxoscommit/checker/history"
	"paxoscommit/core"
	"paxoscommit/core/bank"
	"paxoscommit/core/paxoscommit"
	"paxoscommit/core/twophase"
	"paxoscommit/harness"
)

func TestReplayThatSkipsDoesNotPass(t *testing.T) {
	s := parse(t, strings.Replace(good, "deliver cl1->rm1 request tx=c1.1\n", "", 1))
	r := harness.Replay(s)
	require.Equal(t, checker.Unknown, r.Verdict())
	require.False(t, r.Passed())
	require.Equal(t, []int{2, 3, 4, 5, 7}, r.Skipped, "what the missing action would have caused")
	require.Len(t, r.Taken, 3)
	require.Equal(t, []string{
		"line 14 was skipped, it is not enabled: deliver rm1->res1 prepare tx=c1.1",
		"line 15 was skipped, it is not enabled: deliver res1->rm1 vote tx=c1.1 val=prepared",
		"line 16 was skipped, it is not enabled: sync n1",
		"line 17 was skipped, it is not enabled: " +
			"deliver rm1->acc1 phase2a tx=c1.1 bal=0 ins=1 val=prepared begin",
	}, strings.Split(r.String(), "\n"))
}

func TestReplayOfNothingDoesNotPass(t *testing.T) {
	s := parse(t, strings.Replace(good, "expect NonBlocking\nreach crash\n", "", 1))
	all := s.Actions
	s.Actions = nil
	r := harness.Replay(s)
	require.Equal(t, checker.Unknown, r.Verdict(), "no action")
	require.Equal(t, "no action was taken", r.String())

	for _, l := range all[1:7] { // without the first, none can happen
		l.Optional = true
		s.Actions = append(s.Actions, l)
	}
	r = harness.Replay(s)
	require.Len(t, r.Skipped, len(s.Actions))
	require.Equal(t, checker.Unknown, r.Verdict(), "every action skipped")
	require.Equal(t, "no action was taken", r.String())
}

func TestReplayTellsWhatKeptTheJudgeFromJudging(t *testing.T) {
	r := harness.Replay(parse(t, good))
	r.Unknown, r.Err = true, history.ErrDisagree
	require.Equal(t, checker.Unknown, r.Verdict())
	require.Equal(t, history.ErrDisagree.Error(), r.String())
	r.Err = nil
	require.Equal(t, "what the clients saw could not be judged within the budget", r.String())
}

// A disk completes one record at a time: what is gated on the first leaves, and a crash takes the
// second.
func TestSyncCompletesTheOldestRecord(t *testing.T) {
	s := parse(t, `paxoscommit schedule 1
protocol paxos-commit
timing asynchronous
node n1 rm1
node n2 acc1
node n3 ldr1
accounts 2 opening 100
txn c1.1 rm1 {"read":["a"]}
txn c2.1 rm1 {"read":["b"]}
begin cl1
begin cl2
deliver cl1->rm1 request tx=c1.1
deliver cl2->rm1 request tx=c2.1
deliver rm1->res1 prepare tx=c1.1
deliver rm1->res1 prepare tx=c2.1
deliver res1->rm1 vote tx=c2.1 val=prepared
deliver res1->rm1 vote tx=c1.1 val=prepared
sync n1
deliver rm1->acc1 phase2a tx=c2.1 bal=0 ins=1 val=prepared
deliver rm1->acc1 phase2a tx=c1.1 bal=0 ins=1 val=prepared
crash n1
restart n1
fire rm1 retry tx=c2.1
fire rm1 retry tx=c1.1
end
`)
	r := harness.Replay(s)
	require.Nil(t, r.Violation)
	require.Equal(t, []int{10, 14}, r.Skipped, "of c1.1 nothing had left, and nothing is left")
}

// A client that has given a transaction up goes on in a new epoch, for the gap may stay for ever.
func TestAClientThatGaveUpGoesOnInANewEpoch(t *testing.T) {
	text := `paxoscommit schedule 1
protocol paxos-commit
timing asynchronous
node n1 rm1 acc1 ldr1
accounts 1 opening 100
txn c1.1 rm1 {"read":["a"]}
txn c1.2 rm1 {"read":["a"]}
txn c1e1.1 rm1 {"read":["a"]}
txn c1e1.2 rm1 {"read":["a"]}
begin cl1
giveup cl1
begin cl1
deliver cl1->rm1 request tx=c1e1.1
deliver rm1->res1 prepare tx=c1e1.1
giveup cl1
settle
end
`
	s := parse(t, text)
	require.Equal(t, text, s.String())
	r := harness.Replay(s)
	require.Equal(t, checker.Holds, r.Verdict(), r)
	s = parse(t, strings.Replace(text, "settle", "begin cl1", 1))
	require.False(t, harness.Replay(s).Passed(), "there is no third epoch")
	_, err := harness.ParseSchedule("file", strings.NewReader(
		strings.Replace(text, "c1e1.1 rm1", "c1e2.1 rm1", 1)), protocols())
	require.ErrorContains(t, err, "clients, epochs and numbers go up one by one")
}

// The hash of a run tells machines apart that differ in what they want, and be it in a reason.
func TestHashCoversWhatMachinesWant(t *testing.T) {
	s := parse(t, good)
	honest := harness.Replay(s)
	s.Config.Protocol = &planted{name: "evasive", spoil: func(_ *core.Input, out *core.Output) {
		out.Dropped = append(out.Dropped, core.Drop{Reason: core.DropStale})
	}}
	evasive := harness.Replay(s)
	require.Equal(t, honest.Taken, evasive.Taken)
	require.NotEqual(t, honest.Hash, evasive.Hash)
}

// Only a machine's panic is the machine's fault.
func TestReplayDoesNotTakeAnotherPanicForTheMachines(t *testing.T) {
	require.PanicsWithValue(t, "mine", func() {
		harness.ReplaySteps(parse(t, good), func(*harness.Step) { panic("mine") })
	})
}

func TestReplayMaySkipWhatIsOptional(t *testing.T) {
	r := harness.Replay(parse(t, good))
	require.Equal(t, []int{8}, r.Skipped)
	require.True(t, r.Passed())
	require.Equal(t, "passed", r.String())
}

func TestReplayThatMissesAMilestoneDoesNotPass(t *testing.T) {
	text := strings.Replace(good, "reach crash", "reach crash\nreach death", 1)
	r := harness.Replay(parse(t, text))
	require.Equal(t, checker.Unknown, r.Verdict())
	require.Equal(t, []checker.Milestone{checker.SawDeath}, r.Missed)
	require.Equal(t, "milestone death was not reached", r.String())
}

func TestReplayThatBreaksSomethingDoesNotPass(t *testing.T) {
	m, _ := harness.Minimize(failure(t, fragile(), 0), budget)
	r := harness.Replay(m)
	require.Equal(t, checker.Violated, r.Verdict())
	require.Equal(t, "Contract at step 2: panic: no answer", r.String())
	require.Len(t, r.Taken, 3, "the action that panics is one that happened")
}

func TestReplayRunsToTheFairEndAfterSettle(t *testing.T) {
	s := parse(t, strings.Replace(good, "expect NonBlocking\n", "", 1))
	short := harness.Replay(s)
	require.Equal(t, 8, short.Steps)
	s.Actions = append(s.Actions, harness.Line{Action: harness.Action{Type: harness.Settle}})
	long := harness.Replay(s)
	require.Greater(t, long.Steps, short.Steps+10)
	require.True(t, long.Reached.Has(checker.SawCommit) || long.Reached.Has(checker.SawAbort))
}

func TestReplayOfAFailureFailsTheSameWay(t *testing.T) {
	for _, p := range allPlanted() {
		s := failure(t, p, 3)
		r := harness.Replay(s)
		require.Empty(t, r.Skipped)
		require.Equal(t, s.Expect, r.Violation.Property)

		text := strings.NewReader(s.String())
		again, err := harness.ParseSchedule("file", text, append(protocols(), p))
		require.NoError(t, err)
		require.Equal(t, r.Hash, harness.Replay(again).Hash)
	}
}

func TestStepsTellWhatEachActionDid(t *testing.T) {
	var steps []string
	harness.ReplaySteps(parse(t, good), func(s *harness.Step) {
		if s.Index >= 0 {
			steps = append(steps, s.String())
		}
	})
	require.Len(t, steps, 9)
	require.Equal(t, `begin cl1
    send   cl1->rm1 request tx=c1.1`, steps[0])
	require.Equal(t, `deliver res1->rm1 vote tx=c1.1 val=prepared
    record rm1 vote tx=c1.1 val=prepared
    hold   rm1->acc1 phase2a tx=c1.1 bal=0 ins=1 val=prepared begin`, steps[4])
	require.Equal(t, `sync n1
    send   rm1->acc1 phase2a tx=c1.1 bal=0 ins=1 val=prepared begin`, steps[5])
	require.Equal(t, `sync n2
    skipped: not enabled`, steps[8])
}

// TestReplayShowsTheStepsOfManyNodes: as many as a layout may have.
func TestReplayShowsTheStepsOfManyNodes(t *testing.T) {
	c := harness.Config{
		Protocol: paxoscommit.Protocol{}, Timing: harness.Asynchronous, Accounts: 1, Opening: 100,
		Txns: []checker.Txn{{
			ID: core.TxID{Origin: 1, Seq: 1}, RM: 1, Members: core.SetOf(1),
			Work: bank.Work{Read: core.SetOf(1)},
		}},
	}
	l, err := core.NewLayout(core.Sizes{RMs: core.MaxRMs, Acceptors: 3, Leaders: 1})
	require.NoError(t, err)
	c.Layout = *l
	durable := 0
	r := harness.ReplaySteps(&harness.Schedule{Config: c, Actions: []harness.Line{
		{Action: harness.Action{Type: harness.Begin, Role: core.Role{Kind: core.Client, ID: 1}}},
		{Action: harness.Action{Type: harness.Settle}},
	}}, func(s *harness.Step) { durable += len(s.Durable) })
	require.True(t, r.Passed(), "%v", r)
	require.Greater(t, durable, 3, "a vote, an outcome and two acceptors at least")
}

// Nothing is lost on its way inside a node, but what outlives its sender may be.
func TestAMessageToADatabaseMayBeLostOnlyWithItsSender(t *testing.T) {
	r := harness.Replay(parse(t, `paxoscommit schedule 1
protocol paxos-commit
timing asynchronous
node n1 rm1
node n2 acc1 ldr1
accounts 1 opening 100
txn c1.1 rm1 {"read":["a"]}
begin cl1
deliver cl1->rm1 request tx=c1.1
drop rm1->res1 prepare tx=c1.1
crash n1
drop rm1->res1 prepare tx=c1.1
deliver rm1->res1 prepare tx=c1.1
end
`))
	require.Equal(t, []int{2, 5}, r.Skipped)
}

// In the synchronous timing nobody is taken for dead as long as something that it said may arrive,
// and nothing is said again as long as anything moves.
func TestATimeOutWaitsForWhatTheDeadHaveSaid(t *testing.T) {
	s, err := harness.ParseSchedule("file", strings.NewReader(`paxoscommit schedule 1
protocol 2pc
timing synchronous
node n1 rm1
node n2 rm2
node n3 tm1
accounts 2 opening 100
txn c1.1 rm1 {"read":["a","b"]}
begin cl1
deliver cl1->rm1 request tx=c1.1
deliver rm1->res1 prepare tx=c1.1
deliver res1->rm1 vote tx=c1.1 val=prepared
sync n1
fire rm1 retry tx=c1.1
deliver rm1->tm1 vote tx=c1.1 val=prepared
deliver tm1->rm2 prepare tx=c1.1
deliver rm2->res2 prepare tx=c1.1
deliver res2->rm2 vote tx=c1.1 val=prepared
sync n2
die n2
fire tm1 takeover tx=c1.1
drop rm2->tm1 vote tx=c1.1 val=prepared
fire tm1 takeover tx=c1.1
end
`), []core.Protocol{twophase.Protocol{}})
	require.NoError(t, err)
	require.Equal(t, []int{5, 12}, harness.Replay(s).Skipped)
}
