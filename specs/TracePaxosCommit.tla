-------------------------- MODULE TracePaxosCommit --------------------------
\* Is what a run of the machines did a behaviour of BundledPaxosCommit? Trace is what could be seen of
\* one transaction, an event a step, in order; a module that extends this one gives it, with the
\* constants of PaxosCommit. A step of the machines that shows none of these events is a stutter.
\*
\*   [type |-> "vote", rm, val]        the vote of rm is durable
\*   [type |-> "outcome", rm, val]     the outcome at rm is durable
\*   [type |-> "acceptor", acc, mbal, bal, prepared, aborted]
\*                                     the promise of acc, and what it has accepted in ballot bal
\*                                     for which instances, are durable
\*   [type |-> "forget", acc]          acc has forgotten the transaction, durably
\*   [type |-> "phase1a", bal]         a leader has sent it
\*   [type |-> "phase2a", bal, prepared, aborted]
\*   [type |-> "decide", msg]          somebody has sent Commit or Abort for the first time
\*
\* Each event also says in at, for the reader, which step of the run showed it. A trace that is not a
\* behaviour leads to a deadlock: Trace[next] of the last state is the event that no step explains.

EXTENDS BundledPaxosCommit, Sequences

CONSTANT Trace

VARIABLE next  \* the index of the next event

Value(e, ins) ==
  IF ins \in e.prepared THEN "prepared" ELSE IF ins \in e.aborted THEN "aborted" ELSE "none"

\* A step of the specification that explains event e.
Explains(e) ==
  \/ /\ e.type = "vote"
     /\ IF e.val = "prepared" THEN RMPrepare(e.rm) ELSE RMChooseToAbort(e.rm)
     /\ UNCHANGED forgotten
  \/ /\ e.type = "outcome"
     /\ \/ (RMRcvCommitMsg(e.rm) \/ RMRcvAbortMsg(e.rm)) /\ UNCHANGED forgotten
        \/ RMLearn(e.rm)
     /\ rmState'[e.rm] = e.val
  \/ /\ e.type = "acceptor"
     /\ BundledPhase1b(e.acc) \/ BundledPhase2bVotes(e.acc) \/ BundledPhase2b(e.acc)
     /\ \A ins \in RM : aState'[ins][e.acc] =
          [mbal |-> e.mbal, bal |-> IF Value(e, ins) = "none" THEN -1 ELSE e.bal,
           val |-> Value(e, ins)]
  \/ /\ e.type = "forget"
     /\ Forget(e.acc)
  \/ /\ e.type = "phase1a"
     /\ BundledPhase1a(e.bal)
  \/ /\ e.type = "phase2a"
     /\ BundledPhase2a(e.bal)
     /\ \A ins \in RM :
          [type |-> "phase2a", ins |-> ins, bal |-> e.bal, val |-> Value(e, ins)] \in msgs'
  \/ /\ e.type = "decide"
     /\ (\E bal \in Ballot : BundledDecide(bal)) \/ (\E rm \in RM : ShortCircuit(rm))
     /\ [type |-> e.msg] \in msgs'

TraceInit == BundledInit /\ next = 1

TraceNext ==
  \/ /\ next <= Len(Trace)
     /\ next' = next + 1
     /\ Explains(Trace[next])
  \/ /\ next > Len(Trace)
     /\ UNCHANGED <<bundledVars, next>>

TraceSpec == TraceInit /\ [][TraceNext]_<<bundledVars, next>>

Consistent == TC!TCConsistent
Refinement == TC!TCSpec
=============================================================================
