package history

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// lines makes events of JSON, each of which lacks its time.
func lines(events ...string) string {
	var b strings.Builder
	for i, e := range events {
		fmt.Fprintf(&b, `{"time":%d,%s}`+"\n", i, e)
	}
	return b.String()
}

func TestBadInputIsOneErrorWithItsLine(t *testing.T) {
	const (
		invoke = `"process":0,"type":"invoke","f":"read","value":null`
		ok     = `"process":0,"type":"ok","f":"read","value":1`
	)
	for _, c := range []struct {
		name  string
		model Model
		text  string
		want  string
	}{
		{"empty", ModelRegister, "", "line 1: empty history"},
		{"blank", ModelRegister, "\n \n", "line 2: empty history"},
		{
			"only open", ModelBank, lines(`"process":0,"type":"ok","f":"open","value":{"a":1}`),
			"line 1: history without operations",
		},
		{
			"not JSON", ModelRegister, lines(invoke) + "hello\n",
			"line 2: not JSON: invalid character 'h' looking for beginning of value",
		},
		{
			"another case", ModelRegister,
			`{"process":0,"type":"ok","f":"read","value":4,"Value":3,"time":4}`,
			`line 1: field "Value": write "value"`,
		},
		{
			"a field twice", ModelRegister, `{"process":0,"process":1,"type":"ok","f":"read","time":4}`,
			`line 1: field "process" twice`,
		},
		{"truncated", ModelRegister, `{"process":0`, "line 1: not JSON: unexpected end of JSON input"},
		{"array", ModelRegister, "[1]", "line 1: not a JSON object"},
		{"null", ModelRegister, "null", `line 1: missing field "process"`},
		{"not UTF-8", ModelRegister, "{\"f\":\"\xff\"}", "line 1: not UTF-8"},
		{
			"wrong kind of field", ModelRegister, `{"process":"p"}`,
			`line 1: field "process" cannot be a string`,
		},
		{
			"negative process", ModelRegister, lines(`"process":-1,"type":"invoke","f":"read"`),
			"line 1: process -1 is not between 0 and 2147483647",
		},
		{"no type", ModelRegister, lines(`"process":0,"f":"read"`), `line 1: missing field "type"`},
		{"no f", ModelRegister, lines(`"process":0,"type":"invoke"`), `line 1: missing field "f"`},
		{
			"no time", ModelRegister, `{"process":0,"type":"invoke","f":"read"}`,
			`line 1: missing field "time"`,
		},
		{
			"unknown type", ModelRegister, lines(`"process":0,"type":"done","f":"read"`),
			`line 1: unknown type "done"`,
		},
		{
			"bad key", ModelRegister, lines(`"process":0,"type":"invoke","f":"read","key":[]`),
			"line 1: key must be a string or an integer",
		},
		{
			"time backwards", ModelRegister,
			`{"time":5,` + invoke + "}\n\n" + `{"time":4,` + ok + "}",
			"line 3: time runs backwards: 4 after 5",
		},
		{
			"long line", ModelRegister, lines(invoke) + strings.Repeat("x", MaxLineBytes+1),
			"line 2: line longer than 1048576 bytes",
		},

		{"no call", ModelRegister, lines(ok), "line 1: ok of process 0 without an invocation"},
		{
			"two returns", ModelRegister, lines(invoke, ok, ok),
			"line 3: ok of process 0 without an invocation",
		},
		{
			"two open", ModelRegister, lines(invoke, invoke),
			"line 2: process 0 invokes while its operation of line 1 is open",
		},
		{
			"after info", ModelRegister, lines(invoke, `"process":0,"type":"info","f":"read"`, invoke),
			"line 3: process 0 invokes after its info of line 2",
		},
		{
			"other f", ModelRegister, lines(invoke, `"process":0,"type":"ok","f":"write"`),
			`line 2: ok of "write" for the "read" of line 1`,
		},
		{
			"other key", ModelRegister, lines(invoke, ok+`,"key":"y"`),
			`line 2: ok with key "y" for the key "" of line 1`,
		},

		{
			"register f", ModelRegister, lines(`"process":0,"type":"invoke","f":"txn"`),
			`line 1: unknown f "txn" in a register history`,
		},
		{
			"read argument", ModelRegister, lines(`"process":0,"type":"invoke","f":"read","value":1`),
			"line 1: value of read must be null",
		},
		{
			"read answer", ModelRegister, lines(invoke, `"process":0,"type":"ok","f":"read"`),
			"line 2: ok of read needs the value it saw, or null",
		},
		{
			"read float", ModelRegister, lines(invoke, `"process":0,"type":"ok","f":"read","value":1.5`),
			"line 2: ok of read needs the value it saw, or null",
		},
		{
			"write null", ModelRegister, lines(`"process":0,"type":"invoke","f":"write","value":null`),
			"line 1: value of write must be a string, an integer, true or false",
		},
		{
			"write answer", ModelRegister, lines(`"process":0,"type":"invoke","f":"write","value":1`,
				`"process":0,"type":"ok","f":"write","value":2`),
			"line 2: ok of write must repeat the value of line 1 or have none",
		},
		{
			"cas", ModelRegister, lines(`"process":0,"type":"invoke","f":"cas","value":[1]`),
			"line 1: value of cas must be [old,new]",
		},
		{
			"cas null", ModelRegister, lines(`"process":0,"type":"invoke","f":"cas","value":[1,null]`),
			"line 1: value of cas must be [old,new]",
		},

		{
			"write-once f", ModelWriteOnce, lines(`"process":0,"type":"invoke","f":"write","value":1`),
			`line 1: unknown f "write" in a write-once history`,
		},
		{
			"propose", ModelWriteOnce, lines(`"process":0,"type":"invoke","f":"propose","value":[1]`),
			"line 1: value of propose must be a string, an integer, true or false",
		},
		{
			"decide argument", ModelWriteOnce, lines(`"process":0,"type":"invoke","f":"decide","value":1`),
			"line 1: value of decide must be null",
		},
		{"decide answer", ModelWriteOnce, lines(`"process":0,"type":"invoke","f":"decide"`,
			`"process":0,"type":"ok","f":"decide","value":null`), "line 2: ok of decide needs the outcome"},

		{
			"bank f", ModelBank, lines(`"process":0,"type":"invoke","f":"deposit"`),
			`line 1: unknown f "deposit" in a bank history`,
		},
		{"bank key", ModelBank, lines(invoke + `,"key":"a"`), "line 1: a bank history has no keys"},
		{
			"late open", ModelBank, lines(invoke, `"process":1,"type":"ok","f":"open","value":{"a":1}`),
			"line 2: open must be the first line, of type ok",
		},
		{
			"open null", ModelBank, lines(`"process":1,"type":"ok","f":"open","value":{"a":null}`),
			"line 1: value of open must be accounts with their balances",
		},
		{
			"open negative", ModelBank, lines(`"process":1,"type":"ok","f":"open","value":{"a":-1}`),
			"line 1: opening balances must be from 0 and at most 9007199254740992 together",
		},
		{
			"open too much", ModelBank,
			lines(`"process":1,"type":"ok","f":"open","value":{"a":1,"b":9007199254740992}`),
			"line 1: opening balances must be from 0 and at most 9007199254740992 together",
		},
		{
			"transfer", ModelBank,
			lines(`"process":0,"type":"invoke","f":"transfer","value":{"from":"a","to":"b"}`),
			`line 1: value of transfer must be {"from":account,"to":account,"amount":integer above 0}`,
		},
		{
			"transfer nowhere", ModelBank,
			lines(`"process":0,"type":"invoke","f":"transfer","value":{"from":"a","amount":1}`),
			`line 1: value of transfer must be {"from":account,"to":account,"amount":integer above 0}`,
		},
		{
			"bank read", ModelBank, lines(`"process":0,"type":"invoke","f":"read","value":"a"`),
			"line 1: value of read must be a list of accounts or null",
		},
		{
			"bank answer", ModelBank, lines(invoke, ok),
			"line 2: ok of read needs accounts with their balances",
		},
		{
			"other accounts", ModelBank, lines(`"process":0,"type":"invoke","f":"read","value":["a"]`,
				`"process":0,"type":"ok","f":"read","value":{"b":1}`),
			"line 2: ok of read must name the accounts that were asked for",
		},

		{"kv f", ModelKV, lines(invoke), `line 1: unknown f "read" in a kv history`},
		{
			"txn", ModelKV, lines(`"process":0,"type":"invoke","f":"txn","value":[["x","y",1]]`),
			`line 1: value of txn must be a list of ["r",key,null] and ["w",key,value]`,
		},
		{
			"txn null", ModelKV, lines(`"process":0,"type":"invoke","f":"txn","value":null`),
			`line 1: value of txn must be a list of ["r",key,null] and ["w",key,value]`,
		},
		{
			"txn guess", ModelKV, lines(`"process":0,"type":"invoke","f":"txn","value":[["r","y",1]]`),
			`line 1: value of txn must be a list of ["r",key,null] and ["w",key,value]`,
		},
		{
			"txn answer", ModelKV, lines(`"process":0,"type":"invoke","f":"txn","value":[["r","y",null]]`,
				`"process":0,"type":"ok","f":"txn","value":[["r","x",1]]`),
			"line 2: ok of txn must repeat the list of line 1 with its reads filled in",
		},
		{
			"txn wrote", ModelKV, lines(`"process":0,"type":"invoke","f":"txn","value":[["w","y",1]]`,
				`"process":0,"type":"ok","f":"txn","value":[["w","y",2]]`),
			"line 2: ok of txn wrote what line 1 did not",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			events, err := Parse(strings.NewReader(c.text))
			if err == nil {
				_, err = Load(c.model, events)
			}
			require.EqualError(t, err, c.want)
			var input *InputError
			require.ErrorAs(t, err, &input)
		})
	}
}

