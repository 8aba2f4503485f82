package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"paxoscommit/checker/mc"
	"paxoscommit/core"
	"paxoscommit/core/paxoscommit"
	"paxoscommit/harness"
	"paxoscommit/harness/explore"

	"github.com/stretchr/testify/require"
)

func exploreObject(t *testing.T, want int, args ...string) map[string]any {
	t.Helper()
	code, stdout, stderr := execute("", append([]string{"explore", "--json"}, args...)...)
	require.Equal(t, want, code, stderr)
	require.Equal(t, 1, strings.Count(stdout, "\n"), stdout)
	var o map[string]any
	require.NoError(t, json.Unmarshal([]byte(stdout), &o))
	return o
}

func TestExploreJSONIsOneObject(t *testing.T) {
	o := exploreObject(t, exitHolds, "--acceptors", "1", "--takeovers", "1", "--crashes", "1")
	for _, key := range []string{"seconds", "states_per_second", "bytes_per_state", "collision"} {
		require.Greater(t, o[key], 0.0)
		delete(o, key)
	}
	require.Equal(t, map[string]any{
		"world":   "paxos-commit rms=1 acceptors=1 leaders=1 takeovers=1 crashes=1",
		"verdict": "holds", "distinct": 7348.0, "generated": 18841.0, "depth": 30.0,
		"complete": true, "reduction": "fused-sync dead-messages partial-order", "orbit_expanded": 7348.0,
	}, o)
}

func TestExploreSpecCountsAsTLC(t *testing.T) {
	o := exploreObject(t, exitHolds, "--spec", "two-phase", "--rms", "3")
	require.Equal(t, 288.0, o["distinct"])
	require.Equal(t, 1146.0, o["generated"])
	require.Equal(t, 11.0, o["depth"])
	require.Equal(t, "two-phase rms=3", o["world"])
}

func TestExploreLimitIsUnknown(t *testing.T) {
	o := exploreObject(t, exitUnknown, "--rms", "2", "--max-depth", "9")
	require.Equal(t, "unknown", o["verdict"])
	require.Equal(t, "depth", o["limit"])
	require.Equal(t, false, o["complete"])
	code, stdout, stderr := execute("", "explore", "--rms", "2", "--max-states", "10")
	require.Equal(t, exitUnknown, code)
	require.Contains(t, stdout, "Unknown: ")
	require.Equal(t, "paxoscommit: unknown: the limit by --max-states came first\n", stderr)
}

func TestExploreTextTellsEachProperty(t *testing.T) {
	code, stdout, stderr := execute("", "explore", "--acceptors", "1", "--refusals", "1",
		"--non-blocking")
	require.Equal(t, exitHolds, code, stderr)
	for _, line := range []string{
		"Holds: ", "distinct       231", "always         safety: holds",
		"always step    TCommit: holds", "sometimes      committed: holds",
		"sometimes      aborted: holds", "always         non-blocking: holds",
	} {
		require.Contains(t, stdout, line)
	}
}

// TestExploreLosesTheMajority: with one acceptor of three gone for good all can still decide, with
// two they cannot.
func TestExploreLosesTheMajority(t *testing.T) {
	exploreObject(t, exitHolds, "--deaths", "1", "--non-blocking", "--lose-majority")
	o := exploreObject(t, exitViolated, "--deaths", "2", "--non-blocking", "--lose-majority",
		"--save", filepath.Join(t.TempDir(), "blocked.schedule"))
	require.Equal(t, "NonBlocking", o["property"])
	require.Equal(t, []any{"begin cl1", "die n2", "die n3"}, o["actions"])
}

// TestExploreFitsTheRolesToTheProtocol: a number that no flag names is within its limits.
func TestExploreFitsTheRolesToTheProtocol(t *testing.T) {
	o := exploreObject(t, exitHolds, "--protocol", "replicated-2pc", "--takeovers", "1")
	require.Equal(t, "replicated-2pc rms=1 replicas=1 takeovers=1", o["world"])
	require.Equal(t, 104.0, o["distinct"])
}

