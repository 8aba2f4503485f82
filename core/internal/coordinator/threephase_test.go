package coordinator

import (
	"testing"

	"paxoscommit/core"

	"github.com/stretchr/testify/require"
)

// ready has the resource manager of a play vote prepared, and hear that all are.
func (p *play) ready() core.Output {
	p.t.Helper()
	p.vote(core.Prepared)
	return p.get(msg(core.MsgPreCommit, theTM(), rmRole(uint8(p.id))))
}

func TestEveryMemberIsPreCommittedBeforeAnyCommits(t *testing.T) {
	p := newPlay(t, threePhase(Terminates), theTM())
	out := p.votes(core.Prepared, 1, 2, 3)
	require.Equal(t, []string{"tm1 pre-commit tx=c1.1 bal=0"}, texts(out.Records))
	require.Equal(t, []string{
		"tm1->rm1 pre-commit tx=c1.1 bal=0", "tm1->rm2 pre-commit tx=c1.1 bal=0",
		"tm1->rm3 pre-commit tx=c1.1 bal=0",
	}, texts(out.Gated))
	p.get(msg(core.MsgPreCommitted, rmRole(1), theTM()))
	out = p.get(msg(core.MsgPreCommitted, rmRole(3), theTM()))
	require.Equal(t, core.SetOf(2), out.Arm[1].Await.IDs)
	out = p.fire(theTM(), core.TimerTakeOver)
	require.Equal(t, []string{"tm1 outcome tx=c1.1 val=committed"}, texts(out.Records),
		"who is dead is ignored")
}

func TestPreCommitIsDurableBeforeItIsSaid(t *testing.T) {
	out := newPlay(t, threePhase(Terminates), rmRole(1)).ready()
	require.Equal(t, []string{"rm1 pre-commit tx=c1.1 bal=0"}, texts(out.Records))
	require.Equal(t, []string{"rm1->tm1 pre-committed tx=c1.1 bal=0"}, texts(out.Gated))
}

func TestWhatARuleSetDoesOnATimeout(t *testing.T) {
	for _, c := range []struct {
		name    string
		inDoubt InDoubt
		ready   bool
		want    []string // records; nil if the timer is not armed
	}{
		{"course, waiting", Commits, false, nil},
		{"course, pre-committed", Commits, true, []string{"rm1 outcome tx=c1.1 val=committed"}},
		{"time-outs, waiting", Decides, false, []string{"rm1 outcome tx=c1.1 val=aborted"}},
		{"time-outs, pre-committed", Decides, true, []string{"rm1 outcome tx=c1.1 val=committed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlay(t, threePhase(c.inDoubt), rmRole(1))
			var out core.Output
			if c.ready {
				out = p.ready()
			} else {
				out = p.vote(core.Prepared)
			}
			armed := false
			for _, timer := range out.Arm {
				armed = armed || timer.Kind == core.TimerTakeOver
			}
			require.Equal(t, c.want != nil, armed)
			require.Equal(t, c.want, texts(p.fire(rmRole(1), core.TimerTakeOver).Records))
		})
	}
}

func TestTheFirstThatLivesLeads(t *testing.T) {
	p := newPlay(t, threePhase(Terminates), rmRole(2))
	p.vote(core.Prepared)
	out := p.fire(rmRole(2), core.TimerTakeOver)
	require.Equal(t, []string{"rm2->rm1 query tx=c1.1"}, texts(out.Gated))
	require.Equal(t, core.Await{Kind: core.RM, IDs: core.SetOf(1)}, out.Arm[0].Await)
	out = p.fire(rmRole(2), core.TimerTakeOver)
	require.Equal(t, []string{"rm2->rm3 ask-state tx=c1.1 bal=0"}, texts(out.Gated))
	out = p.get(valued(core.MsgState, rmRole(3), rmRole(2), core.Prepared))
	require.Equal(t, []string{"rm2 outcome tx=c1.1 val=aborted"}, texts(out.Records),
		"nobody is pre-committed, so nobody has committed")
	require.Equal(t, []string{
		"rm2->res2 abort tx=c1.1", "rm2->cl1 abort tx=c1.1", "rm2->rm1 abort tx=c1.1",
		"rm2->rm3 abort tx=c1.1",
	}, texts(out.Gated))
}

func TestWhoLeadsHasAllPreCommitBeforeItCommits(t *testing.T) {
	p := newPlay(t, threePhase(Terminates), rmRole(1))
	p.vote(core.Prepared)
	p.fire(rmRole(1), core.TimerTakeOver)
	p.get(valued(core.MsgState, rmRole(2), rmRole(1), core.Precommitted))
	out := p.get(valued(core.MsgState, rmRole(3), rmRole(1), core.Prepared))
	require.Equal(t, []string{"rm1 pre-commit tx=c1.1 bal=0"}, texts(out.Records))
	require.Equal(t, []string{
		"rm1->rm2 pre-commit tx=c1.1 bal=0", "rm1->rm3 pre-commit tx=c1.1 bal=0",
	}, texts(out.Gated))
	p.get(msg(core.MsgPreCommitted, rmRole(3), rmRole(1)))
	out = p.get(msg(core.MsgPreCommitted, rmRole(2), rmRole(1)))
	require.Equal(t, []string{"rm1 outcome tx=c1.1 val=committed"}, texts(out.Records))
}

