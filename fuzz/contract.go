package fuzz

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/harness"
)

const (
	// contractRuns is in how many runs Check watches the machines themselves.
	contractRuns = 200
	// copySteps is after how many steps a machine that is watched is copied again.
	copySteps = 8
	// oddSteps is after how many steps the copy is given an input that should not exist.
	oddSteps = 5
	// againRuns is how often a machine is made again to see whether it is deterministic.
	againRuns = 8
	// againKeys is how often a key that has changed is asked for again. In the order of a map of
	// four, 7 of 16 pairs of keys are alike.
	againKeys = 40
)

// checkContract makes some runs in which the machines are watched for what core.Machine promises
// and no property of a run shows: a copy behaves as its original and shares nothing with it, a
// machine that was Reset behaves as a new one, the same inputs give the same outputs, equal states
// give equal keys and states that answer differently do not, and an error changes nothing. It
// returns what is wrong, or "".
func checkContract(o Options, runs uint64) (string, error) {
	p := &watched{Protocol: o.Protocol}
	o.Protocol = p
	r := newRunner(&o)
	for i := range min(runs, contractRuns) {
		s := &harness.Schedule{Expect: checker.Contract}
		_, err := r.run(i, func(a harness.Action) {
			s.Actions = append(s.Actions, harness.Line{Action: a})
		})
		switch {
		case p.breach != nil: // first, as it may be the reason for the other
			s.Config = r.config
			return fmt.Sprintf("Contract: %v\nseed %d, run %d, in the last of these actions:\n%s"+
				"next: the contract is in the comment of core.Machine", p.breach, o.Seed, i, s), nil
		case err != nil:
			return "", err
		}
	}
	return "", nil
}

// watched is a protocol whose machines are watched.
type watched struct {
	core.Protocol
	breach error // the first of any machine
}

// New returns a machine beside which others do the same.
func (p *watched) New() core.Machine {
	return &watchedMachine{Machine: p.Protocol.New(), copy: p.Protocol.New(), protocol: p}
}

// watchedMachine is a machine, and others that must answer as it does.
type watchedMachine struct {
	core.Machine
	copy     core.Machine // of Machine, from time to time
	twin     core.Machine // made when Machine was last Reset
	protocol *watched
	layout   *core.Layout
	node     core.NodeID
	inputs   []core.Input // since Reset
	answers  map[occasion]answer
	broken   error // what is wrong with it, since Reset
}

// occasion is an input in a state.
type occasion struct {
	key string
	in  core.Input
}

// answer is what a machine makes of an input.
type answer struct {
	out    core.Output
	key    string // afterwards
	failed bool
}

func (a *answer) equal(b *answer) bool { return a.failed == b.failed && sameOutput(&a.out, &b.out) }

func sameOutput(a, b *core.Output) bool {
	return slices.Equal(a.Records, b.Records) && slices.Equal(a.Send, b.Send) &&
		slices.Equal(a.Gated, b.Gated) && slices.Equal(a.Arm, b.Arm) &&
		slices.Equal(a.Disarm, b.Disarm) && slices.Equal(a.Decided, b.Decided) &&
		slices.Equal(a.Dropped, b.Dropped)
}

// breach notes what is wrong, unless something was before.
func (m *watchedMachine) breach(format string, args ...any) {
	m.broken = cmp.Or(m.broken, fmt.Errorf(format, args...))
	m.protocol.breach = cmp.Or(m.protocol.breach, m.broken)
}

// key returns the key of a machine.
func (m *watchedMachine) key(of core.Machine) string {
	key := string(of.AppendKey(nil))
	switch again := string(of.AppendKey([]byte("key "))); {
	case len(again) < 4 || again[:4] != "key ":
		m.breach("AppendKey: does not append to its argument")
	case again[4:] != key:
		m.breach("AppendKey: gives other bytes for the same state when it is called again")
	}
	return key
}

// changed tells whether the key of a machine is another than before. If so, it is asked for again
// and again first: it may be another each time, and then that is what is wrong.
func (m *watchedMachine) changed(of core.Machine, before string) bool {
	if m.key(of) == before {
		return false
	}
	for range againKeys {
		m.key(of)
	}
	return true
}

// Reset also makes the twin.
func (m *watchedMachine) Reset(l *core.Layout, n core.NodeID) {
	m.layout, m.node, m.inputs, m.broken = l, n, m.inputs[:0], nil
	m.answers = map[occasion]answer{}
	m.twin = m.protocol.Protocol.New()
	m.twin.Reset(l, n)
	m.Machine.Reset(l, n)
	m.copyAgain()
	if m.key(m.twin) != m.key(m.Machine) {
		m.suspect("Reset: a machine that was used before is not what a new one is")
	}
}

