package fuzz

import (
	"context"
	"testing"

	"paxoscommit/checker"
	"paxoscommit/core/replicated"
	"paxoscommit/fuzz/internal/require"
)

// No fault that leaves every group a majority breaks anything, NonBlocking included, and the runs
// see all that can happen.
func TestReplicatedTwoPhaseCommitHoldsWithAllFaults(t *testing.T) {
	for _, o := range []Options{
		{Faults: AllFaults, Seed: 3},
		{Faults: AllFaults &^ Crashes, Seed: 4, Synchronous: true},
		{Faults: AllFaults, Seed: 5, Replicas: 5},
	} {
		o.Protocol = replicated.Protocol{}
		c := &Campaign{Options: o, Runs: 2000, Workers: 2}
		r, err := c.Run(context.Background())
		require.NoError(t, err)
		require.Equal(t, checker.Holds, r.Verdict(), "verdict of %+v: %+v", o, r.Failure)
		for m := checker.SawCommit; int(m) < checker.NumMilestones; m++ {
			never := m == checker.SawSubset || m == checker.SawTooLate || o.Synchronous &&
				(m == checker.SawRestart || m == checker.SawReapplied)
			require.True(t, r.Reached[m] > 0 || never, "%+v: no run reached %v", o, m)
		}
	}
}

// Replicas of rm1 that take over from one another do not keep those of the coordinator from it.
func TestTheFairEndIsFairToEveryGroup(t *testing.T) {
	Regress(t, `
paxoscommit schedule 1
protocol replicated-2pc
timing asynchronous
node n1 rm1.1
node n2 rm1.2
node n3 rm1.3
node n4 rm1.4
node n5 rm1.5
node n6 res1
node n7 tm1.1
node n8 tm1.2
node n9 tm1.3
node n10 tm1.4
node n11 tm1.5
accounts 1 opening 100
txn c1.1 rm1 {"transfer":1,"from":"a","to":"a"}
expect NonBlocking
reach death
begin cl1
deliver cl1->rm1.1 request tx=c1.1
deliver rm1.1->tm1.1 request tx=c1.1
die n7
die n8
settle
end
`)
}