func TestParseReturnsTheErrorOfItsReader(t *testing.T) {
	broken := errors.New("broken")
	_, err := Parse(iotest.ErrReader(broken))
	require.ErrorIs(t, err, broken)
}

func TestLongestLineIsRead(t *testing.T) {
	text := `{"process":0,"type":"invoke","f":"read","value":null,"time":0}`
	text += strings.Repeat(" ", MaxLineBytes-len(text)-1) // Scanner counts the line feed.
	_, err := Parse(strings.NewReader(text + "\n"))
	require.NoError(t, err)
}

func TestTooManyEventsAreRefused(t *testing.T) {
	line := `{"process":0,"type":"invoke","f":"read","value":null,"time":0}` + "\n"
	_, err := parse(strings.NewReader(strings.Repeat(line, 4)), 3)
	require.EqualError(t, err, "line 4: more than 3 events")
}

func TestKeysOfNumbersAndStringsAreOne(t *testing.T) {
	events, err := Parse(strings.NewReader(lines(
		`"process":0,"type":"invoke","f":"txn","value":[["w",7,1]]`,
		`"process":0,"type":"ok","f":"txn","value":[["w","7",1]],"extra":{}`,
		`"process":0,"type":"invoke","f":"txn","value":[["r","7",null]]`,
		`"process":0,"type":"ok","f":"txn","value":[["r",7,"1"]]`,
	)))
	require.NoError(t, err)
	// The keys are the same, but the string "1" is not the number 1.
	require.Equal(t, "violated", load(t, ModelKV, events).Direct(testBudget).Verdict.String())
}

