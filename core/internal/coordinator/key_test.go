package coordinator

import (
	"testing"

	"paxoscommit/checker/keytest"

	"github.com/stretchr/testify/require"
)

func TestKeyHoldsEverything(t *testing.T) {
	with := role{layout: apart(t), rules: threePhase(Terminates)}
	require.Equal(t, []string{".client.Kind", ".client.Replica"},
		keytest.Silent(func(st *rmTx) string {
			r := rm{role: with}
			*r.txs.Put(txID()) = *st
			return string(r.AppendKey(nil))
		}, &rmTx{}), "of a client the number says all")
	require.Empty(t, keytest.Silent(func(st *tmTx) string {
		m := tm{role: with}
		*m.txs.Put(txID()) = *st
		return string(m.AppendKey(nil))
	}, &tmTx{}))
}
