package specs

import (
	"fmt"
	"math/bits"

	"paxoscommit/checker/mc"
)

// Greatest sizes of PaxosCommit, besides that a state must fit into [PCState].
const (
	MaxAcceptors = 7
	MaxBallots   = 8
)

// Val is what an instance can choose; NoVal is "none".
type Val uint8

// The values.
const (
	NoVal Val = iota
	ValPrepared
	ValAborted
)

// String is the value as TLA+ writes it, without the quotes.
func (v Val) String() string { return [...]string{"none", "prepared", "aborted", "?"}[v&3] }

// PCState is a state of PaxosCommit. The first two words hold the instances, one beside the other;
// the third the messages "Commit" and "Abort" and, above them, rmState.
type PCState [3]uint64

// RM is rmState.
func (s PCState) RM() RMStates { return RMStates(s[2] >> 2) }

// The messages of the third word.
const (
	sentCommit = 1 << iota
	sentAbort
)

// instance is what a state says of one instance of Paxos, in its lowest bits. The fields, from bit
// 0 on: phase 2a value, a ballot; phase 1a sent, a ballot from 1; acceptors that sent phase 2b, a
// ballot; then for each acceptor mbal, bal+1, and for each ballot from 1 the phase 1b message: 0 if
// it was not sent, else the bal in it, plus 2.
type instance uint64

func (x instance) field(at, width int) int { return int(x >> at & (1<<width - 1)) }

// PaxosCommit is Paxos Commit with rms resource managers, acceptors of which every least majority
// is in Majority, and the ballots {0..ballots-1}.
//
// A state leaves out what follows from the rest: an instance has at most one phase 2a message of a
// ballot, so the ballot says which value goes with it in acceptors and in phase 1b and 2b messages;
// and an acceptor sends at most one phase 1b message of an instance and ballot, as its mbal only
// grows.
type PaxosCommit struct {
	rms, acceptors, ballots int

	majorities [][]uint8 // the acceptors of each, as a set, in ascending order
	within     []int     // by set of acceptors, how many majorities are within

	places   [MaxRMs]struct{ word, shift int } // of the instances
	keyBytes [3]int
	at2b     int // where the phase 2b fields begin; the others are at fixed places
	atAcc    int
	accBits  int
	mbalBits int
	balBits  int
	at1b     [MaxBallots]struct{ at, width int } // within the acceptor's bits
}

// NewPaxosCommit makes the model. The error is [ErrSize] for a size below 1 or too large for
// PCState.
func NewPaxosCommit(rms, acceptors, ballots int) (*PaxosCommit, error) {
	m := &PaxosCommit{rms: rms, acceptors: acceptors, ballots: ballots}
	if err := inRange("resource managers", rms, MaxRMs); err != nil {
		return nil, err
	}
	if err := inRange("acceptors", acceptors, MaxAcceptors); err != nil {
		return nil, err
	}
	if err := inRange("ballots", ballots, MaxBallots); err != nil {
		return nil, err
	}
	width := m.layOut()
	inWord := 64 / width
	if rms > 2*inWord {
		return nil, fmt.Errorf("%w: %d resource managers, %d acceptors, %d ballots do not fit",
			ErrSize, rms, acceptors, ballots)
	}
	m.keyBytes = [3]int{8, 0, (2 + 2*rms + 7) / 8}
	for ins := range rms {
		m.places[ins].word = ins / inWord
		m.places[ins].shift = ins % inWord * width
		if ins >= inWord {
			m.keyBytes[1] = (m.places[ins].shift + width + 7) / 8
		}
	}
	m.within = make([]int, 1<<acceptors)
	for set := range m.within {
		if bits.OnesCount(uint(set)) == acceptors/2+1 {
			m.majorities = append(m.majorities, members(set))
			for super := range m.within {
				if super&set == set {
					m.within[super]++
				}
			}
		}
	}
	return m, nil
}

