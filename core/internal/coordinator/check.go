package coordinator

import "paxoscommit/core"

// Senders returns who sends what to whom.
func (r *Rules) Senders(l *core.Layout) core.Senders {
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
			core.MsgForgotten: core.FromTM,
		},
		core.TM: {
			core.MsgQuery:     core.FromClient,
			core.MsgVote:      core.FromRM,
			core.MsgDone:      core.FromRM,
			core.MsgForgotten: core.FromRM,
		},
	}
	if r.ThreePhase {
		s[core.RM][core.MsgPreCommit] = core.FromTM
		s[core.TM][core.MsgPreCommitted] = core.FromRM
	}
	inDoubt := r.with(l).InDoubt
	if inDoubt == Asks || inDoubt == Terminates {
		s[core.RM][core.MsgAskState], s[core.RM][core.MsgState] = core.FromRM, core.FromRM
	}
	if inDoubt == Terminates {
		for _, t := range [...]core.MsgType{
			core.MsgCommit, core.MsgAbort, core.MsgPreCommit, core.MsgPreCommitted, core.MsgQuery,
		} {
			s[core.RM][t] |= core.FromRM
		}
	}
	return s
}

// CheckMessage checks the field that only some types use.
func (r *Rules) CheckMessage(m *core.Message, _ *core.Layout) error {
	ok := true
	switch m.Type {
	case core.MsgVote:
		ok = m.Val == core.Prepared || m.Val == core.Aborted
	case core.MsgFound:
		ok = m.Val == core.Prepared
	case core.MsgDone:
		ok = m.Val == core.Committed || m.Val == core.Aborted
	case core.MsgState:
		ok = m.Val == core.Prepared || m.Val == core.Committed || m.Val == core.Aborted ||
			m.Val == core.Precommitted && r.ThreePhase
	default: // nothing more than any message has
	}
	if !ok {
		return core.Malformed(m, "a value that cannot be")
	}
	return nil
}

// Writes tells whether a role writes such a record.
func (r *Rules) Writes(rec *core.Record, l *core.Layout) bool {
	ok := false
	switch rec.Type {
	case core.RecordVote:
		ok = rec.Role.Kind == core.RM && (rec.Val == core.Prepared || rec.Val == core.Aborted)
	case core.RecordOutcome:
		ok = rec.Val == core.Committed || rec.Val == core.Aborted
	case core.RecordForget:
		ok = true
	case core.RecordPreCommit:
		ok = r.ThreePhase
	case core.RecordBallot: // of the transaction manager, and of no transaction
		return rec.Role.Kind == core.TM && rec.Tx == core.TxID{} && rec.Members == 0
	default: // not of this protocol
	}
	return ok && rec.IsOfTx(l)
}
