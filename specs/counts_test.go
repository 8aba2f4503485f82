package specs

import (
	"io/fs"
	"slices"
	"testing"

	"paxoscommit/checker/mc"

	"github.com/stretchr/testify/require"
)

// TestCountsAreThoseOfTLC also checks all properties: consistency in every state, and a step of
// TCommit or a stutter in every step.
func TestCountsAreThoseOfTLC(t *testing.T) {
	golden, err := ReadGolden()
	require.NoError(t, err)
	require.Len(t, golden.Counts, 7+8+18+13)
	for _, want := range golden.Counts {
		t.Run(want.String(), func(t *testing.T) {
			got, findings, err := Explore(want.Config, mc.Options{})
			require.NoError(t, err)
			for _, f := range findings {
				require.Equal(t, mc.Holds, f.Verdict, "%s: %v", f.Property, f.Err)
			}
			require.Equal(t, mc.Holds, got.Verdict)
			require.True(t, got.Complete)
			require.Equal(t, want.Distinct, got.Distinct)
			require.Equal(t, want.Generated, got.Generated)
			require.Equal(t, want.Depth, got.Depth)
			require.Zero(t, got.Collision)
			if got.Distinct > 20_000 { // below, the tables are larger than what they hold
				require.LessOrEqual(t, got.VisitedBytes, 40*got.Distinct)
			}
		})
	}
}

// TestReachableStatesAreReachedAsSoonAsInTLC covers every MCReach*.cfg.
func TestReachableStatesAreReachedAsSoonAsInTLC(t *testing.T) {
	golden, err := ReadGolden()
	require.NoError(t, err)
	var cfgs []string
	for _, want := range golden.Reach {
		cfgs = append(cfgs, want.CFG)
		_, findings, err := Explore(want.Config, mc.Options{MaxDepth: want.States})
		require.NoError(t, err)
		i := slices.IndexFunc(findings, func(f mc.Finding) bool {
			return f.Property == want.Property
		})
		require.GreaterOrEqual(t, i, 0, want.Property)
		require.Equal(t, mc.Holds, findings[i].Verdict)
		require.Len(t, findings[i].Actions, want.States-1, want.CFG)
	}
	files, err := fs.Glob(Files, "MCReach*.cfg")
	require.NoError(t, err)
	require.ElementsMatch(t, files, cfgs)
}

// TestSymmetryLosesNothing: the orbits of a reduced exploration add up to the unreduced one.
func TestSymmetryLosesNothing(t *testing.T) {
	orbits := []uint64{1: 12, 2: 34, 3: 80, 4: 166, 5: 314, 6: 553, 7: 920}
	for rms := 1; rms <= 7; rms++ {
		full, _, err := Explore(Config{Spec: SpecTwoPhase, RMs: rms}, mc.Options{})
		require.NoError(t, err)
		c := Config{Spec: SpecTwoPhase, RMs: rms, Symmetry: true}
		reduced, findings, err := Explore(c, mc.Options{})
		require.NoError(t, err)
		require.Equal(t, mc.Holds, reduced.Verdict, "%v", findings)
		require.Equal(t, full.Distinct, reduced.Orbit.Distinct)
		require.Equal(t, full.Generated, reduced.Orbit.Generated)
		require.Equal(t, full.Terminal, reduced.Orbit.Terminal)
		require.Equal(t, full.Depth, reduced.Depth)
		require.Equal(t, orbits[rms], reduced.Distinct)
	}
}

// TestOrbitSizeCountsPermutations by making them all.
func TestOrbitSizeCountsPermutations(t *testing.T) {
	m, err := NewTwoPhase(4)
	require.NoError(t, err)
	sym := TwoPhaseSymmetric{m}
	_, err = mc.Explore[TPState, TPAction](m, []mc.Property[TPState, TPAction]{{
		Name: "orbit", Kind: mc.Always,
		Check: func(s TPState) error {
			orbit := map[TPState]bool{}
			permute(4, func(p []int) {
				q := TPState{TMState: s.TMState, Commit: s.Commit, Abort: s.Abort}
				for from, to := range p {
					q.RM = q.RM.With(to, s.RM.Of(from))
					q.TMPrepared |= s.TMPrepared >> from & 1 << to
					q.Prepared |= s.Prepared >> from & 1 << to
				}
				require.Equal(t, sym.AppendKey(nil, s), sym.AppendKey(nil, q))
				orbit[q] = true
			})
			require.Equal(t, uint64(len(orbit)), sym.OrbitSize(s))
			return nil
		},
	}}, mc.Options{Workers: 1})
	require.NoError(t, err)
}

