package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"paxoscommit/harness/costs"
)

func TestCostsAreThoseOfTheLiterature(t *testing.T) {
	for _, args := range [][]string{
		{"costs"}, {"costs", "--rms", "2", "--faults", "2"}, {"costs", "--rms", "1", "--faults", "0"},
	} {
		code, stdout, stderr := execute("", args...)
		require.Equal(t, exitHolds, code, "%v: %s", args, stdout)
		require.Empty(t, stderr)
		require.NotContains(t, stdout, "gives")
		require.NotContains(t, stdout, "not")
	}
}

func TestCostsJSONIsOneObjectARow(t *testing.T) {
	code, stdout, _ := execute("", "costs", "--rms", "5", "--faults", "1", "--json",
		"--protocol", "paxos-commit", "--placement", "co-located")
	require.Equal(t, exitHolds, code)
	require.JSONEq(t, `{"protocol":"paxos-commit","placement":"co-located","rms":5,"faults":1,
		"messages":17,"delays":4,"writes":7,"write_delays":3}`, stdout)
	_, stdout, _ = execute("", "costs", "--json")
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	require.GreaterOrEqual(t, len(lines), 6)
	for _, line := range lines {
		require.NoError(t, json.Unmarshal([]byte(line), &costRow{}), line)
	}
}

func TestACostThatDiffersFromItsFormulaIsSaid(t *testing.T) {
	want := published("paxos-commit", costs.Apart, 5, 1)
	require.True(t, want.agrees(costs.Costs{Messages: 22, Delays: 5, Writes: 7, WriteDelays: 3}))
	require.False(t, want.agrees(costs.Costs{Messages: 23, Delays: 5, Writes: 7, WriteDelays: 3}))
	require.False(t, want.agrees(costs.Costs{Messages: 22, Delays: 6, Writes: 7, WriteDelays: 3}))
	require.Equal(t, "(N+1)(F+3)-2 gives 22", want.messages.beside(23))
	require.Equal(t, "6, not 5", want.delays.justOf(6))
	require.True(t, published("of nobody", costs.Apart, 5, 1).agrees(costs.Costs{Messages: 1}))
}

func TestCostsOfNothingAreRefused(t *testing.T) {
	for want, args := range map[string][]string{
		"--rms must be 1 to 64, not 0":    {"--rms", "0"},
		"--faults must be 0 to 7, not -1": {"--faults", "-1"},
		"--faults must be 0 to 7, not 8":  {"--faults", "8"},
		"4 acceptors are used, and there are 2": {
			"--protocol", "paxos-commit", "--rms", "2", "--faults", "3", "--placement", "co-located",
		},
		"costs takes no argument":                     {"5"},
		"no protocol is called \"4pc\"":               {"--protocol", "4pc"},
		"unknown placement \"near\": want apart, lea": {"--placement", "near"},
	} {
		code, stdout, stderr := execute("", append([]string{"costs"}, args...)...)
		require.Equal(t, exitUsage, code, "%v", args)
		require.Empty(t, stdout)
		require.Contains(t, stderr, want)
		require.Equal(t, 1, strings.Count(stderr, "\n"))
	}
}
