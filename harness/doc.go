// Package harness is the deterministic world in which the machines of a commit protocol run:
// network, disks, crashes, timers, databases and clients, all in one value, with one clock, the
// count of steps.
//
// A World lists what can happen next (Enabled) and makes one of these happen (Apply). Whoever
// chooses decides the run: a random number generator, the bytes of a fuzzer, a model checker, or a
// person with a text file. What was chosen is a Schedule: a line an action, each named by content,
// so that it survives changes of the code, can be edited by hand, minimised and pasted into a test.
// The same Config and the same Schedule give the same run, byte for byte, on every platform. Who
// takes millions of random steps names an action by its place instead (Possible, Find, Do), which
// is the same action and costs less.
//
// # What can happen
//
//	begin cl1                      the client asks for its next transaction
//	deliver rm1->acc2 phase2a ...  a message in flight arrives; any of them can be next
//	drop, duplicate                it is lost, or one more copy of it is in flight
//	refuse rm1->res1 prepare ...   the database cannot prepare, and votes aborted
//	fire ldr1 takeover tx=c1.1     an armed timer runs out
//	sync n1                        the node's disk has completed the oldest record it had not
//	crash n1, crash-keep n1        the node loses what was not completed, or keeps it untold
//	die n1                         it crashes for good
//	restart n1                     it comes back with its log
//	cut n1                         it changes to the far side of a partition
//	heal                           the partition is over
//	giveup cl1                     the client stops waiting; its transaction stays open
//	settle                         no faults from here on: the end of every run
//
// A disk completes one record at a time, so that a crash can come between any two, also of one
// step, and what is gated on the first leaves without the second.
//
// Messages between roles of one node, and between a resource manager and its resource, are neither
// lost nor repeated, but they take any time. A prepare that is on its way to the database when the
// node crashes may still arrive. The database of a replicated resource manager may be on another
// node; its messages are then like any, and as long as it holds a transaction prepared it has a
// timer by which it says so to every replica.
//
// # Timing
//
// In the asynchronous timing an armed timer may fire at any moment. In the synchronous timing it
// may only when one of those it waits for is dead or cut off and nothing from it is in flight: the
// assumption that three-phase commit needs. A timer by which something is only said again suspects
// nobody, and may also fire when nothing else moves. Crashes are for good, and no message is lost
// but those of a process that died before it had said them all. After settle nothing needs to be
// dead, for in Settle timers run out only when nothing is in flight and every disk has completed
// all: whoever is waited for then will not speak, and with bounded delays the time for it has
// passed.
//
// # The end of a run
//
// After settle the world heals, restarts what can be restarted, and runs a fair schedule (Settle):
// everything in flight is delivered; when nothing moves, timers fire. Within Config.SettleBound
// steps every resource manager that runs and has voted on a transaction must have its outcome on
// disk, no database behind one that runs may hold the locks of one, and every client that waits
// must have its answer. Otherwise the protocol blocks. A member that was never asked need not know.
package harness
