package serve

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"paxoscommit/node/wal"

	"github.com/stretchr/testify/require"
)

const courseInit = `{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,` +
	`"participants":["p1","p2"],"acceptors":["a1","a2","a3"]}}`

// begin is a request for a transaction with more fields.
func begin(more string) string {
	return `{"src":"c1","dest":"n1","body":{"type":"paxos_commit_begin","msg_id":2` + more + `}}`
}

func TestCourseTransactions(t *testing.T) {
	for _, tc := range []struct {
		name, more string
		want       []string
		not        string
	}{
		{
			"commits", `,"operations":[{"transfer":100,"from":"a","to":"b"}]`,
			[]string{`"outcome": "committed"`, `"type": "do_commit"`, `"accepted_value": null`},
			`abort`,
		},
		{
			"too little money", `,"operations":[{"transfer":999999,"from":"a","to":"b"}]`,
			[]string{
				`"outcome": "aborted"`, `"type": "can_commit_no", "txn_id": "txn1", "participant": "p1"`,
				`"dest": "p2", "body": {"type": "do_abort", "txn_id": "txn1"}`,
				`"participant": "p1", "value": "abort"`,
			},
			`have_committed`,
		},
		{
			"proposer crashes and nobody takes over",
			`,"crash_proposer_after":"prepare","participant_timeout_ms":50`,
			[]string{`"type": "txn_blocked", "txn_id": "txn1", "blocked": ["p1", "p2"]`},
			`accepted"`,
		},
		{
			"participant is cut off before it votes",
			`,"partition_after":"can_commit","partitioned_participants":["p2"],"timeout_ms":50`,
			[]string{
				`"outcome": "aborted"`, `"blocked": ["p2"]`, `"participant": "p2", "value": "abort"`,
				`"participant": "p1", "value": "commit"`,
			},
			`have_committed`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out, report := serve(t, "", courseInit, begin(tc.more))
			require.Empty(t, report)
			require.Equal(t, `{"src": "n1", "dest": "c0", "body": {"type": "init_ok", `+
				`"in_reply_to": 1, "msg_id": 0}}`, out[0])
			require.Equal(t, `{"src": "n1", "dest": "c1", "body": {"type": "paxos_commit_begin_ok", `+
				`"in_reply_to": 2, "msg_id": 1, "txn_id": "txn1"}}`, out[1])
			all := strings.Join(out, "\n")
			for _, want := range tc.want {
				require.Contains(t, all, want)
			}
			require.NotContains(t, all, tc.not)
		})
	}
}

// TestCourseRestartKeepsWhatWasDone: money that has moved stays moved, and no name is used again.
func TestCourseRestartKeepsWhatWasDone(t *testing.T) {
	dir := t.TempDir()
	all := `,"operations":[{"transfer":1000,"from":"a","to":"b"}]`
	out, _ := serve(t, dir, courseInit, begin(all))
	require.Contains(t, strings.Join(out, "\n"), `"txn_id": "txn1", "outcome": "committed"`)
	out, _ = serve(t, dir, courseInit, begin(all))
	require.Contains(t, strings.Join(out, "\n"), `"txn_id": "txn1.1", "outcome": "aborted"`)
}

func TestCourseRequestsThatAreWrong(t *testing.T) {
	for body, want := range map[string]string{
		`"type":"BEGIN"`:                                             `BEGIN without msg_id`,
		`"type":"what","msg_id":2`:                                   `no message of type "what"`,
		`"type":"promise","msg_id":2,"in_reply_to":1`:                `answers nothing`,
		`"type":"recover_proposer","msg_id":2`:                       `nothing has been`,
		`"type":"3pc_prepare","msg_id":2`:                            `3pc_prepare without tx_id`,
		`"type":"benchmark","msg_id":2`:                              `want protocols`,
		`"type":"compare_blocking","msg_id":2`:                       `without protocols`,
		`"type":"BEGIN","msg_id":"2"`:                                `the body: json: cannot`,
		`"type":"BEGIN","msg_id":2,"operations":[{}]`:                `no transfer and has no key`,
		`"type":"BEGIN","msg_id":2,"participants":["a","a"]`:         `different names`,
		`"type":"BEGIN","msg_id":2,"participants":[]`:                `different names`,
		`"type":"BEGIN","msg_id":2,"participants":3`:                 `want a list of names`,
		`"type":"BEGIN","msg_id":2,"crash_proposer_after":"x"`:       `no such moment`,
		`"type":"BEGIN","msg_id":2,"partitioned_participants":["x"]`: `no participant`,
	} {
		body = strings.Replace(body, "BEGIN", "paxos_commit_begin", 1)
		want = strings.Replace(want, "BEGIN", "paxos_commit_begin", 1)
		out, report := serve(t, "", courseInit, `{"src":"c1","dest":"n1","body":{`+body+`}}`)
		require.Len(t, report, 1, body)
		require.Contains(t, report[0], want)
		require.LessOrEqual(t, len(out), 2)
	}
	other := strings.Replace(courseInit, `"msg_id":1`, `"msg_id":1,"protocol":"x"`, 1)
	_, report := serve(t, "", other)
	require.Contains(t, report[0], `protocol "x": want 2pc or 3pc`)
}

