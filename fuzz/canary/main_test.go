package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBadUsageIsOneLine(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--none", "not defined: -none"},
		{"--native", "flag needs an argument: -native"},
		{"--native=", `no planted bug is called ""`},
		{"--only=", `no planted bug is called ""`},
		{"--explore --only X99", `no planted bug is called "X99"`},
		{"--only A03,A03", "A03 is there twice"},
		{"--explore --native A03", "--native takes no other flag"},
		{"--explore --json", "--json is not for --explore"},
		{"--runs 0", "--runs and --control-runs must be above 0"},
		{"--runs 0x1", `invalid value "0x1" for flag -runs`},
		{"A03", `unexpected argument "A03"`},
	} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, 2, run(t.Context(), strings.Fields(c.args), &stdout, &stderr), c.args)
		require.Empty(t, stdout.String(), c.args)
		require.Contains(t, stderr.String(), c.want)
		require.Equal(t, 1, strings.Count(stderr.String(), "\n"), c.args)
	}
}

func TestHelpIsNoError(t *testing.T) {
	var stdout, stderr bytes.Buffer
	require.Zero(t, run(t.Context(), []string{"--help"}, &stdout, &stderr))
	require.Contains(t, stdout.String(), "-control-runs")
	require.Empty(t, stderr.String())
}
