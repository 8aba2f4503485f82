package node

import (
	"encoding/binary"
	"errors"
	"fmt"

	"paxoscommit/core"
	"paxoscommit/core/bank"
)

// ErrEntry marks an entry of a log that this version cannot have written.
var ErrEntry = errors.New("node: not an entry of a log")

// EntryType says what an entry of a log holds. The zero type means none.
type EntryType uint8

// The entry types.
const (
	NoEntry      EntryType = iota
	EntryRecord            // Record: of the machine
	EntryHeld              // RM, Tx, Members, Work, Reads: the database is prepared
	EntryApplied           // RM, Tx, Val: the database has applied this outcome
	EntryDropped           // RM, Tx, Low: the database has forgotten it
	EntryStart             // the process has started
)

// Entry is one entry of a log. Only the fields that belong to Type are used.
type Entry struct {
	Type    EntryType
	Record  core.Record
	RM      uint8
	Val     core.Value
	Low     uint32
	Tx      core.TxID
	Members core.Set
	Work    bank.Work
	Reads   []int64 // what the accounts of Work.Read hold here, in order of the accounts
}

// Append appends the entry in the form that Parse reads.
func (e *Entry) Append(dst []byte) []byte {
	dst = append(dst, byte(e.Type))
	switch e.Type {
	case EntryRecord:
		return appendRecord(dst, &e.Record)
	case EntryHeld:
		dst = append(dst, e.RM)
		dst = appendNumbers(dst, e.Tx.Word(), uint64(e.Members), uint64(e.Work.From),
			uint64(e.Work.To), uint64(e.Work.Amount), uint64(e.Work.Read), uint64(len(e.Reads)))
		for _, n := range e.Reads {
			dst = appendNumbers(dst, uint64(n))
		}
	case EntryApplied:
		dst = append(dst, e.RM, byte(e.Val))
		dst = appendNumbers(dst, e.Tx.Word())
	case EntryDropped:
		dst = append(dst, e.RM)
		dst = appendNumbers(dst, e.Tx.Word(), uint64(e.Low))
	case EntryStart, NoEntry:
	}
	return dst
}

func appendRecord(dst []byte, r *core.Record) []byte {
	dst = append(dst, byte(r.Type), byte(r.Val), byte(r.Role.Kind), r.Role.ID, r.Role.Replica)
	return appendNumbers(dst, uint64(r.Bal), uint64(r.MBal), uint64(r.Low), r.Tx.Word(),
		uint64(r.Members), uint64(r.Votes.Prepared), uint64(r.Votes.Aborted), uint64(r.Joined))
}

func appendNumbers(dst []byte, numbers ...uint64) []byte {
	for _, n := range numbers {
		dst = binary.AppendUvarint(dst, n)
	}
	return dst
}

// ParseEntry reads what Append writes. The error is ErrEntry.
func ParseEntry(b []byte) (Entry, error) {
	r := reader{rest: b}
	e := Entry{Type: EntryType(r.byte())}
	switch e.Type {
	case EntryRecord:
		e.Record = r.record()
	case EntryHeld:
		e.RM, e.Tx, e.Members = r.byte(), r.tx(), core.Set(r.number(1<<64-1))
		e.Work.From, e.Work.To = uint8(r.number(bank.MaxAccounts)), uint8(r.number(bank.MaxAccounts))
		e.Work.Amount, e.Work.Read = int64(r.number(1<<63-1)), core.Set(r.number(1<<64-1))
		for range r.number(bank.MaxAccounts) {
			e.Reads = append(e.Reads, int64(r.number(1<<64-1)))
		}
	case EntryApplied:
		e.RM, e.Val, e.Tx = r.byte(), core.Value(r.byte()), r.tx()
	case EntryDropped:
		e.RM, e.Tx, e.Low = r.byte(), r.tx(), uint32(r.number(1<<32-1))
	case EntryStart:
	default:
		r.bad = true
	}
	if r.bad || len(r.rest) > 0 {
		return Entry{}, fmt.Errorf("%w: %x", ErrEntry, b)
	}
	return e, nil
}

// reader reads the parts of an entry; bad says that one was not there.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) byte() byte {
	if len(r.rest) == 0 {
		r.bad = true
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *reader) number(limit uint64) uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > limit {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) tx() core.TxID {
	w := r.number(1<<64 - 1)
	return core.TxID{Origin: uint16(w >> 48), Epoch: uint16(w >> 32), Seq: uint32(w)}
}

func (r *reader) record() core.Record {
	return core.Record{
		Type: core.RecordType(r.byte()), Val: core.Value(r.byte()),
		Role: core.Role{Kind: core.RoleKind(r.byte()), ID: r.byte(), Replica: r.byte()},
		Bal:  core.Ballot(r.number(1<<32 - 1)), MBal: core.Ballot(r.number(1<<32 - 1)),
		Low: uint32(r.number(1<<32 - 1)), Tx: r.tx(), Members: core.Set(r.number(1<<64 - 1)),
		Votes: core.Votes{
			Prepared: core.Set(r.number(1<<64 - 1)), Aborted: core.Set(r.number(1<<64 - 1)),
		},
		Joined: core.Set(r.number(1<<64 - 1)),
	}
}
