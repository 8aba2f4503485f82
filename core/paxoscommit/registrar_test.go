package paxoscommit

import (
	"testing"

	"paxoscommit/core"

	"github.com/stretchr/testify/require"
)

// dynamic is a layout with two resource managers, three acceptors and a registrar, a node for each
// role.
func dynamic(t testing.TB, leaders int, options ...int) *core.Layout {
	t.Helper()
	l := apart(t, 2, 3, leaders, options...)
	l.Registrars = 1
	l.Place(theRegistrar(), core.NodeID(l.Nodes+1))
	return l
}

// toReg is a message of a resource manager to the registrar.
func toReg(t core.MsgType, rm uint8) core.Message { return msg(t, rmRole(rm), theRegistrar()) }

// withEntry adds a value of the registrar's instance: a set, or aborted if it is empty.
func withEntry(m core.Message, joined core.Set) core.Message {
	m.Val, m.Joined = core.Prepared, joined
	if joined == 0 {
		m.Val = core.Aborted
	}
	return m
}

func TestEverybodyJoinsBeforeAnybodyPrepares(t *testing.T) {
	for _, p := range []Protocol{{}, {Faster: true}} {
		c := newCluster(p, dynamic(t, 1))
		c.watch = true
		c.request(1, txID(1), core.FullSet(2))
		require.NoError(t, c.run())
		require.Equal(t, []string{
			"cl1->rm1 request tx=c1.1",
			"rm1->reg1 join tx=c1.1", "rm1->rm2 enlist tx=c1.1", "reg1->rm1 joined tx=c1.1",
			"rm2->reg1 join tx=c1.1", "reg1->rm2 joined tx=c1.1", "rm2->rm1 enlisted tx=c1.1",
			"rm1->res1 prepare tx=c1.1", "res1->rm1 vote tx=c1.1 val=prepared",
			"rm1->reg1 begin-commit tx=c1.1",
			"rm1->acc1 phase2a tx=c1.1 bal=0 ins=1 val=prepared",
			"rm1->acc2 phase2a tx=c1.1 bal=0 ins=1 val=prepared",
			"reg1->rm2 prepare tx=c1.1",
			"reg1->acc1 phase2a tx=c1.1 bal=0 entry=prepared joined=1,2",
			"reg1->acc2 phase2a tx=c1.1 bal=0 entry=prepared joined=1,2",
			"rm2->res2 prepare tx=c1.1", "res2->rm2 vote tx=c1.1 val=prepared",
		}, texts(c.sent)[:17])
		require.Equal(t, 2, c.wrote[core.RecordJoin])
		require.Equal(t, 3, c.wrote[core.RecordVote], "the registrar's is one more")
		require.Equal(t, 2, c.wrote[core.RecordAcceptor], "one bundle at each of F+1 acceptors")
		require.Equal(t, 2, c.wrote[core.RecordOutcome])
		require.Equal(t, 6, c.wrote[core.RecordForget], "members, acceptors, and the registrar")
		require.Empty(t, c.armed)
		for _, n := range c.nodes {
			require.Zero(t, n.open())
		}
	}
}

func TestRelayedSetIsProposedByTheLeader(t *testing.T) {
	c := newCluster(Protocol{}, dynamic(t, 1, OptRelayed))
	c.watch = true
	c.request(1, txID(1), core.FullSet(2))
	require.NoError(t, c.run())
	require.Contains(t, texts(c.sent), "reg1->ldr1 relay tx=c1.1 entry=prepared joined=1,2")
	require.Contains(t, texts(c.sent),
		"ldr1->acc1 phase2a tx=c1.1 bal=1 prepared=1,2 entry=prepared joined=1,2")
	require.Equal(t, 2, c.wrote[core.RecordOutcome])
	require.Zero(t, c.nodes[c.layout.NodeOf(ldrRole(1))-1].open())
}

