------------------------- MODULE BundledPaxosCommit -------------------------
\* Paxos Commit as the machines of core/paxoscommit run it, with what section 4 of the paper allows
\* beyond PaxosCommit: bundles, relayed votes, the abort short-circuit, Faster Paxos Commit; and with
\* forgetting.
\*
\* All instances of a transaction share its ballots. A leader's phase 1a and 2a speak for every
\* instance at once, and so do an acceptor's answers; only ballot 0, in which each resource manager
\* proposes for itself, is accepted piece by piece, in bundles. So an acceptor has one promise, and
\* one ballot in which it has accepted, for all instances: OneBallot. The variables and messages
\* are those of PaxosCommit, with a message for each instance where the machines send one for all,
\* and a step here is a sequence of steps there, but for a vote that a leader proposes, ShortCircuit,
\* RMLearn and Forget.

EXTENDS PaxosCommit

VARIABLE forgotten  \* the acceptors that have forgotten the transaction

bundledVars == <<rmState, aState, msgs, forgotten>>

BundledTypeOK == PCTypeOK /\ forgotten \in SUBSET Acceptor

BundledInit == PCInit /\ forgotten = {}

SendAll(ms) == msgs' = msgs \cup ms

InEachInstance(type, bal) ==
  \A ins \in RM : \E m \in msgs : m.type = type /\ m.ins = ins /\ m.bal = bal

\* The value proposed in a ballot of an instance; there is at most one.
Proposed(ins, bal) ==
  (CHOOSE m \in msgs : m.type = "phase2a" /\ m.ins = ins /\ m.bal = bal).val

\* A leader.

BundledPhase1a(bal) ==
  /\ SendAll({[type |-> "phase1a", ins |-> ins, bal |-> bal] : ins \in RM})
  /\ UNCHANGED <<rmState, aState, forgotten>>

\* Propose in every instance, with the promises of one majority. Where that leaves the choice, the
\* resource manager's vote may be proposed, if it has told that to the leader, as the option relayed
\* has it: told are such instances where it is prepared.
BundledPhase2a(bal) ==
  /\ ~ \E m \in msgs : m.type = "phase2a" /\ m.bal = bal
  /\ \E MS \in Majority :
       LET promises(ins) == {m \in msgs : /\ m.type = "phase1b"
                                          /\ m.ins = ins
                                          /\ m.mbal = bal
                                          /\ m.acc \in MS}
           highest(ins) ==
             CHOOSE m \in promises(ins) : \A other \in promises(ins) : m.bal >= other.bal
           free(ins) == highest(ins).bal = -1
           prepared(ins) == [type |-> "phase2a", ins |-> ins, bal |-> 0, val |-> "prepared"] \in msgs
       IN  /\ \A ins \in RM, acc \in MS : \E m \in promises(ins) : m.acc = acc
           /\ \E told \in SUBSET {ins \in RM : free(ins) /\ prepared(ins)} :
                SendAll({[type |-> "phase2a", ins |-> ins, bal |-> bal,
                          val |-> IF ins \in told THEN "prepared"
                                  ELSE IF free(ins) THEN "aborted"
                                  ELSE highest(ins).val] : ins \in RM})
  /\ UNCHANGED <<rmState, aState, forgotten>>

\* An acceptor.

\* The votes of ballot 0 that acc may still accept.
Acceptable(acc) ==
  {ins \in RM : /\ aState[ins][acc].mbal = 0
                /\ aState[ins][acc].bal = -1
                /\ \E m \in msgs : m.type = "phase2a" /\ m.ins = ins /\ m.bal = 0}

\* What acc knows of instance ins after it has accepted the votes of bundle.
Accepted(acc, ins, bundle) ==
  IF ins \in bundle THEN [mbal |-> 0, bal |-> 0, val |-> Proposed(ins, 0)] ELSE aState[ins][acc]

Accepts(acc, bal, bundle) ==
  {[type |-> "phase2b", ins |-> ins, bal |-> bal, val |-> Proposed(ins, bal), acc |-> acc] :
     ins \in bundle}

\* Promise, in every instance. The votes of ballot 0 that acc was holding for a bundle it accepts
\* first: the promise reports them.
BundledPhase1b(acc) ==
  \E bal \in Ballot \ {0}, bundle \in SUBSET Acceptable(acc) :
    /\ acc \notin forgotten
    /\ InEachInstance("phase1a", bal)
    /\ \A ins \in RM : aState[ins][acc].mbal < bal
    /\ aState' = [ins \in RM |->
         [aState[ins] EXCEPT ![acc] = [Accepted(acc, ins, bundle) EXCEPT !.mbal = bal]]]
    /\ SendAll(Accepts(acc, 0, bundle) \cup
         {[type |-> "phase1b", ins |-> ins, mbal |-> bal, bal |-> Accepted(acc, ins, bundle).bal,
           val |-> Accepted(acc, ins, bundle).val, acc |-> acc] : ins \in RM})
    /\ UNCHANGED <<rmState, forgotten>>

