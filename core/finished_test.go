package core_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"paxoscommit/core"

	"github.com/stretchr/testify/require"
)

// Finished does what a set does, and equal sets have equal keys.
func TestFinishedAgreesWithSet(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 0))
		limit := 1 + rng.Uint32N(40)
		f, want := &core.Finished{}, map[core.TxID]bool{}
		for range 200 {
			tx := randomTx(rng, limit)
			if rng.IntN(10) == 0 {
				low := rng.Uint32N(limit/2*3/2 + 1)
				f.Raise(tx, low)
				for seq := uint32(1); seq <= low; seq++ {
					want[core.TxID{Origin: tx.Origin, Epoch: tx.Epoch, Seq: seq}] = true
				}
			} else {
				f.Add(tx)
				want[tx] = true
			}
		}
		same := &core.Finished{}
		for tx := range want { // in any order
			same.Add(tx)
		}
		require.Equal(t, same.AppendKey(nil), f.AppendKey(nil), "seed %d", seed)
		for origin := range uint16(4) {
			for epoch := range uint16(3) {
				requireSameFinished(t, want, f, core.TxID{Origin: origin, Epoch: epoch}, limit)
			}
		}
	}
}

func requireSameFinished(
	t *testing.T, want map[core.TxID]bool, f *core.Finished, tx core.TxID, limit uint32,
) {
	t.Helper()
	low := uint32(0)
	for seq := uint32(1); seq <= limit+2; seq++ {
		tx.Seq = seq
		require.Equal(t, want[tx], f.Has(tx), "%v", tx)
		if want[tx] && low == seq-1 {
			low = seq
		}
	}
	require.Equal(t, low, f.Low(tx))
}

func TestFinishedStaysSmall(t *testing.T) {
	f := &core.Finished{}
	for seq := range uint32(10_000) {
		f.Add(core.TxID{Origin: 3, Seq: seq ^ 7 + 1}) // out of order, and with a gap at the end
	}
	require.Less(t, len(f.AppendKey(nil)), 50)
}

func TestFinishedToTheLastNumber(t *testing.T) {
	f := &core.Finished{}
	f.Add(core.TxID{Origin: 1, Seq: math.MaxUint32})
	f.Add(core.TxID{Origin: 1, Epoch: 1, Seq: 5})
	f.Raise(core.TxID{Origin: 1, Seq: 1}, math.MaxUint32)
	require.Equal(t, uint32(math.MaxUint32), f.Low(core.TxID{Origin: 1, Seq: 1}))
	require.False(t, f.Has(core.TxID{Origin: 1, Epoch: 1, Seq: 4}))
	require.True(t, f.Has(core.TxID{Origin: 1, Epoch: 1, Seq: 5}))
}

func TestForgetDropsUpToLowOfOneOrigin(t *testing.T) {
	f, table := &core.Finished{}, &core.Table[int]{}
	for seq := range uint32(10) {
		for origin := range uint16(3) {
			table.Put(core.TxID{Origin: origin, Seq: seq + 1})
		}
	}
	core.Forget(f, table, core.TxID{Origin: 1, Seq: 8}, 5)
	require.Equal(t, 24, table.Len())
	for seq := range uint32(10) {
		tx := core.TxID{Origin: 1, Seq: seq + 1}
		gone := seq+1 <= 5 || seq+1 == 8
		require.Equal(t, gone, f.Has(tx), "%v", tx)
		require.Equal(t, gone, table.Get(tx) == nil, "%v", tx)
	}
}

func TestAnyUpToAsksOfOneOriginAndOfWhatIsNotFinished(t *testing.T) {
	f, table := &core.Finished{}, &core.Table[bool]{}
	tx := core.TxID{Origin: 1, Seq: 4}
	*table.Put(tx) = true
	*table.Put(core.TxID{Origin: 1, Seq: 3}) = false
	is := func(v *bool) bool { return *v }
	require.True(t, core.AnyUpTo(f, table, tx, 4, is))
	require.False(t, core.AnyUpTo(f, table, tx, 3, is))
	require.False(t, core.AnyUpTo(f, table, core.TxID{Origin: 2}, 4, is))
	require.False(t, core.AnyUpTo(f, table, core.TxID{Origin: 1, Epoch: 1}, 4, is))
	f.Raise(tx, 4)
	require.False(t, core.AnyUpTo(f, table, tx, 4, is))
}
