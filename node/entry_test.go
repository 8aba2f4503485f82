package node

import (
	"testing"

	"paxoscommit/core"
	"paxoscommit/core/bank"

	"github.com/stretchr/testify/require"
)

// entries has one of each type, with every field set.
func entries() []Entry {
	tx := core.TxID{Origin: 1, Epoch: 2, Seq: 3}
	return []Entry{
		{Type: EntryRecord, Record: core.Record{
			Type: core.RecordAcceptor, Val: core.Aborted,
			Role: core.Role{Kind: core.Acceptor, ID: 15, Replica: 7},
			Bal:  1<<32 - 1, MBal: 1<<32 - 2, Low: 1<<32 - 3, Tx: tx, Members: ^core.Set(0),
			Votes:  core.Votes{Prepared: core.SetOf(1, 64), Aborted: core.SetOf(2)},
			Joined: core.SetOf(9),
		}},
		{
			Type: EntryHeld, RM: 64, Tx: tx, Members: core.SetOf(1, 64),
			Work:  bank.Work{From: 1, To: 64, Amount: 1<<63 - 1, Read: core.SetOf(3)},
			Reads: []int64{100, -1},
		},
		{Type: EntryApplied, RM: 1, Tx: tx, Val: core.Committed},
		{Type: EntryDropped, RM: 1, Tx: tx, Low: 1<<32 - 1},
		{Type: EntryStart},
	}
}

func TestEntriesComeBack(t *testing.T) {
	for _, e := range entries() {
		text := e.Append(nil)
		got, err := ParseEntry(text)
		require.NoError(t, err)
		require.Equal(t, e, got)
		for i := range text {
			_, err := ParseEntry(text[:i])
			require.ErrorIs(t, err, ErrEntry, "cut to %d bytes", i)
		}
		_, err = ParseEntry(append(text, 0))
		require.ErrorIs(t, err, ErrEntry, "a byte too many")
	}
}

func FuzzParseEntry(f *testing.F) {
	for _, e := range entries() {
		f.Add(e.Append(nil))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := ParseEntry(text)
		if err != nil {
			require.ErrorIs(t, err, ErrEntry)
			return
		}
		again, err := ParseEntry(e.Append(nil))
		require.NoError(t, err)
		require.Equal(t, e, again)
	})
}