// TestExploreTheWorldOfASchedule: its roles, its workload, and as many faults as it has.
func TestExploreTheWorldOfASchedule(t *testing.T) {
	file := filepath.Join(t.TempDir(), "two.schedule")
	c, err := explore.NewConfig(paxoscommit.Protocol{},
		explore.Size{RMs: 2, Acceptors: 1, Leaders: 1, Takeovers: 1})
	require.NoError(t, err)
	s := harness.Schedule{Config: c.Config, Actions: []harness.Line{{Action: harness.Action{
		Type: harness.Fire, Timer: core.Timer{
			Kind: core.TimerTakeOver, Role: core.Role{Kind: core.Leader, ID: 1}, Tx: c.Txns[0].ID,
		},
	}}}}
	require.NoError(t, os.WriteFile(file, s.AppendText(nil), 0o600))
	o := exploreObject(t, exitHolds, "--world-of", file)
	require.Equal(t, 2245.0, o["distinct"])
	require.Equal(t, "paxos-commit rms=2 acceptors=1 leaders=1 takeovers=1", o["world"])
	s.Actions[0].Action = harness.Action{Type: harness.Cut, Node: 1}
	require.NoError(t, os.WriteFile(file, s.AppendText(nil), 0o600))
	code, _, stderr := execute("", "explore", "--world-of", file)
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "partitions and clients that give up are not explored")
}

func TestExploreRejectsBadFlags(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--ballots 3", "--ballots needs --spec paxos-commit"},
		{"--spec tcommit --crashes 1", "--crashes is not for --spec tcommit"},
		{"--spec two-phase --acceptors 1", "--acceptors is not for --spec two-phase"},
		{"--world-of x --rms 2", "--rms is not for --world-of"},
		{"--spec raft", `unknown specification "raft": want tcommit, two-phase, `},
		{"--protocol raft", `no protocol is called "raft"`},
		{"--rms 0", "core: 0 resource managers"},
		{"--rms 9 --leaders 9", "explore: the world is too large"},
		{"--crashes -1", "--crashes must be 0 to 255, not -1"},
		{"--takeovers 300", "--takeovers must be 0 to 255, not 300"},
		{"--replicas 3", "3 replicas: want 0"},
		{"--protocol replicated-2pc --leaders 1", "1 leaders: want 0"},
		{"--protocol replicated-2pc --refusals 1", "refusals of databases on nodes of their own"},
		{"--workers 0", "--workers must be 1 to"},
		{"--non-blocking --lose-majority", "--lose-majority needs --deaths"},
		{"--max-depth -1", "--max-depth must not be below 0"},
	} {
		args := append([]string{"explore"}, strings.Fields(c.args)...)
		code, stdout, stderr := execute("", args...)
		require.Equal(t, exitUsage, code, c.args)
		require.Empty(t, stdout)
		require.Contains(t, stderr, c.want)
		require.Equal(t, 1, strings.Count(stderr, "\n"))
	}
}

// hasty is Paxos Commit whose acceptors do not wait for their disks.
type hasty struct{ core.Protocol }

func (p hasty) New() core.Machine { return &hastyMachine{p.Protocol.New()} }

type hastyMachine struct{ core.Machine }

func (m *hastyMachine) CopyFrom(src core.Machine) {
	m.Machine.CopyFrom(src.(*hastyMachine).Machine)
}

func (m *hastyMachine) Step(in *core.Input, out *core.Output) error {
	err := m.Machine.Step(in, out)
	out.Send, out.Gated = append(out.Send, out.Gated...), nil
	return err
}

