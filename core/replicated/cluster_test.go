package replicated

import (
	"cmp"
	"slices"
	"testing"

	"paxoscommit/core"

	"github.com/stretchr/testify/require"
)

// cluster is all nodes of a layout and the least world they run in: messages arrive in the order in
// which they were sent, storage is durable at once, databases answer at once, and timers never fire
// by themselves.
type cluster struct {
	layout *core.Layout
	nodes  []*core.Process
	net    []core.Message // in flight from head on
	head   int
	in     core.Input
	out    core.Output
	vote   core.Value                 // of every database
	lost   func(m *core.Message) bool // which messages are lost; nil: none
	sent   []core.Message             // everything sent, while watch is on
	logs   [][]core.Record            // by node, while watch is on
	armed  map[core.Timer]bool        // without Await, while watch is on
	watch  bool
	wrote  [core.NumRecordTypes]int
	told   [core.NumMsgTypes]int // to the client
}

func newCluster(t testing.TB, rms, replicas int) *cluster {
	t.Helper()
	l, err := core.NewLayout(core.Sizes{RMs: rms, TMs: 1, Replicas: replicas})
	require.NoError(t, err)
	require.NoError(t, Protocol{}.Validate(l))
	c := &cluster{
		layout: l, logs: make([][]core.Record, l.Nodes), armed: map[core.Timer]bool{},
		vote: core.Prepared,
	}
	for i := range l.Nodes {
		n := Protocol{}.New().(*core.Process)
		n.Reset(l, core.NodeID(i+1))
		c.nodes = append(c.nodes, n)
	}
	return c
}

func txID() core.TxID { return core.TxID{Origin: 1, Seq: 1} }

func rmRole(id, replica uint8) core.Role {
	return core.Role{Kind: core.RM, ID: id, Replica: replica}
}

func database() core.Role { return core.Role{Kind: core.Resource, ID: 1} }

func client() core.Role { return core.Role{Kind: core.Client, ID: 1} }

// request has client 1 ask a replica of the first resource manager for transaction 1, of all.
func (c *cluster) request(replica uint8) {
	c.get(core.Message{Type: core.MsgRequest, From: client(), To: rmRole(1, replica)})
}

// get puts a message about all resource managers in flight.
func (c *cluster) get(m core.Message) {
	m.Members = core.FullSet(c.layout.RMs)
	if m.Tx.Seq == 0 {
		m.Tx = txID()
	}
	c.in.Msg = m
	c.send(&c.in.Msg)
}

func (c *cluster) send(m *core.Message) {
	if c.watch {
		c.sent = append(c.sent, *m)
	}
	if c.lost == nil || !c.lost(m) {
		c.net = append(c.net, *m)
	}
}

// run delivers everything that is in flight, and what comes of it.
func (c *cluster) run() error {
	for ; c.head < len(c.net); c.head++ {
		c.in.Type, c.in.Msg = core.InputMessage, c.net[c.head]
		switch m := &c.in.Msg; m.To.Kind {
		case core.Resource:
			c.resource(m)
		case core.Client:
			c.told[m.Type]++
		default:
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
	c.out.Reset()
	if err := c.nodes[n-1].Step(&c.in, &c.out); err != nil {
		return err
	}
	for i := range c.out.Records {
		c.wrote[c.out.Records[i].Type]++
	}
	for _, list := range [...][]core.Message{c.out.Send, c.out.Gated} {
		for i := range list {
			c.send(&list[i])
		}
	}
	if c.watch {
		c.logs[n-1] = append(c.logs[n-1], c.out.Records...)
		for _, t := range c.out.Disarm {
			t.Await = core.Await{}
			delete(c.armed, t)
		}
		for _, t := range c.out.Arm {
			t.Await = core.Await{}
			c.armed[t] = true
		}
	}
	return nil
}

// resource turns what a database is told into its answer: it answers at once, and applies every
// outcome.
func (c *cluster) resource(m *core.Message) {
	asked := m.Type
	m.From, m.To = m.To, m.From
	switch asked {
	case core.MsgPrepare:
		m.Type, m.Val = core.MsgVote, c.vote
	case core.MsgCommit:
		m.Type, m.Val = core.MsgDone, core.Committed
	case core.MsgAbort:
		m.Type, m.Val = core.MsgDone, core.Aborted
	default:
		return
	}
	c.send(m)
}

// fire makes one timer of transaction 1 run out, and delivers what comes of it.
func (c *cluster) fire(t *testing.T, role core.Role, kind core.TimerKind) {
	t.Helper()
	timer := core.Timer{Role: role, Kind: kind, Tx: txID()}
	require.True(t, c.armed[timer], "%v is not armed", timer)
	delete(c.armed, timer)
	c.in.Type, c.in.Timer = core.InputTimer, timer
	require.NoError(t, c.step(c.layout.NodeOf(role)))
	require.NoError(t, c.run())
}

// restart crashes the node of a role, with all of its log durable, and brings it back.
func (c *cluster) restart(t *testing.T, role core.Role) {
	t.Helper()
	n := c.layout.NodeOf(role)
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
		require.Empty(t, c.out.Send, "reading a record back wants nothing done")
	}
	c.logs[n-1] = log
	c.in.Type = core.InputRestart
	require.NoError(t, c.step(n))
	require.NoError(t, c.run())
}

// without loses everything to and from some roles.
func without(roles ...core.Role) func(*core.Message) bool {
	return func(m *core.Message) bool {
		return slices.Contains(roles, m.From) || slices.Contains(roles, m.To)
	}
}

// fails gives the node of a role an input that must be refused, and change nothing.
func (c *cluster) fails(t *testing.T, n core.NodeID, in core.Input, want error) {
	t.Helper()
	before := c.nodes[n-1].AppendKey(nil)
	var out core.Output
	require.ErrorIs(t, c.nodes[n-1].Step(&in, &out), want)
	require.Equal(t, before, c.nodes[n-1].AppendKey(nil))
	require.Equal(t, core.Output{}, out)
}

// open counts the transactions that all replicas hold.
func (c *cluster) open() int {
	open := 0
	for _, n := range c.nodes {
		for _, id := range c.layout.AppendRoles(nil) {
			switch r := n.Part(id).(type) {
			case *participant:
				open += r.txs.Len()
			case *manager:
				open += r.txs.Len()
			}
		}
	}
	return open
}

// sortedTimers returns the armed timers in the order of their names.
func sortedTimers(c *cluster) []core.Timer {
	var list []core.Timer
	for timer := range c.armed {
		list = append(list, timer)
	}
	slices.SortFunc(list, func(a, b core.Timer) int { return cmp.Compare(a.String(), b.String()) })
	return list
}

func texts(list []core.Message) []string {
	var s []string
	for i := range list {
		s = append(s, list[i].String())
	}
	return s
}
