package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// matrixOf returns the rows of the matrix of one rule set: the message, what becomes of everybody
// if the coordinator dies before it, and if rm2 is cut off.
func matrixOf(t *testing.T, rules string) [][3]string {
	t.Helper()
	protocol, _, _ := strings.Cut(rules, ",")
	code, stdout, stderr := execute("", "drill", "matrix", "--json", "--protocol", protocol)
	require.Equal(t, exitHolds, code, stderr)
	var rows [][3]string
	for line := range strings.Lines(stdout) {
		var a answer
		require.NoError(t, json.Unmarshal([]byte(line), &a))
		name := a.Protocol
		if a.Option != "" {
			name += ", " + a.Option
		}
		if name != rules {
			continue
		}
		if a.Failure == "coordinator-dies" {
			rows = append(rows, [3]string{a.Before})
		}
		row := &rows[len(rows)-1]
		require.Equal(t, row[0], a.Before)
		text := strings.Join(a.RMs, " ")
		if a.Splits {
			text += " SPLIT"
		}
		if a.Failure == "coordinator-dies" {
			row[1] = text
		} else {
			require.Equal(t, "2", a.Far)
			row[2] = text
		}
	}
	return rows
}

// What the literature says of one failure: the states of rm1 and rm2, if the coordinator dies
// before a message and if rm2 is cut off before it.
func TestTheMatrixIsThatOfTheLiterature(t *testing.T) {
	for rules, want := range map[string][][3]string{
		"2pc": {
			{"rm1->tm1 vote", "blocks untouched", "aborts untouched"},
			{"tm1->rm2 prepare", "blocks untouched", "aborts untouched"},
			{"rm2->tm1 vote", "blocks blocks", "aborts blocks"},
			{"tm1->rm1 commit", "blocks blocks", "commits blocks"},
			{"tm1->rm2 commit", "commits blocks", "commits blocks"},
			{"the end", "commits commits", "commits commits"},
		},
		"2pc, cooperative": { // it helps while somebody who is left knows more than that it is prepared
			{"rm1->tm1 vote", "aborts aborts", "aborts untouched"},
			{"tm1->rm2 prepare", "aborts aborts", "aborts untouched"},
			{"rm2->tm1 vote", "blocks blocks", "aborts blocks"},
			{"tm1->rm1 commit", "blocks blocks", "commits blocks"},
			{"tm1->rm2 commit", "commits commits", "commits blocks"},
			{"the end", "commits commits", "commits commits"},
		},
		"3pc": {
			{"rm1->tm1 vote", "aborts aborts", "aborts untouched"},
			{"tm1->rm2 prepare", "aborts aborts", "aborts untouched"},
			{"rm2->tm1 vote", "aborts aborts", "aborts aborts"},
			{"tm1->rm1 pre-commit", "aborts aborts", "commits aborts SPLIT"},
			{"tm1->rm2 pre-commit", "commits commits", "commits aborts SPLIT"},
			{"rm1->tm1 pre-committed", "commits commits", "commits commits"},
			{"rm2->tm1 pre-committed", "commits commits", "commits commits"},
			{"tm1->rm1 commit", "commits commits", "commits commits"},
			{"tm1->rm2 commit", "commits commits", "commits commits"},
			{"the end", "commits commits", "commits commits"},
		},
		"3pc-course": {
			{"rm1->tm1 vote", "blocks untouched", "aborts untouched"},
			{"tm1->rm2 prepare", "blocks untouched", "aborts untouched"},
			{"rm2->tm1 vote", "blocks blocks", "aborts blocks"},
			{"tm1->rm1 pre-commit", "blocks blocks", "commits blocks"},
			{"tm1->rm2 pre-commit", "commits blocks", "commits blocks"},
			{"rm1->tm1 pre-committed", "commits commits", "commits commits"},
			{"rm2->tm1 pre-committed", "commits commits", "commits commits"},
			{"tm1->rm1 commit", "commits commits", "commits commits"},
			{"tm1->rm2 commit", "commits commits", "commits commits"},
			{"the end", "commits commits", "commits commits"},
		},
		"3pc-timeouts": {
			{"rm1->tm1 vote", "aborts untouched", "aborts untouched"},
			{"tm1->rm2 prepare", "aborts untouched", "aborts untouched"},
			{"rm2->tm1 vote", "aborts aborts", "aborts aborts"},
			{"tm1->rm1 pre-commit", "aborts aborts", "commits aborts SPLIT"},
			{"tm1->rm2 pre-commit", "commits aborts SPLIT", "commits aborts SPLIT"},
			{"rm1->tm1 pre-committed", "commits commits", "commits commits"},
			{"rm2->tm1 pre-committed", "commits commits", "commits commits"},
			{"tm1->rm1 commit", "commits commits", "commits commits"},
			{"tm1->rm2 commit", "commits commits", "commits commits"},
			{"the end", "commits commits", "commits commits"},
		},
	} {
		require.Equal(t, want, matrixOf(t, rules), rules)
	}
}

