package harness

import "paxoscommit/checker"

// Schedule is a run, or a part of one, as text can hold it: a configuration, the actions in order, and what should come of it.
type Schedule struct {
	Config  Config
	Expect  checker.Property // what it breaks; NoProperty if nothing
	Reach   []checker.Milestone
	Actions []Line
}

// Line is one action of a schedule; an optional one may be skipped when it is not enabled.
type Line struct {
	Action   Action
	Optional bool
}
