package explore

import (
	"testing"

	"paxoscommit/checker/mc"
	"paxoscommit/core"
	"paxoscommit/core/paxoscommit"

	"github.com/stretchr/testify/require"
)

// TestOrbitsAddUp: with what is the same but for an exchange of roles taken for one, the orbits add
// up to what there is without, the verdict is the same, and a bug is found on as short a way.
func TestOrbitsAddUp(t *testing.T) {
	correct := paxoscommit.Protocol{}
	skips := &planted{Protocol: correct, twist: skipsPhase1}
	aborts := &planted{Protocol: correct, twist: abortsWithoutBallot}
	for _, w := range []struct {
		name     string
		protocol core.Protocol
		size     Size
		options  uint32
		others   int // symmetries
	}{
		{"no fault", correct, Size{RMs: 2, Acceptors: 3, Leaders: 1}, 0, 1},
		{"take-over", correct, Size{RMs: 1, Acceptors: 3, Leaders: 1, Takeovers: 1}, 0, 1},
		{"death", correct, Size{RMs: 1, Acceptors: 3, Leaders: 1, Deaths: 1, Refusals: 1}, 0, 1},
		{"crash", correct, Size{RMs: 1, Acceptors: 3, Leaders: 1, Crashes: 1}, 0, 1},
		{"three members", correct, Size{RMs: 3, Acceptors: 1, Leaders: 1}, 0, 1},
		{"skips phase 1", skips, Size{RMs: 1, Acceptors: 3, Leaders: 1, Takeovers: 1}, 0, 1},
		{"aborts", aborts, Size{RMs: 1, Acceptors: 3, Leaders: 1, Takeovers: 1}, 0, 1},
		{"four members", correct, Size{RMs: 4, Acceptors: 1, Leaders: 1}, 0, 5},
		{"joining", correct, Size{RMs: 3, Acceptors: 1, Leaders: 1, Registrars: 1}, 0, 1},
		{
			"relayed to all acceptors", correct,
			Size{RMs: 1, Acceptors: 3, Leaders: 1},
			1 << paxoscommit.OptRelayed, 5,
		},
	} {
		t.Run(w.name, func(t *testing.T) {
			c, err := NewConfig(w.protocol, w.size)
			require.NoError(t, err)
			c.Layout.Options = w.options
			m, err := boundedModel(c)
			require.NoError(t, err)
			require.Len(t, m.symmetries, w.others)
			m.ordered = false
			var reports [2]mc.Report[State, Step]
			for i := range reports {
				if i == 1 {
					m.symmetries = nil
				}
				reports[i], err = mc.Explore(m, m.properties(), bounded(mc.Options{Continue: true}))
				require.NoError(t, err)
				require.NoError(t, m.Err())
			}
			got, want := &reports[0], &reports[1]
			t.Logf("%d states of %d", got.Distinct, want.Distinct)
			require.Less(t, got.Distinct, want.Distinct)
			require.Equal(t, mc.Orbit{
				Distinct: want.Distinct, Generated: want.Generated, Terminal: want.Terminal,
			}, got.Orbit)
			require.Equal(t, want.Depth, got.Depth)
			for i := range want.Results {
				require.Equal(t, want.Results[i].Verdict, got.Results[i].Verdict)
				if w.protocol != core.Protocol(correct) && want.Results[i].Trace != nil {
					require.Len(t, got.Results[i].Trace.Steps, len(want.Results[i].Trace.Steps))
				}
			}
		})
	}
}

// TestOneOddAcceptorEndsTheSymmetry: acceptors are exchanged because they behave alike.
func TestOneOddAcceptorEndsTheSymmetry(t *testing.T) {
	odd := func(l *core.Layout, in *core.Input, out *core.Output) {
		if len(out.Gated) > 0 && out.Gated[0].From.ID == 1 {
			sendsBeforeDurable(l, in, out)
		}
	}
	p := &planted{Protocol: paxoscommit.Protocol{}, twist: odd}
	for size, want := range map[Size]int{
		{RMs: 1, Acceptors: 3, Leaders: 1, Crashes: 1}: 0,
		{RMs: 1, Acceptors: 3, Leaders: 1}:             1, // without crashes it makes no difference
	} {
		c, err := NewConfig(p, size)
		require.NoError(t, err)
		m, err := boundedModel(c)
		require.NoError(t, err)
		require.Len(t, m.symmetries, want)
	}
}

// TestAPartHasOneImage, which is broken if the part is, and sends the images of what the part does.
func TestAPartHasOneImage(t *testing.T) {
	c, err := NewConfig(paxoscommit.Protocol{}, Size{RMs: 1, Acceptors: 1, Leaders: 1})
	require.NoError(t, err)
	m, err := boundedModel(c)
	require.NoError(t, err)
	paired := func() *walk {
		w := &walk{l: &loner{m: m}, sym: &symmetry{parts: make([]uint32, m.parts.n+1)}}
		w.pair(1, 2)
		return w
	}
	w := paired()
	w.pair(1, 2)
	require.False(t, w.failed)
	w.pair(1, 3)
	require.True(t, w.failed)
	m.part(2).broken = true
	require.True(t, paired().failed)

	w.sym.messages = []uint16{1, 0}
	one, other := edge{out: m.out([sentWords]uint64{1})}, edge{out: m.out([sentWords]uint64{2})}
	require.True(t, w.sends(one, other))
	require.False(t, w.sends(one, one))
}
