package explore

import (
	"errors"
	"fmt"

	"paxoscommit/checker"
	"paxoscommit/checker/mc"
	"paxoscommit/harness"
)

// ErrDisagree is a counterexample that the World, taken through it, does not find to be one. Then
// this package is wrong.
var ErrDisagree = errors.New("explore: the world and its model disagree")

// Report is what an exploration found.
type Report struct {
	mc.Stats
	Results   []mc.Finding       // by property, without the actions, which Schedule has
	Violation *checker.Violation // as the World's monitor finds it at the end of Schedule; or nil
	Schedule  *harness.Schedule  // a way to it, as Explore says, in steps of the model; or nil
	Parts     int                // different parts of nodes
	Messages  int                // different messages between nodes
	Worked    uint64             // edges between parts that the World worked out
	Reduction string             // what of the package comment's reductions was on, or none
}

// Explore visits the reachable states of a world and judges each. A violation is looked for again
// with one worker and all actions of each state, so that its schedule is the shortest and the same
// on every machine; if a limit comes first, it is the one that was found. What is worked out before
// the first state counts for the limit by memory, and Options.Progress is told of it, without
// states. The error is ErrConfig, ErrTooLarge or ErrDisagree.
func Explore(c *Config, o mc.Options) (*Report, error) {
	m, err := prepare(c, &o)
	if err != nil {
		return nil, err
	}
	first, err := m.explore(o)
	if err != nil || first.Schedule == nil || o.Workers == 1 && !m.ordered {
		return first, err
	}
	if m, err = prepare(c, &o); err != nil {
		return nil, err
	}
	m.ordered, o.Workers = false, 1
	r, err := m.explore(o)
	if err == nil && r.Schedule == nil {
		return first, nil
	}
	return r, err
}

func (m *Model) explore(o mc.Options) (*Report, error) {
	if m.halted != mc.NoLimit {
		r := &Report{Reduction: m.reduction(), Parts: int(m.parts.n), Worked: m.worked}
		r.Limit, r.Bytes = m.halted, m.Held()
		return r, nil
	}
	progress := o.Progress
	o.Progress = func(p mc.Progress) bool {
		return m.Err() != nil || progress != nil && progress(p)
	}
	found, err := mc.Explore(m, m.properties(), o)
	if err = errors.Join(err, m.Err()); err != nil {
		return nil, err
	}
	r := &Report{
		Stats: found.Stats, Parts: int(m.parts.n), Messages: len(m.messages), Worked: m.worked,
		Reduction: m.reduction(),
	}
	for i := range found.Results {
		res := &found.Results[i]
		r.Results = append(r.Results, mc.Finding{
			Property: res.Property, Kind: res.Kind, Verdict: res.Verdict, Err: res.Err,
		})
		if res.Kind != mc.Sometimes && res.Trace != nil && r.Schedule == nil {
			if err := m.explain(r, res); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

func (m *Model) reduction() string {
	if m.cfg.Unreduced {
		return "none"
	}
	text := "fused-sync"
	for _, r := range []struct {
		on   bool
		name string
	}{
		{m.pruned, "dead-messages"},
		{len(m.symmetries) > 0, "symmetry"},
		{m.ordered, "partial-order"},
	} {
		if r.on {
			text += " " + r.name
		}
	}
	return text
}

// explain turns the trace of a violation into a schedule, and has the World judge it.
func (m *Model) explain(r *Report, res *mc.Result[State, Step]) error {
	ends := []end{nothing}
	var broken brokenError
	switch {
	case res.Property == decides:
		ends = []end{settle, lose} // the first is shorter, if it is enough
	case errors.As(res.Err, &broken) && broken.Property == checker.Linearizability:
		ends = []end{nothing, ask} // what clients saw, a run judges at its end
	}
	var actions []harness.Action
	var v *checker.Violation
	for i := 0; i < len(ends) && v == nil; i++ {
		actions, v = m.path(res.Trace, ends[i])
	}
	if v == nil {
		return fmt.Errorf("%w: %s: %w", ErrDisagree, res.Property, res.Err)
	}
	s := &harness.Schedule{Config: m.cfg.Config, Expect: v.Property}
	s.Config.Budget = harness.Budget{}
	for _, a := range actions {
		s.Actions = append(s.Actions, harness.Line{Action: a})
	}
	r.Schedule, r.Violation = s, v
	return nil
}
