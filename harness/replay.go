package harness

import (
	"fmt"
	"strings"

	"paxoscommit/checker"
	"paxoscommit/core"
)

// ReplayResult is what came of a replay.
type ReplayResult struct {
	Taken     []Action            // of the schedule's actions, in order; not those of the fair end
	Skipped   []int               // indices of the schedule's actions that were not enabled
	Missed    []checker.Milestone // of the schedule's Reach, those not reached
	Violation *checker.Violation  // nil if nothing was broken
	Unknown   bool                // the clients' history could not be judged
	Err       error               // why not: a Judge's error; nil if JudgeBudget ran out
	Reached   checker.Milestones
	Steps     int    // the fair end included
	Hash      uint64 // World.Hash at the end
	schedule  *Schedule
}

// Verdict is Violated if a property was broken, Holds if the replay did all that the schedule
// demands, and at least one action, and broke nothing, and otherwise Unknown.
func (r *ReplayResult) Verdict() checker.Verdict {
	switch {
	case r.Violation != nil:
		return checker.Violated
	case r.Unknown || len(r.Missed) > 0 || len(r.required()) > 0 || len(r.Taken) == 0:
		return checker.Unknown
	default:
		return checker.Holds
	}
}

// Passed tells whether the verdict is Holds.
func (r *ReplayResult) Passed() bool { return r.Verdict() == checker.Holds }

// required returns what of Skipped was not optional.
func (r *ReplayResult) required() []int {
	var list []int
	for _, i := range r.Skipped {
		if !r.schedule.Actions[i].Optional {
			list = append(list, i)
		}
	}
	return list
}

// String says why a replay did not pass, a line a reason, or that it passed.
func (r *ReplayResult) String() string {
	var lines []string
	if r.Violation != nil {
		lines = append(lines, r.Violation.String())
	}
	for _, i := range r.required() {
		l := &r.schedule.Actions[i]
		where := fmt.Sprintf("action %d", i+1)
		if l.At > 0 {
			where = fmt.Sprintf("line %d", l.At)
		}
		lines = append(lines, fmt.Sprintf("%s was skipped, it is not enabled: %v", where, l.Action))
	}
	for _, m := range r.Missed {
		lines = append(lines, fmt.Sprintf("milestone %v was not reached", m))
	}
	switch {
	case r.Err != nil:
		lines = append(lines, r.Err.Error())
	case r.Unknown:
		lines = append(lines, "what the clients saw could not be judged within the budget")
	}
	if len(r.Taken) == 0 {
		lines = append(lines, "no action was taken")
	}
	if len(lines) == 0 {
		return "passed"
	}
	return strings.Join(lines, "\n")
}

// Step is what one action of a replay did. It is good until the function that it is given to
// returns.
type Step struct {
	Index   int // of the schedule's actions; -1 in the fair end
	Action  Action
	Taken   bool           // false if it was not enabled; then it did nothing
	Durable []core.Record  // what the disk of a node has completed because of it, in order
	Sent    []core.Message // what is in flight because of it, in no order that means anything
	Out     *core.Output   // what the last machine that stepped wanted; Gated is in flight later
}

// String tells what the step did: the action on a line, and its effects indented, one a line.
func (s *Step) String() string {
	b := s.Action.AppendText(nil)
	if !s.Taken {
		return string(append(b, "\n    skipped: not enabled"...))
	}
	for i := range s.Out.Records {
		b = fmt.Appendf(b, "\n    record %v", s.Out.Records[i])
	}
	for i := range s.Out.Gated {
		b = fmt.Appendf(b, "\n    hold   %v", s.Out.Gated[i])
	}
	for i := range s.Sent {
		b = fmt.Appendf(b, "\n    send   %v", s.Sent[i])
	}
	for i := range s.Out.Decided {
		b = fmt.Appendf(b, "\n    %v", s.Out.Decided[i])
	}
	for _, d := range s.Out.Dropped {
		b = fmt.Appendf(b, "\n    ignored by %v: %v", d.Role, d.Reason)
	}
	return string(b)
}

// Replay makes the actions of a schedule happen, one after the other, until one breaks a
// property. What is not enabled is skipped. If settle is among the actions, or the schedule
// expects a property that shows only at the end of a run, the fair end follows and the clients'
// history is judged.
func Replay(s *Schedule) *ReplayResult { return ReplaySteps(s, nil) }

// ReplaySteps is Replay, and calls observe, unless it is nil, after each step.
func ReplaySteps(s *Schedule, observe func(*Step)) *ReplayResult {
	c := s.Config
	c.Budget = s.budget()
	p := &player{observe: observe}
	p.world.Reset(&c)
	p.synced = make([]int, len(p.world.disks))
	p.result.schedule = s
	p.play(s)
	r, w := &p.result, &p.world
	r.Violation, r.Reached = w.Violation(), w.monitor.Reached()
	r.Steps, r.Hash = w.steps, w.hash
	for _, m := range s.Reach {
		if !r.Reached.Has(m) {
			r.Missed = append(r.Missed, m)
		}
	}
	return r
}

// player is a replay under way.
type player struct {
	world   World
	result  ReplayResult
	observe func(*Step)
	before  []core.Message // in flight before the step; only for observe
	sent    []core.Message
	synced  []int // by node, how many records were durable before the step
	durable []core.Record
}

func (p *player) play(s *Schedule) {
	w := &p.world
	for i := range s.Actions {
		p.take(i, s.Actions[i].Action)
		if w.Violation() != nil {
			return
		}
	}
	if !w.settled && !runsToEnd(s.Expect) {
		return
	}
	w.Settle(func(a Action) { p.observed(-1, a, true) })
	if w.Violation() == nil {
		var judge Judge
		verdict, err := judge.Judge(w)
		p.result.Unknown, p.result.Err = err != nil || verdict == checker.Unknown, err
	}
}

func (p *player) take(i int, a Action) {
	happens := p.world.try(&a)
	if happens {
		p.result.Taken = append(p.result.Taken, a)
	} else {
		p.result.Skipped = append(p.result.Skipped, i)
	}
	p.observed(i, a, happens)
}

func (p *player) observed(i int, a Action, taken bool) {
	if p.observe == nil {
		return
	}
	p.sent = p.sent[:0]
	rest := p.before
	for _, m := range p.world.net.msgs {
		if k := indexMessage(rest, &m); k >= 0 {
			rest[k] = rest[len(rest)-1]
			rest = rest[:len(rest)-1]
		} else {
			p.sent = append(p.sent, m)
		}
	}
	p.durable = p.durable[:0]
	for n := range p.world.disks {
		d := &p.world.disks[n]
		p.durable = append(p.durable, d.records[p.synced[n]:d.durable]...)
		p.synced[n] = d.durable
	}
	p.observe(&Step{
		Index: i, Action: a, Taken: taken, Durable: p.durable, Sent: p.sent, Out: &p.world.out,
	})
	p.before = append(p.before[:0], p.world.net.msgs...)
	p.world.out.Reset()
}

func indexMessage(list []core.Message, m *core.Message) int {
	for i := range list {
		if list[i] == *m {
			return i
		}
	}
	return -1
}
