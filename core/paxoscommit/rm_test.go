package paxoscommit

import (
	"testing"

	"paxoscommit/core"

	"github.com/stretchr/testify/require"
)

// vote has rm1 asked by a client, and its resource answer.
func (p *play) vote(v core.Value) core.Output {
	p.t.Helper()
	out := p.get(msg(core.MsgRequest, client(), rmRole(1)))
	require.Equal(p.t, core.MsgPrepare, out.Send[0].Type)
	return p.get(valued(core.MsgVote, 1, rmRole(1), v))
}

func TestVoteIsGatedOnItsRecord(t *testing.T) {
	for _, v := range []core.Value{core.Prepared, core.Aborted} {
		l := apart(t, 2, 3, 1, OptShortCircuit)
		out := newPlay(t, Protocol{}, l, rmRole(1)).vote(v)
		require.Equal(t, []string{"rm1 vote tx=c1.1 val=" + v.String()}, texts(out.Records))
		require.Empty(t, out.Send)
		require.NotEmpty(t, out.Gated)
	}
}

// Of everything that is ever sent, only what reveals nothing of the sender's state is not gated
// (checkOutput), whatever happens.
func TestWhatRevealsStateIsGated(t *testing.T) {
	for _, p := range []Protocol{{}, {Faster: true}} {
		c := newCluster(p, apart(t, 3, 3, 2, OptShortCircuit))
		c.watch = true
		c.check = func(out *core.Output) { checkOutput(t, out) }
		sent := map[core.MsgType]bool{}
		for seq, rule := range []struct {
			lost core.MsgType
			vote core.Value
		}{
			{core.NoMsg, core.Prepared},
			{core.NoMsg, core.Aborted},
			{core.MsgPhase2b, core.Prepared}, // so that a leader takes over
			{core.MsgBeginCommit, core.Prepared},
		} {
			c.lost = func(m *core.Message) bool { return m.Type == rule.lost && m.Bal == 0 }
			c.vote = func(*core.Message) core.Value { return rule.vote }
			c.request(1, txID(seq+1), core.FullSet(3))
			require.NoError(t, c.run())
			for n := range c.nodes {
				c.restart(t, core.NodeID(n+1))
			}
			for range 4 {
				c.fireAll(t)
				require.NoError(t, c.run())
			}
		}
		for _, m := range c.sent {
			sent[m.Type] = true
		}
		for _, typ := range []core.MsgType{
			core.MsgPhase1a, core.MsgPhase1b, core.MsgPhase2a, core.MsgPhase2b, core.MsgRejected,
			core.MsgQuery, core.MsgBeginCommit, core.MsgAbort, core.MsgCommit, core.MsgForgotten,
		} {
			require.True(t, sent[typ], "%v was never sent, so nothing was shown of it", typ)
		}
	}
}

func TestOnlyAMajorityOfAcceptorsIsUsed(t *testing.T) {
	p := newPlay(t, Protocol{}, apart(t, 2, 5, 2), rmRole(1))
	out := p.vote(core.Prepared)
	require.Equal(t, []string{
		"rm1->ldr1 begin-commit tx=c1.1",
		"rm1->acc1 phase2a tx=c1.1 bal=0 ins=1 val=prepared",
		"rm1->acc2 phase2a tx=c1.1 bal=0 ins=1 val=prepared",
		"rm1->acc3 phase2a tx=c1.1 bal=0 ins=1 val=prepared",
	}, texts(out.Gated))
	out = p.fire(rmRole(1), core.TimerRetry)
	require.Len(t, out.Gated, 5+2, "all acceptors on a time-out, and a question to every leader")
	require.Equal(t, "rm1->acc5 phase2a tx=c1.1 bal=0 ins=1 val=prepared", out.Gated[4].String())
	require.Equal(t, "rm1->ldr2 query tx=c1.1", out.Gated[6].String())
	out = p.get(msg(core.MsgPrepare, ldrRole(1), rmRole(1)))
	require.Len(t, out.Gated, 5, "asked again, it has not been heard by the few")
}

