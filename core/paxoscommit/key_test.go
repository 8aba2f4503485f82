package paxoscommit

import (
	"testing"

	"paxoscommit/checker/keytest"

	"github.com/stretchr/testify/require"
)

func TestKeyHoldsEverything(t *testing.T) {
	l := dynamic(t, 1, OptRelayed)
	with := role{layout: l}
	require.Equal(t, []string{".client.Kind", ".client.Replica"},
		keytest.Silent(func(st *rmTx) string {
			r := rm{role: with}
			*r.txs.Put(txID(1)) = *st
			return string(r.AppendKey(nil))
		}, &rmTx{}), "of a client the number says all")
	require.Empty(t, keytest.Silent(func(st *leaderTx) string {
		r := leader{role: with}
		*r.txs.Put(txID(1)) = *st
		return string(r.AppendKey(nil))
	}, &leaderTx{phase: preparing}, &leaderTx{phase: decided}))
	require.Empty(t, keytest.Silent(func(st *acceptorTx) string {
		r := acceptor{role: with}
		*r.txs.Put(txID(1)) = *st
		return string(r.AppendKey(nil))
	}, &acceptorTx{}))
	require.Empty(t, keytest.Silent(func(st *registrarTx) string {
		r := registrar{role: with}
		*r.txs.Put(txID(1)) = *st
		return string(r.AppendKey(nil))
	}, &registrarTx{}))
}
