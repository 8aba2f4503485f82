package core_test

import (
	"testing"

	"paxoscommit/core"

	"github.com/stretchr/testify/require"
)

// echo is a part that tells its name to whoever asks, and knows what it was told.
type echo struct {
	id   core.Role
	seqs []uint32
}

func (e *echo) Reset(_ *core.Layout, id core.Role) { e.id, e.seqs = id, e.seqs[:0] }

func (e *echo) CopyFrom(src core.Part) {
	s := src.(*echo)
	e.id, e.seqs = s.id, append(e.seqs[:0], s.seqs...)
}

func (e *echo) AppendKey(dst []byte) []byte {
	dst = append(dst, byte(e.id.Kind), e.id.ID, e.id.Replica)
	for _, seq := range e.seqs {
		dst = append(dst, byte(seq))
	}
	return dst
}

func (e *echo) Message(m *core.Message, out *core.Output) error {
	e.seqs = append(e.seqs, m.Tx.Seq)
	core.PutMessage(&out.Send, core.MsgState, e.id, m.From, m.Tx, m.Members)
	return nil
}

func (e *echo) Timer(k core.TimerKind, tx core.TxID, _ *core.Output) bool {
	e.seqs = append(e.seqs, tx.Seq)
	return k == core.TimerRetry
}

func (e *echo) Restore(rec *core.Record) { e.seqs = append(e.seqs, rec.Tx.Seq) }

func (e *echo) Restart(out *core.Output) { out.Drop(core.DropStale, e.id, core.TxID{}) }

// echoes are the rules of a protocol in which resource managers ask each other, and their replicas
// one another; the transaction manager asks and is asked, of an even transaction only.
type echoes struct{}

func (echoes) NewPart(core.RoleKind, *core.Process) core.Part { return &echo{} }

func (echoes) Senders(*core.Layout) core.Senders {
	return core.Senders{
		core.RM: {
			core.MsgAskState: core.FromRM | core.FromTM | core.FromResource | core.FromClient,
			core.MsgPhase1a:  core.FromPeer,
		},
		core.TM: {core.MsgAskState: core.FromRM},
	}
}

func (echoes) CheckMessage(m *core.Message, _ *core.Layout) error {
	if m.To.Kind == core.TM && m.Tx.Seq%2 == 1 {
		return core.Malformed(m, "odd")
	}
	return nil
}

func (echoes) Writes(rec *core.Record, l *core.Layout) bool {
	return rec.Type == core.RecordVote && rec.IsOfTx(l)
}

func roleOf(kind core.RoleKind, id, replica uint8) core.Role {
	return core.Role{Kind: kind, ID: id, Replica: replica}
}

// oneNode returns the process with every role of a layout of two resource managers.
func oneNode(replicas int) (*core.Process, *core.Layout) {
	l := &core.Layout{Sizes: core.Sizes{RMs: 2, TMs: 1, Replicas: replicas}}
	for _, id := range l.AppendRoles(nil) {
		l.Place(id, 1)
	}
	p := core.NewProcess(echoes{})
	p.Reset(l, 1)
	return p, l
}

func TestProcessTellsARoleWhatIsForIt(t *testing.T) {
	p, _ := oneNode(0)
	rm1, rm2, tm := roleOf(core.RM, 1, 0), roleOf(core.RM, 2, 0), roleOf(core.TM, 1, 0)
	var out core.Output
	for _, in := range []core.Input{
		{Type: core.InputRecord, Rec: core.Record{
			Type: core.RecordVote, Role: rm2, Tx: core.TxID{Seq: 3}, Members: 3,
		}},
		{Type: core.InputRestart},
		{Type: core.InputMessage, Msg: core.Message{
			Type: core.MsgAskState, From: rm1, To: tm, Tx: core.TxID{Seq: 4}, Members: 3,
		}},
		{Type: core.InputTimer, Timer: core.Timer{
			Role: rm2, Kind: core.TimerRetry, Tx: core.TxID{Seq: 5},
		}},
	} {
		require.NoError(t, p.Step(&in, &out))
	}
	require.Equal(t, []uint32{}, append([]uint32{}, p.Part(rm1).(*echo).seqs...))
	require.Equal(t, []uint32{3, 5}, p.Part(rm2).(*echo).seqs)
	require.Equal(t, []uint32{4}, p.Part(tm).(*echo).seqs)
	require.Nil(t, p.Part(roleOf(core.Leader, 1, 0)))
	require.Equal(t, "tm1->rm1 state tx=c0.4 bal=0 val=none", out.Send[0].String())
	require.Equal(t, []core.Role{rm1, rm2, tm},
		[]core.Role{out.Dropped[0].Role, out.Dropped[1].Role, out.Dropped[2].Role})
	require.Equal(t, []byte{1, 1, 0, 1, 2, 0, 3, 5, 6, 1, 0, 4}, p.AppendKey(nil))
}

