package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"paxoscommit/checker"
	"paxoscommit/checker/history"
	"paxoscommit/core"
	"paxoscommit/fuzz"
	"paxoscommit/harness/explore"

	"github.com/spf13/cobra"
)

const (
	defaultRuns = 100_000
	maxWorkers  = 1024
	allFaults   = "all" // that the timing has
)

const fuzzHelp = `Runs a commit protocol in random worlds and checks each run after every step.

Run i depends on --seed and i alone: its sizes, its workload, its faults and each of its
actions. A campaign therefore splits over cores and machines, and its parts add up: the
digest is a sum over runs, the same at any --workers and on every machine. --for takes as
many runs as fit, and has no digest.

Faults: drops, duplicates, refusals (a database cannot prepare), timeouts, crashes (and
restarts), deaths (crashes for good), partitions, giveups (clients that stop waiting).
--timing synchronous is the assumption that some protocols need: no message is lost but those
of a process that died before it had said them all, crashes are for good, and a timer fires
only when what it waits for is dead or cut off and nothing from it is in flight. Under it all
faults are all but crashes, which it refuses.

--coverage-of takes the states of a small world, which explore --write writes. Every run is
then one of that world, and the percentage of its states and transitions that the runs visit
is told. What the fair end does beyond the budgets of the world does not count.

A violation, of the lowest run that has one, is minimised, printed, and saved as a text
for replay and minimize.

--json prints one object and nothing else on standard output:
  verdict      holds, violated or unknown
  runs, steps, violations, unknown       how many; unknown are runs that nobody could judge
  seed, first, protocol, planted         what was asked for; planted is the bug of --mutant
  drawn        what runs draw from: numbers of rms, acceptors, leaders, registrars and
               replicas, apart, timing, faults, options of the protocol
  milestones   in how many runs each was reached, by name
  coverage     of --coverage-of, and then nothing is drawn
  runs_per_second, seconds, digest       no digest under --for
  property, run, detail                  of a violation: what broke, in which run, and how
  actions_found, actions, replays        before and after minimising, and with how many
  minimize_seconds, schedule, file       how long it took, its result, where that was saved

Exit codes: 0 no violation; 1 a violation; 2 bad usage; 3 unknown, because a run could
not be judged within its budget, or the campaign was interrupted.`

// fuzzFlags are the flags of the sub-command.
type fuzzFlags struct {
	protocol, faults, timing string
	campaign                 fuzz.Campaign
	json                     bool
	save, exportHistory      string
	exportSchedule           string
	coverageOf               string
	mutant                   mutantFlags
}

func newFuzzCommand() *cobra.Command {
	var flags fuzzFlags
	cmd := &cobra.Command{
		Use:     "fuzz",
		Short:   "Run a protocol in random worlds and check every step",
		Long:    fuzzHelp,
		Example: "  paxoscommit fuzz --runs 1000000 --seed 7 --rms 3 --faults drops,timeouts",
		Args:    noArgs,
		RunE: flags.mutant.orBuild(func(cmd *cobra.Command, _ []string) error {
			return runFuzz(cmd, &flags)
		}),
	}
	c, set := &flags.campaign, cmd.Flags()
	set.SortFlags = false
	set.StringVar(&flags.protocol, "protocol", fuzz.Protocols()[0].Name(),
		strings.Join(protocolNames(), " or "))
	set.Uint64Var(&c.Runs, "runs", defaultRuns, "how many runs")
	set.DurationVar(&c.For, "for", 0, "as many runs as fit into this time, such as 30s")
	set.Uint64Var(&c.First, "first", 0, "index of the first run")
	set.Uint64Var(&c.Seed, "seed", 1, "what all random choices come from")
	set.IntVar(&c.RMs, "rms", 0, "resource managers; 0 draws 1 to 3 for each run")
	set.IntVar(&c.Acceptors, "acceptors", 0, "acceptors; 0 draws 1, 2, 3 or 5")
	set.IntVar(&c.Leaders, "leaders", 0, "leaders; 0 draws 1 to 3")
	set.IntVar(&c.Registrars, "registrars", 0, "registrars; 0 draws 0 or 1 if there can be one")
	set.IntVar(&c.Replicas, "replicas", 0, "replicas of each role; 0 draws 1, 2, 3 or 5, if any")
	set.BoolVar(&c.Apart, "apart", false, "every role on a node of its own, in every run")
	set.StringVar(&flags.faults, "faults", allFaults, "some of the faults above, all, or none")
	set.StringVar(&flags.timing, "timing", "asynchronous", "asynchronous or synchronous")
	set.IntVar(&c.Workers, "workers", runtime.GOMAXPROCS(0), "runs at a time")
	set.BoolVar(&c.KeepGoing, "keep-going", false, "count violations; do not stop at the first")
	set.BoolVar(&flags.json, "json", false, "print one JSON object")
	set.StringVar(&flags.save, "save", "",
		"file for the schedule of a violation; by default\n"+
			"./paxoscommit-<property>-seed<seed>-run<run>.schedule")
	set.StringVar(&flags.exportHistory, "export-history", "",
		"file for what the clients saw in run --first, as\n"+
			"the history sub-command reads it with --model bank")
	set.StringVar(&flags.coverageOf, "coverage-of", "",
		"file with the states of a world, of which to tell how much\nthe runs visit")
	set.StringVar(&flags.exportSchedule, "export-schedule", "",
		"file for the schedule of run --first, whether it fails or not")
	flags.mutant.add(cmd)
	return cmd
}

