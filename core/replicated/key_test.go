package replicated

import (
	"testing"

	"paxoscommit/checker/keytest"

	"github.com/stretchr/testify/require"
)

func TestKeyHoldsEverything(t *testing.T) {
	with := replica{layout: newCluster(t, 1, 3).layout}
	require.Equal(t, []string{".client.Kind", ".client.Replica"},
		keytest.Silent(func(st *rmTx) string {
			p := participant{replica: with}
			*p.txs.Put(txID()) = *st
			return string(p.AppendKey(nil))
		}, &rmTx{}), "of a client the number says all")
	require.Empty(t, keytest.Silent(func(st *tmTx) string {
		c := manager{replica: with}
		*c.txs.Put(txID()) = *st
		return string(c.AppendKey(nil))
	}, &tmTx{}))
}
