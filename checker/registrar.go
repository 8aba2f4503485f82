package checker

import (
	"encoding/binary"

	"paxoscommit/core"
)

// The registrar's instance (section 6 of the paper) decides which resource managers take part: its
// value is the set of those that have joined, or aborted.

// registered is what is known of the registrar of one transaction.
type registered struct {
	joined  core.Set // durable: who has joined
	set     core.Set // durable: what it proposes in ballot 0; 0 as long as joining is open
	acked   core.Set // who has been told that he has joined
	left    core.Set // who has been told that he is too late
	told    core.Set // acceptors that have told of the value in their highest ballot
	claimed bool     // it has proposed the set
	chosen  entry
}

// entry is a value of the registrar's instance.
type entry struct {
	val core.Value
	set core.Set // if val is Prepared
}

// entryFacts is which value acceptors have accepted in one ballot, durably.
type entryFacts struct {
	entry
	by core.Set
}

// registered takes a record of the registrar.
func (m *Monitor) registered(i int, r *core.Record) {
	g := &m.facts[i].registered
	m.checkRemembered(&m.facts[i], r)
	switch {
	case r.Type == core.RecordJoin:
		g.joined |= r.Joined
		return
	case g.set != 0 && g.set != r.Joined:
		m.brokenf(History, "%v proposes {%v} for %v, having proposed {%v}",
			r.Role, r.Joined, r.Tx, g.set)
	}
	if left := g.acked &^ r.Joined; left != 0 {
		m.brokenf(Durability, "%v has told rm {%v} that they take part in %v, and proposes {%v}",
			r.Role, left, r.Tx, r.Joined)
	}
	g.set = r.Joined
	m.judgeLeftOut(i)
	m.judgeVoters(i)
}

// byRegistrar takes what the registrar tells.
func (m *Monitor) byRegistrar(i int, msg *core.Message) {
	g := &m.facts[i].registered
	switch msg.Type {
	case core.MsgJoined:
		g.acked = g.acked.With(msg.To.ID)
		if g.set != 0 && !g.set.Has(msg.To.ID) {
			m.brokenf(Durability, "%v tells %v that it takes part in %v, and has proposed {%v}",
				msg.From, msg.To, msg.Tx, g.set)
		}
	case core.MsgPhase2a, core.MsgRelay:
		g.claimed = true
	default:
	}
}

// leftOut takes the word of the registrar or a leader that somebody is too late to take part: the
// set must be certain.
func (m *Monitor) leftOut(i int, msg *core.Message) {
	m.reach(SawTooLate)
	g := &m.facts[i].registered
	g.left = g.left.With(msg.To.ID)
	if !m.part || msg.From.Kind == core.Registrar {
		m.judgeLeftOut(i)
	}
}

// judgeLeftOut demands that who is told that he is too late is not in the set.
func (m *Monitor) judgeLeftOut(i int) {
	g := &m.facts[i].registered
	if g.left != 0 && (g.set == 0 || g.left&g.set != 0) {
		m.brokenf(Durability, "rm {%v} are told that they are too late for %v, and rm {%v} take part",
			g.left, m.txns[i].ID, g.set)
	}
}

// judgeVoters demands that only those vote who take part, once that is certain.
func (m *Monitor) judgeVoters(i int) {
	f := &m.facts[i]
	if others := f.votes.Instances() &^ f.registered.set; f.registered.set != 0 && others != 0 {
		m.brokenf(Validity, "rm {%v} have voted on %v, in which only rm {%v} take part",
			others, m.txns[i].ID, f.registered.set)
	}
}

// byAcceptor takes what an acceptor tells; accepted is the highest ballot of which it has.
func (g *registered) byAcceptor(msg *core.Message, accepted core.Ballot) {
	if msg.Type != core.MsgPhase2b || msg.Bal != accepted {
		return
	}
	if msg.Val != core.NoValue {
		g.told = g.told.With(msg.From.ID)
	} else if msg.Bal > 0 {
		g.told = g.told.Without(msg.From.ID)
	}
}