func TestReplicationAndPaxosCommitNeverBlockOnTheCoordinator(t *testing.T) {
	for _, rules := range []string{"paxos-commit", "faster-paxos-commit", "replicated-2pc"} {
		rows := matrixOf(t, rules)
		require.GreaterOrEqual(t, len(rows), 11, rules)
		waited := false
		for _, row := range rows {
			require.NotContains(t, row[1], "blocks", "%s before %s", rules, row[0])
			require.NotContains(t, row[1]+row[2], "SPLIT", "%s before %s", rules, row[0])
			near, far, _ := strings.Cut(row[2], " ")
			require.Contains(t, []string{"commits", "aborts"}, near, "%s before %s", rules, row[0])
			waited = waited || far == "blocks"
		}
		require.True(t, waited, "%s: rm2 must wait at some time", rules)
	}
}

func TestDrillsAreAnswered(t *testing.T) {
	for number, want := range map[string]string{
		"1": "2pc                    blocks",
		"2": "3pc-timeouts           commits",
		"3": "3pc                    commits | aborts  SPLIT",
		"4": "paxos-commit           commits",
		"5": "paxos-commit           commits | blocks",
	} {
		code, stdout, stderr := execute("", "drill", number)
		require.Equal(t, exitHolds, code, stderr)
		require.Contains(t, stdout, want)
		require.Contains(t, stdout, "begin cl1")
		_, all, _ := execute("", "drill")
		require.Contains(t, all, want)
	}
}

func TestTheScheduleOfADrillIsSavedAndReplays(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "schedules")
	code, _, stderr := execute("", "drill", "1", "--save", dir)
	require.Equal(t, exitHolds, code, stderr)
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 2)
	code, stdout, _ := execute("", "replay", filepath.Join(dir, "1-2pc.schedule"))
	require.Equal(t, exitHolds, code, stdout)
	require.Contains(t, stdout, " 0 skipped")
}

func TestDrillsThatAreNotAreRefused(t *testing.T) {
	for want, args := range map[string][]string{
		`no drill is called "6": want 1 to 5, or matrix`:              {"6"},
		`no drill is called "all"`:                                    {"all"},
		`no drill is called "01"`:                                     {"01"},
		`no drill is called ""`:                                       {""},
		"drill takes one argument or none, but was given 2 arguments": {"1", "2"},
		`no protocol is called "4pc"`:                                 {"matrix", "--protocol", "4pc"},
		"--protocol is for the matrix: drill 3 has its":               {"3", "--protocol", "2pc"},
		"not a directory":                                             {"1", "--save", "main.go/below"},
	} {
		code, stdout, stderr := execute("", append([]string{"drill"}, args...)...)
		require.Equal(t, exitUsage, code, "%v", args)
		require.Empty(t, stdout)
		require.Contains(t, stderr, want)
		require.Equal(t, 1, strings.Count(stderr, "\n"))
	}
}