func TestVoteIsCastOnce(t *testing.T) {
	p := newPlay(t, Protocol{}, apart(t, 2, 3, 1), rmRole(2))
	out := p.get(msg(core.MsgPrepare, ldrRole(1), rmRole(2)))
	require.Equal(t, []string{"rm2->res2 prepare tx=c1.1"}, texts(out.Send))
	out = p.get(msg(core.MsgPrepare, ldrRole(1), rmRole(2)))
	require.Equal(t, []core.DropReason{core.DropDuplicate}, reasons(out.Dropped), "it is thinking")
	vote := p.get(valued(core.MsgVote, 2, rmRole(2), core.Aborted))
	out = p.get(valued(core.MsgVote, 2, rmRole(2), core.Prepared))
	require.Equal(t, []core.DropReason{core.DropDuplicate}, reasons(out.Dropped))

	// Nor can the resource change it after a restart.
	p.restart(2, vote.Records...)
	out = p.get(valued(core.MsgFound, 2, rmRole(2), core.Prepared))
	require.Equal(t, []core.DropReason{core.DropDuplicate}, reasons(out.Dropped))
	out = p.get(msg(core.MsgPrepare, ldrRole(1), rmRole(2)))
	require.Equal(t, "rm2->acc1 phase2a tx=c1.1 bal=0 ins=2 val=aborted", out.Gated[0].String())
}

func TestFoundTransactionIsVotedOn(t *testing.T) {
	p := newPlay(t, Protocol{}, apart(t, 2, 3, 1), rmRole(2))
	out := p.get(valued(core.MsgFound, 2, rmRole(2), core.Prepared)) // its vote record was lost
	require.Equal(t, []string{"rm2 vote tx=c1.1 val=prepared"}, texts(out.Records))
	p = newPlay(t, Protocol{}, apart(t, 2, 3, 1), rmRole(2))
	out = p.get(valued(core.MsgVote, 2, rmRole(2), core.Aborted)) // for an incarnation that is gone
	require.Equal(t, []core.DropReason{core.DropUnknown}, reasons(out.Dropped))
}

func TestMergedBegin(t *testing.T) {
	l := apart(t, 2, 3, 1, OptMergeBegin)
	l.Place(ldrRole(1), l.NodeOf(accRole(2)))
	out := newPlay(t, Protocol{}, l, rmRole(1)).vote(core.Prepared)
	require.Equal(t, []string{
		"rm1->acc1 phase2a tx=c1.1 bal=0 ins=1 val=prepared",
		"rm1->acc2 phase2a tx=c1.1 bal=0 ins=1 val=prepared begin",
	}, texts(out.Gated))

	p := newPlay(t, Protocol{}, l, ldrRole(1))
	got := p.get(out.Gated[1])
	require.Equal(t, []string{"ldr1->rm2 prepare tx=c1.1"}, texts(got.Send))
	require.Equal(t, []string{"acc2 flush tx=c1.1", "ldr1 retry tx=c1.1", "ldr1 takeover tx=c1.1"},
		texts(got.Arm))
	got = p.get(out.Gated[1])
	require.Equal(t, []core.DropReason{core.DropDuplicate, core.DropDuplicate},
		reasons(got.Dropped), "of the acceptor and of the leader")
	p = newPlay(t, Protocol{}, l, accRole(1))
	p.fails(core.Input{Type: core.InputMessage, Msg: withTo(out.Gated[1], accRole(1))},
		core.ErrMalformed)

	// A leader beside an acceptor that is not used in the normal case gets its own message.
	l.Place(ldrRole(1), l.NodeOf(accRole(3)))
	out = newPlay(t, Protocol{}, l, rmRole(1)).vote(core.Prepared)
	require.Equal(t, "rm1->ldr1 begin-commit tx=c1.1", out.Gated[0].String())
	require.Len(t, out.Gated, 3)
}

func withTo(m core.Message, to core.Role) core.Message {
	m.To = to
	return m
}

