package harness

import (
	"slices"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/core/bank"
)

// Minimize makes a schedule that breaks a property as short as it can within so many replays, and
// returns it with the replays made. The result breaks the same property, which its Expect names,
// and has no optional lines and no milestones; the same schedule and budget give the same result.
// Unless the budget ran out, no single action can be left out. A schedule that breaks nothing
// comes back as it is.
//
// Shorter comes first; at the same length fewer faults, transactions, clients, leaders, acceptors
// or replicas, resource managers and options, roles on nodes of their own, lower ballots, fewer
// accounts and smaller amounts.
//
// An action that is not enabled once another has been left out goes too, and a message that is no
// longer there is replaced by one of the same type, sender, receiver and transaction.
//
// Faults of a kind that s.Config.Budget has none of, and the schedule neither, are not put in: to
// somebody who rules them out they would show nothing.
func Minimize(s *Schedule, budgetReplays int) (*Schedule, int) {
	m := &minimizer{budget: budgetReplays}
	if !m.begin(s) {
		return s, m.used
	}
	m.removeChunks()
	for {
		before := m.best
		m.simplify()
		m.removeEach()
		if m.best.cost != before.cost {
			continue
		}
		if m.removePairs() {
			continue
		}
		m.hoist()
		if !m.detour() && !m.swapAndDetour() && !m.wander() {
			break
		}
	}
	return m.result(), m.used
}

// maxSearchSteps is the number of steps, in all replays, after which nothing more is tried than
// to leave out single actions. It keeps the time below a second.
const maxSearchSteps = 1_000_000

// minimizer is a search under way.
type minimizer struct {
	world    World
	judge    Judge
	property checker.Property
	budget   int
	used     int
	steps    int // of all replays
	best     candidate
	trial    []Action // the actions to try
	taken    []Action // of the last replay
}

// candidate is a configuration with actions that break the property.
type candidate struct {
	cfg     *Config
	actions []Action
	cost    cost
}

// cost says what is simpler: the lesser, number by number.
type cost [12]int

func costOf(c *Config, actions []Action) cost {
	l := &c.Layout
	k := cost{
		0: len(actions), 2: len(c.Txns), 3: c.Clients(), 4: l.Leaders, 5: l.Acceptors + l.Replicas,
		6: l.RMs, 7: core.Set(l.Options).Len(), 10: c.Accounts,
	}
	if !isApart(l) {
		k[8] = 1
	}
	for i := range actions {
		if actions[i].Type.isFault() {
			k[1]++
		}
		k[9] += int(min(actions[i].Msg.Bal, 1<<16)) + int(min(actions[i].Msg.MBal, 1<<16))
	}
	for i := range c.Txns {
		k[10] += c.Txns[i].Work.Accounts().Len() + c.Txns[i].Optional.Len()
		k[11] += int(min(c.Txns[i].Work.Amount, 1<<16))
	}
	return k
}

func (a *cost) less(b *cost) bool { return slices.Compare(a[:], b[:]) < 0 }

// begin replays the schedule to learn what it breaks, and cuts off what comes after that. What the
// fair end did is written down, unless the property needs a fair end anyway.
func (m *minimizer) begin(s *Schedule) bool {
	var all []Action
	r := ReplaySteps(s, func(step *Step) {
		if step.Taken {
			all = append(all, step.Action)
		}
	})
	m.used++
	if r.Violation == nil {
		return false
	}
	m.property = r.Violation.Property
	taken := all
	if runsToEnd(m.property) {
		taken = r.Taken
	}
	cfg := s.Config
	for i := range taken {
		cfg.Budget.grant(&taken[i])
	}
	cfg.Budget = cfg.Budget.unlimited()
	m.best = candidate{cfg: &cfg, actions: slices.Clone(taken), cost: costOf(&cfg, taken)}
	if i := slices.IndexFunc(taken, func(a Action) bool { return a.Type == Settle }); i >= 0 {
		m.without(i, len(taken))
		m.improve(&cfg, false)
	}
	return true
}

func (m *minimizer) result() *Schedule {
	s := &Schedule{Config: *m.best.cfg, Expect: m.property}
	for i := range m.best.actions {
		s.Actions = append(s.Actions, Line{Action: m.best.actions[i]})
	}
	s.Config.Budget = s.budget()
	return s
}

// fails replays actions and tells whether they break the property; taken holds those that happened.
// When loose, a message that is not there is replaced by a similar one.
func (m *minimizer) fails(c *Config, actions []Action, loose bool) bool {
	m.used++
	w := &m.world
	w.Reset(c)
	m.taken = m.taken[:0]
	for i := 0; i < len(actions) && w.Violation() == nil; i++ {
		m.take(actions[i], loose)
	}
	if runsToEnd(m.property) && w.Violation() == nil {
		w.Settle(nil)
	}
	if m.property == checker.Linearizability && w.Violation() == nil {
		_, _ = m.judge.Judge(w) // it tells the monitor; without an answer nothing is broken
	}
	m.steps += w.steps
	v := w.Violation()
	return v != nil && v.Property == m.property
}

