package explore

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"paxoscommit/checker/mc"
	"paxoscommit/core"
	"paxoscommit/core/paxoscommit"
	"paxoscommit/harness"

	"github.com/stretchr/testify/require"
)

func newSpace(t *testing.T, z Size) *Space {
	t.Helper()
	s, r, err := NewSpace(paxoscommit.Protocol{}, z, bounded(mc.Options{}))
	require.NoError(t, err)
	require.Equal(t, uint64(s.States()), r.Distinct)
	return s
}

// TestFollowerIsWhereTheWorldIs: after every action of random runs the state that a follower is in
// is that of the World, part for part and message for message, and it is in the space.
func TestFollowerIsWhereTheWorldIs(t *testing.T) {
	for _, z := range []Size{
		{RMs: 1, Acceptors: 1, Leaders: 1, Takeovers: 1, Refusals: 1},
		{RMs: 1, Acceptors: 1, Leaders: 1, Takeovers: 1, Crashes: 1},
		{RMs: 1, Acceptors: 1, Leaders: 2, Timeouts: 1, Deaths: 1},
		{RMs: 2, Acceptors: 1, Leaders: 1},
	} {
		c, err := NewCoverage(newSpace(t, z))
		require.NoError(t, err)
		rng := rand.New(rand.NewPCG(1, 2))
		f := c.Follow()
		for range 300 {
			followRandomRun(t, c, f, rng)
		}
		f.Done()
		states, transitions := c.Visited()
		require.Greater(t, states, 100, z)
		require.Greater(t, transitions, uint64(states))
	}
}

func followRandomRun(t *testing.T, c *Coverage, f *Follower, rng *rand.Rand) {
	t.Helper()
	cfg := c.Config()
	cfg.Budget.Drops, cfg.Budget.Duplicates = 2, 3
	w := harness.NewWorld(&cfg)
	f.Start()
	x := &naive{cfg: c.model.cfg}
	var sent []core.Message
	for range 60 {
		list := slices.DeleteFunc(w.Enabled(nil), func(a harness.Action) bool {
			return a.Type == harness.Settle || !f.Allows(&a)
		})
		if len(list) == 0 {
			return
		}
		a := list[rng.IntN(len(list))]
		require.NoError(t, w.Apply(a))
		require.NoError(t, f.Took(a))
		for _, m := range w.InFlight() {
			if c.model.between(&m) && !slices.Contains(sent, m) {
				sent = append(sent, m)
			}
		}
		// The fault that only spends its budget is none in the model.
		require.Equal(t, x.key(w, sent, f.state.left), c.model.naiveKey(f.state), a)
	}
}

// TestEveryRunCoversAll: all runs of a tiny world, together, visit every state and transition.
func TestEveryRunCoversAll(t *testing.T) {
	for _, z := range worlds([]Size{
		{RMs: 1, Acceptors: 1, Leaders: 1},
		{RMs: 1, Acceptors: 1, Leaders: 1, Refusals: 1},
	}, []Size{
		{RMs: 1, Acceptors: 1, Leaders: 1, Takeovers: 1},
	}) {
		s := newSpace(t, z)
		c, err := NewCoverage(s)
		require.NoError(t, err)
		f, x := c.Follow(), &naive{cfg: c.model.cfg}
		known := map[mark]bool{}
		for queue := [][]harness.Action{nil}; len(queue) > 0; queue = queue[1:] {
			f.Start()
			for _, a := range queue[0] {
				require.NoError(t, f.Took(a))
			}
			if known[f.at] {
				continue
			}
			known[f.at] = true
			for _, a := range x.actions(x.run(queue[0])) {
				if f.Allows(&a) {
					queue = append(queue, append(slices.Clip(queue[0]), a))
				}
			}
		}
		f.Done()
		states, transitions := c.Visited()
		require.Equal(t, s.States(), states)
		require.Equal(t, s.Transitions, transitions)
	}
}

