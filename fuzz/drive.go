package fuzz

import (
	"math/rand/v2"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/harness"
	"paxoscommit/harness/explore"
)

// runner makes runs one after the other in the same memory.
type runner struct {
	options *Options
	pcg     rand.PCG
	rng     *rand.Rand
	config  harness.Config
	plan    plan
	world   harness.World
	judge   harness.Judge

	follower *explore.Follower // nil without Options.Coverage
	strayed  error             // of the follower, in this run
}

func newRunner(o *Options) *runner {
	r := &runner{options: o}
	r.rng = rand.New(&r.pcg)
	if o.Coverage != nil {
		r.follower = o.Coverage.Follow()
	}
	return r
}

// done adds what the runs have visited to the coverage.
func (r *runner) done() {
	if r.follower != nil {
		r.follower.Done()
	}
}

// run makes run i of a campaign, which depends on the seed and i alone, and judges it. Each action
// is passed to taken, which may be nil. A machine that panics breaks Contract.
func (r *runner) run(i uint64, taken func(harness.Action)) (checker.Verdict, error) {
	r.pcg.Seed(r.options.Seed, i)
	if err := r.options.draw(r.rng, &r.config, &r.plan); err != nil {
		return checker.Unknown, err
	}
	r.world.Reset(&r.config)
	if r.follower != nil {
		taken = r.follow(taken)
	}
	r.drive(taken)
	if r.world.Violation() != nil {
		return checker.Violated, nil
	}
	if r.strayed != nil {
		return checker.Unknown, r.strayed
	}
	return r.judge.Judge(&r.world)
}

// follow has the follower take each action of a new run too.
func (r *runner) follow(taken func(harness.Action)) func(harness.Action) {
	r.follower.Start()
	r.strayed = nil
	return func(a harness.Action) {
		if r.strayed == nil {
			r.strayed = r.follower.Took(a)
		}
		if taken != nil {
			taken(a)
		}
	}
}

func (r *runner) drive(taken func(harness.Action)) {
	w := &r.world
	for w.Steps() < r.plan.steps && w.Violation() == nil {
		if r.plan.spell > 0 && w.Steps()%r.plan.spell == 0 {
			r.plan.nextSpell(r.rng, &r.config.Layout)
		}
		t, i := r.choose()
		if i < 0 {
			break
		}
		if t == harness.Fire && w.Armed()[i].Kind == core.TimerTakeOver {
			r.plan.due = false
		}
		if taken != nil {
			taken(w.Candidate(t, i))
		}
		if !w.Do(t, i) {
			panic("fuzz: World.Find and World.Do disagree")
		}
	}
	if w.Violation() == nil {
		w.Settle(taken)
	}
}

// choose draws an enabled action, and returns its place among those of its type as World.Find does:
// what was put off, or else the next transaction, when many draws have found nothing else, and
// below 0 when nothing is left to begin.
func (r *runner) choose() (harness.ActionType, int) {
	if i := r.trapped(); i >= 0 {
		return harness.Crash, i
	}
	possible := r.world.Possible()
	late, lateAt := harness.NoAction, -1
	for left := 32; ; {
		var t harness.ActionType
		var draw uint64
		if t, draw, left = r.draw(possible, left); t == harness.NoAction {
			if lateAt < 0 { // a run in which nothing begins would show nothing
				late, lateAt = harness.Begin, r.world.Find(harness.Begin, 0)
			}
			return late, lateAt
		}
		at := uint32(draw >> 32)
		if t == harness.Deliver {
			at = r.plan.lean(at)
		}
		i := r.world.Find(t, at)
		switch {
		case i < 0:
			possible &^= 1 << t
		case r.follower != nil && !r.allows(t, i):
		case !r.putOff(t, i, uint8(draw>>24)&15):
			return t, i
		case t == harness.Deliver || t == harness.Fire:
			late, lateAt = t, i
		}
	}
}

// draw draws, at most tries times, until a type of action comes up that is possible. It returns the
// type, or NoAction, the number drawn, and how many tries are left.
func (r *runner) draw(possible uint32, tries int) (harness.ActionType, uint64, int) {
	deck := r.plan.deck
	for tries > 0 {
		tries--
		draw := r.pcg.Uint64() // what rng would give
		t := deck[uint64(uint32(draw))*uint64(len(deck))>>32]
		if possible&(1<<(t&31)) != 0 { // as a shift it would be looked at whether t is above 31
			return t, draw, tries
		}
	}
	return harness.NoAction, 0, 0
}

// allows tells whether the follower can take the action.
func (r *runner) allows(t harness.ActionType, i int) bool {
	a := r.world.Candidate(t, i)
	return r.follower.Allows(&a)
}

// lean moves a position among the messages in flight towards the end, where the newest are: what
// was sent early stays in flight for long.
func (p *plan) lean(at uint32) uint32 {
	for range p.newest {
		rest := uint64(^at)
		at = ^uint32(rest * rest >> 32)
	}
	return at
}

// trapped returns the place of the crash of a frail node that has just sent what the plan traps,
// below 0 if there is none.
func (r *runner) trapped() int {
	net := r.world.InFlight()
	if r.plan.trap == core.NoMsg || len(net) == 0 || net[len(net)-1].Type != r.plan.trap {
		return -1
	}
	n := r.config.Layout.NodeOf(net[len(net)-1].From)
	if !r.plan.frail.Has(bitOf(n)) || r.rng.IntN(4) == 0 {
		return -1
	}
	return r.world.Find(harness.Crash, uint32((uint64(n)<<32-1)/uint64(r.config.Layout.Nodes)))
}

// putOff tells whether an action is to wait; draw is 0 to 15. What waits happens when little else
// can, but for the crash of a node that does not crash in this run.
func (r *runner) putOff(t harness.ActionType, i int, draw uint8) bool {
	p := &r.plan
	switch t {
	case harness.Deliver:
		m := &r.world.InFlight()[i]
		if draw < p.late[m.Type] {
			return true
		}
		n := r.config.Layout.NodeOf(m.To)
		return n != 0 && draw < 15 && p.slow.Has(bitOf(n)) &&
			(p.deaf == 0 || p.deaf.Has(uint8(m.Type)))
	case harness.Fire:
		switch timer := &r.world.Armed()[i]; timer.Kind {
		case core.TimerRetry:
			return draw < p.idle[timer.Role.Kind]
		case core.TimerTakeOver:
			return p.spell > 0 && !p.due
		default:
			return false
		}
	case harness.Crash, harness.CrashKeep, harness.Die:
		return !p.frail.Has(bitOf(core.NodeID(i + 1)))
	default:
		return false
	}
}
