----------------------------- MODULE MCTwoPhase -----------------------------
EXTENDS TwoPhase, Integers

CONSTANT N  \* how many resource managers

MCRM == 1..N

Consistent == TC!TCConsistent
Refinement == TC!TCSpec

NeverAllCommitted == \E rm \in RM : rmState[rm] # "committed"
NeverAllAborted == \E rm \in RM : rmState[rm] # "aborted"
=============================================================================