// layOut places the fields of an instance and returns how many bits it takes.
func (m *PaxosCommit) layOut() int {
	m.at2b = 2*m.ballots + m.ballots - 1
	m.atAcc = m.at2b + m.ballots*m.acceptors
	m.mbalBits = bits.Len(uint(m.ballots - 1))
	m.balBits = bits.Len(uint(m.ballots))
	m.accBits = m.mbalBits + m.balBits
	for bal := 1; bal < m.ballots; bal++ {
		m.at1b[bal].at = m.accBits
		m.at1b[bal].width = bits.Len(uint(bal + 1)) // the bal in it is at most bal-1
		m.accBits += m.at1b[bal].width
	}
	return m.atAcc + m.acceptors*m.accBits
}

func members(set int) []uint8 {
	var of []uint8
	for i := range uint8(bits.Len(uint(set))) {
		if set>>i&1 == 1 {
			of = append(of, i)
		}
	}
	return of
}

func (m *PaxosCommit) instance(s *PCState, ins int) instance {
	return instance(s[m.places[ins].word] >> m.places[ins].shift)
}

// sent2a is the value of the phase 2a message of ballot bal, or NoVal.
func (m *PaxosCommit) sent2a(x instance, bal int) Val { return Val(x.field(2*bal, 2)) }

// sent1a says whether the phase 1a message of ballot bal > 0 was sent.
func (m *PaxosCommit) sent1a(x instance, bal int) bool { return x.field(2*m.ballots+bal-1, 1) == 1 }

// sent2b is the set of acceptors that sent a phase 2b message of ballot bal.
func (m *PaxosCommit) sent2b(x instance, bal int) int {
	return x.field(m.at2b+bal*m.acceptors, m.acceptors)
}

// sent1b says whether acc sent a phase 1b message of ballot mbal > 0, and which bal was in it.
func (m *PaxosCommit) sent1b(x instance, acc, mbal int) (bal int, ok bool) {
	f := m.at1b[mbal]
	v := x.field(m.atAcc+acc*m.accBits+f.at, f.width)
	return v - 2, v != 0
}

func (m *PaxosCommit) mbal(x instance, acc int) int {
	return x.field(m.atAcc+acc*m.accBits, m.mbalBits)
}

func (m *PaxosCommit) bal(x instance, acc int) int {
	return x.field(m.atAcc+acc*m.accBits+m.mbalBits, m.balBits) - 1
}

// set writes a field of an instance.
func (m *PaxosCommit) set(s *PCState, ins, at, width, v int) {
	p := m.places[ins]
	s[p.word] = s[p.word]&^((1<<width-1)<<(p.shift+at)) | uint64(v)<<(p.shift+at)
}

// PCActionType is an action of the specification; Decide counts as two.
type PCActionType uint8

// The actions of PaxosCommit; those of a resource manager but for Phase1b and Phase2b are as in
// TwoPhase.
const (
	PCRMPrepare PCActionType = iota
	PCRMChooseToAbort
	PCRMRcvCommitMsg
	PCRMRcvAbortMsg
	PCPhase1a
	PCPhase2a
	PCDecideCommit
	PCDecideAbort
	PCPhase1b
	PCPhase2b
)

// String names the action of the specification.
func (t PCActionType) String() string {
	return [...]string{
		"RMPrepare", "RMChooseToAbort", "RMRcvCommitMsg", "RMRcvAbortMsg",
		"Phase1a", "Phase2a", "Decide Commit", "Decide Abort", "Phase1b", "Phase2b",
	}[t]
}

// PCAction is an action with the witnesses of its quantifiers.
type PCAction struct {
	Type    PCActionType
	RM      uint8  // the resource manager or instance
	Acc     uint8  // of Phase1b and Phase2b
	Bal     uint8  // of the phases
	Witness uint16 // of Phase2a: the majority; of Decide: which of its choices
}

