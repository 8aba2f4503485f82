------------------------------ MODULE TCommit ------------------------------
\* Transaction commit: what every commit protocol must do, and nothing about how.
\* After section 2 of Gray and Lamport, Consensus on Transaction Commit (2006).
\* It says what may happen, not what must.

CONSTANT RM  \* the resource managers that take part

VARIABLE rmState  \* rmState[rm]: how far resource manager rm is

TCTypeOK == rmState \in [RM -> {"working", "prepared", "committed", "aborted"}]

TCInit == rmState = [rm \in RM |-> "working"]

\* The transaction can commit: nobody is still working, and nobody has aborted.
canCommit == \A rm \in RM : rmState[rm] \in {"prepared", "committed"}

\* Nobody has committed, so to abort is still possible.
notCommitted == \A rm \in RM : rmState[rm] # "committed"

Prepare(rm) ==
  /\ rmState[rm] = "working"
  /\ rmState' = [rmState EXCEPT ![rm] = "prepared"]

Decide(rm) ==
  \/ /\ rmState[rm] = "prepared"
     /\ canCommit
     /\ rmState' = [rmState EXCEPT ![rm] = "committed"]
  \/ /\ rmState[rm] \in {"working", "prepared"}
     /\ notCommitted
     /\ rmState' = [rmState EXCEPT ![rm] = "aborted"]

TCNext == \E rm \in RM : Prepare(rm) \/ Decide(rm)

TCSpec == TCInit /\ [][TCNext]_rmState

\* Atomicity: never one committed and another aborted.
TCConsistent == \A a, c \in RM : ~ (rmState[a] = "aborted" /\ rmState[c] = "committed")

THEOREM TCSpec => [](TCTypeOK /\ TCConsistent)
=============================================================================
