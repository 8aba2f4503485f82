package fuzz

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/core/replicated"
	"paxoscommit/core/threephase"
	"paxoscommit/core/twophase"
	"paxoscommit/fuzz/internal/require"
	"paxoscommit/harness"
)

var update = flag.Bool("update", false, "search for new seeds and write them to testdata/fuzz")

func FuzzPaxosCommit(f *testing.F) {
	Target(f, Options{Protocol: Protocols()[0], Faults: AllFaults})
}

func FuzzFasterPaxosCommit(f *testing.F) {
	Target(f, Options{Protocol: Protocols()[1], Faults: AllFaults})
}

func FuzzReplicated(f *testing.F) {
	Target(f, Options{Protocol: replicated.Protocol{}, Faults: AllFaults})
}

// After each input a native fuzzer looks at the counters of all that is linked: package require
// says more.
func TestNativeTargetsLinkNothingLarge(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-test", ".").Output()
	require.NoError(t, err)
	linked := strings.Fields(string(out))
	require.True(t, slices.Contains(linked, "paxoscommit/harness"))
	for _, name := range linked {
		large := strings.Contains(name, "testify") || name == "go/format"
		require.True(t, !large, "%s is linked", name)
	}
}

// bytesActions returns the hashes of the actions that the bytes choose, settling apart.
func bytesActions(t *testing.T, r *runner, config uint64, choices []byte) []uint64 {
	t.Helper()
	require.NoError(t, r.resetTo(config))
	var hashes []uint64
	r.takeBytes(choices, func(a harness.Action) { hashes = append(hashes, a.Hash()) })
	require.True(t, r.world.Violation() == nil, "%v", r.world.Violation())
	return hashes
}

// commonLength returns the length of the longest common subsequence.
func commonLength(a, b []uint64) int {
	above, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for _, x := range a {
		for j, y := range b {
			row[j+1] = max(above[j+1], row[j])
			if x == y {
				row[j+1] = above[j] + 1
			}
		}
		above, row = row, above
	}
	return above[len(b)]
}

func randomBytes(rng *rand.Rand) []byte {
	b := make([]byte, MaxChoices)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// What is kept is defined in the comment of Target. Deleting a byte that did nothing keeps
// everything, so the mean over the bytes that did something is stated beside the mean over all.
func TestDeletingAByteKeepsMostOfTheLaterActions(t *testing.T) {
	r := newRunner(&Options{Protocol: Protocols()[0], Faults: AllFaults})
	rng := rand.New(rand.NewPCG(1, 1))
	var kept, keptByActing, inputs, acting, actions float64
	configs := few(4000)
	for config := range configs {
		choices := randomBytes(rng)
		at := rng.IntN(len(choices))
		whole := bytesActions(t, r, config, choices)
		before := len(bytesActions(t, r, config, choices[:at]))
		through := len(bytesActions(t, r, config, choices[:at+1]))
		without := bytesActions(t, r, config, slices.Delete(slices.Clone(choices), at, at+1))
		actions += float64(len(whole))
		if through == len(whole) {
			continue // nothing came later
		}
		common := commonLength(whole[through:], without[before:])
		share := float64(common) / float64(len(whole)-through)
		kept += share
		inputs++
		if through > before {
			keptByActing += share
			acting++
		}
	}
	t.Logf("kept %.3f of the later actions over %.0f inputs, %.3f over the %.0f where the byte "+
		"acted; %.1f actions an input", kept/inputs, inputs, keptByActing/acting, acting,
		actions/float64(configs))
	require.True(t, kept/inputs >= 0.9, "kept only %.3f", kept/inputs)
}

func TestChoosingByAByteDoesNotAllocate(t *testing.T) {
	r := newRunner(&Options{Protocol: Protocols()[0], Faults: AllFaults})
	require.NoError(t, r.resetTo(3))
	r.takeBytes(randomBytes(rand.New(rand.NewPCG(1, 1)))[:MaxChoices/2], nil)
	chosen := 0
	allocs := testing.AllocsPerRun(10, func() {
		for b := range 256 {
			if _, ok := r.chooseByte(byte(b)); ok {
				chosen++
			}
		}
	})
	require.True(t, chosen > 0)
	require.Equal(t, 0.0, allocs)
}

func BenchmarkBytes(b *testing.B) {
	r := newRunner(&Options{Protocol: Protocols()[0], Faults: AllFaults})
	rng := rand.New(rand.NewPCG(1, 1))
	b.ReportAllocs()
	i := uint64(0)
	steps := 0
	for b.Loop() {
		i++
		if _, err := r.runBytes(i, randomBytes(rng), nil); err != nil {
			b.Fatal(err)
		}
		steps += r.world.Steps()
	}
	b.ReportMetric(float64(steps)/float64(i), "steps/run")
}

// A seed is an input from which fuzzing begins, found by search and named for what its bytes reach
// before the run settles.
type seed struct {
	name    string
	reaches []checker.Milestone
}

func seeds() []seed {
	return []seed{
		{"commit", []checker.Milestone{checker.SawCommit}},
		{"abort", []checker.Milestone{checker.SawAbort}},
		{"higher-ballot", []checker.Milestone{checker.SawHigherBallot}},
		{"rescued", []checker.Milestone{checker.SawRescued}},
		{"crash-restart-commit", []checker.Milestone{
			checker.SawCrash, checker.SawRestart, checker.SawCommit,
		}},
		{"partition-commit", []checker.Milestone{checker.SawPartition, checker.SawCommit}},
		{"lock-conflict", []checker.Milestone{checker.SawLockConflict, checker.SawAbort}},
	}
}

func (s *seed) needsBallots() bool {
	return slices.Contains(s.reaches, checker.SawHigherBallot) ||
		slices.Contains(s.reaches, checker.SawRescued)
}

func (s *seed) needsRepair() bool {
	return slices.Contains(s.reaches, checker.SawRestart) ||
		slices.Contains(s.reaches, checker.SawPartition)
}

// reachedBy tells whether the bytes reach all milestones of a seed, on three acceptors or replicas
// or more, if there are such, and two resource managers or more.
func (s *seed) reachedBy(t *testing.T, r *runner, config uint64, choices []byte) bool {
	t.Helper()
	require.NoError(t, r.resetTo(config))
	l := &r.config.Layout
	if copies := max(l.Acceptors, l.Replicas); copies == 1 || copies == 2 || l.RMs < 2 {
		return false
	}
	r.takeBytes(choices, nil)
	reached := r.world.Monitor().Reached()
	for _, m := range s.reaches {
		if !reached.Has(m) {
			return false
		}
	}
	return true
}

// find searches for a seed and deletes the bytes that it does not need.
func (s *seed) find(t *testing.T, r *runner) (config uint64, choices []byte) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 1))
	for config = range uint64(100_000) {
		choices = randomBytes(rng)
		if !s.reachedBy(t, r, config, choices) {
			continue
		}
		for i := len(choices) - 1; i >= 0; i-- {
			less := slices.Delete(slices.Clone(choices), i, i+1)
			if s.reachedBy(t, r, config, less) {
				choices = less
			}
		}
		return config, choices
	}
	t.Fatalf("no seed found for %s", s.name)
	return 0, nil
}

