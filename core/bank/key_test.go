package bank

import (
	"testing"

	"paxoscommit/core"

	"github.com/stretchr/testify/require"
)

// TestKeyTellsStatesApart: whatever a bank answers by is in its key, and the way there is not.
func TestKeyTellsStatesApart(t *testing.T) {
	tx := core.TxID{Origin: 1, Seq: 1}
	work := Work{From: 1, To: 2, Amount: 5}
	keys := map[string]string{}
	add := func(name string, b *Bank) {
		key := string(b.AppendKey(nil))
		require.Empty(t, keys[key], name)
		keys[key] = name
	}
	var b, c Bank
	b.Reset(core.SetOf(1, 2), 10)
	c.CopyFrom(&b)
	add("new", &b)
	require.Equal(t, core.Prepared, b.Prepare(tx, core.SetOf(1), work))
	add("prepared", &b)
	require.NoError(t, b.Finish(tx, core.Committed))
	add("committed", &b)
	b.Forget(tx, 0)
	add("committed and forgotten", &b)

	require.NoError(t, c.Finish(tx, core.Aborted))
	add("aborted", &c)
	require.NoError(t, c.Finish(tx, core.Aborted))
	require.Equal(t, "aborted", keys[string(c.AppendKey(nil))])
}