func TestBeginCommitRidesToARegistrarBesideAnAcceptor(t *testing.T) {
	l := dynamic(t, 1, OptMergeBegin)
	l.Place(theRegistrar(), l.NodeOf(accRole(2)))
	c := newCluster(Protocol{}, l)
	c.watch = true
	c.request(1, txID(1), core.FullSet(2))
	require.NoError(t, c.run())
	require.Contains(t, texts(c.sent), "rm1->acc2 phase2a tx=c1.1 bal=0 ins=1 val=prepared begin")
	require.NotContains(t, texts(c.sent), "rm1->reg1 begin-commit tx=c1.1")
	require.Equal(t, 2, c.wrote[core.RecordOutcome])
}

func TestJoinIsDurableBeforeItIsAcknowledged(t *testing.T) {
	p := newPlay(t, Protocol{}, dynamic(t, 2), theRegistrar())
	out := p.get(toReg(core.MsgJoin, 2))
	require.Equal(t, []string{"reg1 join tx=c1.1 joined=2"}, texts(out.Records))
	require.Equal(t, []string{"reg1->rm2 joined tx=c1.1"}, texts(out.Gated))
	out = p.get(toReg(core.MsgJoin, 2))
	require.Empty(t, out.Records, "it has joined")
	require.Equal(t, []string{"reg1->rm2 joined tx=c1.1"}, texts(out.Gated), "and may not know")
	out = p.get(toReg(core.MsgJoin, 1))
	require.Equal(t, []string{"reg1 join tx=c1.1 joined=1,2"}, texts(out.Records))
}

func TestBeginCommitClosesTheSet(t *testing.T) {
	l := dynamic(t, 2)
	p := newPlay(t, Protocol{}, l, theRegistrar())
	out := p.get(toReg(core.MsgBeginCommit, 1))
	require.Equal(t, []core.DropReason{core.DropUnknown}, reasons(out.Dropped), "nobody has joined")
	join := p.get(toReg(core.MsgJoin, 1)).Records[0]
	p.fails(core.Input{
		Type: core.InputMessage, Msg: msg(core.MsgAbort, ldrRole(1), theRegistrar()),
	}, core.ErrProtocol)
	out = p.get(toReg(core.MsgBeginCommit, 1))
	require.Equal(t, []string{"reg1 vote tx=c1.1 val=prepared joined=1"}, texts(out.Records))
	require.Equal(t, []string{
		"reg1->acc1 phase2a tx=c1.1 bal=0 entry=prepared joined=1",
		"reg1->acc2 phase2a tx=c1.1 bal=0 entry=prepared joined=1",
	}, texts(out.Gated))
	vote := out.Records[0]
	again := []string{
		"reg1->rm1 prepare tx=c1.1",
		"reg1->acc1 phase2a tx=c1.1 bal=0 entry=prepared joined=1",
		"reg1->acc2 phase2a tx=c1.1 bal=0 entry=prepared joined=1",
		"reg1->acc3 phase2a tx=c1.1 bal=0 entry=prepared joined=1",
		"reg1->ldr1 query tx=c1.1", "reg1->ldr2 query tx=c1.1",
	}
	for range 2 { // before and after a restart
		out = p.get(toReg(core.MsgJoin, 2))
		require.Equal(t, core.Output{Gated: out.Gated}, out)
		require.Equal(t, []string{"reg1->rm2 too-late tx=c1.1"}, texts(out.Gated))
		out = p.get(toReg(core.MsgBeginCommit, 1))
		require.Equal(t, []core.DropReason{core.DropDuplicate}, reasons(out.Dropped))
		out = p.fire(theRegistrar(), core.TimerRetry)
		require.Equal(t, again, texts(out.Gated))
		out = p.restart(l.NodeOf(theRegistrar()), join, vote)
		require.Equal(t, []string{"reg1 retry tx=c1.1"}, texts(out.Arm))
	}
	out = p.get(msg(core.MsgAbort, ldrRole(2), theRegistrar()))
	require.Equal(t, []string{"reg1 retry tx=c1.1"}, texts(out.Disarm))
	require.Equal(t, []string{"reg1->rm2 abort tx=c1.1"}, texts(p.get(toReg(core.MsgJoin, 2)).Send))
	p.fails(core.Input{
		Type: core.InputMessage, Msg: msg(core.MsgCommit, ldrRole(2), theRegistrar()),
	}, core.ErrProtocol)
}

