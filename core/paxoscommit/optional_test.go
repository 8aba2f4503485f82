package paxoscommit

import (
	"slices"
	"testing"

	"paxoscommit/core"

	"github.com/stretchr/testify/require"
)

// dynamic3 is a layout with three resource managers and acceptors and a registrar.
func dynamic3(t testing.TB, options ...int) *core.Layout {
	t.Helper()
	l := apart(t, 3, 3, 2, options...)
	l.Registrars = 1
	l.Place(theRegistrar(), core.NodeID(l.Nodes+1))
	return l
}

// withSet adds the set to a message about an outcome, or to a request.
func withSet(m core.Message, set core.Set) core.Message {
	m.Joined = set
	return m
}

// requestOf has client 1 ask rm1 for a transaction of all three, in which some must take part.
func (c *cluster) requestOf(must core.Set) {
	m := withSet(msg(core.MsgRequest, client(), rmRole(1)), must)
	m.Members = core.FullSet(3)
	c.send(&m)
}

func TestAProperSubsetCommitsAndWhoIsLateHoldsNothing(t *testing.T) {
	for _, tc := range []struct {
		name     string
		protocol Protocol
		options  []int
	}{
		{"classic", Protocol{}, nil},
		{"faster", Protocol{Faster: true}, nil},
		{"relayed", Protocol{}, []int{OptRelayed}},
		{"merged and short", Protocol{}, []int{OptMergeBegin, OptShortCircuit}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newCluster(tc.protocol, dynamic3(t, tc.options...))
			c.watch = true
			c.lost = func(m *core.Message) bool { return m.Type == core.MsgEnlist && m.To == rmRole(2) }
			c.requestOf(core.SetOf(1, 3))
			require.NoError(t, c.run())
			require.Zero(t, c.wrote[core.RecordVote], "rm1 waits for rm2")
			c.fire(t, rmRole(1), core.TimerRetry, txID(1))
			require.NoError(t, c.run())
			committed := []string{
				"ldr1->rm1 commit tx=c1.1 joined=1,3", "ldr1->rm3 commit tx=c1.1 joined=1,3",
			}
			if tc.protocol.Faster {
				committed = []string{"rm1->ldr1 done tx=c1.1 val=committed joined=1,3"}
			}
			require.Subset(t, texts(c.sent), committed)
			for _, m := range c.sent {
				require.False(t, m.To == rmRole(2) && m.Type != core.MsgEnlist, "%v", m)
			}
			require.Equal(t, 2, c.wrote[core.RecordOutcome])
			require.Empty(t, c.armed)
			late := msg(core.MsgEnlist, rmRole(1), rmRole(2)) // from when it was delayed
			late.Members = core.FullSet(3)
			c.lost = nil
			c.send(&late)
			require.NoError(t, c.run())
			require.Contains(t, texts(c.sent), "reg1->rm2 forgotten tx=c1.1 low=1")
			require.Empty(t, c.armed)
			for _, n := range c.nodes {
				require.Zero(t, n.open())
			}
			require.Equal(t, core.NoValue, c.outcomeAt(2))
		})
	}
}

// outcomeAt returns the outcome that a resource manager has written.
func (c *cluster) outcomeAt(rm uint8) core.Value {
	for _, rec := range c.logs[c.layout.NodeOf(rmRole(rm))-1] {
		if rec.Type == core.RecordOutcome {
			return rec.Val
		}
	}
	return core.NoValue
}

func TestFirstOneNeverBeginsWithoutWhoMust(t *testing.T) {
	l := dynamic3(t)
	p := newPlay(t, Protocol{}, l, rmRole(1))
	get := func(m core.Message) core.Output {
		m.Members = core.FullSet(3)
		return p.get(m)
	}
	get(withSet(msg(core.MsgRequest, client(), rmRole(1)), core.SetOf(1, 3)))
	get(msg(core.MsgEnlisted, rmRole(2), rmRole(1)))
	out := get(msg(core.MsgJoined, theRegistrar(), rmRole(1)))
	require.Equal(t, core.Await{Kind: core.RM, IDs: core.SetOf(3)}, out.Arm[0].Await)
	for range 2 {
		out = p.fire(rmRole(1), core.TimerRetry)
		require.Equal(t, []string{"rm1->rm3 enlist tx=c1.1"}, texts(out.Send))
		require.Equal(t, []string{"rm1->ldr1 query tx=c1.1", "rm1->ldr2 query tx=c1.1"}, texts(out.Gated))
	}
	out = get(msg(core.MsgEnlisted, rmRole(3), rmRole(1)))
	require.Equal(t, []string{"rm1->res1 prepare tx=c1.1"}, texts(out.Send), "all are there")
}

