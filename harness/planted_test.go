package harness_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/core/bank"
	"paxoscommit/core/paxoscommit"
	"paxoscommit/harness"
)

// planted is Paxos Commit with a bug: spoil changes what each step of a machine wants.
type planted struct {
	paxoscommit.Protocol
	name  string
	spoil func(in *core.Input, out *core.Output)
}

func (p *planted) Name() string { return p.name }

func (p *planted) New() core.Machine { return &plantedMachine{p.Protocol.New(), p.spoil} }

type plantedMachine struct {
	core.Machine
	spoil func(in *core.Input, out *core.Output)
}

func (m *plantedMachine) Step(in *core.Input, out *core.Output) error {
	err := m.Machine.Step(in, out)
	m.spoil(in, out)
	return err
}

// hasty lets out what should wait for the disk.
func hasty() *planted {
	return &planted{name: "hasty", spoil: func(_ *core.Input, out *core.Output) {
		out.Send, out.Gated = append(out.Send, out.Gated...), nil
	}}
}

// impatient has a leader abort on a time-out, without a ballot.
func impatient() *planted {
	return &planted{name: "impatient", spoil: func(in *core.Input, out *core.Output) {
		if in.Type == core.InputTimer && in.Timer.Kind == core.TimerTakeOver {
			out.Decided = append(out.Decided, core.Decision{
				Role: in.Timer.Role, Val: core.Aborted, Tx: in.Timer.Tx,
			})
		}
	}}
}

// fragile panics when it is asked something.
func fragile() *planted {
	return &planted{name: "fragile", spoil: func(in *core.Input, _ *core.Output) {
		if in.Type == core.InputMessage && in.Msg.Type == core.MsgQuery {
			panic("no answer")
		}
	}}
}

// mute never says what has become of a transaction.
func mute() *planted {
	return &planted{name: "mute", spoil: func(_ *core.Input, out *core.Output) {
		kept := out.Send[:0]
		for _, m := range out.Send {
			if m.Type != core.MsgCommit && m.Type != core.MsgAbort {
				kept = append(kept, m)
			}
		}
		out.Send = kept
	}}
}

// crowded is fragile only when it is asked of a transaction with two members or more.
func crowded() *planted {
	return &planted{name: "crowded", spoil: func(in *core.Input, out *core.Output) {
		if in.Msg.Members.Len() > 1 {
			fragile().spoil(in, out)
		}
	}}
}

// wordless has acceptors answer no phase 1a.
func wordless() *planted {
	return &planted{name: "wordless", spoil: func(_ *core.Input, out *core.Output) {
		out.Gated = slices.DeleteFunc(out.Gated, func(m core.Message) bool {
			return m.Type == core.MsgPhase1b
		})
	}}
}

func allPlanted() []*planted { return []*planted{hasty(), impatient(), fragile(), mute()} }

// failure returns a random run that breaks something.
func failure(t testing.TB, p core.Protocol, seed uint64) *harness.Schedule {
	t.Helper()
	for i := range uint64(10_000) {
		rng := rand.New(rand.NewPCG(seed, i))
		s := &harness.Schedule{Config: randomConfig(t, p, rng)}
		w := harness.NewWorld(&s.Config)
		taken := func(a harness.Action) {
			s.Actions = append(s.Actions, harness.Line{Action: a})
		}
		randomRun(w, rng, taken)
		if v := w.Violation(); v != nil {
			s.Expect = v.Property
			return s
		}
	}
	require.Fail(t, "nothing failed")
	return nil
}

func randomConfig(t testing.TB, p core.Protocol, rng *rand.Rand) harness.Config {
	t.Helper()
	c := harness.Config{
		Protocol: p, Timing: harness.Asynchronous, Accounts: 3, Opening: 100,
		Budget: harness.Budget{
			Drops: 2, Duplicates: 2, Refusals: 1, Timeouts: 8, Crashes: 2, Deaths: 1, Cuts: 2,
			GiveUps: 1,
		},
	}
	l, err := core.NewLayout(core.Sizes{
		RMs: 1 + rng.IntN(3), Acceptors: 1 + 2*rng.IntN(2), Leaders: 1 + rng.IntN(3),
	})
	require.NoError(t, err)
	c.Layout = *l
	if rng.IntN(3) == 0 { // all on one node
		c.Layout = core.Layout{Sizes: l.Sizes}
		for _, k := range []core.RoleKind{core.RM, core.Acceptor, core.Leader} {
			for id := range c.Layout.Count(k) {
				c.Layout.Place(core.Role{Kind: k, ID: uint8(id + 1)}, 1)
			}
		}
	}
	c.Layout.Options = rng.Uint32N(4)
	for _, id := range []core.TxID{{Origin: 1, Seq: 1}, {Origin: 1, Seq: 2}, {Origin: 2, Seq: 1}} {
		account := func() uint8 { return uint8(1 + rng.IntN(c.Accounts)) }
		w := bank.Work{From: account(), To: account(), Amount: 1 + rng.Int64N(120)}
		members := c.MembersOf(w)
		c.Txns = append(c.Txns, checker.Txn{ID: id, RM: members.First(), Members: members, Work: w})
	}
	require.NoError(t, c.Validate())
	return c
}

// randomRun makes some random steps, most of them deliveries, and then the fair end.
func randomRun(w *harness.World, rng *rand.Rand, taken func(harness.Action)) {
	for range 200 {
		kind := harness.Begin + harness.ActionType(rng.IntN(int(harness.Settle-harness.Begin)))
		if rng.IntN(3) > 0 {
			kind = harness.Deliver
		}
		a, ok := w.Choose(kind, rng.Uint32())
		if !ok {
			continue
		}
		taken(a)
		if w.Apply(a) != nil || w.Violation() != nil {
			return
		}
	}
	w.Settle(taken)
}

// protocols are those that schedules may name in these tests.
func protocols() []core.Protocol {
	return []core.Protocol{paxoscommit.Protocol{}, paxoscommit.Protocol{Faster: true}}
}
