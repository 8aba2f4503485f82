package fuzz

import (
	"math/rand/v2"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/core/bank"
	"paxoscommit/harness"
)

// plan is how a run is to be driven: what was drawn for it beside its configuration.
type plan struct {
	steps   int                            // before settle, at most
	weights [harness.NumActionTypes]uint32 // how often an action of a type is tried
	deck    []harness.ActionType           // each type as often as its weight says: to draw from
	frail   core.Set                       // nodes that may crash, by bitOf
	slow    core.Set                       // nodes for which most deliveries are put off, by bitOf
	deaf    core.Set                       // of these message types; of all if it is empty
	spell   int                            // if above 0: how many steps the same acceptor is slow
	late    [core.NumMsgTypes]uint8        // of 16 tries to deliver a message, so many are put off
	idle    [core.NumRoleKinds]uint8       // of 16 tries to fire a retry timer, so many are put off
	newest  int                            // how strongly deliveries prefer the newest: 0 to 2
	due     bool                           // in a duel: nobody has taken over in this spell
	trap    core.MsgType                   // a frail node that sends it mostly crashes at once
}

// bitOf returns the number by which a node stands in a set of a plan. Beyond 64 nodes several share
// one.
func bitOf(n core.NodeID) uint8 { return uint8((n-1)%64) + 1 }

// draw makes the configuration and the plan of a run. All that is random about them comes from rng,
// and is drawn before the first action: each run has its own sizes, faults and odds (Groce et al.,
// "Swarm Testing", 2012).
func (o *Options) draw(rng *rand.Rand, c *harness.Config, p *plan) error {
	if o.Coverage != nil {
		o.drawWithin(rng, c, p)
		return nil
	}
	*c = harness.Config{Protocol: o.Protocol, Timing: o.timing(), Opening: 100, Txns: c.Txns[:0]}
	if err := o.drawLayout(rng, &c.Layout); err != nil {
		return err
	}
	o.drawTxns(rng, c)
	o.drawFaults(rng, c, p)
	return nil
}

// drawWithin makes the configuration that of the coverage's world, in which loss and repetition,
// drawn as ever, are the only faults without a budget.
func (o *Options) drawWithin(rng *rand.Rand, c *harness.Config, p *plan) {
	world := o.Coverage.Config()
	*c = world
	o.drawFaults(rng, c, p)
	world.Budget.Drops, world.Budget.Duplicates = c.Budget.Drops, c.Budget.Duplicates
	c.Budget = world.Budget
}

// drawLayout draws how many roles there are, where they are, and the protocol's options. If the
// protocol does not take that, the roles are apart and no option is on.
func (o *Options) drawLayout(rng *rand.Rand, l *core.Layout) error {
	if err := l.Apart(o.drawSizes(rng)); err != nil {
		return err
	}
	if rng.IntN(4) == 0 && !o.Apart {
		placeTogether(rng, l)
	}
	for i := range o.Protocol.Options() {
		if rng.IntN(2) == 0 {
			l.Options |= 1 << i
		}
	}
	if o.Protocol.Validate(l) == nil {
		return nil
	}
	if err := l.Apart(l.Sizes); err != nil {
		return err
	}
	return o.Protocol.Validate(l)
}

// drawSizes draws the numbers of roles that the options leave open.
func (o *Options) drawSizes(rng *rand.Rand) core.Sizes {
	var n [5]int
	for i, s := range o.sizes() {
		n[i] = s.fixed
		if n[i] == 0 && s.least < s.most {
			n[i] = s.clamp(s.odds[rng.IntN(s.few)])
		}
	}
	least, _ := o.Protocol.Limits()
	return core.Sizes{
		RMs: n[0], Acceptors: n[1], Leaders: n[2], TMs: least.TMs, Registrars: n[3], Replicas: n[4],
	}
}

