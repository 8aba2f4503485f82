package paxoscommit

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"paxoscommit/core"

	"github.com/stretchr/testify/require"
)

// The transaction of the package comment of core, message by message.
func TestWholeTransaction(t *testing.T) {
	c := newCluster(Protocol{}, apart(t, 2, 3, 1))
	c.watch = true
	c.request(1, txID(1), core.FullSet(2))
	require.NoError(t, c.run())
	require.Equal(t, []string{
		"cl1->rm1 request tx=c1.1", // rm1 prepares by itself (3.2)
		"rm1->res1 prepare tx=c1.1",
		"res1->rm1 vote tx=c1.1 val=prepared",
		"rm1->ldr1 begin-commit tx=c1.1",
		"rm1->acc1 phase2a tx=c1.1 bal=0 ins=1 val=prepared", // F+1 acceptors (4.1)
		"rm1->acc2 phase2a tx=c1.1 bal=0 ins=1 val=prepared",
		"ldr1->rm2 prepare tx=c1.1", // the others are asked
		"rm2->res2 prepare tx=c1.1",
		"res2->rm2 vote tx=c1.1 val=prepared",
		"rm2->acc1 phase2a tx=c1.1 bal=0 ins=2 val=prepared",
		"rm2->acc2 phase2a tx=c1.1 bal=0 ins=2 val=prepared",
		"acc1->ldr1 phase2b tx=c1.1 bal=0 prepared=1,2", // one bundle each (4.2)
		"acc2->ldr1 phase2b tx=c1.1 bal=0 prepared=1,2",
		"ldr1->rm1 commit tx=c1.1", // one message for all instances (4.2)
		"ldr1->rm2 commit tx=c1.1",
		"rm1->cl1 commit tx=c1.1",
		"rm1->res1 commit tx=c1.1",
		"rm2->res2 commit tx=c1.1",
		"res1->rm1 done tx=c1.1 val=committed",
		"res2->rm2 done tx=c1.1 val=committed",
		"rm1->ldr1 done tx=c1.1 val=committed",
		"rm2->ldr1 done tx=c1.1 val=committed",
		"ldr1->rm1 forget tx=c1.1 low=0", // everybody has applied it for good
		"ldr1->rm2 forget tx=c1.1 low=0",
		"ldr1->acc1 forget tx=c1.1 low=0",
		"ldr1->acc2 forget tx=c1.1 low=0",
		"ldr1->acc3 forget tx=c1.1 low=0",
		"rm1->res1 forget tx=c1.1 low=0",
		"rm1->ldr1 forgotten tx=c1.1 low=1",
		"rm2->res2 forget tx=c1.1 low=0",
		"rm2->ldr1 forgotten tx=c1.1 low=1",
		"acc1->ldr1 forgotten tx=c1.1 low=1",
		"acc2->ldr1 forgotten tx=c1.1 low=1",
		"acc3->ldr1 forgotten tx=c1.1 low=1",
	}, texts(c.sent))
	require.Empty(t, c.armed)
	for _, n := range c.nodes {
		require.Zero(t, n.open())
	}
}

