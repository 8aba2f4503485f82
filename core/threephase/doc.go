// Package threephase is three-phase commit (Skeen, "Nonblocking Commit Protocols", SIGMOD 1981;
// Skeen and Stonebraker, "A Formal Model of Crash Recovery in a Distributed System", IEEE TSE
// 1983): the answer to two-phase commit that needs time-outs to be right. Between votes and commit
// every resource manager is told that all are prepared (pre-commit), so that those who live can
// decide without the transaction manager.
//
//	core/internal/coordinator  here
//	tm.vote                    all have voted Yes: pre-commit, and an abort as in package twophase
//	tm.preCommitted            all that live are pre-committed: commit
//	rm.preCommit               pre-committed, durably, and said so
//	rm.takeOver                the rule set
//	rm.elect, rm.lead          the termination protocol: the lowest-numbered member that lives leads
//	rm.proceed                 some pre-committed: all must be, then commit; none: abort
//
// Three rule sets say what a resource manager does that waits no longer:
//
//	3pc           Skeen's termination protocol, with election: never blocks and never splits if
//	              crashes are for good, time-outs true, and there is no partition
//	3pc-course    pre-committed it commits, else it waits: it never splits, and blocks
//	3pc-timeouts  pre-committed it commits, else it aborts: one crash between two pre-commits splits
//
// Whoever waits for several waits for one after the other, so that a time-out says which of them
// is dead; that one alone is ignored. A resource manager that returns from a crash takes nobody
// for dead: they may have gone on without it.
package threephase
