package fuzz

import "paxoscommit/core"

// Withstands returns the faults in spite of which a protocol keeps every property: with one
// transaction manager that is not replicated all but deaths, and where resource managers take its
// place no time-outs either, which are wrong unless it is dead.
func Withstands(p core.Protocol) Faults {
	least, _ := p.Limits()
	switch {
	case p.Name() == "3pc" || p.Name() == "3pc-timeouts":
		return AllFaults &^ (Deaths | Timeouts)
	case least.TMs > 0 && least.Replicas == 0:
		return AllFaults &^ Deaths
	default:
		return AllFaults
	}
}
