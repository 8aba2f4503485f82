package fuzz

import (
	"context"
	"strings"
	"testing"

	"paxoscommit/checker"
	"paxoscommit/core/threephase"
	"paxoscommit/core/twophase"
	"paxoscommit/fuzz/internal/require"
	"paxoscommit/harness"
)

func FuzzTwoPhase(f *testing.F) {
	Target(f, Options{Protocol: twophase.Protocol{}, Faults: AllFaults &^ Deaths})
}

func FuzzThreePhase(f *testing.F) {
	Target(f, Options{
		Protocol: threephase.Protocol{}, Faults: AllFaults &^ (Partitions | Crashes),
		Synchronous: true,
	})
}

// few is n, or a tenth of it with -short, as under the race detector.
func few(n uint64) uint64 {
	if testing.Short() {
		return (n + 9) / 10
	}
	return n
}

// run makes the runs of a campaign of the options.
func (o Options) run(t *testing.T, runs uint64) *Report {
	t.Helper()
	o.Seed = 1
	c := &Campaign{Options: o, Runs: runs, Workers: 1}
	r, err := c.Run(context.Background())
	require.NoError(t, err)
	return r
}

// breaks demands that a campaign breaks a property, and that a schedule of so few actions does.
func (o Options) breaks(t *testing.T, runs uint64, p checker.Property, actions int) {
	t.Helper()
	r := o.run(t, runs)
	require.True(t, r.Failure != nil, "%s: nothing broke in %d runs", o.Protocol.Name(), runs)
	require.Equal(t, p, r.Failure.Violation.Property, "%v", r.Failure.Violation)
	s, v := shortened(r.Failure, checkReplays)
	require.Equal(t, p, v.Property)
	require.True(t, len(s.Actions) <= actions, "%d actions:\n%s", len(s.Actions), s)
	read, err := harness.ParseSchedule("", strings.NewReader(s.String()), Protocols())
	require.NoError(t, err)
	replay := harness.Replay(read)
	require.True(t, replay.Violation != nil && len(replay.Skipped) == 0, "%v", replay)
	t.Logf("%v\n%s", v, s)
}

func TestTwoPhaseCommitHoldsWithoutDeaths(t *testing.T) {
	for _, synchronous := range []bool{false, true} {
		o := Options{
			Protocol: twophase.Protocol{}, Faults: AllFaults &^ Deaths, Synchronous: synchronous,
		}
		r := o.run(t, few(10_000))
		require.Equal(t, checker.Holds, r.Verdict(), "%v", r.Failure)
		for _, m := range []checker.Milestone{checker.SawCommit, checker.SawAbort} {
			require.True(t, r.Reached[m] > 0, "no run reached %v", m)
		}
	}
}

// What a resource manager has voted to abort is aborted for ever, so it may say so though its
// record of the outcome, which it makes in the same step, is lost.
func TestAVoteToAbortIsTheOutcome(t *testing.T) {
	Regress(t, `paxoscommit schedule 1
protocol 2pc
options cooperative
timing asynchronous
node n1 rm1
node n2 rm2
node n3 tm1
accounts 2 opening 100
txn c1.1 rm1 {"transfer":1,"from":"b","to":"a"}
reach restart
begin cl1
deliver cl1->rm1 request tx=c1.1
deliver rm1->res1 prepare tx=c1.1
deliver res1->rm1 vote tx=c1.1 val=prepared
sync n1
fire rm1 takeover tx=c1.1
deliver rm1->rm2 ask-state tx=c1.1 bal=0
sync n2
crash n2
restart n2
fire rm1 takeover tx=c1.1
deliver rm1->rm2 ask-state tx=c1.1 bal=0
crash n2
settle
end
`)
}

func TestTwoPhaseCommitBlocksWhenTheTransactionManagerDies(t *testing.T) {
	for _, synchronous := range []bool{false, true} {
		Options{
			Protocol: twophase.Protocol{}, Faults: Deaths, Synchronous: synchronous,
		}.breaks(t, 10_000, checker.NonBlocking, 6)
	}
}

func TestThreePhaseCommitHoldsWhileItsAssumptionsDo(t *testing.T) {
	for _, o := range []Options{
		{Protocol: threephase.Protocol{}, Faults: AllFaults &^ (Partitions | Crashes), Synchronous: true},
		{Protocol: threephase.Protocol{}, Faults: AllFaults &^ (Deaths | Timeouts)},
		{Protocol: threephase.Protocol{Rules: threephase.Course}, Faults: AllFaults &^ Deaths},
		{
			Protocol: threephase.Protocol{Rules: threephase.Timeouts},
			Faults:   AllFaults &^ (Deaths | Timeouts),
		},
	} {
		r := o.run(t, few(10_000))
		require.Equal(t, checker.Holds, r.Verdict(), "%v", r.Failure)
		require.True(t, r.Reached[checker.SawCommit] > 0 && r.Reached[checker.SawAbort] > 0)
	}
}

func TestThreePhaseCommitSplitsAndBlocksWhereItMust(t *testing.T) {
	timeouts := threephase.Protocol{Rules: threephase.Timeouts}
	for _, c := range []struct {
		name    string
		o       Options
		runs    uint64
		breaks  checker.Property
		actions int
	}{
		{
			"a time-out is wrong",
			Options{Protocol: threephase.Protocol{}, Faults: Timeouts},
			10_000, checker.Consistency, 12,
		},
		{
			"a partition",
			Options{Protocol: threephase.Protocol{}, Faults: Timeouts | Partitions, Synchronous: true},
			10_000, checker.Consistency, 13,
		},
		{
			"one death, and whoever waits aborts",
			Options{Protocol: timeouts, Faults: Drops | Deaths | Timeouts, Synchronous: true},
			40_000, checker.Consistency, 22,
		},
		{
			"one death, and whoever waits goes on waiting",
			Options{
				Protocol: threephase.Protocol{Rules: threephase.Course}, Faults: Deaths | Timeouts,
				Synchronous: true,
			},
			10_000, checker.NonBlocking, 6,
		},
	} {
		t.Run(c.name, func(t *testing.T) { c.o.breaks(t, c.runs, c.breaks, c.actions) })
	}
}
