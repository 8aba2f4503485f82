package mc

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// line is the graph 0 -> 1 -> ... -> n-1.
func line(n int) *graph {
	g := &graph{init: []int{0}, edges: make([][]int, n)}
	for i := range n - 1 {
		g.edges[i] = []int{i + 1}
	}
	return g
}

// check explores and demands that the model and properties are well formed.
func check(t *testing.T, m Model[int, int], o Options, ps ...Property[int, int]) Report[int, int] {
	t.Helper()
	r, err := Explore(m, ps, o)
	require.NoError(t, err)
	return r
}

func TestNoPropertiesHoldOnceAllIsExplored(t *testing.T) {
	r := check(t, line(5), Options{})
	require.Equal(t, Holds, r.Verdict)
	require.Equal(t, 5, r.Depth)
	require.Equal(t, NoLimit, r.Limit)
	require.Equal(t, uint64(1), r.Terminal)
}

func TestModelWithoutInitialStatesHasNoStates(t *testing.T) {
	r := check(t, &graph{}, Options{}, Property[int, int]{
		Name: "p", Kind: Sometimes, Goal: func(int) bool { return true },
	})
	require.Equal(t, Violated, r.Verdict)
	require.Zero(t, r.Distinct)
}

func TestInitialStateCanViolate(t *testing.T) {
	r := check(t, line(3), Options{}, Property[int, int]{
		Name: "p", Kind: Always, Check: func(int) error { return errBad },
	})
	require.Equal(t, Violated, r.Verdict)
	require.Empty(t, r.Results[0].Trace.Steps)
	require.Equal(t, 0, r.Results[0].Trace.Init)
}

func TestSometimesFailsIfUnreachable(t *testing.T) {
	r := check(t, line(9), Options{}, Property[int, int]{
		Name: "beyond the end", Kind: Sometimes, Goal: func(s int) bool { return s == 9 },
	})
	require.True(t, r.Complete)
	require.Equal(t, Violated, r.Verdict)
	require.Nil(t, r.Results[0].Trace)
}

func TestExplorationStopsAtFirstViolation(t *testing.T) {
	at := func(bad int) func(int) error { return never(func(s int) bool { return s == bad }) }
	ps := []Property[int, int]{
		{Name: "not 5", Kind: Always, Check: at(5)},
		{Name: "not 7", Kind: Always, Check: at(7)},
	}
	r := check(t, line(100), Options{}, ps...)
	require.Equal(t, Violated, r.Verdict)
	require.Equal(t, uint64(6), r.Distinct)
	require.Equal(t, Unknown, r.Results[1].Verdict)
	require.Equal(t, []int{1, 2, 3, 4, 5}, r.Results[0].Trace.Actions())

	r = check(t, line(100), Options{Continue: true}, ps...)
	require.Equal(t, uint64(100), r.Distinct)
	require.Equal(t, Violated, r.Results[1].Verdict)
}

func TestLimitsMakeVerdictUnknown(t *testing.T) {
	holds := Property[int, int]{Name: "p", Kind: Always, Check: func(int) error { return nil }}
	for _, test := range []struct {
		name  string
		o     Options
		limit Limit
	}{
		{"states", Options{MaxStates: 50}, LimitStates},
		{"bytes", Options{MaxBytes: 1}, LimitBytes},
		{"depth", Options{MaxDepth: 50}, LimitDepth},
		{"progress", Options{Progress: func(p Progress) bool { return p.Depth == 50 }}, Stopped},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, ps := range [][]Property[int, int]{nil, {holds}} {
				r := check(t, line(100), test.o, ps...)
				require.Equal(t, Unknown, r.Verdict)
				require.Equal(t, test.limit, r.Limit)
				require.False(t, r.Complete)
				require.Positive(t, r.Queue)
			}
		})
	}
}

func TestLimitThatIsNotReachedChangesNothing(t *testing.T) {
	r := check(t, line(100), Options{MaxDepth: 101, MaxStates: 101})
	require.Equal(t, Holds, r.Verdict)
	require.True(t, r.Complete)
}

