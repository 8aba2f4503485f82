package explore

import (
	"paxoscommit/checker/mc"
	"paxoscommit/core/paxoscommit"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCounts pins what is visited. Other counts mean other behaviour of the core, of the World, or
// of this package.
func TestCounts(t *testing.T) {
	for _, w := range []struct {
		size                Size
		distinct, generated uint64
		depth               int
	}{
		{Size{RMs: 1, Acceptors: 1, Leaders: 1}, 240, 739, 22},
		{Size{RMs: 1, Acceptors: 1, Leaders: 1, Refusals: 1}, 477, 1475, 22},
		{Size{RMs: 1, Acceptors: 3, Leaders: 1}, 2948, 14370, 28},
		{Size{RMs: 2, Acceptors: 1, Leaders: 1}, 2836, 13656, 35},
		{Size{RMs: 1, Acceptors: 1, Leaders: 1, Takeovers: 1}, 1408, 4457, 26},
		{Size{RMs: 1, Acceptors: 1, Leaders: 1, Takeovers: 1, Crashes: 1}, 32130, 134604, 35},
		{Size{RMs: 2, Acceptors: 1, Leaders: 1, Takeovers: 1}, 31742, 151315, 39},
	} {
		t.Run(w.size.String(), func(t *testing.T) {
			c, err := NewConfig(paxoscommit.Protocol{}, w.size)
			require.NoError(t, err)
			r, err := Explore(c, mc.Options{})
			require.NoError(t, err)
			require.Equal(t, mc.Holds, r.Verdict)
			require.True(t, r.Complete)
			require.Equal(t, w.distinct, r.Distinct)
			require.Equal(t, w.generated, r.Generated)
			require.Equal(t, w.depth, r.Depth)
		})
	}
}

// TestReductionChangesNoVerdict holds the reduced model against the unreduced one.
func TestReductionChangesNoVerdict(t *testing.T) {
	for _, z := range []Size{
		{RMs: 1, Acceptors: 1, Leaders: 1, Takeovers: 1, Refusals: 1},
		{RMs: 1, Acceptors: 1, Leaders: 1, Takeovers: 1, Crashes: 1},
		{RMs: 1, Acceptors: 1, Leaders: 2, Timeouts: 1, Deaths: 1},
		{RMs: 2, Acceptors: 1, Leaders: 1},
	} {
		c, err := NewConfig(paxoscommit.Protocol{}, z)
		require.NoError(t, err)
		reduced, err := Explore(c, mc.Options{})
		require.NoError(t, err)
		c.Unreduced = true
		full, err := Explore(c, mc.Options{})
		require.NoError(t, err)
		require.Equal(t, full.Verdict, reduced.Verdict)
		require.Equal(t, full.Results, reduced.Results)
		require.Less(t, reduced.Distinct, full.Distinct)
	}
}

// TestWorkersCountAlike: what is visited does not depend on how many visit.
func TestWorkersCountAlike(t *testing.T) {
	var counts []mc.Progress
	for _, workers := range []int{1, 2, 5} {
		size := Size{RMs: 2, Acceptors: 1, Leaders: 1, Takeovers: 1}
		c, err := NewConfig(paxoscommit.Protocol{}, size)
		require.NoError(t, err)
		r, err := Explore(c, mc.Options{Workers: workers})
		require.NoError(t, err)
		r.Bytes = 0
		counts = append(counts, r.Progress)
	}
	require.Equal(t, counts[0], counts[1])
	require.Equal(t, counts[0], counts[2])
}

func TestLimitIsUnknown(t *testing.T) {
	c, err := NewConfig(paxoscommit.Protocol{}, Size{RMs: 2, Acceptors: 3, Leaders: 1, Takeovers: 1})
	require.NoError(t, err)
	r, err := Explore(c, mc.Options{MaxDepth: 8})
	require.NoError(t, err)
	require.Equal(t, mc.Unknown, r.Verdict)
	require.Equal(t, mc.LimitDepth, r.Limit)
}

func TestValidateNamesWhatCannotBeExplored(t *testing.T) {
	p := paxoscommit.Protocol{}
	_, err := NewConfig(p, Size{RMs: 4, Acceptors: 3, Leaders: 3})
	require.ErrorIs(t, err, ErrTooLarge)
	c, err := NewConfig(p, Size{RMs: 1, Acceptors: 1, Leaders: 1})
	require.NoError(t, err)
	c.Budget.Drops = 1
	_, err = Explore(c, mc.Options{})
	require.ErrorIs(t, err, ErrConfig)
	c.Budget.Drops = 0
	c.Takeovers = 256
	require.ErrorIs(t, c.Validate(), ErrConfig)
}
