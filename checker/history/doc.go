// Package history judges what the clients of a system saw: is there an order of their operations,
// consistent with real time, that a single correct copy of the system could have produced?
// (Herlihy and Wing 1990, linearizability; for transactions the same notion is strict
// serializability.)
//
// # Forms of a history
//
// A file is JSON lines, one [Event] a line ([Parse], [WriteJSON]); [Load] turns events into a
// [History] under one of four models. A program that already holds its operations as Go values
// skips both and calls [Bank] or [Outcomes].
//
//	file   | what is in it                                             | where
//	event  | lines, their order, their writer                          | event.go, parse.go
//	load   | pairs of invocation and completion; open operations       | load.go
//	models | what a value means: register, write-once, bank, kv        | register.go ...
//	program| the one form of every operation, and its effect           | program.go
//	direct | just-in-time linearization, bounded by concurrency        | direct.go, lookahead.go,
//	       |                                                           | rowset.go
//	second | porcupine's verdict and picture                           | porcupine.go
//	answer | both checkers must agree; the text and JSON of the answer | check.go, report.go
//
// # One form for all models
//
// The state of every model is a row of int64 cells (a register, the outcome of a transaction, an
// account, a key) and an operation is a short list of instructions on cells, its answer included:
// "read x -> 3" is "expect cell x to be 3". Both checkers, and no one else, run these lists, so a
// model is only a translation of values.
//
// # Order and open operations
//
// In a file the order of the lines is the order of events: an operation that returned on an
// earlier line happened before one that is invoked on a later line, also where their times are
// equal. Times must not run backwards. In Go values times are compared, and equal times mean
// concurrent.
//
// An operation without an answer (no completion, or info) stays open to the end of time: it may
// have taken effect at any moment since its call, or never. It is never counted as failed. An
// operation that failed definitely did nothing, and is left out.
//
// # Two exact checkers
//
// [History.Direct] keeps the set of all configurations that the events so far allow, so its memory
// depends on concurrency and not on length. [History.Porcupine] searches depth first. What either
// of them establishes is the answer; that they establish different things is [ErrDisagree]. Both
// are bounded by steps, never by time, and a spent budget is [checker.Unknown].
package history