func TestShortCircuit(t *testing.T) {
	for _, tc := range []struct {
		name    string
		p       Protocol
		options []int
		vote    core.Value
		want    []string
	}{
		{"on", Protocol{}, []int{OptShortCircuit}, core.Aborted, []string{
			"rm1->ldr1 abort tx=c1.1",
		}},
		{"faster", Protocol{Faster: true}, []int{OptShortCircuit}, core.Aborted, []string{
			"rm1->ldr1 abort tx=c1.1", "rm1->rm2 abort tx=c1.1",
		}},
		{"off", Protocol{}, nil, core.Aborted, nil},
		{"prepared", Protocol{}, []int{OptShortCircuit}, core.Prepared, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := apart(t, 2, 3, 1, tc.options...)
			out := newPlay(t, tc.p, l, rmRole(1)).vote(tc.vote)
			require.Equal(t, tc.want, texts(out.Gated[3:]), "after begin-commit and phase 2a")
		})
	}

	p := newPlay(t, Protocol{}, apart(t, 2, 3, 1), ldrRole(1))
	out := p.get(msg(core.MsgAbort, rmRole(1), ldrRole(1)))
	require.Equal(t, []string{"ldr1->rm1 abort tx=c1.1", "ldr1->rm2 abort tx=c1.1"},
		texts(out.Send))
	require.Equal(t, []string{"ldr1 retry tx=c1.1"}, texts(out.Arm), "nothing to take over")

	p = newPlay(t, Protocol{Faster: true}, apart(t, 2, 3, 1), rmRole(2))
	out = p.get(msg(core.MsgAbort, rmRole(1), rmRole(2)))
	require.Equal(t, []string{"rm2 learns aborted tx=c1.1"}, texts(out.Decided))
}

func TestFasterDecidesAtResourceManagers(t *testing.T) {
	l := apart(t, 2, 3, 1)
	out := newPlay(t, Protocol{Faster: true}, l, accRole(1)).get(
		phase2a(rmRole(2), 0, aborted(2)))
	require.Equal(t, []string{
		"acc1->rm1 phase2b tx=c1.1 bal=0 ins=2 val=aborted",
		"acc1->rm2 phase2b tx=c1.1 bal=0 ins=2 val=aborted",
	}, texts(out.Gated))

	p := newPlay(t, Protocol{Faster: true}, l, rmRole(1))
	p.vote(core.Prepared)
	require.Empty(t, p.get(phase2b(1, rmRole(1), 0, prepared(1, 2))))
	require.Empty(t, p.get(phase2b(1, rmRole(1), 0, prepared(1, 2))), "one acceptor twice")
	out = p.get(phase2b(2, rmRole(1), 0, prepared(1, 2)))
	require.Equal(t, []string{"rm1 learns committed tx=c1.1"}, texts(out.Decided))
	require.Equal(t, []string{"rm1 outcome tx=c1.1 val=committed"}, texts(out.Records))
	require.Equal(t, []string{"rm1->res1 commit tx=c1.1"}, texts(out.Gated))
	require.Equal(t, []string{"rm1->cl1 commit tx=c1.1"}, texts(out.Send))

	// The leader learns it from those who are done.
	out = p.get(valued(core.MsgDone, 1, rmRole(1), core.Committed))
	require.Equal(t, []string{"rm1->ldr1 done tx=c1.1 val=committed"}, texts(out.Send))
}

func TestOutcomeGoesToTheResourceOnceDurable(t *testing.T) {
	p := newPlay(t, Protocol{}, apart(t, 2, 3, 1), rmRole(1))
	vote := p.vote(core.Prepared)
	outcome := p.get(msg(core.MsgCommit, ldrRole(1), rmRole(1)))
	require.Equal(t, []string{"rm1->res1 commit tx=c1.1"}, texts(outcome.Gated))
	out := p.get(msg(core.MsgCommit, ldrRole(1), rmRole(1)))
	require.Equal(t, []core.DropReason{core.DropDuplicate}, reasons(out.Dropped))
	// After a restart it goes there again; the resource applies it once.
	out = p.restart(1, append(vote.Records, outcome.Records...)...)
	require.Equal(t, []string{"rm1->res1 commit tx=c1.1"}, texts(out.Send))
	require.Equal(t, []string{"rm1 learns committed tx=c1.1"}, texts(out.Decided))
	p.get(valued(core.MsgDone, 1, rmRole(1), core.Committed))
	out = p.fire(rmRole(1), core.TimerRetry)
	require.Equal(t, []string{"rm1->ldr1 done tx=c1.1 val=committed"}, texts(out.Send))
}
