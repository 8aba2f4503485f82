package serve

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"paxoscommit/node/wire"

	"github.com/stretchr/testify/require"
)

// town is nodes that are apart, and whoever carries their lines.
type town struct {
	mu     sync.Mutex
	inputs map[string]chan string
	told   chan string
}

// Write takes one line that a node writes. A line that has no room is lost: nobody waits for a
// reader that has ended.
func (w *town) Write(text []byte) (int, error) {
	l, _, err := wire.Parse(text)
	if err != nil {
		return 0, err
	}
	w.mu.Lock()
	to := w.inputs[l.Dest]
	w.mu.Unlock()
	if to == nil {
		to = w.told
	}
	select {
	case to <- string(text):
	default:
	}
	return len(text), nil
}

// live starts a node.
func (w *town) live(ctx context.Context, t *testing.T, group *sync.WaitGroup, name, dir string) {
	r, input := io.Pipe()
	lines := make(chan string, 1000)
	w.mu.Lock()
	w.inputs[name] = lines
	w.mu.Unlock()
	group.Add(2)
	go func() {
		defer group.Done()
		defer input.Close()
		for {
			select {
			case line := <-lines:
				if _, err := io.WriteString(input, line); err != nil {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	go func() {
		defer group.Done()
		defer r.Close() // whoever is writing to a node that has ended gets an error
		if err := Run(ctx, Options{
			Data: dir, Apart: true, Find: find, In: r, Out: w, Err: io.Discard,
		}); err != nil {
			t.Error(err)
		}
	}()
	lines <- fmt.Sprintf(`{"src":"c0","dest":%q,"body":{"type":"init","msg_id":1,`+
		`"participants":["p1","p2"],"acceptors":["a1","a2","a3"]}}`+"\n", name)
}

// TestCourseNodesApart: coordinator, participants and acceptors are nodes of their own.
func TestCourseNodesApart(t *testing.T) {
	w := &town{inputs: map[string]chan string{}, told: make(chan string, 1000)}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for _, name := range []string{"coord", "p1", "p2", "a1", "a2", "a3"} {
		w.live(ctx, t, &group, name, t.TempDir())
	}
	ask := func(amount int) {
		w.inputs["coord"] <- fmt.Sprintf(`{"src":"c1","dest":"coord","body":{"type":`+
			`"paxos_commit_begin","msg_id":2,"operations":[{"transfer":%d,"from":"a","to":"b"}]}}`+"\n",
			amount)
	}
	await := func(want string) {
		t.Helper()
		for {
			select {
			case line := <-w.told:
				require.NotContains(t, line, "blocked")
				if strings.Contains(line, want) {
					return
				}
			case <-time.After(time.Minute):
				require.Fail(t, "nobody said "+want)
			}
		}
	}
	ask(10)
	await(`"txn_id": "txn1", "outcome": "committed"`)
	ask(999_999)
	await(`"txn_id": "txn2", "outcome": "aborted"`)
	w.inputs["coord"] <- `{"src":"c1","dest":"coord","body":{"type":"paxos_commit_begin","msg_id":2,` +
		`"participants":["p1"]}}` + "\n"
	await(`nodes that are apart run paxos-commit with the participants`)
	w.inputs["p1"] <- `{"src":"c1","dest":"p1","body":{"type":"core/commit","from":"ldr1",` +
		`"to":"rm2","tx":"c1.1","msg_id":3}}` + "\n"
	await(`no message from ldr1 at`)
	cancel()
	group.Wait()
}
