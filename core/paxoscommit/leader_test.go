package paxoscommit

import (
	"math"
	"testing"

	"paxoscommit/core"

	"github.com/stretchr/testify/require"
)

func TestLeaderProposesHighestReportedBallot(t *testing.T) {
	highest, lower := phase1b(2, 2, 4, 3, prepared(1, 2)), phase1b(1, 2, 4, 1, aborted(1, 2))
	for _, tc := range []struct {
		name    string
		reports []core.Message
		want    string
	}{
		{"highest last", []core.Message{lower, highest}, "prepared=1,2"},
		{"highest first", []core.Message{highest, lower}, "prepared=1,2"},
		{"above free", []core.Message{highest, phase1b(3, 2, 4, 0, core.Votes{})}, "prepared=1,2"},
		{"above ballot 0", []core.Message{
			phase1b(1, 2, 4, 0, prepared(1)), phase1b(2, 2, 4, 1, aborted(1, 2)),
		}, "aborted=1,2"},
		{"all of ballot 0", []core.Message{
			phase1b(1, 2, 4, 0, prepared(1)), phase1b(3, 2, 4, 0, prepared(2)),
		}, "prepared=1,2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPlay(t, Protocol{}, apart(t, 2, 3, 2), ldrRole(2))
			p.get(msg(core.MsgQuery, rmRole(1), ldrRole(2)))
			p.fire(ldrRole(2), core.TimerTakeOver) // ballot 2
			rejected := msg(core.MsgRejected, accRole(1), ldrRole(2))
			rejected.MBal, rejected.Bal = 3, 2
			p.get(rejected)
			out := p.fire(ldrRole(2), core.TimerTakeOver)
			require.Equal(t, []string{"ldr2 ballot tx=c1.1 bal=4"}, texts(out.Records))
			require.Equal(t, []string{"ldr2 retry tx=c1.1", "ldr2 takeover tx=c1.1"},
				texts(out.Arm), "there may be a next one")
			require.Equal(t, []string{
				"ldr2->acc1 phase1a tx=c1.1 bal=4", "ldr2->acc2 phase1a tx=c1.1 bal=4",
				"ldr2->acc3 phase1a tx=c1.1 bal=4",
			}, texts(out.Gated))

			require.Empty(t, p.get(tc.reports[0]))
			out = p.get(tc.reports[0])
			require.Equal(t, []core.DropReason{core.DropStale}, reasons(out.Dropped), "repeated")
			out = p.get(tc.reports[1])
			require.Equal(t, []string{
				"ldr2->acc1 phase2a tx=c1.1 bal=4 " + tc.want,
				"ldr2->acc2 phase2a tx=c1.1 bal=4 " + tc.want,
				"ldr2->acc3 phase2a tx=c1.1 bal=4 " + tc.want,
			}, texts(out.Send))
		})
	}
}

func TestFreeInstanceIsAborted(t *testing.T) {
	p := newPlay(t, Protocol{}, apart(t, 2, 3, 1), ldrRole(1))
	p.get(msg(core.MsgQuery, client(), ldrRole(1)))
	p.fire(ldrRole(1), core.TimerTakeOver)
	p.get(phase1b(1, 1, 1, 0, prepared(1)))
	out := p.get(phase1b(2, 1, 1, 0, core.Votes{}))
	require.Equal(t, "ldr1->acc1 phase2a tx=c1.1 bal=1 prepared=1 aborted=2", out.Send[0].String())

	p.get(phase2b(1, ldrRole(1), 1, core.Votes{Prepared: 1, Aborted: 2}))
	out = p.get(phase2b(3, ldrRole(1), 1, core.Votes{Prepared: 1, Aborted: 2}))
	require.Equal(t, []string{"ldr1 learns aborted tx=c1.1"}, texts(out.Decided))
	require.Equal(t, []string{"ldr1->rm1 abort tx=c1.1", "ldr1->rm2 abort tx=c1.1"},
		texts(out.Send))
}

func TestLateReportOfOtherBallotIsIgnored(t *testing.T) {
	p := newPlay(t, Protocol{}, apart(t, 2, 3, 1), ldrRole(1))
	p.get(msg(core.MsgQuery, client(), ldrRole(1)))
	p.fire(ldrRole(1), core.TimerTakeOver)
	p.fire(ldrRole(1), core.TimerTakeOver) // ballot 2
	p.get(phase1b(1, 1, 2, 0, prepared(1)))
	out := p.get(phase1b(2, 1, 1, 0, core.Votes{}))
	require.Equal(t, []core.DropReason{core.DropStale}, reasons(out.Dropped))
	require.Empty(t, out.Send)
}

