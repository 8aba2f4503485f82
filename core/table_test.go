package core_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"paxoscommit/core"

	"github.com/stretchr/testify/require"
)

// randomTx draws from few ids, so that they meet again.
func randomTx(rng *rand.Rand, limit uint32) core.TxID {
	return core.TxID{
		Origin: uint16(1 + rng.IntN(2)), Epoch: uint16(rng.IntN(2)), Seq: 1 + rng.Uint32N(limit),
	}
}

// A table does what a map does. With few ids and many deletions, clusters form and are broken up
// in the index, which wraps round.
func TestTableAgreesWithMap(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 0))
		table, want := &core.Table[int]{}, map[core.TxID]int{}
		limit := 1 + rng.Uint32N(60)
		deletes := 1 + rng.IntN(5) // of 8 operations
		for op := range 2000 {
			tx := randomTx(rng, limit)
			switch pick := rng.IntN(8); {
			case pick < deletes:
				table.Delete(tx)
				delete(want, tx)
			case rng.IntN(300) == 0:
				table.Clear()
				clear(want)
			case rng.IntN(50) == 0:
				other := &core.Table[int]{}
				other.Put(tx) // what the copy covers
				other.CopyFrom(table)
				table.Clear()
				table = other
			default:
				if _, ok := want[tx]; !ok {
					require.Zero(t, *table.Put(tx), "a new one is zero")
				}
				*table.Put(tx) = op
				want[tx] = op
			}
			got, ok := table.Get(tx), false
			if value, there := want[tx]; there {
				ok = got != nil && *got == value
			} else {
				ok = got == nil
			}
			require.True(t, ok, "seed %d op %d: %v", seed, op, tx)
		}
		requireSameTable(t, want, table)
	}
}

func requireSameTable(t *testing.T, want map[core.TxID]int, table *core.Table[int]) {
	t.Helper()
	require.Equal(t, len(want), table.Len())
	var order []core.TxID
	for _, i := range table.Sorted(nil) {
		tx, value := table.At(int(i))
		require.Equal(t, want[tx], *value)
		order = append(order, tx)
	}
	require.Equal(t, slices.SortedFunc(maps.Keys(want), core.TxID.Compare), order)
}

func TestCopiedTableSharesNothing(t *testing.T) {
	a, b := &core.Table[int]{}, &core.Table[int]{}
	for seq := range uint32(100) {
		*a.Put(core.TxID{Origin: 1, Seq: seq + 1}) = int(seq)
	}
	b.CopyFrom(a)
	for seq := range uint32(100) {
		*a.Get(core.TxID{Origin: 1, Seq: seq + 1}) = -1
	}
	for seq := range uint32(50) {
		a.Delete(core.TxID{Origin: 1, Seq: 100 - seq})
	}
	require.Equal(t, 100, b.Len())
	for seq := range uint32(100) {
		require.Equal(t, int(seq), *b.Get(core.TxID{Origin: 1, Seq: seq + 1}))
	}
}
