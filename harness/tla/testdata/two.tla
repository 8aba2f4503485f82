---------- MODULE Trace ----------
\* Transaction c1.1.
EXTENDS TracePaxosCommit, FiniteSets

TheRM == {1}
TheAcceptor == 1..3
TheMajority == {MS \in SUBSET TheAcceptor : Cardinality(MS) = 2}
TheBallot == {0}

TheTrace == <<
  [type |-> "vote", rm |-> 1, val |-> "aborted", at |-> "step 4: sync n1"],
  [type |-> "decide", msg |-> "Abort", at |-> "step 4: sync n1"],
  [type |-> "outcome", rm |-> 1, val |-> "aborted", at |-> "step 9: sync n1"],
  [type |-> "forget", acc |-> 3, at |-> "step 20: sync n1"],
  [type |-> "forget", acc |-> 2, at |-> "step 22: sync n1"],
  [type |-> "forget", acc |-> 1, at |-> "step 26: sync n1"]
>>
=============================================================================
---------- MODULE Trace ----------
\* Transaction c1.2.
EXTENDS TracePaxosCommit, FiniteSets

TheRM == {1, 2}
TheAcceptor == 1..3
TheMajority == {MS \in SUBSET TheAcceptor : Cardinality(MS) = 2}
TheBallot == {0, 1}

TheTrace == <<
  [type |-> "vote", rm |-> 1, val |-> "prepared", at |-> "step 31: sync n1"],
  [type |-> "vote", rm |-> 2, val |-> "prepared", at |-> "step 47: sync n1"],
  [type |-> "phase1a", bal |-> 1, at |-> "step 49: sync n1"],
  [type |-> "acceptor", acc |-> 1, mbal |-> 1, bal |-> 0, prepared |-> {}, aborted |-> {}, at |-> "step 53: sync n1"],
  [type |-> "acceptor", acc |-> 3, mbal |-> 1, bal |-> 0, prepared |-> {}, aborted |-> {}, at |-> "step 55: sync n1"],
  [type |-> "phase2a", bal |-> 1, prepared |-> {1, 2}, aborted |-> {}, at |-> "step 56: deliver acc3->ldr1 phase1b tx=c1.2 mbal=1 bal=0"],
  [type |-> "acceptor", acc |-> 2, mbal |-> 1, bal |-> 0, prepared |-> {}, aborted |-> {}, at |-> "step 60: sync n1"],
  [type |-> "acceptor", acc |-> 1, mbal |-> 1, bal |-> 1, prepared |-> {1, 2}, aborted |-> {}, at |-> "step 62: sync n1"],
  [type |-> "acceptor", acc |-> 3, mbal |-> 1, bal |-> 1, prepared |-> {1, 2}, aborted |-> {}, at |-> "step 64: sync n1"],
  [type |-> "decide", msg |-> "Commit", at |-> "step 65: deliver acc3->ldr1 phase2b tx=c1.2 bal=1 prepared=1,2"],
  [type |-> "acceptor", acc |-> 2, mbal |-> 1, bal |-> 1, prepared |-> {1, 2}, aborted |-> {}, at |-> "step 69: sync n1"],
  [type |-> "outcome", rm |-> 1, val |-> "committed", at |-> "step 71: sync n1"],
  [type |-> "outcome", rm |-> 2, val |-> "committed", at |-> "step 75: sync n1"],
  [type |-> "forget", acc |-> 3, at |-> "step 87: sync n1"],
  [type |-> "forget", acc |-> 2, at |-> "step 89: sync n1"],
  [type |-> "forget", acc |-> 1, at |-> "step 91: sync n1"]
>>
=============================================================================
