package serve

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"paxoscommit/core"
	"paxoscommit/core/paxoscommit"
	"paxoscommit/core/twophase"
	"paxoscommit/node/wal"

	"github.com/stretchr/testify/require"
)

func find(name string) (core.Protocol, error) {
	for _, p := range []core.Protocol{paxoscommit.Protocol{}, twophase.Protocol{}} {
		if p.Name() == name {
			return p, nil
		}
	}
	return nil, errors.New("no such protocol")
}

// serve gives a node some lines, and returns what it wrote and reported.
func serve(t *testing.T, data string, lines ...string) (out, report []string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	require.NoError(t, Run(t.Context(), Options{
		Data: data, Find: find, In: strings.NewReader(strings.Join(lines, "\n")),
		Out: &stdout, Err: &stderr,
	}))
	return split(&stdout), split(&stderr)
}

// serveUntil is serve, with the input kept open until the node has written what is wanted.
func serveUntil(t *testing.T, data, want string, lines ...string) (out, report []string) {
	t.Helper()
	r, input := io.Pipe()
	var stderr bytes.Buffer
	stdout := &awaited{want: want, found: func() { input.Close() }}
	go func() {
		_, err := io.WriteString(input, strings.Join(lines, "\n")+"\n")
		if err == nil {
			time.AfterFunc(time.Minute, func() { input.Close() })
		}
	}()
	require.NoError(t, Run(t.Context(), Options{
		Data: data, Find: find, In: r, Out: stdout, Err: &stderr,
	}))
	return split(&stdout.Buffer), split(&stderr)
}

// awaited calls found when the text that is wanted has been written.
type awaited struct {
	bytes.Buffer
	want  string
	found func()
}

func (a *awaited) Write(text []byte) (int, error) {
	if bytes.Contains(text, []byte(a.want)) {
		a.found()
	}
	return a.Buffer.Write(text)
}

func split(b *bytes.Buffer) []string {
	if b.Len() == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}

const (
	initLine = `{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1",` +
		`"node_ids":["n1","n2","n3"],"system":{"protocol":"paxos-commit","rms":1,"acceptors":1,` +
		`"leaders":1,"accounts":2,"opening":100}}}`
	initOK = `{"src":"n1","dest":"c0","body":{"type":"init_ok","in_reply_to":1,"msg_id":0}}`
)

func TestWrongInputIsAnsweredAndReported(t *testing.T) {
	for _, tc := range []struct {
		name, line, answer, report string
	}{
		{"not JSON", `hello`, ``, `not a message: invalid character 'h' looking for beginning of value`},
		{
			"no type", `{"src":"c1","dest":"n1","body":{"msg_id":7}}`,
			`"code":12,"text":"a body without a type"`, `a body without a type`,
		},
		{
			"unknown type", `{"src":"c1","dest":"n1","body":{"type":"x","msg_id":7}}`,
			`"code":10,"text":"no message of type \"x\""`, `no message of type "x"`,
		},
		{
			"msg_id that is no number", `{"src":"c1","dest":"n1","body":{"type":"x","msg_id":"7"}}`, ``,
			`the body: json: cannot unmarshal string`,
		},
		{
			"unknown type that nobody waits for", `{"src":"c1","dest":"n1","body":{"type":"x"}}`, ``,
			`no message of type "x"`,
		},
		{
			"a reply to nothing",
			`{"src":"c1","dest":"n1","body":{"type":"x_ok","msg_id":7,"in_reply_to":5}}`, ``,
			`no message of type "x_ok"`,
		},
		{
			"an error", `{"src":"c1","dest":"n1","body":{"type":"error","msg_id":7}}`, ``,
			`no message of type "error"`,
		},
		{
			"for another", `{"src":"c1","dest":"n2","body":{"type":"x","msg_id":7}}`,
			`"code":1,"text":"this is n1, not \"n2\""`, `this is n1, not "n2"`,
		},
		{
			"a second init", initLine, `"code":12,"text":"init, and this node has had one"`,
			`init, and this node has had one`,
		},
		{
			"a missing field",
			`{"src":"c1","dest":"n1","body":{"type":"core/request","from":"cl1","to":"rm1","msg_id":7}}`,
			`"code":12,"text":"field \"tx\" is missing or wrong"`, `field "tx" is missing or wrong`,
		},
		{
			"in the name of another",
			`{"src":"c1","dest":"n1","body":{"type":"core/commit","from":"ldr1","to":"rm1","tx":"c1.1"}}`,
			``, `ldr1 is not at "c1"`,
		},
		{
			"what no peer sends",
			`{"src":"n2","dest":"n1","body":{"type":"core/phase1b","from":"acc1","to":"rm1","tx":"c1.1"}}`,
			``, `input for a role or of a type that does not belong here`,
		},
		{"10 MB", strings.Repeat("x", 10<<20), ``, `the line is too long`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out, report := serve(t, "", initLine, tc.line,
				`{"src":"c1","dest":"n1","body":{"type":"after","msg_id":9}}`)
			require.Equal(t, initOK, out[0])
			require.Contains(t, report[0], tc.report)
			require.Contains(t, out[len(out)-1], `"in_reply_to":9`, "it goes on")
			if tc.answer == "" {
				require.Len(t, out, 2)
				return
			}
			require.Len(t, out, 3)
			require.Contains(t, out[1], `"type":"error","in_reply_to":`)
			require.Contains(t, out[1], tc.answer)
		})
	}
}

