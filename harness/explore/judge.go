package explore

import (
	"fmt"
	"sync"

	"paxoscommit/checker"
	"paxoscommit/checker/mc"
	"paxoscommit/core"
	"paxoscommit/harness"
	"paxoscommit/specs"
)

// Names of the properties, as reports give them.
const (
	safety    = "safety"    // what checker.Monitor judges
	refines   = "TCommit"   // each step is one of TCommit.tla, or a stutter
	committed = "committed" // sometimes
	aborted   = "aborted"
	subset    = "subset"       // committed without somebody optional
	tooLate   = "too late"     // the registrar told somebody that the set is closed without him
	decides   = "non-blocking" // what Config.NonBlocking adds
)

// brokenError is a violation as mc carries it.
type brokenError struct{ *checker.Violation }

func (e brokenError) Error() string { return e.String() }

// properties are those of every world. Some run commits; some run aborts, if anything can go
// wrong.
func (m *Model) properties() []mc.Property[State, Step] {
	ps := []mc.Property[State, Step]{
		{Name: safety, Kind: mc.Always, Check: m.check},
		{Name: refines, Kind: mc.AlwaysStep, Step: m.refine, Stutters: true},
		{Name: committed, Kind: mc.Sometimes, Goal: m.all(specs.Committed)},
	}
	// A leader that the registrar does not tell of a transaction hears of it too late to abort it,
	// unless somebody who waits asks it.
	alone := m.cfg.Layout.Registrars > 0 && m.init.left[timeout] == 0
	if m.init.left[refusal] > 0 || m.init.left[takeover] > 0 && !alone {
		ps = append(ps, mc.Property[State, Step]{
			Name: aborted, Kind: mc.Sometimes, Goal: m.all(specs.Aborted),
		})
	}
	if m.cfg.Txns[0].Optional != 0 && m.init.left[timeout] > 0 { // nobody is left out before one
		ps = append(ps, mc.Property[State, Step]{
			Name: subset, Kind: mc.Sometimes, Goal: func(s State) bool {
				return m.takers(&s, 0) != m.cfg.Txns[0].Members && m.all(specs.Committed)(s)
			},
		}, mc.Property[State, Step]{Name: tooLate, Kind: mc.Sometimes, Goal: m.isLeftOut})
	}
	if m.cfg.NonBlocking {
		ps = append(ps, mc.Property[State, Step]{
			Name: decides, Kind: mc.Always, Check: m.canDecide,
		})
	}
	return ps
}

// canDecide judges that from a state everybody can still decide even if all that is in flight is
// lost: by the fair end of a World. So it is judged once for all states of the same parts.
func (m *Model) canDecide(s State) error {
	m.settled.mu.Lock()
	known := m.settled.good[s.parts]
	m.settled.mu.Unlock()
	if known {
		return nil
	}
	parts := make([]*harness.Part, m.n)
	for i := range parts {
		if p := m.part(s.parts[i]); !p.broken {
			parts[i] = p.data
		} else {
			return nil // it is judged elsewhere
		}
	}
	w := harness.NewWorld(&m.cfg.Config)
	w.Join(parts)
	w.Settle(nil)
	if v := w.Violation(); v != nil {
		return brokenError{v}
	}
	m.settled.mu.Lock()
	m.settled.good[s.parts] = true
	m.settled.mu.Unlock()
	return nil
}

// settled remembers which parts, together, were found to decide.
type settled struct {
	mu   sync.Mutex
	good map[[maxParts]uint32]bool
}

// verdictLog is the size of the memory of tuples of facts that were judged and broke nothing. It
// is direct-mapped: what it forgets is judged again.
const (
	verdictLog     = 14
	verdictStripes = 64
)

type verdicts struct {
	stripes [verdictStripes]struct {
		mu    sync.Mutex
		tuple [1 << verdictLog / verdictStripes][maxParts]uint32
	}
}

// check judges a state by what the monitors of its parts know.
func (m *Model) check(s State) error {
	if m.visit != nil {
		m.visit(s)
	}
	var tuple [maxParts]uint32
	h := uint64(0)
	for i := range m.n {
		tuple[i] = m.part(s.parts[i]).facts
		h = (h ^ uint64(tuple[i])) * 0x9e3779b97f4a7c15
		h ^= h >> 29
	}
	stripe := &m.verdicts.stripes[h%verdictStripes]
	slot := h / verdictStripes % uint64(len(stripe.tuple))
	stripe.mu.Lock()
	known := stripe.tuple[slot] == tuple
	stripe.mu.Unlock()
	if known {
		return nil
	}
	if _, v := m.together(&s); v != nil {
		return brokenError{v}
	}
	stripe.mu.Lock()
	stripe.tuple[slot] = tuple
	stripe.mu.Unlock()
	return nil
}

