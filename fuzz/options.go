package fuzz

import (
	"slices"

	"paxoscommit/core"
	"paxoscommit/harness"
	"paxoscommit/harness/explore"
)

// Faults is a set of kinds of fault.
type Faults uint16

// The kinds of fault, in the order of harness.Budget.
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

// Options say what a campaign is to do. Numbers of roles that are 0 are drawn anew for each run,
// within the limits of the protocol. With Coverage, which is of the same protocol, every run is one
// of its world, and the coverage counts what the runs visit; then the options from RMs to
// Synchronous choose nothing.
type Options struct {
	Protocol    core.Protocol
	Coverage    *explore.Coverage
	RMs         int
	Acceptors   int
	Leaders     int
	Registrars  int
	Replicas    int
	Apart       bool // every role is on a node of its own; if not, in a quarter of the runs they share
	Faults      Faults
	Synchronous bool // there are no Crashes
	Seed        uint64
	CheckRuns   uint64 // of Check, which has a default; a campaign has its own number
}

// granted returns the configuration of a run with at least one of each fault that the options have,
// though none was drawn for it: a shorter schedule may need it.
func (o *Options) granted(c harness.Config) harness.Config {
	for i, n := range c.Budget.Kinds() {
		if o.Faults>>i&1 != 0 && (Faults(1<<i) != Crashes || c.Timing != harness.Synchronous) {
			*n = max(*n, 1)
		}
	}
	return c
}

func (o *Options) timing() harness.Timing {
	if o.Synchronous {
		return harness.Synchronous
	}
	return harness.Asynchronous
}

// size is a number of roles: fixed by the options, or if that is 0 drawn from the first few odds
// and brought within the limits of the protocol. It is in one piece, for each run asks for sizes.
type size struct {
	fixed       int
	few         int
	odds        [8]int // in ascending order
	least, most int
}

func (s *size) clamp(n int) int { return min(max(n, s.least), s.most) }

// sizes returns how many resource managers, acceptors, leaders, registrars and replicas there are.
func (o *Options) sizes() [5]size {
	least, most := o.Protocol.Limits()
	return [...]size{
		{o.RMs, 3, [8]int{1, 2, 3}, least.RMs, most.RMs},
		{o.Acceptors, 8, [8]int{1, 2, 3, 3, 3, 3, 3, 5}, least.Acceptors, most.Acceptors},
		{o.Leaders, 4, [8]int{1, 2, 2, 3}, least.Leaders, most.Leaders},
		{o.Registrars, 4, [8]int{0, 0, 0, 1}, least.Registrars, most.Registrars},
		{o.Replicas, 6, [8]int{1, 2, 3, 3, 3, 5}, least.Replicas, most.Replicas},
	}
}

// Drawn are the numbers of roles that runs may have, each in ascending order.
type Drawn struct{ RMs, Acceptors, Leaders, Registrars, Replicas []int }

// Drawn returns the numbers of roles that runs of the options may have.
func (o *Options) Drawn() Drawn {
	var n [5][]int
	for i, s := range o.sizes() {
		if s.fixed != 0 {
			n[i] = []int{s.fixed}
			continue
		}
		for _, drawn := range s.odds[:s.few] {
			n[i] = append(n[i], s.clamp(drawn))
		}
		n[i] = slices.Compact(n[i])
	}
	return Drawn{n[0], n[1], n[2], n[3], n[4]}
}
