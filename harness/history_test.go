package harness

import (
	"testing"

	"github.com/stretchr/testify/require"

	"paxoscommit/checker/history"
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
