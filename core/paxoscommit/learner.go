package paxoscommit

import (
	"encoding/binary"

	"paxoscommit/core"
)

// learner keeps what each acceptor has accepted in the highest ballot heard of, and finds out what
// has been chosen in it. The leader has one, and in Faster Paxos Commit each resource manager.
type learner struct {
	bal   core.Ballot
	votes [core.MaxAcceptors]core.Votes
	entry entry    // the registrar's: there is one in a ballot
	with  core.Set // acceptors that have accepted it
}

// learn takes one phase 2b and returns the values chosen in its ballot so far: those that a
// majority of acceptors has accepted in that ballot (section 4.1, Decide). Lower ballots need no
// counting: what they chose, the higher one proposes.
func (l *learner) learn(m *core.Message, layout *core.Layout) (core.Votes, entry) {
	switch {
	case m.Bal < l.bal:
		return core.Votes{}, entry{}
	case m.Bal > l.bal:
		*l = learner{bal: m.Bal}
	}
	i := m.From.ID - 1
	l.votes[i] = l.votes[i].Union(m.Votes)
	if m.Val != core.NoValue {
		l.entry, l.with = entryOf(m), l.with.With(m.From.ID)
	}
	var prepared, aborted counter
	for _, v := range l.votes[:layout.Acceptors] {
		prepared.add(v.Prepared)
		aborted.add(v.Aborted)
	}
	chosen := core.Votes{
		Prepared: prepared.atLeast(layout.Majority()),
		Aborted:  aborted.atLeast(layout.Majority()),
	}
	if l.with.Len() < layout.Majority() {
		return chosen, entry{}
	}
	return chosen, l.entry
}

func (l *learner) appendKey(dst []byte, layout *core.Layout) []byte {
	dst = binary.AppendUvarint(dst, uint64(l.bal))
	for _, v := range l.votes[:layout.Acceptors] {
		dst = v.AppendKey(dst)
	}
	if layout.Registrars > 0 {
		dst = binary.AppendUvarint(l.entry.appendKey(dst), uint64(l.with))
	}
	return dst
}

// counter counts, for each of 64 instances at once, in how many sets it is: bit i of planes[k] is
// bit k of the count of instance i+1. Four planes count to core.MaxAcceptors.
type counter struct {
	planes [4]core.Set
}

func (c *counter) add(s core.Set) {
	for k := 0; s != 0; k++ { // s is what is carried to plane k
		c.planes[k], s = c.planes[k]^s, c.planes[k]&s
	}
}

// atLeast returns the instances counted n times or more, n from 1 to 15.
func (c *counter) atLeast(n int) core.Set {
	greater, equal := core.Set(0), ^core.Set(0)
	for k := len(c.planes) - 1; k >= 0; k-- {
		if n>>k&1 == 1 {
			equal &= c.planes[k]
		} else {
			greater |= equal & c.planes[k]
			equal &^= c.planes[k]
		}
	}
	return greater | equal
}