func (m *minimizer) take(a Action, loose bool) {
	if m.world.try(&a) || loose && m.world.similar(&a) && m.world.try(&a) {
		m.taken = append(m.taken, a)
	}
}

// similar replaces the message of an action by one in flight of the same type, sender, receiver and
// transaction.
func (w *World) similar(a *Action) bool {
	switch a.Type {
	case Deliver, Drop, Duplicate, Refuse:
	default:
		return false
	}
	for i := range w.net.msgs {
		m, named := &w.net.msgs[i], &a.Msg
		if m.Type == named.Type && m.From == named.From && m.To == named.To && m.Tx == named.Tx {
			*a = messageAction(a.Type, m)
			return true
		}
	}
	return false
}

// spent tells whether the budget is used up.
func (m *minimizer) spent() bool { return m.used >= m.budget }

// tired tells whether the search has gone on for so long that only what Minimize promises is
// still to be done. It keeps a part of the budget for that.
func (m *minimizer) tired() bool {
	return m.used >= m.budget-m.budget/4 || m.steps >= maxSearchSteps
}

// improve replays trial and makes it the best if it breaks the property and costs less.
func (m *minimizer) improve(c *Config, loose bool) bool {
	if m.spent() || !m.fails(c, m.trial, loose) {
		return false
	}
	k := costOf(c, m.taken)
	if !k.less(&m.best.cost) {
		return false
	}
	m.best = candidate{cfg: c, actions: slices.Clone(m.taken), cost: k}
	return true
}

// without sets trial to the best actions but for those from i to j.
func (m *minimizer) without(i, j int) {
	m.trial = append(append(m.trial[:0], m.best.actions[:i]...), m.best.actions[j:]...)
}

// removeChunks leaves out long stretches, then shorter ones, from the back (Zeller and Hildebrandt,
// "Simplifying and Isolating Failure-Inducing Input", 2002).
func (m *minimizer) removeChunks() {
	for size := len(m.best.actions) / 2; size > 1; size /= 2 {
		for end := len(m.best.actions); end > 0; {
			start := max(0, end-size)
			m.without(start, end)
			if m.improve(m.best.cfg, true) {
				end = min(start, len(m.best.actions))
			} else {
				end = start
			}
		}
	}
}

// removeEach leaves out one action at a time until none can be left out.
func (m *minimizer) removeEach() {
	for again := true; again; {
		again = false
		for i := len(m.best.actions) - 1; i >= 0; i-- {
			if i >= len(m.best.actions) {
				continue
			}
			m.without(i, i+1)
			if m.improve(m.best.cfg, false) || m.improve(m.best.cfg, true) {
				again = true
			}
		}
	}
}

// removePairs leaves out two actions at a time; it stops at the first success.
func (m *minimizer) removePairs() bool {
	n := len(m.best.actions)
	for i := n - 1; i > 0; i-- {
		for j := i - 1; j >= 0; j-- {
			m.without(i, i+1)
			m.trial = slices.Delete(m.trial, j, j+1)
			if m.improve(m.best.cfg, true) {
				return true
			}
			if m.tired() {
				return false
			}
		}
	}
	return false
}

// try makes a change if it makes the best simpler.
func (m *minimizer) try(g *change) bool {
	if g.cfg.Protocol.Validate(&g.cfg.Layout) != nil || g.cfg.validateTxns() != nil {
		return false
	}
	m.trial = g.rewrite(m.trial[:0], m.best.actions)
	if m.improve(&g.cfg, true) {
		return true
	}
	if !g.merges {
		return false
	}
	all := slices.Clone(m.trial) // what two have done, one does now: perhaps only the second time
	for i := range all {
		if slices.Contains(all[i+1:], all[i]) {
			m.trial = append(append(m.trial[:0], all[:i]...), all[i+1:]...)
			if m.improve(&g.cfg, true) {
				return true
			}
		}
	}
	return false
}

// tryDeep is try for a change that may pay only when actions have been left out after it.
func (m *minimizer) tryDeep(g *change) {
	home := m.best
	m.trial = g.rewrite(m.trial[:0], home.actions)
	if m.tired() || !m.fails(&g.cfg, m.trial, true) {
		return
	}
	m.best = candidate{&g.cfg, slices.Clone(m.taken), costOf(&g.cfg, m.taken)}
	m.removeEach()
	if !m.best.cost.less(&home.cost) {
		m.best = home
	}
}