// The cost table of the paper (sections 3.2, 4.3 and 5): messages between different nodes until
// every resource manager knows that it is to commit, and writes until then.
func TestCommitCostsWhatThePaperSays(t *testing.T) {
	besideAcceptor := apart(t, 3, 3, 1, OptMergeBegin)
	besideAcceptor.Place(ldrRole(1), besideAcceptor.NodeOf(accRole(1)))
	for _, tc := range []struct {
		name     string
		p        Protocol
		layout   *core.Layout
		messages int
		writes   int
	}{
		{"N=5 F=1 together: N(F+3)-3", Protocol{}, together(5, 3, 1), 17, 7},
		{"N=5 F=1 together, faster: (N-1)(2F+3)", Protocol{Faster: true}, together(5, 3, 1), 20, 7},
		{"N=5 F=2 together", Protocol{}, together(5, 5, 1), 22, 8},
		{"N=5 F=2 together, faster", Protocol{Faster: true}, together(5, 5, 1), 28, 8},
		{"N=5 F=0 together, as 2PC: 3N-3", Protocol{}, together(5, 1, 1), 12, 6},
		{"N=3 F=1 apart: (N+1)(F+3)-2", Protocol{}, apart(t, 3, 3, 1), 14, 5},
		{"N=3 F=1 apart, faster: N(2F+3)", Protocol{Faster: true}, apart(t, 3, 3, 1), 15, 5},
		{"N=3 F=1 merged begin: (N+1)(F+3)-4", Protocol{}, besideAcceptor, 12, 5},
		{"N=3 F=1 merged begin, faster", Protocol{Faster: true}, besideAcceptor, 14, 5},
		{"N=2 F=0 apart", Protocol{}, apart(t, 2, 1, 1), 7, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newCluster(tc.p, tc.layout)
			c.watch = true
			c.request(1, txID(1), core.FullSet(tc.layout.RMs))
			require.NoError(t, c.run())
			messages := 0
			for _, m := range c.sent {
				from, to := tc.layout.NodeOf(m.From), tc.layout.NodeOf(m.To)
				switch m.Type {
				case core.MsgDone, core.MsgForget, core.MsgForgotten: // after the commit
				default:
					if from != 0 && to != 0 && from != to {
						messages++
					}
				}
			}
			require.Equal(t, tc.messages, messages)
			require.Equal(t, tc.writes, c.wrote[core.RecordVote]+c.wrote[core.RecordAcceptor])
			require.Equal(t, tc.layout.RMs, c.wrote[core.RecordOutcome])
		})
	}
}

func TestForgottenNeverLooksFree(t *testing.T) {
	for _, p := range []Protocol{{}, {Faster: true}} {
		c := newCluster(p, apart(t, 2, 3, 2))
		c.watch = true
		c.request(1, txID(1), core.FullSet(2))
		require.NoError(t, c.run())

		// 1. Everybody has forgotten, and comes back from a crash. 2. Late messages of every kind
		// reach every role. 3. Leaders that know nothing take over.
		for n := range c.nodes {
			c.restart(t, core.NodeID(n+1))
		}
		late := c.sent
		c.sent = nil
		for _, m := range late {
			if m.To.Kind != core.Resource && m.To.Kind != core.Client {
				c.send(&m)
			}
		}
		query := msg(core.MsgQuery, client(), ldrRole(2))
		c.send(&query)
		asked := len(c.sent)
		require.NoError(t, c.run())
		c.fire(t, ldrRole(2), core.TimerTakeOver, txID(1))
		require.NoError(t, c.run())
		for _, m := range c.sent[asked:] {
			switch m.Type {
			case core.MsgPrepare, core.MsgPhase1a: // a leader asking, in vain
				require.Equal(t, core.Leader, m.From.Kind, "%v", m)
			case core.MsgForget, core.MsgForgotten:
			case core.MsgCommit: // what late phase 2b and done say, which is true
			default:
				require.Fail(t, "somebody takes it for new", "%v", m)
			}
		}
		for _, n := range c.nodes {
			require.Zero(t, n.open())
		}
	}
}

func TestAnyLeaderFinishesAfterRestarts(t *testing.T) {
	for _, p := range []Protocol{{}, {Faster: true}} {
		c := newCluster(p, apart(t, 3, 3, 3))
		c.watch = true
		first := func(r core.Role) bool { return r == ldrRole(1) }
		c.lost = func(m *core.Message) bool { // ldr1 says its prepare, and is never heard of again
			return first(m.From) && m.Type != core.MsgPrepare ||
				m.Type == core.MsgPhase2b && m.Bal == 0
		}
		c.request(1, txID(1), core.FullSet(3))
		require.NoError(t, c.run())
		for n := range c.nodes {
			c.restart(t, core.NodeID(n+1))
		}
		c.fire(t, rmRole(2), core.TimerRetry, txID(1)) // asks every leader
		require.NoError(t, c.run())
		c.fire(t, ldrRole(3), core.TimerTakeOver, txID(1))
		require.NoError(t, c.run())
		require.Equal(t, 3, c.wrote[core.RecordOutcome])
		for _, m := range c.sent {
			require.NotEqual(t, core.MsgAbort, m.Type, "all are prepared, and that was accepted")
		}
	}
}

