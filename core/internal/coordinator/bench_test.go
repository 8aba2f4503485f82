package coordinator

import (
	"testing"

	"paxoscommit/core"

	"github.com/stretchr/testify/require"
)

// cluster is all nodes of a layout and the least world they run in: messages arrive in the order
// in which they were sent, storage is durable at once, resources do what they are told at once,
// and timers never fire.
type cluster struct {
	layout *core.Layout
	nodes  []*Node
	net    []core.Message
	in     core.Input
	out    core.Output
	wrote  [core.NumRecordTypes]int
}

func newCluster(rules Rules, l *core.Layout) *cluster {
	c := &cluster{layout: l}
	for i := range l.Nodes {
		n := New(rules)
		n.Reset(l, core.NodeID(i+1))
		c.nodes = append(c.nodes, n)
	}
	return c
}

// run delivers everything that is in flight, and what comes of it.
func (c *cluster) run(b *testing.B) {
	for head := 0; head < len(c.net); head++ {
		m := &c.net[head]
		c.in.Type, c.in.Msg = core.InputMessage, *m
		switch m.To.Kind {
		case core.Client:
			continue
		case core.Resource:
			if !c.resource(m) {
				continue
			}
		default:
		}
		c.out.Reset()
		n := c.nodes[c.layout.NodeOf(c.in.Msg.To)-1]
		if err := n.Step(&c.in, &c.out); err != nil {
			b.Fatal(err)
		}
		for i := range c.out.Records {
			c.wrote[c.out.Records[i].Type]++
		}
		c.net = append(append(c.net, c.out.Send...), c.out.Gated...)
	}
	c.net = c.net[:0]
}

// resource makes c.in the answer of a resource, if there is one.
func (c *cluster) resource(m *core.Message) bool {
	answer := &c.in.Msg
	answer.From, answer.To = m.To, m.From
	switch m.Type {
	case core.MsgPrepare:
		answer.Type, answer.Val = core.MsgVote, core.Prepared
	case core.MsgCommit:
		answer.Type, answer.Val = core.MsgDone, core.Committed
	default:
		return false
	}
	return true
}

// BenchmarkCommit commits one transaction an iteration, from the client's request until everybody
// has forgotten it, on nodes in one process. The figures are those of the machines, and a small
// part the queue.
func BenchmarkCommit(b *testing.B) {
	for _, rules := range []Rules{twoPhase(), threePhase(Terminates)} {
		b.Run("rms=3/protocol="+rules.Name, func(b *testing.B) {
			c, begun := newCluster(rules, apart(b)), 0
			b.ReportAllocs()
			for b.Loop() {
				begun++
				m := msg(core.MsgRequest, core.Role{Kind: core.Client, ID: 1}, rmRole(1))
				m.Tx.Seq = uint32(begun)
				c.net = append(c.net, m)
				c.run(b)
			}
			b.ReportMetric(float64(begun)/b.Elapsed().Seconds(), "commits/s")
			require.Equal(b, 4*begun, c.wrote[core.RecordOutcome])
			require.Equal(b, 4*begun, c.wrote[core.RecordForget], "memory must stay flat")
		})
	}
}