// permute calls f with every permutation of 0..n-1 (Heap's algorithm).
func permute(n int, f func([]int)) {
	p := make([]int, n)
	for i := range p {
		p[i] = i
	}
	var rec func(k int)
	rec = func(k int) {
		if k <= 1 {
			f(p)
			return
		}
		for i := range k {
			rec(k - 1)
			if k%2 == 0 {
				p[i], p[k-1] = p[k-1], p[i]
			} else {
				p[0], p[k-1] = p[k-1], p[0]
			}
		}
	}
	rec(n)
}

func TestLimitMakesVerdictUnknown(t *testing.T) {
	c := Config{Spec: SpecPaxosCommit, RMs: 2, Acceptors: 3, Ballots: 2}
	got, findings, err := Explore(c, mc.Options{MaxStates: 50_000})
	require.NoError(t, err)
	require.Equal(t, mc.Unknown, got.Verdict)
	require.Equal(t, mc.LimitStates, got.Limit)
	require.Equal(t, mc.Unknown, findings[0].Verdict)
}

func TestConfigsThatCannotBeAreErrors(t *testing.T) {
	for _, c := range []Config{
		{Spec: SpecTCommit},
		{Spec: SpecTCommit, RMs: MaxRMs + 1},
		{Spec: SpecTwoPhase, RMs: -1},
		{Spec: SpecPaxosCommit, RMs: 1, Acceptors: 3},
		{Spec: SpecPaxosCommit, RMs: 1, Ballots: 2},
		{Spec: SpecPaxosCommit, RMs: 5, Acceptors: 3, Ballots: 2},
		{Spec: SpecPaxosCommit, RMs: 1, Acceptors: 7, Ballots: 8},
		{Spec: SpecBundled, RMs: 1, Acceptors: 8, Ballots: 1},
	} {
		_, _, err := Explore(c, mc.Options{})
		require.ErrorIs(t, err, ErrSize, "%v", c)
	}
	for _, c := range []Config{
		{Spec: "three-phase", RMs: 2},
		{Spec: SpecTCommit, RMs: 2, Symmetry: true},
		{Spec: SpecTwoPhase, RMs: 2, Acceptors: 3},
	} {
		_, _, err := Explore(c, mc.Options{})
		require.ErrorIs(t, err, ErrSpec, "%v", c)
	}
}

func BenchmarkExplore(b *testing.B) {
	for _, c := range []struct {
		name string
		c    Config
	}{
		{"spec=two-phase/rms=8", Config{Spec: SpecTwoPhase, RMs: 8}},
		{"spec=two-phase/rms=9", Config{Spec: SpecTwoPhase, RMs: 9}},
		{"spec=two-phase/rms=9/symmetry=on", Config{Spec: SpecTwoPhase, RMs: 9, Symmetry: true}},
		{
			"spec=paxos-commit/rms=2/acceptors=3/ballots=2",
			Config{Spec: SpecPaxosCommit, RMs: 2, Acceptors: 3, Ballots: 2},
		},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			var s mc.Stats
			for b.Loop() {
				var err error
				s, _, err = Explore(c.c, mc.Options{})
				require.NoError(b, err)
				require.Equal(b, mc.Holds, s.Verdict)
			}
			n := float64(b.N)
			b.ReportMetric(n*float64(s.Generated)/b.Elapsed().Seconds(), "generated/s")
			b.ReportMetric(n*float64(s.Distinct)/b.Elapsed().Seconds(), "distinct/s")
			b.ReportMetric(float64(s.VisitedBytes)/float64(s.Distinct), "B/state")
		})
	}
}
