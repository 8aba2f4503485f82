package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"paxoscommit/core"
	"paxoscommit/node/cluster"

	"github.com/stretchr/testify/require"
)

// TestClusterCatchesALostRecord: an acceptor sends its 2b before its record is in the log, and real
// processes show it.
func TestClusterCatchesALostRecord(t *testing.T) {
	program := filepath.Join(t.TempDir(), "paxoscommit")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	cmd := exec.CommandContext(t.Context(), program, "cluster", "--mutant", "A18", "--for", "20s",
		"--json")
	out, err = cmd.Output()
	require.Error(t, err)
	require.Equal(t, exitViolated, cmd.ProcessState.ExitCode())
	var result clusterResult
	require.NoError(t, json.Unmarshal(out, &result))
	require.Equal(t, "violated", result.Verdict)
	require.Contains(t, []string{"Agreement", "Consistency", "Validity", "Durability"},
		result.Property)
	defer os.RemoveAll(filepath.Dir(result.Logs))
	require.DirExists(t, result.Logs)
}

func TestClusterNamesTheRolesThatThereAre(t *testing.T) {
	var f clusterFlags
	f.protocol, f.config.Sizes = "2pc", core.Sizes{RMs: 3, TMs: 1}
	var out bytes.Buffer
	f.mutant = mutantFlags{planted: "T01", title: "the decision is told"}
	require.NoError(t, writeCluster(&out, &f, &cluster.Report{Begun: 1}))
	require.Contains(t, out.String(), " 2pc: 3 resource managers, 1 transaction manager\n")
	require.Contains(t, out.String(), "begun          1 transaction\n")
	require.Contains(t, out.String(), "planted bug    T01, the decision is told: not seen\n")
}

func TestClusterUsage(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"--protocol", "x"}, `no protocol is called "x"`},
		{[]string{"--options", "turbo"}, `paxos-commit has no option "turbo"; it has merge-begin, `},
		{[]string{"--options", "turbo", "--protocol", "3pc"}, `3pc has no option "turbo"; it has none`},
		{[]string{"--for", "0s"}, "--for and --round must be above 0"},
		{[]string{"--clients", "0"}, "--clients must be 1 to 15, not 0"},
		{[]string{"--rms", "0"}, "0 resource managers: want 1 to 64"},
		{[]string{"--restarts=false"}, "--restarts needs --bin"},
		{[]string{"--slow-disk", "-1s"}, "--slow-disk must not be below 0"},
		{[]string{"--bin", "x", "--rms", "2"}, "--bin and --rms exclude each other"},
		{[]string{"--bin", "x", "--planted", "A03"}, "--bin and --mutant exclude each other"},
		{[]string{"--bin", "/nonexistent/x"}, "no such file"},
		{[]string{"--bin", " "}, "--bin must be a program"},
		{[]string{"--protocol", "2pc", "--acceptors", "5"}, "2pc has no acceptors"},
		{[]string{"--protocol", "replicated-2pc"}, "cluster cannot run replicated-2pc"},
		{[]string{"x"}, `cluster takes no argument, but was given "x"`},
	} {
		code, _, stderr := execute("", append([]string{"cluster"}, tc.args...)...)
		require.Equal(t, exitUsage, code, stderr)
		require.Contains(t, stderr, tc.want)
	}
}