func TestLargestTransaction(t *testing.T) {
	for _, p := range []Protocol{{}, {Faster: true}} {
		l := together(core.MaxRMs, core.MaxAcceptors, core.MaxLeaders)
		require.NoError(t, p.Validate(l))
		c := newCluster(p, l)
		for seq := range 3 {
			c.request(uint8(64-seq), txID(seq+1), core.FullSet(64))
		}
		require.NoError(t, c.run())
		require.Equal(t, 3*64, c.wrote[core.RecordOutcome])
		for _, n := range c.nodes {
			require.Zero(t, n.open())
		}
	}
}

func TestManyTransactionsAtOnce(t *testing.T) {
	c := newCluster(Protocol{}, together(3, 3, 2))
	c.vote = func(m *core.Message) core.Value {
		if (m.Tx.Seq+uint32(m.To.ID))%5 == 0 {
			return core.Aborted
		}
		return core.Prepared
	}
	const n = 1000
	for seq := range n {
		tx := core.TxID{Origin: uint16(seq % 7), Epoch: uint16(seq % 2), Seq: uint32(seq/14 + 1)}
		c.request(uint8(seq%3+1), tx, core.FullSet(3))
	}
	require.NoError(t, c.run())
	require.Equal(t, 3*n, c.wrote[core.RecordOutcome])
	for _, n := range c.nodes {
		require.Zero(t, n.open())
	}
}

// The exact set of messages that each kind of role takes, and from whom.
func TestForeignRoleIsMisrouted(t *testing.T) {
	want := []string{
		"rm <- cl request", "rm <- ldr prepare", "rm <- res vote", "rm <- res found",
		"rm <- acc phase2b", // in Faster Paxos Commit
		"rm <- ldr commit", "rm <- rm abort", "rm <- ldr abort", "rm <- res done",
		"rm <- ldr forget", "rm <- acc forgotten", "rm <- ldr forgotten",
		"acc <- ldr phase1a", "acc <- rm phase2a", "acc <- ldr phase2a", "acc <- ldr forget",
		"ldr <- rm query", "ldr <- cl query", "ldr <- rm begin-commit", "ldr <- acc phase1b",
		"ldr <- acc phase2b", "ldr <- acc rejected", "ldr <- rm abort", "ldr <- rm done",
		"ldr <- rm forgotten", "ldr <- acc forgotten",
	}
	require.Equal(t, want, taken(t, Protocol{Faster: true}))
	classic := slices.DeleteFunc(want, func(s string) bool { return s == "rm <- acc phase2b" })
	require.Equal(t, classic, taken(t, Protocol{}))

	// A role that is elsewhere, and inputs that are none.
	p := newPlay(t, Protocol{}, apart(t, 2, 3, 2), rmRole(1))
	p.fails(core.Input{Type: core.InputMessage, Msg: phase1a(1, 1, 1)}, core.ErrMisrouted)
	p.fails(core.Input{}, core.ErrMisrouted)
	for _, timer := range []core.Timer{
		{Role: rmRole(1), Kind: core.TimerTakeOver},
		{Role: rmRole(2), Kind: core.TimerRetry},
		{Role: accRole(1), Kind: core.TimerFlush},
		{Role: ldrRole(1), Kind: core.TimerRetry},
		{},
	} {
		p.fails(core.Input{Type: core.InputTimer, Timer: timer}, core.ErrMisrouted)
	}
}

