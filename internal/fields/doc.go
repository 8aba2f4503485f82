// Package fields is for tests of keys: it changes the numbers that a state is made of, one at a time,
// and tells of which of them a key knows nothing. What no key holds, exploration takes for one.
package fields
