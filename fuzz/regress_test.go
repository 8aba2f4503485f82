package fuzz_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"paxoscommit/fuzz"
	"paxoscommit/fuzz/internal/require"
	"paxoscommit/fuzz/mutants"
)

// plantedBugs are one of each part of the core: acceptor, leader, learner and bank; with how many
// lines of the minimised schedule the mended core cannot take.
func plantedBugs() map[string]int { return map[string]int{"A06": 0, "L01": 2, "D01": 0, "R11": 0} }

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
	if err := os.WriteFile(os.Getenv("FOUND"), s.AppendText(nil), 0o666); err != nil {
		t.Fatal(err)
	}
}
`

// tightener prints the tests of the same schedules on the mended core.
const tightener = `package regress_test

import (
	"os"
	"strings"
	"testing"

	"paxoscommit/fuzz"
	"paxoscommit/harness"
)

func TestTighten(t *testing.T) {
	for _, file := range strings.Fields(os.Getenv("FOUND")) {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := harness.ParseSchedule(file, f, fuzz.Protocols())
		if err != nil {
			t.Fatal(err)
		}
		out, err := os.Create(strings.Replace(file, ".schedule", "_tight_test.go", 1))
		if err != nil {
			t.Fatal(err)
		}
		name := "TestTight" + strings.TrimSuffix(strings.Split(file, "found-")[1], ".schedule")
		if err := harness.WriteRegression(out, name, s, nil); err != nil {
			t.Fatal(err)
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
`

// TestPrintedRegressionFailsOnTheBugAndPassesWithoutIt builds each bug, has it found, minimised and
// printed, and runs what was printed with the bug and without. What the mended core prints of the
// same schedule must fail with the bug too, and demands every line that the mended core can take.
func TestPrintedRegressionFailsOnTheBugAndPassesWithoutIt(t *testing.T) {
	const printed = "fuzz/internal/printed/"
	w := newOverlays(t)
	find := w.write("find_test.go", finder)
	tighten := w.write("tighten_test.go", tightener)
	ids := slices.Sorted(maps.Keys(plantedBugs()))
	var found []string
	for _, id := range ids {
		found = append(found, filepath.Join(w.dir, "found-"+id+".schedule"))
		t.Setenv("PRINTED", filepath.Join(w.dir, id+"_test.go"))
		t.Setenv("FOUND", found[len(found)-1])
		t.Setenv("BUG", id)
		out, err := w.test(w.spoil(id), map[string]string{printed + "find_test.go": find})
		require.NoError(t, err, out)
	}
	t.Setenv("FOUND", strings.Join(found, " "))
	out, err := w.test(nil, map[string]string{printed + "tighten_test.go": tighten})
	require.NoError(t, err, out)

	all := map[string]string{}
	for _, id := range ids {
		first := filepath.Join(w.dir, id+"_test.go")
		tight := filepath.Join(w.dir, "found-"+id+"_tight_test.go")
		text, err := os.ReadFile(first)
		require.NoError(t, err)
		require.True(t, strings.Count(string(text), "\n") <= 40, "%s", text)
		text, err = os.ReadFile(tight)
		require.NoError(t, err)
		require.Equal(t, plantedBugs()[id], strings.Count(string(text), "\n? "), "%s", text)

		tests := map[string]string{
			printed + id + "_test.go": first, printed + id + "_tight_test.go": tight,
		}
		out, err := w.test(w.spoil(id), tests)
		require.Error(t, err)
		require.Equal(t, 2, strings.Count(out, "--- FAIL: Test"), "passes with %s: %s", id, out)
		require.Equal(t, 2, strings.Count(out, " at step "), "%s", out)
		maps.Copy(all, tests)
	}
	out, err = w.test(nil, all)
	require.NoError(t, err, out)
	require.Equal(t, 2*len(ids), strings.Count(out, "--- PASS: Test"), "%s", out)
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

// overlay is the file that go build -overlay reads.
type overlay struct {
	Replace map[string]string
}

// spoil returns the files of the core that a planted bug replaces.
func (w *overlays) spoil(id string) map[string]string {
	w.t.Helper()
	m, err := mutants.Find(id)
	require.NoError(w.t, err)
	path, err := m.Overlay(w.root, w.t.TempDir())
	require.NoError(w.t, err)
	text, err := os.ReadFile(path)
	require.NoError(w.t, err)
	var o overlay
	require.NoError(w.t, json.Unmarshal(text, &o))
	return o.Replace
}

// test builds and runs the tests of package printed, which is only there in the overlay, on the
// spoiled sources.
func (w *overlays) test(spoiled, tests map[string]string) (string, error) {
	w.t.Helper()
	o := overlay{Replace: maps.Clone(spoiled)}
	if o.Replace == nil {
		o.Replace = map[string]string{}
	}
	for name, with := range tests {
		o.Replace[filepath.Join(w.root, name)] = with
	}
	text, err := json.Marshal(o)
	require.NoError(w.t, err)
	path := w.write("overlay.json", string(text))
	bin := filepath.Join(w.dir, "regress.test")
	build := exec.Command("go", "test", "-c", "-o", bin, "-vet=off", "-overlay", path,
		"./fuzz/internal/printed")
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
		{"end\n", "", "schedule:10: truncated: no end line"},
	} {
		r := &listener{}
		var wait sync.WaitGroup
		wait.Go(func() { fuzz.Regress(r, strings.Replace(text, c.old, c.replacement, 1)) })
		wait.Wait()
		require.Equal(t, c.want, r.failed)
	}
}
