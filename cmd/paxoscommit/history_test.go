package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// execute runs the command line and returns its exit code and what it printed.
func execute(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

// example is the path of a history in the tests of the checkers.
func example(name string) string {
	return filepath.Join("..", "..", "checker", "history", "testdata", name+".jsonl")
}

func TestHistoryExitCodesSayTheVerdict(t *testing.T) {
	for _, c := range []struct {
		args  []string
		code  int
		first string
	}{
		{[]string{example("register-ok")}, 0, "Ok: register history of 6 operations"},
		{[]string{"--model", "bank", example("bank-ok")}, 0, "Ok: bank"},
		{[]string{"--model", "bank", example("bank-open-transfer")}, 0, "Ok: bank"},
		{[]string{"--model", "bank", example("bank-lost-transfer")}, 1, "Illegal: bank"},
		{[]string{"--model", "kv", example("kv-write-skew")}, 1, "Illegal: kv"},
		{[]string{"--model", "write-once", example("write-once-outcome-changes")}, 1, "Illegal: "},
		{[]string{"--budget", "1", example("register-stale-read")}, 3, "Unknown: register"},
	} {
		code, stdout, stderr := execute("", append([]string{"history"}, c.args...)...)
		require.Equal(t, c.code, code, c.args)
		require.True(t, strings.HasPrefix(stdout, c.first), stdout)
		require.Empty(t, stderr)
	}
}

func TestHistoryPrintsWhatHasNoPlace(t *testing.T) {
	code, stdout, _ := execute("", "history", example("register-stale-read"))
	require.Equal(t, 1, code)
	require.Equal(t, strings.TrimLeft(`
Illegal: register history of 3 operations (3 ok, 0 failed, 0 open), 5 steps, by direct and porcupine
longest linearizable prefix, 2 operations:
  line 1: process 0: write 1
  line 3: process 0: write 2
then register=2, and this operation has no place:
  line 5: process 1: read -> 1
`, "\n"), stdout)
}

func TestHistoryJSONIsOneObject(t *testing.T) {
	file := example("bank-lost-transfer")
	code, stdout, _ := execute("", "history", "--json", "--model", "bank", file)
	require.Equal(t, 1, code)
	var got map[string]any
	require.NoError(t, json.Unmarshal([]byte(stdout), &got))
	require.Equal(t, "violated", got["verdict"])
	require.Equal(t, `line 4: process 1: read -> {"a":100,"b":50}`, got["stuck"])
	require.Equal(t, 1, strings.Count(stdout, "\n"))
}

func TestHistoryReadsStandardInput(t *testing.T) {
	text, err := os.ReadFile(example("kv-ok"))
	require.NoError(t, err)
	code, _, _ := execute(string(text), "history", "--model", "kv", "-")
	require.Equal(t, 0, code)
}

// Each model's example in the help is a history that holds.
func TestHistoryHelpExamplesHold(t *testing.T) {
	code, help, _ := execute("", "history", "--help")
	require.Equal(t, 0, code)
	examples := map[string]string{}
	model := ""
	for line := range strings.Lines(help) {
		if rest, found := strings.CutPrefix(line, "Model "); found {
			model, _, _ = strings.Cut(rest, ":")
		}
		if strings.HasPrefix(line, `  {"process"`) {
			examples[model] += line
		}
	}
	for _, model := range []string{"register", "write-once", "bank", "kv"} {
		require.NotEmpty(t, examples[model], model)
		code, stdout, stderr := execute(examples[model], "history", "--model", model, "-")
		require.Equal(t, 0, code, stdout+stderr)
	}
	require.Len(t, examples, 4)
}

func TestHistoryHelpIsDeterministic(t *testing.T) {
	_, first, _ := execute("", "history", "--help")
	_, again, _ := execute("", "history", "--help")
	require.Equal(t, first, again)
}

func TestHistoryBadUsageAndInputIsOneLine(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.jsonl")
	line := []byte(`{"process":0,"type":"ok","f":"read","time":1}`)
	require.NoError(t, os.WriteFile(bad, line, 0o666))
	empty := filepath.Join(t.TempDir(), "empty.jsonl")
	require.NoError(t, os.WriteFile(empty, nil, 0o666))
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"history"}, "history takes one FILE, but was given 0 arguments"},
		{[]string{"history", bad}, bad + ":1: ok of process 0 without an invocation"},
		{[]string{"history", empty}, empty + ":1: empty history"},
		{[]string{"history", "/does/not/exist"}, "open /does/not/exist: no such file or directory"},
		{[]string{"history", t.TempDir()}, "is a directory"},
		{[]string{"history", "a\nb"}, "open a b: no such file or directory"},
		{[]string{"history", "--model", "queue", bad}, `unknown model "queue": want register, `},
		{[]string{"history", "--budget", "0", bad}, "--budget must be above 0, not 0"},
		{[]string{"history", "--budget", "-1", bad}, "--budget must be above 0, not -1"},
		{[]string{"history", "--fast", bad}, "unknown flag: --fast"},
		{[]string{"histories"}, `unknown command "histories" for "paxoscommit"`},
		{
			[]string{"history", "--html", "/does/not/exist.html", example("register-ok")},
			"open /does/not/exist.html: no such file or directory",
		},
		{[]string{"history", "--html", bad, bad}, "--html must not be the history itself"},
	} {
		code, _, stderr := execute("", c.args...)
		require.Equal(t, 2, code, c.args)
		require.Contains(t, stderr, c.want)
		require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
	}
}

