package tla_test

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"paxoscommit/core"
	"paxoscommit/core/paxoscommit"
	"paxoscommit/harness"
	"paxoscommit/harness/tla"
)

var update = flag.Bool("update", false, "write the golden modules again")

// TestTracesOfARunAreTheModulesOnFile: one transaction aborts, one is taken over and commits. The
// schedule is run 13 of paxoscommit fuzz --rms 2 --acceptors 3 --leaders 1 --export-schedule.
func TestTracesOfARunAreTheModulesOnFile(t *testing.T) {
	text, err := os.ReadFile("testdata/two.schedule")
	require.NoError(t, err)
	s, err := harness.ParseSchedule("two.schedule", bytes.NewReader(text),
		[]core.Protocol{paxoscommit.Protocol{}})
	require.NoError(t, err)
	traces, result, err := tla.Traces(s)
	require.NoError(t, err)
	require.True(t, result.Passed(), "%v", result)
	var modules []byte
	for i := range traces {
		require.NoError(t, traces[i].Check())
		modules = append(modules, traces[i].Module("Trace")...)
	}
	if *update {
		require.NoError(t, os.WriteFile("testdata/two.tla", modules, 0o600))
	}
	golden, err := os.ReadFile("testdata/two.tla")
	require.NoError(t, err)
	require.Equal(t, string(golden), string(modules))
}

// other is a protocol that happens to have the machines of Paxos Commit.
type other struct{ paxoscommit.Protocol }

func (other) Name() string { return "other" }

func TestOnlyPaxosCommitIsTraced(t *testing.T) {
	_, _, err := tla.Traces(&harness.Schedule{Config: harness.Config{Protocol: other{}}})
	require.ErrorIs(t, err, tla.ErrProtocol)
	require.ErrorContains(t, err, "not other")
}
