package paxoscommit

import (
	"encoding/binary"

	"paxoscommit/core"
)

// entry is the value of the registrar's instance (section 6): prepared with the set of resource
// managers that have joined, or aborted. The zero entry is none.
type entry struct {
	val    core.Value
	joined core.Set
}

func entryOf(m *core.Message) entry { return entry{m.Val, m.Joined} }

func (e entry) isThere() bool { return e.val != core.NoValue }

// union returns e, or f if e is none.
func (e entry) union(f entry) entry {
	if e.isThere() {
		return e
	}
	return f
}

func (e entry) appendKey(dst []byte) []byte {
	return binary.AppendUvarint(append(dst, byte(e.val)), uint64(e.joined))
}

// outcome returns what a transaction has come to when these are the values chosen: committed when
// the registrar's instance chose a set and everybody in it is prepared, aborted when it chose
// aborted or anybody is (section 6). Nobody votes who has not joined, so an abort need not wait for
// the set. Without a registrar the members are the set.
func outcome(v core.Votes, e entry, members core.Set, l *core.Layout) core.Value {
	switch {
	case l.Registrars == 0:
		return v.Outcome(members)
	case e.val == core.Prepared:
		return v.Outcome(e.joined)
	case e.val == core.Aborted || v.Aborted&members != 0:
		return core.Aborted
	}
	return core.NoValue
}

// flag is a boolean in a key.
func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}