func TestOnlyWhoHasJoinedClosesTheSet(t *testing.T) {
	p := newPlay(t, Protocol{}, dynamic(t, 1), theRegistrar())
	p.get(toReg(core.MsgJoin, 2))
	out := p.get(toReg(core.MsgBeginCommit, 1))
	require.Equal(t, []core.DropReason{core.DropUnknown}, reasons(out.Dropped))
	require.NotEmpty(t, p.get(toReg(core.MsgJoin, 1)).Records, "the set is open")
}

func TestBeginCommitRidesOnAVoteOnly(t *testing.T) {
	l := dynamic(t, 1, OptMergeBegin)
	l.Place(theRegistrar(), l.NodeOf(accRole(2)))
	p := newPlay(t, Protocol{}, l, accRole(2))
	set := withEntry(phase2a(theRegistrar(), 0, core.Votes{}), core.SetOf(1))
	set.To = accRole(2)
	p.get(set)
	set.Begin = true
	p.fails(core.Input{Type: core.InputMessage, Msg: set}, core.ErrMalformed)
}

func TestNobodyJoinsWhatIsForgotten(t *testing.T) {
	p := newPlay(t, Protocol{}, dynamic(t, 2), theRegistrar())
	out := p.get(msg(core.MsgForget, ldrRole(1), theRegistrar()))
	require.Equal(t, []string{"reg1 forget tx=c1.1 low=0"}, texts(out.Records))
	require.Equal(t, []string{"reg1->ldr1 forgotten tx=c1.1 low=1"}, texts(out.Gated))
	for _, m := range []core.MsgType{core.MsgJoin, core.MsgBeginCommit} {
		out = p.get(toReg(m, 1))
		require.Empty(t, out.Records)
		require.Equal(t, []string{"reg1->rm1 forgotten tx=c1.1 low=1"}, texts(out.Gated))
	}
}

func TestResourceManagerJoinsAgainAndThenAsks(t *testing.T) {
	l := dynamic(t, 1)
	p := newPlay(t, Protocol{}, l, rmRole(1))
	joined := msg(core.MsgJoined, theRegistrar(), rmRole(1))
	require.Equal(t, []core.DropReason{core.DropUnknown}, reasons(p.get(joined).Dropped))
	p.get(msg(core.MsgRequest, client(), rmRole(1)))
	out := p.fire(rmRole(1), core.TimerRetry)
	require.Equal(t, []string{"rm1->rm2 enlist tx=c1.1", "rm1->reg1 join tx=c1.1"}, texts(out.Send))
	require.Equal(t, []string{"rm1->ldr1 query tx=c1.1"}, texts(out.Gated))
	require.Empty(t, p.get(joined).Send, "rm2 is missing")
	out = p.fire(rmRole(1), core.TimerRetry)
	require.Equal(t, []string{"rm1->rm2 enlist tx=c1.1"}, texts(out.Send))
	require.Equal(t, []string{"rm1->ldr1 query tx=c1.1"}, texts(out.Gated))
	out = p.get(msg(core.MsgEnlisted, rmRole(2), rmRole(1)))
	require.Equal(t, []string{"rm1->res1 prepare tx=c1.1"}, texts(out.Send))
	out = p.get(valued(core.MsgVote, 1, rmRole(1), core.Prepared))
	require.Equal(t, "rm1->reg1 begin-commit tx=c1.1", out.Gated[0].String())
	out = p.fire(rmRole(1), core.TimerRetry)
	require.Equal(t, "rm1->reg1 begin-commit tx=c1.1", out.Gated[0].String(), "it may be lost")
}

