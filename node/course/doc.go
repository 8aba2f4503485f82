// Package course speaks the messages of the course "Build Distributed Systems", track 9, on top of
// the machines of this module: participants, coordinators, proposers and acceptors are the resource
// managers, transaction managers, leaders and acceptors of package core.
//
//	session.go  what the node is told, and what it answers
//	apart.go    participants, acceptors and coordinator as nodes of their own
//	acceptor.go an acceptor for proposers elsewhere
//	play.go     a system inside the node: its processes, the network between them, faults
//	render.go   the messages of core in the course's words
//	compare.go  benchmark and compare_blocking, which run systems and report what happened
//
// # Who plays
//
// The course gives a single program all the messages, so everybody that init names is played inside
// this node, each as a process of its own with its own log. What they say to each other is written
// as lines too, but behind the answers to clients: when nothing is on its way any more. What is
// said again because it had no answer is not written again.
//
// A node that init names among the acceptors is that acceptor, for proposers elsewhere: each
// prepare and accept is for the instance of its participant (and txn_id, if it has one).
//
// # How the words map
//
//	course                       here
//	prepare, promise             phase1a, phase1b, a line for each participant
//	accept, accepted             phase2a, phase2b, a line for each participant
//	proposal_id                  ballot
//	can_commit (prepare in 2PC)  request to the first participant, prepare to the others
//	can_commit_yes, _no          vote; in Paxos Commit relay, the vote for the proposer to propose
//	pre_commit, pre_commit_ack   pre-commit, pre-committed
//	do_commit, do_abort          commit, abort
//	have_committed, _aborted     done
//
// A promise carries accepted_proposal_id beside accepted_value, since no proposer can be right
// without it. Paxos Commit runs with relayed votes: the participant tells the proposer its vote,
// and the proposer runs both phases with it. Three-phase commit runs with the course's rule: who is
// pre-committed commits on a time-out, who has only voted waits.
package course
