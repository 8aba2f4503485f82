package fuzz

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"paxoscommit/checker"
	"paxoscommit/harness"
)

// maxOptions is how many bits core.Layout.Options has.
const maxOptions = 32

// ErrUsage marks options that make no sense.
var ErrUsage = errors.New("fuzz: bad options")

// blockRuns is how many runs a worker takes at once. It does not show in any result.
const blockRuns = 128

// Campaign is many random runs, each drawn from (Seed, index) alone, so that a campaign splits over
// cores and machines.
type Campaign struct {
	Options
	Runs      uint64        // how many; ignored under For
	First     uint64        // index of the first run
	For       time.Duration // if above 0: as many runs as fit
	Workers   int           // goroutines, at least 1
	KeepGoing bool          // do not stop at the first violation
	Progress  func(Progress)
}

// Progress is how far a campaign has come. It is passed about four times a second, by one goroutine
// at a time.
type Progress struct {
	Runs, Steps, Violations uint64
	Elapsed                 time.Duration
}

// Report is what came of a campaign. Without KeepGoing it covers the runs up to the first violation
// by index, and no more, however many workers there were.
type Report struct {
	Runs       uint64
	Steps      uint64
	Violations uint64
	Unknown    uint64 // runs whose judgement ran out of budget: never a success
	Seed       uint64
	First      uint64
	Digest     uint64 // sum over runs of a hash of index and World.Hash: parts add up; 0 under For
	HasDigest  bool
	Elapsed    time.Duration
	Reached    [checker.NumMilestones]uint64 // in how many runs
	Failure    *Failure                      // the violation of the lowest index
}

// Verdict is Violated if a run was, else Unknown if a run could not be judged or there was no run,
// else Holds.
func (r *Report) Verdict() checker.Verdict {
	switch {
	case r.Violations > 0:
		return checker.Violated
	case r.Unknown > 0 || r.Runs == 0:
		return checker.Unknown
	default:
		return checker.Holds
	}
}

// Failure is a run that broke a property, with the schedule that breaks it again.
type Failure struct {
	Run       uint64
	Violation checker.Violation
	Schedule  *harness.Schedule
}

// block is what came of a block of runs.
type block struct {
	runs, steps, violations, unknown, digest uint64
	reached                                  [checker.NumMilestones]uint64
}

func (b *block) add(c *block) {
	b.runs += c.runs
	b.steps += c.steps
	b.violations += c.violations
	b.unknown += c.unknown
	b.digest += c.digest
	for m := range c.reached {
		b.reached[m] += c.reached[m]
	}
}

// campaign is the state that workers share.
type campaign struct {
	*Campaign
	ctx    context.Context
	next   atomic.Uint64 // block to take
	failed atomic.Uint64 // the lowest run that broke a property; all ones if none
	mu     sync.Mutex
	total  block            // of the first merged blocks
	merged uint64           // blocks in total
	ahead  map[uint64]block // blocks that are done before one in front of them
	err    error
}

// Run runs the campaign until it is done, ctx ends, or a run breaks a property. The error is
// ErrUsage, or of a checker that is wrong itself.
func (c *Campaign) Run(ctx context.Context) (*Report, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	start := time.Now()
	if c.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.For)
		defer cancel()
	}
	s := &campaign{Campaign: c, ctx: ctx, ahead: map[uint64]block{}}
	s.failed.Store(^uint64(0))
	var workers sync.WaitGroup
	for range c.Workers {
		workers.Go(s.work)
	}
	stop := s.report(start)
	workers.Wait()
	stop()
	if s.err != nil {
		return nil, s.err
	}
	return s.finish(start)
}

func (c *Campaign) validate() error {
	if c.Protocol == nil {
		return fmt.Errorf("%w: no protocol", ErrUsage)
	}
	if c.Workers < 1 {
		return fmt.Errorf("%w: %d workers", ErrUsage, c.Workers)
	}
	if c.Runs == 0 && c.For <= 0 {
		return fmt.Errorf("%w: no runs", ErrUsage)
	}
	if c.First+c.Runs < c.First {
		return fmt.Errorf("%w: %d runs from %d go beyond the last index", ErrUsage, c.Runs, c.First)
	}
	if c.Faults&^AllFaults != 0 {
		return fmt.Errorf("%w: faults %#x, which are none", ErrUsage, uint16(c.Faults&^AllFaults))
	}
	if n := len(c.Protocol.Options()); n > maxOptions {
		return fmt.Errorf("%w: %d options, at most %d", ErrUsage, n, maxOptions)
	}
	for _, name := range append([]string{c.Protocol.Name()}, c.Protocol.Options()...) {
		if words := strings.Fields(name); len(words) != 1 || words[0] != name ||
			strings.Contains(name, "#") {
			return fmt.Errorf("%w: a schedule cannot name %q: want a word", ErrUsage, name)
		}
	}
	r := newRunner(&c.Options)
	_, err := r.run(c.First, nil)
	return err
}