func TestEnlistedResourceManagerPreparesWhenTheRegistrarSaysSo(t *testing.T) {
	l := dynamic(t, 1)
	p := newPlay(t, Protocol{}, l, rmRole(2))
	enlist := msg(core.MsgEnlist, rmRole(1), rmRole(2))
	require.Equal(t, []string{"rm2->reg1 join tx=c1.1"}, texts(p.get(enlist).Send))
	out := p.get(msg(core.MsgJoined, theRegistrar(), rmRole(2)))
	require.Equal(t, []string{"rm2->rm1 enlisted tx=c1.1"}, texts(out.Send))
	require.Equal(t, []string{"rm2->rm1 enlisted tx=c1.1"}, texts(p.get(enlist).Send), "again")
	prepare := msg(core.MsgPrepare, theRegistrar(), rmRole(2))
	require.Equal(t, []string{"rm2->res2 prepare tx=c1.1"}, texts(p.get(prepare).Send))
	require.Equal(t, []core.DropReason{core.DropDuplicate}, reasons(p.get(enlist).Dropped))
	p.restart(l.NodeOf(rmRole(2)))
	require.Equal(t, []string{"rm2->res2 prepare tx=c1.1"}, texts(p.get(prepare).Send),
		"the registrar remembers who has joined")
}

func TestBundleWaitsForTheSetAndForEverybodyInIt(t *testing.T) {
	p := newPlay(t, Protocol{}, dynamic(t, 1), accRole(1))
	require.Empty(t, p.get(phase2a(rmRole(1), 0, prepared(1))).Records)
	require.Empty(t, p.get(phase2a(rmRole(2), 0, prepared(2))).Records, "no set")
	set := withEntry(phase2a(theRegistrar(), 0, core.Votes{}), core.SetOf(1, 2))
	out := p.get(set)
	require.Equal(t,
		[]string{"acc1 acceptor tx=c1.1 mbal=0 bal=0 prepared=1,2 entry=prepared joined=1,2"},
		texts(out.Records))
	require.Equal(t,
		[]string{"acc1->ldr1 phase2b tx=c1.1 bal=0 prepared=1,2 entry=prepared joined=1,2"},
		texts(out.Gated))
	require.Equal(t, out.Gated, p.get(set).Gated, "said again")
	out = p.get(phase1a(1, 1, 1))
	require.Equal(t,
		"acc1->ldr1 phase1b tx=c1.1 mbal=1 bal=0 prepared=1,2 entry=prepared joined=1,2",
		out.Gated[0].String())
}

func TestSetAloneDecidesWhoTakesPart(t *testing.T) {
	l := dynamic(t, 1)
	for _, tc := range []struct {
		name  string
		votes core.Votes
		entry entry
		want  core.Value
	}{
		{"no set", prepared(1, 2), entry{}, core.NoValue},
		{"all", prepared(1, 2), entry{core.Prepared, core.SetOf(1, 2)}, core.Committed},
		{"only one joined", prepared(1), entry{core.Prepared, core.SetOf(1)}, core.Committed},
		{"another is missing", prepared(1), entry{core.Prepared, core.SetOf(1, 2)}, core.NoValue},
		{"no set, and an abort", aborted(2), entry{}, core.Aborted},
		{"abort of one outside", aborted(2), entry{core.Prepared, core.SetOf(1)}, core.NoValue},
		{"registrar aborted", prepared(1, 2), entry{val: core.Aborted}, core.Aborted},
	} {
		require.Equal(t, tc.want, outcome(tc.votes, tc.entry, core.FullSet(2), l), tc.name)
	}
}

