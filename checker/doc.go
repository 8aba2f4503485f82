// Package checker judges runs. A Monitor watches one run from outside, step by step, knows nothing but what leaves the machines
// (records that are durable, messages that are sent, outcomes that are learned, effects on databases, answers to clients),
// and stops at the first property that is broken.
//
//	property         what must hold                                                            from
//	Agreement        at most one value is ever chosen in an instance                           PaxosCommit.tla
//	Consistency      no two processes learn different outcomes                                 TCommit.tla, TCConsistent
//	Validity         committed only if every member prepared; prepared is never invented;      paper, section 2
//	                 aborted only if in some instance prepared can no longer be chosen
//	Durability       what a process has revealed of its state survives its crashes             paper, section 3.1
//	History          each resource manager is working, prepared, then has one outcome; its     TCommit.tla, TCNext
//	                 database applies it exactly once, in lock order, and no money is made
//	Linearizability  what clients saw fits the order in which transactions were committed      Herlihy and Wing
//	NonBlocking      after settle everybody decides within Config.SettleBound steps            paper, section 2
//	Contract         machines return no error and do not panic: no peer misbehaves here        package core
//
// What the properties say of instances and acceptors is said of the records and messages of package core, whichever protocol
// writes them; a protocol without acceptors simply has none to judge.
//
// The direct check of Linearizability here uses what the monitor has seen inside. Package history judges the clients' view
// alone, with two more checkers, and must agree.
package checker
