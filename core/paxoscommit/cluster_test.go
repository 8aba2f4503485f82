package paxoscommit

import (
	"cmp"
	"slices"
	"testing"

	"paxoscommit/core"

	"github.com/stretchr/testify/require"
)

// cluster is all nodes of a layout and the least world they run in: messages arrive in the order in
// which they were sent, storage is durable at once, and timers never fire by themselves.
type cluster struct {
	layout *core.Layout
	nodes  []node
	net    []core.Message // in flight from head on
	head   int
	in     core.Input
	out    core.Output
	vote   func(*core.Message) core.Value // what a resource votes; nil: prepared
	lost   func(*core.Message) bool       // which messages are lost; nil: none
	sent   []core.Message                 // everything sent, while watch is on
	logs   [][]core.Record                // by node, while watch is on
	armed  map[core.Timer]bool            // without Await, while watch is on
	watch  bool
	check  func(*core.Output) // every output; nil: not
	wrote  [core.NumRecordTypes]int
}

func newCluster(p Protocol, l *core.Layout) *cluster {
	c := &cluster{layout: l, logs: make([][]core.Record, l.Nodes), armed: map[core.Timer]bool{}}
	for i := range l.Nodes {
		c.nodes = append(c.nodes, newNode(p, l, core.NodeID(i+1)))
	}
	return c
}

// node is a process whose roles a test looks into.
type node struct {
	*core.Process
	layout *core.Layout
}

func newNode(p Protocol, l *core.Layout, id core.NodeID) node {
	n := node{p.New().(*core.Process), l}
	n.Reset(l, id)
	return n
}

// open counts the transactions that the roles of a node hold.
func (n node) open() int {
	open := 0
	for _, id := range n.layout.AppendRoles(nil) {
		switch r := n.Part(id).(type) {
		case *rm:
			open += r.txs.Len()
		case *acceptor:
			open += r.txs.Len()
		case *leader:
			open += r.txs.Len()
		case *registrar:
			open += r.txs.Len()
		}
	}
	return open
}

// request has client 1 ask a resource manager for a transaction.
func (c *cluster) request(rm uint8, tx core.TxID, members core.Set) {
	c.in.Msg = core.Message{
		Type: core.MsgRequest, Tx: tx, Members: members,
		From: core.Role{Kind: core.Client, ID: 1}, To: core.Role{Kind: core.RM, ID: rm},
	}
	c.send(&c.in.Msg)
}

func (c *cluster) send(m *core.Message) {
	if c.watch {
		c.sent = append(c.sent, *m)
	}
	if c.lost != nil && c.lost(m) {
		return
	}
	c.net = append(c.net, *m)
}

// run delivers everything that is in flight, and what comes of it.
func (c *cluster) run() error {
	for ; c.head < len(c.net); c.head++ {
		m := &c.net[c.head]
		switch m.To.Kind {
		case core.Resource:
			c.resource(m)
		case core.Client:
		default:
			c.in.Type, c.in.Msg = core.InputMessage, *m
			if err := c.step(c.layout.NodeOf(m.To)); err != nil {
				return err
			}
		}
	}
	c.net, c.head = c.net[:0], 0
	return nil
}

// step gives c.in to a node and does what it wants.
func (c *cluster) step(n core.NodeID) error {
	sent := len(c.net)
	c.out.Reset()
	c.out.Send = c.net // what may leave at once is on its way as soon as it is written
	if err := c.nodes[n-1].Step(&c.in, &c.out); err != nil {
		return err
	}
	c.net, c.out.Send = c.out.Send, c.out.Send[sent:]
	if c.check != nil {
		c.check(&c.out)
	}
	if c.watch {
		c.logs[n-1] = append(c.logs[n-1], c.out.Records...)
		c.setTimers()
	}
	for i := range c.out.Records {
		c.wrote[c.out.Records[i].Type]++
	}
	c.net = append(c.net, c.out.Gated...)
	if c.watch {
		c.sent = append(c.sent, c.net[sent:]...)
	}
	if c.lost != nil {
		left := slices.DeleteFunc(c.net[sent:], func(m core.Message) bool { return c.lost(&m) })
		c.net = c.net[:sent+len(left)]
	}
	return nil
}

