package replicated

import (
	"testing"

	"paxoscommit/core"

	"github.com/stretchr/testify/require"
)

// inputBytes is how many bytes of the fuzzer's make one input of FuzzNodeStep.
const inputBytes = 14

// FuzzNodeStep feeds arbitrary inputs to one node with a replica of every group on it. It must not
// panic; an error leaves everything as it was; and a copy behaves as the original does.
func FuzzNodeStep(f *testing.F) {
	for _, m := range []core.Message{
		{Type: core.MsgRequest, From: client(), To: rmRole(1, 1)},
		{Type: core.MsgPrepare, From: coordinator(1), To: rmRole(1, 1)},
		{Type: core.MsgVote, From: database(), To: rmRole(1, 1), Val: core.Prepared},
		{Type: core.MsgVote, From: rmRole(2, 2), To: coordinator(1), Val: core.Aborted},
		{Type: core.MsgPhase1a, From: rmRole(1, 2), To: rmRole(1, 1), Bal: 2},
		{Type: core.MsgPhase2a, From: coordinator(2), To: coordinator(1), Bal: 2, Val: core.Aborted},
		{Type: core.MsgForget, From: coordinator(1), To: rmRole(1, 1), Low: 1},
	} {
		m.Tx, m.Members = txID(), core.FullSet(2)
		f.Add(encodeInput(&m))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l := together()
		n, twin := Protocol{}.New(), Protocol{}.New()
		n.Reset(l, 1)
		var out, twinOut core.Output
		for len(data) >= inputBytes {
			in := decodeInput(data[:inputBytes])
			data = data[inputBytes:]
			twin.CopyFrom(n)
			before := n.AppendKey(nil)
			out.Reset()
			twinOut.Reset()
			err := n.Step(&in, &out)
			checkOutput(t, &out)
			if err != nil {
				require.Equal(t, before, n.AppendKey(nil), "%v", err)
				require.Empty(t, out.Records)
				require.Empty(t, out.Send)
				require.Empty(t, out.Gated)
			}
			require.Equal(t, err, twin.Step(&in, &twinOut))
			require.Equal(t, out, twinOut)
			require.Equal(t, n.AppendKey(nil), twin.AppendKey(nil))
		}
	})
}

// checkOutput checks what holds of every output: what a message reveals of its sender's own state
// is gated, and a timer is armed or disarmed.
func checkOutput(t testing.TB, out *core.Output) {
	t.Helper()
	for i := range out.Send {
		switch out.Send[i].Type {
		case core.MsgRequest, core.MsgPrepare, core.MsgForget: // questions, and what is done for good
		default:
			require.Fail(t, "not gated", "%v", out.Send[i])
		}
	}
	for _, a := range out.Arm {
		for _, d := range out.Disarm {
			require.False(t, a.Role == d.Role && a.Kind == d.Kind && a.Tx == d.Tx, "%v twice", a)
		}
	}
}

// together is two resource managers and the coordinator with three replicas each, the i-th of each
// on node i.
func together() *core.Layout {
	l := &core.Layout{Sizes: core.Sizes{RMs: 2, TMs: 1, Replicas: 3}}
	for _, r := range l.AppendRoles(nil) {
		l.Place(r, core.NodeID(max(r.Replica, 1)))
	}
	return l
}

// decodeInput makes an input of bytes. Small numbers come out small, so that most inputs are close
// to ones that can be.
func decodeInput(b []byte) core.Input {
	role := func(kind, id byte) core.Role {
		return core.Role{Kind: core.RoleKind(kind % 9), ID: id & 15, Replica: id >> 4}
	}
	tx := core.TxID{Origin: uint16(b[5] >> 4), Seq: uint32(b[5] & 15)}
	votes := core.Votes{Prepared: core.Set(b[8]), Aborted: core.Set(b[9])}
	return core.Input{
		Type: core.InputType(b[0]>>5&3 + 1),
		Timer: core.Timer{
			Role: role(b[1], b[2]), Kind: core.TimerKind(b[0] & 31), Tx: tx,
		},
		Msg: core.Message{
			Type: core.MsgType(b[0] & 31), From: role(b[1], b[2]), To: role(b[3], b[4]), Tx: tx,
			Val: core.Value(b[6]), Members: core.Set(b[7]), Votes: votes, Bal: core.Ballot(b[10]),
			MBal: core.Ballot(b[11]), Low: uint32(b[12]),
		},
		Rec: core.Record{
			Type: core.RecordType(b[0] & 31), Role: role(b[1], b[2]), Tx: tx,
			Val: core.Value(b[6]), Members: core.Set(b[7]), Votes: votes, Bal: core.Ballot(b[10]),
			MBal: core.Ballot(b[11]), Low: uint32(b[12]),
		},
	}
}

func encodeInput(m *core.Message) []byte {
	id := func(r core.Role) byte { return r.Replica<<4 | r.ID }
	return []byte{
		byte(m.Type), byte(m.From.Kind), id(m.From), byte(m.To.Kind), id(m.To),
		byte(m.Tx.Origin<<4) | byte(m.Tx.Seq), byte(m.Val), byte(m.Members),
		byte(m.Votes.Prepared), byte(m.Votes.Aborted), byte(m.Bal), byte(m.MBal), byte(m.Low), 0,
	}
}

func TestFuzzInputRoundTrip(t *testing.T) {
	m := phase1b(2, 30, 2, core.Prepared, core.Committed)
	m.To, m.Tx, m.Members = rmRole(1, 1), txID(), core.FullSet(2)
	require.Equal(t, m, decodeInput(encodeInput(&m)).Msg)
}
