package explore

import (
	"errors"
	"fmt"

	"paxoscommit/checker"
	"paxoscommit/checker/mc"
	"paxoscommit/harness"
)

// errCounted is a state that a census counts as blocked or split.
var errCounted = errors.New("explore: counted")

// Example returns a shortest way to a state that a census with this failure counts as blocked or
// split, in steps of the model, as a schedule that shows it: after a death it expects NonBlocking,
// of a split Consistency, and in a partition, at whose end somebody learns the outcome after all,
// it goes on fairly for as long as anything happens. It returns nil if there is no such state, or
// none was found within the limits. Errors are those of TakeCensus, and ErrDisagree.
func Example(c *Config, f Failure, o mc.Options) (*harness.Schedule, error) {
	k, err := newCensusModel(c, []Failure{f}, &o)
	if err != nil || k.halted != mc.NoLimit {
		return nil, err
	}
	progress := o.Progress
	o.Progress = func(p mc.Progress) bool {
		return k.Err() != nil || progress != nil && progress(p)
	}
	r, err := mc.Explore(k, []mc.Property[censusState, Step]{{
		Name: "not counted", Kind: mc.Always, Check: func(s censusState) error {
			if split, blocked := k.judge(s); split || blocked != [2]bool{} {
				return errCounted
			}
			return nil
		},
	}}, o)
	if err = errors.Join(err, k.Err()); err != nil || r.Results[0].Trace == nil {
		return nil, err
	}
	return k.show(r.Results[0].Trace)
}

// show turns the way to a state that is counted into a schedule that shows why.
func (k *censusModel) show(t *mc.Trace[censusState, Step]) (*harness.Schedule, error) {
	last := t.Last()
	split, _ := k.judge(last)
	then := settle
	switch {
	case split:
		then = nothing
	case last.failed != 0 && len(k.cuts[last.failed-1]) > 0:
		then = goOn
	}
	plain := mc.Trace[State, Step]{Init: t.Init.State}
	for _, s := range t.Steps {
		plain.Steps = append(plain.Steps, mc.Step[State, Step]{Action: s.Action, State: s.State.State})
	}
	k.cfg.Timing = k.timing
	actions, v := k.path(&plain, then)
	s := &harness.Schedule{Config: k.cfg.Config}
	s.Config.Budget = harness.Budget{}
	want := [...]checker.Property{
		nothing: checker.Consistency, settle: checker.NonBlocking, goOn: checker.NoProperty,
	}[then]
	if v != nil {
		s.Expect = v.Property
	}
	if s.Expect != want {
		return nil, fmt.Errorf("%w: %v", ErrDisagree, v)
	}
	for _, a := range actions {
		s.Actions = append(s.Actions, harness.Line{Action: a})
	}
	return s, nil
}
