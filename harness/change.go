package harness

import (
	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/core/bank"
)

// change makes a configuration smaller, and rewrites the actions of the old one for the new one.
type change struct {
	old   *Config
	cfg   Config
	roles [core.NumRoleKinds][core.MaxRMs + 1]uint8 // new number by old number; 0 is gone
	txns  []core.TxID                               // new id by old index; zero is gone
	nodes [][]core.NodeID                           // new nodes by old node

	replicas [core.MaxReplicas + 1]uint8 // of every role, as roles

	merges bool // several roles become one
	split  int  // the transaction at which a client becomes two; 0 is none
}

// newChange returns the change that changes nothing, as a start.
func newChange(c *Config) *change {
	g := &change{old: c, cfg: *c}
	for k := range g.roles {
		for id := range g.roles[k] {
			g.roles[k][id] = uint8(id)
		}
	}
	for k := range g.replicas {
		g.replicas[k] = uint8(k)
	}
	for i := range c.Txns {
		g.txns = append(g.txns, c.Txns[i].ID)
	}
	g.nodes = make([][]core.NodeID, c.Layout.Nodes+1)
	for n := range g.nodes {
		g.nodes[n] = []core.NodeID{core.NodeID(n)}
	}
	return g
}

// setWork gives every transaction the work that f says, in terms of the new configuration, and
// leaves out those for which it says false. Clients without a transaction go.
func (g *change) setWork(f func(i int, w bank.Work) (bank.Work, bool)) {
	g.cfg.Txns = nil
	g.txns = g.txns[:0]
	var last, before core.TxID // in the new and in the old numbering
	for i := range g.old.Txns {
		t := g.old.Txns[i]
		w, ok := f(i, t.Work)
		if !ok {
			g.txns = append(g.txns, core.TxID{})
			continue
		}
		switch {
		case t.ID.Origin != before.Origin || i == g.split:
			last = core.TxID{Origin: last.Origin + 1}
		case t.ID.Epoch != before.Epoch:
			last = core.TxID{Origin: last.Origin, Epoch: last.Epoch + 1}
		}
		last.Seq++
		before = t.ID
		members := g.cfg.MembersOf(w)
		rm := g.roles[core.RM][t.RM]
		if rm == 0 || !members.Has(rm) {
			rm = members.First()
		}
		optional := g.instances(t.Optional) &^ members
		g.cfg.Txns = append(g.cfg.Txns, checker.Txn{
			ID: last, RM: rm, Members: members | optional, Optional: optional, Work: w,
		})
		g.txns = append(g.txns, last)
	}
}

// splitClient has transaction i, and what its client does after it, begun by a client of their own.
func splitClient(c *Config, i int) *change {
	g := newChange(c)
	if i > 0 && c.Txns[i].ID.Origin == c.Txns[i-1].ID.Origin && c.Clients() < core.MaxClients {
		g.split = i
	}
	g.setWork(func(_ int, w bank.Work) (bank.Work, bool) { return w, true })
	return g
}

// dropTxn leaves out transaction i.
func dropTxn(c *Config, i int) *change {
	g := newChange(c)
	g.setWork(func(j int, w bank.Work) (bank.Work, bool) { return w, j != i })
	return g
}

// changeTxn gives transaction i other work.
func changeTxn(c *Config, i int, work bank.Work) *change {
	g := newChange(c)
	g.setWork(func(j int, w bank.Work) (bank.Work, bool) {
		if j == i {
			return work, true
		}
		return w, true
	})
	return g
}

// dropOptional has transaction i do without an optional member.
func dropOptional(c *Config, i int, rm uint8) *change {
	g := splitClient(c, 0)
	t := &g.cfg.Txns[i]
	t.Optional, t.Members = t.Optional.Without(rm), t.Members.Without(rm)
	return g
}

// within returns what of some work an account filter leaves: of a transfer with one account left,
// one from that account to itself. It returns false if nothing is left.
func within(w bank.Work, account func(uint8) uint8) (bank.Work, bool) {
	var read core.Set
	for s := w.Read; s != 0; s &= s - 1 {
		if a := account(s.First()); a != 0 {
			read = read.With(a)
		}
	}
	if w.Read != 0 {
		return bank.Work{Read: read}, read != 0
	}
	from, to := account(w.From), account(w.To)
	if from == 0 {
		from = to
	}
	if to == 0 {
		to = from
	}
	return bank.Work{From: from, To: to, Amount: w.Amount}, from != 0
}

