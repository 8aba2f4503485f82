package specs

import (
	"errors"
	"fmt"
	"math/bits"
	"strings"

	"paxoscommit/checker/mc"
)

// ErrOneBallot is an acceptor with two promises, or with values accepted in two ballots of a leader
// or in one of these and in ballot 0.
var ErrOneBallot = errors.New("specs: an acceptor has more than one ballot")

// BundledState is a state of BundledPaxosCommit: one of PaxosCommit, and which acceptors have
// forgotten, the first in the lowest bit.
type BundledState struct {
	PC        PCState
	Forgotten uint8
}

// RM is rmState.
func (s BundledState) RM() RMStates { return s.PC.RM() }

// Bundled is BundledPaxosCommit: a step of it, but for a vote that a leader proposes, ShortCircuit,
// RMLearn and Forget, is a sequence of steps of PaxosCommit.
type Bundled struct{ pc *PaxosCommit }

// NewBundled makes the model. The error is [ErrSize] for a size below 1 or too large for PCState.
func NewBundled(rms, acceptors, ballots int) (*Bundled, error) {
	pc, err := NewPaxosCommit(rms, acceptors, ballots)
	return &Bundled{pc}, err
}

// BundledType is an action of the specification.
type BundledType uint8

// The actions of BundledPaxosCommit; the first four are those of PaxosCommit.
const (
	BundledRMPrepare BundledType = iota
	BundledRMChooseToAbort
	BundledRMRcvCommitMsg
	BundledRMRcvAbortMsg
	BundledShortCircuit
	BundledRMLearn
	BundledPhase1a
	BundledPhase2a
	BundledDecide
	BundledPhase1b
	BundledPhase2bVotes
	BundledPhase2b
	BundledForget
)

// String names the action of the specification.
func (t BundledType) String() string {
	return [...]string{
		"RMPrepare", "RMChooseToAbort", "RMRcvCommitMsg", "RMRcvAbortMsg", "ShortCircuit", "RMLearn",
		"BundledPhase1a", "BundledPhase2a", "BundledDecide", "BundledPhase1b", "BundledPhase2bVotes",
		"BundledPhase2b", "Forget",
	}[t]
}

// BundledAction is an action with the witnesses of its quantifiers.
type BundledAction struct {
	Type    BundledType
	RM      uint8
	Acc     uint8
	Bal     uint8
	Witness uint8  // of BundledPhase2a: the majority
	Bundle  uint32 // of BundledPhase1b, BundledPhase2bVotes, and told of BundledPhase2a: the
	// instances, the first in bit 0
}

// String is the action with its parameters, but for the majority.
func (a BundledAction) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v(", a.Type)
	switch a.Type {
	case BundledPhase1a, BundledDecide:
		fmt.Fprintf(&b, "%d)", a.Bal)
	case BundledPhase2a:
		fmt.Fprintf(&b, "%d) told=%s", a.Bal, a.bundle())
	case BundledForget:
		fmt.Fprintf(&b, "acc%d)", a.Acc+1)
	case BundledPhase2b:
		fmt.Fprintf(&b, "acc%d) bal=%d", a.Acc+1, a.Bal)
	case BundledPhase1b, BundledPhase2bVotes:
		fmt.Fprintf(&b, "acc%d) bal=%d bundle=%s", a.Acc+1, a.Bal, a.bundle())
	case BundledRMPrepare, BundledRMChooseToAbort, BundledRMRcvCommitMsg, BundledRMRcvAbortMsg,
		BundledShortCircuit, BundledRMLearn:
		fmt.Fprintf(&b, "rm%d)", a.RM+1)
	}
	return b.String()
}

// bundle is Bundle as TLA+ writes it.
func (a BundledAction) bundle() string {
	var names []string
	for _, ins := range members(int(a.Bundle)) {
		names = append(names, fmt.Sprintf("rm%d", ins+1))
	}
	return "{" + strings.Join(names, ", ") + "}"
}

// Init is BundledInit.
func (m *Bundled) Init() []BundledState { return []BundledState{{}} }

// Actions is BundledNext.
func (m *Bundled) Actions(s BundledState, buf []BundledAction) []BundledAction {
	learned := m.outcome(&s.PC, 0) != NoVal
	for rm := range m.pc.rms {
		a := BundledAction{RM: uint8(rm)}
		do := func(t BundledType) { a.Type = t; buf = append(buf, a) }
		if s.RM().Of(rm) == Working {
			do(BundledRMPrepare)
			do(BundledRMChooseToAbort)
		}
		if s.PC[2]&sentCommit != 0 {
			do(BundledRMRcvCommitMsg)
		}
		if s.PC[2]&sentAbort != 0 {
			do(BundledRMRcvAbortMsg)
		}
		if m.pc.sent2a(m.pc.instance(&s.PC, rm), 0) == ValAborted {
			do(BundledShortCircuit)
		}
		if learned {
			do(BundledRMLearn)
		}
	}
	buf = m.leaders(&s.PC, buf)
	for acc := range m.pc.acceptors {
		if s.Forgotten>>acc&1 == 0 {
			buf = m.acceptor(&s.PC, acc, buf)
		}
	}
	return buf
}

