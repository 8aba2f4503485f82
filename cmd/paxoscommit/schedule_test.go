package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"paxoscommit/checker"
	"paxoscommit/fuzz"
	"paxoscommit/fuzz/mutants"
	"paxoscommit/harness"
)

// lateVote is the schedule by which an acceptor that forgets its promise breaks Agreement: the vote
// of rm1 comes after a higher ballot has begun.
const lateVote = `paxoscommit schedule 1
protocol paxos-commit
timing asynchronous
node n1 rm1
node n2 acc1
node n3 ldr1
accounts 2 opening 100
txn c1.1 rm1 {"read":["a","b"]}
expect Agreement
reach higher-ballot
begin cl1
deliver cl1->rm1 request tx=c1.1
deliver rm1->res1 prepare tx=c1.1
deliver res1->rm1 vote tx=c1.1 val=prepared
sync n1
deliver rm1->ldr1 begin-commit tx=c1.1
fire ldr1 takeover tx=c1.1
sync n3
deliver ldr1->acc1 phase1a tx=c1.1 bal=1
deliver rm1->acc1 phase2a tx=c1.1 bal=0 ins=1 val=prepared
sync n2
deliver acc1->ldr1 phase1b tx=c1.1 mbal=1 bal=0
deliver ldr1->acc1 phase2a tx=c1.1 bal=1 ins=1 val=aborted
sync n2
end
`

func TestReplayHoldsOnlyWhenItDidWhatTheScheduleSays(t *testing.T) {
	const notSent = "deliver acc1->ldr1 phase2b tx=c1.1 bal=0 ins=1 val=prepared\n"
	for _, c := range []struct {
		name, schedule string
		code           int
		want           []string
	}{
		{
			"holds", lateVote, exitHolds,
			[]string{"Holds: ", "14 taken, 0 skipped", "higher-ballot"},
		},
		{
			"skipped", strings.Replace(lateVote, "end\n", notSent+"end\n", 1), exitUnknown,
			[]string{"Unknown: ", "line 25 was skipped", strings.TrimSpace(notSent), "1 skipped"},
		},
		{
			"optional", strings.Replace(lateVote, "end\n", "? "+notSent+"end\n", 1), exitHolds,
			[]string{"Holds: ", "14 taken, 1 skipped"},
		},
		{
			"as some editors save it", "\ufeff" + strings.ReplaceAll(lateVote, "\n", "\r\n"),
			exitHolds,
			[]string{"Holds: ", "14 taken, 0 skipped"},
		},
		{
			"milestone", strings.Replace(lateVote, "begin cl1", "reach commit\nbegin cl1", 1),
			exitUnknown,
			[]string{"Unknown: ", "milestone commit was not reached"},
		},
		{
			"nothing", lateVote[:strings.Index(lateVote, "expect")] + "end\n", exitUnknown,
			[]string{"Unknown: ", "no action was taken"},
		},
	} {
		code, stdout, stderr := execute(c.schedule, "replay", "-")
		require.Equal(t, c.code, code, c.name)
		require.Empty(t, stderr)
		for _, want := range c.want {
			require.Contains(t, stdout, want, c.name)
		}
	}
}

func TestReplayStepShowsWhatEachActionDid(t *testing.T) {
	code, stdout, stderr := execute(lateVote, "replay", "--step", "-")
	require.Equal(t, exitHolds, code, stderr)
	require.Contains(t, stdout, strings.TrimPrefix(`
   3  deliver res1->rm1 vote tx=c1.1 val=prepared
          record rm1 vote tx=c1.1 val=prepared
          hold   rm1->ldr1 begin-commit tx=c1.1
          hold   rm1->acc1 phase2a tx=c1.1 bal=0 ins=1 val=prepared
   4  sync n1
          send   rm1->ldr1 begin-commit tx=c1.1
          send   rm1->acc1 phase2a tx=c1.1 bal=0 ins=1 val=prepared
`, "\n"))
}