func TestFirstOneBeginsWhenItWaitsNoLonger(t *testing.T) {
	p := newPlay(t, Protocol{}, dynamic(t, 1), rmRole(1))
	p.get(withSet(msg(core.MsgRequest, client(), rmRole(1)), core.SetOf(1)))
	require.NotContains(t, texts(p.fire(rmRole(1), core.TimerRetry).Send), "rm1->res1 prepare tx=c1.1",
		"it has not joined itself")
	require.Empty(t, p.get(msg(core.MsgJoined, theRegistrar(), rmRole(1))).Send)
	out := p.fire(rmRole(1), core.TimerRetry)
	require.Equal(t, []string{"rm1->res1 prepare tx=c1.1"}, texts(out.Send))
	require.Empty(t, p.get(msg(core.MsgEnlisted, rmRole(2), rmRole(1))).Send, "in time, and no news")
}

func TestWhoIsTooLateForgetsAndJoinsAgainOnlyToHearSo(t *testing.T) {
	p := newPlay(t, Protocol{Faster: true}, dynamic(t, 1), rmRole(2))
	enlist := msg(core.MsgEnlist, rmRole(1), rmRole(2))
	tooLate := msg(core.MsgTooLate, theRegistrar(), rmRole(2))
	empty := p.node.AppendKey(nil)
	for range 2 {
		require.Equal(t, []string{"rm2->reg1 join tx=c1.1"}, texts(p.get(enlist).Send))
		p.get(phase2b(1, rmRole(2), 0, prepared(1)))
		require.Equal(t, []string{"rm2 retry tx=c1.1"}, texts(p.get(tooLate).Disarm))
		require.Equal(t, empty, p.node.AppendKey(nil))
		require.Equal(t, []core.DropReason{core.DropUnknown}, reasons(p.get(tooLate).Dropped))
	}
	p.get(enlist)
	p.get(msg(core.MsgAbort, ldrRole(1), rmRole(2)))
	require.Equal(t, []core.DropReason{core.DropStale}, reasons(p.get(tooLate).Dropped))
	p.restart(p.node.layout.NodeOf(rmRole(2)))
	p.get(enlist)
	p.get(msg(core.MsgJoined, theRegistrar(), rmRole(2)))
	p.fails(core.Input{Type: core.InputMessage, Msg: tooLate}, core.ErrProtocol)
}

func TestWhoHasNotJoinedForgetsWhatIsFinished(t *testing.T) {
	forget := msg(core.MsgForget, ldrRole(1), rmRole(2))
	enlist := msg(core.MsgEnlist, rmRole(1), rmRole(2))
	p := newPlay(t, Protocol{}, dynamic(t, 1), rmRole(2))
	node := p.node.layout.NodeOf(rmRole(2))
	for _, first := range []func(){
		func() {},
		func() { p.get(enlist) },
	} {
		p.restart(node)
		first()
		out := p.get(forget)
		require.Equal(t, []string{"rm2 forget tx=c1.1 low=0"}, texts(out.Records))
		require.Contains(t, texts(out.Gated), "rm2->ldr1 forgotten tx=c1.1 low=1")
		require.Equal(t, []core.DropReason{core.DropFinished}, reasons(p.get(enlist).Dropped))
	}
	p.restart(node)
	p.get(enlist)
	p.get(msg(core.MsgJoined, theRegistrar(), rmRole(2)))
	p.fails(core.Input{Type: core.InputMessage, Msg: forget}, core.ErrProtocol)
}

