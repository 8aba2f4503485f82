package cluster

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/core/paxoscommit"

	"github.com/stretchr/testify/require"
)

// build builds the command, with an overlay or without.
func build(t *testing.T, args ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "paxoscommit")
	args = append([]string{"build", "-o", program}, args...)
	cmd := exec.CommandContext(t.Context(), "go", append(args, "paxoscommit/cmd/paxoscommit")...)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Run())
	return program
}

func config(t *testing.T, program string) Config {
	t.Helper()
	return Config{
		Command: []string{program, "node"}, Protocol: paxoscommit.Protocol{},
		Sizes: core.Sizes{RMs: 2, Acceptors: 3, Leaders: 2}, Seed: 1, For: time.Millisecond,
		Round: 2 * time.Second, Clients: 3, Faults: true, Dir: t.TempDir(), Stderr: io.Discard,
		Progress: func(Report) {},
	}
}

func TestRealProcessesHoldThroughKills(t *testing.T) {
	t.Parallel()
	c := config(t, build(t))
	for _, options := range [][]string{nil, {"relayed"}} {
		c.Options = options
		r, err := Run(t.Context(), c)
		require.NoError(t, err)
		require.Nil(t, r.Violation, "%v", r.Violation)
		require.Equal(t, checker.Holds, r.Verdict)
		require.Positive(t, r.Committed)
		require.Positive(t, r.Kills)
		require.Zero(t, r.InDoubt)
	}
}

func TestNodeThatDiesByItselfBreaksTheContract(t *testing.T) {
	c := config(t, "")
	c.Command = []string{"sh", "-c", "exit 3"}
	r, err := Run(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, checker.Violated, r.Verdict)
	require.Equal(t, checker.Contract, r.Violation.Property)
	require.Contains(t, r.Violation.Detail, "ended by itself: exit status 3")
	require.DirExists(t, filepath.Dir(r.Logs))
}

func TestProgramThatIsNotThereIsAnError(t *testing.T) {
	c := config(t, "/nonexistent/program")
	_, err := Run(t.Context(), c)
	require.ErrorContains(t, err, "no such file")
}
