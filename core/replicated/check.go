package replicated

import "paxoscommit/core"

// rules are those of two-phase commit between groups of replicas.
type rules struct{}

// NewPart returns a part of a process.
func (*rules) NewPart(k core.RoleKind, _ *core.Process) core.Part {
	if k == core.RM {
		return &participant{}
	}
	return &manager{}
}

// Senders returns who sends what to whom.
func (*rules) Senders(*core.Layout) core.Senders {
	s := core.Senders{
		core.RM: {
			core.MsgRequest:   core.FromClient,
			core.MsgPrepare:   core.FromTM,
			core.MsgVote:      core.FromResource,
			core.MsgFound:     core.FromResource,
			core.MsgCommit:    core.FromTM,
			core.MsgAbort:     core.FromTM,
			core.MsgDone:      core.FromResource,
			core.MsgForget:    core.FromTM,
			core.MsgForgotten: core.FromTM | core.FromPeer,
		},
		core.TM: {
			core.MsgRequest:   core.FromRM,
			core.MsgQuery:     core.FromClient,
			core.MsgVote:      core.FromRM,
			core.MsgDone:      core.FromRM,
			core.MsgForget:    core.FromPeer,
			core.MsgForgotten: core.FromRM | core.FromPeer,
		},
	}
	for _, group := range [...]core.RoleKind{core.RM, core.TM} {
		s[group][core.MsgPhase1a], s[group][core.MsgPhase1b] = core.FromPeer, core.FromPeer
		s[group][core.MsgPhase2a], s[group][core.MsgPhase2b] = core.FromPeer, core.FromPeer
		s[group][core.MsgRejected] = core.FromPeer
	}
	return s
}

// CheckMessage checks the fields that only some types use.
func (*rules) CheckMessage(m *core.Message, l *core.Layout) error {
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
		if !isOutcome(m.Val) {
			return core.Malformed(m, "not an outcome")
		}
	case core.MsgPhase1a:
		if m.Bal == 0 || owner(l, m.Bal) != m.From.Replica {
			return core.Malformed(m, "ballot of another")
		}
	case core.MsgPhase2a:
		switch {
		case owner(l, m.Bal) != m.From.Replica:
			return core.Malformed(m, "ballot of another")
		case m.Votes == core.Votes{} && m.Val == core.NoValue:
			return core.Malformed(m, "nothing to accept")
		}
		return checkEntries(m)
	case core.MsgPhase1b, core.MsgPhase2b:
		return checkEntries(m)
	default: // nothing more than any message has
	}
	return nil
}

func checkEntries(m *core.Message) error {
	if !areEntries(m.From, m.Votes, m.Val) {
		return core.Malformed(m, "not what this group's log holds")
	}
	return nil
}

// areEntries tells whether these can be in the log of a role's group.
func areEntries(r core.Role, v core.Votes, val core.Value) bool {
	if val != core.NoValue && !isOutcome(val) || v.Prepared&v.Aborted != 0 {
		return false
	}
	return v == core.Votes{} || r.Kind == core.RM && v.Instances() == core.SetOf(r.ID)
}

func isOutcome(v core.Value) bool { return v == core.Committed || v == core.Aborted }

// Writes tells whether a replica writes such a record.
func (*rules) Writes(rec *core.Record, l *core.Layout) bool {
	ok := rec.Type == core.RecordForget || rec.Type == core.RecordAcceptor &&
		rec.Bal <= rec.MBal && areEntries(rec.Role, rec.Votes, rec.Val)
	return ok && rec.IsOfTx(l)
}
