package fuzz

import (
	"os/exec"
	"testing"

	"paxoscommit/fuzz/internal/require"
)

func TestAProtocolOfAnotherModuleIsChecked(t *testing.T) {
	test := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "go", append([]string{"test", "-v"}, args...)...)
		cmd.Dir = "outside"
		text, err := cmd.CombinedOutput()
		return string(text), err
	}
	text, err := test()
	require.NoError(t, err)
	require.Contains(t, text, "all properties hold")

	text, err = test("-crashes")
	require.Error(t, err)
	require.Contains(t, text, "my-commit: NonBlocking at step ")
	require.Contains(t, text, "crash")
}
