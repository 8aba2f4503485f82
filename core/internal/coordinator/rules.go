package coordinator

import "paxoscommit/core"

// InDoubt is what a prepared resource manager does that waits for the outcome no longer.
type InDoubt uint8

// The ways out of doubt.
const (
	Blocks     InDoubt = iota // it waits for the transaction manager
	Asks                      // it asks the other members, and copies their outcome
	Commits                   // it commits if it is pre-committed, and else waits
	Decides                   // it commits if it is pre-committed, and else aborts
	Terminates                // the first that lives takes the transaction manager's place
)

// Rules tell one protocol from another. They are comparable.
type Rules struct {
	Name       string
	ThreePhase bool // members are told that all are prepared before any commits
	InDoubt    InDoubt
	Optionally InDoubt // instead, with bit 0 of core.Layout.Options
}

// New returns a process to be Reset.
func New(r Rules) *core.Process { return core.NewProcess(&r) }

// NewPart returns a part of a process.
func (r *Rules) NewPart(k core.RoleKind, _ *core.Process) core.Part {
	if k == core.RM {
		return &rm{role: role{given: *r}}
	}
	return &tm{role: role{given: *r}}
}

// with returns the rules with a layout's options.
func (r *Rules) with(l *core.Layout) Rules {
	rules := *r
	if l.Has(0) && r.Optionally != Blocks {
		rules.InDoubt = r.Optionally
	}
	return rules
}

// role is what the roles of a node have in common.
type role struct {
	layout   *core.Layout
	given    Rules
	rules    Rules // with the layout's options
	id       core.Role
	finished core.Finished
}

func (r *role) reset(l *core.Layout, id core.Role) {
	r.layout, r.id, r.rules = l, id, r.given.with(l)
	r.finished.Clear()
}

func (r *role) copyFrom(src *role) {
	r.layout, r.id, r.given, r.rules = src.layout, src.id, src.given, src.rules
	r.finished.CopyFrom(&src.finished)
}

// send puts a message from this role into one of the lists of an output.
func (r *role) send(
	where *[]core.Message, to core.Role, t core.MsgType, tx core.TxID, members core.Set,
) *core.Message {
	return core.PutMessage(where, t, r.id, to, tx, members)
}

func (r *role) drop(why core.DropReason, tx core.TxID, out *core.Output) {
	out.Drop(why, r.id, tx)
}

// forgotten tells whoever asks that a transaction is finished: every member has its outcome.
func (r *role) forgotten(m *core.Message, out *core.Output) *core.Message {
	answer := r.send(&out.Gated, m.From, core.MsgForgotten, m.Tx, m.Members)
	answer.Low = r.finished.Low(m.Tx)
	return answer
}

// write appends a record of this role.
func (r *role) write(
	t core.RecordType, tx core.TxID, members core.Set, out *core.Output,
) *core.Record {
	return out.Write(t, r.id, tx, members)
}

// theTM is the transaction manager of every transaction.
func theTM() core.Role { return core.Role{Kind: core.TM, ID: 1} }
