package fuzz

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/harness"
)

// Limits of Check.
const (
	// defaultCheckRuns is how many runs Check makes if Options.CheckRuns is 0: about a second.
	defaultCheckRuns = 20_000
	// checkReplays is how many replays Check spends on a shorter schedule of a failure.
	checkReplays = 20_000
	// targetReplays is the same of a fuzz target, which the go tool has fail many times over while
	// it looks for a shorter input.
	targetReplays = 5_000
)

// Check makes random runs of a protocol, o.CheckRuns of them or 20,000, a tenth of that under
// -short, and fails t if one breaks a property, if one cannot be judged, or if none commits or none
// aborts, for then the properties were kept by doing nothing. In the first 200 runs it watches the
// machines too, for what core.Machine promises of CopyFrom, AppendKey, Reset, errors and
// determinism: minimising, exploring and reproducing rest on that. It is for the tests of
// protocols that live in modules of their own:
//
//	func TestMine(t *testing.T) { fuzz.Check(t, mine.Protocol{}, fuzz.Options{Seed: 1}) }
//
// Of the options, Protocol is replaced by p, and no Faults means all of them. A failure is that of
// the lowest run, whatever the number of processors; t says the property and how it is broken, seed
// and run, the minimised schedule as text, and what to do next.
func Check(t testing.TB, p core.Protocol, o Options) {
	t.Helper()
	if p == nil || p.New() == nil {
		t.Fatal("fuzz: check: no protocol, or one that makes no machine")
	}
	o.Protocol = p
	if o.Faults == 0 {
		o.Faults = AllFaults
	}
	c := &Campaign{Options: o, Runs: o.CheckRuns, Workers: runtime.GOMAXPROCS(0)}
	if c.Runs == 0 {
		c.Runs = defaultCheckRuns
	}
	if testing.Short() {
		c.Runs = (c.Runs + 9) / 10
	}
	wrong, err := checkContract(o, c.Runs)
	if err != nil {
		t.Fatalf("fuzz: check %s: %v", p.Name(), err)
	}
	if wrong != "" {
		t.Fatalf("%s: %s", p.Name(), wrong)
	}
	r, err := c.Run(t.Context())
	if err != nil {
		t.Fatalf("fuzz: check %s: %v", p.Name(), err)
	}
	switch {
	case r.Failure != nil:
		t.Fatal(checkFailure(&o, r.Failure))
	case r.Verdict() != checker.Holds:
		t.Fatalf("%s: unknown: %d of %d runs could not be judged", p.Name(), r.Unknown, r.Runs)
	default:
		for _, m := range []checker.Milestone{checker.SawCommit, checker.SawAbort} {
			if r.Reached[m] == 0 {
				t.Fatalf("%s: no run of %d reached %v: nothing was shown", p.Name(), r.Runs, m)
			}
		}
		t.Logf("%s: %d runs, %d steps, seed %d: all properties hold%s", p.Name(), r.Runs, r.Steps,
			o.Seed, missed(r))
	}
}

// missed names the milestones that no run reached.
func missed(r *Report) string {
	var names []string
	for m := checker.SawCommit; int(m) < checker.NumMilestones; m++ {
		if r.Reached[m] == 0 {
			names = append(names, m.String())
		}
	}
	if names == nil {
		return ""
	}
	return "; no run reached " + strings.Join(names, ", ")
}

// checkFailure says how a run of the options failed, with a schedule as short as it can be made.
func checkFailure(o *Options, f *Failure) string {
	s, v := shortened(f, checkReplays)
	return fmt.Sprintf("%s: %v\nseed %d, run %d; %d of its %d actions are enough:\n%s%s",
		o.Protocol.Name(), v, o.Seed, f.Run, len(s.Actions), len(f.Schedule.Actions), s,
		nextStep(o.Protocol))
}

// shortened returns a minimised schedule of a failure, and how it fails.
func shortened(f *Failure, replays int) (*harness.Schedule, *checker.Violation) {
	s, _ := harness.Minimize(f.Schedule, replays)
	if v := harness.Replay(s).Violation; v != nil {
		return s, v
	}
	return f.Schedule, &f.Violation
}

// nextStep says what to do with the schedule of a failure. The command knows the registered
// protocols only.
func nextStep(p core.Protocol) string {
	known, err := FindProtocol(p.Name())
	if err == nil && reflect.TypeOf(known) == reflect.TypeOf(p) {
		return "next: save the schedule as FILE, and type: paxoscommit minimize FILE --test"
	}
	return "next: keep it in a test: fuzz.Regress(t, schedule, protocol)"
}