// taken tries every type of message between every two kinds of role, and returns which are taken.
// What needs a history that there is none of may be an ErrProtocol; the rest is refused.
func taken(t *testing.T, protocol Protocol) []string {
	t.Helper()
	names := core.RoleNames()
	var list []string
	for to := range core.RoleKind(core.NumRoleKinds + 1) {
		for typ := range core.MsgType(core.NumMsgTypes + 1) {
			somebody := false
			for from := range core.RoleKind(core.NumRoleKinds + 1) {
				n := protocol.New()
				n.Reset(together(2, 3, 2), 1)
				m := plausible(typ, from, to)
				if from == to {
					m.From.ID = 2
				}
				err := n.Step(&core.Input{Type: core.InputMessage, Msg: m}, &core.Output{})
				switch {
				case err == nil || errors.Is(err, core.ErrProtocol):
					somebody = true
					list = append(list, fmt.Sprintf("%s <- %s %v", names[to], names[from], typ))
				case somebody:
					require.ErrorIs(t, err, core.ErrMalformed, "%v", m)
				case !errors.Is(err, core.ErrMisrouted):
					require.ErrorIs(t, err, core.ErrMalformed, "%v", m)
				}
			}
		}
	}
	return list
}

// plausible is a message that would be right if its type were.
func plausible(typ core.MsgType, from, to core.RoleKind) core.Message {
	m := msg(typ, core.Role{Kind: from, ID: 1}, core.Role{Kind: to, ID: 1})
	switch typ {
	case core.MsgVote, core.MsgFound:
		m.Val = core.Prepared
	case core.MsgDone:
		m.Val = core.Committed
	case core.MsgPhase1a, core.MsgPhase2a, core.MsgPhase2b:
		m.Votes = prepared(1, 2)
		m.Bal = 1
		if from == core.RM {
			m.Bal, m.Votes = 0, prepared(1)
		}
	default:
	}
	return m
}

func TestMalformedMessageIsRefused(t *testing.T) {
	for name, change := range map[string]func(*core.Message){
		"no members":         func(m *core.Message) { m.Members = 0 },
		"members not there":  func(m *core.Message) { m.Members = core.FullSet(3) },
		"not a member":       func(m *core.Message) { m.Members = core.SetOf(2) },
		"no number":          func(m *core.Message) { m.Tx.Seq = 0 },
		"no such sender":     func(m *core.Message) { m.From.ID = 3 },
		"sender 0":           func(m *core.Message) { m.From.ID = 0 },
		"another's instance": func(m *core.Message) { m.Votes = prepared(2) },
		"two instances":      func(m *core.Message) { m.Votes = prepared(1, 2) },
		"no instance":        func(m *core.Message) { m.Votes = core.Votes{} },
		"two values":         func(m *core.Message) { m.Votes.Aborted = m.Votes.Prepared },
		"nobody's instance":  func(m *core.Message) { m.Votes = prepared(1, 3) },
		"a ballot above 0":   func(m *core.Message) { m.Bal = 1 },
		"begin elsewhere":    func(m *core.Message) { m.Begin = true },
		"leader in ballot 0": func(m *core.Message) { m.From = ldrRole(1) },
		"ballot of another":  func(m *core.Message) { *m = phase2a(ldrRole(1), 2, prepared(1, 2)) },
		"instance missing":   func(m *core.Message) { m.From, m.Bal = ldrRole(1), 1 },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlay(t, Protocol{}, apart(t, 2, 3, 2), accRole(1))
			m := phase2a(rmRole(1), 0, prepared(1))
			p.get(withTx(m, txID(2))) // fine
			change(&m)
			p.fails(core.Input{Type: core.InputMessage, Msg: m}, core.ErrMalformed)
		})
	}
	for name, m := range map[string]core.Message{
		"vote for commit":      valued(core.MsgVote, 1, rmRole(1), core.Committed),
		"vote for nothing":     valued(core.MsgVote, 1, rmRole(1), core.NoValue),
		"found aborted":        valued(core.MsgFound, 1, rmRole(1), core.Aborted),
		"another's resource":   valued(core.MsgVote, 2, rmRole(1), core.Prepared),
		"done with a vote":     valued(core.MsgDone, 1, rmRole(1), core.Prepared),
		"done with 77":         valued(core.MsgDone, 1, ldrRole(1), 77),
		"ballot 0 has no 1a":   phase1a(1, 1, 0),
		"1a in other's ballot": phase1a(1, 1, 2),
		"1b of acceptor 200":   phase1b(200, 1, 1, 0, core.Votes{}),
		"2b of acceptor 0":     phase2b(0, ldrRole(1), 0, prepared(1)),
		"2b of both values":    phase2b(1, ldrRole(1), 0, core.Votes{Prepared: 3, Aborted: 2}),
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlay(t, Protocol{}, apart(t, 2, 3, 2), m.To)
			p.fails(core.Input{Type: core.InputMessage, Msg: m}, core.ErrMalformed)
		})
	}
}

