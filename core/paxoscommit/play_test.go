package paxoscommit

import (
	"testing"

	"paxoscommit/core"

	"github.com/stretchr/testify/require"
)

// play is one node whose inputs a test writes down. Members are rm1 and rm2 unless said otherwise.
type play struct {
	t    *testing.T
	node node
}

// newPlay returns the node that a role is on.
func newPlay(t *testing.T, p Protocol, l *core.Layout, role core.Role) *play {
	t.Helper()
	require.NoError(t, p.Validate(l))
	return &play{t, newNode(p, l, l.NodeOf(role))}
}

// do takes an input that must do no wrong.
func (p *play) do(in core.Input) core.Output {
	p.t.Helper()
	var out core.Output
	require.NoError(p.t, p.node.Step(&in, &out))
	checkOutput(p.t, &out)
	return out
}

func (p *play) get(m core.Message) core.Output {
	p.t.Helper()
	return p.do(core.Input{Type: core.InputMessage, Msg: m})
}

func (p *play) fire(r core.Role, k core.TimerKind) core.Output {
	p.t.Helper()
	return p.do(core.Input{
		Type: core.InputTimer, Timer: core.Timer{Role: r, Kind: k, Tx: txID(1)},
	})
}

// restart resets the node and gives it some records back.
func (p *play) restart(node core.NodeID, records ...core.Record) core.Output {
	p.t.Helper()
	p.node.Reset(p.node.layout, node)
	for _, rec := range records {
		require.Empty(p.t, p.do(core.Input{Type: core.InputRecord, Rec: rec}))
	}
	return p.do(core.Input{Type: core.InputRestart})
}

// fails takes an input that must be refused, and change nothing.
func (p *play) fails(in core.Input, want error) {
	p.t.Helper()
	before := p.node.AppendKey(nil)
	var out core.Output
	require.ErrorIs(p.t, p.node.Step(&in, &out), want)
	require.Equal(p.t, before, p.node.AppendKey(nil))
	require.Equal(p.t, core.Output{}, out)
}

// checkOutput checks what holds of every output: what a message reveals of its sender's own state
// is gated, and a timer is armed or disarmed.
func checkOutput(t testing.TB, out *core.Output) {
	t.Helper()
	for _, m := range out.Send {
		switch m.Type {
		case core.MsgPrepare, core.MsgForget: // questions, and what everybody has made durable
		case core.MsgEnlist, core.MsgJoin: // questions
		case core.MsgEnlisted: // what the registrar has made durable
		case core.MsgTooLate: // of a leader, what is chosen
			require.Equal(t, core.Leader, m.From.Kind, "%v is not gated", m)
		case core.MsgCommit, core.MsgAbort, core.MsgDone: // outcomes, which no crash undoes
		case core.MsgPhase2a: // of a ballot whose phase 1 is over, so its record is durable
			require.Equal(t, core.Leader, m.From.Kind, "%v is not gated", m)
		default:
			require.Fail(t, "not gated", "%v", m)
		}
	}
	for _, a := range out.Arm {
		for _, d := range out.Disarm {
			require.False(t, a.Role == d.Role && a.Kind == d.Kind && a.Tx == d.Tx, "%v twice", a)
		}
	}
}

func texts[T interface{ String() string }](list []T) []string {
	var s []string
	for _, x := range list {
		s = append(s, x.String())
	}
	return s
}

func reasons(drops []core.Drop) []core.DropReason {
	var s []core.DropReason
	for _, d := range drops {
		s = append(s, d.Reason)
	}
	return s
}

func rmRole(id uint8) core.Role  { return core.Role{Kind: core.RM, ID: id} }
func accRole(id uint8) core.Role { return core.Role{Kind: core.Acceptor, ID: id} }
func ldrRole(id uint8) core.Role { return core.Role{Kind: core.Leader, ID: id} }
func resRole(id uint8) core.Role { return core.Role{Kind: core.Resource, ID: id} }
func client() core.Role          { return core.Role{Kind: core.Client, ID: 1} }

func msg(t core.MsgType, from, to core.Role) core.Message {
	return core.Message{Type: t, From: from, To: to, Tx: txID(1), Members: core.FullSet(2)}
}

// valued is a vote, found or done.
func valued(t core.MsgType, rm uint8, to core.Role, v core.Value) core.Message {
	m := msg(t, resRole(rm), to)
	if to.Kind == core.Leader {
		m.From = rmRole(rm)
	}
	m.Val = v
	return m
}

func phase1a(from, to uint8, bal core.Ballot) core.Message {
	m := msg(core.MsgPhase1a, ldrRole(from), accRole(to))
	m.Bal = bal
	return m
}

func phase1b(from, to uint8, mbal, bal core.Ballot, v core.Votes) core.Message {
	m := msg(core.MsgPhase1b, accRole(from), ldrRole(to))
	m.MBal, m.Bal, m.Votes = mbal, bal, v
	return m
}

func phase2a(from core.Role, bal core.Ballot, v core.Votes) core.Message {
	m := msg(core.MsgPhase2a, from, accRole(1))
	m.Bal, m.Votes = bal, v
	return m
}

func phase2b(from uint8, to core.Role, bal core.Ballot, v core.Votes) core.Message {
	m := msg(core.MsgPhase2b, accRole(from), to)
	m.Bal, m.Votes = bal, v
	return m
}

func prepared(ids ...uint8) core.Votes { return core.Votes{Prepared: core.SetOf(ids...)} }
func aborted(ids ...uint8) core.Votes  { return core.Votes{Aborted: core.SetOf(ids...)} }
