package replicated

import (
	"testing"

	"paxoscommit/core"

	"github.com/stretchr/testify/require"
)

func watched(t *testing.T, rms, replicas int) *cluster {
	t.Helper()
	c := newCluster(t, rms, replicas)
	c.watch = true
	return c
}

// started is a cluster with one transaction requested of replica 1, and everything delivered but
// what is lost.
func started(t *testing.T, rms, replicas int, lost func(*core.Message) bool) *cluster {
	t.Helper()
	c := watched(t, rms, replicas)
	c.lost = lost
	c.request(1, 1)
	require.NoError(t, c.run())
	return c
}

// Section 4.2.1 of the Spanner paper, message by message, with a group of three each.
func TestWholeTransaction(t *testing.T) {
	c := started(t, 1, 3, nil)
	require.Equal(t, []string{
		"cl1->rm1.1 request tx=c1.1",
		"rm1.1->tm1.1 request tx=c1.1", // the client's, passed on
		"tm1.1->rm1.1 prepare tx=c1.1",
		"rm1.1->res1 prepare tx=c1.1",
		"res1->rm1.1 vote tx=c1.1 val=prepared",
		"rm1.1->rm1.2 phase2a tx=c1.1 bal=0 ins=1 val=prepared", // F others
		"rm1.2->rm1.1 phase2b tx=c1.1 bal=0 ins=1 val=prepared",
		"rm1.1->tm1.1 vote tx=c1.1 val=prepared", // once it is chosen
		"tm1.1->tm1.2 phase2a tx=c1.1 bal=0 entry=committed",
		"tm1.2->tm1.1 phase2b tx=c1.1 bal=0 entry=committed",
		"tm1.1->rm1.1 commit tx=c1.1", // once it is chosen
		"rm1.1->rm1.2 phase2a tx=c1.1 bal=0 ins=1 val=prepared entry=committed",
		"rm1.2->rm1.1 phase2b tx=c1.1 bal=0 ins=1 val=prepared entry=committed",
		"rm1.1->res1 commit tx=c1.1", // once it is chosen
		"rm1.1->cl1 commit tx=c1.1",
		"res1->rm1.1 done tx=c1.1 val=committed",
		"rm1.1->tm1.1 done tx=c1.1 val=committed",
		"tm1.1->rm1.1 forget tx=c1.1 low=1", // everybody has applied it for good
		"tm1.1->rm1.2 forget tx=c1.1 low=1",
		"tm1.1->rm1.3 forget tx=c1.1 low=1",
		"tm1.1->tm1.2 forget tx=c1.1 low=1",
		"tm1.1->tm1.3 forget tx=c1.1 low=1",
		"rm1.1->res1 forget tx=c1.1 low=1",
		"rm1.2->res1 forget tx=c1.1 low=1",
		"rm1.3->res1 forget tx=c1.1 low=1",
	}, texts(c.sent))
	require.Empty(t, c.armed)
	require.Zero(t, c.open())
	require.Equal(t, 6, c.wrote[core.RecordAcceptor], "(F+1)(2N+1)")
}

func TestAnAbortedVoteAbortsAll(t *testing.T) {
	c := watched(t, 3, 3)
	c.vote = core.Aborted
	c.request(1, 1)
	require.NoError(t, c.run())
	require.Equal(t, 1, c.told[core.MsgAbort])
	require.Zero(t, c.told[core.MsgCommit])
	require.Zero(t, c.open())
}

// A leader that dies after any of its messages leaves a group that finishes without it.
func TestTheGroupFinishesWithoutItsLeader(t *testing.T) {
	for _, dead := range []core.Role{rmRole(1, 1), coordinator(1)} {
		whole := started(t, 2, 3, nil)
		for n := range whole.sent {
			sent := 0
			c := started(t, 2, 3, func(m *core.Message) bool {
				if m.From == dead || m.To == dead {
					sent++
				}
				return sent > n && (m.From == dead || m.To == dead)
			})
			c.lost = without(dead)
			c.request(2, 1)
			require.NoError(t, c.run())
			for range 4 {
				for _, timer := range sortedTimers(c) {
					if timer.Role != dead && c.armed[timer] &&
						(timer.Kind == core.TimerRetry || timer.Role.Replica == 2) {
						c.fire(t, timer.Role, timer.Kind)
					}
				}
			}
			require.Positive(t, c.told[core.MsgCommit]+c.told[core.MsgAbort]+
				c.told[core.MsgForgotten], "%v dead after %d messages", dead, n)
			require.False(t, c.told[core.MsgCommit] > 0 && c.told[core.MsgAbort] > 0)
		}
	}
}

func TestLargestTransaction(t *testing.T) {
	c := newCluster(t, core.MaxRMs, 13) // with the databases as many nodes as there can be
	c.request(1, 1)
	require.NoError(t, c.run())
	require.Equal(t, 1, c.told[core.MsgCommit])
	require.Zero(t, c.open())
}