// TestExploreTellsAViolation: its exit code, its property, and the way to it, which is saved.
func TestExploreTellsAViolation(t *testing.T) {
	size := explore.Size{RMs: 1, Acceptors: 1, Leaders: 1, Crashes: 1}
	c, err := explore.NewConfig(hasty{paxoscommit.Protocol{}}, size)
	require.NoError(t, err)
	found, err := explore.Explore(c, mc.Options{})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "found.schedule")
	r := &exploreResult{
		flags: &exploreFlags{save: file, workers: 1}, stats: found.Stats, findings: found.Results,
		core: found, took: 1,
	}
	require.NoError(t, r.saveSchedule())
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, found.Schedule.String(), string(text))
	var exit *exitError
	require.ErrorAs(t, r.exit(nil), &exit)
	require.Equal(t, exitViolated, exit.code)

	var b bytes.Buffer
	require.NoError(t, r.writeText(&b))
	require.Contains(t, b.String(), "Violated: Durability\n\n")
	require.Contains(t, b.String(), "  how            rm1 has sent its vote")
	require.Contains(t, b.String(), "\ncrash n1\nend\n\nSaved in "+file)
	b.Reset()
	require.NoError(t, r.writeJSON(&b))
	var o map[string]any
	require.NoError(t, json.Unmarshal(b.Bytes(), &o))
	require.Equal(t, "violated", o["verdict"])
	require.Equal(t, "Durability", o["property"])
	require.Len(t, o["actions"], len(found.Schedule.Actions))
}

// TestCoverageOf: explore writes the states of a world, and fuzz says how many of them it visits,
// the same at any number of workers.
func TestCoverageOf(t *testing.T) {
	file := filepath.Join(t.TempDir(), "states")
	o := exploreObject(t, exitHolds, "--acceptors", "1", "--takeovers", "1", "--write", file)
	require.Equal(t, "none", o["reduction"])
	var coverage []any
	for _, workers := range []string{"1", "3"} {
		o := fuzzObject(t, "--coverage-of", file, "--runs", "2000", "--workers", workers)
		require.Equal(t, "holds", o["verdict"])
		require.NotContains(t, o, "drawn")
		coverage = append(coverage, o["coverage"])
	}
	require.Equal(t, coverage[0], coverage[1])
	require.Subset(t, coverage[0], map[string]any{
		"world":     "paxos-commit rms=1 acceptors=1 leaders=1 takeovers=1",
		"of_states": 3301.0, "of_transitions": 11102.0,
	})
	require.Greater(t, coverage[0].(map[string]any)["states_percent"], 10.0)

	code, stdout, stderr := execute("", "fuzz", "--coverage-of", file, "--runs", "50")
	require.Equal(t, exitHolds, code, stderr)
	require.Regexp(t, `\n  states         \d+ of 3,301, \d+\.\d\d %\n  transitions  `, stdout)
}

func TestCoverageOfRejectsWhatIsNotItsWorld(t *testing.T) {
	dir := t.TempDir()
	file, cut := filepath.Join(dir, "states"), filepath.Join(dir, "cut")
	exploreObject(t, exitHolds, "--acceptors", "1", "--write", file)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(cut, text[:200], 0o600))
	for _, c := range []struct{ args, want string }{
		{file + " --acceptors 1", "--acceptors and --coverage-of exclude each other"},
		{file + " --protocol faster-paxos-commit", "is of paxos-commit, not of --protocol faster"},
		{cut, "cut short, or longer than it says"},
		{dir + "/none", "no such file"},
		{"explore_test.go", `line 1: want "paxoscommit states 1"`},
	} {
		args := append([]string{"fuzz", "--coverage-of"}, strings.Fields(c.args)...)
		code, stdout, stderr := execute("", args...)
		require.Equal(t, exitUsage, code, c.args)
		require.Empty(t, stdout)
		require.Contains(t, stderr, c.want)
		require.Equal(t, 1, strings.Count(stderr, "\n"))
	}
	none := filepath.Join(dir, "unfinished")
	exploreObject(t, exitUnknown, "--acceptors", "1", "--max-depth", "3", "--write", none)
	require.NoFileExists(t, none)
}
