package paxoscommit

import (
	"testing"

	"paxoscommit/core"

	"github.com/stretchr/testify/require"
)

func TestPhase1bIgnoresLowerBallot(t *testing.T) {
	p := newPlay(t, Protocol{}, apart(t, 2, 3, 2), accRole(1))
	out := p.get(phase1a(1, 1, 3))
	require.Equal(t, []string{"acc1 acceptor tx=c1.1 mbal=3 bal=0"}, texts(out.Records))
	require.Equal(t, []string{"acc1->ldr1 phase1b tx=c1.1 mbal=3 bal=0"}, texts(out.Gated))

	before := p.node.AppendKey(nil)
	out = p.get(phase1a(2, 1, 2))
	require.Equal(t, []string{"acc1->ldr2 rejected tx=c1.1 mbal=3 bal=2"}, texts(out.Gated))
	require.Empty(t, out.Records)
	require.Equal(t, before, p.node.AppendKey(nil))

	// A repeated 1a is answered again: the first answer may be lost.
	out = p.get(phase1a(1, 1, 3))
	require.Equal(t, []string{"acc1->ldr1 phase1b tx=c1.1 mbal=3 bal=0"}, texts(out.Gated))
	require.Empty(t, out.Records)
}

func TestPhase1bReportsWhatWasHeld(t *testing.T) {
	p := newPlay(t, Protocol{}, apart(t, 2, 3, 2), accRole(1))
	p.get(phase2a(rmRole(1), 0, prepared(1)))
	out := p.get(phase1a(1, 1, 1))
	require.Equal(t, []string{"acc1 acceptor tx=c1.1 mbal=1 bal=0 ins=1 val=prepared"},
		texts(out.Records), "accepted and promised in one write")
	require.Equal(t, []string{"acc1->ldr1 phase1b tx=c1.1 mbal=1 bal=0 ins=1 val=prepared"},
		texts(out.Gated))
	out = p.get(phase2a(rmRole(2), 0, prepared(2)))
	require.Equal(t, []core.DropReason{core.DropStale}, reasons(out.Dropped), "promised")
}

func TestPhase2bIgnoresLowerBallot(t *testing.T) {
	p := newPlay(t, Protocol{}, apart(t, 2, 3, 2), accRole(1))
	p.get(phase1a(2, 1, 2))
	before := p.node.AppendKey(nil)
	out := p.get(phase2a(ldrRole(1), 1, aborted(1, 2)))
	require.Equal(t, []string{"acc1->ldr1 rejected tx=c1.1 mbal=2 bal=1"}, texts(out.Gated))
	require.Equal(t, before, p.node.AppendKey(nil))
}

func TestPhase2aOfHigherBallotDropsHeldVotes(t *testing.T) {
	p := newPlay(t, Protocol{}, apart(t, 2, 3, 2), accRole(1))
	out := p.get(phase2a(rmRole(1), 0, prepared(1)))
	require.Equal(t, []string{"acc1 flush tx=c1.1"}, texts(out.Arm))
	require.Empty(t, out.Records)

	// 1. The 1a of ballot 1 went to others. 2. Its 2a comes here, without rm1's vote.
	out = p.get(phase2a(ldrRole(1), 1, aborted(1, 2)))
	require.Equal(t, []string{"acc1 flush tx=c1.1"}, texts(out.Disarm))
	require.Equal(t, []string{"acc1 acceptor tx=c1.1 mbal=1 bal=1 aborted=1,2"},
		texts(out.Records))
	require.Equal(t, []string{"acc1->ldr1 phase2b tx=c1.1 bal=1 aborted=1,2"}, texts(out.Gated))

	// 3. Nothing of ballot 0 is left.
	out = p.fire(accRole(1), core.TimerFlush)
	require.Equal(t, []core.DropReason{core.DropStale}, reasons(out.Dropped))
	out = p.get(phase1a(2, 1, 2))
	require.Equal(t, []string{"acc1->ldr2 phase1b tx=c1.1 mbal=2 bal=1 aborted=1,2"},
		texts(out.Gated))
}