func (c *cluster) setTimers() {
	for _, t := range c.out.Disarm {
		t.Await = core.Await{}
		delete(c.armed, t)
	}
	for _, t := range c.out.Arm {
		t.Await = core.Await{}
		c.armed[t] = true
	}
}

// resource answers at once, and applies every outcome.
func (c *cluster) resource(m *core.Message) {
	answer := &c.in.Msg
	*answer = core.Message{From: m.To, To: m.From, Tx: m.Tx, Members: m.Members}
	switch m.Type {
	case core.MsgPrepare:
		answer.Type, answer.Val = core.MsgVote, core.Prepared
		if c.vote != nil {
			answer.Val = c.vote(m)
		}
	case core.MsgCommit:
		answer.Type, answer.Val = core.MsgDone, core.Committed
	case core.MsgAbort:
		answer.Type, answer.Val = core.MsgDone, core.Aborted
	default:
		return
	}
	c.send(answer)
}

// fire makes one timer run out.
func (c *cluster) fire(t *testing.T, role core.Role, kind core.TimerKind, tx core.TxID) {
	t.Helper()
	timer := core.Timer{Role: role, Kind: kind, Tx: tx}
	require.True(t, c.armed[timer], "%v is not armed", timer)
	delete(c.armed, timer)
	c.in.Type, c.in.Timer = core.InputTimer, timer
	require.NoError(t, c.step(c.layout.NodeOf(role)))
}

// fireAll makes every armed timer run out, in the order of their names.
func (c *cluster) fireAll(t *testing.T) {
	t.Helper()
	var armed []core.Timer
	for timer := range c.armed {
		armed = append(armed, timer)
	}
	slices.SortFunc(armed, func(a, b core.Timer) int { return cmp.Compare(a.String(), b.String()) })
	for _, timer := range armed {
		if c.armed[timer] {
			c.fire(t, timer.Role, timer.Kind, timer.Tx)
		}
	}
}

// restart crashes a node, with all of its log durable, and brings it back.
func (c *cluster) restart(t *testing.T, n core.NodeID) {
	t.Helper()
	for timer := range c.armed {
		if c.layout.NodeOf(timer.Role) == n {
			delete(c.armed, timer)
		}
	}
	c.nodes[n-1].Reset(c.layout, n)
	log := c.logs[n-1]
	c.logs[n-1] = nil
	for _, rec := range log {
		c.in.Type, c.in.Rec = core.InputRecord, rec
		require.NoError(t, c.step(n))
		require.Equal(t, core.Output{}, trimmed(&c.out), "reading a record back wants nothing done")
	}
	c.logs[n-1] = log
	c.in.Type = core.InputRestart
	require.NoError(t, c.step(n))
}

// trimmed returns an output whose empty slices are nil.
func trimmed(o *core.Output) core.Output {
	return core.Output{
		Records: trim(o.Records), Send: trim(o.Send), Gated: trim(o.Gated), Arm: trim(o.Arm),
		Disarm: trim(o.Disarm), Decided: trim(o.Decided), Dropped: trim(o.Dropped),
	}
}

func trim[T any](s []T) []T { return append([]T(nil), s...) }

// apart is a layout with a node for each role.
func apart(t testing.TB, rms, acceptors, leaders int, options ...int) *core.Layout {
	t.Helper()
	l, err := core.NewLayout(core.Sizes{RMs: rms, Acceptors: acceptors, Leaders: leaders})
	require.NoError(t, err)
	for _, o := range options {
		l.Options |= 1 << o
	}
	return l
}

// together is a layout in which the i-th role of every kind is on node i.
func together(rms, acceptors, leaders int) *core.Layout {
	l := &core.Layout{Sizes: core.Sizes{RMs: rms, Acceptors: acceptors, Leaders: leaders}}
	for _, k := range []core.RoleKind{core.RM, core.Acceptor, core.Leader} {
		for i := range l.Count(k) {
			l.Place(core.Role{Kind: k, ID: uint8(i + 1)}, core.NodeID(i+1))
		}
	}
	return l
}

func txID(seq int) core.TxID { return core.TxID{Origin: 1, Seq: uint32(seq)} }
