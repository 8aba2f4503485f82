package specs

import (
	"errors"
	"fmt"
	"math/bits"
	"strings"

	"paxoscommit/checker/mc"
)

// Errors of this package.
var (
	// ErrSize is a number of resource managers, acceptors or ballots that a model cannot hold.
	ErrSize = errors.New("specs: size out of range")
	// ErrInconsistent is one resource manager committed and another aborted: TCConsistent is false.
	ErrInconsistent = errors.New("specs: one resource manager committed, another aborted")
	// ErrNotTCommit is a step that is neither a step of TCNext nor a stutter.
	ErrNotTCommit = errors.New("specs: not a step of TCommit")
)

// RMState is the state of a resource manager.
type RMState uint8

// The states of a resource manager.
const (
	Working RMState = iota
	Prepared
	Committed
	Aborted
)

// String is the state as TLA+ writes it, without the quotes.
func (s RMState) String() string {
	return [...]string{"working", "prepared", "committed", "aborted"}[s&3]
}

// MaxRMs is the greatest number of resource managers in a model: 20! orbits still fit into 64 bits.
const MaxRMs = 20

// RMStates is rmState: two bits a resource manager, the first in the lowest.
type RMStates uint64

// Of is rmState[rm].
func (r RMStates) Of(rm int) RMState { return RMState(r >> (2 * rm) & 3) }

// With is [rmState EXCEPT ![rm] = s].
func (r RMStates) With(rm int, s RMState) RMStates {
	return r&^(3<<(2*rm)) | RMStates(s)<<(2*rm)
}

// anyIs says whether one of the first n resource managers is in state s.
func (r RMStates) anyIs(n int, s RMState) bool {
	const low = 0x5555555555555555 // one bit a resource manager
	diff := uint64(r) ^ low*uint64(s)
	return ^(diff|diff>>1)&low&(1<<(2*n)-1) != 0
}

// Format writes the states of the first n resource managers.
func (r RMStates) Format(n int) string {
	var b strings.Builder
	for rm := range n {
		fmt.Fprintf(&b, " rm%d=%v", rm+1, r.Of(rm))
	}
	return strings.TrimSpace(b.String())
}

// canCommit: every resource manager is prepared or committed.
func (r RMStates) canCommit(n int) bool { return !r.anyIs(n, Working) && !r.anyIs(n, Aborted) }

// notCommitted: no resource manager is committed.
func (r RMStates) notCommitted(n int) bool { return !r.anyIs(n, Committed) }

// Consistent is TCConsistent for n resource managers: nil, or [ErrInconsistent] with the states.
func (r RMStates) Consistent(n int) error {
	if r.anyIs(n, Committed) && r.anyIs(n, Aborted) {
		return fmt.Errorf("%w: %s", ErrInconsistent, r.Format(n))
	}
	return nil
}

// TCommitStep holds a step of n resource managers against [TCNext]_rmState: nil if it is a step of
// TCNext or leaves rmState unchanged, else [ErrNotTCommit] with both states.
func TCommitStep(n int, before, after RMStates) error {
	if before == after {
		return nil
	}
	diff := before ^ after
	rm := bits.TrailingZeros64(uint64(diff)) / 2
	if diff>>(2*rm) <= 3 { // no other one changed
		from, to := before.Of(rm), after.Of(rm)
		switch {
		case from == Working && to == Prepared,
			from == Prepared && to == Committed && before.canCommit(n),
			from <= Prepared && to == Aborted && before.notCommitted(n):
			return nil
		}
	}
	return fmt.Errorf("%w: %s, then %s", ErrNotTCommit, before.Format(n), after.Format(n))
}

// TCommit is the specification that commit protocols refine, with rms resource managers.
type TCommit struct{ rms int }

// NewTCommit makes the model; rms is in 1..MaxRMs, or the error is [ErrSize].
func NewTCommit(rms int) (*TCommit, error) {
	if err := inRange("resource managers", rms, MaxRMs); err != nil {
		return nil, err
	}
	return &TCommit{rms: rms}, nil
}

func inRange(what string, n, most int) error {
	if n < 1 || n > most {
		return fmt.Errorf("%w: %d %s, not in 1..%d", ErrSize, n, what, most)
	}
	return nil
}

// TCAction is Prepare(RM), or Decide(RM) to the state To.
type TCAction struct {
	To RMState
	RM uint8
}

// String names the action of the specification.
func (a TCAction) String() string {
	if a.To == Prepared {
		return fmt.Sprintf("Prepare(rm%d)", a.RM+1)
	}
	return fmt.Sprintf("Decide(rm%d) %v", a.RM+1, a.To)
}

// Init is TCInit.
func (m *TCommit) Init() []RMStates { return []RMStates{0} }

// Actions is TCNext.
func (m *TCommit) Actions(s RMStates, buf []TCAction) []TCAction {
	canCommit, notCommitted := s.canCommit(m.rms), s.notCommitted(m.rms)
	for rm := range m.rms {
		state := s.Of(rm)
		if state == Working {
			buf = append(buf, TCAction{Prepared, uint8(rm)})
		}
		if state == Prepared && canCommit {
			buf = append(buf, TCAction{Committed, uint8(rm)})
		}
		if state <= Prepared && notCommitted {
			buf = append(buf, TCAction{Aborted, uint8(rm)})
		}
	}
	return buf
}

// Next is the state after a.
func (m *TCommit) Next(s RMStates, a TCAction) RMStates { return s.With(int(a.RM), a.To) }

// AppendKey appends 8 bytes.
func (m *TCommit) AppendKey(dst []byte, s RMStates) []byte {
	return appendWord(dst, uint64(s), 8)
}

// Properties are consistency, refinement, and that both outcomes are reachable for all.
func (m *TCommit) Properties() []mc.Property[RMStates, TCAction] {
	return properties(m.rms, func(s RMStates) RMStates { return s },
		func(s RMStates, _ TCAction, t RMStates) error { return TCommitStep(m.rms, s, t) })
}

// properties is what holds in every specification, of the states rm that it gives its resource
// managers. step is TCommitStep of them; it runs too often to go through rm.
func properties[S, A any](
	n int, rm func(S) RMStates, step func(s S, a A, t S) error,
) []mc.Property[S, A] {
	all := func(r RMStates, s RMState) bool {
		for i := range n {
			if r.Of(i) != s {
				return false
			}
		}
		return true
	}
	return []mc.Property[S, A]{
		{
			Name: "TCConsistent", Kind: mc.Always,
			Check: func(s S) error { return rm(s).Consistent(n) },
		},
		{
			Name: "TCSpec", Kind: mc.AlwaysStep,
			Step: step,
		},
		{
			Name: "all committed", Kind: mc.Sometimes,
			Goal: func(s S) bool { return all(rm(s), Committed) },
		},
		{
			Name: "all aborted", Kind: mc.Sometimes,
			Goal: func(s S) bool { return all(rm(s), Aborted) },
		},
	}
}

// appendWord appends the n lowest bytes of x, lowest first.
func appendWord(dst []byte, x uint64, n int) []byte {
	return append(dst,
		byte(x), byte(x>>8), byte(x>>16), byte(x>>24),
		byte(x>>32), byte(x>>40), byte(x>>48), byte(x>>56))[:len(dst)+n]
}
