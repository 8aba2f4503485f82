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
			crashes := m == checker.SawRestart || m == checker.SawReapplied
			require.True(t, r.Reached[m] > 0 || o.Synchronous && crashes,
				"%+v: no run reached %v", o, m)
		}
	}
}
