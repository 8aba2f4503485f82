package replicated

import (
	"fmt"
	"testing"

	"paxoscommit/core"
	"paxoscommit/core/internal/rounds"

	"github.com/stretchr/testify/require"
)

// BenchmarkCommit commits one transaction an iteration, from the client's request until everybody
// has forgotten it, on nodes in one process: storage completes at once, the databases answer at
// once. The figures are those of the machines, and a small part the queue.
func BenchmarkCommit(b *testing.B) {
	for _, replicas := range []int{1, 3} {
		b.Run(fmt.Sprintf("rms=3/replicas=%d", replicas), func(b *testing.B) {
			w, begun := newRounds(b, replicas), 0
			b.ReportAllocs()
			for b.Loop() {
				begun++
				w.Request(rmRole(1, 1), begun)
				if err := w.Run(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(begun)/b.Elapsed().Seconds(), "commits/s")
			require.Equal(b, begun, w.Told[core.MsgCommit])
			require.Equal(b, 4*replicas*begun, w.Wrote[core.RecordForget], "memory must stay flat")
		})
	}
}

func newRounds(t testing.TB, replicas int) *rounds.World {
	t.Helper()
	l, err := core.NewLayout(core.Sizes{RMs: 3, TMs: 1, Replicas: replicas})
	require.NoError(t, err)
	return rounds.New(Protocol{}.New, l)
}

// TestStepsDoNotAllocate: once its buffers have grown, a transaction from request to forgotten.
func TestStepsDoNotAllocate(t *testing.T) {
	w, seq := newRounds(t, 3), 0
	commit := func() {
		seq++
		w.Request(rmRole(1, 1), seq)
		require.NoError(t, w.Run())
	}
	commit()
	require.Zero(t, testing.AllocsPerRun(100, commit))
}