// dropRoles takes roles of one kind out of the layout. What they did, role into does, or if that
// is 0 nobody.
func dropRoles(c *Config, kind core.RoleKind, gone core.Set, into uint8) *change {
	g := newChange(c)
	g.merges = into != 0
	n := renumber(g.roles[kind][:c.Layout.Count(kind)+1], gone)
	for s := gone; s != 0 && into != 0; s &= s - 1 {
		g.roles[kind][s.First()] = g.roles[kind][into]
	}
	g.roles[core.Resource] = g.roles[core.RM]
	g.cfg.Layout.SetCount(kind, n)
	g.place(func(r core.Role) bool { return r.Kind == kind && gone.Has(r.ID) })
	if into != 0 {
		to := c.Layout.NodeOf(core.Role{Kind: kind, ID: into})
		for s := gone; s != 0; s &= s - 1 {
			if n := c.Layout.NodeOf(core.Role{Kind: kind, ID: s.First()}); g.nodes[n] == nil {
				g.nodes[n] = g.nodes[to]
			}
		}
	}
	if kind == core.RM {
		g.moveAccounts()
	}
	return g
}

// dropReplicas takes replicas of every role out of the layout.
func dropReplicas(c *Config, gone core.Set) *change {
	g := newChange(c)
	g.cfg.Layout.Replicas = renumber(g.replicas[:c.Layout.Replicas+1], gone)
	g.place(func(r core.Role) bool { return r.Replica > 0 && gone.Has(r.Replica) })
	return g
}

// renumber counts those that are left, and gives them new numbers from 1 on, by their old ones.
func renumber(numbers []uint8, gone core.Set) int {
	next := 0
	for id := 1; id < len(numbers); id++ {
		numbers[id] = 0
		if !gone.Has(uint8(id)) {
			next++
			numbers[id] = uint8(next)
		}
	}
	return next
}

// clearLayout takes every role off its node.
func (g *change) clearLayout() *core.Layout {
	clear(g.nodes)
	l := &g.cfg.Layout
	*l = core.Layout{Sizes: l.Sizes, Options: l.Options}
	return l
}

// place puts the roles that are left where they were, and leaves out nodes without a role.
func (g *change) place(gone func(core.Role) bool) {
	old := &g.old.Layout
	l := g.clearLayout()
	roles := old.AppendRoles(nil)
	for n := core.NodeID(1); int(n) <= old.Nodes; n++ {
		node := core.NodeID(l.Nodes + 1)
		for _, r := range roles {
			of := r
			if of.Kind == core.Resource {
				of.Kind = core.RM
			}
			if old.NodeOf(r) == n && !gone(of) {
				r.ID, r.Replica = g.roles[r.Kind][r.ID], g.replicas[r.Replica]
				l.Place(r, node)
				g.nodes[n] = []core.NodeID{node}
			}
		}
	}
}

// swapRoles has two roles of a kind change places.
func swapRoles(c *Config, kind core.RoleKind, i, j uint8) *change {
	g := newChange(c)
	g.roles[kind][i], g.roles[kind][j] = j, i
	g.roles[core.Resource] = g.roles[core.RM]
	g.place(func(core.Role) bool { return false })
	return g
}

// moveAccounts gives the accounts that transactions touch the lowest numbers there are, so that
// each is with the resource manager that it was with, under its new number.
func (g *change) moveAccounts() {
	var used core.Set
	for i := range g.old.Txns {
		used |= g.old.Txns[i].Work.Accounts()
	}
	var account [bank.MaxAccounts + 1]uint8
	var next [core.MaxRMs + 1]int
	g.cfg.Accounts = 1
	for s := used; s != 0; s &= s - 1 {
		rm := g.roles[core.RM][g.old.RMOf(s.First())]
		a := next[rm]*g.cfg.Layout.RMs + int(rm)
		if rm == 0 || a > bank.MaxAccounts {
			continue
		}
		next[rm]++
		account[s.First()] = uint8(a)
		g.cfg.Accounts = max(g.cfg.Accounts, a)
	}
	g.setWork(func(_ int, w bank.Work) (bank.Work, bool) {
		return within(w, func(a uint8) uint8 { return account[a] })
	})
}

