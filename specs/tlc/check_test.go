package main

import (
	"fmt"
	"strings"
	"testing"

	"paxoscommit/specs"

	"github.com/stretchr/testify/require"
)

const tlcOutput = `Model checking completed. No error has been found.
94 states generated, 34 distinct states found, 0 states left on queue.
The depth of the complete state graph search is 7.
`

// fake answers as TLC would, whatever it is asked.
func fake(output string, code int) func(string, string) (string, int, error) {
	return func(string, string) (string, int, error) { return output, code, nil }
}

var row = specs.Count{
	Config:   specs.Config{Spec: specs.SpecTCommit, RMs: 3},
	Distinct: 34, Generated: 94, Depth: 7, Source: "published",
}

func TestCountsMustAgree(t *testing.T) {
	for _, test := range []struct {
		name string
		tlc  func(string, string) (string, int, error)
		ok   bool
		says string
	}{
		{"agree", fake(tlcOutput, 0), true, "tlc: ok"},
		{"no TLC", nil, true, "go: ok"},
		{"other count", fake(strings.Replace(tlcOutput, "94", "95", 1), 0), false, "34/95/7"},
		{"other depth", fake(strings.Replace(tlcOutput, "is 7", "is 8", 1), 0), false, "34/94/8"},
		{"incomplete", fake(strings.Replace(tlcOutput, " 0 st", " 1 st", 1), 0), false, "0/0/0"},
		{"error", fake("Error: Invariant I is violated.\n", 12), false, "exit code 12, Error: Inv"},
		{"counts, and an exit code", fake(tlcOutput, 13), false, "exit code 13"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			c := checker{out: &out, most: 94, tlc: test.tlc}
			ok, err := c.checkCount(row)
			require.NoError(t, err)
			require.Equal(t, test.ok, ok, out.String())
			require.Contains(t, out.String(), test.says)
		})
	}
}

func TestWrongGoldenCountFails(t *testing.T) {
	wrong := row
	wrong.Generated++
	var out strings.Builder
	c := checker{out: &out, most: 100}
	ok, err := c.checkCount(wrong)
	require.NoError(t, err)
	require.False(t, ok)
	require.Contains(t, out.String(), "go: FAILED: 34/94/7")
}

func TestLargeModelsAreLeftToGo(t *testing.T) {
	var out strings.Builder
	c := checker{out: &out, most: 93, tlc: fake("", 1)}
	ok, err := c.checkCount(row)
	require.NoError(t, err)
	require.True(t, ok)
	require.Contains(t, out.String(), "tlc: more than -most")
}

func TestOneRowCanBeCheckedAlone(t *testing.T) {
	var out strings.Builder
	c := checker{out: &out, most: 94, only: row.String(), workers: 2}
	c.tlc = fake(strings.Replace(tlcOutput, "is 7", "is 8", 1), 0)
	failed, err := c.checkAll()
	require.NoError(t, err)
	require.Zero(t, failed, "the depth is not exact with two workers")
	require.Equal(t, 1, strings.Count(out.String(), "\n"))
	c.only = "tcommit rms=99"
	_, err = c.checkAll()
	require.ErrorIs(t, err, errNoRow)
}

func TestReachModelsMustFail(t *testing.T) {
	reach := specs.Reach{
		Config: row.Config, CFG: "MCReachTCommitAllAborted.cfg", Property: "all aborted", States: 4,
	}
	var path string
	for i := range 4 {
		path += fmt.Sprintf("State %d: <Next>\n", i+1)
	}
	for _, test := range []struct {
		name string
		tlc  func(string, string) (string, int, error)
		ok   bool
	}{
		{"fails", fake("Error: Invariant I is violated.\n"+path, codeViolation), true},
		{"holds", fake(tlcOutput, 0), false},
		{"longer", fake(path+"State 5: <Next>\n", codeViolation), false},
		{"other error", fake(path, 75), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			c := checker{out: &out, tlc: test.tlc}
			ok, err := c.checkReach(reach)
			require.NoError(t, err)
			require.Equal(t, test.ok, ok, out.String())
		})
	}
}

func TestSizesGoIntoEveryModel(t *testing.T) {
	golden, err := specs.ReadGolden()
	require.NoError(t, err)
	for _, row := range golden.Counts {
		text, err := specs.Files.ReadFile(modules[row.Spec] + ".cfg")
		require.NoError(t, err)
		cfg := withSizes(string(text), row.Config)
		require.Contains(t, cfg, fmt.Sprintf("\n  N = %d\n", row.RMs))
		if specs.HasBallots(row.Spec) {
			lines := fmt.Sprintf("\n  A = %d\n  B = %d\n", row.Acceptors, row.Ballots)
			require.Contains(t, cfg, lines)
		}
	}
}

func TestMissingJarIsNamed(t *testing.T) {
	t.Setenv("TLA2TOOLS", "/no/such/tla2tools.jar")
	_, err := findJar()
	require.EqualError(t, err, "TLA2TOOLS=/no/such/tla2tools.jar: no such file")
}
