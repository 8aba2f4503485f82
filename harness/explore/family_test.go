package explore

import (
	"testing"

	"paxoscommit/checker"
	"paxoscommit/checker/mc"
	"paxoscommit/core"
	"paxoscommit/core/threephase"
	"paxoscommit/core/twophase"

	"github.com/stretchr/testify/require"
)

// TestCountsOfOneTransactionManager pins what is visited of the protocols that have one.
func TestCountsOfOneTransactionManager(t *testing.T) {
	for _, w := range []struct {
		protocol            core.Protocol
		size                Size
		distinct, generated uint64
		depth               int
	}{
		{twophase.Protocol{}, Size{RMs: 1}, 24, 28, 16},
		{twophase.Protocol{}, Size{RMs: 2}, 88, 141, 28},
		{twophase.Protocol{}, Size{RMs: 2, Timeouts: 1}, 418, 867, 30},
		{twophase.Protocol{}, Size{RMs: 1, Takeovers: 1, Crashes: 1}, 498, 963, 23},
		{twophase.Protocol{}, Size{RMs: 2, Takeovers: 1, Refusals: 1}, 745, 1279, 28},
		{threephase.Protocol{}, Size{RMs: 2}, 96, 153, 32},
		{threephase.Protocol{}, Size{RMs: 1, Timeouts: 1}, 95, 148, 21},
		{threephase.Protocol{Rules: threephase.Course}, Size{RMs: 2, Takeovers: 1}, 625, 1244, 32},
	} {
		t.Run(w.protocol.Name()+" "+w.size.String(), func(t *testing.T) {
			c, err := NewConfig(w.protocol, w.size)
			require.NoError(t, err)
			r, err := Explore(c, bounded(mc.Options{}))
			require.NoError(t, err)
			require.Equal(t, mc.Holds, r.Verdict)
			require.Equal(t, [...]uint64{w.distinct, w.generated, uint64(w.depth)},
				[...]uint64{r.Distinct, r.Generated, uint64(r.Depth)})
		})
	}
}

// TestTwoPhaseCommitBlocks: with the transaction manager gone nobody in doubt can decide.
func TestTwoPhaseCommitBlocks(t *testing.T) {
	c, err := NewConfig(twophase.Protocol{}, Size{RMs: 2, Deaths: 1})
	require.NoError(t, err)
	c.NonBlocking = true
	r, err := Explore(c, bounded(mc.Options{}))
	require.NoError(t, err)
	require.Equal(t, mc.Violated, r.Verdict)
	require.Contains(t, r.Schedule.String(), "die n3\n")
}

// TestThreePhaseCommitSplits: one time-out that is wrong is enough.
func TestThreePhaseCommitSplits(t *testing.T) {
	for _, p := range []threephase.Protocol{{}, {Rules: threephase.Timeouts}} {
		c, err := NewConfig(p, Size{RMs: 1, Takeovers: 2})
		require.NoError(t, err)
		r, err := Explore(c, bounded(mc.Options{}))
		require.NoError(t, err)
		require.Equal(t, mc.Violated, r.Verdict)
		require.Equal(t, checker.Consistency, r.Violation.Property)
	}
}
