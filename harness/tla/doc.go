// Package tla turns runs of Paxos Commit into traces of BundledPaxosCommit.tla, one of each
// transaction, which TLC or [specs.Trace.Check] hold against that specification, step by step.
//
//	in a run                                         event
//	record vote, outcome of a resource manager       vote, outcome
//	record of an acceptor                            acceptor
//	record forget of an acceptor                     forget
//	phase 1a leaves                                  phase1a
//	phase 2a of a ballot above 0 leaves              phase2a
//	Commit or Abort leaves a resource manager or
//	leader, to anybody but a database                decide
//
// Records count when they are durable: until then, a crash undoes what the machine did. All else
// that happens is a stutter. A message that is sent again is no new event, nor is forgetting again,
// which one transaction's low-water mark does to others.
package tla
