// Package node runs the machines of package core in real time: it is the driver that their contract
// speaks of.
//
//	host.go     one goroutine in which everything happens, one event after the other
//	process.go  one machine with its log, its databases, its timers and its gated messages
//	resource.go the database behind a resource manager: a bank that is durable in the same log
//	timers.go   how long timers run, and how they back off
//	entry.go    what the log holds: records of the machine, and steps of the databases
//	wal/        the log itself, which knows nothing of protocols
//	wire/       the lines of JSON that nodes and clients exchange, which decides nothing
//	course/     the messages of the course on top of these machines
//	cluster/    real processes, killed and cut off, and judged
//
// # Durability
//
// A step's records are appended to the log, what it gates waits, and a sync in another goroutine
// makes all that has been appended meanwhile durable with one fsync; its end is an event like any
// other, and lets go what waited. A process whose log fails stops: nobody knows what is on its
// disk.
package node
