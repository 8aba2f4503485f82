package fuzz_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"paxoscommit/fuzz"
	"paxoscommit/fuzz/internal/require"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// plantedBug is a change of one source file: old becomes wrong.
type plantedBug struct{ name, file, old, wrong string }

func plantedBugs() []plantedBug {
	return []plantedBug{
		{"A06", "core/paxoscommit/acceptor.go", "\t\tst.mbal = m.Bal\n", ""},
		{
			"L01", "core/paxoscommit/leader.go",
			"st.votes.Aborted = st.members &^ st.votes.Prepared",
			"st.votes.Prepared = st.members &^ st.votes.Aborted",
		},
		{
			"D01", "core/paxoscommit/learner.go",
			"Prepared: prepared.atLeast(layout.Majority())",
			"Prepared: prepared.atLeast(max(layout.Acceptors/2, 1))",
		},
		{"R11", "core/bank/bank.go", "\t\tb.lock[s.First()-1] = tx\n", ""},
	}
}

// finder looks for a failure, minimises it and prints the test.
const finder = `package regress_test

import (
	"os"
	"testing"

	"paxoscommit/fuzz"
	"paxoscommit/harness"
)

func TestFind(t *testing.T) {
	o := fuzz.Options{Protocol: fuzz.Protocols()[0], Faults: fuzz.AllFaults, Seed: 1}
	c := fuzz.Campaign{Options: o, Runs: 100_000, Workers: 1}
	r, err := c.Run(t.Context())
	if err != nil || r.Failure == nil {
		t.Fatal("no failure", err)
	}
	s, _ := harness.Minimize(r.Failure.Schedule, 60_000)
	f, err := os.Create(os.Getenv("PRINTED"))
	if err != nil {
		t.Fatal(err)
	}
	err = harness.WriteRegression(f, "Test"+os.Getenv("BUG"), s, harness.Replay(s).Violation)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
`

// TestPrintedRegressionFailsOnTheBugAndPassesWithoutIt builds each bug, has it found, minimised and
// printed, and runs what was printed with the bug and without.
func TestPrintedRegressionFailsOnTheBugAndPassesWithoutIt(t *testing.T) {
	w := newOverlays(t)
	find := w.write("find_test.go", finder)
	tests := map[string]string{}
	for _, b := range plantedBugs() {
		source, err := os.ReadFile(filepath.Join(w.root, b.file))
		require.NoError(t, err)
		found := strings.Count(string(source), b.old)
		require.Equal(t, 1, found, "%s: the source has changed", b.name)
		spoiled := w.write(b.name+".go", strings.Replace(string(source), b.old, b.wrong, 1))
		printed := filepath.Join(w.dir, b.name+"_test.go")

		t.Setenv("PRINTED", printed)
		t.Setenv("BUG", b.name)
		out, err := w.test(map[string]string{b.file: spoiled, "regress/find_test.go": find})
		require.NoError(t, err, out)
		text, err := os.ReadFile(printed)
		require.NoError(t, err)
		require.True(t, strings.Count(string(text), "\n") <= 40, "%s", text)

		in := "regress/" + b.name + "_test.go"
		out, err = w.test(map[string]string{b.file: spoiled, in: printed})
		require.Error(t, err, "%s passes with the bug\n%s", b.name, text)
		require.Contains(t, out, "--- FAIL: Test"+b.name)
		require.Contains(t, out, " at step ")
		tests[in] = printed
	}
	out, err := w.test(tests)
	require.NoError(t, err, out)
	for _, b := range plantedBugs() {
		require.Contains(t, out, "--- PASS: Test"+b.name)
	}
}

// overlays runs the go tool on a source tree with some files replaced.
type overlays struct {
	t         *testing.T
	root, dir string
}

func newOverlays(t *testing.T) *overlays {
	t.Helper()
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	return &overlays{t: t, root: root, dir: t.TempDir()}
}

func (w *overlays) write(name, text string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	require.NoError(w.t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// test builds and runs the tests of package regress, which is only there in the overlay.
func (w *overlays) test(replace map[string]string) (string, error) {
	w.t.Helper()
	absolute := map[string]string{}
	for name, with := range replace {
		absolute[filepath.Join(w.root, name)] = with
	}
	overlay, err := json.Marshal(map[string]any{"Replace": absolute})
	require.NoError(w.t, err)
	path := w.write("overlay.json", string(overlay))
	bin := filepath.Join(w.dir, "regress.test")
	build := exec.Command("go", "test", "-c", "-o", bin, "-vet=off", "-overlay", path, "./regress")
	build.Dir = w.root
	out, err := build.CombinedOutput()
	require.NoError(w.t, err, "%s", out)
	out, err = exec.Command(bin, "-test.v").CombinedOutput()
	return string(out), err
}

// listener is a test that says what failed and goes on.
type listener struct {
	testing.TB
	failed string
}

func (r *listener) Helper() {}

func (r *listener) Fatal(args ...any) {
	r.failed = fmt.Sprint(args...)
	runtime.Goexit()
}

func TestRegressFailsOnASkippedActionAMissedMilestoneAndBadText(t *testing.T) {
	const text = `
paxoscommit schedule 1
protocol paxos-commit
timing asynchronous
node n1 rm1 acc1 ldr1
accounts 1 opening 0
txn c1.1 rm1 {"read":["a"]}
reach crash
begin cl1
crash n1
end
`
	for _, c := range []struct{ old, replacement, want string }{
		{"begin cl1", "begin cl1", ""},
		{"begin cl1", "", ""},
		{"begin cl1", "sync n1", "line 9 was skipped, it is not enabled: sync n1"},
		{"crash n1", "", "milestone crash was not reached"},
		{"end\n", "", "schedule:11: truncated: no end line"},
	} {
		r := &listener{}
		var wait sync.WaitGroup
		wait.Go(func() { fuzz.Regress(r, strings.Replace(text, c.old, c.replacement, 1)) })
		wait.Wait()
		require.Equal(t, c.want, r.failed)
	}
}
