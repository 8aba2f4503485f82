package peers_test

import (
	"fmt"
	"io"
	"log"
	"testing"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

const (
	voters       = 3    // nodes 1 to 3; node 1 is the leader
	compactEvery = 1024 // entries a log may hold before it is cut, to bound the memory
)

// payload is as small as a proposal can usefully be: one transaction id.
const payload = "0123456789abcdef"

// BenchmarkRawNodeProposal commits one proposal an iteration in a cluster of three nodes in one
// process: messages are handed over by pointer, the log is a MemoryStorage, and a proposal is
// done when all three nodes have applied it and nothing is left in flight. The figures are
// therefore those of the state machine alone, without serialising, disk, network or goroutines.
// With async=true the storage answers by messages, as [raft.Config.AsyncStorageWrites] says;
// with inflight=64 the leader takes 64 proposals before any message is delivered, so that raft
// may batch them.
func BenchmarkRawNodeProposal(b *testing.B) {
	for _, async := range []bool{false, true} {
		for _, inFlight := range []int{1, 64} {
			b.Run(fmt.Sprintf("async=%t/inflight=%d", async, inFlight), func(b *testing.B) {
				benchmarkProposal(b, async, inFlight)
			})
		}
	}
}

func benchmarkProposal(b *testing.B, async bool, inFlight int) {
	c := newCluster(b, async)
	c.elect(b)

	b.ReportAllocs()
	proposed := 0
	for b.Loop() {
		check(b, c.nodes[0].Propose([]byte(payload)))
		if proposed++; proposed%inFlight == 0 {
			c.settle(b)
		}
	}

	c.settle(b)
	for i := range c.nodes {
		if got := c.nodes[i].applied; got != proposed {
			b.Fatalf("node %d applied %d proposals of %d", i+1, got, proposed)
		}
	}
}

// node is one raft participant with its log and the number of entries with data it has applied.
type node struct {
	*raft.RawNode

	storage *raft.MemoryStorage
	applied int
}

// cluster holds node i+1 at nodes[i], and the messages in flight between them in sending order.
type cluster struct {
	nodes    [voters]node
	inFlight []*pb.Message
	async    bool
}

func newCluster(b *testing.B, async bool) *cluster {
	ids := make([]uint64, voters)
	for i := range ids {
		ids[i] = uint64(i + 1)
	}
	c := &cluster{async: async}
	for i := range c.nodes {
		storage := raft.NewMemoryStorage()
		// Index 1 holds the voters, as after a bootstrap that was then compacted.
		check(b, storage.ApplySnapshot(&pb.Snapshot{Metadata: &pb.SnapshotMetadata{
			ConfState: &pb.ConfState{Voters: ids}, Index: new(uint64(1)), Term: new(uint64(1)),
		}}))
		rn, err := raft.NewRawNode(&raft.Config{
			ID:                 ids[i],
			ElectionTick:       10,
			HeartbeatTick:      1,
			Storage:            storage,
			Applied:            1,
			AsyncStorageWrites: async,
			MaxSizePerMsg:      1 << 20,
			MaxInflightMsgs:    256,
			Logger:             &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)},
		})
		check(b, err)
		c.nodes[i] = node{RawNode: rn, storage: storage}
	}
	return c
}

// elect makes node 1 the leader; no tick follows, so it stays the leader.
func (c *cluster) elect(b *testing.B) {
	check(b, c.nodes[0].Campaign())
	c.settle(b)
	if state := c.nodes[0].BasicStatus().RaftState; state != raft.StateLeader {
		b.Fatalf("node 1 is %v, not the leader", state)
	}
}

// settle handles what the nodes are ready to do and delivers what is in flight, until neither
// is left.
func (c *cluster) settle(b *testing.B) {
	for busy := true; busy; {
		busy = false
		for i := range c.nodes {
			for c.nodes[i].HasReady() {
				busy = true
				c.ready(b, &c.nodes[i])
			}
		}
		for i := 0; i < len(c.inFlight); i++ {
			busy = true
			m := c.inFlight[i]
			check(b, c.nodes[m.GetTo()-1].Step(m))
		}
		c.inFlight = c.inFlight[:0]
	}
}

// ready does what one Ready asks for: the log first, then the messages, then the entries.
func (c *cluster) ready(b *testing.B, n *node) {
	rd := n.Ready()
	if !c.async {
		n.append(b, rd.HardState, rd.Entries)
		c.inFlight = append(c.inFlight, rd.Messages...)
		n.apply(b, rd.CommittedEntries)
		n.Advance(rd)
		return
	}
	for _, m := range rd.Messages {
		switch m.GetTo() {
		case raft.LocalAppendThread:
			var hard *pb.HardState
			if m.Term != nil {
				hard = &pb.HardState{Term: m.Term, Vote: m.Vote, Commit: m.Commit}
			}
			n.append(b, hard, m.GetEntries())
			c.inFlight = append(c.inFlight, m.GetResponses()...)
		case raft.LocalApplyThread:
			n.apply(b, m.GetEntries())
			c.inFlight = append(c.inFlight, m.GetResponses()...)
		default:
			c.inFlight = append(c.inFlight, m)
		}
	}
}

func (n *node) append(b *testing.B, hard *pb.HardState, entries []*pb.Entry) {
	check(b, n.storage.Append(entries))
	if !raft.IsEmptyHardState(hard) {
		check(b, n.storage.SetHardState(hard))
	}
}

func (n *node) apply(b *testing.B, entries []*pb.Entry) {
	for _, e := range entries {
		if len(e.GetData()) > 0 { // the leader's first entry carries none
			n.applied++
		}
		if e.GetIndex()%compactEvery == 0 {
			check(b, n.storage.Compact(e.GetIndex()-compactEvery/2))
		}
	}
}

// check does not call b.Helper, whose walk up the stack would be most of what is measured.
func check(b *testing.B, err error) {
	if err != nil {
		b.Fatal(err)
	}
}
