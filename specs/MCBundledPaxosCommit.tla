----------------------- MODULE MCBundledPaxosCommit -----------------------
EXTENDS BundledPaxosCommit, FiniteSets

CONSTANTS
  N,  \* how many resource managers
  A,  \* how many acceptors
  B   \* how many ballots

MCRM == 1..N
MCAcceptor == 1..A
MCMajority == {MS \in SUBSET MCAcceptor : Cardinality(MS) = A \div 2 + 1}
MCBallot == 0..(B - 1)

Consistent == TC!TCConsistent
Refinement == TC!TCSpec

NeverAllCommitted == \E rm \in RM : rmState[rm] # "committed"
NeverAllAborted == \E rm \in RM : rmState[rm] # "aborted"
\* A leader never has to take over the vote of a resource manager that prepared.
NeverTakenOver ==
  \A m \in msgs : m.type = "phase2a" => (m.bal > 0 => m.val = "aborted")
\* No resource manager commits before somebody has sent it the outcome.
NeverFaster == [type |-> "Commit"] \notin msgs => \A rm \in RM : rmState[rm] # "committed"
\* The acceptors never all forget that a transaction was committed.
NeverForgotten == forgotten = Acceptor => \A rm \in RM : rmState[rm] = "aborted"
=============================================================================
