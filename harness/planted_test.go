package harness_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"paxoscommit/core"
	"paxoscommit/core/paxoscommit"
	"paxoscommit/fuzz"
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

func allPlanted() []*planted { return []*planted{hasty(), impatient(), fragile(), mute()} }

// failure returns the first failure of a campaign.
func failure(t testing.TB, p core.Protocol, seed uint64) *harness.Schedule {
	t.Helper()
	c := fuzz.Campaign{
		Options: fuzz.Options{Protocol: p, Faults: fuzz.AllFaults, Seed: seed}, Runs: 10_000, Workers: 1,
	}
	r, err := c.Run(context.Background())
	require.NoError(t, err)
	require.NotNil(t, r.Failure)
	return r.Failure.Schedule
}