func TestHistoryWritesAPicture(t *testing.T) {
	html := filepath.Join(t.TempDir(), "h.html")
	code, _, stderr := execute("", "history", "--html", html, example("register-stale-read"))
	require.Equal(t, 1, code)
	require.Empty(t, stderr)
	page, err := os.ReadFile(html)
	require.NoError(t, err)
	require.True(t, bytes.Contains(page, []byte("line 5: process 1: read")))
}

func TestHistoryDrawsNothingThatIsTooLongOrUnfinished(t *testing.T) {
	html := filepath.Join(t.TempDir(), "h.html")
	code, _, stderr := execute(writesAndReads(2_001), "history", "--html", html, "-")
	require.Equal(t, 2, code)
	require.Contains(t, stderr, "--html draws at most 2000 operations")
	code, _, stderr = execute("", "history", "--html", html, "--budget", "3",
		example("register-ok"))
	require.Equal(t, 3, code)
	require.Contains(t, stderr, "budget")
	require.NoFileExists(t, html)
}

// writesAndReads is a history of n operations of one process, alternately a write and a read.
func writesAndReads(n int) string {
	var b strings.Builder
	for i := range n {
		f, arg, answer := "write", fmt.Sprint(i), fmt.Sprint(i)
		if i%2 == 1 {
			f, arg, answer = "read", "null", fmt.Sprint(i-1)
		}
		for j, event := range []string{"invoke", "ok"} {
			value := []string{arg, answer}[j]
			fmt.Fprintf(&b, `{"process":0,"type":%q,"f":%q,"value":%s,"time":%d}`+"\n", event, f,
				value, 2*i+j)
		}
	}
	return b.String()
}

// A history of 100,000 events is answered; how fast is a benchmark of the checkers.
func TestHistoryOfAHundredThousandEvents(t *testing.T) {
	code, stdout, _ := execute(writesAndReads(50_000), "history", "-")
	require.Equal(t, 0, code)
	require.Contains(t, stdout, "by direct")
	stale := strings.TrimSuffix(writesAndReads(50_000), "\n")
	stale = stale[:strings.LastIndex(stale, `"value":`)] + `"value":0,"time":100000}`
	code, stdout, _ = execute(stale, "history", "-")
	require.Equal(t, 1, code)
	require.Contains(t, stdout,
		"longest linearizable prefix, 49999 operations:\n  ... 49959 earlier")
	require.Less(t, len(stdout), 4096)
}

// What is in a history does not steer the terminal.
func TestHistoryIsToldWithoutControlCharacters(t *testing.T) {
	stdin := `{"process":0,"type":"invoke","f":"read","key":"\u001b[31m","time":1}` + "\n" +
		`{"process":0,"type":"ok","f":"read","key":"\u001b[31m","value":7,"time":2}`
	code, stdout, _ := execute(stdin, "history", "-")
	require.Equal(t, exitViolated, code)
	require.Contains(t, stdout, "then \uFFFD[31m=null, and this operation has no place:\n")
	require.NotContains(t, stdout, "\x1b")
}
