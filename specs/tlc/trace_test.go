package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"paxoscommit/specs"

	"github.com/stretchr/testify/require"
)

const acceptedOutput = `3 states generated, 2 distinct states found, 0 states left on queue.
The depth of the complete state graph search is 2.
`

func TestTraceIsAcceptedOnlyToItsEnd(t *testing.T) {
	vote := specs.TraceEvent{Type: specs.TraceVote, ID: 1, To: specs.Prepared, At: "step 3: sync n1"}
	trace := specs.Trace{Tx: "c1.1", RMs: 1, Acceptors: 1, Events: []specs.TraceEvent{vote}}
	const stuck = "Error: Deadlock reached.\nState 1: <Initial>\n/\\ next = 1\n"
	for _, test := range []struct {
		name     string
		output   string
		code     int
		rejected int
		says     string
		err      error
	}{
		{"accepted", acceptedOutput, 0, 0, "accepted, 1 events", nil},
		{"not to its end", strings.Replace(acceptedOutput, "2 d", "1 d", 1), 0, 0, "", errUndecided},
		{"no step", stuck, codeDeadlock, 1, `rejected at event 1 of 1, [type |-> "vote", rm |-> 1, ` +
			`val |-> "prepared", at |-> "step 3: sync n1"]`, nil},
		{
			"broken property", stuck + "/\\ next = 2\n", codeViolation, 1, "rejected at event 1 of 1", nil,
		},
		{"crash", "Error: no memory\n", 1, 0, "", errUndecided},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder, dir := t.TempDir(), t.TempDir()
			module := []byte(trace.Module("Trace_c1_1"))
			require.NoError(t, os.WriteFile(filepath.Join(folder, "Trace_c1_1.tla"), module, 0o600))
			var out strings.Builder
			c := checker{out: &out, tlc: fake(test.output, test.code)}
			rejected, err := c.checkTraces(dir, []string{folder})
			require.ErrorIs(t, err, test.err)
			require.Equal(t, test.rejected, rejected)
			require.Contains(t, out.String(), test.says)
			require.FileExists(t, filepath.Join(dir, "Trace_c1_1.tla"))
		})
	}
}

func TestFolderWithoutTracesIsAnError(t *testing.T) {
	c := checker{out: &strings.Builder{}, tlc: fake(acceptedOutput, 0)}
	_, err := c.checkTraces(t.TempDir(), []string{t.TempDir()})
	require.ErrorIs(t, err, errNoTraces)
}