func TestScheduleBadInputIsOneLineThatNamesItsPlace(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "run.schedule")
	change := func(from, to string) string {
		require.Contains(t, lateVote, from)
		return strings.Replace(lateVote, from, to, 1)
	}
	for _, c := range []struct {
		name, schedule, want string
	}{
		{"empty", "", file + ":1: empty"},
		{"not a schedule", "{}\n", file + ":1: want"},
		{"truncated", strings.TrimSuffix(lateVote, "end\n"), file + ":24: truncated: no end line"},
		{"only a header", lateVote[:strings.Index(lateVote, "\n")], file + ":1: truncated: no end line"},
		{"long line", "#" + strings.Repeat("x", 1<<16) + "\n", file + ":1: line longer than 65536"},
		{"NUL bytes", change("sync n1", "sync n\x001"), file + ":15: sync: there is no node"},
		{"old line ends", strings.ReplaceAll(lateVote, "\n", "\r"), file + ":1: want"},
		{"UTF-16", "\xff\xfep\x00", file + ":1: want"},
		{"truncated line", lateVote[:300], file + ":14: "},
		{"unknown action", change("sync n1", "flush n1"), file + `:15: unknown action "flush"`},
		{"unknown message", change("rm1 vote", "rm1 veto"), file + `:14: deliver: unknown message`},
		{
			"message that cannot be", change("vote tx=c1.1 val=prepared", "vote tx=c1.1 bal=3"),
			file + ":14: ",
		},
		{"message of nobody", change("acc1->ldr1", "acc2->ldr1"), "there is no acc2 here"},
		{"negative count", change("accounts 2", "accounts -2"), file + ":7: accounts"},
		{"unknown node", change("sync n3", "sync n4"), file + ":18: "},
		{"unknown milestone", change("reach higher-ballot", "reach moon"), file + ":10: "},
		{"unknown protocol", change("protocol paxos-commit", "protocol 4pc"), file + ":2: "},
	} {
		require.NoError(t, os.WriteFile(file, []byte(c.schedule), 0o666))
		for _, command := range []string{"replay", "minimize"} {
			code, stdout, stderr := execute("", command, file)
			require.Equal(t, exitUsage, code, c.name)
			require.Contains(t, stderr, c.want, c.name)
			require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
			require.Empty(t, stdout)
		}
	}
}

func TestReplayAndMinimizeBadUsageIsOneLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "run.schedule")
	require.NoError(t, os.WriteFile(file, []byte(lateVote), 0o666))
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"replay"}, "replay takes one FILE, but was given 0 arguments"},
		{[]string{"replay", file, file}, "replay takes one FILE, but was given 2 arguments"},
		{[]string{"replay", "--step=so", file}, `--step must be true or false, not "so"`},
		{[]string{"replay", "--slow", file}, "unknown flag: --slow"},
		{[]string{"replay", "/does/not/exist"}, "open /does/not/exist: no such file or directory"},
		{[]string{"replay", t.TempDir()}, "is a directory"},
		{[]string{"minimize", "/does/not/exist"}, "open /does/not/exist: no such file"},
		{[]string{"minimize", "--out", "/does/not/exist", file}, "open /does/not/exist: no such"},
		{[]string{"minimize", "--budget", "0", file}, "--budget must be above 0, not 0"},
		{[]string{"minimize", "--budget", "-3", file}, "--budget must be above 0, not -3"},
		{[]string{"minimize", "--name", "TestX", file}, "--name needs --test"},
		{[]string{"minimize", "--max-states", "9", file}, "--max-states needs --shortest"},
		{[]string{"minimize", "--shortest", "--max-states", "0", file}, "must be above 0"},
		{[]string{"minimize", "--test", "--name", "Testx", file}, "--name must be that of a "},
		{[]string{"minimize", "--test", "--name", "Testé", file}, "--name must be that of a "},
		{[]string{"minimize", "--test", "--name", "TestMain", file}, "--name must be that of a "},
		{[]string{"minimize", "--test", "--name", "X", file}, "--name must be that of a "},
		{[]string{"minimize", file}, file + ": breaks nothing: there is nothing to minimise"},
		{[]string{"replay", "--mutant", "Z99", file}, `no planted bug is called "Z99"; `},
	} {
		code, stdout, stderr := execute("", c.args...)
		require.Equal(t, exitUsage, code, c.args)
		require.Contains(t, stderr, c.want)
		require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
		require.Empty(t, stdout)
	}
}

