package fuzz

import "paxoscommit/core"

// Withstands returns the faults in spite of which a protocol keeps every property: with one
// transaction manager that is not replicated, all but deaths.
func Withstands(p core.Protocol) Faults {
	if least, _ := p.Limits(); least.TMs > 0 && least.Replicas == 0 {
		return AllFaults &^ Deaths
	}
	return AllFaults
}
