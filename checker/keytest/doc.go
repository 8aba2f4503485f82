// Package keytest is for tests of keys: it changes the numbers that a state is made of, one at a
// time, and tells of which of them a key knows nothing. States that differ in what no key holds are
// taken for one by who explores.
package keytest
