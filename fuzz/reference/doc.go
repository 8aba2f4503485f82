// Package reference has tests only: machines and worlds that rapid drives, beside references that
// are too dumb to be wrong in the same way. An acceptor may say nothing that one taken literally
// from PaxosCommit.tla could not, and a world must end as a table of outcomes says.
//
// It is a package of its own to keep rapid, and the templates and images that it brings in, out of
// the test binary of package fuzz, where go test -fuzz would instrument them: an input of
// FuzzPaxosCommit would cost half as much again.
package reference
