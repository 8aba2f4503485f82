package explore

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"paxoscommit/core"
	"paxoscommit/harness"
)

// ErrOutside is a run of a world that comes to where the world's space does not go: the space is
// that of another version of the protocol, or this package is wrong.
var ErrOutside = errors.New("explore: outside of the space")

// Coverage is how much of a space some runs of its world have visited.
type Coverage struct {
	space *Space
	model *Model
	mu    sync.Mutex
	total visited
}

// visited is what of a space has been visited: states by index, transitions by mark.
type visited struct {
	states []bool
	steps  map[mark]struct{}
}

func (s *Space) unvisited() visited {
	return visited{make([]bool, len(s.states)), map[mark]struct{}{}}
}

// NewCoverage returns the coverage of a space, nothing of it visited. Errors: those of NewConfig.
func NewCoverage(s *Space) (*Coverage, error) {
	c, err := NewConfig(s.Protocol, s.Size)
	if err != nil {
		return nil, err
	}
	c.Unreduced = true
	m, err := NewModel(c)
	if err != nil {
		return nil, err
	}
	return &Coverage{space: s, model: m, total: s.unvisited()}, nil
}

// Space returns the space.
func (c *Coverage) Space() *Space { return c.space }

// Config returns the world of the runs. Its budget of time-outs is that of take-overs too.
func (c *Coverage) Config() harness.Config {
	w := c.model.cfg.Config
	w.Txns = slices.Clone(w.Txns)
	w.Budget.Timeouts += c.model.cfg.Takeovers
	return w
}

// Visited returns how many states and transitions have been visited by followers that are done.
func (c *Coverage) Visited() (states int, transitions uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range c.total.states {
		if v {
			states++
		}
	}
	return states, uint64(len(c.total.steps))
}

// A Follower goes through the space as runs go through the world. It belongs to one goroutine.
//
// It takes each action of a run in the model too, whose state is then, part for part, that of the
// World: a test compares them.
type Follower struct {
	c     *Coverage
	mark  marker
	ids   map[core.Message]int // of messages between nodes, without Members
	seen  visited
	state State
	at    mark
	left  bool // the run has had more faults than the world has
}

// Follow returns a follower, at the start of a run.
func (c *Coverage) Follow() *Follower {
	f := &Follower{
		c: c, mark: marker{m: c.model}, ids: map[core.Message]int{}, seen: c.space.unvisited(),
	}
	f.Start()
	return f
}

// Done adds what the follower has visited to the coverage.
func (f *Follower) Done() {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	t := &f.c.total
	for i, v := range f.seen.states {
		t.states[i] = t.states[i] || v
	}
	for m := range f.seen.steps {
		t.steps[m] = struct{}{}
	}
}

// Start goes to the start of a new run.
func (f *Follower) Start() {
	f.state, f.left = f.c.model.Init()[0], false
	// Every space has the initial state, but for one of another protocol: the first step tells.
	_ = f.visit()
}

// Allows tells whether the world has an action, which its World can take now, as often. Its
// databases get all messages: they are lost between nodes only.
func (f *Follower) Allows(a *harness.Action) bool {
	if a.Type == harness.Drop {
		return f.c.model.between(&a.Msg)
	}
	c := classOf(a)
	return f.left || c == free || f.state.left[c] > 0
}

// Took follows an action that happens. A run that has more faults than Allows, as its fair end may
// have, has left the space for good, and what follows does not count. The error is ErrOutside.
func (f *Follower) Took(a harness.Action) error {
	if f.left || a.Type == harness.Drop || a.Type == harness.Duplicate || a.Type == harness.Settle {
		return nil // the first three change nothing of what was ever sent
	}
	step, ok := f.step(&a)
	if !ok {
		return fmt.Errorf("%w: %v cannot happen there", ErrOutside, a)
	}
	m, s := f.c.model, &f.state
	switch {
	case step.class != free && s.left[step.class] == 0:
		f.left = true
		return nil
	case step.next == s.parts[step.node] && m.covered(s, &m.part(step.next).live, step.out):
		return nil
	}
	h := a.Hash()
	f.seen.steps[f.at.plus(mark{h, h * 0x9e3779b97f4a7c15})] = struct{}{}
	f.state = m.Next(f.state, step)
	if !f.visit() {
		return fmt.Errorf("%w of %v: the state after %v", ErrOutside, f.c.space.Size, a)
	}
	return m.Err()
}

// step looks an action up.
func (f *Follower) step(a *harness.Action) (Step, bool) {
	m, s := f.c.model, &f.state
	if a.Type == harness.Deliver && m.between(&a.Msg) {
		id, ok := f.id(&a.Msg)
		if !ok || s.sent[id/64]>>(id%64)&1 == 0 {
			return Step{}, false
		}
		i := m.receiver[id].node
		e := m.delivery(m.part(s.parts[i]), id)
		return Step{e.next, e.out, uint16(id), i, free}, true
	}
	for i := range m.n {
		for k, o := range m.own(m.part(s.parts[i])) {
			if o.action == *a {
				return Step{o.next, o.out, uint16(k) | isOwn, uint8(i), o.class}, true
			}
		}
	}
	c := classOf(a)
	return Step{class: c}, c != free && m.init.left[c] == 0
}

// id returns the number of a message between nodes.
func (f *Follower) id(msg *core.Message) (int, bool) {
	if id, ok := f.ids[*msg]; ok {
		return id, true
	}
	m := f.c.model
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, known := range m.messages {
		known.Members = 0
		f.ids[known] = i
	}
	id, ok := f.ids[*msg]
	return id, ok
}

// visit notes where the run is now, and tells whether that is in the space.
func (f *Follower) visit() bool {
	f.at = f.mark.mark(&f.state)
	i, ok := slices.BinarySearchFunc(f.c.space.states, f.at, mark.compare)
	if ok {
		f.seen.states[i] = true
	}
	return ok
}

// between tells whether a message passes from node to node, or from or to a client.
func (m *Model) between(msg *core.Message) bool {
	l := &m.cfg.Layout
	return msg.From.Kind == core.Client || l.NodeOf(msg.From) != l.NodeOf(msg.To)
}
