package core

import (
	"fmt"
	"strconv"
)

// MsgType says what a message is. The zero type means none.
type MsgType uint8

// The message types. Who sends what to whom is written beside each; "res" is the database behind a
// resource manager, which answers when it likes, and "cl" is a client.
const (
	NoMsg           MsgType = iota
	MsgRequest              // cl -> rm, or passed on rm -> tm: commit this transaction
	MsgQuery                // cl, rm, reg -> ldr: what became of it? One who does not know finds out
	MsgBeginCommit          // rm -> ldr, reg: the first resource manager is prepared (section 3.2)
	MsgPrepare              // ldr, reg -> rm, rm -> res: prepare to commit
	MsgVote                 // res -> rm, rm -> tm: the resource is prepared, or refuses
	MsgFound                // res -> rm: after a restart, or in time: the resource holds it prepared
	MsgPhase1a              // ldr -> acc: ballot Bal of all instances begins
	MsgPhase1b              // acc -> ldr: promised MBal; the votes accepted, all in ballot Bal
	MsgPhase2a              // rm, reg -> acc in ballot 0, ldr -> acc above: accept these votes
	MsgPhase2b              // acc -> ldr, rm: accepted these votes in ballot Bal (section 4.2)
	MsgRejected             // acc -> ldr: promised MBal, which is higher than your ballot Bal
	MsgCommit               // -> rm, res, cl: the transaction is committed
	MsgAbort                // -> rm, res, cl: the transaction is aborted
	MsgDone                 // res -> rm, rm -> ldr: the outcome Val is applied and will stay
	MsgForget               // ldr -> rm, acc, reg; rm -> res: every member is done, forget it
	MsgForgotten            // acc, rm, reg, ldr -> rm, reg, ldr, cl: forgotten, as is all up to Low
	MsgRelay                // rm, reg -> ldr: my vote, for you to propose (section 4.2, no ballot 0)
	MsgPreCommit            // tm, rm -> rm: all are prepared (three-phase commit)
	MsgPreCommitted         // rm -> tm, rm: pre-committed (three-phase commit)
	MsgAskState             // rm -> rm: how far are you? (termination without the coordinator)
	MsgState                // rm -> rm: Val is as far as it is here; NoValue has not voted
	MsgEnlist               // rm -> rm: take part in this transaction (section 6.2)
	MsgEnlisted             // rm -> rm: the registrar knows that this one takes part
	MsgJoin                 // rm -> reg: this one takes part
	MsgJoined               // reg -> rm: joined, so that it will be waited for
	MsgTooLate              // reg, ldr -> rm: the set is closed without this one (section 6.3)
	numMsgTypes
)

// NumMsgTypes is the length of an array indexed by MsgType.
const NumMsgTypes = int(numMsgTypes)

// MsgNames holds the name of each MsgType, by type, as schedules write it.
func MsgNames() [NumMsgTypes]string {
	return [NumMsgTypes]string{
		"none", "request", "query", "begin-commit", "prepare", "vote", "found", "phase1a",
		"phase1b", "phase2a", "phase2b", "rejected", "commit", "abort", "done", "forget",
		"forgotten", "relay", "pre-commit", "pre-committed", "ask-state", "state", "enlist",
		"enlisted", "join", "joined", "too-late",
	}
}

// String gives the type's name as schedules write it.
func (t MsgType) String() string {
	if int(t) >= NumMsgTypes {
		return "msg" + strconv.Itoa(int(t))
	}
	return MsgNames()[t]
}

// Message is a message of any protocol: plain data, comparable, no pointers. Fields that a type
// does not use are zero. In phases 1b, 2a and 2b, and in a relay, Val is the value of one more
// instance than there are resource managers: the registrar's (Prepared if it is Joined), or the
// outcome in the log of a replicated role.
type Message struct {
	Type    MsgType
	Val     Value // MsgVote, MsgDone, MsgState; MsgPhase1b, MsgPhase2a, MsgPhase2b as said above
	Begin   bool  // MsgPhase2a: a BeginCommit rides on it (section 5)
	From    Role
	To      Role
	Bal     Ballot // as in PaxosCommit.tla; in phase1b of what is accepted; to and from a tm its life
	MBal    Ballot // MsgPhase1b, MsgRejected: the acceptor's promise
	Low     uint32 // MsgForget, MsgForgotten: all of this origin and epoch up to it is finished
	Tx      TxID
	Members Set   // its resource managers: the descriptor that every message carries (section 6.1)
	Votes   Votes // MsgPhase1b, MsgPhase2a, MsgPhase2b, MsgRelay

	// With a registrar (section 6), where Val is its value: the set that has joined; so in
	// MsgCommit and MsgDone of what is committed. Members are then those that may join, and in
	// MsgRequest these are those that must: all if it is empty.
	Joined Set
}

