package fuzz

import (
	"testing"

	"paxoscommit/core/paxoscommit"
	"paxoscommit/harness"
)

func BenchmarkRun(b *testing.B) {
	o := &Options{
		Protocol: paxoscommit.Protocol{}, RMs: 3, Acceptors: 3, Leaders: 2, Faults: AllFaults, Seed: 1,
	}
	r := newRunner(o)
	b.ReportAllocs()
	steps, i := 0, uint64(0)
	for b.Loop() {
		if _, err := r.run(i, nil); err != nil {
			b.Fatal(err)
		}
		steps += r.world.Steps()
		if v := r.world.Violation(); v != nil {
			var acts []harness.Action
			r.run(i, func(a harness.Action) { acts = append(acts, a) })
			for _, a := range acts {
				b.Log(a)
			}
			b.Fatal(i, v)
		}
		i++
	}
	b.ReportMetric(float64(steps)/b.Elapsed().Seconds(), "steps/s")
	b.ReportMetric(float64(steps)/float64(i), "steps/run")
	b.ReportMetric(float64(r.judge.Judged)/float64(i), "judged/run")
}
