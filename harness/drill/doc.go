// Package drill runs one transaction in a World of package harness up to a chosen message, lets one
// failure happen there, and says what becomes of everybody who is left: who commits, who aborts,
// who blocks. Nobody comes back and no partition heals.
package drill