// String is the action with its parameters; for Phase1b and Phase2b also those of the message
// received. It does not tell actions apart that differ only in their witness, and so lead to the
// same state.
func (a PCAction) String() string {
	switch a.Type {
	case PCRMPrepare, PCRMChooseToAbort, PCRMRcvCommitMsg, PCRMRcvAbortMsg:
		return fmt.Sprintf("%v(rm%d)", a.Type, a.RM+1)
	case PCPhase1a, PCPhase2a:
		return fmt.Sprintf("%v(%d, rm%d)", a.Type, a.Bal, a.RM+1)
	case PCPhase1b, PCPhase2b:
		return fmt.Sprintf("%v(acc%d) ins=rm%d bal=%d", a.Type, a.Acc+1, a.RM+1, a.Bal)
	case PCDecideCommit, PCDecideAbort:
	}
	return a.Type.String()
}

// Init is PCInit: everything is zero, bal is -1.
func (m *PaxosCommit) Init() []PCState { return []PCState{{}} }

// Actions is PCNext.
func (m *PaxosCommit) Actions(s PCState, buf []PCAction) []PCAction {
	commits, aborts := 1, 0 // witnesses of Decide
	for rm := range m.rms {
		if s.RM().Of(rm) == Working {
			buf = append(buf,
				PCAction{Type: PCRMPrepare, RM: uint8(rm)},
				PCAction{Type: PCRMChooseToAbort, RM: uint8(rm)})
		}
		if s[2]&sentCommit != 0 {
			buf = append(buf, PCAction{Type: PCRMRcvCommitMsg, RM: uint8(rm)})
		}
		if s[2]&sentAbort != 0 {
			buf = append(buf, PCAction{Type: PCRMRcvAbortMsg, RM: uint8(rm)})
		}
		x := m.instance(&s, rm)
		buf = m.phases(x, uint8(rm), buf)
		decided := [3]int{}
		for bal := range m.ballots {
			decided[m.sent2a(x, bal)] += m.within[m.sent2b(x, bal)]
		}
		commits = min(commits*decided[ValPrepared], mc.MaxActions+1) // more than a state may have
		aborts += decided[ValAborted]
	}
	for i := range commits {
		buf = append(buf, PCAction{Type: PCDecideCommit, Witness: uint16(i)})
	}
	for i := range aborts {
		buf = append(buf, PCAction{Type: PCDecideAbort, Witness: uint16(i)})
	}
	return buf
}

// phases appends the actions of leaders and acceptors in one instance.
func (m *PaxosCommit) phases(x instance, rm uint8, buf []PCAction) []PCAction {
	for bal := 1; bal < m.ballots; bal++ {
		buf = append(buf, PCAction{Type: PCPhase1a, RM: rm, Bal: uint8(bal)})
		if m.sent2a(x, bal) != NoVal {
			continue
		}
		promised := 0
		for acc := range m.acceptors {
			if _, ok := m.sent1b(x, acc, bal); ok {
				promised |= 1 << acc
			}
		}
		if m.within[promised] == 0 {
			continue
		}
		for i, ms := range m.majorities {
			if subset(ms, promised) {
				buf = append(buf,
					PCAction{Type: PCPhase2a, RM: rm, Bal: uint8(bal), Witness: uint16(i)})
			}
		}
	}
	for bal := range m.ballots {
		sent1a := bal > 0 && m.sent1a(x, bal)
		sent2a := m.sent2a(x, bal) != NoVal
		if !sent1a && !sent2a {
			continue
		}
		for acc := range m.acceptors {
			mbal, a := m.mbal(x, acc), PCAction{RM: rm, Acc: uint8(acc), Bal: uint8(bal)}
			if sent1a && mbal < bal {
				a.Type = PCPhase1b
				buf = append(buf, a)
			}
			if sent2a && mbal <= bal {
				a.Type = PCPhase2b
				buf = append(buf, a)
			}
		}
	}
	return buf
}

