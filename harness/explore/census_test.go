package explore

import (
	"slices"
	"testing"

	"paxoscommit/checker/mc"
	"paxoscommit/core"
	"paxoscommit/core/paxoscommit"
	"paxoscommit/core/threephase"
	"paxoscommit/core/twophase"
	"paxoscommit/harness"
	"paxoscommit/specs"

	"github.com/stretchr/testify/require"
)

func dies(k core.RoleKind, id uint8) Failure { return Failure{Dies: core.Role{Kind: k, ID: id}} }

func cutOff(k core.RoleKind, id uint8) Failure {
	return Failure{Cut: []core.Role{{Kind: k, ID: id}}}
}

// counter takes a census the slow way, as naive explores: whole worlds, from the start each time,
// which say themselves what can happen, in both timings.
type counter struct {
	naive
	failure Failure
	found   map[string]verdict
}

// verdict is what there is to say of a state.
type verdict struct {
	failed, split bool
	blocked       [2]bool
}

func (x *counter) take() {
	x.found = map[string]verdict{}
	queue := []naiveState{{left: x.cfg.budgets()}}
	queue[0].left[death] = 1
	x.visit(&queue[0])
	for ; len(queue) > 0; queue = queue[1:] {
		s := queue[0]
		w, sent := x.run(s.path)
		own := x.keyOf(w, sent, s.left)
		for _, a := range x.actions(w, sent) {
			next := naiveState{append(slices.Clip(s.path), a), s.left}
			if c := classOf(&a); c != free {
				if s.left[c] == 0 {
					continue
				}
				next.left[c]--
			}
			w, sent := x.run(next.path)
			if next.left != s.left && x.keyOf(w, sent, s.left) == own {
				continue
			}
			if x.visit(&next) {
				queue = append(queue, next)
			}
		}
	}
}

// visit counts a state, if it is new.
func (x *counter) visit(s *naiveState) bool {
	w, sent := x.run(s.path)
	key := x.keyOf(w, sent, s.left)
	if _, ok := x.found[key]; ok {
		return false
	}
	var waiting core.Set
	var states specs.RMStates
	for rm := range uint8(x.cfg.Layout.RMs) {
		vote, outcome := w.Monitor().RMState(0, rm+1)
		state := rmState(vote, outcome)
		states = states.With(int(rm), state)
		if state == specs.Prepared && w.Up(x.cfg.Layout.NodeOf(core.Role{Kind: core.RM, ID: rm + 1})) {
			waiting = waiting.With(rm + 1)
		}
	}
	v := verdict{failed: x.hasFailed(w), split: states.Consistent(x.cfg.Layout.RMs) != nil}
	if v.failed {
		for _, m := range sent {
			if !slices.Contains(w.InFlight(), m) {
				w.Offer(&m)
			}
		}
		w.Continue(nil)
	}
	for s := waiting; v.failed && s != 0; s &= s - 1 {
		rm := core.Role{Kind: core.RM, ID: s.First()}
		if _, outcome := w.Monitor().RMState(0, rm.ID); outcome == core.NoValue {
			side := 0
			if slices.Contains(x.failure.Cut, rm) {
				side = 1
			}
			v.blocked[side] = true
		}
	}
	x.found[key] = v
	return true
}

func (x *counter) hasFailed(w *harness.World) bool {
	for n := range x.cfg.Layout.Nodes {
		if w.Dead(core.NodeID(n + 1)) {
			return true
		}
	}
	return w.Split()
}

// run is naive.run; in the synchronous timing what was sent is only what is still in flight.
func (x *counter) run(path []harness.Action) (*harness.World, []core.Message) {
	w, sent := x.naive.run(path)
	return w, slices.DeleteFunc(sent, func(m core.Message) bool {
		to, from := x.cfg.Layout.NodeOf(m.To), x.cfg.Layout.NodeOf(m.From)
		return x.cfg.Timing == harness.Synchronous && !slices.Contains(w.InFlight(), m) ||
			to > 0 && w.Dead(to) ||
			w.Split() && to > 0 && from > 0 && x.isFar(to) != x.isFar(from)
	})
}

