package explore

import (
	"maps"
	"testing"

	"paxoscommit/checker/mc"
	"paxoscommit/core"
	"paxoscommit/core/paxoscommit"

	"github.com/stretchr/testify/require"
)

// seen is what an exploration has come to, by content.
type seen struct {
	evidence map[string]bool // of all parts together
	ends     map[string]bool // states in which nothing more can happen
	verdict  mc.Verdict
	states   uint64
}

func see(t *testing.T, m *Model) *seen {
	t.Helper()
	x := &seen{evidence: map[string]bool{}, ends: map[string]bool{}}
	m.visit = func(s State) {
		var key []byte
		for _, id := range s.parts[:m.n] {
			key = append(m.part(id).data.Monitor().AppendEvidence(key), '|')
		}
		x.evidence[string(key)] = true
		if len(m.Actions(s, nil)) == 0 {
			x.ends[m.naiveKey(s)] = true
		}
	}
	r, err := mc.Explore(m, m.properties(), bounded(mc.Options{Workers: 1, Continue: true}))
	require.NoError(t, err)
	require.NoError(t, m.Err())
	x.verdict, x.states = r.Verdict, r.Distinct
	return x
}

// TestOrderChangesNoVerdict: with what is alone first, and nothing else then, the same evidence
// comes together and the runs end in the same states, in fewer states on the way; and what is
// broken is still found.
func TestOrderChangesNoVerdict(t *testing.T) {
	correct := paxoscommit.Protocol{}
	type world struct {
		name     string
		protocol core.Protocol
		size     Size
	}
	for _, w := range worlds([]world{
		{"take-over", correct, Size{RMs: 1, Acceptors: 3, Leaders: 1, Takeovers: 1}},
		{"two members", correct, Size{RMs: 2, Acceptors: 1, Leaders: 1, Takeovers: 1, Refusals: 1}},
		{"no take-over", correct, Size{RMs: 2, Acceptors: 3, Leaders: 1}},
		{"crash", correct, Size{RMs: 1, Acceptors: 1, Leaders: 1, Crashes: 1}},
		{"two leaders", correct, Size{RMs: 1, Acceptors: 1, Leaders: 2, Takeovers: 2}},
		{"time-outs", correct, Size{RMs: 1, Acceptors: 1, Leaders: 2, Timeouts: 1, Deaths: 1}},
		{
			"aborts without a ballot", &planted{Protocol: correct, twist: abortsWithoutBallot},
			Size{RMs: 1, Acceptors: 3, Leaders: 1, Takeovers: 1},
		},
		{
			"skips phase 1", &planted{Protocol: correct, twist: skipsPhase1},
			Size{RMs: 1, Acceptors: 3, Leaders: 1, Takeovers: 1},
		},
		{
			"sends before it is durable", &planted{Protocol: correct, twist: sendsBeforeDurable},
			Size{RMs: 1, Acceptors: 1, Leaders: 1, Crashes: 1},
		},
		{
			"says that it is finished", &planted{Protocol: correct, twist: saysFinished},
			Size{RMs: 1, Acceptors: 1, Leaders: 1, Timeouts: 1},
		},
	}, []world{
		{
			"take-over and crash", correct,
			Size{RMs: 1, Acceptors: 1, Leaders: 1, Takeovers: 1, Crashes: 1},
		},
		{"two crashes", correct, Size{RMs: 1, Acceptors: 1, Leaders: 1, Crashes: 2}},
		{"two time-outs", correct, Size{RMs: 1, Acceptors: 1, Leaders: 2, Timeouts: 2, Deaths: 1}},
		{
			"keeps its promise in memory", &planted{Protocol: correct, twist: keepsPromiseInMemory},
			Size{RMs: 1, Acceptors: 1, Leaders: 1, Takeovers: 1, Crashes: 1},
		},
	}) {
		t.Run(w.name, func(t *testing.T) {
			c, err := NewConfig(w.protocol, w.size)
			require.NoError(t, err)
			m, err := boundedModel(c)
			require.NoError(t, err)
			require.True(t, m.ordered)
			m.symmetries = nil // ends are compared one by one
			got := see(t, m)
			m.ordered = false
			want := see(t, m)
			t.Logf("%d states of %d, %d ends", got.states, want.states, len(want.ends))
			require.Equal(t, want.verdict, got.verdict)
			require.Less(t, got.states, want.states)
			if w.protocol == core.Protocol(correct) {
				require.True(t, maps.Equal(want.evidence, got.evidence))
				require.True(t, maps.Equal(want.ends, got.ends))
				require.NotEmpty(t, got.ends)
			}
		})
	}
}