// leaders appends what needs no resource manager and no acceptor. The messages of ballots above 0
// are in every instance or in none, so that the first one tells.
func (m *Bundled) leaders(s *PCState, buf []BundledAction) []BundledAction {
	if m.outcome(s, 0) != NoVal {
		buf = append(buf, BundledAction{Type: BundledDecide})
	}
	first := m.pc.instance(s, 0)
	for bal := 1; bal < m.pc.ballots; bal++ {
		a := BundledAction{Type: BundledPhase1a, Bal: uint8(bal)}
		buf = append(buf, a)
		if m.outcome(s, bal) != NoVal {
			a.Type = BundledDecide
			buf = append(buf, a)
		}
		if m.pc.sent2a(first, bal) != NoVal {
			continue
		}
		promised := 0
		for acc := range m.pc.acceptors {
			if _, ok := m.pc.sent1b(first, acc, bal); ok {
				promised |= 1 << acc
			}
		}
		a.Type = BundledPhase2a
		for i, ms := range m.pc.majorities {
			if subset(ms, promised) {
				a.Witness = uint8(i)
				buf = subsets(a, m.free(s, bal, ms), buf)
			}
		}
	}
	return buf
}

// free is the set of the instances in which the promises of a majority leave the choice, and whose
// resource manager is prepared.
func (m *Bundled) free(s *PCState, bal int, majority []uint8) (set uint32) {
	for ins := range m.pc.rms {
		x := m.pc.instance(s, ins)
		if m.pc.highest(x, bal, majority) == -1 && m.pc.sent2a(x, 0) == ValPrepared {
			set |= 1 << ins
		}
	}
	return set
}

// subsets appends a with each subset of a set as its Bundle.
func subsets(a BundledAction, set uint32, buf []BundledAction) []BundledAction {
	for a.Bundle = set; ; a.Bundle = (a.Bundle - 1) & set {
		buf = append(buf, a)
		if a.Bundle == 0 {
			return buf
		}
	}
}

func (m *Bundled) acceptor(s *PCState, acc int, buf []BundledAction) []BundledAction {
	first, may := m.pc.instance(s, 0), m.acceptable(s, acc)
	mbal := m.pc.mbal(first, acc)
	for bal := 1; bal < m.pc.ballots; bal++ {
		a := BundledAction{Acc: uint8(acc), Bal: uint8(bal)}
		if m.pc.sent1a(first, bal) && mbal < bal {
			a.Type = BundledPhase1b
			buf = subsets(a, may, buf)
			a.Bundle = 0
		}
		if m.pc.sent2a(first, bal) != NoVal && mbal <= bal {
			a.Type = BundledPhase2b
			buf = append(buf, a)
		}
	}
	for bundle := may; bundle != 0; bundle = (bundle - 1) & may {
		buf = append(buf, BundledAction{
			Type: BundledPhase2bVotes, Acc: uint8(acc), Bundle: bundle,
		})
	}
	for rm := range m.pc.rms {
		if state := (BundledState{PC: *s}).RM().Of(rm); state != Committed && state != Aborted {
			return buf
		}
	}
	return append(buf, BundledAction{Type: BundledForget, Acc: uint8(acc)})
}

// acceptable is Acceptable(acc).
func (m *Bundled) acceptable(s *PCState, acc int) (set uint32) {
	for ins := range m.pc.rms {
		x := m.pc.instance(s, ins)
		if m.pc.mbal(x, acc) == 0 && m.pc.bal(x, acc) == -1 && m.pc.sent2a(x, 0) != NoVal {
			set |= 1 << ins
		}
	}
	return set
}

// outcome is Outcome(bal): ValPrepared for "Commit", ValAborted for "Abort".
func (m *Bundled) outcome(s *PCState, bal int) Val {
	prepared := 0
	for ins := range m.pc.rms {
		x := m.pc.instance(s, ins)
		if m.pc.within[m.pc.sent2b(x, bal)] == 0 {
			continue
		}
		if m.pc.sent2a(x, bal) == ValAborted {
			return ValAborted
		}
		prepared++
	}
	if prepared == m.pc.rms {
		return ValPrepared
	}
	return NoVal
}