// A planted bug is found, minimised and saved; the program with the bug breaks the property again,
// and the correct program does not.
func TestPlantedBugIsFoundAndReplayed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a03.schedule")
	o := fuzzMutant(t, "A03", file)
	require.Equal(t, "violated", o["verdict"])
	require.Equal(t, 1.0, o["violations"])
	bug, err := mutants.Find("A03")
	require.NoError(t, err)
	property, err := checker.ParseProperty(o["property"].(string))
	require.NoError(t, err)
	require.Contains(t, bug.CaughtBy, property)
	require.Less(t, o["actions"], o["actions_found"])
	require.LessOrEqual(t, o["actions"], 20.0)
	require.NotEmpty(t, o["detail"])
	require.Contains(t, o, "run")
	require.Equal(t, file, o["file"])
	saved, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, o["schedule"], string(saved))

	code, stdout, stderr := execute("", "replay", "--mutant", "A03", file)
	require.Equal(t, exitViolated, code, stderr)
	require.True(t, strings.HasPrefix(stdout, "Violated: "+o["property"].(string)), stdout)
	code, stdout, _ = execute("", "replay", file)
	require.True(t, slices.Contains([]int{exitHolds, exitUnknown}, code), stdout)

	shortest := filepath.Join(t.TempDir(), "shortest.schedule")
	code, stdout, stderr = execute("", "explore", "--mutant", "A03", "--world-of", file,
		"--unreduced", "--save", shortest)
	require.Equal(t, exitViolated, code, stderr)
	require.True(t, strings.HasPrefix(stdout, "Violated: Agreement\n"), stdout)
	require.Contains(t, stdout, "A03, "+bug.Title)
	require.Contains(t, stdout, " replay --step --mutant A03 "+shortest+"\n")
	require.FileExists(t, shortest)

	test := filepath.Join(t.TempDir(), "a03_test.go")
	code, _, stderr = execute("", "minimize", "--mutant", "A03", "--test", "--name", "TestLateVote",
		"--out", test, file)
	require.Equal(t, exitHolds, code, stderr)
	source, err := os.ReadFile(test)
	require.NoError(t, err)
	require.Contains(t, string(source), "func TestLateVote(t *testing.T) {")
}

// On the mended core nothing breaks any more, and the test demands all that it does.
func TestMinimizeOfWhatIsMendedDemandsWhatIsTaken(t *testing.T) {
	mended := strings.Replace(lateVote, "end\n", "crash n2\nsync n2\nend\n", 1)
	code, stdout, stderr := execute(mended, "minimize", "--test", "-")
	require.Equal(t, exitHolds, code, stderr)
	require.Contains(t, stdout, "// TestAgreement is what broke Agreement before it was mended.\n")
	require.Contains(t, stdout, "\ncrash n2\n? sync n2\nsettle\nend\n")
	require.Contains(t, stdout, "\nreach higher-ballot\n")
	require.Equal(t, 1, strings.Count(stdout, "\n? "))

	code, _, stderr = execute(mended, "minimize", "--test", "--shortest", "-")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "breaks nothing")

	unsaid := strings.Replace(lateVote, "expect Agreement\n", "", 1)
	code, _, stderr = execute(unsaid, "minimize", "--test", "-")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "breaks nothing")
}

// A way that leaving out does not lead to: what a replica has promised it can also break as the one
// who asks.
const promiseLost = `paxoscommit schedule 1
protocol replicated-2pc
timing asynchronous
node n1 rm1.1
node n2 rm1.2
node n3 res1
node n4 tm1.1
node n5 tm1.2
accounts 1 opening 100
txn c1.1 rm1 {"transfer":1,"from":"a","to":"a"}
expect Durability
begin cl1
deliver cl1->rm1.1 request tx=c1.1
deliver rm1.1->tm1.1 request tx=c1.1
fire tm1.1 takeover tx=c1.1
crash-keep n4
restart n4
fire rm1.1 retry tx=c1.1
deliver rm1.1->tm1.2 request tx=c1.1
fire tm1.2 takeover tx=c1.1
sync n5
deliver tm1.2->tm1.1 phase1a tx=c1.1 bal=2
sync n4
deliver tm1.1->tm1.2 phase1b tx=c1.1 mbal=2 bal=0 entry=aborted
sync n5
fire tm1.1 takeover tx=c1.1
sync n4
deliver tm1.2->tm1.1 phase2a tx=c1.1 bal=2 entry=aborted
sync n4
end
`

