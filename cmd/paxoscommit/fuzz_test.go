package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"paxoscommit/checker"
	"paxoscommit/fuzz"

	"github.com/stretchr/testify/require"
)

// fuzzObject runs fuzz --json and returns its object.
func fuzzObject(t *testing.T, args ...string) map[string]any {
	t.Helper()
	code, stdout, stderr := execute("", append([]string{"fuzz", "--json"}, args...)...)
	require.Equal(t, exitHolds, code, stderr)
	require.Equal(t, 1, strings.Count(stdout, "\n"), stdout)
	var o map[string]any
	require.NoError(t, json.Unmarshal([]byte(stdout), &o))
	return o
}

func digestOf(t *testing.T, o map[string]any) uint64 {
	t.Helper()
	text, ok := o["digest"].(string)
	require.True(t, ok)
	require.Len(t, text, 16)
	n, err := strconv.ParseUint(text, 16, 64)
	require.NoError(t, err)
	return n
}

func TestFuzzJSONIsOneObject(t *testing.T) {
	o := fuzzObject(t, "--runs", "300", "--seed", "9", "--first", "20",
		"--leaders", "2", "--timing", "synchronous")
	require.Greater(t, o["steps"], 3000.0)
	require.Greater(t, o["runs_per_second"], 0.0)
	digestOf(t, o)
	for _, key := range []string{"steps", "runs_per_second", "seconds", "digest"} {
		delete(o, key)
	}
	milestones, ok := o["milestones"].(map[string]any)
	require.True(t, ok)
	require.Len(t, milestones, checker.NumMilestones-int(checker.SawCommit))
	require.Greater(t, milestones["commit"], 30.0)
	delete(o, "milestones")
	var options []any
	for _, name := range fuzz.Protocols()[0].Options() {
		options = append(options, name)
	}
	require.Equal(t, map[string]any{
		"verdict": "holds", "runs": 300.0, "violations": 0.0, "unknown": 0.0, "seed": 9.0,
		"first": 20.0, "protocol": "paxos-commit",
		"drawn": map[string]any{
			"rms": []any{1.0, 2.0, 3.0}, "acceptors": []any{1.0, 2.0, 3.0, 5.0},
			"leaders": []any{2.0}, "registrars": []any{0.0, 1.0}, "apart": false,
			"replicas": []any{0.0}, "timing": "synchronous",
			"faults": []any{
				"drops", "duplicates", "refusals", "timeouts", "deaths", "partitions",
				"giveups",
			},
			"options": options,
		},
	}, o)
}

// A file that was there keeps its content, and one that was not is not made.
func TestFuzzThatFindsNothingLeavesTheFileToSaveAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "s")
	fuzzObject(t, "--runs", "5", "--save", file)
	require.NoFileExists(t, file)
	require.NoError(t, os.WriteFile(file, []byte("kept"), 0o666))
	fuzzObject(t, "--runs", "5", "--save", file)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "kept", string(text))
}

// What the object says the sizes are drawn from is what the runs have.
func TestFuzzDrawsTheSizesThatItSays(t *testing.T) {
	o := fuzz.Options{Protocol: fuzz.Protocols()[0], Faults: fuzz.AllFaults, Leaders: 2}
	var seen [3]map[int]bool
	for i := range seen {
		seen[i] = map[int]bool{}
	}
	for run := range uint64(200) {
		c, err := o.Config(run)
		require.NoError(t, err)
		for i, n := range []int{c.Layout.RMs, c.Layout.Acceptors, c.Layout.Leaders} {
			seen[i][n] = true
		}
	}
	drawn := o.Drawn()
	for i, said := range [][]int{drawn.RMs, drawn.Acceptors, drawn.Leaders} {
		require.ElementsMatch(t, said, slices.Collect(maps.Keys(seen[i])))
	}
}

func TestFuzzForHasNoDigest(t *testing.T) {
	o := fuzzObject(t, "--for", "300ms", "--workers", "1")
	require.NotContains(t, o, "digest")
	require.Greater(t, o["runs"], 0.0)
}

func TestFuzzDigestIsTheSameAtEveryNumberOfWorkers(t *testing.T) {
	one := fuzzObject(t, "--runs", "600", "--workers", "1")
	four := fuzzObject(t, "--runs", "600", "--workers", "4")
	require.Equal(t, digestOf(t, one), digestOf(t, four))
	require.Equal(t, one["steps"], four["steps"])
}

func TestFuzzDigestsOfPartsAddUp(t *testing.T) {
	whole := fuzzObject(t, "--runs", "600", "--first", "5")
	left := fuzzObject(t, "--runs", "250", "--first", "5")
	right := fuzzObject(t, "--runs", "350", "--first", "255")
	require.Equal(t, digestOf(t, whole), digestOf(t, left)+digestOf(t, right))
	other := fuzzObject(t, "--runs", "600", "--first", "5", "--seed", "2")
	require.NotEqual(t, digestOf(t, whole), digestOf(t, other))
}

