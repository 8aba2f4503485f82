package replicated

import (
	"testing"

	"paxoscommit/core"

	"github.com/stretchr/testify/require"
)

// play is one replica of resource manager 1, of three replicas, whose inputs a test writes down.
type play struct {
	*cluster
	t  *testing.T
	me core.Role
}

func newPlay(t *testing.T, replica uint8) *play {
	t.Helper()
	return newPlayOf(t, 3, replica)
}

// newPlayOf is newPlay with so many replicas.
func newPlayOf(t *testing.T, replicas int, replica uint8) *play {
	t.Helper()
	c := newCluster(t, 1, replicas)
	c.watch = true
	c.lost = func(*core.Message) bool { return true }
	return &play{c, t, rmRole(1, replica)}
}

// takes gives a message to the replica, and returns what that makes it send.
func (p *play) takes(m core.Message) []string {
	p.t.Helper()
	m.To, m.Tx, m.Members = p.me, txID(), core.FullSet(1)
	p.in.Type, p.in.Msg = core.InputMessage, m
	p.sent = nil
	require.NoError(p.t, p.step(p.layout.NodeOf(p.me)))
	return texts(p.sent)
}

func (p *play) participant() *participant {
	return p.nodes[p.layout.NodeOf(p.me)-1].Part(p.me).(*participant)
}

// state returns what the replica knows of the transaction.
func (p *play) state() *rmTx {
	return p.participant().txs.Get(txID())
}

func phase1a(from uint8, bal core.Ballot) core.Message {
	return core.Message{Type: core.MsgPhase1a, From: rmRole(1, from), Bal: bal}
}

func phase1b(from uint8, mbal, bal core.Ballot, vote, val core.Value) core.Message {
	m := core.Message{Type: core.MsgPhase1b, From: rmRole(1, from), MBal: mbal, Bal: bal, Val: val}
	if vote != core.NoValue {
		m.Votes = core.VoteOf(1, vote)
	}
	return m
}

func phase2a(from uint8, bal core.Ballot, vote, val core.Value) core.Message {
	m := phase1b(from, 0, bal, vote, val)
	m.Type = core.MsgPhase2a
	return m
}

func TestAReplicaKeepsItsPromise(t *testing.T) {
	p := newPlay(t, 1)
	require.Equal(t, []string{"rm1.1->rm1.2 phase1b tx=c1.1 mbal=5 bal=0"}, p.takes(phase1a(2, 5)))
	require.Equal(t, []string{"rm1.1->rm1.3 rejected tx=c1.1 mbal=5 bal=3"}, p.takes(phase1a(3, 3)))
	require.Equal(t, []string{"rm1.1->rm1.3 rejected tx=c1.1 mbal=5 bal=3"},
		p.takes(phase2a(3, 3, core.Prepared, core.NoValue)))
	require.Equal(t, []string{"rm1.1->rm1.2 phase1b tx=c1.1 mbal=5 bal=0"}, p.takes(phase1a(2, 5)),
		"asked again it says the same")
	p.restart(t, p.me)
	require.Equal(t, core.Ballot(5), p.state().mbal)
}

func TestWithinABallotEntriesAreAddedAndAHigherOneReplacesThem(t *testing.T) {
	p := newPlay(t, 3)
	p.takes(phase2a(1, 0, core.Prepared, core.NoValue))
	p.takes(phase2a(1, 0, core.NoValue, core.Aborted))
	require.Equal(t, entries{core.Prepared, core.Aborted}, p.state().accepted)
	writes := p.wrote[core.RecordAcceptor]
	require.Equal(t, []string{
		"rm1.3->rm1.1 phase2b tx=c1.1 bal=0 ins=1 val=prepared entry=aborted",
	}, p.takes(phase2a(1, 0, core.Prepared, core.NoValue)), "what is old news is answered in full")
	require.Equal(t, writes, p.wrote[core.RecordAcceptor], "and not written again")
	p.takes(phase2a(2, 2, core.Aborted, core.NoValue))
	require.Equal(t, entries{vote: core.Aborted}, p.state().accepted)
	require.Equal(t, core.Ballot(2), p.state().mbal)
}

func TestANewLeaderProposesWhatWasAcceptedInTheHighestBallot(t *testing.T) {
	for name, c := range map[string]struct {
		own, other core.Message
		want       string
	}{
		"the other's is higher": {
			phase2a(1, 0, core.Aborted, core.NoValue),
			phase1b(3, 2, 1, core.Prepared, core.Committed), "ins=1 val=prepared entry=committed",
		},
		"its own is higher": {
			phase2a(1, 1, core.Prepared, core.NoValue),
			phase1b(3, 2, 0, core.Aborted, core.Aborted), "ins=1 val=prepared",
		},
		"one ballot, other places": {
			phase2a(1, 0, core.Prepared, core.NoValue),
			phase1b(3, 2, 0, core.Prepared, core.Aborted), "ins=1 val=prepared entry=aborted",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlay(t, 2)
			p.takes(c.own)
			p.fire(t, p.me, core.TimerTakeOver)
			require.Equal(t, core.Ballot(2), p.state().mbal)
			require.Equal(t, []string{
				"rm1.2->rm1.1 phase2a tx=c1.1 bal=2 " + c.want,
				"rm1.2->rm1.3 phase2a tx=c1.1 bal=2 " + c.want,
			}, p.takes(c.other))
		})
	}
}

