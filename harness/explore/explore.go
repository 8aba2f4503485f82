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
	Failed    string             // the property that was decided against; "" if none
	Violation *checker.Violation // as the World's monitor finds it at the end of Schedule; or nil
	Schedule  *harness.Schedule  // the shortest way to it, in steps of the model
	Reached   []string           // sometimes-properties that hold
	Unreached []string           // and those that do not, or for which the limit came first
	Parts     int                // different states of single nodes
	Messages  int                // different messages between nodes
	Worked    uint64             // edges of parts that the World worked out
}

// Explore visits the reachable states of a world and judges each. The error is ErrConfig,
// ErrTooLarge or ErrDisagree. A counterexample is the least, in the order of the actions, if
// o.Workers is 1.
func Explore(c *Config, o mc.Options) (*Report, error) {
	m, err := NewModel(c)
	if err != nil {
		return nil, err
	}
	return m.Explore(o)
}

// Explore is the function of that name. A model explores only once.
func (m *Model) Explore(o mc.Options) (*Report, error) {
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
	}
	for i := range found.Results {
		res := &found.Results[i]
		switch {
		case res.Kind == mc.Sometimes && res.Verdict == mc.Holds:
			r.Reached = append(r.Reached, res.Property)
		case res.Kind == mc.Sometimes:
			r.Unreached = append(r.Unreached, res.Property)
		case res.Verdict == mc.Violated && r.Failed == "":
			r.Failed = res.Property
			if err := m.explain(r, res); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

// explain turns the trace of a violation into a schedule, and has the World judge it.
func (m *Model) explain(r *Report, res *mc.Result[State, Step]) error {
	actions, v := m.path(res.Trace)
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
