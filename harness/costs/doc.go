// Package costs counts what a commit without faults costs: messages, message delays, stable writes
// and write delays, of any protocol on any placement, by running its machines in a World of package
// harness. What is counted is what section 5 of the paper counts:
//
//   - A message counts if it goes from one node to another. Clients and databases are not part of
//     the protocol, a request that is passed on is still the client's, and acknowledgements of the
//     outcome and forgetting come after it.
//   - Message delays are the longest chain of counted messages until the last resource manager
//     learns the outcome: the time of a run in which each of them takes one unit and all else none.
//   - A write counts if somebody must wait for it: not that of a resource manager that knows the
//     outcome, nor that of forgetting.
//   - Write delays are the same with one unit for each write, and none for messages.
//
// No timer fires: nothing is said twice, and nobody takes over.
package costs