func TestProcessRefusesWhatCannotBe(t *testing.T) {
	rm1, rm2, tm := roleOf(core.RM, 1, 0), roleOf(core.RM, 2, 0), roleOf(core.TM, 1, 0)
	replica := func(id, n uint8) core.Role { return roleOf(core.RM, id, n) }
	msg := func(typ core.MsgType, from, to core.Role, seq uint32, members core.Set) core.Input {
		return core.Input{Type: core.InputMessage, Msg: core.Message{
			Type: typ, From: from, To: to, Tx: core.TxID{Seq: seq}, Members: members,
		}}
	}
	record := func(role core.Role, typ core.RecordType, seq uint32, members core.Set) core.Input {
		return core.Input{Type: core.InputRecord, Rec: core.Record{
			Type: typ, Role: role, Tx: core.TxID{Seq: seq}, Members: members,
		}}
	}
	ask, first := core.MsgAskState, core.MsgPhase1a
	for _, tc := range []struct {
		name     string
		replicas int
		in       core.Input
		want     error
	}{
		{"fine", 0, msg(ask, rm1, rm2, 1, 3), nil},
		{"of a client", 0, msg(ask, roleOf(core.Client, 9, 0), rm2, 1, 3), nil},
		{"of its resource", 0, msg(ask, roleOf(core.Resource, 2, 0), rm2, 1, 3), nil},
		{"to nobody here", 0, msg(ask, rm1, roleOf(core.RM, 3, 0), 1, 3), core.ErrMisrouted},
		{"to a replica of none", 0, msg(ask, rm1, replica(2, 1), 1, 3), core.ErrMisrouted},
		{"that nobody sends", 0, msg(core.MsgVote, rm1, rm2, 1, 3), core.ErrMisrouted},
		{"that is none", 0, msg(core.MsgType(core.NumMsgTypes), rm1, rm2, 1, 3), core.ErrMisrouted},
		{"of a kind that does not", 0, msg(ask, tm, tm, 2, 3), core.ErrMalformed},
		{"of itself", 0, msg(ask, rm1, rm1, 1, 3), core.ErrMalformed},
		{"of nobody", 0, msg(ask, roleOf(core.RM, 3, 0), rm1, 1, 3), core.ErrMalformed},
		{"of number 0", 0, msg(ask, roleOf(core.RM, 0, 0), rm1, 1, 3), core.ErrMalformed},
		{"of client 0", 0, msg(ask, roleOf(core.Client, 0, 0), rm1, 1, 3), core.ErrMalformed},
		{"of a replica of one", 0, msg(ask, replica(1, 1), rm2, 1, 3), core.ErrMalformed},
		{"of a kind that is none", 0, msg(ask, roleOf(200, 1, 0), rm2, 1, 3), core.ErrMalformed},
		{
			"of another's resource", 0, msg(ask, roleOf(core.Resource, 1, 0), rm2, 1, 3),
			core.ErrMalformed,
		},
		{"of no transaction", 0, msg(ask, rm1, rm2, 0, 3), core.ErrMalformed},
		{"without members", 0, msg(ask, tm, rm2, 1, 0), core.ErrMalformed},
		{"of members that are not", 0, msg(ask, rm1, rm2, 1, 7), core.ErrMalformed},
		{"of no member", 0, msg(ask, rm1, rm2, 1, 2), core.ErrMalformed},
		{"to no member", 0, msg(ask, rm1, rm2, 1, 1), core.ErrMalformed},
		{"that the protocol refuses", 0, msg(ask, rm1, tm, 1, 3), core.ErrMalformed},

		{"of a peer", 3, msg(first, replica(1, 2), replica(1, 1), 1, 3), nil},
		{"of another group", 3, msg(first, replica(2, 1), replica(1, 1), 1, 3), core.ErrMalformed},
		{"of the same replica", 3, msg(first, replica(1, 1), replica(1, 1), 1, 3), core.ErrMalformed},
		{"of no replica", 3, msg(first, replica(1, 4), replica(1, 1), 1, 3), core.ErrMalformed},
		{
			"of a peer, not of a role", 3, msg(ask, replica(1, 2), replica(1, 1), 1, 3),
			core.ErrMalformed,
		},

		{"record", 0, record(rm1, core.RecordVote, 1, 3), nil},
		{"record of nobody here", 0, record(replica(1, 1), core.RecordVote, 1, 3), core.ErrMisrouted},
		{"record of no transaction", 0, record(rm1, core.RecordVote, 0, 3), core.ErrMalformed},
		{"record of no member", 0, record(rm1, core.RecordVote, 1, 2), core.ErrMalformed},
		{"record of members that are not", 0, record(tm, core.RecordVote, 1, 4), core.ErrMalformed},
		{"record that is never written", 0, record(rm1, core.RecordJoin, 1, 3), core.ErrMalformed},

		{"timer of nobody here", 0, core.Input{Type: core.InputTimer}, core.ErrMisrouted},
		{"timer that there is not", 0, core.Input{Type: core.InputTimer, Timer: core.Timer{
			Role: rm1, Kind: core.TimerFlush,
		}}, core.ErrMisrouted},
		{"no input", 0, core.Input{}, core.ErrMisrouted},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, _ := oneNode(tc.replicas)
			require.ErrorIs(t, p.Step(&tc.in, &core.Output{}), tc.want)
		})
	}
}