func withTx(m core.Message, tx core.TxID) core.Message {
	m.Tx = tx
	return m
}

func TestErrorLeavesStateUnchanged(t *testing.T) {
	l := apart(t, 2, 3, 2)
	input := func(m core.Message) core.Input { return core.Input{Type: core.InputMessage, Msg: m} }

	rm := newPlay(t, Protocol{}, l, rmRole(1))
	commit := msg(core.MsgCommit, ldrRole(1), rmRole(1))
	forget := msg(core.MsgForget, ldrRole(1), rmRole(1))
	rm.fails(input(commit), core.ErrProtocol) // never prepared
	rm.fails(input(forget), core.ErrProtocol) // no outcome
	rm.fails(input(valued(core.MsgDone, 1, rmRole(1), core.Aborted)), core.ErrProtocol)
	rm.vote(core.Aborted)
	rm.fails(input(commit), core.ErrProtocol)
	rm.fails(input(forget), core.ErrProtocol)
	rm.get(msg(core.MsgAbort, ldrRole(1), rmRole(1)))
	rm.fails(input(commit), core.ErrProtocol)
	rm.fails(input(valued(core.MsgDone, 1, rmRole(1), core.Committed)), core.ErrProtocol)
	alone := msg(core.MsgAbort, ldrRole(1), rmRole(1))
	alone.Members = core.SetOf(1)
	rm.fails(input(alone), core.ErrProtocol) // other members than before
	rm.get(withTx(msg(core.MsgPrepare, ldrRole(1), rmRole(1)), txID(2)))
	forget.Low = math.MaxUint32
	rm.fails(input(forget), core.ErrProtocol) // c1.2 is open

	acc := newPlay(t, Protocol{}, l, accRole(1))
	acc.get(phase2a(rmRole(1), 0, prepared(1)))
	other := phase2a(rmRole(1), 0, prepared(1))
	other.Members = core.SetOf(1)
	acc.fails(input(other), core.ErrProtocol)

	ldr := newPlay(t, Protocol{}, l, ldrRole(1))
	ldr.get(msg(core.MsgBeginCommit, rmRole(1), ldrRole(1)))
	begin := msg(core.MsgBeginCommit, rmRole(1), ldrRole(1))
	begin.Members = core.SetOf(1)
	ldr.fails(input(begin), core.ErrProtocol)
	ldr.get(valued(core.MsgDone, 1, ldrRole(1), core.Committed))
	ldr.fails(input(valued(core.MsgDone, 2, ldrRole(1), core.Aborted)), core.ErrProtocol)
	ldr.fails(input(msg(core.MsgAbort, rmRole(1), ldrRole(1))), core.ErrProtocol)
}

// A low-water mark is a number from outside: nothing may count up to it.
func TestHugeLowWaterMarkTakesNoTime(t *testing.T) {
	p := newPlay(t, Protocol{}, apart(t, 2, 3, 2), accRole(1))
	m := msg(core.MsgForget, ldrRole(1), accRole(1))
	m.Low = math.MaxUint32
	out := p.get(m)
	require.Equal(t, []string{"acc1->ldr1 forgotten tx=c1.1 low=4294967295"}, texts(out.Gated))
}

