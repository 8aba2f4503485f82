package main

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"paxoscommit/checker/mc"
	"paxoscommit/core"
	"paxoscommit/fuzz"
	"paxoscommit/harness/explore"
	"paxoscommit/specs"

	"github.com/spf13/cobra"
)

const (
	defaultMemoryMB        = 4096
	maxMemoryMB     uint64 = 1 << 40 // more bytes do not fit into 64 bits
	maxBudget              = 255     // of a kind of fault
)

const exploreHelp = `Visits every reachable state of a small world, breadth first, and checks each.

The world is the real one: the machines of a protocol, their disks and databases, one client
with one transaction of all resource managers. Messages are lost, repeated and reordered at
will; other faults have budgets: --takeovers and --timeouts are timers that fire, --crashes
nodes that may come back, --deaths nodes that do not, --refusals databases that cannot
prepare. Every step is also held against TCommit.tla. With --non-blocking everybody can still
decide from every state; not so if --lose-majority lets --deaths take F+1 acceptors.

--spec explores the Go transcription of a TLA+ specification instead: tcommit, two-phase,
paxos-commit or bundled-paxos-commit, with --rms, and for the last two --acceptors and --ballots.

--write explores without reductions and writes the states to a file, for fuzz --coverage-of.

--world-of takes the world and the faults of a schedule, such as one that fuzz has minimised:
with --unreduced the way to a violation is then as short as any with these faults.

A violation is printed with the shortest way to it, and saved as a schedule for replay and
minimize.

--json prints one object and nothing else on standard output:
  world, planted, reduction              what was explored; planted is the bug of --mutant
  verdict, complete, limit               holds, violated or unknown; what came before the end
  distinct, generated, depth             states, with each way to them, levels from the first as 1
  orbit_expanded                         how many states the distinct ones stand for by symmetry:
      as many as there are without it, unless partial-order is one of the reductions, which leaves
      states out of both numbers
  seconds, states_per_second             of those generated
  bytes_per_state, collision             of what was visited; bound on the chance of one
  property, detail, actions, file        of a violation: what broke, how, the way, where it is saved

Exit codes: 0 everything was visited and holds; 1 a violation; 2 bad usage, or a world that
is too large; 3 unknown, because a limit came first or the exploration was interrupted.`

// exploreFlags are the flags of the sub-command.
type exploreFlags struct {
	protocol, spec, save, write, worldOf string

	size            explore.Size
	named           func(flag string) bool // whether the command line has it
	stdin           io.Reader
	mutant          mutantFlags
	ballots         int
	unreduced, json bool
	nonBlocking     bool
	workers         int
	maxStates       uint64
	maxMemoryMB     uint64
	maxDepth        int
}

