package explore

import (
	"runtime"
	"testing"

	"paxoscommit/checker/mc"
	"paxoscommit/core/paxoscommit"
	"paxoscommit/core/replicated"
	"paxoscommit/harness"

	"github.com/stretchr/testify/require"
)

// worlds are those of a test, with make explore-long also the long ones.
func worlds[W any](quick, long []W) []W {
	if alsoLong {
		return append(quick, long...)
	}
	return quick
}

// bounded returns options that also end what a bug would have go on for ever: after so many states,
// or so many times that there was progress before the first.
func bounded(o mc.Options) mc.Options {
	left := 1 << 18
	o.MaxStates = 1 << 22
	o.Progress = func(mc.Progress) bool {
		left--
		return left < 0
	}
	return o
}

// boundedModel is NewModel within bounds.
func boundedModel(c *Config) (*Model, error) {
	o := bounded(mc.Options{MaxBytes: 1 << 27})
	return prepare(c, &o)
}

// TestCounts pins what is visited. Other counts mean other behaviour of the core, of the World, or
// of this package.
func TestCounts(t *testing.T) {
	for _, w := range []struct {
		size                Size
		distinct, generated uint64
		depth               int
		ordered             uint64 // distinct states with all reductions
	}{
		{Size{RMs: 1, Acceptors: 1, Leaders: 1}, 117, 321, 21, 40},
		{Size{RMs: 1, Acceptors: 1, Leaders: 1, Refusals: 1}, 231, 639, 21, 76},
		{Size{RMs: 1, Acceptors: 3, Leaders: 1}, 1001, 4464, 26, 53},
		{Size{RMs: 2, Acceptors: 1, Leaders: 1}, 977, 4319, 34, 151},
		{Size{RMs: 1, Acceptors: 1, Leaders: 1, Takeovers: 1}, 586, 1693, 25, 227},
		{Size{RMs: 1, Acceptors: 1, Leaders: 1, Takeovers: 1, Crashes: 1}, 15208, 58327, 30, 7348},
		{Size{RMs: 2, Acceptors: 1, Leaders: 1, Takeovers: 1}, 11418, 50231, 38, 2245},
		{Size{RMs: 1, Acceptors: 3, Leaders: 1, Takeovers: 1}, 37838, 195392, 34, 3698},
		{Size{RMs: 2, Acceptors: 3, Leaders: 1}, 27163, 183332, 41, 363},
	} {
		t.Run(w.size.String(), func(t *testing.T) {
			c, err := NewConfig(paxoscommit.Protocol{}, w.size)
			require.NoError(t, err)
			m, err := boundedModel(c)
			require.NoError(t, err)
			r, err := m.explore(bounded(mc.Options{}))
			require.NoError(t, err)
			require.Equal(t, mc.Holds, r.Verdict)
			require.Equal(t, w.ordered, r.Distinct)
			m.ordered, m.symmetries = false, nil
			r, err = m.explore(bounded(mc.Options{}))
			require.NoError(t, err)
			require.Equal(t, mc.Holds, r.Verdict)
			require.True(t, r.Complete)
			require.Equal(t, w.distinct, r.Distinct)
			require.Equal(t, w.generated, r.Generated)
			require.Equal(t, w.depth, r.Depth)
		})
	}
}