func TestWriteJSONRoundTrips(t *testing.T) {
	for file := range verdicts() {
		events := readEvents(t, file)
		var text bytes.Buffer
		require.NoError(t, WriteJSON(&text, events))
		again, err := Parse(&text)
		require.NoError(t, err)
		require.Equal(t, events, again)
	}
}

func TestWriteJSONRefusesWhatIsNotJSON(t *testing.T) {
	require.Error(t, WriteJSON(io.Discard, []Event{{Type: Invoke, F: "read", Value: []byte("{")}}))
}

func FuzzParse(f *testing.F) {
	for file := range verdicts() {
		text, err := os.ReadFile(filepath.Join("testdata", file+".jsonl"))
		require.NoError(f, err)
		f.Add(byte(modelOf(f, file)), text)
	}
	f.Fuzz(func(t *testing.T, m byte, text []byte) {
		events, err := Parse(bytes.NewReader(text))
		var input *InputError
		if err != nil {
			require.ErrorAs(t, err, &input)
			require.NotContains(t, err.Error(), "\n")
			return
		}
		var again bytes.Buffer
		require.NoError(t, WriteJSON(&again, events))
		h, err := Load(1+Model(m)%ModelKV, events)
		if err != nil {
			require.ErrorAs(t, err, &input)
			return
		}
		reread, err := Parse(&again)
		require.NoError(t, err)
		h2, err := Load(1+Model(m)%ModelKV, reread)
		require.NoError(t, err)
		r, err := h.Check(10_000)
		require.NoError(t, err)
		r2, err := h2.Check(10_000)
		require.NoError(t, err)
		require.Equal(t, r, r2)
		require.Equal(t, h.opening, h2.opening)
		require.Equal(t, h.ops, h2.ops)
		require.Equal(t, h.moments, h2.moments)
		require.NoError(t, h.Report(r).WriteText(io.Discard))
	})
}
