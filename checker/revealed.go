package checker

import "paxoscommit/core"

// forgetters are roles that have forgotten a transaction. Leaders and transaction managers are not
// among them: what one of these forgets it finds out again from those who are.
type forgetters struct {
	rms, acceptors, registrars core.Set
}

func (g *forgetters) add(r core.Role) {
	switch r.Kind {
	case core.RM:
		g.rms = g.rms.With(r.ID)
	case core.Acceptor:
		g.acceptors = g.acceptors.With(r.ID)
	case core.Registrar:
		g.registrars = g.registrars.With(r.ID)
	default:
	}
}

func (g *forgetters) has(r core.Role) bool {
	return r.Kind == core.RM && g.rms.Has(r.ID) || r.Kind == core.Acceptor && g.acceptors.Has(r.ID) ||
		r.Kind == core.Registrar && g.registrars.Has(r.ID)
}

// byRM takes what a resource manager tells: its vote to acceptors or a transaction manager, its
// outcome to its resource, that it is done to its coordinator, and to others how far it is. That a
// client or another process hears an outcome says nothing of what is durable here.
func (r *revealed) byRM(msg *core.Message) {
	told := core.NoValue
	switch {
	case msg.Type == core.MsgPhase2a, msg.Type == core.MsgRelay:
		r.votes = r.votes.Union(msg.Votes)
	case msg.Type == core.MsgVote:
		r.votes = r.votes.Union(core.VoteOf(msg.From.ID, msg.Val))
	case msg.Type == core.MsgState && (msg.Val == core.Prepared || msg.Val == core.Precommitted):
		r.votes = r.votes.Union(core.VoteOf(msg.From.ID, core.Prepared))
	case msg.Type == core.MsgDone, msg.Type == core.MsgState:
		told = msg.Val
	case msg.To.Kind != core.Resource:
	case msg.Type == core.MsgCommit:
		told = core.Committed
	case msg.Type == core.MsgAbort:
		told = core.Aborted
	}
	switch told {
	case core.Committed:
		r.outcomes.Prepared = r.outcomes.Prepared.With(msg.From.ID)
	case core.Aborted:
		r.outcomes.Aborted = r.outcomes.Aborted.With(msg.From.ID)
	default:
	}
}

func (r *revealed) byAcceptor(msg *core.Message) {
	acc := msg.From.ID - 1
	switch {
	case msg.Type == core.MsgPhase1b:
		r.promise[acc] = max(r.promise[acc], msg.MBal)
	case msg.Type == core.MsgPhase2b && msg.Bal > r.accepted[acc]:
		r.accepted[acc], r.accepts[acc] = msg.Bal, msg.Votes
	case msg.Type == core.MsgPhase2b && msg.Bal == r.accepted[acc]:
		r.accepts[acc] = r.accepts[acc].Union(msg.Votes)
	}
}

func (r *revealed) byLeader(msg *core.Message) {
	if msg.Type == core.MsgPhase1a || msg.Type == core.MsgPhase2a {
		r.begun[msg.From.ID-1] = max(r.begun[msg.From.ID-1], msg.Bal)
	}
}

// byTM takes a commit, which must be durable. Of an abort nothing need be: no information means
// abort.
func (r *revealed) byTM(msg *core.Message) {
	if msg.Type == core.MsgCommit {
		r.decided = core.Committed
	}
}

// begun is a ballot that a leader is about to use: a new one, for ever.
func (m *Monitor) begun(i int, r *core.Record) {
	begun := &m.facts[i].begun[r.Role.ID-1]
	if r.Bal <= *begun {
		m.brokenf(Durability, "%v begins ballot %d of %v, having begun ballot %d",
			r.Role, r.Bal, r.Tx, *begun)
	}
	*begun = max(*begun, r.Bal)
}

// forgot is a role that will know a transaction, and those up to the low-water mark, as finished.
func (m *Monitor) forgot(r *core.Record) {
	m.eachUpTo(r.Tx, r.Low, func(f *facts) {
		if r.Role.Replica > 0 {
			m.replica(f, r.Role).gone = true
		} else {
			f.gone.add(r.Role)
		}
	})
}

// eachUpTo calls f for a transaction and for those of its origin and epoch up to low.
func (m *Monitor) eachUpTo(tx core.TxID, low uint32, f func(*facts)) {
	for i := range m.txns {
		id := m.txns[i].ID
		if id == tx || id.Origin == tx.Origin && id.Epoch == tx.Epoch && id.Seq <= low {
			f(&m.facts[i])
		}
	}
}

// checkRemembered demands that nobody takes up again what it has forgotten, as if it were new.
func (m *Monitor) checkRemembered(f *facts, r *core.Record) {
	if f.gone.has(r.Role) || r.Role.Replica > 0 && m.replica(f, r.Role).gone {
		m.brokenf(Durability, "%v no longer knows that %v is finished, and writes: %v",
			r.Role, r.Tx, *r)
	}
}

// checkOutcomeKept compares the outcome that a resource manager writes with what it has told.
func (m *Monitor) checkOutcomeKept(f *facts, r *core.Record) {
	other := f.revealed.outcomes.Prepared
	if r.Val == core.Committed {
		other = f.revealed.outcomes.Aborted
	}
	if other.Has(r.Role.ID) {
		m.brokenf(Durability, "%v writes that %v is %v, having told otherwise",
			r.Role, r.Tx, r.Val)
	}
}

// checkDurable demands that a crash takes nothing that a role has revealed.
func (m *Monitor) checkDurable(i int, r core.Role) {
	f, tx := &m.facts[i], m.txns[i].ID
	switch r.Kind {
	case core.RM:
		if f.revealed.votes.Of(r.ID) != core.NoValue && f.votes.Of(r.ID) == core.NoValue {
			m.brokenf(Durability, "%v has sent its vote on %v and lost it in a crash", r, tx)
		}
		told := f.revealed.outcomes
		if f.votes.Of(r.ID) == core.Aborted {
			told.Aborted = told.Aborted.Without(r.ID) // its vote says as much, and for ever
		}
		if told.Instances().Has(r.ID) && !f.rm.Instances().Has(r.ID) {
			m.brokenf(Durability, "%v has told the outcome of %v and lost it in a crash", r, tx)
		}
	case core.Acceptor:
		m.checkAcceptorDurable(i, r)
	case core.TM:
		if f.revealed.decided == core.Committed && f.decision != core.Committed {
			m.brokenf(Durability, "%v has told that %v is committed and lost it in a crash", r, tx)
		}
	case core.Registrar:
		m.checkRegistrarDurable(i, r)
	default:
		if told := f.revealed.begun[r.ID-1]; told > f.begun[r.ID-1] {
			m.brokenf(Durability, "%v has begun ballot %d of %v and lost it in a crash", r, told, tx)
		}
	}
	if f.revealed.gone.has(r) && !f.gone.has(r) {
		m.brokenf(Durability, "%v has said that %v is finished and lost that in a crash", r, tx)
	}
}