// TestCountsWithARegistrar pins what is visited of worlds whose resource managers join.
func TestCountsWithARegistrar(t *testing.T) {
	for _, w := range []struct {
		protocol            paxoscommit.Protocol
		size                Size
		distinct, generated uint64
		depth               int
	}{
		{paxoscommit.Protocol{}, Size{RMs: 1, Acceptors: 1, Leaders: 1, Registrars: 1}, 665, 3148, 26},
		{
			paxoscommit.Protocol{},
			Size{RMs: 1, Acceptors: 1, Leaders: 1, Registrars: 1, Takeovers: 1, Timeouts: 1},
			51274, 285583, 34,
		},
		{
			paxoscommit.Protocol{},
			Size{RMs: 2, Acceptors: 1, Leaders: 1, Registrars: 1, Crashes: 1},
			67471, 322178, 54,
		},
		{
			paxoscommit.Protocol{},
			Size{RMs: 2, Optional: 1, Acceptors: 1, Leaders: 1, Registrars: 1, Timeouts: 1},
			199257, 1616336, 46,
		},
		{
			paxoscommit.Protocol{Faster: true},
			Size{RMs: 1, Acceptors: 3, Leaders: 1, Registrars: 1},
			8674, 59089, 32,
		},
	} {
		t.Run(w.size.String(), func(t *testing.T) {
			c, err := NewConfig(w.protocol, w.size)
			require.NoError(t, err)
			c.NonBlocking = w.size.Crashes == 0
			r, err := Explore(c, bounded(mc.Options{}))
			require.NoError(t, err)
			require.Equal(t, mc.Holds, r.Verdict)
			require.True(t, r.Complete)
			require.Equal(t, [...]uint64{w.distinct, w.generated, uint64(w.depth)},
				[...]uint64{r.Distinct, r.Generated, uint64(r.Depth)})
		})
	}
}

// TestProperSubsetCommits holds worlds in which some resource managers need not join to it that a
// set without one is committed, and that one is too late.
func TestProperSubsetCommits(t *testing.T) {
	for _, w := range []struct {
		faster                   bool
		rms, optional, takeovers int
	}{{false, 2, 1, 0}, {false, 2, 1, 1}, {true, 2, 1, 0}, {false, 3, 2, 0}} {
		c, err := NewConfig(paxoscommit.Protocol{Faster: w.faster}, Size{
			RMs: w.rms, Optional: w.optional, Acceptors: 1, Leaders: 1, Registrars: 1, Timeouts: 1,
			Takeovers: w.takeovers,
		})
		require.NoError(t, err)
		r, err := Explore(c, bounded(mc.Options{}))
		require.NoError(t, err)
		require.Equal(t, mc.Holds, r.Verdict)
		found := map[string]bool{}
		for _, f := range r.Results {
			found[f.Property] = f.Verdict == mc.Holds
		}
		require.True(t, found[subset] && found[tooLate], "%v %v", w, found)
	}
}