// work takes blocks of runs until there are no more, or until a lower one has failed.
func (s *campaign) work() {
	r := newRunner(&s.Options)
	defer r.done()
	for s.ctx.Err() == nil {
		k := s.next.Add(1) - 1
		from := s.First + k*blockRuns
		count := uint64(blockRuns)
		if s.For <= 0 {
			if k*blockRuns >= s.Runs {
				return
			}
			count = min(count, s.Runs-k*blockRuns)
		}
		if !s.KeepGoing && from > s.failed.Load() {
			return
		}
		b, err := s.runBlock(r, from, count)
		s.merge(k, b, err)
		if err != nil {
			return
		}
	}
}

// merge adds up blocks in order. Without KeepGoing the sum ends with the block that holds the first
// violation.
func (s *campaign) merge(k uint64, b block, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil && s.err == nil {
		s.err = err
	}
	s.ahead[k] = b
	for s.KeepGoing || s.total.violations == 0 {
		b, ok := s.ahead[s.merged]
		if !ok {
			return
		}
		delete(s.ahead, s.merged)
		s.total.add(&b)
		s.merged++
	}
}

// runBlock makes the runs from, from+1, ... and stops after one that breaks a property.
func (s *campaign) runBlock(r *runner, from, count uint64) (block, error) {
	var b block
	for i := from; i < from+count; i++ {
		verdict, err := r.run(i, nil)
		if err != nil {
			return b, fmt.Errorf("run %d: %w", i, err)
		}
		b.runs++
		b.steps += uint64(r.world.Steps())
		b.digest += digest(i, r.world.Hash())
		reached := r.world.Monitor().Reached()
		for m := range b.reached {
			if reached.Has(checker.Milestone(m)) {
				b.reached[m]++
			}
		}
		switch verdict {
		case checker.Holds:
		case checker.Violated:
			b.violations++
			s.fail(i)
			if !s.KeepGoing {
				return b, nil
			}
		default:
			b.unknown++
		}
	}
	return b, nil
}

func digest(i, hash uint64) uint64 {
	h := (i + 1) * 0x9e3779b97f4a7c15
	h = (h ^ hash) * 0xff51afd7ed558ccd
	return h ^ h>>32
}

func (s *campaign) fail(i uint64) {
	for {
		old := s.failed.Load()
		if i >= old || s.failed.CompareAndSwap(old, i) {
			return
		}
	}
}

// report passes progress on until the returned function is called.
func (s *campaign) report(start time.Time) (stop func()) {
	if s.Progress == nil {
		return func() {}
	}
	done := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				s.mu.Lock()
				p := Progress{s.total.runs, s.total.steps, s.total.violations, time.Since(start)}
				s.mu.Unlock()
				s.Progress(p)
			}
		}
	})
	return func() {
		close(done)
		wait.Wait()
	}
}

func (s *campaign) finish(start time.Time) (*Report, error) {
	failed, sum := s.failed.Load(), &s.total
	r := &Report{
		Runs: sum.runs, Steps: sum.steps, Violations: sum.violations, Unknown: sum.unknown,
		Seed: s.Seed, First: s.First, HasDigest: s.For <= 0 && s.ctx.Err() == nil,
		Reached: sum.reached, Elapsed: time.Since(start),
	}
	if r.HasDigest {
		r.Digest = sum.digest
	}
	if failed == ^uint64(0) {
		return r, nil
	}
	var err error
	r.Failure, err = s.reproduce(failed)
	return r, err
}

// reproduce makes one run of the options again and returns how it fails.
func (o *Options) reproduce(run uint64) (*Failure, error) {
	s, v, err := o.schedule(run)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, fmt.Errorf("fuzz: run %d of seed %d does not fail again: not deterministic",
			run, o.Seed)
	}
	s.Expect = v.Property
	return &Failure{Run: run, Violation: *v, Schedule: s}, nil
}

// Schedule makes one run of the options again and returns it, its fair end left to settle.
func (o *Options) Schedule(run uint64) (*harness.Schedule, error) {
	s, _, err := o.schedule(run)
	return s, err
}

// schedule returns a run, and what it broke.
func (o *Options) schedule(run uint64) (*harness.Schedule, *checker.Violation, error) {
	r := newRunner(o)
	s := &harness.Schedule{}
	verdict, err := r.run(run, func(a harness.Action) {
		s.Actions = append(s.Actions, harness.Line{Action: a})
	})
	if err != nil {
		return nil, nil, err
	}
	s.Config = o.granted(r.config)
	if verdict != checker.Violated {
		return s, nil, nil
	}
	return s, r.world.Violation(), nil
}