func (x *counter) isFar(n core.NodeID) bool {
	return slices.ContainsFunc(x.failure.Cut, func(r core.Role) bool {
		return x.cfg.Layout.NodeOf(r) == n
	})
}

func (x *counter) actions(w *harness.World, sent []core.Message) []harness.Action {
	var list []harness.Action
	for _, a := range w.Enabled(nil) {
		switch a.Type {
		case harness.Begin, harness.Deliver, harness.Fire, harness.Sync:
			list = append(list, a)
		case harness.Die:
			if a.Node == x.cfg.Layout.NodeOf(x.failure.Dies) {
				list = append(list, a)
			}
		case harness.Cut:
			if x.isFar(a.Node) && !w.Split() {
				list = append(list, a)
			}
		case harness.Drop:
			if x.cfg.Timing == harness.Synchronous {
				list = append(list, a)
			}
		default:
		}
	}
	for _, m := range sent {
		m.Members = 0
		if a := (harness.Action{Type: harness.Deliver, Msg: m}); !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	return list
}

func (x *counter) keyOf(w *harness.World, sent []core.Message, left [numClasses]uint8) string {
	key := x.key(w, sent, left)
	if w.Split() {
		key += "split"
	}
	return key
}

// TestCensusCountsWhatTheWorldCounts holds the model, unreduced, against whole worlds: the same
// states, with the same said of each.
func TestCensusCountsWhatTheWorldCounts(t *testing.T) {
	paxos, two := paxoscommit.Protocol{}, twophase.Protocol{}
	leaders, alone := Size{RMs: 1, Acceptors: 1, Leaders: 2}, Size{RMs: 1, Takeovers: 1}
	pair := Size{RMs: 2, Takeovers: 1}
	for _, w := range []struct {
		protocol core.Protocol
		size     Size
		timing   harness.Timing
		failure  Failure
		want     [4]int // failed, split, blocked near, blocked far
	}{
		{paxos, leaders, harness.Synchronous, dies(core.Leader, 1), [4]int{55, 0, 0, 0}},
		{paxos, leaders, harness.Synchronous, cutOff(core.RM, 1), [4]int{70, 0, 0, 9}},
		{paxos, leaders, harness.Asynchronous, cutOff(core.RM, 1), [4]int{178, 0, 0, 7}},
		{two, alone, harness.Asynchronous, dies(core.TM, 1), [4]int{63, 0, 1, 0}},
		{two, pair, harness.Synchronous, dies(core.TM, 1), [4]int{127, 0, 21, 0}},
		{two, pair, harness.Synchronous, cutOff(core.RM, 2), [4]int{211, 0, 0, 24}},
	} {
		name := w.size.String() + " " + w.timing.String() + " " + w.failure.String()
		t.Run(w.protocol.Name()+" "+name, func(t *testing.T) {
			c, err := NewConfig(w.protocol, w.size)
			require.NoError(t, err)
			c.Timing, c.Unreduced = w.timing, true
			x := &counter{naive: naive{cfg: c}, failure: w.failure}
			x.take()
			got := judged(t, c, w.failure)
			var bad [4]int
			for key, v := range x.found {
				require.Contains(t, got, key)
				require.Equal(t, v, got[key])
				for i, is := range [...]bool{v.failed, v.split, v.blocked[0], v.blocked[1]} {
					if is {
						bad[i]++
					}
				}
			}
			require.Len(t, got, len(x.found))
			require.Equal(t, w.want, bad)
		})
	}
}

// judged returns what a census says of each state, by its naive key.
func judged(t *testing.T, c *Config, f Failure) map[string]verdict {
	t.Helper()
	o := bounded(mc.Options{Workers: 1})
	k, err := newCensusModel(c, []Failure{f}, &o)
	require.NoError(t, err)
	found := map[string]verdict{}
	r, err := mc.Explore(k, []mc.Property[censusState, Step]{{
		Name: "collect", Kind: mc.Always,
		Check: func(s censusState) error {
			key := k.naiveKey(s.State)
			if s.failed != 0 && f.Cut != nil {
				key += "split"
			}
			v := verdict{failed: s.failed != 0}
			v.split, v.blocked = k.judge(s)
			if was, ok := found[key]; ok && was != v {
				t.Errorf("%+v and %+v", was, v)
			}
			found[key] = v
			return nil
		},
	}}, o)
	require.NoError(t, err)
	require.True(t, r.Complete)
	return found
}

func census(t *testing.T, p core.Protocol, z Size, timing harness.Timing, fs ...Failure) *Census {
	t.Helper()
	c, err := NewConfig(p, z)
	require.NoError(t, err)
	c.Timing = timing
	r, err := TakeCensus(c, fs, bounded(mc.Options{}))
	require.NoError(t, err)
	require.True(t, r.Complete)
	sum := r.Healthy.States
	for i := range r.Rows {
		sum += r.Rows[i].States
	}
	require.Equal(t, r.Distinct, sum)
	return r
}

// TestPaxosCommitNeitherBlocksNorSplits: whoever dies; and in a partition only the minority waits.
func TestPaxosCommitNeitherBlocksNorSplits(t *testing.T) {
	minority := Failure{Cut: []core.Role{
		{Kind: core.Leader, ID: 2}, {Kind: core.Acceptor, ID: 3}, {Kind: core.RM, ID: 2},
	}}
	for _, p := range []core.Protocol{paxoscommit.Protocol{}, paxoscommit.Protocol{Faster: true}} {
		for _, timing := range []harness.Timing{harness.Synchronous, harness.Asynchronous} {
			z := Size{RMs: 2, Acceptors: 3, Leaders: 2, Takeovers: 1}
			if timing == harness.Asynchronous {
				z.Takeovers = 0
			}
			r := census(t, p, z, timing, dies(core.Leader, 1), dies(core.Acceptor, 1),
				dies(core.RM, 2), cutOff(core.RM, 2), minority)
			for i, row := range r.Rows {
				t.Logf("%v %v %v: %+v", p.Name(), timing, row.Failure, row.Count)
				require.NotZero(t, row.States)
				require.Zero(t, row.Blocked[0])
				require.Zero(t, row.Split)
				require.Equal(t, i > 2, row.Blocked[1] > 0)
			}
			require.Zero(t, r.Healthy.Split)
		}
	}
}

// TestTwoPhaseCommitBlocksOnItsCoordinator: on nobody else.
func TestTwoPhaseCommitBlocksOnItsCoordinator(t *testing.T) {
	for _, timing := range []harness.Timing{harness.Synchronous, harness.Asynchronous} {
		r := census(t, twophase.Protocol{}, Size{RMs: 2, Takeovers: 1}, timing, dies(core.TM, 1),
			dies(core.RM, 2), cutOff(core.RM, 2))
		for _, row := range r.Rows {
			t.Logf("%v %v: %+v", timing, row.Failure, row.Count)
			require.Zero(t, row.Split)
		}
		require.NotZero(t, r.Rows[0].Blocked[0])
		require.Zero(t, r.Rows[1].Blocked)
		require.Zero(t, r.Rows[2].Blocked[0])
		require.NotZero(t, r.Rows[2].Blocked[1])
	}
}

// TestCooperativeTerminationBlocksWhileAllAreInDoubt, and then only; without it, one that could
// still tell is not asked.
func TestCooperativeTerminationBlocksWhileAllAreInDoubt(t *testing.T) {
	for _, options := range []uint32{0, 1 << twophase.OptCooperative} {
		c, err := NewConfig(twophase.Protocol{}, Size{RMs: 2, Takeovers: 1})
		require.NoError(t, err)
		c.Timing, c.Layout.Options = harness.Synchronous, options
		o := bounded(mc.Options{Workers: 1})
		k, err := newCensusModel(c, []Failure{dies(core.TM, 1)}, &o)
		require.NoError(t, err)
		var all, some int
		_, err = mc.Explore(k, []mc.Property[censusState, Step]{{
			Name: "in doubt", Kind: mc.Always,
			Check: func(s censusState) error {
				if _, blocked := k.judge(s); !blocked[0] {
					return nil
				}
				k.drain(&s)
				if states := k.rmState(&s.State, 0); states.Of(0) == states.Of(1) {
					all++
				} else {
					some++
				}
				return nil
			},
		}}, o)
		require.NoError(t, err)
		require.NotZero(t, all)
		require.Equal(t, options == 0, some > 0)
	}
}

// TestThreePhaseCommitBlocksOrSplits as the literature says, by rule set: if the coordinator dies
// in the synchronous timing, if rm2 is cut off, and if time-outs are wrong.
func TestThreePhaseCommitBlocksOrSplits(t *testing.T) {
	for _, w := range []struct {
		rules  threephase.Rules
		blocks [2]bool // the coordinator dies, rm2 is cut off
		splits [3]bool // and in the asynchronous timing
	}{
		{threephase.Termination, [2]bool{}, [3]bool{false, true, true}},
		{threephase.Course, [2]bool{true, true}, [3]bool{}},
		{threephase.Timeouts, [2]bool{}, [3]bool{true, true, true}},
	} {
		p, z := threephase.Protocol{Rules: w.rules}, Size{RMs: 2, Takeovers: 3}
		r := census(t, p, z, harness.Synchronous, dies(core.TM, 1), cutOff(core.RM, 2), dies(core.RM, 2))
		require.Zero(t, r.Healthy.Split)
		died, cut, other := &r.Rows[0], &r.Rows[1], &r.Rows[2]
		require.Equal(t, Count{States: other.States}, other.Count)
		require.Equal(t, w.blocks, [2]bool{died.Blocked[0] > 0, cut.Blocked[1] > 0}, p.Name())
		require.Zero(t, cut.Blocked[0])
		r = census(t, p, z, harness.Asynchronous, dies(core.TM, 1))
		require.Equal(t, w.splits, [3]bool{
			died.Split > 0, cut.Split > 0, r.Healthy.Split > 0,
		}, p.Name())
	}
}

func TestCensusNamesWhatCannotFail(t *testing.T) {
	c, err := NewConfig(paxoscommit.Protocol{}, Size{RMs: 1, Acceptors: 1, Leaders: 1})
	require.NoError(t, err)
	for _, f := range []Failure{
		dies(core.Leader, 1), dies(core.TM, 1), {}, cutOff(core.Acceptor, 2),
	} {
		_, err = TakeCensus(c, []Failure{f}, bounded(mc.Options{}))
		require.ErrorIs(t, err, ErrConfig)
	}
	c.Budget.Deaths = 1
	_, err = TakeCensus(c, nil, bounded(mc.Options{}))
	require.ErrorIs(t, err, ErrConfig)
	c.Budget = harness.Budget{Timeouts: 1}
	_, err = TakeCensus(c, nil, bounded(mc.Options{}))
	require.NoError(t, err)
	c.Timing = harness.Synchronous
	_, err = TakeCensus(c, nil, bounded(mc.Options{}))
	require.ErrorIs(t, err, ErrConfig)
}

// TestCensusThatIsCutShortIsNotComplete: its numbers are no answer.
func TestCensusThatIsCutShortIsNotComplete(t *testing.T) {
	c, err := NewConfig(twophase.Protocol{}, Size{RMs: 2, Takeovers: 1})
	require.NoError(t, err)
	r, err := TakeCensus(c, []Failure{dies(core.TM, 1)}, mc.Options{MaxDepth: 8})
	require.NoError(t, err)
	require.False(t, r.Complete)
	require.Equal(t, mc.LimitDepth, r.Limit)
}