func TestFuzzPrintsFiguresAndMilestones(t *testing.T) {
	code, stdout, stderr := execute("", "fuzz", "--runs", "400", "--protocol",
		"faster-paxos-commit", "--timing", "synchronous", "--rms", "2", "--faults", "duplicates,deaths")
	require.Equal(t, exitHolds, code)
	require.NotContains(t, stderr, "paxoscommit:")
	require.True(t, strings.HasPrefix(stdout, "Holds: no violation in 400 runs\n"), stdout)
	rows := map[string]string{}
	for line := range strings.Lines(stdout) {
		if words := strings.Fields(line); len(words) > 1 {
			rows[words[0]] = words[1]
		}
	}
	require.Equal(t, "faster-paxos-commit", rows["protocol"])
	require.Equal(t, "400", rows["runs"])
	require.Equal(t, "0", rows["violations"])
	require.Len(t, rows["digest"], 16)
	for m := checker.SawCommit; int(m) < checker.NumMilestones; m++ {
		require.Contains(t, rows, m.String())
	}
	require.NotEqual(t, "0", rows["death"])
	require.Equal(t, "0", rows["restart"])
}

// What a campaign is warned of when it is missing, it must reach: with each kind of fault alone.
func TestFuzzExpectsOnlyMilestonesThatAreReached(t *testing.T) {
	for _, name := range []string{"paxos-commit", "replicated-2pc", "2pc"} {
		for _, timing := range []string{"asynchronous", "synchronous"} {
			for _, fault := range append(faultNames(), "all", "none") {
				c := &fuzz.Campaign{Runs: 3000, Workers: 2, KeepGoing: true} // 2pc blocks
				c.Seed, c.Synchronous = 1, timing == "synchronous"
				var err error
				c.Protocol, err = fuzz.FindProtocol(name)
				require.NoError(t, err)
				c.Faults, err = parseFaults(fault)
				require.NoError(t, err)
				r, err := c.Run(context.Background())
				require.NoError(t, err)
				for _, m := range expected(&c.Options) {
					require.NotZero(t, r.Reached[m], "%s %s %s: %v", name, timing, fault, m)
				}
			}
		}
	}
}

func TestFuzzWarnsOfAMilestoneThatWasNeverReached(t *testing.T) {
	flags := &fuzzFlags{}
	flags.campaign.Protocol, flags.campaign.Faults = fuzz.Protocols()[0], fuzz.Deaths
	r := &fuzzResult{flags: flags, report: &fuzz.Report{Runs: enoughRuns}}
	for m := range r.report.Reached {
		r.report.Reached[m] = 1
	}
	r.report.Reached[checker.SawDeath], r.report.Reached[checker.SawRestart] = 0, 0
	var b bytes.Buffer
	r.writeMilestones(&b)
	require.Equal(t, 1, strings.Count(b.String(), "Warning"))
	require.Contains(t, b.String(), "Warning: no run reached death, which these options allow.\n")
	b.Reset()
	r.report.Runs--
	r.writeMilestones(&b)
	require.NotContains(t, b.String(), "Warning")
}

func TestFuzzExitCodesSayTheVerdict(t *testing.T) {
	for _, c := range []struct {
		name        string
		report      fuzz.Report
		interrupted bool
		err         error
		code        int
		said        string
	}{
		{name: "holds", report: fuzz.Report{Runs: 2}},
		{
			name: "unknown", report: fuzz.Report{Runs: 2, Unknown: 1}, code: exitUnknown,
			said: "unknown: 1 run could not be judged within the budget",
		},
		{
			name: "nothing", code: exitUnknown,
			said: "unknown: there was no time for a run",
		},
		{
			name: "interrupted", report: fuzz.Report{Runs: 2}, interrupted: true, code: exitUnknown,
			said: "unknown: interrupted after 2 runs",
		},
		{
			name: "violated", report: fuzz.Report{Runs: 2, Unknown: 1, Violations: 1},
			code: exitViolated, said: "exit 1",
		},
		{
			name: "violated, not saved", report: fuzz.Report{Runs: 2, Violations: 1},
			err: os.ErrPermission, code: exitViolated, said: "permission denied",
		},
		{
			name: "not printed", report: fuzz.Report{Runs: 2}, err: os.ErrClosed, code: exitUsage,
			said: "file already closed",
		},
	} {
		r := &fuzzResult{report: &c.report, interrupted: c.interrupted}
		err := r.exit(c.err)
		if c.code == exitHolds {
			require.NoError(t, err, c.name)
			continue
		}
		require.ErrorContains(t, err, c.said, c.name)
		code := exitUsage
		if exit := (*exitError)(nil); errors.As(err, &exit) {
			code = exit.code
		}
		require.Equal(t, c.code, code, c.name)
	}
}

func TestFuzzExportsAHistoryThatHolds(t *testing.T) {
	file := filepath.Join(t.TempDir(), "h.jsonl")
	code, _, stderr := execute("", "fuzz", "--runs", "1", "--first", "7", "--export-history", file)
	require.Equal(t, exitHolds, code, stderr)
	code, stdout, stderr := execute("", "history", "--model", "bank", file)
	require.Equal(t, exitHolds, code, stderr)
	require.Contains(t, stdout, "Ok: bank history of")
}