func TestGoalWithinLimitIsReachedAllTheSame(t *testing.T) {
	r := check(t, line(100), Options{MaxDepth: 50}, Property[int, int]{
		Name: "p", Kind: Sometimes, Goal: func(s int) bool { return s == 30 },
	})
	require.Equal(t, Holds, r.Verdict)
	require.False(t, r.Complete)
}

func TestProgressGrowsToReport(t *testing.T) {
	var seen []Progress
	r := check(t, line(100), Options{Progress: func(p Progress) bool {
		seen = append(seen, p)
		return false
	}})
	require.Len(t, seen, 101) // the last round finds nothing new
	for i, p := range seen[:100] {
		require.Equal(t, i+1, p.Depth)
		require.Equal(t, uint64(i+1), p.Generated)
	}
	require.Equal(t, seen[100], r.Progress)
}

// worded gives the key of a graph as a word.
type worded struct{ *graph }

func (worded) WordKey(s int) (hi, lo uint64) { return uint64(s & 7), uint64(s >> 3) }

func (worded) AppendKey([]byte, int) []byte { panic("WordKey stands for it") }

func TestWordKeysStandForKeys(t *testing.T) {
	g := randomGraph(rand.New(rand.NewPCG(9, 9)), 5000, 3, 400)
	want := check(t, g, Options{})
	got := check(t, worded{g}, Options{})
	want.Bytes, want.VisitedBytes, got.Bytes, got.VisitedBytes = 0, 0, 0, 0 // as keys spread
	require.Equal(t, want.Stats, got.Stats)
}

// heavy is a line whose states hold a megabyte each.
type heavy struct{ *graph }

func (heavy) Footprint(int) uint64 { return 1 << 20 }

func TestFootprintCountsForTheFrontierOnly(t *testing.T) {
	light := check(t, line(20), Options{})
	r := check(t, heavy{line(20)}, Options{})
	require.Equal(t, light.Bytes+1<<20, r.Bytes)
	require.Equal(t, light.VisitedBytes, r.VisitedBytes)
}

func TestPropertiesNeedTheFieldsOfTheirKind(t *testing.T) {
	goal := func(int) bool { return true }
	fair := func(int, []int) int { return -1 }
	for _, p := range []Property[int, int]{
		{Name: "no kind"},
		{Name: "no check", Kind: Always},
		{Name: "goal for check", Kind: Always, Goal: goal},
		{Name: "no bound", Kind: CanStill, Goal: goal, Fair: fair},
		{Name: "below 0", Kind: CanStill, Goal: goal, Fair: fair, Within: -1},
		{Name: "too far", Kind: CanStill, Goal: goal, Fair: fair, Within: maxWithin + 1},
		{Name: "kind of the future", Kind: CanStill + 1, Goal: goal},
	} {
		_, err := Explore(Model[int, int](line(3)), []Property[int, int]{p}, Options{})
		require.ErrorIs(t, err, ErrProperty, p.Name)
		require.ErrorContains(t, err, p.Name)
	}
}

func TestStateWithTooManyActionsIsAnError(t *testing.T) {
	g := &graph{init: []int{0}, edges: [][]int{make([]int, MaxActions)}}
	require.Equal(t, uint64(MaxActions+1), check(t, g, Options{}).Generated)
	g.edges[0] = append(g.edges[0], 0)
	_, err := Explore(Model[int, int](g), nil, Options{})
	require.ErrorIs(t, err, ErrActions)
}

func TestChecksRunOnceAStateAndOnceAStep(t *testing.T) {
	g := randomGraph(rand.New(rand.NewPCG(5, 5)), 2000, 4, 300)
	var states, steps uint64
	r := check(t, g, Options{Workers: 1},
		Property[int, int]{Name: "p", Kind: Always, Check: func(int) error {
			states++
			return nil
		}},
		Property[int, int]{Name: "q", Kind: AlwaysStep, Step: func(int, int, int) error {
			steps++
			return nil
		}})
	require.Equal(t, r.Distinct, states)
	require.Equal(t, r.Generated-uint64(len(g.init)), steps)
}

