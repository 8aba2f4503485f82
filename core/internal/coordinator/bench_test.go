package coordinator

import (
	"testing"

	"paxoscommit/core"
	"paxoscommit/core/internal/rounds"

	"github.com/stretchr/testify/require"
)

// BenchmarkCommit commits one transaction an iteration, from the client's request until everybody
// has forgotten it, on nodes in one process. The figures are those of the machines, and a small
// part the queue.
func BenchmarkCommit(b *testing.B) {
	for _, rules := range []Rules{twoPhase(), threePhase(Terminates)} {
		b.Run("rms=3/protocol="+rules.Name, func(b *testing.B) {
			w, begun := rounds.New(func() core.Machine { return New(rules) }, apart(b)), 0
			b.ReportAllocs()
			for b.Loop() {
				begun++
				w.Request(rmRole(1), begun)
				if err := w.Run(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(begun)/b.Elapsed().Seconds(), "commits/s")
			require.Equal(b, 4*begun, w.Wrote[core.RecordOutcome])
			require.Equal(b, 4*begun, w.Wrote[core.RecordForget], "memory must stay flat")
		})
	}
}
