// Package twophase is two-phase commit as Gray and Lamport describe it in section 3.2 of
// "Consensus on Transaction Commit" (ACM TODS 31(1), 2006), with presumed abort (Mohan, Lindsay
// and Obermarck, "Transaction Management in the R* Distributed Database Management System", ACM
// TODS 11(4), 1986). It is the protocol that Paxos Commit replaces: when the transaction manager
// is gone for good, resource managers that are prepared wait for ever.
//
//	core/internal/coordinator  TwoPhase.tla                   paper
//	rm.request, rm.vote        RMPrepare, RMChooseToAbort     3.2: the first prepares by itself
//	tm.vote                    TMRcvPrepared                  3.2: Prepare to every other one
//	tm.decide                  TMCommit, TMAbort              3.2: durable, then Commit to every one
//	rm.outcome                 RMRcvCommitMsg, RMRcvAbortMsg  3.2
//
// A commit takes 3N-1 messages, N+1 forced writes before the outcome is told, and four message
// delays; with the transaction manager on the node of the first resource manager 3N-3 and three.
//
// # What is durable when
//
//	vote     before it is told
//	outcome  at a resource manager, before its resource acts on it
//	outcome  at the transaction manager, before any Commit
//	ballot   at the transaction manager, in each restart: how many there were
//	forget   before anybody is told that a transaction is forgotten
//
// # Presumed abort
//
// The transaction manager writes no abort down, and needs no acknowledgement of one: after a crash
// no information means abort. A commit it remembers until every resource manager has said that it
// is done. Messages are repeated and late, so a vote from before a crash must not begin the
// transaction as if it were new. That is what the count of restarts is for: it is in every message
// of the transaction manager, a vote is cast for the count that is known then, once and for all,
// and only votes for the present count are counted. To say its vote again is how a resource
// manager in doubt asks for the outcome. The one abort that is written down is of a transaction
// that a client asked about and nobody has voted on.
//
// # Cooperative termination
//
// With the option cooperative a resource manager in doubt that waits no longer asks the other
// members (Bernstein, Hadzilacos and Goodman, "Concurrency Control and Recovery in Database
// Systems", section 7.4). One that knows the outcome tells it; one that has not voted aborts, for
// good, and says so; when all that live are in doubt they all stay so.
package twophase