func protocolNames() []string {
	var names []string
	for _, p := range fuzz.Protocols() {
		names = append(names, p.Name())
	}
	return names
}

// complete checks the flags and makes the campaign of them.
func (f *fuzzFlags) complete(cmd *cobra.Command) (err error) {
	c, set := &f.campaign, cmd.Flags()
	if c.Protocol, err = fuzz.FindProtocol(f.protocol); err != nil {
		return err
	}
	if c.Faults, err = parseFaults(f.faults); err != nil {
		return err
	}
	switch f.timing {
	case "asynchronous":
	case "synchronous":
		c.Synchronous = true
		if f.faults != allFaults && c.Faults&fuzz.Crashes != 0 {
			return errors.New("--timing synchronous: crashes are for good: no crashes in --faults")
		}
	default:
		return fmt.Errorf("unknown timing %q: want asynchronous or synchronous", f.timing)
	}
	switch {
	case set.Changed("runs") && set.Changed("for"):
		return errors.New("--runs and --for exclude each other")
	case c.Runs == 0:
		return errors.New("--runs must be above 0")
	case set.Changed("for") && c.For <= 0:
		return fmt.Errorf("--for must be above 0, not %v", c.For)
	}
	_, most := c.Protocol.Limits()
	for _, n := range []struct {
		flag              string
		value, min, limit int
	}{
		{"rms", c.RMs, 0, most.RMs},
		{"acceptors", c.Acceptors, 0, most.Acceptors},
		{"leaders", c.Leaders, 0, most.Leaders},
		{"registrars", c.Registrars, 0, most.Registrars},
		{"replicas", c.Replicas, 0, most.Replicas},
		{"workers", c.Workers, 1, maxWorkers},
	} {
		switch {
		case n.value >= n.min && n.value <= n.limit:
		case n.limit == 0:
			return fmt.Errorf("--%s %d: %s has none", n.flag, n.value, f.protocol)
		default:
			return fmt.Errorf("--%s must be %d to %d, not %d", n.flag, n.min, n.limit, n.value)
		}
	}
	d := c.Drawn()
	sizes := core.Sizes{
		RMs: slices.Max(d.RMs), Acceptors: slices.Max(d.Acceptors), Leaders: slices.Max(d.Leaders),
		TMs: most.TMs, Registrars: slices.Max(d.Registrars), Replicas: slices.Max(d.Replicas),
	}
	if n := sizes.Roles(); n > core.MaxNodes {
		return fmt.Errorf("the numbers of roles make up to %d nodes: want at most %d", n,
			core.MaxNodes)
	}
	if err := f.readSpace(cmd); err != nil {
		return err
	}
	return f.mutant.check(c.Protocol)
}

// readSpace reads the file of --coverage-of. It says all that these flags could say.
func (f *fuzzFlags) readSpace(cmd *cobra.Command) error {
	if f.coverageOf == "" {
		return nil
	}
	set := cmd.Flags()
	for _, name := range []string{
		"rms", "acceptors", "leaders", "registrars", "replicas", "apart", "faults", "timing",
	} {
		if set.Changed(name) {
			return fmt.Errorf("--%s and --coverage-of exclude each other", name)
		}
	}
	file, err := openInput(f.coverageOf, cmd.InOrStdin())
	if err != nil {
		return err
	}
	defer file.Close()
	space, err := explore.ReadSpace(f.coverageOf, file, fuzz.Protocols())
	if err != nil {
		return err
	}
	c := &f.campaign
	if set.Changed("protocol") && space.Protocol.Name() != f.protocol {
		return fmt.Errorf("%s is of %s, not of --protocol %s", f.coverageOf, space.Protocol.Name(),
			f.protocol)
	}
	c.Protocol = space.Protocol
	c.RMs, c.Acceptors, c.Leaders = space.Size.RMs, space.Size.Acceptors, space.Size.Leaders
	c.Coverage, err = explore.NewCoverage(space)
	return err
}

// faultNames are the names of the kinds of fault, bit i of fuzz.Faults the i-th.
func faultNames() []string {
	return []string{
		"drops", "duplicates", "refusals", "timeouts", "crashes", "deaths", "partitions", "giveups",
	}
}