\* Accept in ballot 0 a bundle of the votes that have come.
BundledPhase2bVotes(acc) ==
  \E bundle \in SUBSET Acceptable(acc) \ {{}} :
    /\ acc \notin forgotten
    /\ aState' = [ins \in RM |->
         [aState[ins] EXCEPT ![acc] = Accepted(acc, ins, bundle)]]
    /\ SendAll(Accepts(acc, 0, bundle))
    /\ UNCHANGED <<rmState, forgotten>>

\* Accept what a leader proposes in every instance.
BundledPhase2b(acc) ==
  \E bal \in Ballot \ {0} :
    /\ acc \notin forgotten
    /\ InEachInstance("phase2a", bal)
    /\ \A ins \in RM : aState[ins][acc].mbal <= bal
    /\ aState' = [ins \in RM |->
         [aState[ins] EXCEPT ![acc] = [mbal |-> bal, bal |-> bal, val |-> Proposed(ins, bal)]]]
    /\ SendAll(Accepts(acc, bal, RM))
    /\ UNCHANGED <<rmState, forgotten>>

\* The outcome.

Chosen(ins, bal, v) ==
  \E MS \in Majority : \A acc \in MS :
    [type |-> "phase2b", ins |-> ins, bal |-> bal, val |-> v, acc |-> acc] \in msgs

\* What a learner makes of the messages of one ballot.
Outcome(bal) ==
  IF \E ins \in RM : Chosen(ins, bal, "aborted") THEN "Abort"
  ELSE IF \A ins \in RM : Chosen(ins, bal, "prepared") THEN "Commit"
  ELSE "none"

BundledDecide(bal) ==
  /\ Outcome(bal) # "none"
  /\ Send([type |-> Outcome(bal)])
  /\ UNCHANGED <<rmState, aState, forgotten>>

\* A resource manager that voted aborted says so directly: nobody else could have proposed prepared
\* in its instance.
ShortCircuit(rm) ==
  /\ [type |-> "phase2a", ins |-> rm, bal |-> 0, val |-> "aborted"] \in msgs
  /\ Send([type |-> "Abort"])
  /\ UNCHANGED <<rmState, aState, forgotten>>

\* Faster Paxos Commit: a resource manager learns from the acceptors itself what ballot 0 chose.
RMLearn(rm) ==
  /\ Outcome(0) # "none"
  /\ rmState' = [rmState EXCEPT ![rm] = IF Outcome(0) = "Commit" THEN "committed" ELSE "aborted"]
  /\ UNCHANGED <<aState, msgs, forgotten>>

\* Forget, once every resource manager has its outcome, and have no part in any ballot after that.
\* A resource manager that forgets knows of the transaction that it is finished, as does an acceptor:
\* its rmState stays.
Forget(acc) ==
  /\ acc \notin forgotten
  /\ \A rm \in RM : rmState[rm] \in {"committed", "aborted"}
  /\ aState' = [ins \in RM |->
       [aState[ins] EXCEPT ![acc] = [mbal |-> 0, bal |-> -1, val |-> "none"]]]
  /\ forgotten' = forgotten \cup {acc}
  /\ UNCHANGED <<rmState, msgs>>

BundledNext ==
  \/ \E rm \in RM :
       \/ /\ \/ RMPrepare(rm)
             \/ RMChooseToAbort(rm)
             \/ RMRcvCommitMsg(rm)
             \/ RMRcvAbortMsg(rm)
          /\ UNCHANGED forgotten
       \/ ShortCircuit(rm)
       \/ RMLearn(rm)
  \/ \E bal \in Ballot \ {0} : BundledPhase1a(bal) \/ BundledPhase2a(bal)
  \/ \E bal \in Ballot : BundledDecide(bal)
  \/ \E acc \in Acceptor :
       \/ BundledPhase1b(acc)
       \/ BundledPhase2bVotes(acc)
       \/ BundledPhase2b(acc)
       \/ Forget(acc)

BundledSpec == BundledInit /\ [][BundledNext]_bundledVars

\* One promise, and one ballot in which it has accepted; only in ballot 0 may votes be missing.
OneBallot ==
  \A acc \in Acceptor, p, q \in RM :
    /\ aState[p][acc].mbal = aState[q][acc].mbal
    /\ aState[p][acc].bal > 0 => aState[q][acc].bal = aState[p][acc].bal

THEOREM BundledSpec => [](BundledTypeOK /\ OneBallot)
THEOREM BundledSpec => TC!TCSpec
=============================================================================
