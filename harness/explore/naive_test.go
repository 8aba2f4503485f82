package explore

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"paxoscommit/checker"
	"paxoscommit/checker/mc"
	"paxoscommit/core"
	"paxoscommit/core/paxoscommit"
	"paxoscommit/harness"

	"github.com/stretchr/testify/require"
)

// naive explores a world the slow way, which is easy to believe: a state is the list of actions
// that leads to it, and each is taken anew from the start in a harness.World with its own monitor.
// A message that was ever sent can arrive again, for it is put in flight again.
type naive struct {
	cfg    *Config
	world  harness.World // of the last run
	states map[string]bool
	broken *checker.Violation // the first, by breadth
	path   []harness.Action
}

type naiveState struct {
	path []harness.Action
	left [numClasses]uint8
}

func (x *naive) explore() {
	x.states = map[string]bool{}
	queue := []naiveState{{left: x.cfg.budgets()}}
	w, sent := x.run(nil)
	x.states[x.key(w, sent, queue[0].left)] = true
	for ; len(queue) > 0 && x.broken == nil; queue = queue[1:] {
		s := queue[0]
		w, sent := x.run(s.path)
		own := x.key(w, sent, s.left)
		for _, a := range x.actions(w, sent) {
			left := s.left
			if c := classOf(&a); c != free {
				if left[c] == 0 {
					continue
				}
				left[c]--
			}
			path := append(slices.Clip(s.path), a)
			w, sent := x.run(path)
			if v := w.Violation(); v != nil {
				x.broken, x.path = v, path
				return
			}
			if left != s.left && x.key(w, sent, s.left) == own {
				continue // it spends its budget on nothing
			}
			if key := x.key(w, sent, left); !x.states[key] {
				x.states[key] = true
				queue = append(queue, naiveState{path, left})
			}
		}
	}
}

func (x *naive) run(path []harness.Action) (*harness.World, []core.Message) {
	c := x.cfg.Config
	c.Budget = harness.Budget{Refusals: 99, Timeouts: 99, Deaths: 99, Cuts: 99, Drops: 99}
	if c.Timing == harness.Asynchronous {
		c.Budget.Crashes = 99
	}
	w := &x.world
	w.Reset(&c)
	var sent []core.Message
	for _, a := range path {
		if w.Apply(a) != nil {
			for _, m := range sent {
				if n := m; n.Members != 0 {
					n.Members = 0
					if n == a.Msg {
						w.Offer(&m)
					}
				}
			}
			if err := w.Apply(a); err != nil {
				panic(err)
			}
		}
		for _, m := range w.InFlight() {
			between := m.From.Kind == core.Client || m.To.Kind == core.Client ||
				c.Layout.NodeOf(m.From) != c.Layout.NodeOf(m.To)
			if between && !slices.Contains(sent, m) {
				sent = append(sent, m)
			}
		}
	}
	return w, sent
}

func (x *naive) actions(w *harness.World, sent []core.Message) []harness.Action {
	var list []harness.Action
	for _, a := range w.Enabled(nil) {
		switch a.Type {
		case harness.Settle, harness.Drop, harness.Duplicate, harness.Cut:
		default:
			list = append(list, a)
		}
	}
	for _, m := range sent {
		m.Members = 0
		a := harness.Action{Type: harness.Deliver, Msg: m}
		up := m.To.Kind == core.Client || w.Up(x.cfg.Layout.NodeOf(m.To))
		if up && !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	return list
}

// key is what tells states apart: that of each part, without what monitors know, and what was
// sent.
func (x *naive) key(w *harness.World, sent []core.Message, left [numClasses]uint8) string {
	var key []byte
	var dead core.Set
	for n := range x.cfg.Layout.Nodes + 1 {
		p := &harness.Part{}
		w.Take(p, core.NodeID(n), true, nil)
		key = append(p.AppendState(key), '|')
		if p.Dead() {
			dead = dead.With(uint8(n))
		}
	}
	return string(append(x.cfg.appendSent(key, sent, dead), left[:]...))
}

// appendSent appends the messages to nodes that are not dead: the World forgets the others.
func (c *Config) appendSent(key []byte, sent []core.Message, dead core.Set) []byte {
	var texts [][]byte
	for _, m := range sent {
		if n := c.Layout.NodeOf(m.To); n > 0 && dead.Has(uint8(n)) {
			continue
		}
		m.Members = 0
		texts = append(texts, appendPlain(nil, &m))
	}
	slices.SortFunc(texts, bytes.Compare)
	return append(key, bytes.Join(texts, []byte{'\n'})...)
}

// appendPlain appends the fields of a message.
func appendPlain(b []byte, m *core.Message) []byte {
	b = append(b, byte(m.Type), byte(m.Val), byte(m.From.Kind), m.From.ID, byte(m.To.Kind), m.To.ID)
	for _, n := range [...]uint64{
		uint64(m.Bal), uint64(m.MBal), uint64(m.Low), uint64(m.Votes.Prepared),
		uint64(m.Votes.Aborted),
	} {
		b = binary.AppendUvarint(b, n)
	}
	return b
}

func (m *Model) naiveKey(s State) string {
	var key []byte
	var dead core.Set
	for i, id := range s.parts[:m.n] {
		p := m.part(id).data
		key = append(p.AppendState(key), '|')
		if p.Dead() {
			dead = dead.With(uint8(i))
		}
	}
	var sent []core.Message
	for id, msg := range m.messages {
		if s.sent[id/64]>>(id%64)&1 == 1 {
			sent = append(sent, msg)
		}
	}
	return string(append(m.cfg.appendSent(key, sent, dead), s.left[:]...))
}

// TestModelReachesWhatTheWorldReaches holds the unreduced model against whole worlds: the same
// states, neither more nor fewer.
func TestModelReachesWhatTheWorldReaches(t *testing.T) {
	for _, z := range worlds([]Size{
		{RMs: 1, Acceptors: 1, Leaders: 1, Refusals: 1},
		{RMs: 1, Acceptors: 1, Leaders: 1, Takeovers: 1},
		{RMs: 1, Acceptors: 1, Leaders: 2, Deaths: 1},
	}, []Size{
		{RMs: 1, Acceptors: 1, Leaders: 1, Crashes: 1},
		{RMs: 1, Acceptors: 1, Leaders: 1, Timeouts: 1},
	}) {
		t.Run(z.String(), func(t *testing.T) {
			c, err := NewConfig(paxoscommit.Protocol{}, z)
			require.NoError(t, err)
			c.Unreduced = true
			x := &naive{cfg: c}
			x.explore()
			require.Nil(t, x.broken)

			m, err := boundedModel(c)
			require.NoError(t, err)
			got := map[string]bool{}
			r, err := mc.Explore(m, []mc.Property[State, Step]{{
				Name: "collect", Kind: mc.Always,
				Check: func(s State) error { got[m.naiveKey(s)] = true; return m.check(s) },
			}}, bounded(mc.Options{Workers: 1}))
			require.NoError(t, err)
			require.Equal(t, mc.Holds, r.Verdict)
			t.Logf("%d states, %d of the world", r.Distinct, len(got))
			require.Equal(t, len(x.states), len(got))
			for key := range x.states {
				require.True(t, got[key])
			}
		})
	}
}