// simplify makes the configuration smaller as far as it can.
func (m *minimizer) simplify() {
	for i := len(m.best.cfg.Txns) - 1; i >= 0; i-- {
		if i < len(m.best.cfg.Txns) {
			m.try(dropTxn(m.best.cfg, i))
		}
	}
	for i := 1; i < len(m.best.cfg.Txns); i++ {
		m.tryDeep(splitClient(m.best.cfg, i))
	}
	for _, k := range core.PlacedKinds() {
		for m.dropSome(k) {
		}
	}
	for m.dropReplicas() {
	}
	for i := range len(m.best.cfg.Txns) {
		m.simplifyTxn(i)
	}
	m.try(dropAccounts(m.best.cfg))
	for i := range 32 {
		if m.best.cfg.Layout.Has(i) {
			g := newChange(m.best.cfg)
			g.cfg.Layout.Options &^= 1 << i
			m.try(g)
		}
	}
	if !isApart(&m.best.cfg.Layout) {
		m.tryDeep(setApart(m.best.cfg))
	}
}

// dropSome drops roles of a kind: one, or two acceptors, so that their number stays odd. What the
// dropped ones did, either nobody does or another one.
func (m *minimizer) dropSome(k core.RoleKind) bool {
	c := m.best.cfg
	n := uint8(c.Layout.Count(k))
	for i := n; i > 0; i-- {
		others := []uint8{i}
		if k == core.Acceptor && n%2 == 1 {
			others = others[:0]
			for j := i - 1; j > 0; j-- {
				others = append(others, j)
			}
		}
		for _, j := range others {
			gone := core.SetOf(i, j)
			if gone.Len() >= int(n) {
				continue
			}
			for into := range n + 1 {
				if !gone.Has(max(into, 1)) || into == 0 {
					if m.try(dropRoles(c, k, gone, into)) {
						return true
					}
				}
			}
		}
	}
	return false
}

// dropReplicas drops a replica of every role, or two, so that their number stays odd.
func (m *minimizer) dropReplicas() bool {
	n := uint8(m.best.cfg.Layout.Replicas)
	for i := n; i > 1; i-- {
		j := i
		if n%2 == 1 {
			j = i - 1
		}
		for ; j > 0 && (j == i || n%2 == 1); j-- {
			if m.try(dropReplicas(m.best.cfg, core.SetOf(i, j))) {
				return true
			}
		}
	}
	return false
}

// simplifyTxn lets a transaction have fewer members, and move less.
func (m *minimizer) simplifyTxn(i int) {
	c := m.best.cfg
	for s := c.Txns[i].Optional; s != 0; s &= s - 1 {
		m.try(dropOptional(m.best.cfg, i, s.First()))
	}
	for s := c.Txns[i].Must(); s != 0; s &= s - 1 {
		rm := s.First()
		w, ok := within(m.best.cfg.Txns[i].Work, func(a uint8) uint8 {
			if c.RMOf(a) == rm {
				return 0
			}
			return a
		})
		if ok {
			m.try(changeTxn(m.best.cfg, i, w))
		}
	}
	if w := m.best.cfg.Txns[i].Work; w.From != w.To {
		m.try(changeTxn(m.best.cfg, i, bank.Work{From: w.From, To: w.From, Amount: w.Amount}))
	}
	if w := m.best.cfg.Txns[i].Work; w.Read.Len() > 1 {
		m.try(changeTxn(m.best.cfg, i, bank.Work{Read: core.SetOf(w.Read.First())}))
	}
	if w := m.best.cfg.Txns[i].Work; w.Amount > 1 {
		m.try(changeTxn(m.best.cfg, i, bank.Work{From: w.From, To: w.To, Amount: 1}))
	}
}

// hoist moves every action that is no fault as far to the front as it goes. It makes nothing
// shorter, but easier to read, and detours easier to find.
func (m *minimizer) hoist() {
	for j := range m.best.actions {
		a := m.best.actions[j]
		for i := 0; i < j && !a.Type.isFault() && !m.tired(); i++ {
			m.without(j, j+1)
			m.trial = slices.Insert(m.trial, i, a)
			if m.fails(m.best.cfg, m.trial, false) && slices.Equal(m.taken, m.trial) {
				m.best.actions = slices.Clone(m.trial)
				break
			}
		}
	}
}

// detour puts one more action in, wherever one is enabled, or one and then what it makes
// possible, to see whether more others can then be left out: a shorter way to the same place, which
// removal alone cannot find. It stops at the first success.
func (m *minimizer) detour() bool {
	home := m.best
	var first, second []Action
	for i := len(home.actions) - 1; i >= 0; i-- {
		first = m.enabledAfter(first[:0], home.actions[:i])
		for _, a := range first {
			if a != home.actions[i] && m.detourBy(&home, i, a) {
				return true
			}
		}
		for _, a := range first {
			second = m.enabledAfter(second[:0], home.actions[:i], a)
			for _, b := range second {
				leads := (b.Type == Deliver || b.Type == Sync) && !contains(first, b)
				if leads && m.detourBy(&home, i, a, b) {
					return true
				}
			}
		}
	}
	return false
}