// together returns a monitor that knows what those of all parts know, and what is broken.
func (m *Model) together(s *State) (*checker.Monitor, *checker.Violation) {
	var parts [maxParts]*checker.Monitor
	for i := range m.n {
		parts[i] = m.part(s.parts[i]).data.Monitor()
	}
	all := &checker.Monitor{}
	c := &m.cfg.Config
	all.Reset(&c.Layout, c.Txns, c.Accounts, c.Opening)
	return all, all.Together(parts[:m.n])
}

// rmStates returns rmState of TCommit.tla, by transaction, for the resource managers of a part.
func (m *Model) rmStates(d *harness.Part) []specs.RMStates {
	states := make([]specs.RMStates, len(m.cfg.Txns))
	for i := range m.cfg.Txns {
		states[i] = m.rmStatesBy(d.Monitor(), i)
	}
	return states
}

func (m *Model) rmStatesBy(mon *checker.Monitor, i int) (states specs.RMStates) {
	for rm := range uint8(m.cfg.Layout.RMs) {
		vote, outcome := mon.RMState(i, rm+1)
		states = states.With(int(rm), rmState(vote, outcome))
	}
	return states
}

func rmState(vote, outcome core.Value) specs.RMState {
	switch {
	case outcome == core.Committed:
		return specs.Committed
	case outcome == core.Aborted || vote == core.Aborted:
		return specs.Aborted
	case vote == core.Prepared:
		return specs.Prepared
	}
	return specs.Working
}

// rmState is the whole rmState of a transaction. No part alone knows that of a replicated resource
// manager.
func (m *Model) rmState(s *State, i int) specs.RMStates {
	if m.cfg.Layout.Replicas > 1 {
		all, _ := m.together(s)
		return m.rmStatesBy(all, i)
	}
	var all specs.RMStates
	for k := range m.n {
		all |= m.part(s.parts[k]).rmState[i]
	}
	return all
}

// registrar returns what the monitor of the registrar's node knows.
func (m *Model) registrar(s *State) *checker.Monitor {
	n := m.cfg.Layout.NodeOf(core.Role{Kind: core.Registrar, ID: 1})
	return m.part(s.parts[n]).data.Monitor()
}

// takers returns those that take part in a transaction: those that have joined, once that is
// decided, else all members.
func (m *Model) takers(s *State, i int) core.Set {
	if m.cfg.Layout.Registrars > 0 {
		if set := m.registrar(s).Takers(i); set != 0 {
			return set
		}
	}
	return m.cfg.Txns[i].Members
}

func (m *Model) isLeftOut(s State) bool { return m.registrar(&s).LeftOut(0) != 0 }

// refine holds a step against TCommit.tla, whose resource managers are those that take part. The
// last crash completes what other nodes have written: a step for each of them, votes first.
func (m *Model) refine(s State, a Step, t State) error {
	if a.class != crash && m.part(s.parts[a.node]).facts == m.part(t.parts[a.node]).facts {
		return nil
	}
	for i := range m.cfg.Txns {
		before, after := m.rmState(&s, i), m.rmState(&t, i)
		takers := m.takers(&t, i)
		for out := core.FullSet(m.cfg.Layout.RMs) &^ takers; out != 0; out &= out - 1 {
			before = before.With(int(out.First())-1, specs.Prepared) // as if they agreed
		}
		for _, votes := range [...]bool{true, false} {
			for in := takers; in != 0; in &= in - 1 {
				rm := int(in.First()) - 1
				from, to := before.Of(rm), after.Of(rm)
				if from == to || votes && from != specs.Working {
					continue
				}
				next := before.With(rm, to)
				if err := specs.TCommitStep(m.cfg.Layout.RMs, before, next); err != nil {
					return fmt.Errorf("%v: %w", m.cfg.Txns[i].ID, err)
				}
				before = next
			}
		}
	}
	return nil
}

// all tells of a state whether those that take part in the first transaction are in a state of
// TCommit.tla.
func (m *Model) all(want specs.RMState) func(State) bool {
	return func(s State) bool {
		states := m.rmState(&s, 0)
		for r := m.takers(&s, 0); r != 0; r &= r - 1 {
			if states.Of(int(r.First())-1) != want {
				return false
			}
		}
		return true
	}
}
