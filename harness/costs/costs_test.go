package costs_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"paxoscommit/core"
	"paxoscommit/core/paxoscommit"
	"paxoscommit/core/replicated"
	"paxoscommit/core/twophase"
	"paxoscommit/harness/costs"
)

// mergeBegin turns on the first option, if there is one, which is merge-begin.
const mergeBegin = 1 << paxoscommit.OptMergeBegin

func count(t *testing.T, p core.Protocol, at costs.Placement, n, f int) costs.Costs {
	t.Helper()
	c, err := costs.Count(p, mergeBegin, at, n, f)
	require.NoError(t, err, "%s %s N=%d F=%d", p.Name(), at, n, f)
	return c
}

// golden is a row of the numbers that section 5 of the paper comes to.
type golden struct {
	RMs, Faults int
	Messages    map[string]map[string]int // by protocol and placement
	Writes      map[string]int            // by protocol
}

func readGolden(t *testing.T) []golden {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	require.NoError(t, err)
	var rows []golden
	require.NoError(t, json.Unmarshal(text, &rows))
	require.Len(t, rows, 50)
	return rows
}

func TestMessagesAndWritesAreThoseOfThePaper(t *testing.T) {
	for _, p := range []core.Protocol{
		paxoscommit.Protocol{}, paxoscommit.Protocol{Faster: true}, twophase.Protocol{},
	} {
		counted := 0
		for _, row := range readGolden(t) {
			for _, at := range costs.Placements() {
				want, ok := row.Messages[p.Name()][at.String()]
				if !ok {
					continue
				}
				counted++
				got := count(t, p, at, row.RMs, row.Faults)
				require.Equal(t, want, got.Messages, "%s %s %+v", p.Name(), at, row)
				require.Equal(t, row.Writes[p.Name()], got.Writes, "%s %s %+v", p.Name(), at, row)
			}
		}
		require.GreaterOrEqual(t, counted, 100, p.Name())
	}
}

func TestDelaysAreThoseOfThePaper(t *testing.T) {
	for name, delays := range map[string][3]int{
		"paxos-commit":        {5, 5, 4},
		"faster-paxos-commit": {4, 4, 3},
	} {
		p := paxoscommit.Protocol{Faster: name == "faster-paxos-commit"}
		for i, at := range costs.Placements() {
			for n := 2; n <= 5; n++ {
				for f := 1; f < n && f <= 3; f++ {
					got, want := count(t, p, at, n, f), delays[i]
					if n == 2 && name == "paxos-commit" && at == costs.CoLocated {
						want-- // both acceptors hear of the other vote at once, being where it is cast
					}
					require.Equal(t, want, got.Delays, "%s %s N=%d F=%d", name, at, n, f)
					require.Equal(t, 3, got.WriteDelays, "%s %s N=%d F=%d", name, at, n, f)
				}
			}
		}
	}
}

func TestReplicatedTwoPhaseCommitCostsAnAppendForEachVoteDecisionAndOutcome(t *testing.T) {
	for n := 1; n <= 10; n++ {
		for f := range 5 {
			got := count(t, replicated.Protocol{}, costs.Apart, n, f)
			require.Equal(t, 3*n+2*f*(2*n+1), got.Messages, "N=%d F=%d", n, f)
			require.Equal(t, (f+1)*(2*n+1), got.Writes, "N=%d F=%d", n, f)
			if f > 0 {
				require.Equal(t, 7, got.Delays, "N=%d F=%d", n, f)
				require.Equal(t, 4, got.WriteDelays, "N=%d F=%d", n, f)
			}
		}
	}
}

func TestDelaysOfTwoPhaseCommitAreThoseOfThePaper(t *testing.T) {
	for n := 2; n <= 5; n++ {
		got := count(t, twophase.Protocol{}, costs.Apart, n, 0)
		require.Equal(t, costs.Costs{
			Messages: 3*n - 1, Delays: 4, Writes: n + 1, WriteDelays: 3,
		}, got)
		got = count(t, twophase.Protocol{}, costs.CoLocated, n, 0)
		require.Equal(t, costs.Costs{
			Messages: 3*n - 3, Delays: 3, Writes: n + 1, WriteDelays: 3,
		}, got)
	}
}

func TestWithoutFaultsToTolerateItCostsAsMuchAsTwoPhaseCommit(t *testing.T) {
	for _, p := range []core.Protocol{paxoscommit.Protocol{}, paxoscommit.Protocol{Faster: true}} {
		for n := 1; n <= 10; n++ {
			require.Equal(t, 3*n-1, count(t, p, costs.LeaderOnAcceptor, n, 0).Messages)
			require.Equal(t, 3*n-3, count(t, p, costs.CoLocated, n, 0).Messages)
		}
	}
}

func TestTheLargestSystemsAreCounted(t *testing.T) {
	require.Equal(t, 65*10-2, count(t, paxoscommit.Protocol{}, costs.Apart, 64, 7).Messages)
}

func TestImpossiblePlacementsAreRefused(t *testing.T) {
	for want, c := range map[string]struct {
		at       costs.Placement
		rms      int
		faults   int
		protocol core.Protocol
	}{
		"co-located: 3 acceptors are used, and there are 2 resource managers": {
			costs.CoLocated, 2, 2, paxoscommit.Protocol{},
		},
		"0 resource managers: want 1 to 64": {costs.Apart, 0, 1, paxoscommit.Protocol{}},
		"17 acceptors: want 1 to 15":        {costs.Apart, 2, 8, paxoscommit.Protocol{}},
	} {
		_, err := costs.Count(c.protocol, 0, c.at, c.rms, c.faults)
		require.ErrorIs(t, err, costs.ErrPlacement)
		require.ErrorContains(t, err, want)
	}
}

// silent is Paxos Commit whose acceptors are never heard of.
type silent struct{ paxoscommit.Protocol }

func (silent) New() core.Machine { return &mute{Machine: paxoscommit.Protocol{}.New()} }

type mute struct{ core.Machine }

func (m *mute) CopyFrom(src core.Machine) { m.Machine.CopyFrom(src.(*mute).Machine) }

func (m *mute) Step(in *core.Input, out *core.Output) error {
	if in.Type == core.InputMessage && in.Msg.To.Kind == core.Acceptor {
		return nil
	}
	return m.Machine.Step(in, out)
}

func TestARunThatDoesNotCommitHasNoCosts(t *testing.T) {
	_, err := costs.Count(silent{}, 0, costs.Apart, 2, 1)
	require.ErrorIs(t, err, costs.ErrNotCommitted)
}
