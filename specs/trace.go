package specs

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// ErrTrace is a trace that is not a behaviour of BundledPaxosCommit.
var ErrTrace = errors.New("no step of BundledPaxosCommit")

// A Trace is what could be seen of one transaction in a run: TracePaxosCommit.tla says what the
// events mean, and holds them against BundledPaxosCommit.
type Trace struct {
	Tx        string // names the transaction, for the reader
	RMs       uint64 // its resource managers, bit i-1 for number i
	Acceptors int
	Events    []TraceEvent
}

// TraceType is the type of an event.
type TraceType uint8

// The types, as in TracePaxosCommit.tla.
const (
	TraceVote TraceType = iota
	TraceOutcome
	TraceAcceptor
	TraceForget
	TracePhase1a
	TracePhase2a
	TraceDecide
)

// String is the type as TLA+ writes it, without the quotes.
func (t TraceType) String() string {
	return [...]string{
		"vote", "outcome", "acceptor", "forget", "phase1a", "phase2a", "decide",
	}[t]
}

// TraceEvent is an event. Fields that its type does not have are zero.
type TraceEvent struct {
	Type     TraceType
	ID       uint8   // the number of the resource manager or acceptor, from 1
	To       RMState // of TraceVote: Prepared or Aborted; of TraceOutcome, TraceDecide: or Committed
	MBal     uint32
	Bal      uint32
	Prepared uint64 // sets of resource managers, as Trace.RMs
	Aborted  uint64
	At       string // the step of the run that showed it, without quotes and backslashes
}

// String is the event as a TLA+ record.
func (e TraceEvent) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "[type |-> \"%v\"", e.Type)
	switch e.Type {
	case TraceVote, TraceOutcome:
		fmt.Fprintf(&b, ", rm |-> %d, val |-> \"%v\"", e.ID, e.To)
	case TraceAcceptor:
		fmt.Fprintf(&b, ", acc |-> %d, mbal |-> %d", e.ID, e.MBal)
	case TraceForget:
		fmt.Fprintf(&b, ", acc |-> %d", e.ID)
	case TracePhase1a, TracePhase2a:
	case TraceDecide:
		fmt.Fprintf(&b, ", msg |-> \"%s\"", outcomeMsg(e.To))
	}
	switch e.Type {
	case TracePhase1a:
		fmt.Fprintf(&b, ", bal |-> %d", e.Bal)
	case TraceAcceptor, TracePhase2a:
		fmt.Fprintf(&b, ", bal |-> %d, prepared |-> %s, aborted |-> %s",
			e.Bal, setOf(e.Prepared), setOf(e.Aborted))
	case TraceVote, TraceOutcome, TraceForget, TraceDecide:
	}
	fmt.Fprintf(&b, ", at |-> \"%s\"]", e.At)
	return b.String()
}

func outcomeMsg(to RMState) string {
	if to == Committed {
		return "Commit"
	}
	return "Abort"
}

func setOf(s uint64) string {
	var list []string
	for ; s != 0; s &= s - 1 {
		list = append(list, fmt.Sprint(bits.TrailingZeros64(s)+1))
	}
	return "{" + strings.Join(list, ", ") + "}"
}