// dropAccounts leaves out the accounts that no transaction touches.
func dropAccounts(c *Config) *change {
	g := newChange(c)
	g.moveAccounts()
	return g
}

// setApart puts every role on a node of its own.
func setApart(c *Config) *change {
	g := newChange(c)
	old := &c.Layout
	l := g.clearLayout()
	for _, r := range old.AppendRoles(nil) {
		l.Place(r, core.NodeID(l.Nodes+1))
		n := old.NodeOf(r)
		g.nodes[n] = append(g.nodes[n], core.NodeID(l.Nodes))
	}
	return g
}

func isApart(l *core.Layout) bool { return l.Nodes == l.Roles() }

// rewrite appends the old configuration's actions as they are in the new one. What has no place
// there is left out.
func (g *change) rewrite(dst, actions []Action) []Action {
	var begun [core.MaxClients + 1]core.TxID // the last, by client
	var gaveUp [core.MaxClients + 1]bool
	for i := range actions {
		a := actions[i]
		switch a.Type {
		case Begin, GiveUp:
			last := &begun[a.Role.ID]
			last.Origin = uint16(a.Role.ID)
			if a.Type == Begin {
				*last = g.old.next(*last, gaveUp[a.Role.ID])
			}
			gaveUp[a.Role.ID] = a.Type == GiveUp
			tx := g.tx(*last)
			if tx == (core.TxID{}) {
				continue
			}
			a.Role.ID = uint8(tx.Origin)
		case Deliver, Drop, Duplicate, Refuse:
			if !g.message(&a.Msg) {
				continue
			}
		case Fire:
			a.Timer.Tx = g.tx(a.Timer.Tx)
			a.Timer.Role = g.role(a.Timer.Role, a.Timer.Tx)
			if a.Timer.Role.ID == 0 || a.Timer.Tx.Seq == 0 {
				continue
			}
		case Sync, Crash, CrashKeep, Die, Restart, Cut:
			for _, n := range g.nodes[a.Node] {
				a.Node = n
				dst = append(dst, a)
			}
			continue
		default:
		}
		dst = append(dst, a)
	}
	return dst
}

// role returns the new role of what has to do with the new transaction tx.
func (g *change) role(r core.Role, tx core.TxID) core.Role {
	if r.Kind == core.Client {
		return core.Role{Kind: r.Kind, ID: uint8(tx.Origin)}
	}
	if r.Replica > 0 && g.replicas[r.Replica] == 0 {
		return core.Role{}
	}
	r.ID, r.Replica = g.roles[r.Kind][r.ID], g.replicas[r.Replica]
	return r
}

func (g *change) tx(tx core.TxID) core.TxID {
	for i := range g.old.Txns {
		if g.old.Txns[i].ID == tx {
			return g.txns[i]
		}
	}
	return core.TxID{}
}

func (g *change) message(m *core.Message) bool {
	m.Tx = g.tx(m.Tx)
	m.From, m.To = g.role(m.From, m.Tx), g.role(m.To, m.Tx)
	m.Bal, m.MBal = g.ballot(m.Bal), g.ballot(m.MBal)
	m.Votes.Prepared, m.Votes.Aborted = g.instances(m.Votes.Prepared), g.instances(m.Votes.Aborted)
	m.Joined = g.instances(m.Joined)
	return m.From.ID != 0 && m.To.ID != 0 && m.Tx.Seq != 0
}

// ballot returns the ballot of the same leader's, or the same replica's, same attempt.
func (g *change) ballot(b core.Ballot) core.Ballot {
	owners, left, number := g.old.Layout.Leaders, g.cfg.Layout.Leaders, g.roles[core.Leader][:]
	if owners == 0 {
		owners, left, number = g.old.Layout.Replicas, g.cfg.Layout.Replicas, g.replicas[:]
	}
	if b == 0 || owners == 0 {
		return b
	}
	owner := number[core.BallotOwner(owners, b)]
	if owner == 0 {
		return b
	}
	return (b-1)/core.Ballot(owners)*core.Ballot(left) + core.Ballot(owner)
}

func (g *change) instances(s core.Set) core.Set {
	var t core.Set
	for ; s != 0; s &= s - 1 {
		if id := g.roles[core.RM][s.First()]; id != 0 {
			t = t.With(id)
		}
	}
	return t
}
