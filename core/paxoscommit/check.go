package paxoscommit

import "paxoscommit/core"

// Senders returns who sends what to whom.
func (r *rules) Senders(l *core.Layout) core.Senders {
	s := core.Senders{
		core.RM: {
			core.MsgRequest:   core.FromClient,
			core.MsgPrepare:   core.FromLeader | core.FromRegistrar,
			core.MsgVote:      core.FromResource,
			core.MsgFound:     core.FromResource,
			core.MsgCommit:    core.FromLeader,
			core.MsgAbort:     core.FromLeader | core.FromRM | core.FromRegistrar,
			core.MsgDone:      core.FromResource,
			core.MsgForget:    core.FromLeader,
			core.MsgForgotten: core.FromLeader | core.FromAcceptor | core.FromRegistrar,
			core.MsgJoined:    core.FromRegistrar,
		},
		core.Acceptor: {
			core.MsgPhase1a: core.FromLeader,
			core.MsgPhase2a: core.FromLeader | core.FromRM | core.FromRegistrar,
			core.MsgForget:  core.FromLeader,
		},
		core.Leader: {
			core.MsgQuery:       core.FromClient | core.FromRM | core.FromRegistrar,
			core.MsgBeginCommit: core.FromRM,
			core.MsgPhase1b:     core.FromAcceptor,
			core.MsgPhase2b:     core.FromAcceptor,
			core.MsgRejected:    core.FromAcceptor,
			core.MsgAbort:       core.FromRM,
			core.MsgDone:        core.FromRM,
			core.MsgForgotten:   core.FromRM | core.FromAcceptor | core.FromRegistrar,
			core.MsgRelay:       core.FromRM | core.FromRegistrar,
		},
		core.Registrar: {
			core.MsgBeginCommit: core.FromRM,
			core.MsgCommit:      core.FromLeader,
			core.MsgAbort:       core.FromLeader,
			core.MsgForget:      core.FromLeader,
			core.MsgForgotten:   core.FromRM | core.FromAcceptor | core.FromLeader,
			core.MsgJoin:        core.FromRM,
		},
	}
	if r.faster {
		s[core.RM][core.MsgPhase2b] = core.FromAcceptor
	}
	if l.Registrars > 0 {
		s[core.RM][core.MsgEnlist], s[core.RM][core.MsgEnlisted] = core.FromRM, core.FromRM
		s[core.RM][core.MsgTooLate] = core.FromLeader | core.FromRegistrar
	}
	return s
}

// CheckMessage checks the fields that only some types use.
func (*rules) CheckMessage(m *core.Message, l *core.Layout) error {
	if m.Begin && (m.Type != core.MsgPhase2a || m.From.Kind != core.RM ||
		l.NodeOf(m.To) != l.NodeOf(beginner(l))) {
		return core.Malformed(m, "nobody to begin")
	}
	switch m.Type {
	case core.MsgVote:
		if m.Val != core.Prepared && m.Val != core.Aborted {
			return core.Malformed(m, "not a vote")
		}
	case core.MsgFound:
		if m.Val != core.Prepared {
			return core.Malformed(m, "only what is prepared can be found")
		}
	case core.MsgDone:
		if m.Val != core.Committed && m.Val != core.Aborted {
			return core.Malformed(m, "not an outcome")
		}
		return checkSet(m, m.From, m.Val, l)
	case core.MsgCommit:
		return checkSet(m, m.To, core.Committed, l)
	case core.MsgRequest:
		if m.Joined != 0 && l.Registrars == 0 || m.Joined&^m.Members != 0 {
			return core.Malformed(m, "nobody can join")
		}
	case core.MsgPhase1a:
		if m.Bal == 0 || l.LeaderOf(m.Bal) != m.From.ID {
			return core.Malformed(m, "ballot of another")
		}
	case core.MsgPhase2a:
		return checkPhase2a(m, l)
	case core.MsgRelay:
		if !l.Has(OptRelayed) || !isOwnValue(m) {
			return core.Malformed(m, "not a vote to relay")
		}
		return checkValues(m, l)
	case core.MsgPhase2b:
		if m.To.Kind == core.RM && m.Val == core.Prepared && !m.Joined.Has(m.To.ID) {
			return core.Malformed(m, "not in the set")
		}
		return checkValues(m, l)
	case core.MsgPhase1b:
		return checkValues(m, l)
	default: // nothing more than any message has
	}
	return nil
}

