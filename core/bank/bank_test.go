package bank_test

import (
	"math/rand/v2"
	"testing"

	"paxoscommit/core"
	"paxoscommit/core/bank"

	"github.com/stretchr/testify/require"
)

// newBank has accounts 1, 2 and 3 with 100 each; 4 and 5 are at another bank.
func newBank() *bank.Bank {
	b := &bank.Bank{}
	b.Reset(core.SetOf(1, 2, 3), 100)
	return b
}

func tx(seq uint32) core.TxID { return core.TxID{Origin: 1, Seq: seq} }

func transfer(from, to uint8, amount int64) bank.Work {
	return bank.Work{From: from, To: to, Amount: amount}
}

const members = core.Set(3)

func TestLocksAreHeldFromPrepareToOutcome(t *testing.T) {
	b := newBank()
	require.Equal(t, core.Prepared, b.Prepare(tx(1), members, transfer(1, 4, 30)))
	require.Equal(t, core.Prepared, b.Prepare(tx(1), members, transfer(1, 4, 30)), "asked again")
	require.Equal(t, core.Aborted, b.Prepare(tx(2), members, transfer(2, 1, 1)), "no wait")
	require.Equal(t, core.Aborted, b.Prepare(tx(2), members, bank.Work{Read: core.SetOf(1)}))
	require.Equal(t, core.Prepared, b.Prepare(tx(3), members, transfer(2, 3, 1)), "others are free")
	require.Equal(t, int64(100), b.Balance(1), "nothing moves before the outcome")
	require.NoError(t, b.Finish(tx(1), core.Committed))
	require.Equal(t, int64(70), b.Balance(1))
	require.Equal(t, core.Prepared, b.Prepare(tx(2), members, transfer(4, 1, 1)))
	require.NoError(t, b.Finish(tx(2), core.Aborted))
	require.Equal(t, int64(70), b.Balance(1))
	require.Equal(t, core.Prepared, b.Prepare(tx(4), members, bank.Work{Read: core.SetOf(1)}))
}

func TestInsufficientFundsVoteAborted(t *testing.T) {
	b := newBank()
	require.Equal(t, core.Aborted, b.Prepare(tx(1), members, transfer(1, 2, 101)))
	require.Equal(t, core.Prepared, b.Prepare(tx(2), members, transfer(1, 2, 100)), "unlocked")
	require.Equal(t, core.Prepared, b.Prepare(tx(3), members, transfer(4, 3, 1000)), "not ours")
	require.NoError(t, b.Finish(tx(2), core.Committed))
	require.Equal(t, int64(0), b.Balance(1))
	require.Equal(t, int64(200), b.Balance(2))
}

func TestTransferToItselfChangesNothing(t *testing.T) {
	b := newBank()
	require.Equal(t, core.Aborted, b.Prepare(tx(1), members, transfer(1, 1, 101)))
	require.Equal(t, core.Prepared, b.Prepare(tx(2), members, transfer(1, 1, 100)))
	require.NoError(t, b.Finish(tx(2), core.Committed))
	require.Equal(t, int64(100), b.Balance(1))
}

func TestEffectsAreAppliedOnce(t *testing.T) {
	b := newBank()
	b.Prepare(tx(1), members, transfer(1, 2, 10))
	require.True(t, b.Holds(tx(1)))
	for range 3 {
		require.NoError(t, b.Finish(tx(1), core.Committed))
		require.False(t, b.Holds(tx(1)))
	}
	b.Forget(tx(1), 0)
	require.NoError(t, b.Finish(tx(1), core.Committed))
	require.Equal(t, int64(90), b.Balance(1))
	require.Equal(t, int64(110), b.Balance(2))
}

