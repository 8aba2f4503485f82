package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEverySamplePasses(t *testing.T) {
	program := filepath.Join(t.TempDir(), "paxoscommit")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program,
		"paxoscommit/cmd/paxoscommit")
	build.Stderr = os.Stderr
	require.NoError(t, build.Run())
	var out bytes.Buffer
	failed, err := run(t.Context(), &out, []string{program, "node"})
	require.NoError(t, err)
	require.Zero(t, failed, out.String())
}

func TestWrongOutputFails(t *testing.T) {
	s := parse("x", "# task: title\n> in\n< in\n~ i\n! z\n")
	require.Equal(t, "title", s.title)
	require.Empty(t, s.run(t.Context(), []string{"cat"}))
	require.Equal(t, "line 1 is , want in", s.run(t.Context(), []string{"true"}))
	require.Contains(t, s.run(t.Context(), []string{"false"}), "exit status 1")
	s.later = []string{"other"}
	require.Equal(t, "nowhere is other", s.run(t.Context(), []string{"cat"}))
	s.later, s.nowhere = nil, []string{"n"}
	require.Equal(t, "somewhere is n", s.run(t.Context(), []string{"cat"}))
}
