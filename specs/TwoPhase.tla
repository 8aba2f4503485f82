------------------------------ MODULE TwoPhase ------------------------------
\* Two-Phase Commit with one transaction manager, the TM.
\* After section 3 of Gray and Lamport, Consensus on Transaction Commit (2006).
\*
\* msgs holds every message ever sent. Nothing is taken out of it: an action that a message
\* enables may happen at any time after it was sent, again, or never, which covers delay,
\* reordering, duplication and loss. Two messages are left out. Resource managers prepare without
\* being asked, and one that aborts does not say so: the TM may abort at any time in any case.

CONSTANT RM  \* the resource managers

VARIABLES
  rmState,     \* rmState[rm]: how far resource manager rm is
  tmState,     \* how far the TM is
  tmPrepared,  \* the resource managers that the TM knows to be prepared
  msgs         \* all messages ever sent

vars == <<rmState, tmState, tmPrepared, msgs>>

Message == [type : {"Prepared"}, rm : RM] \cup [type : {"Commit", "Abort"}]

TPTypeOK ==
  /\ rmState \in [RM -> {"working", "prepared", "committed", "aborted"}]
  /\ tmState \in {"init", "committed", "aborted"}
  /\ tmPrepared \in SUBSET RM
  /\ msgs \in SUBSET Message

TPInit ==
  /\ rmState = [rm \in RM |-> "working"]
  /\ tmState = "init"
  /\ tmPrepared = {}
  /\ msgs = {}

Send(m) == msgs' = msgs \cup {m}

\* The transaction manager.

TMRcvPrepared(rm) ==
  /\ tmState = "init"
  /\ [type |-> "Prepared", rm |-> rm] \in msgs
  /\ tmPrepared' = tmPrepared \cup {rm}
  /\ UNCHANGED <<rmState, tmState, msgs>>

TMCommit ==
  /\ tmState = "init"
  /\ tmPrepared = RM
  /\ tmState' = "committed"
  /\ Send([type |-> "Commit"])
  /\ UNCHANGED <<rmState, tmPrepared>>

TMAbort ==
  /\ tmState = "init"
  /\ tmState' = "aborted"
  /\ Send([type |-> "Abort"])
  /\ UNCHANGED <<rmState, tmPrepared>>

\* A resource manager.

RMPrepare(rm) ==
  /\ rmState[rm] = "working"
  /\ rmState' = [rmState EXCEPT ![rm] = "prepared"]
  /\ Send([type |-> "Prepared", rm |-> rm])
  /\ UNCHANGED <<tmState, tmPrepared>>

RMChooseToAbort(rm) ==
  /\ rmState[rm] = "working"
  /\ rmState' = [rmState EXCEPT ![rm] = "aborted"]
  /\ UNCHANGED <<tmState, tmPrepared, msgs>>

RMRcvCommitMsg(rm) ==
  /\ [type |-> "Commit"] \in msgs
  /\ rmState' = [rmState EXCEPT ![rm] = "committed"]
  /\ UNCHANGED <<tmState, tmPrepared, msgs>>

RMRcvAbortMsg(rm) ==
  /\ [type |-> "Abort"] \in msgs
  /\ rmState' = [rmState EXCEPT ![rm] = "aborted"]
  /\ UNCHANGED <<tmState, tmPrepared, msgs>>

TPNext ==
  \/ TMCommit
  \/ TMAbort
  \/ \E rm \in RM :
       \/ TMRcvPrepared(rm)
       \/ RMPrepare(rm)
       \/ RMChooseToAbort(rm)
       \/ RMRcvCommitMsg(rm)
       \/ RMRcvAbortMsg(rm)

TPSpec == TPInit /\ [][TPNext]_vars

TC == INSTANCE TCommit

THEOREM TPSpec => []TPTypeOK
THEOREM TPSpec => TC!TCSpec
=============================================================================
