// Package explore visits every reachable state of a World of package harness, with the model
// checker of checker/mc: the same machines, disks, databases and clients, in every interleaving,
// with every message lost, repeated and put off at will.
//
// # A node is worked out once
//
// What a node does next depends on its own part of the World alone (harness.Part): its machine and
// log, its databases, its timers, what is on its way inside it, and what a checker.Monitor that
// sees only this node knows. So each part that occurs gets a number; for each action and each
// message it is worked out once, by the World itself, which part follows and which messages are
// sent; and ever after this is looked up. There is no second semantics, and a step of the whole
// world costs tens of nanoseconds. A part goes without the log positions and the replaced records
// of its history.
//
// A State is a number for each node and one for the clients, the set of messages ever sent between
// nodes, and what is left of the budgets. A message that was sent can arrive at any time after
// that, any number of times, or never. Left out is what changes nothing: the delivery that neither
// moves its receiver nor sends anything new, and the fault that only spends its budget.
//
// # What is judged
//
// Durability, History and Contract, by the monitor of each part. Agreement, Consistency, Validity
// and what clients are told, in every state, by what the monitors of all parts know together
// (checker.Monitor.Together). Every step of every transaction must be one of TCommit.tla, or leave
// it as it is: a resource manager's state is what it has made durable. And some state must be
// reached in which all have committed, and one in which all have aborted if anything can make
// them.
//
// With Config.NonBlocking, also that from every state everybody can still decide, even if all that
// is in flight between nodes is lost then: the World is put together from the parts, and must come
// to its fair end (harness.World.Settle) within harness.Config.SettleBound.
//
// # Reduction
//
// Which nodes may be the ones to crash is chosen at the start. The log of any other, and of all
// once no crash is left, is read by nobody but a node that is down. Then a part goes without its
// log, and a step is fused with the syncs that follow it: what is gated leaves at once. Nothing
// that could happen before those is lost but the order in which it happens, for messages wait.
// Nor does a monitor keep what only a crash would be held against.
//
// And a message that can never matter to its receiver again is left out of the state. Which these
// are is worked out beforehand, from what each node could come to if every message that anybody
// could send were always there.
//
// An action of which it does not matter when it happens comes first, and nothing else then: see
// the comment on loner. Not so with Config.NonBlocking, which wants every state.
//
// And roles that can be exchanged are: see the comment on symmetry.
//
// Config.Unreduced turns all this off, and tests compare.
//
// # Census
//
// TakeCensus counts the states in which one process is dead for good, or some are cut off for good,
// and somebody can never decide, or atomicity is broken. In the synchronous timing a message that
// has arrived is gone, none is lost but what a dead process was saying, equal ones in flight are
// one, and a timer fires when the World says that it may; no message is dead there, for timers wait
// for those in flight. Example shows one of the states that are counted.
//
// # Coverage
//
// The states of a world without reductions can be kept (Space). A run of that World is followed in
// the model (Follower), whose state is that of the World after every action; so a campaign can say
// how much of all there is it has visited.
//
// # Counterexamples
//
// The way to a violation becomes a harness.Schedule: a message that arrives again is duplicated
// before it arrives the first time. The World takes it, and its monitor must find a violation.
package explore
