// Package require has what the tests of package fuzz use of testify's package of that name, by the
// same names. They do without testify itself because it brings in net/http, and go test -fuzz
// instruments every package of a test binary and reads all their counters after each input: with
// testify an input of FuzzPaxosCommit costs 2.6 times as much.
package require
