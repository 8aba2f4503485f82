// Package cluster runs real processes and judges them: it starts a system of nodes, carries their
// lines, loses, repeats and delays some, cuts nodes off, kills them with SIGKILL and starts them
// again, has clients move money, and in the end lets everybody finish.
//
//	cluster.go  rounds one after the other, and the report
//	round.go    one round: a system from its start to its verdict
//	child.go    a process, its standard input and output
//	network.go  what becomes of a line
//	clients.go  what clients ask, again and again, until they are answered
//	watch.go    what the monitor is told, and the verdict on what clients saw
//	foreign.go  any program that speaks the course's messages
//	acceptor.go whether it is an acceptor
//	outcome.go  whether it keeps its word to clients
//
// # What is seen
//
// A round is watched by the same checker.Monitor as a simulated run. It sees every line, and before
// each line of a node what the node's log holds by then: what a message reveals must be there
// before it. So everything that causes something is seen before it, as in a simulated run. What a
// log holds when its process is killed is what survives: a record that was not written yet is lost,
// and the monitor knows whether somebody has been told of it. A record that was written and not
// fsynced survives a SIGKILL; only a loss of power would take it.
//
// What clients saw goes through both checkers of package history. A round that ends with a client
// unanswered or a resource manager in doubt, everybody being there, breaks NonBlocking.
package cluster
