package costs

import (
	"fmt"
	"math"

	"paxoscommit/core"
	"paxoscommit/harness"
)

// tally is a run in the order of time: a message takes perMessage if it counts, a write perWrite.
type tally struct {
	world                *harness.World
	cfg                  *harness.Config
	perMessage, perWrite int
	now                  int
	arrives              map[core.Message][]int // when each of the equal messages in flight arrives
	due                  [][]int                // when each record of a node is durable
	messages, writes     int
	knows                core.Set // resource managers that have learned the outcome
	learned              int      // when the last of them did
}

// run runs the only transaction of cfg until nothing moves.
func run(cfg *harness.Config, perMessage, perWrite int) (*tally, error) {
	t := &tally{
		world: harness.NewWorld(cfg), cfg: cfg, perMessage: perMessage, perWrite: perWrite,
		arrives: map[core.Message][]int{}, due: make([][]int, cfg.Layout.Nodes+1),
	}
	client := core.Role{Kind: core.Client, ID: 1}
	for a, ok := (harness.Action{Type: harness.Begin, Role: client}), true; ok; a, ok = t.next() {
		if err := t.world.Apply(a); err != nil {
			return nil, err
		}
		t.observe()
	}
	members := cfg.Txns[0].Members
	if v := t.world.Violation(); v != nil {
		return nil, fmt.Errorf("%w: %v", ErrNotCommitted, v)
	}
	for s := members; s != 0; s &= s - 1 {
		_, outcome := t.world.Monitor().RMState(0, s.First())
		if outcome != core.Committed {
			return nil, fmt.Errorf("%w: rm%d knows of none", ErrNotCommitted, s.First())
		}
	}
	if t.knows != members {
		return nil, fmt.Errorf("%w: only rm %v have written so", ErrNotCommitted, t.knows)
	}
	return t, nil
}

// next returns what happens next and moves the time there. Of what happens at the same time
// messages come first, so that what is written at that time is written at once.
func (t *tally) next() (harness.Action, bool) {
	at, next := math.MaxInt, harness.Action{}
	for _, m := range t.world.InFlight() {
		if when := t.arrives[m][0]; when < at {
			at, next = when, harness.Action{Type: harness.Deliver, Msg: m}
		}
	}
	for n := range t.cfg.Layout.Nodes {
		node := core.NodeID(n + 1)
		records, durable := t.world.Log(node)
		if durable < len(records) && t.due[node][durable] < at {
			at, next = t.due[node][durable], harness.Action{Type: harness.Sync, Node: node}
		}
	}
	if next.Type == harness.NoAction {
		return next, false
	}
	t.now = at
	if next.Type == harness.Deliver {
		t.arrives[next.Msg] = t.arrives[next.Msg][1:]
	}
	return next, true
}

// observe takes in what has been sent and written by the last action.
func (t *tally) observe() {
	for _, m := range t.world.New() {
		when := t.now
		if Counts(&t.cfg.Layout, &m) {
			t.messages++
			when += t.perMessage
		}
		t.arrives[m] = append(t.arrives[m], when)
	}
	for n := 1; n < len(t.due); n++ {
		records, _ := t.world.Log(core.NodeID(n))
		for i := len(t.due[n]); i < len(records); i++ {
			t.written(&records[i])
			t.due[n] = append(t.due[n], t.now+t.perWrite)
		}
	}
}

// written counts a write, and takes note of a resource manager that has learned the outcome.
func (t *tally) written(r *core.Record) {
	outcome := r.Type == core.RecordOutcome ||
		r.Type == core.RecordAcceptor && r.Val != core.NoValue
	if outcome && r.Role.Kind == core.RM && !t.knows.Has(r.Role.ID) {
		t.knows = t.knows.With(r.Role.ID)
		t.learned = t.now
	}
	if r.Type == core.RecordForget || r.Type == core.RecordOutcome && r.Role.Kind == core.RM {
		return
	}
	t.writes++
}
