package paxoscommit

import (
	"encoding/binary"
	"testing"

	"paxoscommit/core"

	"github.com/stretchr/testify/require"
)

// inputBytes is how many bytes of the fuzzer's make one input of FuzzNodeStep.
const inputBytes = 16

// FuzzNodeStep feeds arbitrary inputs to one node with every kind of role on it. It must not panic;
// an error leaves everything as it was; and a copy behaves as the original does.
func FuzzNodeStep(f *testing.F) {
	for _, m := range []core.Message{
		msg(core.MsgRequest, client(), rmRole(1)),
		valued(core.MsgVote, 1, rmRole(1), core.Prepared),
		phase2a(rmRole(2), 0, prepared(2)),
		phase1a(1, 1, 1),
		phase1b(2, 1, 1, 0, prepared(1)),
		phase2b(2, ldrRole(1), 1, prepared(1, 2)),
		msg(core.MsgForget, ldrRole(1), accRole(1)),
		toReg(core.MsgJoin, 1),
		withEntry(phase2a(theRegistrar(), 0, core.Votes{}), 1),
	} {
		f.Add(false, uint8(3), encodeInput(&m))
		f.Add(true, uint8(11), encodeInput(&m))
	}
	f.Fuzz(func(t *testing.T, faster bool, options uint8, data []byte) {
		l := together(2, 3, 2)
		l.Options = uint32(options & 7)
		if l.Registrars = int(options >> 3 & 1); l.Registrars == 1 {
			l.Place(theRegistrar(), 1)
		}
		n, twin := (Protocol{Faster: faster}).New(), (Protocol{Faster: faster}).New()
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
				require.Equal(t, core.Output{}, trimmed(&out))
			}
			require.Equal(t, err, twin.Step(&in, &twinOut))
			require.Equal(t, trimmed(&out), trimmed(&twinOut))
			require.Equal(t, n.AppendKey(nil), twin.AppendKey(nil))
		}
	})
}

// decodeInput makes an input of bytes. Small numbers come out small, so that most inputs are close
// to ones that can be.
func decodeInput(b []byte) core.Input {
	role := func(kind, id byte) core.Role {
		return core.Role{Kind: core.RoleKind(kind % 8), ID: id}
	}
	tx := core.TxID{Origin: uint16(b[5] >> 4), Seq: uint32(b[5] & 15)}
	votes := core.Votes{Prepared: core.Set(b[8]), Aborted: core.Set(b[9])}
	low := uint32(b[14])
	if low == 255 {
		low = 1<<32 - 1
	}
	return core.Input{
		Type: core.InputType(b[0]>>5&3 + 1),
		Timer: core.Timer{
			Role: role(b[1], b[2]), Kind: core.TimerKind(b[0] & 31), Tx: tx,
		},
		Msg: core.Message{
			Type: core.MsgType(b[0] & 31), From: role(b[1], b[2]), To: role(b[3], b[4]), Tx: tx,
			Val: core.Value(b[6]), Members: core.Set(b[7]), Votes: votes,
			Bal: core.Ballot(b[10]), MBal: core.Ballot(binary.BigEndian.Uint16(b[11:])),
			Begin: b[13]&1 == 1, Low: low, Joined: core.Set(b[15]),
		},
		Rec: core.Record{
			Type: core.RecordType(b[0] & 31), Role: role(b[1], b[2]), Tx: tx,
			Val: core.Value(b[6]), Members: core.Set(b[7]), Votes: votes,
			Bal: core.Ballot(b[10]), MBal: core.Ballot(binary.BigEndian.Uint16(b[11:])), Low: low,
			Joined: core.Set(b[15]),
		},
	}
}

func encodeInput(m *core.Message) []byte {
	return []byte{
		byte(m.Type), byte(m.From.Kind), m.From.ID, byte(m.To.Kind), m.To.ID,
		byte(m.Tx.Origin<<4) | byte(m.Tx.Seq), byte(m.Val), byte(m.Members),
		byte(m.Votes.Prepared), byte(m.Votes.Aborted), byte(m.Bal), byte(m.MBal >> 8), byte(m.MBal),
		0, byte(m.Low), byte(m.Joined),
	}
}

func TestFuzzInputRoundTrip(t *testing.T) {
	m := phase1b(2, 1, 300, 2, prepared(1))
	require.Equal(t, m, decodeInput(encodeInput(&m)).Msg)
}