// String gives the message by content, in the form that schedules use: "rm1->acc2 phase2a tx=c1.1
// bal=0 ins=1 val=prepared". Members are left out: they follow from the transaction.
func (m Message) String() string { return string(m.AppendText(nil)) }

// AppendText appends what String returns.
func (m Message) AppendText(b []byte) []byte {
	b = fmt.Appendf(b, "%v->%v %v tx=%v", m.From, m.To, m.Type, m.Tx)
	switch m.Type {
	case MsgPhase1a, MsgPhase2a, MsgPhase2b, MsgPreCommit, MsgPreCommitted, MsgAskState:
		b = fmt.Appendf(b, " bal=%d", m.Bal)
	case MsgPhase1b, MsgRejected:
		b = fmt.Appendf(b, " mbal=%d bal=%d", m.MBal, m.Bal)
	case MsgVote, MsgDone:
		b = fmt.Appendf(b, " val=%v", m.Val)
	case MsgState:
		b = fmt.Appendf(b, " bal=%d val=%v", m.Bal, m.Val)
	case MsgForget, MsgForgotten:
		b = fmt.Appendf(b, " low=%d", m.Low)
	default:
	}
	b = m.appendLife(b)
	b = m.Votes.appendText(b)
	switch m.Type {
	case MsgPhase1b, MsgPhase2a, MsgPhase2b, MsgRelay:
		b = appendEntry(b, m.Val, m.Joined)
	case MsgRequest, MsgCommit, MsgDone:
		b = appendEntry(b, NoValue, m.Joined)
	default:
	}
	if m.Begin {
		b = append(b, " begin"...)
	}
	return b
}

// appendLife writes, of the messages that have no ballot, for which life of the transaction manager
// they are, if it is not the first.
func (m *Message) appendLife(b []byte) []byte {
	switch m.Type {
	case MsgPhase1a, MsgPhase2a, MsgPhase2b, MsgPreCommit, MsgPreCommitted, MsgAskState, MsgPhase1b,
		MsgRejected, MsgState:
		return b
	default:
	}
	if m.Bal > 0 {
		b = fmt.Appendf(b, " bal=%d", m.Bal)
	}
	return b
}

// appendEntry writes the value of the instance that no resource manager has, if there is one.
func appendEntry(b []byte, v Value, joined Set) []byte {
	if v != NoValue {
		b = fmt.Appendf(b, " entry=%v", v)
	}
	if joined != 0 {
		b = fmt.Appendf(b, " joined=%v", joined)
	}
	return b
}

func (v Votes) appendText(b []byte) []byte {
	if v.Instances().Len() == 1 && v.Prepared&v.Aborted == 0 {
		ins := v.Instances().First()
		return fmt.Appendf(b, " ins=%d val=%v", ins, v.Of(ins))
	}
	if v.Prepared != 0 {
		b = fmt.Appendf(b, " prepared=%v", v.Prepared)
	}
	if v.Aborted != 0 {
		b = fmt.Appendf(b, " aborted=%v", v.Aborted)
	}
	return b
}

// OutcomeMsg returns the message type that announces an outcome: MsgCommit or MsgAbort.
func OutcomeMsg(v Value) MsgType {
	if v == Committed {
		return MsgCommit
	}
	return MsgAbort
}

// RecordType says what a record holds. The zero type means none.
type RecordType uint8