// detourBy tries what can be left out of home when some actions are put in at i.
func (m *minimizer) detourBy(home *candidate, i int, more ...Action) bool {
	m.trial = append(append(append(m.trial[:0], home.actions[:i]...), more...), home.actions[i:]...)
	if m.tired() || !m.fails(home.cfg, m.trial, true) {
		return false
	}
	m.best = candidate{home.cfg, slices.Clone(m.taken), costOf(home.cfg, m.taken)}
	for k := len(m.best.actions) - 1; k >= 0; k-- {
		if k < len(m.best.actions) && (k < i || k >= i+len(more)) {
			m.without(k, k+1)
			m.improve(home.cfg, true)
		}
	}
	if m.best.cost.less(&home.cost) {
		return true
	}
	m.best = *home
	return false
}

// swapAndDetour looks for detours after two acceptors, or two leaders, have changed places, for
// some are used in the normal case and some are not.
func (m *minimizer) swapAndDetour() bool {
	home := m.best
	for _, k := range []core.RoleKind{core.Acceptor, core.Leader} {
		n := uint8(home.cfg.Layout.Count(k))
		for i := uint8(1); i < n; i++ {
			for j := i + 1; j <= n && !m.tired(); j++ {
				g := swapRoles(home.cfg, k, i, j)
				m.trial = g.rewrite(m.trial[:0], home.actions)
				if !m.fails(&g.cfg, m.trial, true) {
					continue
				}
				m.best = candidate{&g.cfg, slices.Clone(m.taken), costOf(&g.cfg, m.taken)}
				m.removeEach()
				m.hoist()
				if m.best.cost.less(&home.cost) || m.detour() && m.best.cost.less(&home.cost) {
					return true
				}
				m.best = home
			}
		}
	}
	return false
}

// enabledAfter appends what can happen after the given actions and may shorten a schedule.
func (m *minimizer) enabledAfter(buf, actions []Action, more ...Action) []Action {
	w := &m.world
	w.Reset(m.best.cfg)
	for i := range actions {
		w.try(&actions[i])
	}
	for i := range more {
		w.try(&more[i])
	}
	m.steps += w.steps
	return slices.DeleteFunc(w.Enabled(buf), func(a Action) bool {
		switch a.Type {
		case Drop: // as good as to deliver it later or never, but for who waits for it to the end
			return m.property != checker.NonBlocking
		case Die, Cut, Heal, GiveUp, Settle:
			return true
		default:
			return false
		}
	})
}

// wander makes random runs in the best configuration, with the kinds of fault that the best actions
// have, until one that breaks the property becomes shorter than the best: another way to the same
// failure. The numbers are always the same.
func (m *minimizer) wander() bool {
	if len(m.best.actions) < 2 {
		return false
	}
	var kinds []ActionType
	for t, weight := range [NumActionTypes]int{Begin: 3, Deliver: 8, Sync: 4, Fire: 2} {
		if weight == 0 && slices.ContainsFunc(m.best.actions, func(a Action) bool {
			return a.Type == ActionType(t)
		}) {
			weight = 1
		}
		for range weight {
			kinds = append(kinds, ActionType(t))
		}
	}
	home := m.best
	h := uint64(1)
	for range maxWalks {
		if m.tired() {
			break
		}
		if !m.walk(kinds, &h) {
			continue
		}
		m.best = candidate{home.cfg, slices.Clone(m.taken), costOf(home.cfg, m.taken)}
		m.removeChunks()
		m.removeEach()
		if m.best.cost.less(&home.cost) {
			return true
		}
		m.best = home
	}
	return false
}

// maxWalks adds a tenth of a second where nothing is found.
const maxWalks = 6000

// walk makes a random run, at most twice as long as the best, and tells whether it breaks the
// property.
func (m *minimizer) walk(kinds []ActionType, h *uint64) bool {
	m.used++
	w := &m.world
	w.Reset(m.best.cfg)
	m.taken = m.taken[:0]
	for range 8 * len(m.best.actions) {
		*h = mix(uint64(len(m.taken)), *h) + 0x9e3779b97f4a7c15
		a, ok := w.Choose(kinds[*h>>33%uint64(len(kinds))], uint32(*h))
		if !ok {
			continue
		}
		m.taken = append(m.taken, a)
		w.try(&a)
		if w.Violation() != nil || len(m.taken) == 2*len(m.best.actions) {
			break
		}
	}
	if runsToEnd(m.property) && w.Violation() == nil {
		w.Settle(nil)
	}
	m.steps += w.steps
	v := w.Violation()
	return v != nil && v.Property == m.property
}
