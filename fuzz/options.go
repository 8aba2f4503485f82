package fuzz

import (
	"paxoscommit/core"
	"paxoscommit/harness"
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

// Options say what a campaign is to do. Numbers of roles that are 0 are drawn anew for each run.
type Options struct {
	Protocol    core.Protocol
	RMs         int
	Acceptors   int
	Leaders     int
	Faults      Faults
	Synchronous bool
	Seed        uint64
	CheckRuns   uint64 // of Check, which has a default; a campaign has its own number
}

func (o *Options) timing() harness.Timing {
	if o.Synchronous {
		return harness.Synchronous
	}
	return harness.Asynchronous
}
