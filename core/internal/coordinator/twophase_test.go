package coordinator

import (
	"testing"

	"paxoscommit/core"

	"github.com/stretchr/testify/require"
)

func TestVoteIsGatedOnItsRecord(t *testing.T) {
	out := newPlay(t, twoPhase(), rmRole(1)).vote(core.Prepared)
	require.Equal(t, []string{"rm1 vote tx=c1.1 val=prepared"}, texts(out.Records))
	require.Equal(t, []string{"rm1->tm1 vote tx=c1.1 val=prepared"}, texts(out.Gated))
	require.Equal(t, []string{"rm1 retry tx=c1.1"}, texts(out.Arm))
}

// Whoever votes aborted knows the outcome, and waits for nobody.
func TestWhoVotesAbortedAborts(t *testing.T) {
	out := newPlay(t, twoPhase(), rmRole(1)).vote(core.Aborted)
	require.Equal(t, []string{
		"rm1 vote tx=c1.1 val=aborted", "rm1 outcome tx=c1.1 val=aborted",
	}, texts(out.Records))
	require.Equal(t, []string{
		"rm1->tm1 vote tx=c1.1 val=aborted", "rm1->res1 abort tx=c1.1", "rm1->cl1 abort tx=c1.1",
	}, texts(out.Gated))
}

func TestFirstVoteBeginsTheTransaction(t *testing.T) {
	out := newPlay(t, twoPhase(), theTM()).votes(core.Prepared, 2)
	require.Equal(t, []string{"tm1->rm1 prepare tx=c1.1", "tm1->rm3 prepare tx=c1.1"},
		texts(out.Gated))
	require.Equal(t, []string{"tm1 retry tx=c1.1", "tm1 takeover tx=c1.1"}, texts(out.Arm))
	require.Empty(t, out.Records)
}

func TestCommitIsDurableBeforeItIsToldToEveryMember(t *testing.T) {
	p := newPlay(t, twoPhase(), theTM())
	require.Empty(t, p.votes(core.Prepared, 1, 2).Records)
	out := p.votes(core.Prepared, 3)
	require.Equal(t, []string{"tm1 outcome tx=c1.1 val=committed"}, texts(out.Records))
	require.Equal(t, []string{
		"tm1->rm1 commit tx=c1.1", "tm1->rm2 commit tx=c1.1", "tm1->rm3 commit tx=c1.1",
	}, texts(out.Gated))
	require.Empty(t, out.Decided, "not before it is durable")
	out = p.restart(out.Records...)
	require.Len(t, out.Gated, 3, "it is told again")
	require.Equal(t, []string{"tm1 learns committed tx=c1.1"}, texts(out.Decided))
}

func TestAbortIsNotWrittenDown(t *testing.T) {
	abort := []string{
		"tm1->rm1 abort tx=c1.1", "tm1->rm2 abort tx=c1.1", "tm1->rm3 abort tx=c1.1",
	}
	p := newPlay(t, twoPhase(), theTM())
	p.votes(core.Prepared, 1)
	out := p.votes(core.Aborted, 2)
	require.Empty(t, out.Records)
	require.Equal(t, abort, texts(out.Gated))

	p = newPlay(t, twoPhase(), theTM())
	p.votes(core.Prepared, 1, 2)
	out = p.fire(theTM(), core.TimerTakeOver)
	require.Empty(t, out.Records)
	require.Equal(t, abort, texts(out.Gated), "a vote that is missing counts as aborted")
	out = p.votes(core.Prepared, 3)
	require.Equal(t, abort[2:], texts(out.Gated))
}

// No information means abort: for whoever has voted before the crash, and for a vote of before it
// that comes late.
func TestNothingIsKnownOfWhatWasBegunBeforeACrash(t *testing.T) {
	p := newPlay(t, twoPhase(), theTM())
	p.votes(core.Prepared, 1, 2)
	out := p.restart()
	require.Equal(t, []string{"tm1 ballot tx=c0.0 bal=1"}, texts(out.Records))
	out = p.votes(core.Prepared, 3)
	require.Equal(t, []string{"tm1->rm3 abort tx=c1.1 bal=1"}, texts(out.Gated))
	p.fails(inLife(2, valued(core.MsgVote, rmRole(1), theTM(), core.Prepared)), core.ErrProtocol)
	// Who votes for this life begins the transaction, and one old vote aborts it.
	p.get(inLife(1, valued(core.MsgVote, rmRole(1), theTM(), core.Prepared)))
	out = p.votes(core.Prepared, 2)
	require.Equal(t, "tm1->rm1 abort tx=c1.1 bal=1", out.Gated[0].String())
}

