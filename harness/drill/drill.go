package drill

import (
	"errors"
	"fmt"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/core/bank"
	"paxoscommit/harness"
)

// ErrStep means that the run is over before the failure can happen.
var ErrStep = errors.New("drill: no such step")

// Failure is what goes wrong: the nodes of some roles die, or are cut off from all others.
type Failure struct {
	Die []core.Role
	Cut []core.Role
}

// When tells whether the failure happens now: before the next message is delivered, which is nil at
// the end, with so many messages delivered before. Only messages that costs.Counts counts are
// counted.
type When func(delivered []core.Message, next *core.Message) bool

// Before happens before the i-th message, counted from 0; one past the last is the end.
func Before(i int) When {
	return func(delivered []core.Message, _ *core.Message) bool { return len(delivered) == i }
}

// State is how far a resource manager has come. The zero state means none.
type State uint8

// The states.
const (
	NoState   State = iota
	Untouched       // it has not voted, and need not know
	Blocked         // it has voted, holds its locks, and knows of no outcome
	Committed
	Aborted
	Dead
	numStates
)

// String gives the state's name.
func (s State) String() string {
	if s >= numStates {
		return fmt.Sprintf("state%d", uint8(s))
	}
	return [...]string{"none", "untouched", "blocks", "commits", "aborts", "dead"}[s]
}

// Result is what a failure has led to.
type Result struct {
	Delivered []core.Message     // before the failure: the messages of the protocol, in order
	Next      *core.Message      // the one that it came before; nil at the end
	RMs       []State            // by number
	Far       core.Set           // resource managers that are cut off
	Schedule  *harness.Schedule  // all that happened, to be replayed
	Failed    int                // so many actions came before the failure
	Last      int                // with so many actions done everybody was as far as in the end
	Broken    *checker.Violation // the property that was broken, or nil
}

// Of returns the state of the resource managers on one side, the living ones: the same for all, or
// false if they differ.
func (r *Result) Of(far bool) (State, bool) {
	state, same := NoState, true
	for i, s := range r.RMs {
		if s == Dead || r.Far.Has(uint8(i+1)) != far {
			continue
		}
		same = same && (state == NoState || state == s)
		state = s
	}
	return state, same
}

// Splits tells whether one has committed and one has aborted.
func (r *Result) Splits() bool {
	var committed, aborted bool
	for _, s := range r.RMs {
		committed = committed || s == Committed
		aborted = aborted || s == Aborted
	}
	return committed && aborted
}

// NewConfig returns a world in which client 1 asks rm1 for one transaction of all resource
// managers, in the synchronous timing: whoever waits no longer is right to.
func NewConfig(p core.Protocol, s core.Sizes) (*harness.Config, error) {
	least, most := p.Limits()
	l, err := core.NewLayout(s.Clamp(least, most))
	if err != nil {
		return nil, err
	}
	work := bank.Work{Read: core.FullSet(l.RMs)}
	c := &harness.Config{
		Protocol: p, Layout: *l, Timing: harness.Synchronous, Accounts: l.RMs, Opening: 100,
		LoseMajority: true,
		Txns: []checker.Txn{{
			ID: core.TxID{Origin: 1, Seq: 1}, RM: 1, Members: core.FullSet(l.RMs), Work: work,
		}},
	}
	return c, c.Validate()
}
