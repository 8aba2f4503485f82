package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"paxoscommit/specs"
)

func TestReplayWritesATraceOfEachTransaction(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tla")
	code, stdout, stderr := execute(lateVote, "replay", "-", "--tla", dir)
	require.Equal(t, exitHolds, code, stderr)
	require.Contains(t, stdout, "  c1.1           5 events, a behaviour of BundledPaxosCommit\n")
	module, err := os.ReadFile(filepath.Join(dir, "Trace_c1_1.tla"))
	require.NoError(t, err)
	require.Contains(t, string(module), `  [type |-> "phase1a", bal |-> 1, at |-> "step 7: sync n3"],`)
	for _, name := range append(specs.TraceModules(), "Trace_c1_1.cfg") {
		require.FileExists(t, filepath.Join(dir, name))
	}
}

func TestReplayNamesTheStepThatTheSpecificationDoesNotAllow(t *testing.T) {
	dir := t.TempDir()
	code, stdout, stderr := execute(lateVote, "replay", "-", "--tla", dir, "--mutant", "A03")
	require.Equal(t, exitViolated, code, stderr)
	require.Regexp(t, `is no step of BundledPaxosCommit: \[type .* at \|-> "step \d+: sync n2"\]`,
		stdout)
}

func TestTraceFolderThatCannotBeIsBadUsage(t *testing.T) {
	code, _, stderr := execute(lateVote, "replay", "-", "--tla", filepath.Join(os.DevNull, "no"))
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "not a directory")
}

func TestExportedScheduleIsTheRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "run.schedule")
	code, _, stderr := execute("", "fuzz", "--runs", "1", "--first", "2", "--export-schedule", file)
	require.Equal(t, exitHolds, code, stderr)
	code, stdout, stderr := execute("", "replay", file)
	require.Equal(t, exitHolds, code, stderr)
	require.Contains(t, stdout, " 0 skipped")
}