// placeTogether puts every role on one of a few nodes, the replicas of a role on different ones as
// far as possible.
func placeTogether(rng *rand.Rand, l *core.Layout) {
	nodes := 1 + rng.IntN(max(l.RMs, l.Acceptors, l.Replicas))
	*l = core.Layout{Sizes: l.Sizes, Options: l.Options}
	var buf [64]core.Role
	for _, r := range l.AppendRoles(buf[:0]) {
		i := int(r.ID) - 1 + max(int(r.Replica)-1, 0)
		l.Place(r, core.NodeID(i%nodes+1))
	}
}

// drawTxns gives one or two clients a few transfers and reads between them; half of the runs have
// a single one. Where clients give up, some go on in a new epoch.
func (o *Options) drawTxns(rng *rand.Rand, c *harness.Config) {
	c.Accounts = min(c.Layout.RMs+rng.IntN(2), bank.MaxAccounts)
	clients, each := 1, 1
	if rng.IntN(2) == 0 {
		clients, each = 1+rng.IntN(2), 2
	}
	for client := range clients {
		id := core.TxID{Origin: uint16(client + 1)}
		for range 1 + rng.IntN(each) {
			if id.Seq > 0 && o.Faults&GiveUps != 0 && rng.IntN(2) == 0 {
				id = core.TxID{Origin: id.Origin, Epoch: id.Epoch + 1}
			}
			id.Seq++
			c.Txns = append(c.Txns, drawTxn(rng, c, id))
		}
	}
}

func drawTxn(rng *rand.Rand, c *harness.Config, id core.TxID) checker.Txn {
	t := checker.Txn{ID: id}
	account := func() uint8 { return uint8(1 + rng.IntN(c.Accounts)) }
	if rng.IntN(4) == 0 {
		t.Work = bank.Work{Read: core.FullSet(c.Accounts)}
	} else {
		amount := [...]int64{20, 60, 120}[rng.IntN(3)]
		t.Work = bank.Work{From: account(), To: account(), Amount: amount}
	}
	t.Members = c.MembersOf(t.Work)
	k := rng.IntN(t.Members.Len())
	s := t.Members
	for range k {
		s &= s - 1
	}
	t.RM = s.First()
	if c.Layout.Registrars > 0 {
		t.Optional = core.Set(rng.Uint64()|rng.Uint64()) & core.FullSet(c.Layout.RMs) &^ t.Members
		t.Members |= t.Optional
	}
	return t
}

// drawFaults draws which faults a run has, how many, and how often.
func (o *Options) drawFaults(rng *rand.Rand, c *harness.Config, p *plan) {
	nodes := core.FullSet(min(c.Layout.Nodes, 64))
	*p = plan{steps: 10 + rng.IntN(90), frail: nodes, deck: p.deck[:0]}
	some := func(f Faults, limit int) int {
		if o.Faults&f == 0 || rng.IntN(2) == 0 {
			return 0
		}
		return 1 + rng.IntN(limit)
	}
	c.Budget = harness.Budget{
		Drops: some(Drops, 4), Duplicates: some(Duplicates, 3), Refusals: some(Refusals, 1),
		Timeouts: some(Timeouts, 12), Crashes: some(Crashes, 3), Deaths: some(Deaths, 2),
		Cuts: some(Partitions, 3), GiveUps: some(GiveUps, 1),
	}
	odds := func(n uint32) uint32 { return 1 + rng.Uint32N(n) }
	p.weights = [harness.NumActionTypes]uint32{
		harness.Begin: odds(20), harness.Deliver: 60, harness.Sync: odds(30),
		harness.Restart: odds(12), harness.Heal: odds(8), harness.Drop: odds(4),
		harness.Duplicate: odds(4), harness.Refuse: odds(4), harness.Fire: odds(16),
		harness.Crash: odds(3), harness.CrashKeep: odds(2), harness.Die: odds(2),
		harness.Cut: odds(3), harness.GiveUp: odds(2),
	}
	if rng.IntN(2) == 0 {
		p.slow = core.Set(rng.Uint64()&rng.Uint64()) & nodes
	}
	p.newest = rng.IntN(3)
	if c.Layout.Leaders > 0 && len(c.Txns) == 1 && o.Faults&Timeouts != 0 && rng.IntN(4) != 0 {
		o.drawDuel(rng, c, p)
	}
	if c.Layout.Registrars > 0 && o.Faults&Timeouts != 0 && rng.IntN(2) == 0 {
		drawLateJoins(rng, c, p)
	}
	if c.Timing == harness.Synchronous {
		c.Budget.Crashes = 0
	}
	for t, weight := range p.weights {
		for range weight {
			p.deck = append(p.deck, harness.ActionType(t))
		}
	}
}