func subset(accs []uint8, set int) bool {
	for _, acc := range accs {
		if set>>acc&1 == 0 {
			return false
		}
	}
	return true
}

// Next is the state after a.
func (m *PaxosCommit) Next(s PCState, a PCAction) PCState {
	rm, acc, bal := int(a.RM), int(a.Acc), int(a.Bal)
	switch a.Type {
	case PCRMPrepare:
		m.setRM(&s, rm, Prepared)
		m.set(&s, rm, 0, 2, int(ValPrepared))
	case PCRMChooseToAbort:
		m.setRM(&s, rm, Aborted)
		m.set(&s, rm, 0, 2, int(ValAborted))
	case PCRMRcvCommitMsg:
		m.setRM(&s, rm, Committed)
	case PCRMRcvAbortMsg:
		m.setRM(&s, rm, Aborted)
	case PCPhase1a:
		m.set(&s, rm, 2*m.ballots+bal-1, 1, 1)
	case PCPhase2a:
		m.set(&s, rm, 2*bal, 2, int(m.free(m.instance(&s, rm), bal, m.majorities[a.Witness])))
	case PCDecideCommit:
		s[2] |= sentCommit
	case PCDecideAbort:
		s[2] |= sentAbort
	case PCPhase1b:
		at := m.atAcc + acc*m.accBits
		m.set(&s, rm, at+m.at1b[bal].at, m.at1b[bal].width, m.bal(m.instance(&s, rm), acc)+2)
		m.set(&s, rm, at, m.mbalBits, bal)
	case PCPhase2b:
		at := m.atAcc + acc*m.accBits
		m.set(&s, rm, at, m.mbalBits, bal)
		m.set(&s, rm, at+m.mbalBits, m.balBits, bal+1)
		m.set(&s, rm, m.at2b+bal*m.acceptors+acc, 1, 1)
	}
	return s
}

func (m *PaxosCommit) setRM(s *PCState, rm int, to RMState) {
	s[2] = s[2]&(sentCommit|sentAbort) | uint64(s.RM().With(rm, to))<<2
}

// free is the value that the phase 1b messages of a majority leave to ballot bal: that of the
// highest bal in them, or aborted if none accepted anything.
func (m *PaxosCommit) free(x instance, bal int, majority []uint8) Val {
	highest := m.highest(x, bal, majority)
	if highest == -1 {
		return ValAborted
	}
	return m.sent2a(x, highest)
}

// highest is the highest bal in the phase 1b messages of a majority, or -1.
func (m *PaxosCommit) highest(x instance, bal int, majority []uint8) int {
	highest := -1
	for _, acc := range majority {
		b, _ := m.sent1b(x, int(acc), bal)
		highest = max(highest, b)
	}
	return highest
}

// AppendKey appends the words without the bytes that no state of the model uses.
func (m *PaxosCommit) AppendKey(dst []byte, s PCState) []byte {
	for i, n := range m.keyBytes {
		dst = appendWord(dst, s[i], n)
	}
	return dst
}

// Properties are those of TCommit; and with two ballots, that a leader can be bound to propose
// prepared because an acceptor accepted it.
func (m *PaxosCommit) Properties() []mc.Property[PCState, PCAction] {
	ps := properties(m.rms, PCState.RM,
		func(s PCState, _ PCAction, t PCState) error { return TCommitStep(m.rms, s.RM(), t.RM()) })
	if m.ballots == 1 {
		return ps
	}
	return append(ps, mc.Property[PCState, PCAction]{
		Name: "taken over", Kind: mc.Sometimes, Goal: m.takenOver,
	})
}

// takenOver: a leader has proposed prepared.
func (m *PaxosCommit) takenOver(s PCState) bool {
	for ins := range m.rms {
		for bal := 1; bal < m.ballots; bal++ {
			if m.sent2a(m.instance(&s, ins), bal) == ValPrepared {
				return true
			}
		}
	}
	return false
}
