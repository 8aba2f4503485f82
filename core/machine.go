package core

import (
	"errors"
	"fmt"
)

// Errors of Machine.Step. They mean that the input should not exist: a correct system under a
// correct driver never sees them.
var (
	ErrMisrouted = errors.New("core: input for a role or of a type that does not belong here")
	ErrMalformed = errors.New("core: message with fields that cannot be")
	ErrProtocol  = errors.New("core: message that no correct peer sends")
)

// InputType says what an input is. The zero type means none.
type InputType uint8

// The input types.
const (
	NoInput      InputType = iota
	InputMessage           // Msg has arrived for the role Msg.To
	InputTimer             // Timer has fired; it is no longer armed
	InputRecord            // after a restart: Rec is the next record of the log, in order
	InputRestart           // after a restart: that was the whole log
)

// Input is everything that can happen to a machine. Only the field that belongs to Type is used.
type Input struct {
	Type  InputType
	Timer Timer
	Msg   Message
	Rec   Record
}

// Output is what a machine wants done, as data. The driver owns it and may reuse it: Step only
// appends.
//
// Records are to be appended, in this order, to the node's one log. Send may leave at once. Gated
// may leave as soon as every record that the machine has asked for up to and including this step is
// durable; after a crash before that it must never leave. Arm (re)arms timers, Disarm stops them;
// no timer is in both.
type Output struct {
	Records []Record
	Send    []Message
	Gated   []Message
	Arm     []Timer
	Disarm  []Timer
	Decided []Decision
	Dropped []Drop
}

// Reset empties the output and keeps its buffers.
func (o *Output) Reset() {
	o.Records, o.Send, o.Gated = o.Records[:0], o.Send[:0], o.Gated[:0]
	o.Arm, o.Disarm = o.Arm[:0], o.Disarm[:0]
	o.Decided, o.Dropped = o.Decided[:0], o.Dropped[:0]
}

// PutMessage appends a message to Output.Send or Output.Gated, and returns it for what it says
// beside this to be filled in.
func PutMessage(where *[]Message, t MsgType, from, to Role, tx TxID, members Set) *Message {
	m := put(where)
	m.Type, m.From, m.To, m.Tx, m.Members = t, from, to, tx, members
	return m
}

// PutTimer appends a timer to Output.Arm or Output.Disarm.
func PutTimer(where *[]Timer, k TimerKind, r Role, tx TxID, await Await) {
	t := put(where)
	t.Kind, t.Role, t.Tx, t.Await = k, r, tx, await
}

// Write appends a record, and returns it for what it says beside this to be filled in.
func (o *Output) Write(t RecordType, r Role, tx TxID, members Set) *Record {
	rec := put(&o.Records)
	rec.Type, rec.Role, rec.Tx, rec.Members = t, r, tx, members
	return rec
}

// Decide says that a role has learned an outcome.
func (o *Output) Decide(v Value, r Role, tx TxID, members Set) {
	d := put(&o.Decided)
	d.Val, d.Role, d.Tx, d.Members = v, r, tx, members
}

// Drop says that an input for a role was dropped, and why.
func (o *Output) Drop(why DropReason, r Role, tx TxID) {
	d := put(&o.Dropped)
	d.Reason, d.Role, d.Tx = why, r, tx
}

// put makes a list longer by one, and returns that, zero. It is written where it stays: a copy of
// what has just been written costs more than all else, and append would make one.
func put[T any](list *[]T) *T {
	n := len(*list)
	if n == cap(*list) {
		*list = append(*list, *new(T))
	}
	l := (*list)[:n+1]
	*list = l
	l[n] = *new(T)
	return &l[n]
}

// Decision says that a role has learned the outcome of a transaction, Committed or Aborted.
type Decision struct {
	Role    Role
	Val     Value
	Tx      TxID
	Members Set
}

// String gives the decision by content.
func (d Decision) String() string { return fmt.Sprintf("%v learns %v tx=%v", d.Role, d.Val, d.Tx) }

// DropReason says why an input changed nothing and got no answer.
type DropReason uint8

// The reasons.
const (
	NoReason      DropReason = iota
	DropStale                // of a ballot or phase that is over
	DropDuplicate            // already acted upon
	DropUnknown              // of a transaction that this role does not know
	DropFinished             // of a transaction that is finished and forgotten
	numDropReasons
)

// String gives the reason's name.
func (r DropReason) String() string {
	names := [numDropReasons]string{
		"none", "stale", "duplicate", "unknown transaction", "finished transaction",
	}
	if r >= numDropReasons {
		return fmt.Sprintf("reason%d", uint8(r))
	}
	return names[r]
}

// Drop is an input that was dropped, and why: nothing vanishes silently.
type Drop struct {
	Reason DropReason
	Role   Role
	Tx     TxID
}

// Machine is one process: a pure function of its inputs. It does no I/O, reads no clock, draws no
// random number and starts no goroutine.
type Machine interface {
	// Step takes one input and appends to out what the machine wants. On error the state is
	// unchanged, and nothing is appended.
	Step(in *Input, out *Output) error
	// AppendKey appends a canonical encoding of the state: equal states give equal bytes, and no
	// history is in it.
	AppendKey(dst []byte) []byte
	// CopyFrom makes the state equal to src's, a machine of the same type and layout, and shares
	// nothing with it.
	CopyFrom(src Machine)
	// Reset makes the machine that of the given node with an empty log; l is kept and must not
	// change.
	Reset(l *Layout, node NodeID)
}

// Protocol makes the machines of a protocol. It is all that the harness, the fuzzer and the model
// checker know of it.
type Protocol interface {
	// Name is what the command line and schedules call it, such as paxos-commit.
	Name() string
	// Options names the switches that Layout.Options may turn on, bit i for the i-th.
	Options() []string
	// Limits returns how many roles of each kind a system has, at least and at most.
	Limits() (least, most Sizes)
	// Validate tells whether the protocol can run on the layout: its sizes within the limits, every
	// role on a node, and what else must hold.
	Validate(l *Layout) error
	// New returns a machine to be Reset.
	New() Machine
}