// ballots lists the ballots of the events, and 0, in order.
func (t *Trace) ballots() []uint32 {
	list := []uint32{0}
	for _, e := range t.Events {
		list = append(list, e.Bal, e.MBal)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Module is the TLA+ module of the trace; it extends TracePaxosCommit.
func (t *Trace) Module(name string) string {
	var b strings.Builder
	line := strings.Repeat("-", 10)
	fmt.Fprintf(&b, "%s MODULE %s %s\n\\* Transaction %s.\nEXTENDS TracePaxosCommit, FiniteSets\n\n",
		line, name, line, t.Tx)
	fmt.Fprintf(&b, "TheRM == %s\nTheAcceptor == 1..%d\n", setOf(t.RMs), t.Acceptors)
	fmt.Fprintf(&b, "TheMajority == {MS \\in SUBSET TheAcceptor : Cardinality(MS) = %d}\n",
		t.Acceptors/2+1)
	ballots := strings.Join(strings.Fields(strings.Trim(fmt.Sprint(t.ballots()), "[]")), ", ")
	fmt.Fprintf(&b, "TheBallot == {%s}\n\nTheTrace == <<", ballots)
	for i, e := range t.Events {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, "\n  %v", e)
	}
	fmt.Fprintf(&b, "\n>>\n%s\n", strings.Repeat("=", 77))
	return b.String()
}

// TraceModules are the files that the module of a trace needs beside it.
func TraceModules() []string {
	return []string{
		"TCommit.tla", "PaxosCommit.tla", "BundledPaxosCommit.tla", "TracePaxosCommit.tla",
	}
}

// TraceConfig is the TLC configuration of the module of any trace.
const TraceConfig = `SPECIFICATION TraceSpec
CONSTANTS
  RM <- TheRM
  Acceptor <- TheAcceptor
  Majority <- TheMajority
  Ballot <- TheBallot
  Trace <- TheTrace
INVARIANTS BundledTypeOK OneBallot Consistent
PROPERTY Refinement
`

// Check is TracePaxosCommit.tla: it returns nil if the trace is a behaviour, [ErrTrace] with the
// event that no step explains, or [ErrSize] for a trace that the Go model cannot hold.
func (t *Trace) Check() error {
	ballots := t.ballots()
	rms := bits.OnesCount64(t.RMs)
	m, err := NewBundled(rms, t.Acceptors, len(ballots))
	if err != nil {
		return err
	}
	s := m.Init()[0]
	var buf []BundledAction
	for i := range t.Events {
		e := &t.Events[i]
		v := explanation{m: m, e: e, prepared: t.compress(e.Prepared), aborted: t.compress(e.Aborted)}
		if e.Type == TraceVote || e.Type == TraceOutcome {
			v.id = bits.OnesCount64(t.RMs & (1<<(e.ID-1) - 1))
		} else {
			v.id = int(e.ID) - 1
		}
		v.mbal, _ = slices.BinarySearch(ballots, e.MBal)
		v.bal, _ = slices.BinarySearch(ballots, e.Bal)
		buf = m.Actions(s, buf[:0])
		k := slices.IndexFunc(buf, func(a BundledAction) bool { return v.by(a, m.Next(s, a)) })
		if k < 0 {
			return fmt.Errorf("specs: event %d is %w: %v", i+1, ErrTrace, e)
		}
		before := s.RM()
		s = m.Next(s, buf[k])
		if err := errors.Join(m.oneBallot(s), TCommitStep(rms, before, s.RM())); err != nil {
			return fmt.Errorf("specs: event %d, %v: %w", i+1, e, err)
		}
	}
	return nil
}

// compress numbers the members of a set by their place among the resource managers.
func (t *Trace) compress(s uint64) (c uint64) {
	for k, rest := 0, t.RMs; rest != 0; k, rest = k+1, rest&(rest-1) {
		c |= s >> bits.TrailingZeros64(rest) & 1 << k
	}
	return c
}

// explanation is Explains(e); the numbers are those of the model.
type explanation struct {
	m                 *Bundled
	e                 *TraceEvent
	id, mbal, bal     int
	prepared, aborted uint64
}

// by tells whether action a, which leads to s, is what the event shows.
func (v *explanation) by(a BundledAction, s BundledState) bool {
	switch a.Type {
	case BundledRMPrepare, BundledRMChooseToAbort:
		return v.e.Type == TraceVote && int(a.RM) == v.id && s.RM().Of(v.id) == v.e.To
	case BundledRMRcvCommitMsg, BundledRMRcvAbortMsg, BundledRMLearn:
		return v.e.Type == TraceOutcome && int(a.RM) == v.id && s.RM().Of(v.id) == v.e.To
	case BundledShortCircuit, BundledDecide:
		sent := uint64(sentAbort)
		if v.e.To == Committed {
			sent = sentCommit
		}
		return v.e.Type == TraceDecide && s.PC[2]&sent != 0
	case BundledPhase1a:
		return v.e.Type == TracePhase1a && int(a.Bal) == v.bal
	case BundledPhase2a:
		return v.e.Type == TracePhase2a && int(a.Bal) == v.bal && v.everywhere(
			func(x instance, val Val) bool { return v.m.pc.sent2a(x, v.bal) == val }, s)
	case BundledPhase1b, BundledPhase2bVotes, BundledPhase2b:
		return v.e.Type == TraceAcceptor && int(a.Acc) == v.id && v.everywhere(v.accepted, s)
	case BundledForget:
		return v.e.Type == TraceForget && int(a.Acc) == v.id
	}
	return false
}

// everywhere tells whether f holds of each instance and the value that the event gives it.
func (v *explanation) everywhere(f func(x instance, val Val) bool, s BundledState) bool {
	for ins := range v.m.pc.rms {
		val := NoVal
		switch {
		case v.prepared>>ins&1 == 1:
			val = ValPrepared
		case v.aborted>>ins&1 == 1:
			val = ValAborted
		}
		if !f(v.m.pc.instance(&s.PC, ins), val) {
			return false
		}
	}
	return true
}

func (v *explanation) accepted(x instance, val Val) bool {
	pc, bal := v.m.pc, v.bal
	if val == NoVal {
		bal = -1
	}
	return pc.mbal(x, v.id) == v.mbal && pc.bal(x, v.id) == bal &&
		(bal < 0 || pc.sent2a(x, bal) == val)
}
