package explore

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"

	"paxoscommit/checker/mc"
	"paxoscommit/core"
	"paxoscommit/harness"
	"paxoscommit/specs"
)

// Failure is the one thing that goes wrong in a census, at any moment or never: the process of a
// role dies for good, or those of some roles are cut off from all others for good.
type Failure struct {
	Dies core.Role
	Cut  []core.Role
}

// String gives "tm1 dies" or "rm2 cut off".
func (f Failure) String() string {
	if len(f.Cut) == 0 {
		return fmt.Sprintf("%v dies", f.Dies)
	}
	var names []string
	for _, r := range f.Cut {
		names = append(names, r.String())
	}
	return strings.Join(names, " ") + " cut off"
}

// Census is how many states can be reached, and how many of them are bad. What is bad does not end
// it. Unless it is Complete, the numbers are those of the states that were visited.
type Census struct {
	mc.Stats
	Healthy Count // before any failure
	Rows    []Row // by failure
}

// Row is what there is after one failure.
type Row struct {
	Failure Failure
	Count
}

// Count is how many states there are, and of those in how many a resource manager that lives and is
// prepared is *blocked*: it learns no outcome if all that is in flight arrives, and everything then
// goes on fairly, as by harness.World.Continue, with all the timers that may fire, without the
// process that is dead, or with the partition; in a partition, by the side of the resource manager,
// those that are cut off last. And in how many one resource manager has committed and another has
// aborted.
type Count struct {
	States  uint64
	Blocked [2]uint64
	Split   uint64
}

// TakeCensus visits the reachable states of a world in its timing, with at most one failure, and
// counts. Crashes, Deaths and Cuts of c.Budget must be 0, and in the synchronous timing Timeouts:
// what is said again is armed at various times for various roles, of which the key of a part knows
// nothing. In the asynchronous timing messages are lost, repeated and reordered at will; in the
// synchronous one they are reordered, and what a process had sent before it died may be lost.
// Unreduced says whether a sync is a step of its own, and whether states differ by messages that do
// not matter any more. Errors are ErrConfig and ErrTooLarge.
func TakeCensus(c *Config, failures []Failure, o mc.Options) (*Census, error) {
	k, err := newCensusModel(c, failures, &o)
	if err != nil {
		return nil, err
	}
	found := &Census{}
	if k.halted != mc.NoLimit {
		found.Limit, found.Bytes = k.halted, k.Held()
		return found, nil
	}
	progress := o.Progress
	o.Progress = func(p mc.Progress) bool {
		return k.Err() != nil || progress != nil && progress(p)
	}
	r, err := mc.Explore(k, []mc.Property[censusState, Step]{{
		Name: "counted", Kind: mc.Always, Check: k.count,
	}}, o)
	if err = errors.Join(err, k.Err()); err != nil {
		return nil, err
	}
	found.Stats, found.Healthy = r.Stats, k.tallies[0].count()
	for i, f := range failures {
		found.Rows = append(found.Rows, Row{f, k.tallies[i+1].count()})
	}
	return found, nil
}

// censusModel is a world with at most one of some failures.
type censusModel struct {
	*Model
	timing   harness.Timing
	failures []failure
	rms      []core.NodeSet // the nodes of each
	tallies  []tally        // by censusState.failed

	mu        sync.Mutex
	undecided map[continuedKey]core.Set
}

// failure is a Failure by nodes.
type failure struct {
	dies   core.NodeID  // 0 if nobody does
	far    core.NodeSet // cut off
	farRMs core.Set
}

// censusState is a state with what is in flight, or in the asynchronous timing what was ever sent.
type censusState struct {
	State
	failed uint8 // number of the failure that has happened; 0 if none has
}

type continuedKey struct {
	parts  [maxParts]uint32
	failed uint8
}

func newCensusModel(c *Config, failures []Failure, o *mc.Options) (*censusModel, error) {
	b := &c.Budget
	if b.Deaths != 0 || b.Cuts != 0 || b.Crashes != 0 || len(failures) >= isCut {
		return nil, fmt.Errorf("%w: the failures of a census are named apart", ErrConfig)
	}
	if c.Timing == harness.Synchronous && b.Timeouts != 0 {
		return nil, fmt.Errorf("%w: parts do not tell whom a timer waits for", ErrConfig)
	}
	k := &censusModel{
		timing: c.Timing, undecided: map[continuedKey]core.Set{},
		tallies: make([]tally, len(failures)+1),
	}
	for i := range c.Layout.RMs {
		rm := core.Role{Kind: core.RM, ID: uint8(i + 1)}
		var nodes core.NodeSet
		for r := range max(1, c.Layout.Replicas) {
			nodes.Add(c.Layout.NodeOf(c.Layout.ReplicaOf(rm, r)))
		}
		k.rms = append(k.rms, nodes)
	}
	for i := range failures {
		if err := k.add(c, &failures[i]); err != nil {
			return nil, err
		}
	}
	parts := *c
	parts.Timing = harness.Asynchronous // when a timer may fire the state tells, not the part
	parts.NonBlocking = true            // every state is wanted
	parts.census, parts.Budget.Deaths = true, 1
	if err := parts.Validate(); err != nil {
		return nil, err
	}
	var err error
	if k.timing == harness.Synchronous {
		k.Model = newModel(&parts)
	} else if k.Model, err = prepare(&parts, o); err != nil {
		return nil, err
	}
	for i := range k.failures {
		k.cuts = append(k.cuts, k.failures[i].cuts(k.n))
	}
	return k, nil
}