// Ballot and votes are one: the votes of the higher ballot take the place of those of the lower.
func TestHigherBallotReplacesVotes(t *testing.T) {
	p := newPlay(t, Protocol{}, apart(t, 2, 3, 2), accRole(1))
	p.get(phase2a(ldrRole(1), 1, aborted(1, 2)))
	out := p.get(phase2a(ldrRole(2), 2, prepared(1, 2)))
	require.Equal(t, []string{"acc1 acceptor tx=c1.1 mbal=2 bal=2 prepared=1,2"},
		texts(out.Records))
	require.Equal(t, []string{"acc1->ldr2 phase2b tx=c1.1 bal=2 prepared=1,2"}, texts(out.Gated))
}

func TestBundleWaitsForEveryInstance(t *testing.T) {
	p := newPlay(t, Protocol{}, apart(t, 2, 3, 1), accRole(1))
	out := p.get(phase2a(rmRole(1), 0, prepared(1)))
	require.Empty(t, out.Records)
	require.Empty(t, out.Gated)
	out = p.get(phase2a(rmRole(1), 0, prepared(1)))
	require.Equal(t, []core.DropReason{core.DropDuplicate}, reasons(out.Dropped))

	out = p.get(phase2a(rmRole(2), 0, prepared(2)))
	require.Equal(t, []string{"acc1 acceptor tx=c1.1 mbal=0 bal=0 prepared=1,2"},
		texts(out.Records), "one write")
	require.Equal(t, []string{"acc1->ldr1 phase2b tx=c1.1 bal=0 prepared=1,2"}, texts(out.Gated))
	require.Equal(t, []string{"acc1 flush tx=c1.1"}, texts(out.Disarm))

	// What is accepted is told again to whoever proposes it again.
	out = p.get(phase2a(rmRole(1), 0, prepared(1)))
	require.Empty(t, out.Records)
	require.Equal(t, []string{"acc1->ldr1 phase2b tx=c1.1 bal=0 prepared=1,2"}, texts(out.Gated))
}

func TestAbortedVoteClosesBundle(t *testing.T) {
	p := newPlay(t, Protocol{}, apart(t, 2, 3, 1), accRole(1))
	out := p.get(phase2a(rmRole(2), 0, aborted(2)))
	require.Equal(t, []string{"acc1->ldr1 phase2b tx=c1.1 bal=0 ins=2 val=aborted"},
		texts(out.Gated))
	require.Empty(t, out.Arm, "nothing is held, so nothing is to be flushed")
}

func TestFlushClosesBundle(t *testing.T) {
	p := newPlay(t, Protocol{}, apart(t, 2, 3, 1), accRole(1))
	p.get(phase2a(rmRole(1), 0, prepared(1)))
	out := p.fire(accRole(1), core.TimerFlush)
	require.Equal(t, []string{"acc1 acceptor tx=c1.1 mbal=0 bal=0 ins=1 val=prepared"},
		texts(out.Records))
	require.Equal(t, []string{"acc1->ldr1 phase2b tx=c1.1 bal=0 ins=1 val=prepared"},
		texts(out.Gated))
	out = p.get(phase2a(rmRole(2), 0, prepared(2)))
	require.Equal(t, []string{"acc1->ldr1 phase2b tx=c1.1 bal=0 prepared=1,2"}, texts(out.Gated))
	out = p.fire(accRole(1), core.TimerFlush)
	require.Equal(t, []core.DropReason{core.DropStale}, reasons(out.Dropped))
}

func TestAcceptorKeepsItsWordAcrossRestart(t *testing.T) {
	p := newPlay(t, Protocol{}, apart(t, 2, 3, 2), accRole(1))
	p.get(phase1a(2, 1, 2))
	out := p.get(phase2a(ldrRole(2), 2, prepared(1, 2)))
	before := p.node.AppendKey(nil)
	require.Empty(t, p.restart(3, out.Records...))
	require.Equal(t, before, p.node.AppendKey(nil), "its state is what its record says")
}

func TestForgetOfUnknownTransactionIsRemembered(t *testing.T) {
	p := newPlay(t, Protocol{}, apart(t, 2, 3, 2), accRole(3))
	out := p.get(msg(core.MsgForget, ldrRole(1), accRole(3)))
	require.Equal(t, []string{"acc3 forget tx=c1.1 low=0"}, texts(out.Records))
	require.Equal(t, []string{"acc3->ldr1 forgotten tx=c1.1 low=1"}, texts(out.Gated))
	out = p.get(phase1a(2, 3, 2))
	require.Equal(t, []string{"acc3->ldr2 forgotten tx=c1.1 low=1"}, texts(out.Gated))
}
