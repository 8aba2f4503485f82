package node

import (
	"math/rand/v2"
	"time"

	"paxoscommit/core"
)

// Timing says how long timers run the first time. Each time one runs out it is twice as long, up to
// Longest, and up to half as long again at random, so that leaders do not keep stopping each other.
type Timing struct {
	Retry    time.Duration
	TakeOver time.Duration // of the first leader; the i-th waits i times as long
	Flush    time.Duration
	Longest  time.Duration
}

// DefaultTiming is for processes on one machine.
func DefaultTiming() Timing {
	return Timing{
		Retry: 200 * time.Millisecond, TakeOver: 500 * time.Millisecond,
		Flush: 30 * time.Millisecond, Longest: 2 * time.Second,
	}
}

// delay is how long a timer runs that has run out so many times before.
func (t *Timing) delay(timer core.Timer, before int) time.Duration {
	d := t.Retry
	switch timer.Kind {
	case core.TimerTakeOver:
		if d = t.TakeOver; timer.Role.Kind == core.Leader {
			d *= time.Duration(timer.Role.ID)
		}
	case core.TimerFlush:
		d = t.Flush
	default:
	}
	for ; before > 0 && d < t.Longest; before-- {
		d *= 2
	}
	d = min(d, max(t.Longest, t.TakeOver))
	return d + rand.N(d/2+1)
}

// timers are those that are armed in one process.
type timers struct {
	armed map[core.Timer]*alarm
}

// alarm is an armed timer, or one that has run out and may be armed again.
type alarm struct {
	stop   func()
	before int // how many times it has run out since it was last disarmed
}

// key is the timer without what does not name it.
func key(t core.Timer) core.Timer {
	t.Await = core.Await{}
	return t
}

func (ts *timers) disarm(t core.Timer) {
	if a := ts.armed[key(t)]; a != nil {
		a.stop()
		delete(ts.armed, key(t))
	}
}

// arm has ring called when the timer has run out.
func (ts *timers) arm(h *Host, timing *Timing, t core.Timer, ring func()) {
	k := key(t)
	a := ts.armed[k]
	if a == nil {
		a = &alarm{stop: func() {}}
		ts.armed[k] = a
	}
	a.stop()
	stopped := false
	stop := h.after(timing.delay(k, a.before), func() {
		if !stopped {
			a.before++
			ring()
		}
	})
	a.stop = func() {
		stopped = true
		stop()
	}
}

func (ts *timers) stopAll() {
	for _, a := range ts.armed {
		a.stop()
	}
	ts.armed = map[core.Timer]*alarm{}
}
