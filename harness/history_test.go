package harness

import (
	"testing"

	"github.com/stretchr/testify/require"

	"paxoscommit/checker"
	"paxoscommit/checker/history"
	"paxoscommit/core"
	"paxoscommit/core/bank"
	"paxoscommit/core/paxoscommit"
)

// TestAHistoryInAnotherOrderIsAnother: it is not taken for one that was judged before.
func TestAHistoryInAnotherOrderIsAnother(t *testing.T) {
	w := &World{cfg: &Config{Accounts: 1}}
	hashes := func(second int64) [2]uint64 {
		spans := [...]history.Span{{Call: 1, Return: 2}, {Call: second, Return: 4}}
		var j Judge
		for _, s := range spans {
			j.outcomes = append(j.outcomes, history.OutcomeOp{Span: s, Kind: history.Decide, Seen: 1})
			j.bank = append(j.bank, history.BankOp{Span: s, Amount: 1})
		}
		return [2]uint64{j.outcomeHash(), j.bankHash(w)}
	}
	after, same, beside := hashes(3), hashes(3), hashes(2)
	require.Equal(t, after, same)
	require.NotEqual(t, after[0], beside[0])
	require.NotEqual(t, after[1], beside[1])
}

// TestWhatIsIllegalIsJudgedAgain: only what is legal is remembered.
func TestWhatIsIllegalIsJudgedAgain(t *testing.T) {
	l, err := core.NewLayout(core.Sizes{RMs: 1, Acceptors: 1, Leaders: 1})
	require.NoError(t, err)
	c := &Config{
		Protocol: paxoscommit.Protocol{}, Layout: *l, Timing: Asynchronous, Accounts: 2, Opening: 100,
		Txns: []checker.Txn{{
			ID: core.TxID{Origin: 1, Seq: 1}, RM: 1, Members: 1,
			Work: bank.Work{From: 1, To: 2, Amount: 60},
		}},
	}
	require.NoError(t, c.Validate())
	var j Judge
	for range 2 {
		w := NewWorld(c)
		w.monitor.Invoked(0)
		w.monitor.Returned(0, core.Committed) // and no account has changed
		verdict, err := j.Judge(w)
		require.NoError(t, err)
		require.Equal(t, checker.Violated, verdict)
	}
}
