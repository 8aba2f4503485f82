package harness

import (
	"fmt"

	"paxoscommit/core"
)

// ActionType says what happens. The zero type means none.
type ActionType uint8

// The action types; the package comment says what each does.
const (
	NoAction ActionType = iota
	Begin
	Deliver
	Drop
	Duplicate
	Refuse
	Fire
	Sync
	Crash
	CrashKeep
	Die
	Restart
	Cut
	Heal
	GiveUp
	Settle
	numActionTypes
)

// NumActionTypes is the length of an array indexed by ActionType.
const NumActionTypes = int(numActionTypes)

// ActionNames holds the name of each ActionType, by type, as schedules write it.
func ActionNames() [NumActionTypes]string {
	return [NumActionTypes]string{
		"none", "begin", "deliver", "drop", "duplicate", "refuse", "fire", "sync", "crash",
		"crash-keep", "die", "restart", "cut", "heal", "giveup", "settle",
	}
}

// String gives the type's name as schedules write it.
func (t ActionType) String() string {
	if int(t) >= NumActionTypes {
		return fmt.Sprintf("action%d", uint8(t))
	}
	return ActionNames()[t]
}

// isFault tells whether an action is something that goes wrong.
func (t ActionType) isFault() bool {
	switch t {
	case Drop, Duplicate, Refuse, Fire, Crash, CrashKeep, Die, Cut, GiveUp:
		return true
	default:
		return false
	}
}

// Action is one thing that happens, named by content. Only the fields of its type are set; the
// Members of Msg and the Await of Timer are left out, for they follow from the rest.
type Action struct {
	Type  ActionType
	Node  core.NodeID  // Sync to Cut
	Role  core.Role    // Begin, GiveUp: the client
	Msg   core.Message // Deliver to Refuse
	Timer core.Timer   // Fire
}

// String gives the action as schedules write it.
func (a Action) String() string { return string(a.AppendText(nil)) }

// AppendText appends what String returns.
func (a Action) AppendText(b []byte) []byte {
	name := a.Type.String()
	switch a.Type {
	case Begin, GiveUp:
		return fmt.Appendf(b, "%s %v", name, a.Role)
	case Deliver, Drop, Duplicate, Refuse:
		return a.Msg.AppendText(fmt.Appendf(b, "%s ", name))
	case Fire:
		return fmt.Appendf(b, "%s %v", name, a.Timer)
	case Sync, Crash, CrashKeep, Die, Restart, Cut:
		return fmt.Appendf(b, "%s %v", name, a.Node)
	default:
		return append(b, name...)
	}
}

func messageAction(t ActionType, m *core.Message) Action {
	a := Action{Type: t, Msg: *m}
	a.Msg.Members = 0
	return a
}

func timerAction(t *core.Timer) Action {
	return Action{Type: Fire, Timer: core.Timer{Role: t.Role, Kind: t.Kind, Tx: t.Tx}}
}

// sameContent tells whether m is the message that an action names.
func sameContent(m, named *core.Message) bool {
	if m.Type != named.Type || m.From != named.From || m.To != named.To || m.Tx != named.Tx {
		return false
	}
	c := *m
	c.Members = named.Members
	return c == *named
}