// next is the fair continuation that takes the first action.
func next(_ int, enabled []int) int { return min(0, len(enabled)-1) }

func TestCanStillHoldsWithinExactlyItsSteps(t *testing.T) {
	p := Property[int, int]{
		Name: "the end", Kind: CanStill, Within: 99,
		Goal: func(s int) bool { return s == 99 },
		Fair: next,
	}
	require.Equal(t, Holds, check(t, line(100), Options{}, p).Verdict)
	p.Within = 98
	r := check(t, line(100), Options{}, p)
	require.Equal(t, Violated, r.Verdict)
	require.Empty(t, r.Results[0].Trace.Steps)
	require.Len(t, r.Results[0].Fair, 98)
	require.EqualError(t, r.Results[0].Err, "the end is not reached in 98 fair steps")
}

func TestCanStillIsRefutedByDeadEndAndByLoop(t *testing.T) {
	// 0 -> 1 -> 2 -> 3, the goal; 1 -> 4, which ends there; 2 -> 5 <-> 6.
	g := &graph{init: []int{0}, edges: [][]int{{1}, {2, 4}, {3, 5}, {}, {}, {6}, {5}}}
	p := Property[int, int]{
		Name: "three", Kind: CanStill, Within: 50,
		Goal: func(s int) bool { return s == 3 },
		Fair: next,
	}
	r := check(t, g, Options{}, p)
	require.Equal(t, Violated, r.Verdict)
	require.Equal(t, []int{1, 4}, r.Results[0].Trace.Actions())
	require.Empty(t, r.Results[0].Fair)

	g.edges[1] = []int{2}
	r = check(t, g, Options{}, p)
	require.Equal(t, Violated, r.Verdict)
	require.Equal(t, []int{1, 2, 5}, r.Results[0].Trace.Actions())
	require.Len(t, r.Results[0].Fair, 50)

	g.edges[2] = []int{3}
	require.Equal(t, Holds, check(t, g, Options{}, p).Verdict)
}

func TestCanStillAgreesWithWalkingFromEveryState(t *testing.T) {
	verdicts := map[Verdict]int{}
	for seed := range uint64(60) {
		g := randomGraph(rand.New(rand.NewPCG(seed, 1)), 40, 2, 12)
		for s := range g.edges {
			g.edges[s] = append(g.edges[s], min(s+1+int(seed%3), 39))
		}
		last := func(_ int, enabled []int) int { return len(enabled) - 1 }
		goal := func(s int) bool { return s%13 == 0 }
		within := 6 + int(seed%8)
		want := explore(g)
		bad, refuted := want.first(func(s int) bool {
			for range within {
				if goal(s) {
					return false
				}
				s = g.edges[s][len(g.edges[s])-1]
			}
			return !goal(s)
		})
		r := check(t, g, Options{Workers: 1 + int(seed%3)}, Property[int, int]{
			Name: "p", Kind: CanStill, Goal: goal, Fair: last, Within: within,
		})
		verdicts[r.Verdict]++
		require.Equal(t, refuted, r.Verdict == Violated)
		if refuted {
			require.Equal(t, want.path(bad), r.Results[0].Trace.Actions())
		}
	}
	require.Greater(t, verdicts[Holds], 5)
	require.Greater(t, verdicts[Violated], 5)
}

func TestFindingsAreResultsAsText(t *testing.T) {
	r := check(t, line(3), Options{}, Property[int, int]{
		Name: "p", Kind: Sometimes, Goal: func(s int) bool { return s == 2 },
	})
	require.Equal(t, []Finding{
		{Property: "p", Kind: Sometimes, Verdict: Holds, Actions: []string{"1", "2"}},
	}, r.Findings())
}

func TestNamesOfVerdictsKindsAndLimits(t *testing.T) {
	require.Equal(t, "unknown", Unknown.String())
	require.Equal(t, "holds", Holds.String())
	require.Equal(t, "violated", Violated.String())
	require.Equal(t, "can still", CanStill.String())
	require.Equal(t, "bytes", LimitBytes.String())
}