func TestSeedsReachWhatTheyAreNamedFor(t *testing.T) {
	const form = "go test fuzz v1\nuint64(%d)\n[]byte(%q)\n"
	for target, p := range map[string]core.Protocol{
		"FuzzPaxosCommit": Protocols()[0], "FuzzFasterPaxosCommit": Protocols()[1],
		"FuzzReplicated": replicated.Protocol{},
		"FuzzTwoPhase":   twophase.Protocol{},
		"FuzzThreePhase": threephase.Protocol{},
	} {
		o := &Options{Protocol: p, Faults: Withstands(p)}
		if p == (threephase.Protocol{}) {
			o.Faults, o.Synchronous = AllFaults&^(Partitions|Crashes), true
		}
		r := newRunner(o)
		least, _ := p.Limits()
		for _, s := range seeds() {
			if least.Acceptors+least.Replicas == 0 && s.needsBallots() ||
				o.Synchronous && s.needsRepair() {
				continue
			}
			file := filepath.Join("testdata", "fuzz", target, s.name)
			if *update {
				config, choices := s.find(t, r)
				text := fmt.Sprintf(form, config, choices)
				require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o777))
				require.NoError(t, os.WriteFile(file, []byte(text), 0o666))
			}
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			var config uint64
			var choices []byte
			_, err = fmt.Sscanf(string(text), form, &config, &choices)
			require.NoError(t, err, "%s:\n%s", file, text)
			require.True(t, s.reachedBy(t, r, config, choices), "%s does not reach %v any more; "+
				"search again with: go test ./fuzz -run Seeds -update", file, s.reaches)
		}
	}
}

// silent is a protocol with a planted bug: its acceptors report nothing that they have accepted.
type silent struct{ core.Protocol }

func (p silent) New() core.Machine { return &silentMachine{p.Protocol.New()} }

type silentMachine struct{ core.Machine }

func (m *silentMachine) Step(in *core.Input, out *core.Output) error {
	err := m.Machine.Step(in, out)
	for i := range out.Gated {
		if m := &out.Gated[i]; m.Type == core.MsgPhase1b {
			m.Bal, m.Votes = 0, core.Votes{}
		}
	}
	return err
}

func TestTargetSaysHowARunFailed(t *testing.T) {
	p := silent{Protocols()[0]}
	r := newRunner(&Options{Protocol: p, Faults: AllFaults})
	rng := rand.New(rand.NewPCG(1, 1))
	for config := range uint64(100_000) {
		choices := randomBytes(rng)
		verdict, err := r.runBytes(config, choices, nil)
		require.NoError(t, err)
		if verdict != checker.Violated {
			continue
		}
		text := r.bytesFailure(config, choices)
		t.Logf("after %d runs: %s", config+1, text)
		_, schedule, ok := strings.Cut(text, "are enough:\n")
		require.True(t, ok, "no schedule in %s", text)
		schedule, next, ok := strings.Cut(schedule, "next: ")
		require.True(t, ok)
		require.Contains(t, next, "fuzz.Regress", "silent is in no registry")
		s, err := harness.ParseSchedule("failure", strings.NewReader(schedule), []core.Protocol{p})
		require.NoError(t, err)
		replay := harness.Replay(s)
		require.True(t, replay.Violation != nil && len(replay.Skipped) == 0, "%v", replay)
		require.Equal(t, s.Expect, replay.Violation.Property, "property")
		require.True(t, len(s.Actions) <= 20, "not minimised: %d actions", len(s.Actions))
		return
	}
	t.Fatal("the planted bug was not caught")
}