// checkRegistrarDurable demands that a crash takes nothing that the registrar has told.
func (m *Monitor) checkRegistrarDurable(i int, r core.Role) {
	g, tx := &m.facts[i].registered, m.txns[i].ID
	if lost := g.acked &^ (g.joined | g.set); lost != 0 {
		m.brokenf(Durability, "%v has told rm {%v} that they take part in %v and lost it in a crash",
			r, lost, tx)
	}
	if g.claimed && g.set == 0 {
		m.brokenf(Durability, "%v has proposed who takes part in %v and lost it in a crash", r, tx)
	}
}

// acceptedEntry is an acceptor's record that holds a value of the registrar's instance.
func (m *Monitor) acceptedEntry(i int, r *core.Record) {
	e := entry{r.Val, r.Joined}
	b := m.facts[i].ballot(r.Bal)
	m.gatherEntry(i, b, &entryFacts{e, core.SetOf(r.Role.ID)})
	m.judgeEntry(i, b)
}

// gatherEntry adds to what is known of the registrar's instance in a ballot, in which only one
// value is ever proposed.
func (m *Monitor) gatherEntry(i int, b *ballotFacts, more *entryFacts) {
	switch e := &b.entry; {
	case more.by == 0:
	case e.by != 0 && e.entry != more.entry:
		m.brokenf(Agreement,
			"in ballot %d of %v acc %v accept %v {%v} of the registrar, and acc %v %v {%v}",
			b.bal, m.txns[i].ID, more.by, more.val, more.set, e.by, e.val, e.set)
	default:
		e.entry, e.by = more.entry, e.by|more.by
	}
}

// judgeEntry judges what has been accepted of the registrar's instance in one ballot.
func (m *Monitor) judgeEntry(i int, b *ballotFacts) {
	g, e := &m.facts[i].registered, &b.entry
	if e.val == core.Prepared && e.set != g.set {
		m.brokenf(Validity,
			"acc %v accept the set {%v} in ballot %d of %v, and the registrar proposed {%v}",
			e.by, e.set, b.bal, m.txns[i].ID, g.set)
	}
	if e.by.Len() < m.layout.Majority() {
		return
	}
	if g.chosen.val != core.NoValue && g.chosen != e.entry {
		m.brokenf(Agreement,
			"%v {%v} is chosen for the registrar of %v in ballot %d, and %v {%v} was chosen before",
			e.val, e.set, m.txns[i].ID, b.bal, g.chosen.val, g.chosen.set)
		return
	}
	g.chosen = e.entry
	m.reachChosen(b.bal, e.val, g.set != 0)
	m.checkCommitPoint(i)
}

// Takers returns those that take part in transaction i: the set that the registrar has proposed,
// durably, and none before it has; without a registrar the members.
func (m *Monitor) Takers(i int) core.Set {
	if m.layout.Registrars > 0 {
		return m.facts[i].registered.set
	}
	return m.txns[i].Members
}

// LeftOut returns those that have been told that they are too late to take part in transaction i.
func (m *Monitor) LeftOut(i int) core.Set { return m.facts[i].registered.left }

// isSetChosen tells whether the registrar's instance, if there is one, has chosen a set that
// everybody is in who must.
func (m *Monitor) isSetChosen(i int) bool {
	g := &m.facts[i].registered
	return m.layout.Registrars == 0 ||
		g.chosen.val == core.Prepared && m.txns[i].Must()&^g.chosen.set == 0
}

// appendRegistered appends what of the facts about a registrar is evidence.
func (f *facts) appendRegistered(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(f.registered.set))
	for k := range f.ballots {
		e := &f.ballots[k].entry
		dst = binary.AppendUvarint(append(dst, byte(e.val)), uint64(e.set))
		dst = binary.AppendUvarint(dst, uint64(e.by))
	}
	return dst
}

func (g *registered) appendKey(dst []byte) []byte {
	for _, s := range [...]core.Set{g.joined, g.acked, g.told} {
		dst = binary.AppendUvarint(dst, uint64(s))
	}
	if g.claimed {
		return append(dst, 1)
	}
	return append(dst, 0)
}