func TestVoteIsForTheLifeThatWasKnownThen(t *testing.T) {
	p := newPlay(t, twoPhase(), rmRole(2))
	p.get(inLife(3, msg(core.MsgPrepare, theTM(), rmRole(2))))
	vote := p.get(valued(core.MsgVote, resRole(2), rmRole(2), core.Prepared))
	require.Equal(t, []string{"rm2->tm1 vote tx=c1.1 val=prepared bal=3"}, texts(vote.Gated))
	out := p.get(inLife(4, msg(core.MsgPrepare, theTM(), rmRole(2))))
	require.Equal(t, texts(vote.Gated), texts(out.Gated))
	p.restart(vote.Records...)
	require.Equal(t, texts(vote.Gated), texts(p.fire(rmRole(2), core.TimerRetry).Gated))
}

func TestAnAbortThatNobodyHasVotedOnIsWrittenDown(t *testing.T) {
	p := newPlay(t, twoPhase(), theTM())
	query := msg(core.MsgQuery, core.Role{Kind: core.Client, ID: 1}, theTM())
	require.Equal(t, []string{"tm1 retry tx=c1.1", "tm1 takeover tx=c1.1"}, texts(p.get(query).Arm))
	out := p.fire(theTM(), core.TimerTakeOver)
	require.Equal(t, []string{"tm1 outcome tx=c1.1 val=aborted"}, texts(out.Records))
	p.restart(out.Records...)
	require.Equal(t, []string{"tm1->cl1 abort tx=c1.1 bal=1"}, texts(p.get(query).Gated))
}

func TestCommitIsRememberedUntilEveryMemberIsDone(t *testing.T) {
	p := newPlay(t, twoPhase(), theTM())
	p.votes(core.Prepared, 1, 2, 3)
	for _, id := range []uint8{1, 2} {
		require.Empty(t, p.get(valued(core.MsgDone, rmRole(id), theTM(), core.Committed)))
	}
	require.Equal(t, []string{"tm1->rm3 commit tx=c1.1"},
		texts(p.fire(theTM(), core.TimerRetry).Gated))
	out := p.get(valued(core.MsgDone, rmRole(3), theTM(), core.Committed))
	require.Len(t, out.Gated, 3)
	require.Equal(t, "tm1->rm1 forget tx=c1.1 low=0", out.Gated[0].String())
	for _, id := range []uint8{1, 2, 3} {
		out = p.get(msg(core.MsgForgotten, rmRole(id), theTM()))
	}
	require.Equal(t, []string{"tm1 forget tx=c1.1 low=0"}, texts(out.Records))
	p.restart(out.Records...)
	out = p.votes(core.Prepared, 1)
	require.Equal(t, []string{"tm1->rm1 forgotten tx=c1.1 low=1 bal=1"}, texts(out.Gated))
}

func TestOutcomeIsDurableBeforeTheResourceActsOnIt(t *testing.T) {
	p := newPlay(t, twoPhase(), rmRole(1))
	vote := p.vote(core.Prepared)
	outcome := p.get(msg(core.MsgCommit, theTM(), rmRole(1)))
	require.Equal(t, []string{"rm1 outcome tx=c1.1 val=committed"}, texts(outcome.Records))
	require.Equal(t, []string{"rm1->res1 commit tx=c1.1"}, texts(outcome.Gated))
	require.Equal(t, []string{"rm1->cl1 commit tx=c1.1"}, texts(outcome.Send))
	out := p.restart(append(vote.Records, outcome.Records...)...)
	require.Equal(t, []string{"rm1->res1 commit tx=c1.1"}, texts(out.Gated))
	out = p.get(valued(core.MsgDone, resRole(1), rmRole(1), core.Committed))
	require.Equal(t, []string{"rm1->tm1 done tx=c1.1 val=committed"}, texts(out.Send))
	require.Equal(t, []string{"rm1 learns committed tx=c1.1"}, texts(out.Decided))
}

