package replicated

import (
	"fmt"
	"testing"

	"paxoscommit/core"

	"github.com/stretchr/testify/require"
)

// BenchmarkCommit commits one transaction an iteration, from the client's request until everybody
// has forgotten it, on nodes in one process: messages arrive in order, storage completes at once,
// the databases answer at once. The figures are those of the machines, and a small part the queue.
func BenchmarkCommit(b *testing.B) {
	for _, replicas := range []int{1, 3} {
		b.Run(fmt.Sprintf("rms=3/replicas=%d", replicas), func(b *testing.B) {
			c := newCluster(b, 3, replicas)
			begun := 0
			b.ReportAllocs()
			for b.Loop() {
				begun++
				c.request(1, begun)
				if err := c.run(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(begun)/b.Elapsed().Seconds(), "commits/s")
			require.Equal(b, begun, c.told[core.MsgCommit])
			require.Equal(b, 4*replicas*begun, c.wrote[core.RecordForget], "memory must stay flat")
			require.Zero(b, c.open())
		})
	}
}

// TestStepsDoNotAllocate: once its buffers have grown, a transaction from request to forgotten.
func TestStepsDoNotAllocate(t *testing.T) {
	c := newCluster(t, 3, 3)
	seq := 0
	commit := func() {
		seq++
		c.request(1, seq)
		require.NoError(t, c.run())
	}
	commit()
	require.Zero(t, testing.AllocsPerRun(100, commit))
}
