package fuzz

import (
	"slices"
	"testing"

	"paxoscommit/core"
	"paxoscommit/fuzz/internal/require"
	"paxoscommit/harness"
)

// goldenDigest is the digest of runs 0 to 1999 of seed 1, on every platform. It changes with what
// is drawn for a run, with the actions there are, and with the machines; never by itself.
const goldenDigest uint64 = 0xecf800a5868c3c17

func goldenCampaign(t *testing.T, workers int, first, runs uint64) *Report {
	t.Helper()
	c := &Campaign{
		Options: Options{Protocol: Protocols()[0], Faults: AllFaults, Seed: 1},
		First:   first, Runs: runs, Workers: workers,
	}
	r, err := c.Run(t.Context())
	require.NoError(t, err)
	require.True(t, r.HasDigest, "no digest")
	return r
}

func TestDeterminismOfTheDigestAtEveryDegreeOfParallelism(t *testing.T) {
	for _, workers := range []int{1, 2, 4} {
		digest := goldenCampaign(t, workers, 0, 2000).Digest
		require.Equal(t, goldenDigest, digest, "%d workers: if what a run does was meant to "+
			"change, the golden digest is %#x now", workers, digest)
	}
}

func TestDeterminismOfTheDigestOfTwoHalves(t *testing.T) {
	left, right := goldenCampaign(t, 2, 0, 1000), goldenCampaign(t, 2, 1000, 1000)
	require.Equal(t, goldenDigest, left.Digest+right.Digest, "the sum of two halves")
	require.True(t, left.Digest != right.Digest, "the halves are alike")
}

// actionsOf makes a run of a protocol and returns its configuration and actions.
func actionsOf(t *testing.T, p core.Protocol, run uint64) (harness.Config, []harness.Action) {
	t.Helper()
	r := newRunner(&Options{Protocol: p, Faults: Withstands(p), Seed: 3})
	var actions []harness.Action
	_, err := r.run(run, func(a harness.Action) { actions = append(actions, a) })
	require.NoError(t, err)
	require.True(t, r.world.Violation() == nil, "%v", r.world.Violation())
	return r.config, actions
}

// keys returns the keys of all machines of a world.
func keys(w *harness.World) [][]byte {
	list := make([][]byte, w.Config().Layout.Nodes)
	for n := range list {
		list[n] = w.Machine(core.NodeID(n + 1)).AppendKey(nil)
	}
	return list
}

func TestDeterminismOfAWorldAfterEveryStep(t *testing.T) {
	used := &harness.World{} // has made other runs before
	for _, p := range Protocols() {
		for run := range uint64(50) {
			c, actions := actionsOf(t, p, run)
			fresh := harness.NewWorld(&c)
			used.Reset(&c)
			for i, a := range actions {
				require.NoError(t, fresh.Apply(a))
				require.NoError(t, used.Apply(a))
				require.Equal(t, fresh.Hash(), used.Hash(), "run %d, action %d: %v", run, i, a)
				require.Equal(t, keys(fresh), keys(used), "run %d, action %d: %v", run, i, a)
			}
			require.Equal(t, fresh.Enabled(nil), used.Enabled(nil), "run %d: what is enabled", run)
		}
	}
}

// What World.Possible rules out is not enabled, and it rules out much.
func TestImpossibleTypesAreNotEnabled(t *testing.T) {
	ruledOut := 0
	for _, p := range Protocols() {
		for run := range few(100) {
			c, actions := actionsOf(t, p, run)
			w := harness.NewWorld(&c)
			for i, a := range actions {
				for kind := harness.Begin; int(kind) < harness.NumActionTypes; kind++ {
					if w.Possible()>>kind&1 == 0 {
						require.Equal(t, -1, w.Find(kind, 0), "run %d, action %d: %v", run, i, kind)
						ruledOut++
					}
				}
				require.NoError(t, w.Apply(a))
			}
		}
	}
	require.True(t, ruledOut > int(few(100_000)), "only %d were ruled out", ruledOut)
}

// taped is a machine that remembers its inputs and the key after each.
type taped struct {
	core.Machine
	inputs []core.Input
	keys   [][]byte
}

func (m *taped) Step(in *core.Input, out *core.Output) error {
	err := m.Machine.Step(in, out)
	m.inputs = append(m.inputs, *in)
	m.keys = append(m.keys, m.AppendKey(nil))
	return err
}

func (m *taped) CopyFrom(src core.Machine) { m.Machine.CopyFrom(src.(*taped).Machine) }