func TestInitThatIsWrong(t *testing.T) {
	for change, want := range map[string]string{
		`"msg_id":1,->`:                                 `init without msg_id`,
		`"dest":"n1"->"dest":"n2"`:                      `init of "n1" sent to "n2"`,
		`"paxos-commit"->"magic"`:                       `no such protocol`,
		`"rms":1->"rms":65`:                             `core: 65 resource managers: want 1 to 64`,
		`"node_ids":["n1",->"node_ids":[`:               `want 3 node_ids, "n1" among them`,
		`"accounts":2->"accounts":65`:                   `accounts 65, opening 100: want 1 to 64`,
		`"opening":100->"opening":100,"options":["no"]`: `paxos-commit has no option "no"`,
		`"rms":1->"rms":"1"`:                            `init: json: cannot unmarshal string`,
	} {
		old, replacement, _ := strings.Cut(change, "->")
		require.Contains(t, initLine, old)
		out, report := serve(t, "", strings.Replace(initLine, old, replacement, 1),
			`{"src":"c1","dest":"n1","body":{"type":"x","msg_id":9}}`)
		require.Contains(t, report[0], want)
		require.Regexp(t, "^node: ", report[0])
		require.Contains(t, out[len(out)-1], `"x\" before init"`)
	}
}

func TestNodeGoesOnWhenNobodyReads(t *testing.T) {
	var stderr bytes.Buffer
	require.NoError(t, Run(t.Context(), Options{
		Find: find, In: strings.NewReader(initLine + "\n" + initLine + "\n" + initLine),
		Out: closedPipe{}, Err: &stderr,
	}))
	report := split(&stderr)
	require.Len(t, report, 3)
	require.Equal(t, "n1: nobody reads what this node writes: broken pipe", report[0])
}

type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, syscall.EPIPE }

func TestAnotherNodesFolderIsRefused(t *testing.T) {
	dir := t.TempDir()
	serve(t, dir, initLine)
	other := strings.ReplaceAll(strings.Replace(initLine, `"node_id":"n1"`, `"node_id":"n2"`, 1),
		`"dest":"n1"`, `"dest":"n2"`)
	err := Run(context.Background(), Options{
		Data: dir, Find: find, In: strings.NewReader(other), Out: io.Discard, Err: io.Discard,
	})
	require.ErrorIs(t, err, wal.ErrForeign)
}
