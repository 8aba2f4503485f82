package wire

import (
	"errors"
	"io"
	"strings"
	"testing"

	"paxoscommit/core"
	"paxoscommit/core/bank"
	"paxoscommit/node"

	"github.com/stretchr/testify/require"
)

func TestLinesOfAnyLength(t *testing.T) {
	long := strings.Repeat("x", MaxLine)
	r := NewReader(strings.NewReader("a\n\n \n" + long + "\n" + long + "y\n" +
		strings.Repeat("z", 10<<20) + "\nb\r\nlast"))
	for _, want := range []string{"a", long, "", "", "b", "last"} {
		got, err := r.Next()
		if want == "" {
			require.ErrorIs(t, err, ErrTooLong)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
	_, err := r.Next()
	require.ErrorIs(t, err, io.EOF)
	_, err = NewReader(strings.NewReader(strings.Repeat("z", MaxLine+2))).Next()
	require.ErrorIs(t, err, ErrTooLong, "at the end, too")
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		`}`:                                "not a message: invalid character '}'",
		`[]`:                               "not a message: json: cannot unmarshal array into",
		`{"src":1}`:                        "not a message: json: cannot unmarshal number into",
		`{}`:                               "a message without a body",
		`{"body":1}`:                       "the body: json: cannot unmarshal number into",
		`{"dest":"b","body":{"type":"x"}}`: "a message without src",
		`{"src":"a","body":{"type":"x"}}`:  "a message without dest",
		`{"src":"a","dest":"b","body":{}}`: "a body without a type",
		`{"src":"a","dest":"b","body":{"type":"x"}}`: "",
	} {
		_, _, err := Parse([]byte(text))
		if want == "" {
			require.NoError(t, err)
			continue
		}
		var wrong *Error
		require.True(t, errors.As(err, &wrong), text)
		require.Contains(t, wrong.Text, want)
		require.Equal(t, MalformedRequest, wrong.Code)
	}
}

func TestBlanksAreOutsideOfStrings(t *testing.T) {
	body := struct {
		A string `json:"a"`
		B []int  `json:"b"`
	}{`x:"y",\`, []int{1, 2}}
	line, err := Encode("c1", "n1", body, false)
	require.NoError(t, err)
	require.Equal(t, `{"src":"c1","dest":"n1","body":{"a":"x:\"y\",\\","b":[1,2]}}`, string(line))
	line, err = Encode("c1", "n1", body, true)
	require.NoError(t, err)
	require.Equal(t, `{"src": "c1", "dest": "n1", "body": {"a": "x:\"y\",\\", "b": [1, 2]}}`,
		string(line))
}

// envelope has every field set.
func envelope() node.Envelope {
	return node.Envelope{
		Msg: core.Message{
			Type: core.MsgPhase2a, Val: core.Prepared, Begin: true,
			From: core.Role{Kind: core.RM, ID: 3}, To: core.Role{Kind: core.Acceptor, ID: 15, Replica: 2},
			Bal: 1<<32 - 1, MBal: 7, Low: 9, Tx: core.TxID{Origin: 2, Epoch: 3, Seq: 4},
			Members: core.SetOf(1, 64), Votes: core.Votes{Prepared: core.SetOf(1), Aborted: core.SetOf(64)},
			Joined: core.SetOf(3),
		},
		Work: bank.Work{From: 1, To: 2, Amount: 1 << 40, Read: core.SetOf(5)},
	}
}

func TestCoreMessagesComeBack(t *testing.T) {
	for m := core.NoMsg + 1; int(m) < core.NumMsgTypes; m++ {
		e := envelope()
		e.Msg.Type = m
		text, err := EncodeCore("n1", "n2", &e)
		require.NoError(t, err)
		l, h, err := Parse(text)
		require.NoError(t, err)
		require.Equal(t, "n1 n2", l.Src+" "+l.Dest)
		require.True(t, IsCore(h.Type))
		got, err := ParseCore(l.Body)
		require.NoError(t, err)
		require.Equal(t, e, got)
	}
}

func TestCoreMessagesThatAreWrong(t *testing.T) {
	for body, want := range map[string]string{
		`{"type":"core/phase9"}`:                                     `no message of type "core/phase9"`,
		`{"type":"core/done","to":"rm1","tx":"c1.1"}`:                `field "from" is missing or wrong`,
		`{"type":"core/done","from":"rm1","to":"none1","tx":"c1.1"}`: `field "to" is missing or wrong`,
		`{"type":"core/done","from":"rm1","to":"rm1","tx":"c1"}`:     `field "tx" is missing or wrong`,
		`{"type":"core/done","from":"rm1","to":"rm1","tx":"c1.1","val":"x"}`: `field "val" is missing ` +
			`or wrong`,
		`{"type":"core/done","from":"rm1","to":"rm1","tx":"c1.1","members":[65]}`: `field "members": ` +
			`want numbers from 1 to 64`,
		`{"type":"core/done","from":"rm1","to":"rm1","tx":"c1.1","members":[0]}`: `field "members": ` +
			`want numbers from 1 to 64`,
		`{"type":"core/done","from":"rm1","to":"rm1","tx":"c1.1","work":{"from":65}}`: `field "work": ` +
			`no such account or amount`,
	} {
		_, err := ParseCore([]byte(body))
		require.EqualError(t, err, want)
	}
}

func TestTransactionsComeBack(t *testing.T) {
	last := core.TxID{Origin: 65535, Epoch: 65535, Seq: 1<<32 - 1}
	for _, tx := range []core.TxID{{Origin: 1, Seq: 1}, last} {
		got, ok := ParseTx(tx.String())
		require.True(t, ok)
		require.Equal(t, tx, got)
	}
	for _, text := range []string{
		"", "c", "c1", "c1.", "c01.1", "c1e0.1", "c65536.1", "d1.1", "c1.-1",
	} {
		_, ok := ParseTx(text)
		require.False(t, ok, text)
	}
}

func FuzzParseCore(f *testing.F) {
	e := envelope()
	text, err := EncodeCore("n1", "n2", &e)
	require.NoError(f, err)
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		l, _, err := Parse(text)
		if err != nil {
			return
		}
		first, err := ParseCore(l.Body)
		if err != nil {
			return
		}
		again, err := EncodeCore(l.Src, l.Dest, &first)
		require.NoError(t, err)
		l, _, err = Parse(again)
		require.NoError(t, err)
		second, err := ParseCore(l.Body)
		require.NoError(t, err)
		require.Equal(t, first, second)
	})
}