// TestFollowerLeavesAWorldThatAllowsLess: what a run does with more faults does not count.
func TestFollowerLeavesAWorldThatAllowsLess(t *testing.T) {
	c, err := NewCoverage(newSpace(t, Size{RMs: 1, Acceptors: 1, Leaders: 1}))
	require.NoError(t, err)
	f := c.Follow()
	begin := harness.Action{
		Type: harness.Begin, Role: core.Role{Kind: core.Client, ID: 1},
	}
	require.NoError(t, f.Took(begin))
	crash := harness.Action{Type: harness.Crash, Node: 1}
	require.False(t, f.Allows(&crash))
	require.NoError(t, f.Took(crash))
	require.NoError(t, f.Took(harness.Action{Type: harness.Restart, Node: 1}))
	f.Done()
	states, transitions := c.Visited()
	require.Equal(t, 2, states)
	require.Equal(t, uint64(1), transitions)
	f.Start()
	require.ErrorIs(t, f.Took(harness.Action{Type: harness.Restart, Node: 1}), ErrOutside)
}

// TestRunOutsideOfItsSpaceIsAnError: a space that lacks a state is of another program.
func TestRunOutsideOfItsSpaceIsAnError(t *testing.T) {
	s := newSpace(t, Size{RMs: 1, Acceptors: 1, Leaders: 1})
	c, err := NewCoverage(s)
	require.NoError(t, err)
	f := c.Follow()
	begin := harness.Action{
		Type: harness.Begin, Role: core.Role{Kind: core.Client, ID: 1},
	}
	require.NoError(t, f.Took(begin))
	s.states = slices.DeleteFunc(s.states, func(m mark) bool { return m == f.at })
	f.Start()
	err = f.Took(begin)
	require.ErrorIs(t, err, ErrOutside)
	require.EqualError(t, err, "explore: outside of the space of rms=1 acceptors=1 leaders=1: "+
		"the state after begin cl1")
}

func TestSpaceSurvivesItsFile(t *testing.T) {
	s := newSpace(t, Size{RMs: 1, Acceptors: 1, Leaders: 1, Takeovers: 1})
	var b bytes.Buffer
	_, err := s.WriteTo(&b)
	require.NoError(t, err)
	protocols := []core.Protocol{paxoscommit.Protocol{}}
	got, err := ReadSpace("f", bytes.NewReader(b.Bytes()), protocols)
	require.NoError(t, err)
	require.Equal(t, s, got)
	again := newSpace(t, s.Size)
	require.Equal(t, s, again) // whatever the order in which workers found its parts

	for _, c := range []struct {
		name, want string
		damage     func(b []byte) []byte
	}{
		{
			"empty", `f: explore: not the states of a world: line 1: want "paxoscommit states 1"`,
			func([]byte) []byte { return nil },
		},
		{
			"schedule", `line 1: want "paxoscommit states 1"`,
			func([]byte) []byte { return []byte("paxoscommit schedule 1\n") },
		},
		{
			"truncated", "cut short, or longer than it says: 52847 bytes for 3301 states",
			func(b []byte) []byte { return b[:len(b)-1] },
		},
		{
			"longer", "cut short, or longer than it says: 52849 bytes for 3301 states",
			func(b []byte) []byte { return append(b, 0) },
		},
		{
			"damaged", "damaged: its checksum is another",
			func(b []byte) []byte { b[len(b)-1000]++; return b },
		},
		{
			"of another world", "damaged: its checksum is another",
			func(b []byte) []byte {
				return bytes.Replace(b, []byte("takeovers=1"), []byte("refusals=1"), 1)
			},
		},
		{
			"of no world", `"coffees=1" in the size of a world`,
			func(b []byte) []byte {
				return bytes.Replace(b, []byte("takeovers=1"), []byte("coffees=1"), 1)
			},
		},
		{
			"of another protocol", `no protocol is called "other-commit"`,
			func(b []byte) []byte { return bytes.Replace(b, []byte("paxos-"), []byte("other-"), 1) },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadSpace("f", bytes.NewReader(c.damage(bytes.Clone(b.Bytes()))), protocols)
			require.ErrorIs(t, err, ErrSpace)
			require.ErrorContains(t, err, c.want)
		})
	}
}
