---------------------------- MODULE PaxosCommit ----------------------------
\* Paxos Commit: for each resource manager one instance of Paxos decides whether it prepared.
\* After section 4 of Gray and Lamport, Consensus on Transaction Commit (2006).
\*
\* As in TwoPhase, msgs holds every message ever sent, and a step that some messages enable may be
\* taken at any time after they were sent; a message to several is in msgs once. Leaders are not
\* processes here: any leader may take any step of a leader at any time, as far as ballots
\* allow. Ballot 0 of an instance belongs to its resource manager and needs no phase 1.

EXTENDS Integers

CONSTANTS
  RM,        \* the resource managers, which also name the instances
  Acceptor,  \* the acceptors, the same ones for all instances
  Majority,  \* sets of acceptors, any two of which have an acceptor in common
  Ballot     \* ballot numbers, 0 among them

ASSUME
  /\ Ballot \subseteq Nat
  /\ 0 \in Ballot
  /\ Majority \subseteq SUBSET Acceptor
  /\ \A P, Q \in Majority : P \cap Q # {}

VARIABLES
  rmState,  \* rmState[rm]: how far resource manager rm is
  aState,   \* aState[ins][acc]: what acceptor acc knows of instance ins
  msgs      \* all messages ever sent

vars == <<rmState, aState, msgs>>

Decision == {"prepared", "aborted"}

Message ==
  [type : {"phase1a"}, ins : RM, bal : Ballot \ {0}]
    \cup
  [type : {"phase1b"}, ins : RM, mbal : Ballot, bal : Ballot \cup {-1},
   val : Decision \cup {"none"}, acc : Acceptor]
    \cup
  [type : {"phase2a"}, ins : RM, bal : Ballot, val : Decision]
    \cup
  [type : {"phase2b"}, acc : Acceptor, ins : RM, bal : Ballot, val : Decision]
    \cup
  [type : {"Commit", "Abort"}]

PCTypeOK ==
  /\ rmState \in [RM -> {"working", "prepared", "committed", "aborted"}]
  /\ aState \in [RM -> [Acceptor -> [mbal : Ballot, bal : Ballot \cup {-1},
                                     val : Decision \cup {"none"}]]]
  /\ msgs \in SUBSET Message

PCInit ==
  /\ rmState = [rm \in RM |-> "working"]
  /\ aState = [ins \in RM |-> [acc \in Acceptor |-> [mbal |-> 0, bal |-> -1, val |-> "none"]]]
  /\ msgs = {}

Send(m) == msgs' = msgs \cup {m}

\* A resource manager.

RMPrepare(rm) ==
  /\ rmState[rm] = "working"
  /\ rmState' = [rmState EXCEPT ![rm] = "prepared"]
  /\ Send([type |-> "phase2a", ins |-> rm, bal |-> 0, val |-> "prepared"])
  /\ UNCHANGED aState

RMChooseToAbort(rm) ==
  /\ rmState[rm] = "working"
  /\ rmState' = [rmState EXCEPT ![rm] = "aborted"]
  /\ Send([type |-> "phase2a", ins |-> rm, bal |-> 0, val |-> "aborted"])
  /\ UNCHANGED aState

RMRcvCommitMsg(rm) ==
  /\ [type |-> "Commit"] \in msgs
  /\ rmState' = [rmState EXCEPT ![rm] = "committed"]
  /\ UNCHANGED <<aState, msgs>>

RMRcvAbortMsg(rm) ==
  /\ [type |-> "Abort"] \in msgs
  /\ rmState' = [rmState EXCEPT ![rm] = "aborted"]
  /\ UNCHANGED <<aState, msgs>>

\* A leader.

\* Ask the acceptors for a promise in ballot bal of instance rm; asking again changes nothing.
Phase1a(bal, rm) ==
  /\ Send([type |-> "phase1a", ins |-> rm, bal |-> bal])
  /\ UNCHANGED <<rmState, aState>>

\* Propose, once in a ballot, with the promises of a majority: the value accepted in the highest
\* ballot that they report. If they report none, the choice is free, and must be "aborted": only
\* the resource manager itself may say that it prepared.
Phase2a(bal, rm) ==
  /\ ~ \E m \in msgs : m.type = "phase2a" /\ m.bal = bal /\ m.ins = rm
  /\ \E MS \in Majority :
       LET promises == {m \in msgs : /\ m.type = "phase1b"
                                     /\ m.ins = rm
                                     /\ m.mbal = bal
                                     /\ m.acc \in MS}
           highest == CHOOSE m \in promises : \A other \in promises : m.bal >= other.bal
           free == \A m \in promises : m.bal = -1
       IN  /\ \A acc \in MS : \E m \in promises : m.acc = acc
           /\ Send([type |-> "phase2a", ins |-> rm, bal |-> bal,
                    val |-> IF free THEN "aborted" ELSE highest.val])
  /\ UNCHANGED <<rmState, aState>>

\* Announce the outcome: commit if every instance chose "prepared", abort if one chose "aborted".
Decide ==
  /\ LET Decided(rm, v) ==
           \E b \in Ballot, MS \in Majority :
             \A acc \in MS :
               [type |-> "phase2b", ins |-> rm, bal |-> b, val |-> v, acc |-> acc] \in msgs
     IN  \/ /\ \A rm \in RM : Decided(rm, "prepared")
            /\ Send([type |-> "Commit"])
         \/ /\ \E rm \in RM : Decided(rm, "aborted")
            /\ Send([type |-> "Abort"])
  /\ UNCHANGED <<rmState, aState>>

\* An acceptor.

\* Promise to take no part in lower ballots of the instance, and report what it accepted.
Phase1b(acc) ==
  \E m \in msgs :
    /\ m.type = "phase1a"
    /\ aState[m.ins][acc].mbal < m.bal
    /\ aState' = [aState EXCEPT ![m.ins][acc].mbal = m.bal]
    /\ Send([type |-> "phase1b", ins |-> m.ins, mbal |-> m.bal,
             bal |-> aState[m.ins][acc].bal, val |-> aState[m.ins][acc].val, acc |-> acc])
    /\ UNCHANGED rmState

\* Accept a proposal, unless a higher ballot has its promise.
Phase2b(acc) ==
  \E m \in msgs :
    /\ m.type = "phase2a"
    /\ aState[m.ins][acc].mbal <= m.bal
    /\ aState' = [aState EXCEPT ![m.ins][acc] = [mbal |-> m.bal, bal |-> m.bal, val |-> m.val]]
    /\ Send([type |-> "phase2b", ins |-> m.ins, bal |-> m.bal, val |-> m.val, acc |-> acc])
    /\ UNCHANGED rmState

PCNext ==
  \/ \E rm \in RM :
       \/ RMPrepare(rm)
       \/ RMChooseToAbort(rm)
       \/ RMRcvCommitMsg(rm)
       \/ RMRcvAbortMsg(rm)
  \/ \E bal \in Ballot \ {0}, rm \in RM : Phase1a(bal, rm) \/ Phase2a(bal, rm)
  \/ Decide
  \/ \E acc \in Acceptor : Phase1b(acc) \/ Phase2b(acc)

PCSpec == PCInit /\ [][PCNext]_vars

TC == INSTANCE TCommit

THEOREM PCSpec => []PCTypeOK
THEOREM PCSpec => TC!TCSpec
=============================================================================
