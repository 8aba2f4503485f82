package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// censusOf returns the rows of a census, and its exit code.
func censusOf(t *testing.T, args ...string) ([]censusRow, int) {
	t.Helper()
	code, stdout, _ := execute("", append([]string{"census", "--json"}, args...)...)
	var rows []censusRow
	for line := range strings.Lines(stdout) {
		var r censusRow
		require.NoError(t, json.Unmarshal([]byte(line), &r))
		rows = append(rows, r)
	}
	return rows, code
}

func TestCensusOfPaxosCommitHolds(t *testing.T) {
	rows, code := censusOf(t, "--protocol", "paxos-commit", "--timing", "synchronous")
	require.Equal(t, exitHolds, code)
	require.Len(t, rows, 5)
	for _, r := range rows {
		require.Equal(t, "rms=2 acceptors=3 leaders=2 takeovers=1", r.World)
		require.True(t, r.Complete)
		require.NotZero(t, r.States)
		require.Zero(t, *r.Blocked, r.Failure)
		require.Zero(t, *r.Split, r.Failure)
		if strings.HasSuffix(r.Failure, "cut off") {
			require.NotZero(t, *r.CutOff, r.Failure)
		} else {
			require.Nil(t, r.CutOff)
		}
	}
}

// TestCensusIsThatOfTheREADME: the counts there are true, and say who blocks and who splits.
func TestCensusIsThatOfTheREADME(t *testing.T) {
	code, stdout, stderr := execute("", "census", "--timing", "synchronous")
	require.Equal(t, exitViolated, code, stderr)
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	require.Contains(t, string(readme), "\n$ paxoscommit census --timing synchronous\n"+
		strings.TrimSpace(stdout)+"\n```\n", "the README has other counts than:\n%s", stdout)
}

// TestCensusThatIsCutShortIsUnknown: what was not visited is not counted as nothing.
func TestCensusThatIsCutShortIsUnknown(t *testing.T) {
	args := []string{"--protocol", "paxos-commit", "--timing", "asynchronous", "--max-states", "1000"}
	rows, code := censusOf(t, args...)
	require.Equal(t, exitUnknown, code)
	for _, r := range rows {
		require.False(t, r.Complete)
		require.Nil(t, r.Blocked)
		require.Nil(t, r.Split)
	}
	_, stdout, stderr := execute("", append([]string{"census"}, args...)...)
	require.Contains(t, stdout, "unknown")
	require.Contains(t, stderr, "not every world was visited to its end")
}

func TestCensusTakesAsManyResourceManagersAsFit(t *testing.T) {
	for rms, want := range map[string]string{
		"3": "rms=2 replicas=3", "2": "rms=2 replicas=3", "1": "rms=1 replicas=3 takeovers=1",
	} {
		rows, code := censusOf(t, "--protocol", "replicated-2pc", "--timing", "synchronous", "--rms", rms)
		require.Equal(t, exitHolds, code)
		require.Equal(t, want, rows[0].World)
	}
}

// TestCensusSavesAScheduleForWhatItCounts: replay takes it, and finds what the row says.
func TestCensusSavesAScheduleForWhatItCounts(t *testing.T) {
	rows, _ := censusOf(t, "--protocol", "3pc-course", "--save", t.TempDir())
	saved := map[string]string{}
	for _, r := range rows {
		if r.Schedule == "" {
			require.Zero(t, *r.Blocked+*r.Split, r.Failure)
			continue
		}
		_, stdout, stderr := execute("", "replay", r.Schedule)
		require.Empty(t, stderr)
		require.Contains(t, stdout, " 0 skipped")
		saved[r.Timing+", "+r.Failure], _, _ = strings.Cut(stdout, " at step")
	}
	holds := "Holds: the schedule was replayed and nothing was broken"
	for name, text := range saved {
		if strings.HasPrefix(text, holds) {
			saved[name] = holds
		}
	}
	require.Equal(t, map[string]string{
		"synchronous, tm1 dies": "Violated: NonBlocking", "synchronous, rm2 cut off": holds,
		"asynchronous, tm1 dies": "Violated: NonBlocking", "asynchronous, rm2 cut off": holds,
	}, saved)
}

func TestCensusRefusesBadFlags(t *testing.T) {
	for _, args := range [][]string{
		{"--protocol", "4pc"},
		{"--timing", "slow"},
		{"--rms", "0"},
		{"--takeovers", "256"},
		{"--workers", "0"},
		{"--save", "main.go/below"},
		{"2pc"},
	} {
		code, stdout, stderr := execute("", append([]string{"census"}, args...)...)
		require.Equal(t, exitUsage, code, args)
		require.Empty(t, stdout)
		require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
	}
}
