package fuzz

import (
	"math/rand/v2"
	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/harness"
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
}

func newRunner(o *Options) *runner {
	r := &runner{options: o}
	r.rng = rand.New(&r.pcg)
	return r
}

// run makes run i of a campaign, which depends on the seed and i alone, and judges it. Each action
// is passed to taken, which may be nil. A machine that panics breaks Contract.
func (r *runner) run(i uint64, taken func(harness.Action)) (checker.Verdict, error) {
	r.pcg.Seed(r.options.Seed, i)
	if err := r.options.draw(r.rng, &r.config, &r.plan); err != nil {
		return checker.Unknown, err
	}
	r.world.Reset(&r.config)
	r.drive(taken)
	if r.world.Violation() != nil {
		return checker.Violated, nil
	}
	return r.judge.Judge(&r.world)
}

func (r *runner) drive(taken func(harness.Action)) {
	r.world.Guard(func() { r.steps(taken) })
}

func (r *runner) steps(taken func(harness.Action)) {
	w := &r.world
	for w.Steps() < r.plan.steps && w.Violation() == nil {
		a, ok := r.choose()
		if !ok {
			break
		}
		if taken != nil {
			taken(a)
		}
		if err := w.Apply(a); err != nil {
			panic(err) // Choose and Apply disagree
		}
	}
	if w.Violation() == nil {
		w.Settle(taken)
	}
}

// choose draws an enabled action. It returns false when a few draws have found none.
func (r *runner) choose() (harness.Action, bool) {
	for range 32 {
		draw := r.rng.Uint64()
		pick := uint32(uint64(uint32(draw)) * uint64(r.plan.total) >> 32)
		t := harness.Begin
		for pick >= r.plan.weights[t] {
			pick -= r.plan.weights[t]
			t++
		}
		a, ok := r.world.Choose(t, uint32(draw>>32))
		if ok && (t != harness.Deliver || !r.putOff(&a.Msg, draw)) {
			return a, true
		}
	}
	return harness.Action{}, false
}

// putOff tells whether a delivery is to wait, which it mostly does at slow nodes.
func (r *runner) putOff(m *core.Message, draw uint64) bool {
	n := r.config.Layout.NodeOf(m.To)
	return n != 0 && r.plan.slow.Has(uint8(n)) && draw>>24&15 != 0
}
