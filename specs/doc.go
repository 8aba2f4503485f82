// Package specs holds the specifications of transaction commit, twice: as TLA+ modules that TLC
// checks, and as Go models that [paxoscommit/checker/mc] explores. The state counts of both must
// agree, with each other and with those published (counts.json).
//
//	TCommit.tla      TCommit      what any commit protocol does (Gray and Lamport 2006, section 2)
//	TwoPhase.tla     TwoPhase     Two-Phase Commit with one transaction manager (section 3)
//	PaxosCommit.tla  PaxosCommit  Paxos Commit, one instance a resource manager (section 4)
//	BundledPaxosCommit.tla
//	                 Bundled      the same as our machines run it: all instances share a ballot,
//	                              votes are accepted in bundles, aborts are short-circuited,
//	                              resource managers learn directly (Faster), acceptors forget
//
// MC*.tla give the constants; MC*.cfg check the type invariant, consistency, and that the protocols
// refine TCommit; MCReach*.cfg claim that a state cannot be reached which can, and so must fail.
// `go run ./specs/tlc` runs them all.
//
// # The Go models
//
// An action of a Go model is a disjunct of the next-state relation with a witness for each bounded
// quantifier, so that the successors that TLC generates are counted one for one. A state is a
// few machine words; the accessors have the names of the variables.
//
//	Go                      TLA+
//	RMStates                rmState
//	TPState.TMState         tmState
//	TPState.TMPrepared      tmPrepared
//	TPState.Prepared        [type |-> "Prepared", rm |-> rm] \in msgs
//	PaxosCommit.MBal        aState[ins][acc].mbal
//	PaxosCommit.Bal, Val    aState[ins][acc].bal, aState[ins][acc].val
//	PaxosCommit.Sent1a ...  [type |-> "phase1a", ...] \in msgs
//	BundledState.Forgotten  forgotten
//
// Refinement is checked a step at a time: [TCommitStep] says whether rmState changed as TCNext
// allows, or not at all.
package specs