func TestRestartedLeaderNeverReusesABallot(t *testing.T) {
	l := apart(t, 2, 3, 2)
	p := newPlay(t, Protocol{}, l, ldrRole(1))
	p.get(msg(core.MsgQuery, client(), ldrRole(1)))
	var log []core.Record
	last := core.Ballot(0)
	for range 5 {
		out := p.fire(ldrRole(1), core.TimerTakeOver)
		require.Len(t, out.Records, 1, "written before its 1a, which is gated on it")
		require.Len(t, out.Gated, 3)
		require.Greater(t, out.Records[0].Bal, last)
		require.Equal(t, uint8(1), l.LeaderOf(out.Records[0].Bal))
		last = out.Records[0].Bal
		log = append(log, out.Records...)
		out = p.restart(l.NodeOf(ldrRole(1)), log...)
		require.Equal(t, []string{"ldr1 retry tx=c1.1", "ldr1 takeover tx=c1.1"}, texts(out.Arm))
	}
}

func TestLeaderWithoutBallotsLeftKeepsItsLast(t *testing.T) {
	p := newPlay(t, Protocol{}, apart(t, 2, 3, 1), ldrRole(1))
	p.get(msg(core.MsgQuery, client(), ldrRole(1)))
	rejected := msg(core.MsgRejected, accRole(1), ldrRole(1))
	rejected.MBal, rejected.Bal = math.MaxUint32-1, 1
	p.get(rejected)
	out := p.fire(ldrRole(1), core.TimerTakeOver)
	require.Equal(t, []string{"ldr1 ballot tx=c1.1 bal=4294967295"}, texts(out.Records))
	before := p.node.AppendKey(nil)
	out = p.fire(ldrRole(1), core.TimerTakeOver)
	require.Equal(t, []core.DropReason{core.DropStale}, reasons(out.Dropped))
	require.Equal(t, before, p.node.AppendKey(nil))
	p.get(phase1b(1, 1, math.MaxUint32, 0, core.Votes{}))
	out = p.get(phase1b(2, 1, math.MaxUint32, 0, core.Votes{}))
	require.Len(t, out.Send, 3, "its phase 2a")
}

func TestTwoBallotsChooseNothingTogether(t *testing.T) {
	p := newPlay(t, Protocol{}, apart(t, 2, 3, 1), ldrRole(1))
	p.get(msg(core.MsgQuery, client(), ldrRole(1)))
	p.get(phase2b(1, ldrRole(1), 0, prepared(1, 2)))
	out := p.get(phase2b(1, ldrRole(1), 0, prepared(1, 2)))
	require.Empty(t, out.Decided, "one acceptor twice is no majority")
	out = p.get(phase2b(2, ldrRole(1), 1, prepared(1, 2)))
	require.Empty(t, out.Decided, "nor are two in different ballots")
	out = p.get(phase2b(3, ldrRole(1), 0, prepared(1, 2)))
	require.Empty(t, out.Decided, "what ballot 0 chose, ballot 1 will show")
	out = p.get(phase2b(3, ldrRole(1), 1, prepared(1, 2)))
	require.Equal(t, []string{"ldr1 learns committed tx=c1.1"}, texts(out.Decided))
}

func TestCommitNeedsEveryInstance(t *testing.T) {
	p := newPlay(t, Protocol{}, apart(t, 3, 3, 1), ldrRole(1))
	three := func(m core.Message) core.Message {
		m.Members = core.FullSet(3)
		return m
	}
	p.get(three(msg(core.MsgBeginCommit, rmRole(1), ldrRole(1))))
	p.get(three(phase2b(1, ldrRole(1), 0, prepared(1, 2))))
	out := p.get(three(phase2b(2, ldrRole(1), 0, prepared(1, 2))))
	require.Empty(t, out.Decided, "two of three are prepared")
	p.get(three(phase2b(1, ldrRole(1), 0, prepared(1, 2, 3))))
	out = p.get(three(phase2b(3, ldrRole(1), 0, prepared(1, 2, 3))))
	require.Empty(t, out.Decided[1:])
	require.Equal(t, core.Committed, out.Decided[0].Val)
}