// Next is the state after a.
func (m *Bundled) Next(s BundledState, a BundledAction) BundledState {
	all := uint32(1)<<m.pc.rms - 1
	switch a.Type {
	case BundledRMPrepare:
		return m.each(s, a, PCRMPrepare, 1<<a.RM)
	case BundledRMChooseToAbort:
		return m.each(s, a, PCRMChooseToAbort, 1<<a.RM)
	case BundledRMRcvCommitMsg:
		return m.each(s, a, PCRMRcvCommitMsg, 1<<a.RM)
	case BundledRMRcvAbortMsg:
		return m.each(s, a, PCRMRcvAbortMsg, 1<<a.RM)
	case BundledShortCircuit:
		s.PC[2] |= sentAbort
	case BundledRMLearn:
		if m.outcome(&s.PC, 0) == ValPrepared {
			return m.each(s, a, PCRMRcvCommitMsg, 1<<a.RM)
		}
		return m.each(s, a, PCRMRcvAbortMsg, 1<<a.RM)
	case BundledPhase1a:
		return m.each(s, a, PCPhase1a, all)
	case BundledPhase2a:
		s = m.each(s, a, PCPhase2a, all)
		for _, ins := range members(int(a.Bundle)) {
			m.pc.set(&s.PC, int(ins), 2*int(a.Bal), 2, int(ValPrepared))
		}
	case BundledDecide:
		if m.outcome(&s.PC, int(a.Bal)) == ValPrepared {
			s.PC[2] |= sentCommit
		} else {
			s.PC[2] |= sentAbort
		}
	case BundledPhase1b:
		return m.each(m.votes(s, a), a, PCPhase1b, all)
	case BundledPhase2bVotes:
		return m.votes(s, a)
	case BundledPhase2b:
		return m.each(s, a, PCPhase2b, all)
	case BundledForget:
		for ins := range m.pc.rms {
			m.pc.set(&s.PC, ins, m.pc.atAcc+int(a.Acc)*m.pc.accBits, m.pc.mbalBits+m.pc.balBits, 0)
		}
		s.Forgotten |= 1 << a.Acc
	}
	return s
}

// each takes a step of PaxosCommit in each of these instances.
func (m *Bundled) each(
	s BundledState, a BundledAction, t PCActionType, instances uint32,
) BundledState {
	for ; instances != 0; instances &= instances - 1 {
		s.PC = m.pc.Next(s.PC, PCAction{
			Type: t, RM: uint8(bits.TrailingZeros32(instances)), Acc: a.Acc, Bal: a.Bal,
			Witness: uint16(a.Witness),
		})
	}
	return s
}

// votes accepts a bundle of ballot 0.
func (m *Bundled) votes(s BundledState, a BundledAction) BundledState {
	bundle := a.Bundle
	a.Bal = 0
	return m.each(s, a, PCPhase2b, bundle)
}

// AppendKey appends that of PaxosCommit and a byte.
func (m *Bundled) AppendKey(dst []byte, s BundledState) []byte {
	return append(m.pc.AppendKey(dst, s.PC), s.Forgotten)
}

// Properties are those of PaxosCommit, OneBallot, that a resource manager can commit before anybody
// has sent the outcome, and that all acceptors can forget a commit.
func (m *Bundled) Properties() []mc.Property[BundledState, BundledAction] {
	n := m.pc.rms
	type property = mc.Property[BundledState, BundledAction]
	ps := append(properties(n, BundledState.RM,
		func(s BundledState, _ BundledAction, t BundledState) error {
			return TCommitStep(n, s.RM(), t.RM())
		}),
		property{Name: "OneBallot", Kind: mc.Always, Check: m.oneBallot},
		property{Name: "faster", Kind: mc.Sometimes, Goal: func(s BundledState) bool {
			return s.PC[2]&sentCommit == 0 && s.RM().anyIs(n, Committed)
		}},
		property{Name: "forgotten", Kind: mc.Sometimes, Goal: func(s BundledState) bool {
			return s.Forgotten == 1<<m.pc.acceptors-1 && s.RM().anyIs(n, Committed)
		}})
	if m.pc.ballots == 1 {
		return ps
	}
	return append(ps, property{
		Name: "taken over", Kind: mc.Sometimes,
		Goal: func(s BundledState) bool { return m.pc.takenOver(s.PC) },
	})
}

func (m *Bundled) oneBallot(s BundledState) error {
	for acc := range m.pc.acceptors {
		first := m.pc.instance(&s.PC, 0)
		for ins := range m.pc.rms {
			x := m.pc.instance(&s.PC, ins)
			bal, other := m.pc.bal(x, acc), m.pc.bal(first, acc)
			if m.pc.mbal(x, acc) != m.pc.mbal(first, acc) || bal != other && max(bal, other) > 0 {
				return fmt.Errorf("%w: acc%d, of rm1 and rm%d", ErrOneBallot, acc+1, ins+1)
			}
		}
	}
	return nil
}
