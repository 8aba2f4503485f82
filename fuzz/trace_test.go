package fuzz

import (
	"errors"
	"testing"

	"paxoscommit/core/paxoscommit"
	"paxoscommit/fuzz/internal/require"
	"paxoscommit/harness/tla"
	"paxoscommit/specs"
)

// TestRunsAreBehavioursOfTheSpecification holds every transaction of random runs against
// BundledPaxosCommit, as far as its Go model can hold it; the rest is for TLC.
func TestRunsAreBehavioursOfTheSpecification(t *testing.T) {
	for _, p := range []paxoscommit.Protocol{{}, {Faster: true}} {
		o := &Options{Protocol: p, Faults: AllFaults, Seed: 11}
		checked, large, events := 0, 0, map[specs.TraceType]int{}
		for run := range few(1000) {
			s, err := o.Schedule(run)
			require.NoError(t, err)
			traces, _, err := tla.Traces(s)
			if s.Config.Layout.Registrars > 0 {
				require.True(t, errors.Is(err, tla.ErrProtocol), "%v", err)
				continue
			}
			require.NoError(t, err)
			for i := range traces {
				err := traces[i].Check()
				if errors.Is(err, specs.ErrSize) {
					large++
					continue
				}
				require.NoError(t, err, "run %d: %s", run, s)
				checked++
				for _, e := range traces[i].Events {
					events[e.Type]++
				}
			}
		}
		t.Log(p.Name(), checked, large, events)
		require.True(t, checked > 3*large, "%d traces were checked, %d too large", checked, large)
		for e := specs.TraceVote; e <= specs.TraceDecide; e++ {
			require.True(t, events[e] > int(few(100)), "%v: %d", e, events[e])
		}
	}
}