func TestQueryIsAnsweredOnceDecided(t *testing.T) {
	p := newPlay(t, Protocol{}, apart(t, 2, 3, 2), ldrRole(2))
	out := p.get(msg(core.MsgQuery, client(), ldrRole(2)))
	require.Equal(t, []string{"ldr2 retry tx=c1.1", "ldr2 takeover tx=c1.1"}, texts(out.Arm))
	out = p.get(valued(core.MsgDone, 1, ldrRole(2), core.Committed))
	require.Equal(t, []string{"ldr2 takeover tx=c1.1"}, texts(out.Disarm))
	out = p.get(msg(core.MsgQuery, client(), ldrRole(2)))
	require.Equal(t, []string{"ldr2->cl1 commit tx=c1.1"}, texts(out.Send))
}

func TestRetrySaysAgainWhatHadNoAnswer(t *testing.T) {
	p := newPlay(t, Protocol{}, apart(t, 2, 3, 1), ldrRole(1))
	retry := func() (send, gated []string) {
		out := p.fire(ldrRole(1), core.TimerRetry)
		require.Equal(t, []string{"ldr1 retry tx=c1.1"}, texts(out.Arm))
		return texts(out.Send), texts(out.Gated)
	}
	p.get(msg(core.MsgBeginCommit, rmRole(1), ldrRole(1)))
	send, _ := retry()
	require.Equal(t, []string{"ldr1->rm1 prepare tx=c1.1", "ldr1->rm2 prepare tx=c1.1"}, send)

	p.fire(ldrRole(1), core.TimerTakeOver)
	p.get(phase1b(2, 1, 1, 0, prepared(1, 2)))
	_, gated := retry()
	require.Equal(t, []string{
		"ldr1->acc1 phase1a tx=c1.1 bal=1", "ldr1->acc3 phase1a tx=c1.1 bal=1",
	}, gated)

	p.get(phase1b(3, 1, 1, 0, core.Votes{}))
	send, _ = retry()
	require.Len(t, send, 3)
	require.Equal(t, "ldr1->acc3 phase2a tx=c1.1 bal=1 prepared=1,2", send[2])

	p.get(phase2b(1, ldrRole(1), 1, prepared(1, 2)))
	p.get(phase2b(2, ldrRole(1), 1, prepared(1, 2)))
	p.get(valued(core.MsgDone, 1, ldrRole(1), core.Committed))
	send, _ = retry()
	require.Equal(t, []string{"ldr1->rm2 commit tx=c1.1"}, send)

	p.get(valued(core.MsgDone, 2, ldrRole(1), core.Committed))
	p.get(msg(core.MsgForgotten, rmRole(1), ldrRole(1)))
	p.get(msg(core.MsgForgotten, accRole(2), ldrRole(1)))
	send, _ = retry()
	require.Equal(t, []string{
		"ldr1->rm2 forget tx=c1.1 low=0", "ldr1->acc1 forget tx=c1.1 low=0",
		"ldr1->acc3 forget tx=c1.1 low=0",
	}, send)
}

// A leader that is told of its own transaction's end by a low-water mark goes on until everybody
// who matters has forgotten it, and then holds nothing.
func TestLeaderForgetsWithoutADeadAcceptor(t *testing.T) {
	p := newPlay(t, Protocol{}, apart(t, 2, 3, 1), ldrRole(1))
	p.get(valued(core.MsgDone, 1, ldrRole(1), core.Aborted))
	out := p.get(valued(core.MsgDone, 2, ldrRole(1), core.Aborted))
	require.Len(t, out.Send, 5)
	for _, from := range []core.Role{accRole(1), rmRole(2), accRole(2)} {
		m := msg(core.MsgForgotten, from, ldrRole(1))
		m.Low = 1
		require.Empty(t, p.get(m))
		require.Equal(t, 1, p.node.open())
	}
	out = p.get(msg(core.MsgForgotten, rmRole(1), ldrRole(1)))
	require.Equal(t, []string{"ldr1 retry tx=c1.1"}, texts(out.Disarm))
	require.Zero(t, p.node.open())

	// Who was not there asks, or is told with the next transaction.
	out = p.get(valued(core.MsgDone, 1, ldrRole(1), core.Aborted))
	require.Equal(t, []string{"ldr1->rm1 forget tx=c1.1 low=1"}, texts(out.Send))
	for rm := range uint8(2) {
		m := valued(core.MsgDone, rm+1, ldrRole(1), core.Aborted)
		m.Tx = txID(2)
		out = p.get(m)
	}
	require.Equal(t, "ldr1->acc3 forget tx=c1.2 low=1", out.Send[4].String())
}