func TestFuzzBadUsageIsOneLine(t *testing.T) {
	for _, c := range []struct {
		args string
		want string
	}{
		{"--quick", "unknown flag: --quick"},
		{"now", `fuzz takes no argument, but was given "now"`},
		{"--runs -1", `--runs must be a number from 0, not "-1"`},
		{"--runs 0", "--runs must be above 0"},
		{"--runs 010", `--runs must be a number from 0 without leading zeros, not "010"`},
		{"--runs 0x10", `--runs must be a number from 0, not "0x10"`},
		{"--runs 1_0", `--runs must be a number from 0, not "1_0"`},
		{"--rms 02", `--rms must be a number without leading zeros, not "02"`},
		{
			"--seed 18446744073709551616",
			`--seed must be a number from 0 that fits into 64 bits, not "18446744073709551616"`,
		},
		{"--runs ten", `--runs must be a number from 0, not "ten"`},
		{"--runs", "flag needs an argument: --runs"},
		{"--runs 5 --for 1s", "--runs and --for exclude each other"},
		{"--for 0s", "--for must be above 0, not 0s"},
		{"--for soon", `--for must be a time such as 30s, not "soon"`},
		{"--first 18446744073709551615 --runs 2", "beyond the last index"},
		{"--protocol 4pc", "paxos-commit, faster-paxos-commit"},
		{"--faults rain", `unknown fault "rain": want all, none, or some of drops,`},
		{"--faults drops,,deaths", `unknown fault "": want all, none, or some of drops,`},
		{"--timing swiss", `unknown timing "swiss": want asynchronous or synchronous`},
		{"--timing synchronous --faults deaths,crashes", "no crashes in --faults"},
		{"--timing synchronous --faults crashes", "no crashes in --faults"},
		{"--save x --export-history x", "x cannot be two files"},
		{"--save -", `"-" stands for standard input only`},
		{"--export-history -", `"-" stands for standard input only`},
		{"--save /does/not/exist", "open /does/not/exist: no such file"},
		{"--rms 65", "--rms must be 0 to 64, not 65"},
		{"--rms -1", "--rms must be 0 to 64, not -1"},
		{"--acceptors 16", "--acceptors must be 0 to 15, not 16"},
		{"--leaders 16", "--leaders must be 0 to 15, not 16"},
		{
			"--protocol replicated-2pc --rms 64 --replicas 15",
			"make up to 1039 nodes: want at most 1023",
		},
		{"--workers 0", "--workers must be 1 to 1024, not 0"},
		{"--runs 1 --export-history /does/not/exist", "open /does/not/exist: no such file"},
	} {
		code, stdout, stderr := execute("", append([]string{"fuzz"}, strings.Fields(c.args)...)...)
		require.Equal(t, exitUsage, code, c.args)
		require.Contains(t, stderr, c.want)
		require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
		require.Empty(t, stdout, c.args)
	}
}

func TestProgressIsOneLineOnATerminalAndAFewLinesElsewhere(t *testing.T) {
	c := &fuzz.Campaign{Runs: 123_456_789, Workers: 2}
	c.Protocol, c.Seed = fuzz.Protocols()[0], 1
	now := fuzz.Progress{
		Runs: 100_456_789, Steps: 9_876_543_210, Violations: 9, Elapsed: 5000 * time.Second,
	}
	var b bytes.Buffer
	p := newProgress(&b, c)
	require.False(t, p.terminal)
	require.Equal(t, " 81 %  100,456,789 runs  20,091 runs/s  1.98 M steps/s  9 violations"+
		"  19m5s left", p.line(now))

	p.show(now)
	now.Elapsed += time.Second
	p.show(now)
	now.Elapsed += plainInterval
	p.show(now)
	p.clear()
	lines := strings.Split(b.String(), "\n")
	require.Len(t, lines, 4)
	require.Equal(t, "paxos-commit, seed 1, 123,456,789 runs from 0, 2 workers", lines[0])

	b.Reset()
	p = newProgress(&b, c)
	p.terminal = true
	p.show(now)
	p.show(now)
	p.clear()
	shown := p.line(now)[:79]
	want := fmt.Sprintf("%s\n\r\x1b[K%s\r\x1b[K%[2]s\r\x1b[K", lines[0], shown)
	require.Equal(t, want, b.String())
}

func TestProgressUnderALimitOfTimeTellsTheTimeLeft(t *testing.T) {
	c := &fuzz.Campaign{For: 30 * time.Second, Workers: 1}
	c.Protocol = fuzz.Protocols()[0]
	p := newProgress(&bytes.Buffer{}, c)
	require.Equal(t, "paxos-commit, seed 0, runs from 0 for 30s, 1 worker\n", p.header)
	require.Equal(t, " 20 %  0 runs  0 runs/s  0.00 M steps/s  0 violations  24s left",
		p.line(fuzz.Progress{Elapsed: 6 * time.Second}))
	require.Contains(t, p.line(fuzz.Progress{Elapsed: time.Minute}), "100 %")
}
