package explore

import (
	"paxoscommit/checker"
	"paxoscommit/checker/mc"
	"paxoscommit/core"
	"paxoscommit/harness"
)

// end is what follows a trace: nothing, the fair end, the same and then a judgement of what clients
// saw, the same after all in flight is lost, or what goes on although the faults do not end.
type end uint8

const (
	nothing end = iota
	settle
	ask
	lose
	goOn
)

// path turns a trace into actions of the World, and returns what it finds at their end. In the
// model a message is there for ever; in the World it needs a copy for each delivery but the last.
// What was fused becomes the step and its syncs. Then comes the end.
func (m *Model) path(t *mc.Trace[State, Step], then end) ([]harness.Action, *checker.Violation) {
	copies := map[int]int{}      // by step: the copies to make of a message before it is delivered
	for range len(t.Steps) + 1 { // with one more copy each time
		r := &rerun{m: m, copies: copies, delivered: map[uint16]int{}}
		c := m.cfg.Config
		c.Budget = harness.Budget{
			Drops: 1 << 30, Duplicates: 1 << 30, Refusals: 1 << 30, Timeouts: 1 << 30,
			Crashes: 1 << 30, Deaths: 1 << 30, Cuts: 1 << 30,
		}
		r.world.Reset(&c)
		missing, ok := r.run(t)
		if ok && then == lose {
			r.loseAll()
		}
		switch {
		case ok && then == goOn:
			r.world.Continue(r.took)
		case ok && then != nothing:
			r.world.Settle(nil)
		}
		if ok && then == ask && r.world.Violation() == nil {
			var j harness.Judge
			_, _ = j.Judge(&r.world) // it tells the monitor; without an answer nothing is broken
		}
		if ok || r.world.Violation() != nil {
			return r.actions, r.world.Violation()
		}
		last, ok := r.delivered[uint16(missing)]
		if !ok {
			break
		}
		copies[last]++
	}
	return nil, nil
}

// rerun is a World on the way along a trace.
type rerun struct {
	m         *Model
	world     harness.World
	actions   []harness.Action
	copies    map[int]int
	delivered map[uint16]int // step of the last delivery, by message
}

// run takes the steps. It returns false when a message is not in flight any more, and which.
func (r *rerun) run(t *mc.Trace[State, Step]) (missing int, ok bool) {
	before := t.Init
	for i := range t.Steps {
		s := &t.Steps[i]
		a := s.Action
		switch {
		case a.action&isOwn != 0:
			list := *r.m.part(before.parts[a.node]).own.Load()
			r.do(list[a.action&^isOwn].action)
		case a.action&isCut != 0:
			for _, cut := range r.m.cuts[a.action&^isCut] {
				r.do(cut)
			}
		case a.action&isLoss != 0:
			r.do(harness.Action{Type: harness.Drop, Msg: r.message(a.action &^ isLoss)})
		default:
			msg := r.message(a.action)
			for range r.copies[i] {
				r.do(harness.Action{Type: harness.Duplicate, Msg: msg})
			}
			if !r.do(harness.Action{Type: harness.Deliver, Msg: msg}) {
				return int(a.action), false
			}
			r.delivered[a.action] = i
		}
		r.sync(&s.State)
		if r.world.Violation() != nil {
			break
		}
		before = s.State
	}
	return 0, true
}

// message returns the message of that number as an action names it.
func (r *rerun) message(id uint16) core.Message {
	msg := r.m.messages[id]
	msg.Members = 0
	return msg
}

// sync completes what the model has fused with a step.
func (r *rerun) sync(s *State) {
	for n := 1; n < r.m.n; n++ {
		records, durable := r.world.Log(core.NodeID(n))
		for ; durable < len(records) && r.m.part(s.parts[n]).safe; durable++ {
			r.do(harness.Action{Type: harness.Sync, Node: core.NodeID(n)})
		}
	}
}

// loseAll drops everything in flight between nodes.
func (r *rerun) loseAll() {
	for {
		a, ok := r.world.Choose(harness.Drop, 0)
		if !ok || !r.do(a) {
			return
		}
	}
}

// do takes one action, and tells whether it was enabled.
func (r *rerun) do(a harness.Action) bool {
	if r.world.Apply(a) != nil {
		return false
	}
	r.took(a)
	return true
}

func (r *rerun) took(a harness.Action) { r.actions = append(r.actions, a) }