// TestProcessIsMadeAgainFromWhatIsThere: whatever a process was before, reset or copied it is what
// a new one would be.
func TestProcessIsMadeAgainFromWhatIsThere(t *testing.T) {
	many, manyLayout := oneNode(3)
	few, fewLayout := oneNode(0)
	one, oneLayout := oneNode(0)
	for _, id := range oneLayout.AppendRoles(nil)[1:] {
		oneLayout.Place(id, 2)
	}
	one.Reset(oneLayout, 1)
	roles := manyLayout.AppendRoles(fewLayout.AppendRoles(nil))
	for _, p := range []*core.Process{many, few, one} {
		for _, id := range roles {
			if p.Part(id) != nil {
				p.Part(id).Restore(&core.Record{Tx: core.TxID{Seq: 7}})
			}
		}
	}
	p := core.NewProcess(echoes{})
	requireSame := func(want *core.Process) {
		t.Helper()
		require.Equal(t, want.AppendKey(nil), p.AppendKey(nil))
		for _, id := range roles {
			require.Equal(t, want.Part(id) == nil, p.Part(id) == nil, id)
		}
	}
	for range 2 {
		for _, src := range []*core.Process{many, few, one} {
			p.CopyFrom(src)
			requireSame(src)
		}
		for _, l := range []*core.Layout{manyLayout, fewLayout, oneLayout} {
			p.Reset(l, 1)
			fresh := core.NewProcess(echoes{})
			fresh.Reset(l, 1)
			requireSame(fresh)
		}
	}
	p.Reset(fewLayout, 3)
	require.Empty(t, p.AppendKey(nil))
}

func TestProcessHasEveryRoleButDatabases(t *testing.T) {
	p, l := oneNode(3)
	for _, id := range l.AppendRoles(nil) {
		require.Equal(t, id.Kind == core.Resource, p.Part(id) == nil, id)
	}
}