func TestTakeOverAbortsAFreeRegistrar(t *testing.T) {
	set := core.SetOf(1, 2)
	for _, tc := range []struct {
		name string
		one  core.Message
		two  core.Message
		want string
	}{
		{
			"free", phase1b(1, 2, 2, 0, prepared(1, 2)), phase1b(2, 2, 2, 0, prepared(1, 2)),
			"prepared=1,2 entry=aborted",
		},
		{
			"reported", withEntry(phase1b(1, 2, 2, 0, prepared(1)), set),
			phase1b(2, 2, 2, 0, prepared(2)), "prepared=1,2 entry=prepared joined=1,2",
		},
		{
			"highest", withEntry(phase1b(1, 2, 2, 0, prepared(1, 2)), set),
			withEntry(phase1b(2, 2, 2, 1, aborted(1, 2)), 0), "aborted=1,2 entry=aborted",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPlay(t, Protocol{}, dynamic(t, 2), ldrRole(2))
			p.get(msg(core.MsgQuery, client(), ldrRole(2)))
			p.fire(ldrRole(2), core.TimerTakeOver)
			p.get(tc.one)
			out := p.get(tc.two)
			require.Equal(t, "ldr2->acc1 phase2a tx=c1.1 bal=2 "+tc.want, out.Send[0].String())
			for acc := range uint8(2) {
				m := phase2b(acc+1, ldrRole(2), 2, out.Send[0].Votes)
				m.Val, m.Joined = out.Send[0].Val, out.Send[0].Joined
				if acc == 0 {
					require.Empty(t, p.get(m).Decided)
					continue
				}
				want := core.Aborted
				if m.Val == core.Prepared {
					want = core.Committed
				}
				require.Equal(t, want, p.get(m).Decided[0].Val)
			}
		})
	}
}

func TestLeaderForgetsAfterTheRegistrar(t *testing.T) {
	p := newPlay(t, Protocol{}, dynamic(t, 1), ldrRole(1))
	p.get(valued(core.MsgDone, 1, ldrRole(1), core.Aborted))
	out := p.get(valued(core.MsgDone, 2, ldrRole(1), core.Aborted))
	require.Contains(t, texts(out.Send), "ldr1->reg1 forget tx=c1.1 low=0")
	for _, from := range []core.Role{rmRole(1), rmRole(2), accRole(1), accRole(2)} {
		p.get(msg(core.MsgForgotten, from, ldrRole(1)))
	}
	require.Equal(t, 1, p.node.open())
	p.get(msg(core.MsgForgotten, theRegistrar(), ldrRole(1)))
	require.Zero(t, p.node.open())
}

func TestValuesThatNoRegistrarHasAreMalformed(t *testing.T) {
	ballot1 := withEntry(phase2a(ldrRole(1), 1, prepared(1, 2)), core.SetOf(1, 2))
	aborts := withEntry(phase2a(theRegistrar(), 0, core.Votes{}), 0)
	outside := withEntry(phase2a(theRegistrar(), 0, core.Votes{}), core.SetOf(3))
	voted := withEntry(phase2a(rmRole(1), 0, prepared(1)), core.SetOf(1))
	setless := aborts
	setless.Val = core.Prepared
	for _, tc := range []struct {
		name   string
		layout *core.Layout
		m      core.Message
	}{
		{"no registrar here", apart(t, 2, 3, 1), ballot1},
		{"no value in a higher ballot", dynamic(t, 1), phase2a(ldrRole(1), 1, prepared(1, 2))},
		{"the registrar never proposes aborted", dynamic(t, 1), aborts},
		{"an empty set", dynamic(t, 1), setless},
		{"a set of others", dynamic(t, 1), outside},
		{"a resource manager's set", dynamic(t, 1), voted},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPlay(t, Protocol{}, tc.layout, accRole(1))
			p.fails(core.Input{Type: core.InputMessage, Msg: tc.m}, core.ErrMalformed)
		})
	}
	p := newPlay(t, Protocol{}, dynamic(t, 1), theRegistrar())
	for _, rec := range []core.Record{
		{Type: core.RecordJoin, Role: theRegistrar(), Tx: txID(1), Members: 3},
		{Type: core.RecordVote, Role: theRegistrar(), Tx: txID(1), Members: 3, Val: core.Aborted},
	} {
		p.fails(core.Input{Type: core.InputRecord, Rec: rec}, core.ErrMalformed)
	}
}
