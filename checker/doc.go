// Package checker judges runs. A Monitor watches one run from outside, step by step, knows nothing
// but what leaves the machines (records that are durable, messages that are sent, outcomes that are
// learned, effects on databases, answers to clients), and stops at the first property that is
// broken.
//
//	Agreement        at most one value is ever chosen in an instance (PaxosCommit.tla)
//	Consistency      no two processes learn different outcomes (TCommit.tla, TCConsistent)
//	Validity         committed only if every member prepared; prepared is never invented;
//	                 aborted only if in some instance prepared can no longer be chosen (section 2);
//	                 with a registrar the members are those that joined, all that must among them,
//	                 and nobody else votes or commits (section 6)
//	Durability       what a process has revealed of its state survives its crashes (section 3.1);
//	                 what a replica tells, its group has chosen
//	History          each resource manager is working, prepared, then has one outcome (TCommit.tla,
//	                 TCNext); its database applies it exactly once, in lock order, makes no money
//	Linearizability  what clients saw fits the order in which transactions were committed
//	NonBlocking      after settle everybody decides within Config.SettleBound steps (section 2)
//	Contract         machines return no error and do not panic: no peer here misbehaves
//
// What the properties say of instances and acceptors is said of the records and messages of package
// core, whichever protocol writes them; a protocol without acceptors simply has none to judge.
//
// Where roles are replicated, a resource manager has voted, or has its outcome, and the coordinator
// has decided, when a majority of the role's replicas has durably accepted that in one ballot. Each
// of these is one more instance for Agreement.
//
// The direct check of Linearizability here uses what the monitor has seen inside. Package history
// judges the clients' view alone, with two more checkers, and must agree.
package checker