// cuts returns the actions that cut off who is cut off, of so many parts.
func (f *failure) cuts(parts int) []harness.Action {
	var list []harness.Action
	for n := range parts {
		if a := (harness.Action{Type: harness.Cut, Node: core.NodeID(n)}); f.far.Has(a.Node) {
			list = append(list, a)
		}
	}
	return list
}

func (k *censusModel) add(c *Config, named *Failure) error {
	var f failure
	for _, r := range named.Cut {
		f.far.Add(c.Layout.NodeOf(r))
	}
	var gone core.NodeSet
	if len(named.Cut) == 0 {
		f.dies = c.Layout.NodeOf(named.Dies)
		gone.Add(f.dies)
	}
	if f.far.Len() != len(named.Cut) || f.far.Has(0) || gone.Has(0) || !c.CanLose(&gone) {
		return fmt.Errorf("%w: %v: no such roles, or they cannot be lost", ErrConfig, named)
	}
	for i, nodes := range k.rms {
		if f.far.Has(nodes.First()) {
			f.farRMs = f.farRMs.With(uint8(i + 1))
		}
	}
	k.failures = append(k.failures, f)
	return nil
}

// tally is a Count while it is taken.
type tally struct {
	states, split atomic.Uint64
	blocked       [2]atomic.Uint64
}

func (t *tally) count() Count {
	return Count{t.states.Load(), [2]uint64{t.blocked[0].Load(), t.blocked[1].Load()}, t.split.Load()}
}

// count looks at a state. It finds nothing wrong with any.
func (k *censusModel) count(s censusState) error {
	t := &k.tallies[s.failed]
	t.states.Add(1)
	if split, blocked := k.judge(s); split || blocked != [2]bool{} {
		if split {
			t.split.Add(1)
		}
		for side, is := range blocked {
			if is {
				t.blocked[side].Add(1)
			}
		}
	}
	return nil
}

// judge tells what is bad about a state; nobody is blocked before the failure.
func (k *censusModel) judge(s censusState) (split bool, blocked [2]bool) {
	states := k.rmState(&s.State, 0)
	split = states.Consistent(k.cfg.Layout.RMs) != nil
	if s.failed == 0 {
		return split, blocked
	}
	var waiting core.Set
	for i, nodes := range k.rms {
		if states.Of(i) == specs.Prepared && k.anyUp(&s, nodes) {
			waiting = waiting.With(uint8(i + 1))
		}
	}
	if waiting != 0 {
		waiting &= k.continued(s)
		far := k.failures[s.failed-1].farRMs
		blocked = [2]bool{waiting&^far != 0, waiting&far != 0}
	}
	return split, blocked
}

func (k *censusModel) anyUp(s *censusState, nodes core.NodeSet) bool {
	for i := 1; i < k.n; i++ {
		if nodes.Has(core.NodeID(i)) && k.part(s.parts[i]).data.Up() {
			return true
		}
	}
	return false
}

// continued returns the resource managers that never know an outcome once s goes on fairly.
func (k *censusModel) continued(s censusState) core.Set {
	k.drain(&s)
	key := continuedKey{s.parts, s.failed}
	k.mu.Lock()
	defer k.mu.Unlock()
	rms, ok := k.undecided[key]
	if !ok {
		rms = k.worldContinued(&s)
		k.undecided[key] = rms
	}
	return rms
}

func (k *censusModel) worldContinued(s *censusState) (undecided core.Set) {
	f := &k.failures[s.failed-1]
	c := k.cfg.Config
	c.Timing = k.timing
	c.Budget = harness.Budget{Timeouts: math.MaxInt, Cuts: f.far.Len()}
	parts := make([]*harness.Part, k.n)
	for i := range parts {
		parts[i] = k.part(s.parts[i]).data
	}
	w := harness.NewWorld(&c)
	w.Join(parts)
	for _, a := range k.cuts[s.failed-1] {
		_ = w.Apply(a) // the budget is for just these
	}
	w.Continue(nil)
	for i := range k.rms {
		rm := uint8(i + 1)
		if _, outcome := w.Monitor().RMState(0, rm); outcome == core.NoValue {
			undecided = undecided.With(rm)
		}
	}
	return undecided
}

// drain has everything arrive that is in flight, without a timer.
func (k *censusModel) drain(s *censusState) {
	for range k.cfg.SettleBound() {
		if i, o := k.moving(s); o != nil {
			s.parts[i] = o.next
			k.send(s, o.out)
			continue
		}
		id := s.firstMessage()
		if id < 0 {
			return
		}
		s.sent[id/64] &^= 1 << (id % 64)
		i := k.receiver[id].node
		e := k.arrival(s, id)
		s.parts[i] = e.next
		k.send(s, e.out)
	}
	k.fail("messages without end")
}

// firstMessage returns the least number of a message in flight, -1 if there is none.
func (s *censusState) firstMessage() int {
	for id := range s.messages() {
		return id
	}
	return -1
}