func TestLeaderTellsTheSetAndWaitsForNobodyElse(t *testing.T) {
	p := newPlay(t, Protocol{}, dynamic(t, 1), ldrRole(1))
	for acc := range uint8(2) {
		out := p.get(withEntry(phase2b(acc+1, ldrRole(1), 0, prepared(1)), core.SetOf(1)))
		if acc == 1 {
			require.Equal(t, []string{"ldr1->rm1 commit tx=c1.1 joined=1"}, texts(out.Send))
			require.Equal(t, core.Await{Kind: core.RM, IDs: core.SetOf(1)}, out.Arm[0].Await)
		}
	}
	out := p.get(msg(core.MsgQuery, rmRole(2), ldrRole(1)))
	require.Equal(t, []string{"ldr1->rm2 too-late tx=c1.1"}, texts(out.Send))
	require.Equal(t, []string{"ldr1->rm1 commit tx=c1.1 joined=1"},
		texts(p.fire(ldrRole(1), core.TimerRetry).Send))
	done := withSet(valued(core.MsgDone, 1, ldrRole(1), core.Committed), core.SetOf(1))
	p.fails(core.Input{
		Type: core.InputMessage, Msg: withSet(done, core.SetOf(1, 2)),
	}, core.ErrProtocol)
	require.Equal(t, []string{
		"ldr1->rm1 forget tx=c1.1 low=0", "ldr1->acc1 forget tx=c1.1 low=0",
		"ldr1->acc2 forget tx=c1.1 low=0", "ldr1->acc3 forget tx=c1.1 low=0",
		"ldr1->reg1 forget tx=c1.1 low=0",
	}, texts(p.get(done).Send))
	for _, from := range []core.Role{rmRole(1), accRole(1), accRole(2), theRegistrar()} {
		p.get(msg(core.MsgForgotten, from, ldrRole(1)))
	}
	require.Zero(t, p.node.open())
}

func TestFirstLeaderWaitsForTheVotesOfThoseWhoTakePart(t *testing.T) {
	p := newPlay(t, Protocol{}, dynamic(t, 1), ldrRole(1))
	awaits := func(out core.Output) core.Await {
		i := slices.IndexFunc(out.Arm, func(x core.Timer) bool { return x.Kind == core.TimerTakeOver })
		return out.Arm[i].Await
	}
	out := p.get(msg(core.MsgQuery, client(), ldrRole(1)))
	require.Equal(t, core.Await{Kind: core.Registrar, IDs: core.SetOf(1)}, awaits(out))
	p.get(withEntry(phase2b(1, ldrRole(1), 0, core.Votes{}), core.SetOf(2)))
	out = p.fire(ldrRole(1), core.TimerTakeOver)
	require.Equal(t, core.Await{Kind: core.RM, IDs: core.SetOf(2)}, awaits(out))
}

func TestKeyTellsSetsApart(t *testing.T) {
	keys := map[string]core.Set{}
	rm1, ldr1 := rmRole(1), ldrRole(1)
	for _, set := range []core.Set{core.SetOf(1), core.SetOf(1, 2)} {
		for _, way := range [][]core.Message{
			{withSet(msg(core.MsgRequest, client(), rm1), set)},
			{
				msg(core.MsgPrepare, theRegistrar(), rm1),
				valued(core.MsgVote, 1, rm1, core.Prepared),
				withSet(msg(core.MsgCommit, ldr1, rm1), set),
			},
			{
				withEntry(phase2b(1, ldr1, 0, prepared(1, 2)), set),
				withEntry(phase2b(2, ldr1, 0, prepared(1, 2)), set),
			},
		} {
			p := newPlay(t, Protocol{}, dynamic(t, 1), way[0].To)
			for _, m := range way {
				p.get(m)
			}
			key := string(p.node.AppendKey(nil))
			require.NotContains(t, keys, key, "%v: {%v} is as {%v}", way[0], set, keys[key])
			keys[key] = set
		}
	}
}

func TestLeaderLearnsTheSetFromWhoIsDone(t *testing.T) {
	p := newPlay(t, Protocol{}, dynamic(t, 2), ldrRole(2))
	done := withSet(valued(core.MsgDone, 1, ldrRole(2), core.Committed), core.SetOf(1))
	require.Contains(t, texts(p.get(done).Send), "ldr2->reg1 forget tx=c1.1 low=0")
}

func TestLeaderTellsAnAbortToEverybodyWhoMayJoin(t *testing.T) {
	p := newPlay(t, Protocol{}, dynamic(t, 1), ldrRole(1))
	p.get(withEntry(phase2b(1, ldrRole(1), 0, aborted(1)), core.SetOf(1)))
	out := p.get(withEntry(phase2b(2, ldrRole(1), 0, aborted(1)), core.SetOf(1)))
	require.Equal(t, []string{"ldr1->rm1 abort tx=c1.1", "ldr1->rm2 abort tx=c1.1"}, texts(out.Send))
}

