package paxoscommit

import (
	"testing"

	"paxoscommit/core"

	"github.com/stretchr/testify/require"
)

func relay(rm, ldr uint8, v core.Value) core.Message {
	m := msg(core.MsgRelay, rmRole(rm), ldrRole(ldr))
	m.Votes = core.VoteOf(rm, v)
	return m
}

func TestRelayedVoteGoesToTheLeaderAndNotToAcceptors(t *testing.T) {
	p := newPlay(t, Protocol{}, apart(t, 2, 3, 2, OptRelayed), rmRole(1))
	p.get(msg(core.MsgRequest, client(), rmRole(1)))
	vote := msg(core.MsgVote, core.Role{Kind: core.Resource, ID: 1}, rmRole(1))
	vote.Val = core.Prepared
	out := p.get(vote)
	require.Equal(t, []string{"rm1 vote tx=c1.1 val=prepared"}, texts(out.Records))
	require.Equal(t, []string{
		"rm1->ldr1 begin-commit tx=c1.1", "rm1->ldr1 relay tx=c1.1 ins=1 val=prepared",
	}, texts(out.Gated), "told when it is durable")
	out = p.fire(rmRole(1), core.TimerRetry)
	require.Equal(t, []string{
		"rm1->ldr1 relay tx=c1.1 ins=1 val=prepared", "rm1->ldr2 relay tx=c1.1 ins=1 val=prepared",
		"rm1->ldr1 query tx=c1.1", "rm1->ldr2 query tx=c1.1",
	}, texts(out.Gated), "all leaders, as the first is slow")
}

func TestLeaderRunsBothPhasesWithRelayedVotes(t *testing.T) {
	for _, tc := range []struct {
		name   string
		second core.Value
		want   string
	}{
		{"all prepared", core.Prepared, "prepared=1,2"},
		{"one aborted", core.Aborted, "prepared=1 aborted=2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPlay(t, Protocol{}, apart(t, 2, 3, 2, OptRelayed), ldrRole(1))
			require.Empty(t, p.get(relay(1, 1, core.Prepared)).Gated, "not settled by one vote")
			out := p.get(relay(2, 1, tc.second))
			require.Equal(t, []string{"ldr1 ballot tx=c1.1 bal=1"}, texts(out.Records))
			require.Len(t, out.Gated, 3, "its phase 1a")
			p.get(phase1b(1, 1, 1, 0, core.Votes{}))
			out = p.get(phase1b(3, 1, 1, 0, core.Votes{}))
			require.Equal(t, "ldr1->acc1 phase2a tx=c1.1 bal=1 "+tc.want, out.Send[0].String())
		})
	}
}

// TestBeginCommitThatIsOvertakenByItsVote: both leave together, and the network keeps no order.
func TestBeginCommitThatIsOvertakenByItsVote(t *testing.T) {
	p := newPlay(t, Protocol{}, apart(t, 2, 3, 2, OptRelayed), ldrRole(1))
	begin := msg(core.MsgBeginCommit, rmRole(1), ldrRole(1))
	p.get(relay(1, 1, core.Prepared))
	require.Equal(t, []string{"ldr1->rm2 prepare tx=c1.1"}, texts(p.get(begin).Send))
	p.get(relay(2, 1, core.Prepared))
	out := p.get(begin)
	require.Empty(t, out.Send)
	require.Equal(t, core.DropDuplicate, out.Dropped[0].Reason)
}

func TestReportedVoteComesBeforeARelayedOne(t *testing.T) {
	p := newPlay(t, Protocol{}, apart(t, 2, 3, 2, OptRelayed), ldrRole(2))
	p.get(relay(1, 2, core.Prepared))
	p.get(relay(2, 2, core.Prepared)) // ballot 2
	p.get(phase1b(1, 2, 2, 0, core.Votes{}))
	out := p.get(phase1b(2, 2, 2, 1, core.Votes{Prepared: 1, Aborted: 2}))
	require.Equal(t, "ldr2->acc1 phase2a tx=c1.1 bal=2 prepared=1 aborted=2", out.Send[0].String())
}

func TestVoteThatIsNotRelayedInTimeIsAborted(t *testing.T) {
	p := newPlay(t, Protocol{}, apart(t, 2, 3, 1, OptRelayed), ldrRole(1))
	p.get(relay(1, 1, core.Prepared))
	p.fire(ldrRole(1), core.TimerTakeOver)
	p.get(phase1b(1, 1, 1, 0, core.Votes{}))
	out := p.get(phase1b(2, 1, 1, 0, core.Votes{}))
	require.Equal(t, "ldr1->acc1 phase2a tx=c1.1 bal=1 prepared=1 aborted=2", out.Send[0].String())
	before := p.node.AppendKey(nil)
	out = p.get(relay(1, 1, core.Prepared))
	require.Equal(t, []core.DropReason{core.DropDuplicate}, reasons(out.Dropped))
	require.Equal(t, before, p.node.AppendKey(nil))
	require.Empty(t, p.get(relay(2, 1, core.Prepared)).Gated, "too late for this ballot")
	p.fire(ldrRole(1), core.TimerTakeOver)
	p.get(phase1b(1, 1, 2, 1, core.Votes{Prepared: 1, Aborted: 2}))
	out = p.get(phase1b(2, 1, 2, 0, core.Votes{}))
	require.Equal(t, "ldr1->acc1 phase2a tx=c1.1 bal=2 prepared=1 aborted=2", out.Send[0].String(),
		"an acceptor has accepted aborted, so it stays")
}

func TestRelayedRunCommitsEverywhere(t *testing.T) {
	c := newCluster(Protocol{}, apart(t, 3, 3, 2, OptRelayed))
	c.watch = true
	c.request(1, txID(1), core.FullSet(3))
	require.NoError(t, c.run())
	for rm := range 3 {
		require.Contains(t, texts(c.logs[rm]), rmRole(uint8(rm+1)).String()+
			" outcome tx=c1.1 val=committed")
	}
	for _, m := range c.sent {
		require.False(t, m.Type == core.MsgPhase2a && m.Bal == 0, "nobody uses ballot 0: %v", m)
	}
}

func TestRelayIsRefusedWhereItCannotBe(t *testing.T) {
	p := newPlay(t, Protocol{}, apart(t, 2, 3, 1), ldrRole(1))
	p.fails(core.Input{Type: core.InputMessage, Msg: relay(1, 1, core.Prepared)}, core.ErrMalformed)
	p = newPlay(t, Protocol{}, apart(t, 2, 3, 1, OptRelayed), ldrRole(1))
	other := relay(1, 1, core.Prepared)
	other.Votes = core.VoteOf(2, core.Prepared)
	p.fails(core.Input{Type: core.InputMessage, Msg: other}, core.ErrMalformed)
	p = newPlay(t, Protocol{}, apart(t, 2, 3, 1, OptRelayed), accRole(1))
	direct := msg(core.MsgPhase2a, rmRole(1), accRole(1))
	direct.Votes = core.VoteOf(1, core.Prepared)
	p.fails(core.Input{Type: core.InputMessage, Msg: direct}, core.ErrMalformed)
	require.Error(t, Protocol{Faster: true}.Validate(apart(t, 2, 3, 1, OptRelayed)))
}
