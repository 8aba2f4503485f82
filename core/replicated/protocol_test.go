package replicated

import (
	"errors"
	"testing"

	"paxoscommit/core"

	"github.com/stretchr/testify/require"
)

func watched(t *testing.T, rms int) *cluster {
	t.Helper()
	c := newCluster(t, rms, 3)
	c.watch = true
	return c
}

// started is a cluster with one transaction requested of replica 1, and everything delivered but
// what is lost.
func started(t *testing.T, rms int, lost func(*core.Message) bool) *cluster {
	t.Helper()
	c := watched(t, rms)
	c.lost = lost
	c.request(1)
	require.NoError(t, c.run())
	return c
}

// Section 4.2.1 of the Spanner paper, message by message, with a group of three each.
func TestWholeTransaction(t *testing.T) {
	c := started(t, 1, nil)
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
	c := watched(t, 3)
	c.vote = core.Aborted
	c.request(1)
	require.NoError(t, c.run())
	require.Equal(t, 1, c.told[core.MsgAbort])
	require.Zero(t, c.told[core.MsgCommit])
	require.Zero(t, c.open())
}

// A leader that dies after any of its messages leaves a group that finishes without it.
func TestTheGroupFinishesWithoutItsLeader(t *testing.T) {
	for _, dead := range []core.Role{rmRole(1, 1), coordinator(1)} {
		whole := started(t, 2, nil)
		for n := range whole.sent {
			sent := 0
			c := started(t, 2, func(m *core.Message) bool {
				if m.From == dead || m.To == dead {
					sent++
				}
				return sent > n && (m.From == dead || m.To == dead)
			})
			c.lost = without(dead)
			c.request(2)
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

// A leader that takes over with the vote of its group chosen waits for the coordinator, however
// often it is woken.
func TestAVoteInDoubtIsNotDecidedByItsGroup(t *testing.T) {
	toTM := func(m *core.Message) bool { return m.To.Kind == core.TM || m.From.Kind == core.TM }
	c := started(t, 1, func(m *core.Message) bool {
		return m.Type == core.MsgVote && toTM(m) || m.To == rmRole(1, 1) && m.Type == core.MsgPhase2b
	})
	c.lost = func(m *core.Message) bool { return toTM(m) || without(rmRole(1, 1))(m) }
	c.fire(t, rmRole(1, 2), core.TimerTakeOver)
	for range 3 {
		c.sent = nil
		c.fire(t, rmRole(1, 2), core.TimerRetry)
		require.Equal(t, []string{
			"rm1.2->rm1.1 phase2a tx=c1.1 bal=2 ins=1 val=prepared", // it lives: nobody is to take over
			"rm1.2->rm1.3 phase2a tx=c1.1 bal=2 ins=1 val=prepared",
			"rm1.2->tm1.1 vote tx=c1.1 val=prepared", "rm1.2->tm1.2 vote tx=c1.1 val=prepared",
			"rm1.2->tm1.3 vote tx=c1.1 val=prepared",
			"rm1.3->rm1.2 phase2b tx=c1.1 bal=2 ins=1 val=prepared",
		}, texts(c.sent))
	}
	c.lost = without(rmRole(1, 1))
	c.fire(t, rmRole(1, 2), core.TimerRetry)
	require.Zero(t, c.open()-1, "all but rm1.1 have finished and forgotten it")
}

// Presumed abort, made durable: a coordinator that knows nothing has its group choose the abort
// before it says it.
func TestAnUnknownTransactionIsDecidedBeforeItIsAnswered(t *testing.T) {
	c := watched(t, 1)
	c.lost = func(m *core.Message) bool { return m.To.Kind == core.RM || m.Type == core.MsgPhase2b }
	query := core.Message{Type: core.MsgQuery, From: client(), To: coordinator(1)}
	c.get(query)
	require.NoError(t, c.run())
	c.fire(t, coordinator(1), core.TimerTakeOver)
	c.get(query)
	require.NoError(t, c.run())
	require.Zero(t, c.told[core.MsgAbort], "nobody has heard that another replica accepted it")
	c.lost = func(m *core.Message) bool { return m.To.Kind == core.RM }
	c.fire(t, coordinator(1), core.TimerRetry)
	c.get(query)
	require.NoError(t, c.run())
	require.Equal(t, 1, c.told[core.MsgAbort])
}

// The first value chosen wins: a leader of the coordinator that finds a decision asks nobody again.
func TestANewLeaderOfTheCoordinatorTellsTheDecisionThatItFinds(t *testing.T) {
	c := started(t, 2, func(m *core.Message) bool {
		return m.Type == core.MsgCommit && m.From == coordinator(1)
	})
	c.lost, c.sent = without(coordinator(1)), nil
	c.fire(t, coordinator(2), core.TimerTakeOver)
	for i := range c.sent {
		require.NotEqual(t, core.MsgPrepare, c.sent[i].Type, "%v", c.sent[i])
		require.NotEqual(t, core.MsgAbort, c.sent[i].Type, "%v", c.sent[i])
	}
	require.Equal(t, 1, c.told[core.MsgCommit])
}

func TestForgottenNeverLooksFree(t *testing.T) {
	c := started(t, 2, nil)
	for _, r := range c.layout.AppendRoles(nil) {
		c.restart(t, r)
	}
	late := c.sent
	c.sent = nil
	for i := range late {
		if late[i].To.Kind != core.Resource && late[i].To.Kind != core.Client {
			c.send(&late[i])
		}
	}
	asked := len(c.sent)
	require.NoError(t, c.run())
	for _, m := range c.sent[asked:] {
		require.Equal(t, core.MsgForgotten, m.Type, "%v", m)
	}
	require.Zero(t, c.open())
}

// One replica that has forgotten is enough for one who knows nothing.
func TestWhoHasNotHeardItIsToldThatItIsForgotten(t *testing.T) {
	c := started(t, 1, without(coordinator(3), rmRole(1, 3)))
	c.lost = nil
	query := core.Message{Type: core.MsgQuery, From: client(), To: coordinator(3)}
	c.get(query)
	require.NoError(t, c.run())
	c.fire(t, coordinator(3), core.TimerTakeOver)
	c.get(query)
	require.NoError(t, c.run())
	require.Equal(t, 1, c.told[core.MsgForgotten])
	require.Zero(t, c.open())
}

// The exact set of messages that each kind of role takes, and from whom.
func TestForeignMessagesAreMisrouted(t *testing.T) {
	names := core.RoleNames()
	var list []string
	for to := range core.RoleKind(core.NumRoleKinds + 1) {
		for typ := range core.MsgType(core.NumMsgTypes + 1) {
			for from := range core.RoleKind(core.NumRoleKinds + 1) {
				if takes(t, typ, from, to) {
					list = append(list, names[to]+" <- "+names[from]+" "+typ.String())
				}
			}
		}
	}
	require.Equal(t, []string{
		"rm <- cl request", "rm <- tm prepare", "rm <- res vote", "rm <- res found",
		"rm <- rm phase1a", "rm <- rm phase1b", "rm <- rm phase2a", "rm <- rm phase2b",
		"rm <- rm rejected", "rm <- tm commit", "rm <- tm abort", "rm <- res done", "rm <- tm forget",
		"rm <- rm forgotten", "rm <- tm forgotten",
		"tm <- rm request", "tm <- cl query", "tm <- rm vote", "tm <- tm phase1a", "tm <- tm phase1b",
		"tm <- tm phase2a", "tm <- tm phase2b", "tm <- tm rejected", "tm <- rm done",
		"tm <- tm forget", "tm <- rm forgotten", "tm <- tm forgotten",
	}, list)
}

// takes tells whether a role takes a message that would be right if its type were.
func takes(t *testing.T, typ core.MsgType, from, to core.RoleKind) bool {
	t.Helper()
	c := newCluster(t, 1, 2)
	m := core.Message{
		Type: typ, Tx: txID(), Members: core.FullSet(1), Val: core.Aborted, Bal: 2,
		From: core.Role{Kind: from, ID: 1}, To: core.Role{Kind: to, ID: 1},
	}
	if from == core.RM || from == core.TM {
		m.From.Replica = 2
	}
	if to == core.RM || to == core.TM {
		m.To.Replica = 1
	}
	if typ == core.MsgFound {
		m.Val = core.Prepared
	}
	n := max(c.layout.NodeOf(m.To), 1)
	err := c.nodes[n-1].Step(&core.Input{Type: core.InputMessage, Msg: m}, &core.Output{})
	if err != nil && !errors.Is(err, core.ErrProtocol) {
		require.True(t, errors.Is(err, core.ErrMisrouted) || errors.Is(err, core.ErrMalformed))
		return false
	}
	return true
}

func TestMalformedMessageIsRefused(t *testing.T) {
	c := newCluster(t, 2, 3)
	good := phase2a(1, 0, core.Prepared, core.NoValue)
	good.To, good.Tx, good.Members = rmRole(1, 2), txID(), core.FullSet(2)
	node := c.layout.NodeOf(good.To)
	for name, change := range map[string]func(*core.Message){
		"no members":         func(m *core.Message) { m.Members = 0 },
		"members not there":  func(m *core.Message) { m.Members = core.FullSet(3) },
		"not a member":       func(m *core.Message) { m.Members = core.SetOf(2) },
		"no number":          func(m *core.Message) { m.Tx.Seq = 0 },
		"no such replica":    func(m *core.Message) { m.From.Replica = 4 },
		"no replica":         func(m *core.Message) { m.From.Replica = 0 },
		"itself":             func(m *core.Message) { m.From = m.To },
		"of another group":   func(m *core.Message) { m.From = rmRole(2, 1) },
		"of the coordinator": func(m *core.Message) { m.From = coordinator(1) },
		"ballot of another":  func(m *core.Message) { m.Bal = 3 },
		"nothing":            func(m *core.Message) { m.Votes = core.Votes{} },
		"vote of another":    func(m *core.Message) { m.Votes = core.VoteOf(2, core.Prepared) },
		"two votes":          func(m *core.Message) { m.Votes.Aborted = m.Votes.Prepared },
		"no outcome":         func(m *core.Message) { m.Val = core.Precommitted },
	} {
		m := good
		change(&m)
		t.Run(name, func(t *testing.T) {
			c.fails(t, node, core.Input{Type: core.InputMessage, Msg: m}, core.ErrMalformed)
		})
	}
	c.fails(t, node, core.Input{}, core.ErrMisrouted)
	c.fails(t, node, core.Input{
		Type: core.InputTimer, Timer: core.Timer{Role: rmRole(1, 2), Kind: core.TimerFlush},
	}, core.ErrMisrouted)
	c.fails(t, node, core.Input{
		Type: core.InputRecord, Rec: core.Record{Type: core.RecordVote, Role: rmRole(1, 2)},
	}, core.ErrMalformed)
	c.fails(t, node, core.Input{Type: core.InputRecord, Rec: core.Record{
		Type: core.RecordForget, Role: rmRole(1, 1), Tx: txID(), Members: core.FullSet(2),
	}}, core.ErrMisrouted)
}

func TestAContradictionIsRefused(t *testing.T) {
	c := started(t, 2, without(rmRole(2, 1)))
	toTM := func(typ core.MsgType, v core.Value) core.Message {
		return core.Message{
			Type: typ, From: rmRole(1, 1), To: coordinator(1), Val: v, Tx: txID(),
			Members: core.FullSet(2),
		}
	}
	tm := c.layout.NodeOf(coordinator(1))
	fails := func(m core.Message) {
		t.Helper()
		c.fails(t, c.layout.NodeOf(m.To), core.Input{Type: core.InputMessage, Msg: m}, core.ErrProtocol)
	}
	fails(toTM(core.MsgVote, core.Aborted))
	other := toTM(core.MsgVote, core.Prepared)
	other.Members = core.SetOf(1)
	fails(other)
	c.fire(t, coordinator(1), core.TimerTakeOver) // decides to abort
	require.NotZero(t, tm)
	fails(toTM(core.MsgDone, core.Committed))
	fails(core.Message{
		Type: core.MsgCommit, From: coordinator(1), To: rmRole(1, 1), Tx: txID(),
		Members: core.FullSet(2),
	})
	fails(core.Message{
		Type: core.MsgDone, From: database(), To: rmRole(1, 1), Val: core.Committed, Tx: txID(),
		Members: core.FullSet(2),
	})
}

func TestLargestTransaction(t *testing.T) {
	c := newCluster(t, core.MaxRMs, 13) // with the databases as many nodes as there can be
	c.request(1)
	require.NoError(t, c.run())
	require.Equal(t, 1, c.told[core.MsgCommit])
	require.Zero(t, c.open())
}
