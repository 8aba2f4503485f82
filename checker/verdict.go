package checker

// A Verdict is the answer of a checker. The zero value is Unknown, so that an answer nobody gave is
// never taken for a pass: only Holds passes.
type Verdict uint8

const (
	// Unknown says that a budget ran out before the answer.
	Unknown Verdict = iota
	// Holds says that the property was established.
	Holds
	// Violated says that a counterexample was found.
	Violated
)

// String returns unknown, holds or violated.
func (v Verdict) String() string {
	switch v {
	case Holds:
		return "holds"
	case Violated:
		return "violated"
	default:
		return "unknown"
	}
}
