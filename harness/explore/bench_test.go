package explore

import (
	"fmt"
	"testing"

	"paxoscommit/checker/mc"
	"paxoscommit/core/paxoscommit"

	"github.com/stretchr/testify/require"
)

// BenchmarkExplore explores worlds of growing size with one worker.
func BenchmarkExplore(b *testing.B) {
	for _, z := range []Size{
		{RMs: 1, Acceptors: 3, Leaders: 1, Takeovers: 1},
		{RMs: 2, Acceptors: 3, Leaders: 1},
		{RMs: 2, Acceptors: 3, Leaders: 1, Takeovers: 1},
		{RMs: 2, Acceptors: 1, Leaders: 1, Takeovers: 1, Crashes: 1},
	} {
		b.Run(fmt.Sprintf("world=%v", z), func(b *testing.B) {
			c, err := NewConfig(paxoscommit.Protocol{}, z)
			require.NoError(b, err)
			b.ReportAllocs()
			generated, visited := uint64(0), 0.0
			for b.Loop() {
				r, err := Explore(c, mc.Options{Workers: 1})
				require.NoError(b, err)
				require.Equal(b, mc.Holds, r.Verdict)
				generated += r.Generated
				visited = float64(r.VisitedBytes) / float64(r.Distinct)
			}
			b.ReportMetric(float64(generated)/b.Elapsed().Seconds(), "transitions/s")
			b.ReportMetric(visited, "bytes/state")
		})
	}
}
