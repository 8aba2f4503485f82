package coordinator

import (
	"testing"

	"paxoscommit/core"

	"github.com/stretchr/testify/require"
)

// inputBytes is how many bytes of the fuzzer's make one input of FuzzNodeStep.
const inputBytes = 8

// FuzzNodeStep feeds arbitrary inputs to one node with a resource manager and the transaction
// manager on it. It must not panic; an error leaves everything as it was; and a copy behaves as
// the original does.
func FuzzNodeStep(f *testing.F) {
	for _, m := range []core.Message{
		msg(core.MsgRequest, core.Role{Kind: core.Client, ID: 1}, rmRole(1)),
		valued(core.MsgVote, resRole(1), rmRole(1), core.Prepared),
		valued(core.MsgVote, rmRole(2), theTM(), core.Prepared),
		msg(core.MsgCommit, theTM(), rmRole(1)),
		msg(core.MsgAskState, rmRole(2), rmRole(1)),
		valued(core.MsgState, rmRole(2), rmRole(1), core.Aborted),
		msg(core.MsgPreCommit, theTM(), rmRole(1)),
		msg(core.MsgPreCommitted, rmRole(2), theTM()),
		msg(core.MsgQuery, rmRole(2), rmRole(1)),
	} {
		for which := range allRules() {
			f.Add(uint8(which), encodeInput(&m))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		rules := allRules()[int(which)%len(allRules())]
		l := apart(t)
		l.Place(theTM(), 1)
		n, twin := New(rules), New(rules)
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

func allRules() []Rules {
	return []Rules{
		twoPhase(), cooperative(), threePhase(Terminates), threePhase(Commits), threePhase(Decides),
	}
}

// decodeInput makes an input of bytes. Small numbers come out small, so that most inputs are close
// to ones that can be.
func decodeInput(b []byte) core.Input {
	role := func(b byte) core.Role {
		return core.Role{Kind: core.RoleKind(b >> 4), ID: b & 15}
	}
	tx := core.TxID{Origin: uint16(b[4] >> 4), Seq: uint32(b[4] & 15)}
	return core.Input{
		Type:  core.InputType(b[0]>>5&3 + 1),
		Timer: core.Timer{Role: role(b[1]), Kind: core.TimerKind(b[0] & 31), Tx: tx},
		Msg: core.Message{
			Type: core.MsgType(b[0] & 31), From: role(b[1]), To: role(b[2]), Tx: tx,
			Val: core.Value(b[3]), Members: core.Set(b[5]), Bal: core.Ballot(b[6]),
			Low: uint32(b[7]),
		},
		Rec: core.Record{
			Type: core.RecordType(b[0] & 31), Role: role(b[1]), Tx: tx, Val: core.Value(b[3]),
			Members: core.Set(b[5]), Bal: core.Ballot(b[6]), Low: uint32(b[7]),
		},
	}
}

func encodeInput(m *core.Message) []byte {
	role := func(r core.Role) byte { return byte(r.Kind)<<4 | r.ID }
	return []byte{
		byte(m.Type), role(m.From), role(m.To), byte(m.Val), byte(m.Tx.Origin<<4) | byte(m.Tx.Seq),
		byte(m.Members), byte(m.Bal), byte(m.Low),
	}
}

func TestFuzzInputRoundTrip(t *testing.T) {
	m := inLife(3, valued(core.MsgVote, rmRole(1), theTM(), core.Prepared))
	require.Equal(t, m, decodeInput(encodeInput(&m)).Msg)
}