func TestAbortFencesASlowPrepare(t *testing.T) {
	b := newBank()
	require.NoError(t, b.Finish(tx(1), core.Aborted))
	require.Equal(t, core.NoValue, b.Prepare(tx(1), members, transfer(1, 2, 10)))
	b.Forget(tx(1), 0)
	require.Equal(t, core.NoValue, b.Prepare(tx(1), members, transfer(1, 2, 10)), "forgotten too")
	b.Forget(tx(5), 4)
	require.Equal(t, core.NoValue, b.Prepare(tx(3), members, transfer(1, 2, 10)), "below the mark")
	require.Equal(t, core.Prepared, b.Prepare(tx(6), members, transfer(1, 2, 10)))
}

func TestContradictionIsAnError(t *testing.T) {
	b := newBank()
	require.ErrorIs(t, b.Finish(tx(1), core.Committed), bank.ErrNotPrepared)
	b.Prepare(tx(2), members, transfer(1, 2, 10))
	require.NoError(t, b.Finish(tx(2), core.Committed))
	require.ErrorIs(t, b.Finish(tx(2), core.Aborted), bank.ErrFinished)
	require.NoError(t, b.Finish(tx(3), core.Aborted))
	require.ErrorIs(t, b.Finish(tx(3), core.Committed), bank.ErrFinished)
	require.Equal(t, int64(90), b.Balance(1))
}

func TestInDoubtListsWhatIsPrepared(t *testing.T) {
	b := newBank()
	b.Prepare(tx(3), core.SetOf(1, 3), transfer(1, 4, 1))
	b.Prepare(tx(1), core.SetOf(1, 2), transfer(2, 4, 1))
	b.Prepare(tx(2), members, transfer(3, 4, 1))
	require.NoError(t, b.Finish(tx(2), core.Committed))
	type doubt struct {
		tx      core.TxID
		members core.Set
	}
	var got []doubt
	b.InDoubt(func(tx core.TxID, members core.Set) { got = append(got, doubt{tx, members}) })
	require.Equal(t, []doubt{{tx(1), core.SetOf(1, 2)}, {tx(3), core.SetOf(1, 3)}}, got)
}

// Whatever order things come in, two banks neither make nor lose money, nothing goes below zero,
// and a copy goes its own way.
func TestMoneyIsConserved(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	a, b := &bank.Bank{}, &bank.Bank{}
	a.Reset(core.SetOf(1, 3), 50)
	b.Reset(core.SetOf(2, 4), 50)
	frozen := &bank.Bank{}
	frozen.CopyFrom(a)
	work, outcome := map[core.TxID]bank.Work{}, map[core.TxID]core.Value{}
	for seq := range uint32(3000) {
		id := tx(seq + 1)
		work[id] = transfer(uint8(1+rng.IntN(4)), uint8(1+rng.IntN(4)), int64(1+rng.IntN(60)))
		outcome[id] = core.Committed
		for _, x := range []*bank.Bank{a, b} {
			if x.Prepare(id, members, work[id]) != core.Prepared {
				outcome[id] = core.Aborted
			}
		}
		for back := range uint32(3) { // outcomes come late, and again
			if old := tx(seq + 1 - back - 1); back < seq && (back == 2 || rng.IntN(2) == 0) {
				require.NoError(t, a.Finish(old, outcome[old]))
				require.NoError(t, b.Finish(old, outcome[old]))
			}
		}
	}
	for id, v := range outcome {
		require.NoError(t, a.Finish(id, v))
		require.NoError(t, b.Finish(id, v))
	}
	sum, committed := int64(0), 0
	for account := range uint8(4) {
		x := []*bank.Bank{a, b}[account%2]
		require.GreaterOrEqual(t, x.Balance(account+1), int64(0))
		sum += x.Balance(account + 1)
	}
	for _, v := range outcome {
		if v == core.Committed {
			committed++
		}
	}
	require.Equal(t, int64(200), sum)
	require.Greater(t, committed, 100, "a test in which nothing moves shows nothing")
	require.Equal(t, int64(50), frozen.Balance(1))
}
