package fuzz

import (
	"slices"

	"paxoscommit/core"
	"paxoscommit/harness"
	"paxoscommit/harness/explore"
)

// Faults is a set of kinds of fault.
type Faults uint16

// The kinds of fault.
const (
	Drops Faults = 1 << iota
	Duplicates
	Refusals
	Timeouts
	Crashes
	Deaths
	Partitions
	GiveUps
	AllFaults = GiveUps<<1 - 1
)

// Lossy are the kinds of fault that the synchronous timing does not have: no message is lost, and
// crashes are for good.
const Lossy = Drops | Crashes

// Options say what a campaign is to do. Numbers of roles that are 0 are drawn anew for each run.
// With Coverage, which is of the same protocol, every run is one of its world, and the coverage
// counts what the runs visit; then the options from RMs to Synchronous choose nothing.
type Options struct {
	Protocol    core.Protocol
	Coverage    *explore.Coverage
	RMs         int
	Acceptors   int
	Leaders     int
	Faults      Faults
	Synchronous bool // there are none of the faults in Lossy
	Seed        uint64
	CheckRuns   uint64 // of Check, which has a default; a campaign has its own number
}

func (o *Options) timing() harness.Timing {
	if o.Synchronous {
		return harness.Synchronous
	}
	return harness.Asynchronous
}

// The numbers of roles that a run draws from unless the options fix them, with equal odds, and in
// ascending order.

func drawnRMs() [3]int       { return [...]int{1, 2, 3} }
func drawnAcceptors() [8]int { return [...]int{1, 2, 3, 3, 3, 3, 3, 5} }
func drawnLeaders() [4]int   { return [...]int{1, 2, 2, 3} }

// Sizes returns the numbers of resource managers, acceptors and leaders that runs of the options
// may have, each in ascending order.
func (o *Options) Sizes() (rms, acceptors, leaders []int) {
	some := func(fixed int, drawn []int) []int {
		if fixed != 0 {
			return []int{fixed}
		}
		return slices.Compact(drawn)
	}
	a, b, c := drawnRMs(), drawnAcceptors(), drawnLeaders()
	return some(o.RMs, a[:]), some(o.Acceptors, b[:]), some(o.Leaders, c[:])
}
