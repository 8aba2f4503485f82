package paxoscommit

import (
	"fmt"
	"testing"

	"paxoscommit/core"
	"paxoscommit/core/internal/rounds"

	"github.com/stretchr/testify/require"
)

// BenchmarkCommit commits one transaction an iteration, from the client's request until everybody
// has forgotten it, on nodes in one process: storage completes at once, the resources answer at
// once. The figures are those of the machines, and a small part the queue. With inflight=64 the
// client asks for 64 transactions before it waits.
func BenchmarkCommit(b *testing.B) {
	for _, p := range []Protocol{{}, {Faster: true}} {
		for _, inFlight := range []int{1, 64} {
			b.Run(fmt.Sprintf("rms=3/acceptors=3/protocol=%s/inflight=%d", p.Name(), inFlight),
				func(b *testing.B) { benchmarkCommit(b, p, inFlight) })
		}
	}
}

func benchmarkCommit(b *testing.B, p Protocol, inFlight int) {
	l := apart(b, 3, 3, 1)
	w, begun := rounds.New(p.New, l), 0
	b.ReportAllocs()
	for b.Loop() {
		begun++
		w.Request(core.Role{Kind: core.RM, ID: 1}, begun)
		if begun%inFlight == 0 {
			if err := w.Run(); err != nil {
				b.Fatal(err)
			}
		}
	}
	require.NoError(b, w.Run())
	b.ReportMetric(float64(begun)/b.Elapsed().Seconds(), "commits/s")
	require.Equal(b, begun, w.Told[core.MsgCommit])
	require.Equal(b, 3*begun, w.Wrote[core.RecordOutcome])
	require.Equal(b, 6*begun, w.Wrote[core.RecordForget], "memory must stay flat")
	for _, r := range l.AppendRoles(nil) {
		require.Zero(b, node{w.Node(r).(*core.Process), l}.open())
	}
}

// BenchmarkStep is one message at an acceptor: a vote that it has accepted is proposed again, and
// it answers again.
func BenchmarkStep(b *testing.B) {
	n, out := inFlight(b, 1), &core.Output{}
	in := &core.Input{Type: core.InputMessage, Msg: core.Message{
		Type: core.MsgPhase2a, From: core.Role{Kind: core.RM, ID: 1},
		To: core.Role{Kind: core.Acceptor, ID: 1}, Tx: txID(1), Members: core.FullSet(3),
		Votes: core.VoteOf(1, core.Prepared),
	}}
	b.ReportAllocs()
	for b.Loop() {
		out.Reset()
		if err := n.Step(in, out); err != nil {
			b.Fatal(err)
		}
	}
	require.Equal(b, core.MsgPhase2b, out.Gated[0].Type)
}

// BenchmarkAppendKey encodes a node that has a resource manager, an acceptor and a leader.
func BenchmarkAppendKey(b *testing.B) {
	for _, txs := range []int{1, 2} {
		b.Run(fmt.Sprintf("txs=%d", txs), func(b *testing.B) {
			n, key := inFlight(b, txs), []byte(nil)
			b.ReportAllocs()
			for b.Loop() {
				key = n.AppendKey(key[:0])
			}
			b.ReportMetric(float64(len(key)), "B/key")
		})
	}
}

// BenchmarkCopyFrom copies the same node.
func BenchmarkCopyFrom(b *testing.B) {
	for _, txs := range []int{1, 2} {
		b.Run(fmt.Sprintf("txs=%d", txs), func(b *testing.B) {
			n, dst := inFlight(b, txs), Protocol{}.New()
			b.ReportAllocs()
			for b.Loop() {
				dst.CopyFrom(n)
			}
			require.Equal(b, n.AppendKey(nil), dst.AppendKey(nil))
		})
	}
}

// inFlight returns the first of three nodes with three roles each, in the middle of some
// transactions: the votes are accepted, and the leader has heard of one acceptor.
func inFlight(b *testing.B, txs int) *core.Process {
	b.Helper()
	c := newCluster(Protocol{}, together(3, 3, 1))
	c.lost = func(m *core.Message) bool {
		return m.Type == core.MsgPhase2b && m.From.ID != 1
	}
	for i := range txs {
		c.request(1, txID(i+1), core.FullSet(3))
	}
	require.NoError(b, c.run())
	require.Equal(b, 3*txs, c.nodes[0].open())
	return c.nodes[0].Process
}