// checkSet holds the set in a message about an outcome, to or from who, against what the outcome
// asks for.
func checkSet(m *core.Message, who core.Role, v core.Value, l *core.Layout) error {
	if who.Kind == core.RM && !isSetOf(m.Joined, who.ID, m.Members, v, l) {
		return core.Malformed(m, "not the set that took part")
	}
	return nil
}

// isSetOf tells whether a resource manager can know an outcome with this set: a commit if it is in
// it, and an abort with none. Without a registrar there is none.
func isSetOf(set core.Set, rm uint8, members core.Set, v core.Value, l *core.Layout) bool {
	if l.Registrars == 0 || v == core.Aborted {
		return set == 0
	}
	return set.Has(rm) && set&^members == 0
}

// checkPhase2a holds a proposal to whom its ballot belongs to: ballot 0 of an instance to the
// resource manager or registrar, a higher one, which speaks for every instance, to its leader.
func checkPhase2a(m *core.Message, l *core.Layout) error {
	if err := checkValues(m, l); err != nil {
		return err
	}
	ins, all := m.Votes.Instances(), l.Registrars > 0
	switch {
	case m.Bal == 0 && !isOwnValue(m),
		m.Bal > 0 && (m.From.Kind != core.Leader || l.LeaderOf(m.Bal) != m.From.ID):
		return core.Malformed(m, "ballot of another")
	case m.Bal > 0 && (ins != m.Members || all != entryOf(m).isThere()):
		return core.Malformed(m, "not a vote for each instance")
	case m.Bal == 0 && l.Has(OptRelayed):
		return core.Malformed(m, "ballot 0 where votes are relayed")
	}
	return nil
}

// isOwnValue tells whether a message holds what its sender may propose in ballot 0: a resource
// manager its vote, the registrar a set.
func isOwnValue(m *core.Message) bool {
	switch m.From.Kind {
	case core.RM:
		return m.Votes.Instances() == core.SetOf(m.From.ID) && !entryOf(m).isThere()
	case core.Registrar:
		return m.Votes.Instances() == 0 && m.Val == core.Prepared
	default:
		return false
	}
}

func checkValues(m *core.Message, l *core.Layout) error {
	if !areValues(m.Votes, entryOf(m), m.Members, l) {
		return core.Malformed(m, "not one value for each instance")
	}
	return nil
}

// areValues tells whether these can be values of the instances of some members and of the
// registrar's.
func areValues(v core.Votes, e entry, members core.Set, l *core.Layout) bool {
	if v.Prepared&v.Aborted != 0 || v.Instances()&^members != 0 {
		return false
	}
	switch e.val {
	case core.Prepared:
		return l.Registrars > 0 && e.joined != 0 && e.joined&^members == 0
	case core.Aborted:
		return l.Registrars > 0 && e.joined == 0
	default:
		return e == entry{}
	}
}

// Writes tells whether a role writes such a record.
func (*rules) Writes(rec *core.Record, l *core.Layout) bool {
	ok := false
	switch rec.Type {
	case core.RecordVote:
		ok = rec.Role.Kind == core.RM && (rec.Val == core.Prepared || rec.Val == core.Aborted) ||
			isSet(rec, l) && rec.Val == core.Prepared
	case core.RecordJoin:
		ok = isSet(rec, l)
	case core.RecordOutcome:
		ok = rec.Role.Kind == core.RM && (rec.Val == core.Committed || rec.Val == core.Aborted) &&
			isSetOf(rec.Joined, rec.Role.ID, rec.Members, rec.Val, l)
	case core.RecordAcceptor:
		ok = rec.Role.Kind == core.Acceptor && rec.Bal <= rec.MBal &&
			areValues(rec.Votes, entry{rec.Val, rec.Joined}, rec.Members, l)
	case core.RecordBallot:
		ok = rec.Role.Kind == core.Leader && rec.Bal > 0 && l.LeaderOf(rec.Bal) == rec.Role.ID
	case core.RecordForget:
		ok = true
	default: // not of this protocol
	}
	return ok && rec.IsOfTx(l)
}

// isSet tells whether a record is of the registrar, and of a set that can have joined.
func isSet(rec *core.Record, l *core.Layout) bool {
	return rec.Role.Kind == core.Registrar &&
		areValues(core.Votes{}, entry{core.Prepared, rec.Joined}, rec.Members, l)
}
