package fuzz

import (
	"testing"

	"paxoscommit/fuzz/internal/require"
	"paxoscommit/harness"
)

// A run in which nothing begins, because that was drawn to be rare, would show nothing.
func TestEveryRunBeginsATransaction(t *testing.T) {
	for _, p := range Protocols() {
		r := newRunner(&Options{Protocol: p, Faults: Withstands(p), Seed: 1})
		for run := range few(1000) {
			begun := 0
			_, err := r.run(run, func(a harness.Action) {
				if a.Type == harness.Begin {
					begun++
				}
			})
			require.NoError(t, err)
			require.True(t, begun > 0, "%s: nothing has begun in run %d", p.Name(), run)
		}
	}
}

// BenchmarkRun is a complete run with all checkers on, of 3 resource managers and as many of the
// other roles as these bounds say, with the faults that the protocol withstands.
func BenchmarkRun(b *testing.B) {
	for _, p := range Protocols() {
		b.Run("protocol="+p.Name(), func(b *testing.B) {
			_, most := p.Limits()
			benchmarkRun(b, &Options{
				Protocol: p, RMs: 3, Acceptors: min(3, most.Acceptors), Leaders: min(2, most.Leaders),
				Replicas: min(3, most.Replicas), Faults: Withstands(p), Seed: 1,
			})
		})
	}
}

func benchmarkRun(b *testing.B, o *Options) {
	r := newRunner(o)
	b.ReportAllocs()
	steps, i := 0, uint64(0)
	for b.Loop() {
		if _, err := r.run(i, nil); err != nil {
			b.Fatal(err)
		}
		steps += r.world.Steps()
		if v := r.world.Violation(); v != nil {
			b.Fatalf("run %d: %v", i, v)
		}
		i++
	}
	b.ReportMetric(float64(steps)/b.Elapsed().Seconds(), "steps/s")
	b.ReportMetric(float64(steps)/float64(i), "steps/run")
	b.ReportMetric(float64(i)/b.Elapsed().Seconds(), "runs/s")
	b.ReportMetric(float64(r.judge.Judged)/float64(i), "judged/run")
}
