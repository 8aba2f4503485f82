package harness

import (
	"testing"

	"github.com/stretchr/testify/require"

	"paxoscommit/checker"
	"paxoscommit/checker/keytest"
	"paxoscommit/core"
	"paxoscommit/core/bank"
	"paxoscommit/core/paxoscommit"
)

// A process that dies while it tells something to many may have told it to some.
func TestSynchronousTimingLosesOnlyWhatTheDeadWereSaying(t *testing.T) {
	l, err := core.NewLayout(core.Sizes{RMs: 2, Acceptors: 3, Leaders: 1})
	require.NoError(t, err)
	c := &Config{
		Protocol: paxoscommit.Protocol{}, Layout: *l, Timing: Synchronous, Accounts: 2, Opening: 100,
		Budget: Budget{Drops: 9, Deaths: 1},
		Txns: []checker.Txn{{
			ID: core.TxID{Origin: 1, Seq: 1}, RM: 1, Members: core.FullSet(2),
			Work: bank.Work{From: 1, To: 2, Amount: 60},
		}},
	}
	require.NoError(t, c.Validate())
	w := NewWorld(c)
	require.NoError(t, w.Apply(Action{Type: Begin, Role: core.Role{Kind: core.Client, ID: 1}}))
	rm1 := core.Role{Kind: core.RM, ID: 1}
	for _, told := range []core.MsgType{core.MsgRequest, core.MsgPrepare, core.MsgVote} {
		m := w.New()[0]
		require.Equal(t, told, m.Type)
		require.NoError(t, w.Apply(messageAction(Deliver, &m)))
	}
	require.NoError(t, w.Apply(Action{Type: Sync, Node: c.Layout.NodeOf(rm1)}))
	said := append([]core.Message(nil), w.New()...)
	require.Greater(t, len(said), 1)
	for i := range said {
		require.Equal(t, rm1, said[i].From)
		require.ErrorIs(t, w.Apply(messageAction(Drop, &said[i])), ErrNotEnabled)
	}
	require.NoError(t, w.Apply(Action{Type: Die, Node: c.Layout.NodeOf(rm1)}))
	require.NoError(t, w.Apply(messageAction(Drop, &said[0])))
	require.NoError(t, w.Apply(messageAction(Deliver, &said[1])))
}

// TestKeyOfAPartHoldsEverything but where it is, what follows from the rest, the monitor, which has
// a key of its own, and whom timers wait for, which matters in the synchronous timing only.
func TestKeyOfAPartHoldsEverything(t *testing.T) {
	l, err := core.NewLayout(core.Sizes{RMs: 1, Acceptors: 1, Leaders: 1})
	require.NoError(t, err)
	p := &Part{
		machine: paxoscommit.Protocol{}.New(), inside: make([]core.Message, 1),
		disk:   disk{records: make([]core.Record, 2), gated: make([]gated, 1)},
		timers: make([]core.Timer, 1), clients: make([]client, 1), banks: make([]bank.Bank, 1),
	}
	p.machine.Reset(l, 1)
	p.banks[0].Reset(core.SetOf(1), 100)
	require.Equal(t, []string{
		".node", ".disk.gated.sum", ".clients.end", ".timers.Await.Kind", ".timers.Await.IDs",
		".timers.Await.Replicas",
	}, keytest.Silent(func(p *Part) string {
		return string(p.AppendState(nil))
	}, p))
}