func TestWhoIsInDoubtWaits(t *testing.T) {
	p := newPlay(t, twoPhase(), rmRole(1))
	p.vote(core.Prepared)
	out := p.fire(rmRole(1), core.TimerRetry)
	require.Equal(t, []string{"rm1->tm1 vote tx=c1.1 val=prepared"}, texts(out.Gated))
	require.Empty(t, out.Records)
	in := core.Input{Type: core.InputTimer, Timer: core.Timer{
		Role: rmRole(1), Kind: core.TimerTakeOver, Tx: txID(),
	}}
	require.ErrorIs(t, p.node.Step(&in, &core.Output{}), core.ErrMisrouted)
}

func TestWhoIsInDoubtAsksTheOthers(t *testing.T) {
	p := newPlay(t, cooperative(), rmRole(1))
	p.vote(core.Prepared)
	out := p.fire(rmRole(1), core.TimerTakeOver)
	require.Equal(t, []string{
		"rm1->rm2 ask-state tx=c1.1 bal=0", "rm1->rm3 ask-state tx=c1.1 bal=0",
	}, texts(out.Gated))
	out = p.get(valued(core.MsgState, rmRole(2), rmRole(1), core.Prepared))
	require.Empty(t, out.Records, "it knows no more")
	out = p.get(valued(core.MsgState, rmRole(3), rmRole(1), core.Committed))
	require.Equal(t, []string{"rm1 outcome tx=c1.1 val=committed"}, texts(out.Records))
}

// Who has not voted aborts when it is asked, and will not vote otherwise after a crash.
func TestWhoIsAskedAnswers(t *testing.T) {
	ask := msg(core.MsgAskState, rmRole(2), rmRole(1))
	p := newPlay(t, cooperative(), rmRole(1))
	out := p.get(ask)
	require.Equal(t, []string{
		"rm1 vote tx=c1.1 val=aborted", "rm1 outcome tx=c1.1 val=aborted",
	}, texts(out.Records))
	require.Equal(t, []string{
		"rm1->res1 abort tx=c1.1", "rm1->rm2 state tx=c1.1 bal=0 val=aborted",
	}, texts(out.Gated))
	p.restart(out.Records...)
	require.Equal(t, []string{"rm1->rm2 state tx=c1.1 bal=0 val=aborted"}, texts(p.get(ask).Gated))

	p = newPlay(t, cooperative(), rmRole(1))
	p.vote(core.Prepared)
	require.Equal(t, []string{"rm1->rm2 state tx=c1.1 bal=0 val=prepared"}, texts(p.get(ask).Gated))
	p.get(msg(core.MsgCommit, theTM(), rmRole(1)))
	require.Equal(t, []string{"rm1->rm2 state tx=c1.1 bal=0 val=committed"}, texts(p.get(ask).Gated))
}

func TestWhatCannotBeIsRefused(t *testing.T) {
	rm, tm := newPlay(t, twoPhase(), rmRole(1)), newPlay(t, twoPhase(), theTM())
	noMembers := msg(core.MsgPrepare, theTM(), rmRole(1))
	noMembers.Members = 0
	other := msg(core.MsgPrepare, theTM(), rmRole(1))
	other.Members = core.SetOf(2, 3)
	for _, c := range []struct {
		name string
		p    *play
		m    core.Message
		want error
	}{
		{"not of this protocol", rm, msg(core.MsgPhase2b, rmRole(2), rmRole(1)), core.ErrMisrouted},
		{"asked without the option", rm, msg(core.MsgAskState, rmRole(2), rmRole(1)), core.ErrMisrouted},
		{"of nobody", tm, valued(core.MsgVote, rmRole(9), theTM(), core.Prepared), core.ErrMalformed},
		{"no vote", tm, valued(core.MsgVote, rmRole(1), theTM(), core.Committed), core.ErrMalformed},
		{"no members", rm, noMembers, core.ErrMalformed},
		{"no member", rm, other, core.ErrMalformed},
		{"never prepared", rm, msg(core.MsgCommit, theTM(), rmRole(1)), core.ErrProtocol},
		{"never decided", tm, valued(core.MsgDone, rmRole(1), theTM(), core.Committed), core.ErrProtocol},
		{"never learned", rm, msg(core.MsgForget, theTM(), rmRole(1)), core.ErrProtocol},
	} {
		t.Run(c.name, func(_ *testing.T) { c.p.fails(c.m, c.want) })
	}
}
