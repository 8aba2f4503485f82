package specs

import (
	"fmt"
	"slices"

	"paxoscommit/checker/mc"
)

// TPState is a state of TwoPhase. Sets of resource managers are bits, the first in the lowest.
type TPState struct {
	RM         RMStates // rmState
	TMPrepared uint32   // tmPrepared
	Prepared   uint32   // the senders of the "Prepared" messages in msgs
	TMState    TMState  // tmState
	Commit     bool     // [type |-> "Commit"] \in msgs
	Abort      bool     // [type |-> "Abort"] \in msgs
}

// TMState is the state of the transaction manager.
type TMState uint8

// The states of the transaction manager.
const (
	TMInit TMState = iota
	TMCommitted
	TMAborted
)

// TPActionType is a disjunct of TPNext.
type TPActionType uint8

// The actions of TwoPhase.
const (
	TMCommit TPActionType = iota
	TMAbort
	TMRcvPrepared
	RMPrepare
	RMChooseToAbort
	RMRcvCommitMsg
	RMRcvAbortMsg
)

// String names the action of the specification.
func (t TPActionType) String() string {
	return [...]string{
		"TMCommit", "TMAbort", "TMRcvPrepared",
		"RMPrepare", "RMChooseToAbort", "RMRcvCommitMsg", "RMRcvAbortMsg",
	}[t]
}

// TPAction is an action; RM counts for those of one resource manager.
type TPAction struct {
	Type TPActionType
	RM   uint8
}

// String is the action with its parameter.
func (a TPAction) String() string {
	if a.Type <= TMAbort {
		return a.Type.String()
	}
	return fmt.Sprintf("%v(rm%d)", a.Type, a.RM+1)
}

// TwoPhase is Two-Phase Commit with rms resource managers.
type TwoPhase struct{ rms int }

// NewTwoPhase makes the model; rms is in 1..MaxRMs, or the error is [ErrSize].
func NewTwoPhase(rms int) (*TwoPhase, error) {
	if err := inRange("resource managers", rms, MaxRMs); err != nil {
		return nil, err
	}
	return &TwoPhase{rms: rms}, nil
}

// Init is TPInit.
func (m *TwoPhase) Init() []TPState { return []TPState{{}} }

// Actions is TPNext.
func (m *TwoPhase) Actions(s TPState, buf []TPAction) []TPAction {
	if s.TMState == TMInit {
		if s.TMPrepared == 1<<m.rms-1 {
			buf = append(buf, TPAction{TMCommit, 0})
		}
		buf = append(buf, TPAction{TMAbort, 0})
	}
	for rm := range uint8(m.rms) {
		if s.TMState == TMInit && s.Prepared>>rm&1 == 1 {
			buf = append(buf, TPAction{TMRcvPrepared, rm})
		}
		if s.RM.Of(int(rm)) == Working {
			buf = append(buf, TPAction{RMPrepare, rm}, TPAction{RMChooseToAbort, rm})
		}
		if s.Commit {
			buf = append(buf, TPAction{RMRcvCommitMsg, rm})
		}
		if s.Abort {
			buf = append(buf, TPAction{RMRcvAbortMsg, rm})
		}
	}
	return buf
}

// Next is the state after a.
func (m *TwoPhase) Next(s TPState, a TPAction) TPState {
	rm := int(a.RM)
	switch a.Type {
	case TMCommit:
		s.TMState, s.Commit = TMCommitted, true
	case TMAbort:
		s.TMState, s.Abort = TMAborted, true
	case TMRcvPrepared:
		s.TMPrepared |= 1 << rm
	case RMPrepare:
		s.RM = s.RM.With(rm, Prepared)
		s.Prepared |= 1 << rm
	case RMRcvCommitMsg:
		s.RM = s.RM.With(rm, Committed)
	case RMChooseToAbort, RMRcvAbortMsg:
		s.RM = s.RM.With(rm, Aborted)
	}
	return s
}

// WordKey is the sets and the transaction manager, and rmState.
func (m *TwoPhase) WordKey(s TPState) (hi, lo uint64) {
	lo = uint64(s.TMPrepared) | uint64(s.Prepared)<<MaxRMs | uint64(s.TMState)<<(2*MaxRMs)
	if s.Commit {
		lo |= 1 << 42
	}
	if s.Abort {
		lo |= 1 << 43
	}
	return uint64(s.RM), lo
}

// AppendKey appends the 13 bytes of WordKey that are in use.
func (m *TwoPhase) AppendKey(dst []byte, s TPState) []byte {
	hi, lo := m.WordKey(s)
	return appendWord(appendWord(dst, lo, 8), hi, 5)
}

// Properties are those of TCommit.
func (m *TwoPhase) Properties() []mc.Property[TPState, TPAction] {
	return properties(m.rms, func(s TPState) RMStates { return s.RM },
		func(s TPState, _ TPAction, t TPState) error { return TCommitStep(m.rms, s.RM, t.RM) })
}

// TwoPhaseSymmetric is TwoPhase up to the names of the resource managers. All have the same part
// in the protocol, so every permutation of them is an automorphism.
type TwoPhaseSymmetric struct{ *TwoPhase }

// local is all that a state says of one resource manager, in 4 bits.
func (s TPState) local(rm int) uint8 {
	return uint8(s.RM.Of(rm)) | uint8(s.TMPrepared>>rm&1)<<2 | uint8(s.Prepared>>rm&1)<<3
}

// least is the state of the orbit whose resource managers are sorted by what they are.
func (m TwoPhaseSymmetric) least(s TPState) TPState {
	var locals [MaxRMs]uint8
	for rm := range m.rms {
		locals[rm] = s.local(rm)
	}
	slices.Sort(locals[:m.rms])
	least := TPState{TMState: s.TMState, Commit: s.Commit, Abort: s.Abort}
	for rm, l := range locals[:m.rms] {
		least.RM = least.RM.With(rm, RMState(l&3))
		least.TMPrepared |= uint32(l>>2&1) << rm
		least.Prepared |= uint32(l>>3) << rm
	}
	return least
}

// WordKey is that of the least state of the orbit.
func (m TwoPhaseSymmetric) WordKey(s TPState) (hi, lo uint64) {
	return m.TwoPhase.WordKey(m.least(s))
}

// AppendKey is that of the least state of the orbit.
func (m TwoPhaseSymmetric) AppendKey(dst []byte, s TPState) []byte {
	return m.TwoPhase.AppendKey(dst, m.least(s))
}

// OrbitSize is the number of different states that permuting the resource managers makes of s: a
// multinomial coefficient.
func (m TwoPhaseSymmetric) OrbitSize(s TPState) uint64 {
	var same [16]uint64
	size := uint64(1)
	for rm := range m.rms {
		same[s.local(rm)]++
		size = size * uint64(rm+1) / same[s.local(rm)] // whole: it is such a coefficient again
	}
	return size
}