// TestCountsOfReplicatedTwoPhaseCommit pins what is visited of worlds whose roles are groups.
func TestCountsOfReplicatedTwoPhaseCommit(t *testing.T) {
	for _, w := range []struct {
		size                Size
		distinct, generated uint64
		depth               int
	}{
		{Size{RMs: 1, Replicas: 1}, 24, 30, 17},
		{Size{RMs: 1, Replicas: 1, Takeovers: 1}, 104, 152, 18},
		{Size{RMs: 1, Replicas: 1, Takeovers: 1, Crashes: 1}, 1700, 3502, 22},
		{Size{RMs: 2, Replicas: 1, Takeovers: 1}, 1351, 2940, 29},
		{Size{RMs: 1, Replicas: 3}, 40, 48, 28},
	} {
		t.Run(w.size.String(), func(t *testing.T) {
			c, err := NewConfig(replicated.Protocol{}, w.size)
			require.NoError(t, err)
			r, err := Explore(c, bounded(mc.Options{}))
			require.NoError(t, err)
			require.Equal(t, mc.Holds, r.Verdict)
			require.Equal(t, [...]uint64{w.distinct, w.generated, uint64(w.depth)},
				[...]uint64{r.Distinct, r.Generated, uint64(r.Depth)})
			if w.size.Crashes > 0 {
				return // for the time that it takes
			}
			c.NonBlocking = true
			r, err = Explore(c, bounded(mc.Options{}))
			require.NoError(t, err)
			require.Equal(t, mc.Holds, r.Verdict)
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
		reduced, err := Explore(c, bounded(mc.Options{}))
		require.NoError(t, err)
		c.Unreduced = true
		full, err := Explore(c, bounded(mc.Options{}))
		require.NoError(t, err)
		require.Equal(t, full.Verdict, reduced.Verdict)
		require.Equal(t, full.Results, reduced.Results)
		require.Less(t, reduced.Distinct, full.Distinct)
	}
}

// TestPruningLosesNoPart: without dead messages the nodes come to the same states, together.
func TestPruningLosesNoPart(t *testing.T) {
	for _, z := range worlds([]Size{
		{RMs: 1, Acceptors: 1, Leaders: 1, Crashes: 1},
		{RMs: 1, Acceptors: 3, Leaders: 1, Refusals: 1, Deaths: 1},
		{RMs: 2, Acceptors: 1, Leaders: 1, Takeovers: 1},
	}, []Size{
		{RMs: 1, Acceptors: 1, Leaders: 1, Takeovers: 1, Crashes: 1},
		{RMs: 1, Acceptors: 1, Leaders: 2, Takeovers: 1, Timeouts: 1},
	}) {
		c, err := NewConfig(paxoscommit.Protocol{}, z)
		require.NoError(t, err)
		pruned, err := boundedModel(c)
		require.NoError(t, err)
		require.True(t, pruned.pruned)
		pruned.ordered, pruned.symmetries = false, nil
		got, few := together(t, pruned)
		want, many := together(t, newModel(c))
		require.Equal(t, want, got)
		require.Less(t, few, many)
	}
}

// together returns the states that the nodes come to together, without what was sent, and the
// number of states that were visited.
func together(t *testing.T, m *Model) (map[string]bool, uint64) {
	t.Helper()
	states := map[string]bool{}
	r, err := mc.Explore(m, []mc.Property[State, Step]{{
		Name: "collect", Kind: mc.Always,
		Check: func(s State) error {
			var key []byte
			for _, id := range s.parts[:m.n] {
				key = append(m.part(id).data.AppendState(key), '|')
			}
			states[string(append(key, s.left[:]...))] = true
			return m.check(s)
		},
	}}, bounded(mc.Options{Workers: 1}))
	require.NoError(t, err)
	require.Equal(t, mc.Holds, r.Verdict)
	return states, r.Distinct
}

// TestNewMessageIsNotDead: as long as nobody has found which messages are dead, one that came into
// use after a state's live messages were gathered is alive.
func TestNewMessageIsNotDead(t *testing.T) {
	c, err := NewConfig(paxoscommit.Protocol{}, Size{RMs: 1, Acceptors: 1, Leaders: 1})
	require.NoError(t, err)
	c.Unreduced = true
	m, err := boundedModel(c)
	require.NoError(t, err)
	_, err = m.explore(bounded(mc.Options{}))
	require.NoError(t, err)
	live := [sentWords]uint64{} // as before any message
	out := m.out([sentWords]uint64{1})
	require.False(t, m.covered(&m.init, &live, out))
	m.pruned = true
	require.True(t, m.covered(&m.init, &live, out))
}

// TestWorkersCountAlike: what is visited does not depend on how many visit.
func TestWorkersCountAlike(t *testing.T) {
	var counts []mc.Progress
	for _, workers := range []int{1, 2, 5} {
		size := Size{RMs: 2, Acceptors: 1, Leaders: 1, Takeovers: 1}
		c, err := NewConfig(paxoscommit.Protocol{}, size)
		require.NoError(t, err)
		r, err := Explore(c, bounded(mc.Options{Workers: workers}))
		require.NoError(t, err)
		r.Bytes = 0
		counts = append(counts, r.Progress)
	}
	require.Equal(t, counts[0], counts[1])
	require.Equal(t, counts[0], counts[2])
}

func TestLimitIsUnknown(t *testing.T) {
	size := Size{RMs: 2, Acceptors: 3, Leaders: 1, Takeovers: 1}
	c, err := NewConfig(paxoscommit.Protocol{}, size)
	require.NoError(t, err)
	r, err := Explore(c, mc.Options{MaxDepth: 8})
	require.NoError(t, err)
	require.Equal(t, mc.Unknown, r.Verdict)
	require.Equal(t, mc.LimitDepth, r.Limit)
}

// TestPartsCountForTheLimit: what is worked out before the first state has its limit and its
// progress too.
func TestPartsCountForTheLimit(t *testing.T) {
	size := Size{RMs: 2, Acceptors: 3, Leaders: 1, Takeovers: 1}
	c, err := NewConfig(paxoscommit.Protocol{}, size)
	require.NoError(t, err)
	told := 0
	r, err := Explore(c, mc.Options{MaxBytes: 1 << 20, Progress: func(p mc.Progress) bool {
		require.Zero(t, p.Distinct)
		told++
		return false
	}})
	require.NoError(t, err)
	require.Equal(t, mc.Unknown, r.Verdict)
	require.Equal(t, mc.LimitBytes, r.Limit)
	require.GreaterOrEqual(t, r.Bytes, uint64(1<<20))
	require.Positive(t, told)
}

// TestSetUpStopsWhenToldSo: at whatever moment, and at once.
func TestSetUpStopsWhenToldSo(t *testing.T) {
	asked := func(nonBlocking bool, stop int) (n int, r *Report) {
		c, err := NewConfig(paxoscommit.Protocol{}, Size{RMs: 1, Acceptors: 1, Leaders: 1})
		require.NoError(t, err)
		c.NonBlocking = nonBlocking
		o := mc.Options{Progress: func(p mc.Progress) bool {
			require.Zero(t, p.Distinct)
			n++
			return n == stop
		}}
		m, err := prepare(c, &o)
		require.NoError(t, err)
		if stop > 0 {
			r, err = m.explore(o)
			require.NoError(t, err)
		}
		return n, r
	}
	all, _ := asked(false, 0)
	parts, _ := asked(true, 0) // without a partial order
	require.Greater(t, all, 2*parts)
	for stop := range all {
		n, r := asked(false, stop+1)
		require.Equal(t, stop+1, n)
		require.Equal(t, mc.Unknown, r.Verdict)
		require.Equal(t, mc.Stopped, r.Limit)
		require.Zero(t, r.Distinct)
	}
}

func TestHeldIsWhatPartsTake(t *testing.T) {
	size := Size{RMs: 2, Acceptors: 3, Leaders: 1, Takeovers: 1}
	c, err := NewConfig(paxoscommit.Protocol{}, size)
	require.NoError(t, err)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	m, err := boundedModel(c)
	require.NoError(t, err)
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.InEpsilon(t, float64(after.HeapAlloc-before.HeapAlloc), float64(m.Held()), 0.5)
	runtime.KeepAlive(m)
}

func TestValidateNamesWhatCannotBeExplored(t *testing.T) {
	p := paxoscommit.Protocol{}
	_, err := NewConfig(p, Size{RMs: 4, Acceptors: 5, Leaders: 3})
	require.ErrorIs(t, err, ErrTooLarge)
	_, err = NewConfig(p, Size{RMs: 2, Optional: 2, Acceptors: 1, Leaders: 1, Registrars: 1})
	require.ErrorIs(t, err, ErrConfig)
	_, err = NewConfig(p, Size{RMs: 2, Optional: 1, Acceptors: 1, Leaders: 1})
	require.ErrorIs(t, err, harness.ErrConfig)
	c, err := NewConfig(p, Size{RMs: 1, Acceptors: 1, Leaders: 1})
	require.NoError(t, err)
	c.Budget.Drops = 1
	_, err = Explore(c, bounded(mc.Options{}))
	require.ErrorIs(t, err, ErrConfig)
	c.Budget.Drops = 0
	c.Takeovers = 256
	require.ErrorIs(t, c.Validate(), ErrConfig)
}