func TestWhoLeadsCountsThatItIsPreCommittedItself(t *testing.T) {
	p := newPlay(t, threePhase(Terminates), rmRole(1))
	p.ready()
	p.fire(rmRole(1), core.TimerTakeOver)
	p.get(valued(core.MsgState, rmRole(2), rmRole(1), core.Prepared))
	out := p.get(valued(core.MsgState, rmRole(3), rmRole(1), core.Prepared))
	require.Empty(t, out.Records)
	require.Equal(t, []string{
		"rm1->rm2 pre-commit tx=c1.1 bal=0", "rm1->rm3 pre-commit tx=c1.1 bal=0",
	}, texts(out.Gated))
}

// Members that elect another one may have aborted without the transaction manager.
func TestAReturningTransactionManagerGoesOnUnlessTheMembersElectAnother(t *testing.T) {
	for rules, want := range map[InDoubt][]string{
		Terminates: nil,
		Commits: {
			"tm1->rm1 pre-commit tx=c1.1 bal=1", "tm1->rm2 pre-commit tx=c1.1 bal=1",
			"tm1->rm3 pre-commit tx=c1.1 bal=1",
		},
	} {
		p := newPlay(t, threePhase(rules), theTM())
		out := p.votes(core.Prepared, 1, 2, 3)
		require.Equal(t, want, texts(p.restart(out.Records...).Gated))
	}
}

// Who has told another one how far it is listens to the transaction manager no longer.
func TestWhoFollowsAnotherIgnoresAnEarlierPreCommit(t *testing.T) {
	p := newPlay(t, threePhase(Terminates), rmRole(3))
	p.vote(core.Prepared)
	out := p.get(msg(core.MsgAskState, rmRole(2), rmRole(3)))
	require.Equal(t, []string{"rm3->rm2 state tx=c1.1 bal=0 val=prepared"}, texts(out.Gated))
	require.Empty(t, p.get(msg(core.MsgPreCommit, theTM(), rmRole(3))).Records)
	require.NotEmpty(t, p.get(msg(core.MsgPreCommit, rmRole(2), rmRole(3))).Records)
}

// Who returns takes nobody for dead: they may have gone on without it.
func TestWhoReturnsPreCommittedDoesNotDecideAlone(t *testing.T) {
	p := newPlay(t, threePhase(Terminates), rmRole(1))
	vote := p.vote(core.Prepared)
	pre := p.get(msg(core.MsgPreCommit, theTM(), rmRole(1)))
	p.restart(append(vote.Records, pre.Records...)...)
	for range 5 {
		out := p.fire(rmRole(1), core.TimerTakeOver)
		require.Empty(t, out.Records)
		require.Equal(t, []string{
			"rm1->rm2 ask-state tx=c1.1 bal=0", "rm1->rm3 ask-state tx=c1.1 bal=0",
		}, texts(out.Gated))
	}
	out := p.get(valued(core.MsgState, rmRole(2), rmRole(1), core.Aborted))
	require.Equal(t, []string{"rm1 outcome tx=c1.1 val=aborted"}, texts(out.Records))
}

func TestWhoReturnsAsksThoseBeforeItToo(t *testing.T) {
	p := newPlay(t, threePhase(Terminates), rmRole(2))
	p.restart(p.vote(core.Prepared).Records...)
	out := p.fire(rmRole(2), core.TimerTakeOver)
	require.Equal(t, []string{"rm2->rm1 query tx=c1.1"}, texts(out.Gated))
	out = p.fire(rmRole(2), core.TimerTakeOver)
	require.Equal(t, []string{
		"rm2->rm1 ask-state tx=c1.1 bal=0", "rm2->rm3 ask-state tx=c1.1 bal=0",
	}, texts(out.Gated))
}

// The last Commit of the transaction manager may reach one member after another has begun to lead,
// or to ask who does: in both cases the one that was reached is there to tell.
func TestWhoHasHeardTheOutcomeTellsTheOneWhoLeads(t *testing.T) {
	p := newPlay(t, threePhase(Terminates), rmRole(2))
	p.ready()
	p.get(msg(core.MsgAskState, rmRole(1), rmRole(2)))
	p.get(msg(core.MsgCommit, theTM(), rmRole(2)))
	out := p.get(msg(core.MsgPreCommit, rmRole(1), rmRole(2)))
	require.Equal(t, []string{"rm2->rm1 commit tx=c1.1"}, texts(out.Gated))
}

func TestWhoWaitsForAnotherToLeadAsksAgain(t *testing.T) {
	p := newPlay(t, threePhase(Terminates), rmRole(2))
	p.ready()
	p.fire(rmRole(2), core.TimerTakeOver)
	out := p.fire(rmRole(2), core.TimerRetry)
	require.Equal(t, []string{
		"rm2->tm1 vote tx=c1.1 val=prepared", "rm2->rm1 query tx=c1.1",
	}, texts(out.Gated))
}