func (m *taped) Reset(l *core.Layout, n core.NodeID) {
	m.Machine.Reset(l, n)
	m.inputs, m.keys = append(m.inputs, core.Input{}), append(m.keys, nil) // a mark: no input
}

// taping is a protocol of taped machines.
type taping struct{ core.Protocol }

func (p taping) New() core.Machine { return &taped{Machine: p.Protocol.New()} }

func tape(w *harness.World, n int) *taped { return w.Machine(core.NodeID(n + 1)).(*taped) }

// A copy made in the middle of a run stays as it is while the original goes on, and then, given the
// same inputs, goes the same way while the original stays as it is.
func TestDeterminismOfACopiedMachine(t *testing.T) {
	for _, p := range Protocols() {
		for run := range few(100) {
			c, actions := actionsOf(t, taping{p}, run)
			for part := 1; part < 5; part++ {
				copyAfter(t, p, &c, actions, len(actions)*part/5)
			}
		}
	}
}

// copyAfter makes the first n actions of a run, copies all machines, and makes the rest.
func copyAfter(t *testing.T, p core.Protocol, c *harness.Config, actions []harness.Action, n int) {
	t.Helper()
	w := harness.NewWorld(c)
	for _, a := range actions[:n] {
		require.NoError(t, w.Apply(a))
	}
	before := keys(w)
	copies, marks := make([]core.Machine, len(before)), make([]int, len(before))
	for i := range copies {
		copies[i] = p.New()
		copies[i].Reset(&c.Layout, core.NodeID(i+1))
		copies[i].CopyFrom(tape(w, i).Machine)
		marks[i] = len(tape(w, i).inputs)
	}
	for _, a := range actions[n:] {
		require.NoError(t, w.Apply(a))
	}
	after := keys(w)
	for i, m := range copies {
		require.Equal(t, before[i], m.AppendKey(nil), "n%d: the copy has changed", i+1)
		follow(t, c, m, tape(w, i), marks[i], i)
		require.Equal(t, after[i], m.AppendKey(nil), "n%d", i+1)
	}
	require.Equal(t, after, keys(w), "an original has changed")
}

// follow gives a copy the inputs that its original had from a mark on.
func follow(t *testing.T, c *harness.Config, m core.Machine, original *taped, mark, n int) {
	t.Helper()
	var out core.Output
	for i := mark; i < len(original.inputs); i++ {
		if original.inputs[i].Type == core.NoInput {
			m.Reset(&c.Layout, core.NodeID(n+1))
			continue
		}
		out.Reset()
		require.NoError(t, m.Step(&original.inputs[i], &out))
		require.Equal(t, original.keys[i], m.AppendKey(nil), "n%d, input %d", n+1, i)
	}
}

// restore makes a machine that of a node with the given log.
func restore(t *testing.T, m core.Machine, l *core.Layout, n core.NodeID, log []core.Record) {
	t.Helper()
	m.Reset(l, n)
	var out core.Output
	for _, rec := range log {
		require.NoError(t, m.Step(&core.Input{Type: core.InputRecord, Rec: rec}, &out))
	}
	require.NoError(t, m.Step(&core.Input{Type: core.InputRestart}, &out))
}

// A machine restored from its log is the same whatever it was before, and the same again when it is
// restored once more.
func TestDeterminismOfARestoredMachine(t *testing.T) {
	records := 0
	for _, p := range Protocols() {
		once, twice := p.New(), p.New()
		for run := range few(100) {
			c, actions := actionsOf(t, p, run)
			w := harness.NewWorld(&c)
			for _, a := range actions[:len(actions)*2/3] {
				require.NoError(t, w.Apply(a))
			}
			for n := range c.Layout.Nodes {
				node := core.NodeID(n + 1)
				log, durable := w.Log(node)
				log = slices.Clone(log[:durable])
				records += len(log)
				restore(t, once, &c.Layout, node, log)
				restore(t, twice, &c.Layout, node, log)
				restore(t, twice, &c.Layout, node, log)
				require.Equal(t, once.AppendKey(nil), twice.AppendKey(nil), "run %d, %v", run, node)
				fresh := p.New()
				restore(t, fresh, &c.Layout, node, log)
				require.Equal(t, fresh.AppendKey(nil), once.AppendKey(nil), "run %d, %v", run, node)
			}
		}
	}
	require.True(t, records > int(few(1000)), "only %d records were restored", records)
}