// Two of five have accepted in ballot 0, and one more in the leader's next ballot: that is none.
func TestWhoHasAcceptedInALowerBallotIsNotCounted(t *testing.T) {
	p := newPlayOf(t, 5, 1)
	accepted := func(from uint8, bal core.Ballot) core.Message {
		m := phase2a(from, bal, core.Prepared, core.NoValue)
		m.Type = core.MsgPhase2b
		return m
	}
	p.takes(core.Message{Type: core.MsgFound, From: database(), Val: core.Prepared})
	p.takes(accepted(2, 0))
	p.takes(core.Message{Type: core.MsgRejected, From: rmRole(1, 3), MBal: 3})
	p.fire(t, p.me, core.TimerTakeOver)
	bal := p.state().mbal
	for from := uint8(4); from <= 5; from++ {
		p.takes(phase1b(from, bal, 0, core.NoValue, core.NoValue))
	}
	require.Equal(t, bal, p.state().bal, "it leads again")
	require.Empty(t, p.takes(accepted(4, bal)))
	require.Equal(t, core.NoValue, p.state().chosen.vote)
	require.Equal(t, []string{"rm1.1->tm1.1 vote tx=c1.1 val=prepared"}, p.takes(accepted(5, bal)))
}

func TestANewLeaderOfAFreePlaceAsksTheDatabase(t *testing.T) {
	p := newPlay(t, 2)
	p.takes(phase1a(3, 3))
	p.fire(t, p.me, core.TimerTakeOver)
	require.Equal(t, []string{"rm1.2->res1 prepare tx=c1.1"},
		p.takes(phase1b(1, 5, 0, core.NoValue, core.NoValue)))
	require.Equal(t, []string{
		"rm1.2->rm1.1 phase2a tx=c1.1 bal=5 ins=1 val=prepared",
		"rm1.2->rm1.3 phase2a tx=c1.1 bal=5 ins=1 val=prepared",
	}, p.takes(core.Message{Type: core.MsgVote, From: database(), Val: core.Prepared}))
}

func TestALeaderGoesOnInItsBallotAfterARestart(t *testing.T) {
	p := newPlay(t, 1)
	p.takes(core.Message{Type: core.MsgFound, From: database(), Val: core.Prepared})
	p.restart(t, p.me)
	require.True(t, p.participant().leads(&p.state().log))
	require.Equal(t, []string{
		"rm1.1->rm1.2 phase2a tx=c1.1 bal=0 ins=1 val=prepared entry=aborted",
	}, p.takes(core.Message{Type: core.MsgAbort, From: coordinator(1)}))
	p.sent = nil
	p.fire(t, p.me, core.TimerRetry)
	require.Contains(t, texts(p.sent),
		"rm1.1->rm1.3 phase2a tx=c1.1 bal=0 ins=1 val=prepared entry=aborted",
		"on a time-out all are asked")
}

func TestAReplicaThatRestartsStillPromisesToItself(t *testing.T) {
	p := newPlay(t, 2)
	p.takes(phase1a(3, 3))
	p.fire(t, p.me, core.TimerTakeOver)
	p.restart(t, p.me)
	p.takes(phase1b(1, 5, 0, core.NoValue, core.NoValue))
	require.True(t, p.participant().leads(&p.state().log), "two of three promise")
}

// TestAHigherBallotLeavesNothingOfALowerOne, for states that behave alike should be equal.
func TestAHigherBallotLeavesNothingOfALowerOne(t *testing.T) {
	p := newPlay(t, 1)
	p.takes(core.Message{Type: core.MsgFound, From: database(), Val: core.Prepared})
	require.NotZero(t, p.state().voteBy)
	p.takes(phase2a(2, 2, core.Prepared, core.NoValue))
	require.Zero(t, p.state().voteBy)
	p.fire(t, p.me, core.TimerTakeOver)
	require.NotZero(t, p.state().promised)
	p.takes(phase1a(3, 6))
	require.Zero(t, p.state().promised)
	require.Zero(t, p.state().found)
}

func TestARejectedLeaderProposesNoMoreInItsBallot(t *testing.T) {
	p := newPlay(t, 1)
	p.takes(core.Message{Type: core.MsgFound, From: database(), Val: core.Prepared})
	p.takes(core.Message{Type: core.MsgRejected, From: rmRole(1, 3), MBal: 6})
	require.Empty(t, p.takes(core.Message{Type: core.MsgAbort, From: coordinator(1)}))
	p.fire(t, p.me, core.TimerTakeOver)
	require.Equal(t, core.Ballot(7), p.state().mbal, "above what it has heard of")
	require.Equal(t, []string{
		"rm1.1->rm1.2 phase2a tx=c1.1 bal=7 ins=1 val=prepared entry=aborted",
		"rm1.1->rm1.3 phase2a tx=c1.1 bal=7 ins=1 val=prepared entry=aborted",
	}, p.takes(phase1b(2, 7, 0, core.NoValue, core.NoValue)), "with the outcome that it was told")
}

func TestBallotsRunOut(t *testing.T) {
	p := newPlay(t, 1)
	p.takes(phase1a(2, 1<<32-2))
	p.fire(t, p.me, core.TimerTakeOver)
	require.Equal(t, core.Ballot(1<<32-2), p.state().mbal)
}