func parseFaults(list string) (fuzz.Faults, error) {
	switch list {
	case allFaults:
		return fuzz.AllFaults, nil
	case "none":
		return 0, nil
	}
	var faults fuzz.Faults
next:
	for _, name := range strings.Split(list, ",") {
		for i, known := range faultNames() {
			if name == known {
				faults |= 1 << i
				continue next
			}
		}
		return 0, fmt.Errorf("unknown fault %q: want all, none, or some of %s", name,
			strings.Join(faultNames(), ","))
	}
	return faults, nil
}

func runFuzz(cmd *cobra.Command, f *fuzzFlags) error {
	if err := f.complete(cmd); err != nil {
		return err
	}
	c, stdout, stderr := &f.campaign, cmd.OutOrStdout(), cmd.ErrOrStderr()
	files := []string{f.save, f.exportHistory, f.exportSchedule}
	for i, file := range files {
		if file == "" {
			continue
		}
		if slices.Contains(files[:i], file) {
			return fmt.Errorf("%s cannot be two files", file)
		}
		if err := canWrite(file); err != nil {
			return err
		}
	}
	if f.exportHistory != "" {
		if err := exportHistory(f.exportHistory, &c.Options, c.First); err != nil {
			return err
		}
	}
	if f.exportSchedule != "" {
		if err := exportSchedule(f.exportSchedule, &c.Options, c.First); err != nil {
			return err
		}
	}
	ctx, stop := untilInterrupted()
	defer stop()
	line := newProgress(stderr, c)
	c.Progress = line.show
	report, err := c.Run(ctx)
	line.clear()
	switch {
	case report == nil && errors.Is(err, history.ErrDisagree):
		return &exitError{exitUnknown, err}
	case report == nil:
		return err
	case err != nil: // a violation that does not happen again
		return &exitError{exitViolated, err}
	}
	result := newFuzzResult(f, report)
	result.interrupted = ctx.Err() != nil && report.Failure == nil &&
		(c.For > 0 || report.Runs < c.Runs)
	saveErr := result.minimize()
	if f.json {
		err = result.writeJSON(stdout)
	} else {
		err = result.writeText(stdout)
	}
	return result.exit(errors.Join(saveErr, err))
}

func exportHistory(file string, o *fuzz.Options, run uint64) error {
	events, err := o.History(run)
	if err != nil {
		return err
	}
	return writeFile(file, func(w io.Writer) error { return history.WriteJSON(w, events) })
}

func exportSchedule(file string, o *fuzz.Options, run uint64) error {
	s, err := o.Schedule(run)
	if err != nil {
		return err
	}
	return writeFile(file, func(w io.Writer) error {
		_, err := w.Write(s.AppendText(nil))
		return err
	})
}

func writeFile(file string, write func(io.Writer) error) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// expected returns the milestones that a long campaign of these options should reach.
func expected(o *fuzz.Options) []checker.Milestone {
	faults := o.Faults
	if o.Synchronous { // loses no message of the living, and nobody waits for them in vain
		faults &^= fuzz.Drops | fuzz.Crashes | fuzz.Timeouts
	}
	var takeOver, rescue fuzz.Faults // in protocols that have ballots
	switch d := o.Drawn(); {
	case slices.Max(d.Acceptors) > 0: // a leader also takes over when a client asks it
		rescue = fuzz.Timeouts | fuzz.Deaths
		takeOver = rescue | fuzz.Drops | fuzz.Crashes
	case slices.Max(d.Replicas) > 1:
		rescue = fuzz.Timeouts | fuzz.Deaths
		takeOver = rescue
	}
	all := []checker.Milestone{
		checker.SawCommit, checker.SawAbort, checker.SawLockConflict, checker.SawReadCommitted,
	}
	if d := o.Drawn(); slices.Max(d.Registrars) > 0 && slices.Max(d.RMs) > 1 &&
		faults&fuzz.Timeouts != 0 { // nobody is left out before one
		all = append(all, checker.SawSubset, checker.SawTooLate)
	}
	for _, m := range []struct {
		milestone checker.Milestone
		needs     fuzz.Faults // any of these
	}{
		{checker.SawHigherBallot, takeOver},
		{checker.SawFreeAborted, takeOver},
		{checker.SawRescued, rescue},
		{checker.SawCrash, fuzz.Crashes | fuzz.Deaths},
		{checker.SawRestart, fuzz.Crashes},
		{checker.SawDeath, fuzz.Deaths},
		{checker.SawPartition, fuzz.Partitions},
		{checker.SawReapplied, fuzz.Timeouts | fuzz.Crashes},
		{checker.SawOpenAnswer, fuzz.GiveUps},
	} {
		if faults&m.needs != 0 {
			all = append(all, m.milestone)
		}
	}
	return all
}
