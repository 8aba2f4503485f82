package cluster

import (
	"time"

	"paxoscommit/core"
	"paxoscommit/node"
)

// carry decides what becomes of a line.
func (r *round) carry(src, dest string, text []byte, e *node.Envelope) {
	faulty := r.config.Faults && !r.healing
	if faulty && r.rng.IntN(50) == 0 {
		r.report.Lost++
		return
	}
	copies := 1
	if faulty && r.rng.IntN(50) == 0 {
		r.report.Repeated++
		copies = 2
	}
	for range copies {
		arrive := func() { r.arrive(src, dest, text, e) }
		delay := time.Duration(0)
		switch {
		case !faulty:
		case r.rng.IntN(20) == 0:
			delay = time.Duration(r.rng.IntN(500)) * time.Millisecond
		default:
			delay = time.Duration(r.rng.IntN(3000)) * time.Microsecond
		}
		if delay == 0 {
			arrive()
			continue
		}
		time.AfterFunc(delay, func() { r.events <- arrive })
	}
}

// arrive gives a line to whom it is for, if it is there and on the same side.
func (r *round) arrive(src, dest string, text []byte, e *node.Envelope) {
	if e.Msg.To.Kind == core.Client {
		r.answered(&e.Msg)
		return
	}
	to, from := r.find(dest), r.find(src)
	if to == nil || !to.up || from != nil && r.far.Has(from.id) != r.far.Has(to.id) {
		r.report.Lost++
		return
	}
	to.child.say(text)
}

// find returns the node of a name, nil if it is a client.
func (r *round) find(name string) *member {
	for _, m := range r.members {
		if m.name == name {
			return m
		}
	}
	return nil
}
