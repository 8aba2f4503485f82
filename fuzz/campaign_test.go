package fuzz

import (
	"context"
	"testing"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/fuzz/internal/require"
)

func campaignOf(t *testing.T, workers int, first, runs uint64) *Report {
	t.Helper()
	c := &Campaign{
		Options: Options{Protocol: Protocols()[0], Faults: AllFaults, Seed: 7},
		First:   first, Runs: runs, Workers: workers,
	}
	r, err := c.Run(context.Background())
	require.NoError(t, err)
	return r
}

func TestCampaignIsTheSameAtEveryDegreeOfParallelism(t *testing.T) {
	one, four := campaignOf(t, 1, 0, 3000), campaignOf(t, 4, 0, 3000)
	one.Elapsed, four.Elapsed = 0, 0
	require.Equal(t, one, four, "one worker and four")
	require.Equal(t, checker.Holds, one.Verdict(), "verdict")
	require.Equal(t, uint64(3000), one.Runs, "runs")
}

func TestCampaignKeepsGoing(t *testing.T) {
	var reports []*Report
	for _, workers := range []int{1, 4} {
		c := &Campaign{
			Options: Options{Protocol: restless{Protocols()[0]}, Faults: AllFaults, Seed: 7},
			Runs:    1000, Workers: workers, KeepGoing: true,
		}
		r, err := c.Run(context.Background())
		require.NoError(t, err)
		r.Elapsed = 0
		reports = append(reports, r)
	}
	require.Equal(t, uint64(1000), reports[0].Runs)
	require.True(t, reports[0].Violations > 100)
	require.Equal(t, reports[0], reports[1])
}

// restless is a protocol whose machines refuse every timer.
type restless struct{ core.Protocol }

func (p restless) New() core.Machine { return restlessMachine{p.Protocol.New()} }

type restlessMachine struct{ core.Machine }

func (m restlessMachine) Step(in *core.Input, out *core.Output) error {
	if in.Type == core.InputTimer {
		return core.ErrProtocol
	}
	return m.Machine.Step(in, out)
}

func TestCampaignPartsAddUp(t *testing.T) {
	whole := campaignOf(t, 2, 0, 2000)
	left, right := campaignOf(t, 2, 0, 777), campaignOf(t, 2, 777, 1223)
	require.Equal(t, whole.Digest, left.Digest+right.Digest, "digest")
	require.Equal(t, whole.Steps, left.Steps+right.Steps, "steps")
}

func TestApartSharesNoNode(t *testing.T) {
	for _, p := range Protocols() {
		shared := 0
		for run := range uint64(200) {
			o := Options{Protocol: p, Apart: true}
			c, err := o.Config(run)
			require.NoError(t, err)
			require.Equal(t, len(c.Layout.AppendRoles(nil)), c.Layout.Nodes, "%v", c.Layout)
			o.Apart = false
			c, err = o.Config(run)
			require.NoError(t, err)
			if c.Layout.Nodes < len(c.Layout.AppendRoles(nil)) {
				shared++
			}
		}
		require.True(t, shared > 20, "%s: roles share nodes in %d runs", p.Name(), shared)
	}
}

// TestScheduleMayUseTheFaultsOfItsOptions: whoever minimises a run may put in a fault of a kind
// that the options have, though none was drawn for it, and of no other.
func TestScheduleMayUseTheFaultsOfItsOptions(t *testing.T) {
	for _, o := range []Options{
		{Faults: Drops | Timeouts | Deaths | GiveUps},
		{Faults: Duplicates | Refusals | Crashes | Partitions},
		{Faults: AllFaults, Synchronous: true},
	} {
		o.Protocol = Protocols()[0]
		for run := range uint64(20) {
			s, err := o.Schedule(run)
			require.NoError(t, err)
			b := &s.Config.Budget
			for _, k := range []struct {
				kind Faults
				n    int
			}{
				{Drops, b.Drops},
				{Duplicates, b.Duplicates},
				{Refusals, b.Refusals},
				{Timeouts, b.Timeouts},
				{Crashes, b.Crashes},
				{Deaths, b.Deaths},
				{Partitions, b.Cuts},
				{GiveUps, b.GiveUps},
			} {
				may := o.Faults&k.kind != 0 && (!o.Synchronous || k.kind != Crashes)
				require.Equal(t, may, k.n > 0, "%+v: %v", o, k)
			}
		}
	}
}

func TestCampaignReachesEveryMilestone(t *testing.T) {
	r := campaignOf(t, 2, 0, 5000)
	for m := checker.SawCommit; int(m) < checker.NumMilestones; m++ {
		require.True(t, r.Reached[m] > 0, "no run reached %v", m)
	}
}

// called is a protocol of a name, and with options, of somebody's own.
type called struct {
	core.Protocol
	name    string
	options []string
}

func (c called) Name() string      { return c.name }
func (c called) Options() []string { return c.options }

func TestCampaignRefusesWhatMakesNoSense(t *testing.T) {
	for _, c := range []Campaign{
		{Runs: 1, Workers: 1},
		{Options: Options{Protocol: Protocols()[0]}, Workers: 1},
		{Options: Options{Protocol: Protocols()[0]}, Runs: 1},
		{Options: Options{Protocol: Protocols()[0]}, Runs: 2, First: ^uint64(0), Workers: 1},
		{Options: Options{Protocol: Protocols()[0], Faults: AllFaults + 1}, Runs: 1, Workers: 1},
		{Options: Options{Protocol: called{name: ""}}, Runs: 1, Workers: 1},
		{Options: Options{Protocol: called{name: "my commit"}}, Runs: 1, Workers: 1},
		{Options: Options{Protocol: called{name: "commit#2"}}, Runs: 1, Workers: 1},
		{Options: Options{Protocol: called{name: "x", options: []string{"\n"}}}, Runs: 1, Workers: 1},
		{Options: Options{Protocol: called{name: "x", options: make([]string, 33)}}, Runs: 1, Workers: 1},
	} {
		_, err := c.Run(context.Background())
		require.ErrorIs(t, err, ErrUsage)
	}
}

// TestManyNodesCrashToo: beyond 64 nodes, which is what a core.Set holds.
func TestManyNodesCrashToo(t *testing.T) {
	o := Options{Protocol: Protocols()[0], RMs: core.MaxRMs, Apart: true, Faults: Crashes}
	r := o.run(t, 50)
	require.Equal(t, checker.Holds, r.Verdict(), "%v", r.Failure)
	require.True(t, r.Reached[checker.SawCrash] > 0, "no run reached a crash")
}
