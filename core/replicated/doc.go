// Package replicated is two-phase commit whose coordinator and participants are each a group of
// replicas (Corbett et al., "Spanner", OSDI 2012, section 4.2.1), as pure machines under the
// contract of package core.
//
// Each group has a log kept by Paxos among its own replicas, and a vote, a decision or an outcome
// is acted on only when it is chosen in the log of its group. What one process does in two-phase
// commit the leader of a group does here, and what that process forces to its disk a majority of
// the group does. It waits only while some group has no majority.
//
//	here                 what it is
//	participant.prepare  a group is asked to prepare: its leader asks the database
//	participant.vote     the leader proposes the Prepare entry
//	participant.outcome  the leader proposes the Outcome entry
//	manager.collect      the coordinator asks for votes
//	manager.decide       the coordinator proposes its Decision
//	replica.takeOver     phase 1 of a new leader's ballot
//	participant.lead     the end of phase 1: a vote without outcome is in doubt
//	manager.lead         the end of phase 1: a decision is told again, votes are collected again
//
// # The log
//
// For each transaction the log of a resource manager's group has two places, the vote and the
// outcome, and that of the coordinator's group has one, the decision. All places of a transaction
// share one promise and one accepted ballot, {mbal, bal, entries}. Ballot 0 belongs to replica 1,
// higher ballots go round the replicas. A leader proposes in its ballot everything that phase 1 has
// found before it adds anything, and then only adds, so what a replica has accepted in its highest
// ballot holds all that was chosen in lower ones. A leader accepts its own proposal, durably,
// before it sends it: it never proposes two values in one ballot, and after a restart it goes on
// leading.
//
// # Who begins
//
// A client asks a replica of the first resource manager, which passes the request on, as it came,
// to the coordinator. So a fault-free transaction that commits costs what two-phase commit costs
// between the leaders, N times prepare, vote and outcome, and one append for each of N votes, the
// decision and N outcomes, each 2F messages to and from F others and F+1 forced writes:
// 3N + 2F(2N+1) messages and (F+1)(2N+1) writes. Until the members know, it takes 7 message delays
// if F >= 1, and the client's request is on its way for one more. An append is two write delays,
// for a follower writes after the leader (see above).
//
// # Recovery
//
// A replica that hears of a transaction and does not lead takes over in time, counted from when its
// leader was last heard: a leader that waits for others shows that it lives whenever it asks them
// again, and nobody else who asks puts the take-over off. A new leader of a
// resource manager asks the database for a vote if the log has none. If it has one without an
// outcome, the leader tells the coordinator the vote again until it is told the outcome: it never
// decides. A new leader of the coordinator that finds no decision collects the votes again, and
// proposes to abort when it has waited for them in vain. One who is asked about a transaction that
// he does not know does the same, so that what is presumed is chosen before it is said. The place
// decides: the first value chosen in it wins.
//
// The database of a group has nobody who would speak for it after a restart, so one that holds a
// transaction prepared says so from time to time (MsgFound).
//
// # What is durable when
//
//	mbal             before the 1a or 1b that reveals it
//	bal and entries  before the 2a or 2b that reveals them
//	forget           before anybody is told that a transaction is forgotten
//
// # Forgetting
//
// When every member has applied the outcome for good, the coordinator's leader forgets the
// transaction and has all replicas forget it. Whoever does not hear of it says once more that it is
// done, or takes over, and is told. What is forgotten stays known as finished (core.Finished), and
// never looks like a place that is free: a replica that has forgotten promises nothing, so among
// those that do promise, if they are enough, is one that has accepted what was chosen.
package replicated
