package coordinator

import (
	"testing"

	"paxoscommit/core"

	"github.com/stretchr/testify/require"
)

func twoPhase() Rules    { return Rules{Name: "2pc"} }
func cooperative() Rules { return Rules{Name: "2pc", InDoubt: Asks} }

func threePhase(d InDoubt) Rules {
	return Rules{Name: "3pc", ThreePhase: true, InDoubt: d}
}

// play is one node whose inputs a test writes down. The members are rm1, rm2 and rm3.
type play struct {
	t      *testing.T
	node   *core.Process
	layout *core.Layout
	id     core.NodeID
}

// apart is a layout with a node for each of three resource managers and the transaction manager.
func apart(t testing.TB) *core.Layout {
	t.Helper()
	l, err := core.NewLayout(core.Sizes{RMs: 3, TMs: 1})
	require.NoError(t, err)
	return l
}

// newPlay returns the node that a role is on.
func newPlay(t *testing.T, rules Rules, role core.Role) *play {
	t.Helper()
	l := apart(t)
	p := &play{t, New(rules), l, l.NodeOf(role)}
	p.node.Reset(l, p.id)
	return p
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
		Type: core.InputTimer, Timer: core.Timer{Role: r, Kind: k, Tx: txID()},
	})
}

// restart resets the node and gives it some records back.
func (p *play) restart(records ...core.Record) core.Output {
	p.t.Helper()
	p.node.Reset(p.layout, p.id)
	for _, rec := range records {
		require.Empty(p.t, p.do(core.Input{Type: core.InputRecord, Rec: rec}))
	}
	return p.do(core.Input{Type: core.InputRestart})
}

// fails takes a message that must be refused, and change nothing.
func (p *play) fails(m core.Message, want error) {
	p.t.Helper()
	before := p.node.AppendKey(nil)
	in := core.Input{Type: core.InputMessage, Msg: m}
	var out core.Output
	require.ErrorIs(p.t, p.node.Step(&in, &out), want)
	require.Equal(p.t, before, p.node.AppendKey(nil))
	require.Equal(p.t, core.Output{}, out)
}

// vote has a resource manager asked by a client, and its resource answer.
func (p *play) vote(v core.Value) core.Output {
	p.t.Helper()
	id := uint8(p.id)
	out := p.get(msg(core.MsgRequest, core.Role{Kind: core.Client, ID: 1}, rmRole(id)))
	require.Equal(p.t, core.MsgPrepare, out.Send[0].Type)
	return p.get(valued(core.MsgVote, resRole(id), rmRole(id), v))
}

// votes are those of the resource managers, for the transaction manager.
func (p *play) votes(v core.Value, ids ...uint8) core.Output {
	p.t.Helper()
	var out core.Output
	for _, id := range ids {
		out = p.get(valued(core.MsgVote, rmRole(id), theTM(), v))
	}
	return out
}

// checkOutput checks what holds of every output: what a message reveals of its sender's own state
// is gated, and a timer is armed or disarmed.
func checkOutput(t testing.TB, out *core.Output) {
	t.Helper()
	for _, m := range out.Send {
		switch {
		case m.From.Kind != core.RM:
			require.Fail(t, "not gated", "%v", m)
		case m.Type == core.MsgPrepare: // a question to the resource
		case m.Type == core.MsgDone: // the resource has the outcome, so it is durable
		case m.To.Kind == core.Client: // an outcome that somebody has told
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

// trimmed returns an output whose empty slices are nil.
func trimmed(o *core.Output) core.Output {
	return core.Output{
		Records: trim(o.Records), Send: trim(o.Send), Gated: trim(o.Gated), Arm: trim(o.Arm),
		Disarm: trim(o.Disarm), Decided: trim(o.Decided), Dropped: trim(o.Dropped),
	}
}

func trim[T any](s []T) []T { return append([]T(nil), s...) }

func rmRole(id uint8) core.Role  { return core.Role{Kind: core.RM, ID: id} }
func resRole(id uint8) core.Role { return core.Role{Kind: core.Resource, ID: id} }
func txID() core.TxID            { return core.TxID{Origin: 1, Seq: 1} }

func msg(t core.MsgType, from, to core.Role) core.Message {
	return core.Message{Type: t, From: from, To: to, Tx: txID(), Members: core.FullSet(3)}
}

func valued(t core.MsgType, from, to core.Role, v core.Value) core.Message {
	m := msg(t, from, to)
	m.Val = v
	return m
}

// inLife returns a message to or from a transaction manager that has restarted so often.
func inLife(life core.Ballot, m core.Message) core.Message {
	m.Bal = life
	return m
}