func TestShortestIsShorterThanMinimal(t *testing.T) {
	count := func(want int, flags ...string) int {
		args := append([]string{"minimize", "--mutant", "S03", "--budget", "3", "-"}, flags...)
		code, stdout, stderr := execute(promiseLost, args...)
		require.Equal(t, want, code, stderr)
		require.Contains(t, stdout, "expect Durability\n")
		return strings.Count(stdout, "\n")
	}
	require.Less(t, count(exitHolds, "--shortest"), count(exitUnknown))

	code, stdout, stderr := execute(promiseLost, "minimize", "--mutant", "S03", "--shortest",
		"--max-states", "9", "-")
	require.Equal(t, exitUnknown, code)
	require.Contains(t, stderr, "there may be a shorter schedule: nothing breaks in the first ")
	require.Contains(t, stdout, "\nend\n")

	together := strings.Replace(promiseLost, "node n5 tm1.2\n", "", 1)
	together = strings.Replace(together, "node n2 rm1.2\n", "node n2 rm1.2 tm1.2\n", 1)
	together = strings.ReplaceAll(together, "sync n5\n", "sync n2\n")
	s, err := harness.ParseSchedule("test", strings.NewReader(together), fuzz.Protocols())
	require.NoError(t, err)
	unexplored, err := shortest(s, shortestStates)
	require.ErrorIs(t, err, errUnsure)
	require.ErrorContains(t, err, "every role needs a node of its own")
	require.Same(t, s, unexplored)

	code, stdout, stderr = execute(promiseLost, "minimize", "--mutant", "S03", "--budget", "3", "-")
	require.Equal(t, exitUnknown, code)
	require.Contains(t, stderr, "there may be a shorter schedule: --budget 3 came first")
	require.Contains(t, stdout, "\nend\n")
}

// fuzzMutant runs fuzz --json with a planted bug, which must be found, and returns the object.
func fuzzMutant(t *testing.T, id, save string) map[string]any {
	t.Helper()
	code, stdout, stderr := execute("", "fuzz", "--json", "--mutant", id, "--save", save)
	require.Equal(t, exitViolated, code, stderr)
	var o map[string]any
	require.NoError(t, json.Unmarshal([]byte(stdout), &o))
	return o
}

// A bug in what a protocol never runs would hold, whatever it is: that is bad usage.
func TestAPlantedBugThatTheProtocolNeverRunsIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "s")
	require.NoError(t, os.WriteFile(file, []byte(lateVote), 0o600))
	want := "paxoscommit: planted bug S01 is in core/replicated/coordinator.go, which paxos-commit " +
		"never runs: it is planted for replicated-2pc\n"
	for _, args := range []string{
		"fuzz", "explore", "explore --world-of " + file, "replay " + file, "minimize " + file,
		"cluster --for 1s",
	} {
		code, stdout, stderr := execute("", strings.Fields(args+" --planted S01")...)
		require.Equal(t, exitUsage, code, args)
		require.Equal(t, want, stderr, args)
		require.Empty(t, stdout)
	}
	code, _, stderr := execute("", "fuzz", "--planted", "Z99")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, `no planted bug is called "Z99"; `)
}

// What holds with a planted bug says that it was not seen: here the program has none in fact.
func TestWhatHoldsWithAPlantedBugSaysThatItWasNotSeen(t *testing.T) {
	for _, args := range []string{"fuzz --runs 5", "explore --acceptors 1"} {
		code, stdout, stderr := execute("", strings.Fields(args+" --planted R07")...)
		require.Equal(t, exitHolds, code, stderr)
		require.Regexp(t, `planted bug    R07, .*: not seen\n`, stdout)
	}
}

// What a bug needs is asked for, unless the line or a file says otherwise.
func TestAPlantedBugBringsWhatItNeeds(t *testing.T) {
	for _, c := range []struct{ args, id, want string }{
		{"fuzz", "T01", "--protocol=2pc --faults=drops,"},
		{"fuzz --faults drops", "T01", "--protocol=2pc --faults=drops --"},
		{"fuzz --coverage-of x", "T01", "--coverage-of=x --"},
		{"explore", "G02", "--protocol=paxos-commit --registrars=1 --"},
		{"explore --world-of x", "G02", "--world-of=x --"},
		{"cluster", "T01", "--protocol=2pc --"},
		{"replay", "T01", "--"},
	} {
		bug, err := mutants.Find(c.id)
		require.NoError(t, err)
		cmd, rest, err := newRootCommand().Find(strings.Fields(c.args))
		require.NoError(t, err)
		require.NoError(t, cmd.ParseFlags(rest))
		got := strings.Join(plantedArgs(&bug, cmd, nil), " ")
		require.True(t, strings.HasPrefix(got, cmd.Name()+" --planted="+c.id+" "+c.want), got)
	}
}

// What is printed to be typed is what a shell takes for one word.
func TestWhatToTypeNextIsQuoted(t *testing.T) {
	for name, want := range map[string]string{
		"./a-b_1.schedule": "./a-b_1.schedule", "my file": "'my file'", "it's $1": `'it'\''s $1'`,
	} {
		var b bytes.Buffer
		new(mutantFlags).writeNext(&b, name)
		require.Contains(t, b.String(), " minimize --test "+want+"\n")
	}
}
