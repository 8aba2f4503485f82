package drill

import (
	"fmt"
	"math"

	"paxoscommit/core"
	"paxoscommit/harness"
	"paxoscommit/harness/costs"
)

// runner is a run: everything is delivered in the order in which it was sent, and written at once.
type runner struct {
	world  *harness.World
	cfg    harness.Config
	queue  []core.Message
	result *Result
	known  [core.MaxRMs][2]core.Value // durable vote and outcome of each resource manager
}

// Run runs the transaction of cfg, has the failure happen at the first moment that when names, and
// goes on fairly. The error is ErrStep if there is no such moment.
func Run(cfg *harness.Config, when When, f Failure) (*Result, error) {
	r := &runner{cfg: *cfg, result: &Result{}}
	r.cfg.Budget = harness.Budget{
		Drops: math.MaxInt32, Deaths: len(f.Die), Cuts: len(f.Cut), Timeouts: math.MaxInt32,
	}
	r.world = harness.NewWorld(&r.cfg)
	r.do(harness.Action{Type: harness.Begin, Role: core.Role{Kind: core.Client, ID: 1}})
	for {
		next := r.next()
		if (next == nil || costs.Counts(&r.cfg.Layout, next)) && when(r.result.Delivered, next) {
			r.result.Next = next
			break
		}
		if next == nil {
			return nil, fmt.Errorf("%w: after %d messages", ErrStep, len(r.result.Delivered))
		}
		m := *next
		m.Members = 0 // an action names a message without them
		r.queue = r.queue[1:]
		if costs.Counts(&r.cfg.Layout, &m) {
			r.result.Delivered = append(r.result.Delivered, m)
		}
		r.do(harness.Action{Type: harness.Deliver, Msg: m})
	}
	r.result.Failed = len(r.result.Schedule.Actions)
	r.fail(f)
	r.world.Continue(r.taken)
	r.judge(f)
	return r.result, nil
}

// next returns the message that has been in flight for longest, or nil.
func (r *runner) next() *core.Message {
	if len(r.queue) == 0 {
		return nil
	}
	return &r.queue[0]
}

// do makes an action happen, and lets what it has written become durable.
func (r *runner) do(a harness.Action) {
	if err := r.world.Apply(a); err != nil {
		panic(err) // what is in flight can be delivered
	}
	r.taken(a)
	r.queue = append(r.queue, r.world.New()...)
	for n := range r.cfg.Layout.Nodes {
		node := core.NodeID(n + 1)
		if records, durable := r.world.Log(node); durable < len(records) && r.world.Up(node) {
			r.do(harness.Action{Type: harness.Sync, Node: node})
		}
	}
}

func (r *runner) taken(a harness.Action) {
	if r.result.Schedule == nil {
		r.result.Schedule = &harness.Schedule{Config: r.cfg}
	}
	s := r.result.Schedule
	s.Actions = append(s.Actions, harness.Line{Action: a})
	for i := range r.cfg.Layout.RMs {
		vote, outcome := r.world.Monitor().RMState(0, uint8(i+1))
		if now := [2]core.Value{vote, outcome}; now != r.known[i] {
			r.known[i], r.result.Last = now, len(s.Actions)
		}
	}
}

// fail makes the failure happen. What a dead process had not said yet is lost.
func (r *runner) fail(f Failure) {
	node := r.cfg.Layout.NodeOf
	for _, role := range f.Cut {
		r.try(harness.Action{Type: harness.Cut, Node: node(role)})
	}
	for _, role := range f.Die {
		r.try(harness.Action{Type: harness.Die, Node: node(role)})
	}
	for _, role := range f.Die {
		for _, m := range append([]core.Message(nil), r.world.InFlight()...) {
			m.Members = 0
			if node(m.From) == node(role) {
				r.try(harness.Action{Type: harness.Drop, Msg: m})
			}
		}
	}
}

// try makes an action happen if it can: several roles may share a node.
func (r *runner) try(a harness.Action) {
	if r.world.Apply(a) == nil {
		r.taken(a)
	}
}

func (r *runner) judge(f Failure) {
	res := r.result
	res.Broken = r.world.Violation()
	cut := map[core.NodeID]bool{}
	for _, role := range f.Cut {
		cut[r.cfg.Layout.NodeOf(role)] = true
	}
	for i := range r.cfg.Layout.RMs {
		rm := r.cfg.Layout.ReplicaOf(core.Role{Kind: core.RM, ID: uint8(i + 1)}, 0)
		vote, outcome := r.world.Monitor().RMState(0, rm.ID)
		state := Untouched
		switch {
		case r.cfg.Layout.Replicas == 0 && !r.world.Up(r.cfg.Layout.NodeOf(rm)):
			state = Dead
		case outcome == core.Committed:
			state = Committed
		case outcome == core.Aborted:
			state = Aborted
		case vote != core.NoValue:
			state = Blocked
		}
		res.RMs = append(res.RMs, state)
		if cut[r.cfg.Layout.NodeOf(rm)] {
			res.Far = res.Far.With(rm.ID)
		}
	}
}