func TestForeignRecordIsRefused(t *testing.T) {
	vote, outcome, forget := core.RecordVote, core.RecordOutcome, core.RecordForget
	acceptor, ballot := core.RecordAcceptor, core.RecordBallot
	tx, members := txID(1), core.FullSet(2)
	for name, rec := range map[string]core.Record{
		"none":            {Role: rmRole(1), Tx: tx, Members: members},
		"acceptor's":      {Type: acceptor, Role: rmRole(1), Tx: tx, Members: members},
		"no members":      {Type: vote, Role: rmRole(1), Tx: tx, Val: core.Prepared},
		"not a member":    {Type: forget, Role: rmRole(1), Tx: tx, Members: core.SetOf(2)},
		"not a vote":      {Type: vote, Role: rmRole(1), Tx: tx, Members: members},
		"not an outcome":  {Type: outcome, Role: rmRole(1), Tx: tx, Members: members, Val: 1},
		"other's ballot":  {Type: ballot, Role: ldrRole(1), Tx: tx, Members: members, Bal: 2},
		"above promise":   {Type: acceptor, Role: accRole(1), Tx: tx, Members: members, Bal: 2},
		"nobody's number": {Type: forget, Role: accRole(1), Members: members},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlay(t, Protocol{}, together(2, 3, 2), accRole(1))
			p.fails(core.Input{Type: core.InputRecord, Rec: rec}, core.ErrMalformed)
		})
	}
	p := newPlay(t, Protocol{}, apart(t, 2, 3, 2), rmRole(1))
	p.fails(core.Input{Type: core.InputRecord, Rec: core.Record{
		Type: core.RecordVote, Role: rmRole(2), Tx: tx, Members: members, Val: core.Prepared,
	}}, core.ErrMisrouted)
}

func TestLayoutWithoutARoleIsRefused(t *testing.T) {
	for _, l := range []*core.Layout{
		together(0, 3, 1), together(2, 0, 1), together(2, 3, 0), together(2, 16, 1),
		{Sizes: core.Sizes{RMs: 1, Acceptors: 1, Leaders: 1}}, // placed nowhere
	} {
		require.Error(t, Protocol{}.Validate(l))
	}
}

func TestCopySharesNothing(t *testing.T) {
	c := newCluster(Protocol{}, together(3, 3, 1))
	c.lost = func(m *core.Message) bool { return m.Type == core.MsgCommit && m.To.ID == 2 }
	for seq := range 20 {
		c.request(1, txID(seq+1), core.FullSet(3))
	}
	require.NoError(t, c.run())
	n := c.nodes[0]
	before := n.AppendKey(nil)
	other := Protocol{}.New()
	other.CopyFrom(n.Process)
	require.Equal(t, before, other.AppendKey(nil))
	c.lost = nil
	for seq := range 20 {
		in := core.Input{Type: core.InputTimer, Timer: core.Timer{
			Role: ldrRole(1), Kind: core.TimerRetry, Tx: txID(seq + 1),
		}}
		c.in = in
		require.NoError(t, c.step(1))
	}
	require.NoError(t, c.run())
	require.NotEqual(t, before, n.AppendKey(nil))
	require.Equal(t, before, other.AppendKey(nil))
}

// Equal states have equal keys however they came about.
func TestKeyHoldsNoHistory(t *testing.T) {
	key := func(order []int) []byte {
		p := newPlay(t, Protocol{}, together(2, 3, 2), rmRole(1))
		for _, seq := range order {
			p.get(withTx(phase2a(rmRole(2), 0, prepared(2)), txID(seq)))
			p.get(withTx(msg(core.MsgForget, ldrRole(1), accRole(1)), txID(seq+100)))
		}
		return p.node.AppendKey(nil)
	}
	order := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}
	want := key(order)
	slices.Reverse(order)
	require.Equal(t, want, key(order))
}

func TestCounterAgreesWithCounting(t *testing.T) {
	for n := 1; n <= core.MaxAcceptors; n++ {
		// Instance i is in the first i sets, so its count is i.
		var c counter
		for k := 1; k <= core.MaxAcceptors; k++ {
			var s core.Set
			for ins := k; ins <= 64; ins++ {
				s = s.With(uint8(ins))
			}
			c.add(s)
		}
		var want core.Set
		for ins := uint8(1); ins <= 64; ins++ {
			if min(int(ins), core.MaxAcceptors) >= n {
				want = want.With(ins)
			}
		}
		require.Equal(t, want, c.atLeast(n))
	}
}
