----------------------------- MODULE MCTCommit -----------------------------
EXTENDS TCommit, Integers

CONSTANT N  \* how many resource managers

MCRM == 1..N

NeverAllCommitted == \E rm \in RM : rmState[rm] # "committed"
NeverAllAborted == \E rm \in RM : rmState[rm] # "aborted"
=============================================================================
