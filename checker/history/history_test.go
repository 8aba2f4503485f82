package history

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"paxoscommit/checker"
)

const testBudget = 1_000_000

func readEvents(t testing.TB, file string) []Event {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", file+".jsonl"))
	require.NoError(t, err)
	events, err := Parse(bytes.NewReader(text))
	require.NoError(t, err)
	return events
}

func load(t testing.TB, model Model, events []Event) *History {
	t.Helper()
	h, err := Load(model, events)
	require.NoError(t, err)
	return h
}

// modelOf is the model that the name of a test file begins with.
func modelOf(t testing.TB, file string) Model {
	t.Helper()
	for m := ModelRegister; m <= ModelKV; m++ {
		if strings.HasPrefix(file, m.String()) {
			return m
		}
	}
	require.Fail(t, "no model", file)
	return 0
}

// verdicts are those of the histories in testdata. The planted bugs are the violated ones.
func verdicts() map[string]checker.Verdict {
	return map[string]checker.Verdict{
		"register-ok":         checker.Holds,
		"register-open-write": checker.Holds,
		"register-keys":       checker.Holds,
		"register-keys-stale": checker.Violated,
		// Two writes of one value at once: one is seen before, the other after a third.
		"register-twin-writes": checker.Holds,
		// What the open write could explain, others do too; it is needed later.
		"register-open-kept": checker.Holds,
		// Two open operations, of which the second needs the first.
		"register-open-chain": checker.Holds,
		"register-stale-read": checker.Violated,
		"register-flicker":    checker.Violated,

		"write-once-ok":                         checker.Holds,
		"write-once-open-decide":                checker.Holds,
		"write-once-open-decide-twice":          checker.Violated,
		"write-once-outcome-changes":            checker.Violated,
		"write-once-committed-reported-aborted": checker.Violated,
		"write-once-forgotten":                  checker.Violated,
		"write-once-never-proposed":             checker.Violated,

		"bank-ok":                   checker.Holds,
		"bank-open-transfer":        checker.Holds,
		"bank-open-transfer-undone": checker.Violated,
		"bank-lost-transfer":        checker.Violated,
		"bank-money-from-nothing":   checker.Violated,
		"bank-overdrawn":            checker.Violated,
		"bank-negative-balance":     checker.Violated,

		"kv-ok":             checker.Holds,
		"kv-open-txn":       checker.Holds,
		"kv-write-skew":     checker.Violated,
		"kv-stale-read":     checker.Violated,
		"kv-aborted-read":   checker.Violated,
		"kv-fractured-read": checker.Violated,
	}
}

func TestVerdictsOfExamples(t *testing.T) {
	files, err := filepath.Glob("testdata/*.jsonl")
	require.NoError(t, err)
	require.Len(t, files, len(verdicts()))
	for file, want := range verdicts() {
		t.Run(file, func(t *testing.T) {
			events := readEvents(t, file)
			model := modelOf(t, file)
			require.Equal(t, want, bruteJudge(model, events), "reference")
			h := load(t, model, events)
			require.Equal(t, want, h.Direct(testBudget).Verdict, "direct")
			require.Equal(t, want, h.Porcupine(testBudget).Verdict, "porcupine")
			r, err := h.Check(testBudget)
			require.NoError(t, err)
			require.Equal(t, want, r.Verdict)
			require.Equal(t, "direct and porcupine", r.Checked)
			requirePrefix(t, model, events, r)
		})
	}
}

// requirePrefix checks a violation's prefix by the reference: taken alone it is linearizable in
// just that order, and the stuck operation cannot follow.
func requirePrefix(t *testing.T, model Model, events []Event, r Result) {
	t.Helper()
	if r.Verdict != checker.Violated {
		require.Equal(t, -1, r.Stuck)
		require.Empty(t, r.Prefix)
		return
	}
	require.NotContains(t, r.Prefix, r.Stuck)
	ops, opening := bruteOps(events)
	states := []map[string]any{opening}
	for i, id := range r.Prefix {
		for _, earlier := range r.Prefix[:i] {
			require.Less(t, ops[earlier].call, ops[id].ret, "prefix against real time")
		}
		states = bruteSteps(model, states, ops[id])
		require.NotEmpty(t, states, "operation %d of the prefix", i)
	}
	require.False(t, ops[r.Stuck].open)
	require.Empty(t, bruteSteps(model, states, ops[r.Stuck]))
}

func bruteSteps(model Model, states []map[string]any, op *bruteOp) []map[string]any {
	var next []map[string]any
	for _, s := range states {
		next = append(next, bruteStep(model, s, op)...)
	}
	return next
}

// requireAgreement judges a history in every way.
func requireAgreement(t *testing.T, model Model, events []Event) checker.Verdict {
	t.Helper()
	h, err := Load(model, events)
	require.NoError(t, err)
	want := bruteJudge(model, events)
	r, err := h.Check(testBudget)
	if err != nil || r.Verdict != want {
		var text bytes.Buffer
		require.NoError(t, WriteJSON(&text, events))
		require.NoError(t, err, "\n%s", &text)
		require.Equal(t, want, r.Verdict, "\n%s", &text)
	}
	require.Equal(t, "direct and porcupine", r.Checked)
	requirePrefix(t, model, events, r)
	return want
}

func TestCheckersAgreeWithReferenceOnRandomHistories(t *testing.T) {
	const runs = 2000
	for model := ModelRegister; model <= ModelKV; model++ {
		t.Run(model.String(), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, uint64(model)))
			judged := map[checker.Verdict]int{}
			data := make([]byte, 80)
			for range runs {
				for i := range data {
					data[i] = byte(rng.Uint32())
				}
				events := generate(model, data, 3, 6)
				judged[requireAgreement(t, model, events)]++
			}
			// Both answers must be common, or the test shows nothing.
			require.Greater(t, judged[checker.Holds], runs/10)
			require.Greater(t, judged[checker.Violated], runs/10)
		})
	}
}

// Larger histories, with more at once, are beyond the reference; the two checkers remain.
func TestCheckersAgreeWithEachOtherOnLargerRandomHistories(t *testing.T) {
	const runs = 1000
	for model := ModelRegister; model <= ModelKV; model++ {
		t.Run(model.String(), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(5, uint64(model)))
			judged := map[checker.Verdict]int{}
			data := make([]byte, 200)
			for range runs {
				for i := range data {
					data[i] = byte(rng.Uint32())
				}
				events := generate(model, data, 5, 10)
				r, err := load(t, model, events).Check(testBudget)
				require.NoError(t, err)
				require.Equal(t, "direct and porcupine", r.Checked)
				requirePrefix(t, model, events, r)
				judged[r.Verdict]++
			}
			require.Greater(t, judged[checker.Holds], runs/50)
			require.Greater(t, judged[checker.Violated], runs/50)
		})
	}
}

func FuzzCheckersAgree(f *testing.F) {
	rng := rand.New(rand.NewPCG(2, 2))
	for model := ModelRegister; model <= ModelKV; model++ {
		data := make([]byte, 60)
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		f.Add(byte(model), data)
	}
	f.Fuzz(func(t *testing.T, m byte, data []byte) {
		model := ModelRegister + Model(m)%ModelKV
		events := generate(model, data, 3, 6)
		if ops, _ := bruteOps(events); len(ops) == 0 {
			return // Load refuses it, as another test says.
		}
		requireAgreement(t, model, events)
	})
}
