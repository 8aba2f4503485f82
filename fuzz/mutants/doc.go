// Package mutants holds planted bugs: known bugs of real implementations of Paxos and of commit
// protocols, each a small diff against the sources of the core, which has no switches for them.
//
// A file <ID>.diff begins with a header:
//
//	# A03: accepts a 2a without looking at its promise
//	# Why it is wrong, on as many lines as that takes.
//	# caught by: Agreement, Consistency
//	# protocol: faster-paxos-commit
//	# with: --registrars 1
//
// "caught by" names the properties one of which must catch the bug; "control: must stay silent"
// stands there instead for a change that the protocol allows. The protocol is paxos-commit unless
// it is named, and "with" are more flags for its campaign. A program with the bug is built with
// go build -overlay, and the sources stay as they are.
package mutants
