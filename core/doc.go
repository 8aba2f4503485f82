// Package core is the vocabulary that every commit protocol here is written in, and the contract
// that a machine keeps.
//
// A Machine is one process. It is a pure function: Step takes one Input and appends to an Output
// what the process wants. There is no clock, no I/O, no random number, no goroutine and no log
// line; whoever drives the machine supplies them. A Process is the machine of every protocol here:
// a Part for each role, and a table of who sends what to whom.
//
// # One transaction
//
// Client 1 asks resource manager 1 to commit transaction c1.1, whose members are rm1 and rm2 (Paxos
// Commit, three acceptors of which the first two are used, classic form):
//
//	cl1->rm1   request                        rm1 asks its database
//	rm1->res1  prepare
//	res1->rm1  vote val=prepared              rm1 appends a vote record, and gates on it
//	rm1->ldr1  begin-commit
//	rm1->acc1  phase2a bal=0 ins=1            ballot 0 belongs to the resource manager
//	rm1->acc2  phase2a bal=0 ins=1
//	ldr1->rm2  prepare                        and rm2 does what rm1 did
//	acc1->ldr1 phase2b bal=0 prepared=1,2     one bundle, gated on one acceptor record
//	acc2->ldr1 phase2b bal=0 prepared=1,2     F+1 of them: every instance chose prepared
//	ldr1->rm1  commit                         rm1 appends an outcome record, and
//	rm1->res1  commit                         tells its database once that is durable
//	res1->rm1  done
//	rm1->ldr1  done                           once all members are, ldr1 has all forget c1.1
//
// # The contract
//
//   - Everything is a message, a timer, or a record read back. The database behind a resource
//     manager and the client are roles too (res1, cl1): preparing takes time, may fail, and no
//     answer is never an answer.
//   - Storage is asynchronous, and there is no synchronous mode. Step says what to append and what
//     is gated on it; the driver appends, and lets the gated messages go when the log up to that
//     point is durable. A machine gates on *all* that it has asked for so far, so it needs neither
//     log positions nor to be told of completions: completion is an input of the driver's, and the
//     window between written, durable and sent exists in every run of the harness.
//   - After a crash the driver resets the machine, gives it every durable record in order as
//     InputRecord, then InputRestart, then a MsgFound from each resource for every transaction it
//     holds prepared. The resource of a replicated resource manager outlives any restart; it sends
//     MsgFound to every replica from time to time, as long as it holds the transaction.
//   - The driver decides how long timers run and how they back off. Messages may be lost, repeated
//     and reordered; each role's retry timer says again what has had no answer, so the driver need
//     not. Messages between a resource manager and its resource are not repeated, and are lost only
//     in a crash of their node.
//   - An input that changes nothing is reported in Output.Dropped with the reason. Step returns an
//     error only for input that no correct peer or driver produces, and then leaves the state as it
//     was. It panics only when an invariant of its own is broken.
//
// The numbers 1 to 64 name resource managers, which are the instances of Paxos as well: one per
// resource manager.
package core