// CopyFrom copies what is watched.
func (m *watchedMachine) CopyFrom(src core.Machine) {
	m.Machine.CopyFrom(src.(*watchedMachine).Machine)
}

func (m *watchedMachine) copyAgain() {
	defer func() {
		if p := recover(); p != nil {
			m.breach("CopyFrom: panics: %v", p)
		}
	}()
	m.copy.CopyFrom(m.Machine)
	if m.key(m.copy) != m.key(m.Machine) {
		m.suspect("CopyFrom: the copy is in another state than its original")
	}
}

// Step has all machines take the input, and compares. What is wrong is an error.
func (m *watchedMachine) Step(in *core.Input, out *core.Output) error {
	if m.broken != nil {
		return m.broken
	}
	m.inputs = append(m.inputs, *in)
	if len(m.inputs)%copySteps == 0 {
		m.copyAgain()
	}
	before := m.key(m.Machine)
	byCopy, _ := m.answerOf(m.copy, in)
	if m.changed(m.Machine, before) {
		m.breach("CopyFrom: %s changes a machine when its copy takes it", inputText(in))
	}
	own, err := m.answerOf(m.Machine, in)
	if m.changed(m.copy, byCopy.key) {
		m.breach("CopyFrom: %s changes a copy when its original takes it", inputText(in))
	}
	byTwin, _ := m.answerOf(m.twin, in)
	at := occasion{before, *in}
	known, seen := m.answers[at]
	m.answers[at] = own
	switch {
	case !own.equal(&byCopy) || own.key != byCopy.key:
		m.suspect("CopyFrom: a copy does not do the same as its original at " + inputText(in))
	case !own.equal(&byTwin) || own.key != byTwin.key:
		m.suspect("Reset: a machine that was used before does not do the same as a new one at " +
			inputText(in))
	case seen && !own.equal(&known):
		m.suspect("AppendKey: equal bytes, but different answers to " + inputText(in))
	}
	if len(m.inputs)%oddSteps == 0 {
		m.takeOdd(in)
	}
	if m.broken == nil && err == nil {
		*out = own.out
	}
	return cmp.Or(m.broken, err)
}

// answerOf has a machine take an input. On an error nothing may change.
func (m *watchedMachine) answerOf(of core.Machine, in *core.Input) (answer, error) {
	before := m.key(of)
	given := *in
	var a answer
	err := of.Step(&given, &a.out)
	a.failed, a.key = err != nil, m.key(of)
	switch {
	case err == nil:
	case m.changed(of, before):
		m.breach("Step: an error changes the state: %v, at %s", err, inputText(in))
	case !sameOutput(&a.out, &core.Output{}):
		m.breach("Step: an error comes with output: %v, at %s", err, inputText(in))
	}
	return a, err
}

// takeOdd gives the copy inputs like the last one that should not exist. It may refuse them.
func (m *watchedMachine) takeOdd(last *core.Input) {
	odd := *last
	odd.Type = core.InputMessage
	for _, change := range []func(){
		func() { odd.Msg.Type = core.NoMsg },
		func() { odd.Msg = last.Msg; odd.Msg.To.ID = 64 },
		func() { odd.Msg.Type, odd.Msg.To = core.MsgPhase1b, odd.Msg.From },
		func() { odd.Type = core.NoInput },
	} {
		change()
		if !m.survives(&odd) {
			return
		}
	}
	m.copyAgain()
}

// survives tells whether the copy does not panic.
func (m *watchedMachine) survives(in *core.Input) (ok bool) {
	defer func() {
		if p := recover(); p != nil {
			m.breach("Step: panics instead of returning an error: %v, at %s", p, inputText(in))
		}
	}()
	if _, err := m.answerOf(m.copy, in); err == nil {
		m.copyAgain()
	}
	return true
}

// suspect notes what is wrong, or that the machine is not even deterministic.
func (m *watchedMachine) suspect(what string) {
	first := m.again()
	for range againRuns {
		switch next := m.again(); {
		case !next.equal(&first):
			what = "Step: the same inputs do not give the same outputs"
		case next.key != first.key:
			what = "AppendKey: the same inputs do not give the same bytes"
		}
	}
	m.breach("%w", errors.New(what))
}

// again has a new machine take all inputs, and returns the last answer.
func (m *watchedMachine) again() answer {
	fresh := m.protocol.Protocol.New()
	fresh.Reset(m.layout, m.node)
	last := answer{key: m.key(fresh)}
	for i := range m.inputs {
		last, _ = m.answerOf(fresh, &m.inputs[i])
	}
	return last
}

func inputText(in *core.Input) string {
	switch in.Type {
	case core.InputMessage:
		return in.Msg.String()
	case core.InputTimer:
		return "timer " + in.Timer.String()
	case core.InputRecord:
		return "record " + in.Rec.String()
	case core.InputRestart:
		return "restart"
	default:
		return "no input"
	}
}