func TestFasterAcceptorTellsTheSetOnceItKnowsIt(t *testing.T) {
	p := newPlay(t, Protocol{Faster: true}, dynamic(t, 1), accRole(1))
	p.get(phase2a(rmRole(1), 0, prepared(1)))
	out := p.fire(accRole(1), core.TimerFlush)
	require.Equal(t, rmRole(2), out.Gated[1].To)
	out = p.get(withEntry(phase2a(theRegistrar(), 0, core.Votes{}), core.SetOf(1)))
	require.Equal(t, []string{
		"acc1->rm1 phase2b tx=c1.1 bal=0 ins=1 val=prepared entry=prepared joined=1",
	}, texts(out.Gated))
}

func TestOutcomeRemembersTheSetOverARestart(t *testing.T) {
	l := dynamic(t, 1)
	p := newPlay(t, Protocol{}, l, rmRole(1))
	p.get(msg(core.MsgPrepare, theRegistrar(), rmRole(1)))
	vote := p.get(valued(core.MsgVote, 1, rmRole(1), core.Prepared)).Records[0]
	out := p.get(withSet(msg(core.MsgCommit, ldrRole(1), rmRole(1)), core.SetOf(1)))
	require.Equal(t, []string{"rm1 outcome tx=c1.1 val=committed joined=1"}, texts(out.Records))
	p.restart(l.NodeOf(rmRole(1)), vote, out.Records[0])
	out = p.get(valued(core.MsgDone, 1, rmRole(1), core.Committed))
	require.Equal(t, []string{"rm1->ldr1 done tx=c1.1 val=committed joined=1"}, texts(out.Send))
}

func TestSetsThatCannotBeAreMalformed(t *testing.T) {
	commit := msg(core.MsgCommit, ldrRole(1), rmRole(1))
	done := valued(core.MsgDone, 1, ldrRole(1), core.Committed)
	for _, tc := range []struct {
		name   string
		layout *core.Layout
		m      core.Message
	}{
		{"a set without a registrar", apart(t, 2, 3, 1), withSet(commit, core.SetOf(1))},
		{"a commit without a set", dynamic(t, 1), commit},
		{"a commit to one outside", dynamic(t, 1), withSet(commit, core.SetOf(2))},
		{"a set of others", dynamic(t, 1), withSet(commit, core.SetOf(1, 3))},
		{"done, and outside", dynamic(t, 1), withSet(done, core.SetOf(2))},
		{
			"an abort with a set", dynamic(t, 1),
			withSet(valued(core.MsgDone, 1, ldrRole(1), core.Aborted), core.SetOf(1)),
		},
		{
			"who must join is no member", dynamic(t, 1),
			withSet(msg(core.MsgRequest, client(), rmRole(1)), core.SetOf(3)),
		},
		{
			"nobody can join", apart(t, 2, 3, 1),
			withSet(msg(core.MsgRequest, client(), rmRole(1)), core.SetOf(1)),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPlay(t, Protocol{}, tc.layout, tc.m.To)
			p.fails(core.Input{Type: core.InputMessage, Msg: tc.m}, core.ErrMalformed)
		})
	}
	p := newPlay(t, Protocol{Faster: true}, dynamic(t, 1), rmRole(2))
	p.fails(core.Input{
		Type: core.InputMessage, Msg: withEntry(phase2b(1, rmRole(2), 0, prepared(1)), core.SetOf(1)),
	}, core.ErrMalformed)
	p = newPlay(t, Protocol{}, apart(t, 2, 3, 1), rmRole(2))
	p.fails(core.Input{
		Type: core.InputMessage, Msg: msg(core.MsgTooLate, ldrRole(1), rmRole(2)),
	}, core.ErrMisrouted)
	p = newPlay(t, Protocol{}, dynamic(t, 1), rmRole(1))
	p.fails(core.Input{Type: core.InputRecord, Rec: core.Record{
		Type: core.RecordOutcome, Role: rmRole(1), Tx: txID(1), Members: 3, Val: core.Committed,
	}}, core.ErrMalformed)
}
