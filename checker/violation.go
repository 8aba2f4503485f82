package checker

import "fmt"

// Property names something that must hold on every run. The zero property means none.
type Property uint8

// The properties; the package comment says what each demands.
const (
	NoProperty Property = iota
	Agreement
	Consistency
	Validity
	Durability
	History
	Linearizability
	NonBlocking
	Contract
	numProperties
)

// NumProperties is the length of an array indexed by Property.
const NumProperties = int(numProperties)

// String gives the property's name.
func (p Property) String() string {
	names := [NumProperties]string{
		"none", "Agreement", "Consistency", "Validity", "Durability", "History", "Linearizability",
		"NonBlocking", "Contract",
	}
	if int(p) >= NumProperties {
		return fmt.Sprintf("property%d", uint8(p))
	}
	return names[p]
}

// ParseProperty is the inverse of String. The error names what is not a property.
func ParseProperty(s string) (Property, error) {
	for p := Agreement; p < numProperties; p++ {
		if p.String() == s {
			return p, nil
		}
	}
	return NoProperty, fmt.Errorf("no property is called %.40q", s)
}

// Violation says which property a run broke, how, and after how many steps.
type Violation struct {
	Property Property
	Detail   string
	Step     int
}

// String gives "Agreement at step 12: ...".
func (v *Violation) String() string {
	return fmt.Sprintf("%v at step %d: %s", v.Property, v.Step, v.Detail)
}

// Milestone is something that a good many runs should reach: what shows that the properties were
// not kept by doing nothing. The zero milestone means none.
type Milestone uint8

// The milestones.
const (
	NoMilestone      Milestone = iota
	SawCommit                  // a transaction was committed
	SawAbort                   // a transaction was aborted
	SawHigherBallot            // a value was chosen in a ballot above 0
	SawFreeAborted             // aborted was chosen before the resource manager voted
	SawRescued                 // prepared was chosen in a ballot above 0
	SawCrash                   // a node crashed
	SawRestart                 // and came back
	SawDeath                   // a node crashed for good
	SawPartition               // the network was split
	SawLockConflict            // two transactions wanted one account
	SawReadCommitted           // a transaction that reads was committed
	SawReapplied               // a database was told an outcome that it had applied
	SawOpenAnswer              // a client never had its answer
	SawSubset                  // committed without some who might have joined
	SawTooLate                 // one who wanted to join was too late
	numMilestones
)

// NumMilestones is the length of an array indexed by Milestone.
const NumMilestones = int(numMilestones)

// String gives the milestone's name as schedules write it.
func (m Milestone) String() string {
	names := [NumMilestones]string{
		"none", "commit", "abort", "higher-ballot", "free-aborted", "rescued", "crash", "restart",
		"death", "partition", "lock-conflict", "read-committed", "reapplied", "open-answer", "subset",
		"too-late",
	}
	if int(m) >= NumMilestones {
		return fmt.Sprintf("milestone%d", uint8(m))
	}
	return names[m]
}

// ParseMilestone is the inverse of String. The error names what is not a milestone.
func ParseMilestone(s string) (Milestone, error) {
	for m := SawCommit; m < numMilestones; m++ {
		if m.String() == s {
			return m, nil
		}
	}
	return NoMilestone, fmt.Errorf("no milestone is called %.40q", s)
}

// Milestones is a set of Milestone: bit 1<<m.
type Milestones uint32

// Has tells whether m has been reached.
func (s Milestones) Has(m Milestone) bool { return s>>m&1 == 1 }