// The record types of the one log that a node has.
const (
	NoRecord        RecordType = iota
	RecordVote                 // rm: Val is its vote, reg: Joined; durable before its phase2a
	RecordOutcome              // rm, tm: Val is the outcome; durable before anybody acts on it
	RecordAcceptor             // acc, replicas: MBal, Bal and values; durable before its 1b or 2b
	RecordBallot               // ldr: Bal is the highest ballot used; durable before its phase1a
	RecordForget               // finished and forgotten; durable before MsgForgotten
	RecordPreCommit            // rm, tm: pre-committed in attempt Bal; durable before it is said
	RecordJoin                 // reg: Joined are all that have joined so far; durable before MsgJoined
	numRecordTypes
)

// NumRecordTypes is the length of an array indexed by RecordType.
const NumRecordTypes = int(numRecordTypes)

// String gives the type's name.
func (t RecordType) String() string {
	if int(t) >= NumRecordTypes {
		return "record" + strconv.Itoa(int(t))
	}
	return [NumRecordTypes]string{
		"none", "vote", "outcome", "acceptor", "ballot", "forget", "pre-commit", "join",
	}[t]
}

// Record is what a role asks its node to append to its log. Records are plain data; a later record
// of the same role, transaction and type replaces an earlier one.
type Record struct {
	Type    RecordType
	Val     Value
	Role    Role
	Bal     Ballot
	MBal    Ballot
	Low     uint32
	Tx      TxID
	Members Set
	Votes   Votes
	Joined  Set
}

// String gives the record by content.
func (r Record) String() string {
	b := fmt.Appendf(nil, "%v %v tx=%v", r.Role, r.Type, r.Tx)
	switch r.Type {
	case RecordVote, RecordOutcome:
		b = appendEntry(fmt.Appendf(b, " val=%v", r.Val), NoValue, r.Joined)
	case RecordAcceptor:
		b = r.Votes.appendText(fmt.Appendf(b, " mbal=%d bal=%d", r.MBal, r.Bal))
		b = appendEntry(b, r.Val, r.Joined)
	case RecordBallot, RecordPreCommit:
		b = fmt.Appendf(b, " bal=%d", r.Bal)
	case RecordJoin:
		b = appendEntry(b, NoValue, r.Joined)
	case RecordForget:
		b = fmt.Appendf(b, " low=%d", r.Low)
	default:
	}
	return string(b)
}

// TimerKind says what a timer is for. The zero kind means none.
type TimerKind uint8

// The timer kinds.
const (
	NoTimer       TimerKind = iota
	TimerRetry              // say again what has had no answer
	TimerTakeOver           // do not wait longer: begin a higher ballot, or what the rules say
	TimerFlush              // acc: do not wait longer for the rest of the bundle
	numTimerKinds
)

// NumTimerKinds is the length of an array indexed by TimerKind.
const NumTimerKinds = int(numTimerKinds)

// TimerNames holds the name of each TimerKind, by kind, as schedules write it.
func TimerNames() [NumTimerKinds]string {
	return [NumTimerKinds]string{"none", "retry", "takeover", "flush"}
}

// String gives the kind's name as schedules write it.
func (k TimerKind) String() string {
	if int(k) >= NumTimerKinds {
		return "timer" + strconv.Itoa(int(k))
	}
	return TimerNames()[k]
}

// Timer names one timer of one role and transaction. How long it runs, and how it backs off, is the
// driver's business; in an asynchronous world an armed timer may fire at any moment.
type Timer struct {
	Role  Role
	Kind  TimerKind
	Tx    TxID
	Await Await
}

// Await says whom a timer waits for: roles of one kind, or these replicas of them. A synchronous
// world lets the timer fire only when one of these is dead or cut off and nothing from it is in
// flight.
type Await struct {
	Kind     RoleKind
	IDs      Set
	Replicas Set
}

// Any tells whether f holds of one of the roles.
func (a Await) Any(f func(Role) bool) bool {
	for s := a.IDs; s != 0; s &= s - 1 {
		from := Role{Kind: a.Kind, ID: s.First()}
		if a.Replicas == 0 && f(from) {
			return true
		}
		for c := a.Replicas; c != 0; c &= c - 1 {
			from.Replica = c.First()
			if f(from) {
				return true
			}
		}
	}
	return false
}

// String gives the timer by content: "ldr1 takeover tx=c1.1".
func (t Timer) String() string { return fmt.Sprintf("%v %v tx=%v", t.Role, t.Kind, t.Tx) }