func TestCourseTwoPhaseCommit(t *testing.T) {
	start := strings.Replace(courseInit, `"msg_id":1`, `"msg_id":1,"protocol":"2pc"`, 1)
	const transfer = `,"operations":[{"transfer":100,"from":"a","to":"b"}]`
	for _, tc := range []struct {
		name, more string
		want       []string
		not        string
	}{
		{
			"commits", transfer,
			[]string{
				`"type": "txn_begin_ok", "in_reply_to": 2, "msg_id": 1, "txn_id": "txn1"`,
				`"dest": "p2", "body": {"type": "prepare", "txn_id": "txn1"}`,
				`"type": "have_committed", "txn_id": "txn1", "participant": "p2"`,
				`"outcome": "committed"`,
			},
			`abort`,
		},
		{
			"blocks", transfer + `,"crash_coordinator_after":"prepare","participant_timeout_ms":50`,
			[]string{`"blocked": ["p1", "p2"]`},
			`txn_outcome`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			line := strings.Replace(begin(tc.more), "paxos_commit_begin", "txn_begin", 1)
			out, report := serve(t, "", start, line)
			require.Empty(t, report)
			all := strings.Join(out, "\n")
			for _, want := range tc.want {
				require.Contains(t, all, want)
			}
			require.NotContains(t, all, tc.not)
		})
	}
}

// TestCourseBenchmarkMeasures: by rounds of messages two-phase commit is the faster.
func TestCourseBenchmarkMeasures(t *testing.T) {
	out, report := serve(t, "", courseInit, `{"src":"c1","dest":"n1","body":{"type":"benchmark",`+
		`"msg_id":2,"protocols":["2pc","paxos-commit"],"participants":3,"transactions":5}}`)
	require.Empty(t, report)
	var line struct {
		Body struct {
			Results map[string]struct {
				Latency float64 `json:"avg_latency_ms"`
			} `json:"results"`
		} `json:"body"`
	}
	require.NoError(t, json.Unmarshal([]byte(out[1]), &line))
	two, paxos := line.Body.Results["2pc"].Latency, line.Body.Results["paxos-commit"].Latency
	require.Positive(t, two)
	require.Less(t, two, paxos)
}

func TestCourseCompareBlockingRunsTheScenarios(t *testing.T) {
	out, report := serve(t, "", courseInit, `{"src":"c1","dest":"n1","body":{"type":`+
		`"compare_blocking","msg_id":2,"protocols":["2pc","paxos-commit"]}}`)
	require.Empty(t, report)
	require.Contains(t, out[1], `"2pc": {"blocking_scenarios": 2`)
	require.Contains(t, out[1], `"paxos-commit": {"blocking_scenarios": 0`,
		"the second proposer takes over")
}

// TestCourseFolderIsRefusedAtInit: not only when somebody writes to it.
func TestCourseFolderIsRefusedAtInit(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o666))
	other := t.TempDir()
	serve(t, other, strings.Replace(courseInit, `"dest":"n1"`, `"dest":"n2"`, 1))
	for dir, want := range map[string]error{file: syscall.ENOTDIR, other: wal.ErrForeign} {
		var stdout bytes.Buffer
		err := Run(t.Context(), Options{
			Data: dir, Find: find, In: strings.NewReader(courseInit), Out: &stdout, Err: io.Discard,
		})
		require.ErrorIs(t, err, want)
		require.Empty(t, stdout.String())
	}
}

// TestCourseStopsAtALogThatIsDamaged: nobody is asked to take part who has forgotten.
func TestCourseStopsAtALogThatIsDamaged(t *testing.T) {
	dir := t.TempDir()
	serve(t, dir, courseInit, begin(""))
	logs, err := filepath.Glob(filepath.Join(dir, "*", "acc1", "log"))
	require.NoError(t, err)
	require.Len(t, logs, 1)
	data, err := os.ReadFile(logs[0])
	require.NoError(t, err)
	data[len(data)/2] ^= 1
	require.NoError(t, os.WriteFile(logs[0], data, 0o666))
	err = Run(t.Context(), Options{
		Data: dir, Find: find, In: strings.NewReader(courseInit + "\n" + begin("")), Out: io.Discard,
		Err: io.Discard,
	})
	require.ErrorIs(t, err, wal.ErrCorrupt)
}

// TestCourseNamesOfAnyLength: the names of participants are no names of folders.
func TestCourseNamesOfAnyLength(t *testing.T) {
	out, report := serve(t, t.TempDir(), courseInit,
		begin(`,"participants":["../x","`+strings.Repeat("y", 300)+`"]`))
	require.Empty(t, report)
	require.Contains(t, strings.Join(out, "\n"), `"outcome": "committed"`)
}

// TestCourseTransactionsHaveDifferentNames: also those of another protocol, or other participants.
func TestCourseTransactionsHaveDifferentNames(t *testing.T) {
	start := strings.Replace(courseInit, `"msg_id":1`, `"msg_id":1,"protocol":"2pc"`, 1)
	out, report := serve(t, "", start, begin(""), begin(`,"participants":["p1"]`),
		strings.Replace(begin(""), "paxos_commit_begin", "txn_begin", 1))
	require.Empty(t, report)
	all := strings.Join(out, "\n")
	for _, name := range []string{"txn1", "txn2.0.1", "txn3.0.1"} {
		require.Contains(t, all, `"txn_id": "`+name+`", "outcome": "committed"`)
	}
}