func newExploreCommand() *cobra.Command {
	var f exploreFlags
	cmd := &cobra.Command{
		Use:     "explore",
		Short:   "Visit every state of a small world, or of a specification",
		Long:    exploreHelp,
		Example: "  paxoscommit explore --rms 2 --acceptors 1 --takeovers 1 --crashes 1",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			return f.mutant.orBuild(func(cmd *cobra.Command, _ []string) error {
				f.stdin = cmd.InOrStdin()
				return runExplore(cmd, &f)
			})(cmd, args)
		},
	}
	set := cmd.Flags()
	f.named = set.Changed
	set.SortFlags = false
	set.StringVar(&f.protocol, "protocol", fuzz.Protocols()[0].Name(),
		strings.Join(protocolNames(), " or "))
	set.StringVar(&f.spec, "spec", "",
		"a specification instead: "+strings.Join(specs.Names(), ", "))
	set.IntVar(&f.size.RMs, "rms", 1, "resource managers")
	set.IntVar(&f.size.Acceptors, "acceptors", 3, "acceptors")
	set.IntVar(&f.size.Leaders, "leaders", 1, "leaders")
	set.IntVar(&f.size.Registrars, "registrars", 0, "1 for dynamic resource managers")
	set.IntVar(&f.size.Optional, "optional", 0,
		"with a registrar: how many of --rms, the last, may take part and need not")
	set.IntVar(&f.size.Replicas, "replicas", 0, "replicas of each role, where they are replicated")
	set.IntVar(&f.size.Takeovers, "takeovers", 0, "time-outs by which a leader takes over")
	set.IntVar(&f.size.Timeouts, "timeouts", 0, "other time-outs")
	set.IntVar(&f.size.Crashes, "crashes", 0, "crashes")
	set.IntVar(&f.size.Deaths, "deaths", 0, "crashes for good")
	set.BoolVar(&f.size.LoseMajority, "lose-majority", false,
		"deaths may leave no majority of acceptors")
	set.IntVar(&f.size.Refusals, "refusals", 0, "databases that cannot prepare")
	set.IntVar(&f.ballots, "ballots", 2, "of --spec (bundled-)paxos-commit: 0 to this, less one")
	set.BoolVar(&f.nonBlocking, "non-blocking", false,
		"also check that from every state, with all in flight lost, all can still decide")
	set.BoolVar(&f.unreduced, "unreduced", false, "explore without reductions")
	set.IntVar(&f.workers, "workers", runtime.GOMAXPROCS(0), "states expanded at a time")
	set.Uint64Var(&f.maxStates, "max-states", 0, "stop after so many states; 0: 3 * 2^30")
	set.Uint64Var(&f.maxMemoryMB, "max-memory", defaultMemoryMB, "stop at so many MB; 0: no limit")
	set.IntVar(&f.maxDepth, "max-depth", 0, "stop after so many levels; 0: no limit")
	set.BoolVar(&f.json, "json", false, "print one JSON object")
	set.StringVar(&f.save, "save", "./paxoscommit-explore.schedule",
		"file for the schedule of a violation")
	set.StringVar(&f.worldOf, "world-of", "",
		"file with a schedule, whose world and faults to take")
	set.StringVar(&f.write, "write", "", "file for the states; without reductions")
	f.mutant.add(cmd)
	return cmd
}

// check tells which flags do not go together.
func (f *exploreFlags) check(cmd *cobra.Command) error {
	set := cmd.Flags()
	world := []string{
		"protocol", "leaders", "registrars", "optional", "replicas", "takeovers", "timeouts", "crashes",
		"deaths", "lose-majority", "refusals", "non-blocking", "write",
	}
	var other []string
	instead := "--spec " + f.spec
	switch {
	case f.spec != "" && !slices.Contains(specs.Names(), f.spec):
		return fmt.Errorf("unknown specification %q: want %s", f.spec,
			strings.Join(specs.Names(), ", "))
	case f.spec != "":
		other = append(world, "unreduced", "save", "world-of", "mutant")
		if !specs.HasBallots(f.spec) {
			other = append(other, "acceptors", "ballots")
		}
	case set.Changed("ballots"):
		return fmt.Errorf("--ballots needs --spec %s", specs.SpecPaxosCommit)
	case f.worldOf != "":
		other, instead = append(world, "rms", "acceptors"), "--world-of"
	}
	for _, name := range other {
		if set.Changed(name) {
			return fmt.Errorf("--%s is not for %s", name, instead)
		}
	}
	switch {
	case f.workers < 1 || f.workers > maxWorkers:
		return fmt.Errorf("--workers must be 1 to %d, not %d", maxWorkers, f.workers)
	case f.maxMemoryMB > maxMemoryMB:
		return fmt.Errorf("--max-memory must be 0 to %d, not %d", maxMemoryMB, f.maxMemoryMB)
	case f.size.LoseMajority && f.size.Deaths == 0:
		return errors.New("--lose-majority needs --deaths")
	case f.write != "" && f.nonBlocking:
		return fmt.Errorf("--write and --non-blocking exclude each other")
	case f.maxDepth < 0:
		return fmt.Errorf("--max-depth must not be below 0")
	}
	for _, name := range []string{"takeovers", "timeouts", "crashes", "deaths", "refusals"} {
		if n, err := set.GetInt(name); err != nil || n < 0 || n > maxBudget {
			return fmt.Errorf("--%s must be 0 to %d, not %d", name, maxBudget, n)
		}
	}
	for _, name := range []string{"save", "write"} {
		if set.Changed(name) {
			if err := canWrite(set.Lookup(name).Value.String()); err != nil {
				return err
			}
		}
	}
	return nil
}

