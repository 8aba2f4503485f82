// Package paxoscommit is Paxos Commit as Gray and Lamport describe it in "Consensus on Transaction
// Commit" (ACM TODS 31(1), 2006), as pure machines under the contract of package core.
//
// Each resource manager's vote is decided by an instance of Paxos of its own, all instances share
// the acceptors, and the transaction is committed iff every instance chose prepared. Any leader can
// finish any transaction with a higher ballot, so that no crash of F acceptors and of all leaders
// but one makes anybody wait for ever.
//
//	here              PaxosCommit.tla                paper
//	rm.vote           RMPrepare, RMChooseToAbort     3.1, 4.2: phase 2a of ballot 0
//	leader.begin      -                              3.2, 4.3: BeginCommit, Prepare
//	acceptor.phase1a  Phase1b                        4.1
//	acceptor.phase2a  Phase2b                        4.1, 4.2: bundled 2b
//	leader.takeOver   Phase1a                        4.1
//	leader.relayed    Phase1a                        4.2: the vote goes by way of the leader
//	leader.phase1b    Phase2a                        4.1: highest ballot, free means aborted
//	leader.phase2b    Decide                         4.2: distilled phase 3
//	rm.phase2b        Decide                         4.3: Faster Paxos Commit
//	rm.outcome        RMRcvCommitMsg, RMRcvAbortMsg  3.1
//
// # One ballot for all instances
//
// A leader's phase 1a and 2a speak for every instance of the transaction at once, and an acceptor
// keeps one promise and one accepted ballot a transaction: {mbal, bal, votes}. Nothing is lost by
// it: the instances of one transaction have the same leader and acceptors (section 4.1), in ballot
// 0 each instance is proposed by its own resource manager, and above 0 every phase 2a holds a value
// for each. So whatever an acceptor has accepted, it has accepted in a single ballot: 0 for some
// instances, or a higher one for all. A step here is a sequence of the specification's steps, one
// an instance.
//
// # Relayed votes
//
// With the option relayed nobody uses ballot 0. A resource manager tells the leader its vote, and
// the leader proposes it as an ordinary Paxos proposer does, with both phases of a ballot of its
// own: the form that section 4.2 begins with, two message delays slower, and the one that courses
// teach. The vote is durable before it is told, and never changes, so a leader proposes it
// wherever its phase 1 finds the instance free; where it knows no vote it proposes aborted, as
// always. A leader begins its first ballot as soon as the votes it knows settle the outcome, or on
// a time-out.
//
// # Dynamic resource managers
//
// With a registrar (core.Sizes.Registrars) the client says who may take part in a transaction and
// who of them must, and who does is decided in one more instance: the registrar's, whose value is a
// set of resource managers (section 6). The transaction is committed iff that instance chose a set,
// and everybody in it chose prepared.
//
//	here                   paper
//	rm.join, rm.enlist     6.2: joining; the first one has the others join
//	registrar.join         6.2: the registrar adds it to the set, and tells it so
//	rm.tooLate             6.3: who comes when the set is closed has no part in it
//	registrar.beginCommit  6.3: the set is closed, proposed in ballot 0, and asked to prepare
//	registrar.propose      6.3: phase 2a of the registrar's ballot 0
//	leader.phase1b         6.3: highest ballot for this instance too, free means aborted
//	leader.query           6.4: who wants to know has a leader find out, from the descriptor alone
//	entry, outcome         6: the registrar's value, and what follows from it
//
// Every message carries the descriptor: here that is core.Message.Members, who may join, the same
// from the first message to the last. It does not decide: acceptors, leaders and learners go by the
// set that is accepted. The first resource manager begins, which closes the set, when everybody
// has joined; and when its timer fires, if all have joined that must.
//
// Who joins later is told that he is too late: by the registrar, once that is durable, or by a
// leader that has learned the set. He holds nothing and keeps nothing. Whoever waits for a part
// asks the leaders too, so that none waits for ever for a registrar that is dead. A commit and the
// answer to it name the set, so that a leader that knows nothing else of the transaction knows whom
// to wait for before it is forgotten. An abort may come before anybody knows a set: all members are
// told.
//
// Joins are durable, which costs a write a member. A registrar that refused, after a restart, what
// it does not remember would have to know what it has lost, from a record of each transaction that
// it begins to take joins for, and would abort what nothing was wrong with. A resource manager
// keeps nothing of its joining: it joins again. The registrar proposes its set once and for ever,
// so in no ballot are there two.
//
// Votes and set go by one bundle, one promise and one accepted ballot a transaction, as above. An
// abort does not wait for the set: nobody votes before it is certain that every set will hold him.
//
// # What is durable when
//
//	join      before the registrar says that somebody has joined
//	set       before the phase 2a of ballot 0, and any Prepare, that reveals it
//	vote      before the phase 2a of ballot 0, or the relay, that reveals it
//	acceptor  {mbal, bal, votes} before the 1b or 2b that reveals it, one record a bundle
//	ballot    before the phase 1a that uses it, so that a restarted leader never uses it again
//	outcome   before the resource acts on it
//	forget    before anybody is told that a transaction is forgotten
//
// # Forgetting
//
// When every member has applied the outcome for good, the leader tells members and acceptors to
// forget the transaction. What is forgotten stays known as finished (core.Finished), and every
// message about it is answered with MsgForgotten: it never looks like a transaction that nobody has
// voted on yet, which a leader would be free to abort.
package paxoscommit