// drawDuel makes a run in which leaders take over from one another before anybody decides: three
// and four ballots for one transaction, each with another majority of acceptors, which some bugs
// need. What would end it (votes counted, outcomes, and what is said again) is late.
func (o *Options) drawDuel(rng *rand.Rand, c *harness.Config, p *plan) {
	p.steps = 50 + rng.IntN(70)
	p.spell = 6 + rng.IntN(24)
	c.Budget.Deaths, c.Budget.Cuts, c.Budget.GiveUps = 0, 0, 0
	c.Budget.Timeouts = 8 + rng.IntN(24)
	p.weights[harness.Begin] = 100
	p.weights[harness.Sync] = 20 + rng.Uint32N(30)
	p.weights[harness.Fire] = 1 + rng.Uint32N(30)
	for _, t := range []core.MsgType{
		core.MsgPhase2b, core.MsgCommit, core.MsgAbort, core.MsgDone, core.MsgForget,
		core.MsgForgotten, core.MsgRequest, core.MsgQuery,
	} {
		p.late[t] = [...]uint8{0, 12, 15, 15}[rng.IntN(4)]
	}
	p.idle[core.Client], p.idle[core.RM], p.idle[core.Leader] = 15, 12, 14
	if o.Faults&Crashes != 0 && rng.IntN(2) == 0 {
		leader := core.Role{Kind: core.Leader, ID: uint8(1 + rng.IntN(c.Layout.Leaders))}
		p.frail = core.SetOf(bitOf(c.Layout.NodeOf(leader)))
		c.Budget.Crashes = 1 + rng.IntN(3)
		p.steps += 60
		p.weights[harness.Restart] = 20
		p.trap = core.MsgPhase2a
		p.late[core.MsgPhase2a] = [...]uint8{12, 14, 15}[rng.IntN(3)]
		p.late[core.MsgQuery], p.idle[core.RM] = 0, 0 // a leader that comes back must be asked again
	}
}

// drawLateJoins makes a run in which members are late to join, and the first one does not wait for
// all that may.
func drawLateJoins(rng *rand.Rand, c *harness.Config, p *plan) {
	p.late[core.MsgEnlist] = [...]uint8{0, 12, 15, 15}[rng.IntN(4)]
	p.late[core.MsgJoin] = [...]uint8{0, 0, 12, 14}[rng.IntN(4)]
	p.late[core.MsgQuery], p.idle[core.Client], p.idle[core.RM] = 15, 15, 0
	c.Budget.Timeouts = max(c.Budget.Timeouts, 1+rng.IntN(4))
	p.weights[harness.Begin], p.weights[harness.Fire] = 100, 4+rng.Uint32N(16)
}

// nextSpell lets one leader take over, which is then left alone for a while, and makes another
// acceptor slow: for everything, or only to promise, or only to accept.
func (p *plan) nextSpell(rng *rand.Rand, l *core.Layout) {
	acc := core.Role{Kind: core.Acceptor, ID: uint8(1 + rng.IntN(l.Acceptors))}
	p.slow, p.due = core.SetOf(bitOf(l.NodeOf(acc))), true
	p.deaf = [...]core.Set{
		0, core.SetOf(uint8(core.MsgPhase1a)), core.SetOf(uint8(core.MsgPhase2a)),
	}[rng.IntN(3)]
}