func runExplore(cmd *cobra.Command, f *exploreFlags) error {
	ctx, stop := untilInterruptedTwice()
	defer stop()
	line := newExploreProgress(cmd.ErrOrStderr())
	o := mc.Options{
		Workers: f.workers, MaxStates: f.maxStates, MaxBytes: f.maxMemoryMB << 20,
		MaxDepth: f.maxDepth,
		Progress: func(p mc.Progress) bool {
			line.show(p)
			return ctx.Err() != nil
		},
	}
	r := &exploreResult{flags: f, reduction: "none"}
	var err error
	if f.spec != "" {
		err = r.exploreSpec(o)
	} else {
		err = r.exploreCore(o)
	}
	r.took = time.Since(line.start)
	line.clear()
	if err != nil {
		return err
	}
	saveErr := errors.Join(r.saveSchedule(), r.saveSpace())
	if f.json {
		err = r.writeJSON(cmd.OutOrStdout())
	} else {
		err = r.writeText(cmd.OutOrStdout())
	}
	return r.exit(errors.Join(saveErr, err))
}

func (r *exploreResult) exploreSpec(o mc.Options) error {
	f := r.flags
	c := specs.Config{Spec: f.spec, RMs: f.size.RMs}
	if specs.HasBallots(f.spec) {
		c.Acceptors, c.Ballots = f.size.Acceptors, f.ballots
	}
	var err error
	r.world = c.String()
	r.stats, r.findings, err = specs.Explore(c, o)
	return err
}

// config returns the world that the flags describe, and names it.
func (r *exploreResult) config() (*explore.Config, error) {
	f := r.flags
	if f.worldOf != "" {
		s, err := readSchedule(f.worldOf, f.stdin)
		if err != nil {
			return nil, err
		}
		c, err := explore.ConfigOf(s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.worldOf, err)
		}
		r.world = c.Protocol.Name() + " " + c.Size().String()
		return c, nil
	}
	p, err := fuzz.FindProtocol(f.protocol)
	if err != nil {
		return nil, err
	}
	f.fit(p)
	c, err := explore.NewConfig(p, f.size)
	if err != nil {
		return nil, err
	}
	c.NonBlocking = f.nonBlocking
	r.world = p.Name() + " " + f.size.String()
	return c, nil
}

// fit brings the numbers of roles that no flag names within the limits of the protocol.
func (f *exploreFlags) fit(p core.Protocol) {
	least, most := p.Limits()
	z := &f.size
	fit := core.Sizes{Acceptors: z.Acceptors, Leaders: z.Leaders, Replicas: z.Replicas}
	fit = fit.Clamp(least, most)
	for name, n := range map[string][2]*int{
		"acceptors": {&z.Acceptors, &fit.Acceptors}, "leaders": {&z.Leaders, &fit.Leaders},
		"replicas": {&z.Replicas, &fit.Replicas},
	} {
		if !f.named(name) {
			*n[0] = *n[1]
		}
	}
}

func (r *exploreResult) exploreCore(o mc.Options) error {
	f := r.flags
	c, err := r.config()
	if err != nil {
		return err
	}
	if err := f.mutant.check(c.Protocol); err != nil {
		return err
	}
	c.Unreduced = f.unreduced
	var found *explore.Report
	if f.write != "" {
		r.space, found, err = explore.NewSpace(c.Protocol, f.size, o)
	} else {
		found, err = explore.Explore(c, o)
	}
	if err != nil {
		return err
	}
	r.stats, r.findings, r.core, r.reduction = found.Stats, found.Results, found, found.Reduction
	return nil
}
