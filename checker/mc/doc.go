// Package mc explores every reachable state of a model, breadth first, on all cores.
//
// A [Model] is a state machine written as plain functions. [Explore] visits its states level by
// level and judges each against the caller's properties:
//
//   - [Always]: no reachable state fails Check;
//   - [AlwaysStep]: no step between reachable states fails Step (refinement);
//   - [Sometimes]: some reachable state satisfies Goal, and here is the way to it;
//   - [CanStill]: from every reachable state the model's fair continuation satisfies Goal within
//     a stated number of steps.
//
// # Where things are
//
//	model.go        what a model gives, what it may give besides
//	property.go     the kinds of property, the verdicts
//	report.go       what comes back: counts, results, counterexamples
//	explore.go      the levels, the limits, the report
//	round.go        the three parallel phases of a round: expand, insert, collect
//	canstill.go     the walks along fair continuations
//	set.go          the visited set
//	fingerprint.go  how a key becomes 128 bits
//
// # Counts
//
// They follow TLC: distinct states; generated states, where every initial state counts and every
// action gives one successor even if it leads back to its source or where another action leads;
// and depth, the number of levels, so that initial states have depth 1.
//
// # The same answer on every machine
//
// A round takes the next 16384 states of the frontier. Its workers first expand them against a
// visited set that nobody writes, then insert the candidates, each shard by one worker in the order
// of the frontier, then append the new states to the next frontier in that order. So states
// are numbered as a sequential breadth-first search with one queue numbers them, whatever the
// number of workers: the counts, the verdicts and the counterexamples are the same, and a
// counterexample is the least, in the order of the actions, among the shortest.
//
// # What is exact
//
// A key of at most 15 bytes, or two words, is stored as it is, after a permutation of the 128-bit
// words. Longer keys are hashed to 128 bits, and the report then bounds the probability that two of
// n states were taken for one by n^2/2^129, as for a random function: 10^9 states, 1.5e-21.
//
// # Memory
//
// A visited state costs 16 bytes in a table filled between 53 % and 80 %, and 6 bytes for the way
// back to its parent: 26 to 36 bytes. The frontier is counted apart: it holds the states of the
// level being expanded and of the next one.
package mc
