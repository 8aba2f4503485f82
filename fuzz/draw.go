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
	weights [harness.NumActionTypes]uint32 // how often each type of action is tried, relative to the others
	total   uint32                         // sum of weights
	slow    core.Set                       // nodes for which deliveries are mostly put off
}

// draw makes the configuration and the plan of a run. All that is random about them comes from rng, and is drawn
// before the first action: each run has its own sizes, faults and odds (Groce et al., "Swarm Testing", 2012).
func (o *Options) draw(rng *rand.Rand, c *harness.Config, p *plan) error {
	*c = harness.Config{Protocol: o.Protocol, Timing: o.timing(), Opening: 100, Txns: c.Txns[:0]}
	rms, acceptors, leaders := o.RMs, o.Acceptors, o.Leaders
	if rms == 0 {
		rms = 1 + rng.IntN(3)
	}
	if acceptors == 0 {
		acceptors = [...]int{1, 3, 3, 3, 3, 5}[rng.IntN(6)]
	}
	if leaders == 0 {
		leaders = 1 + rng.IntN(3)
	}
	if err := c.Layout.Apart(rms, acceptors, leaders); err != nil {
		return err
	}
	if rng.IntN(4) == 0 {
		placeTogether(rng, &c.Layout)
	}
	for i := range o.Protocol.Options() {
		if rng.IntN(2) == 0 {
			c.Layout.Options |= 1 << i
		}
	}
	drawTxns(rng, c)
	o.drawFaults(rng, c, p)
	return nil
}

// placeTogether puts every role on one of a few nodes.
func placeTogether(rng *rand.Rand, l *core.Layout) {
	rms, acceptors, leaders, options := l.RMs, l.Acceptors, l.Leaders, l.Options
	nodes := 1 + rng.IntN(max(rms, acceptors))
	*l = core.Layout{RMs: rms, Acceptors: acceptors, Leaders: leaders, Options: options}
	for _, k := range []core.RoleKind{core.RM, core.Acceptor, core.Leader} {
		for i := range l.Count(k) {
			l.Place(core.Role{Kind: k, ID: uint8(i + 1)}, core.NodeID(i%nodes+1))
		}
	}
}

// drawTxns gives one or two clients a few transfers and reads between them.
func drawTxns(rng *rand.Rand, c *harness.Config) {
	c.Accounts = c.Layout.RMs + rng.IntN(2)
	clients := 1 + rng.IntN(2)
	for client := range clients {
		for n := range 1 + rng.IntN(2) {
			c.Txns = append(c.Txns, drawTxn(rng, c, core.TxID{Origin: uint16(client + 1), Seq: uint32(n + 1)}))
		}
	}
}

func drawTxn(rng *rand.Rand, c *harness.Config, id core.TxID) checker.Txn {
	t := checker.Txn{ID: id}
	account := func() uint8 { return uint8(1 + rng.IntN(c.Accounts)) }
	if rng.IntN(4) == 0 {
		t.Work = bank.Work{Read: core.FullSet(c.Accounts)}
	} else {
		t.Work = bank.Work{From: account(), To: account(), Amount: [...]int64{20, 60, 120}[rng.IntN(3)]}
	}
	t.Members = c.MembersOf(t.Work)
	k := rng.IntN(t.Members.Len())
	s := t.Members
	for range k {
		s &= s - 1
	}
	t.RM = s.First()
	return t
}

// drawFaults draws which faults a run has, how many, and how often.
func (o *Options) drawFaults(rng *rand.Rand, c *harness.Config, p *plan) {
	*p = plan{steps: 10 + rng.IntN(90)}
	some := func(f Faults, limit int) int {
		if o.Faults&f == 0 || rng.IntN(2) == 0 {
			return 0
		}
		return 1 + rng.IntN(limit)
	}
	c.Budget = harness.Budget{
		Drops: some(Drops, 4), Duplicates: some(Duplicates, 3), Refusals: some(Refusals, 1), Timeouts: some(Timeouts, 12),
		Crashes: some(Crashes, 3), Deaths: some(Deaths, 2), Cuts: some(Partitions, 3), GiveUps: some(GiveUps, 1),
	}
	if c.Timing == harness.Synchronous {
		c.Budget.Drops, c.Budget.Crashes = 0, 0
	}
	odds := func(n uint32) uint32 { return 1 + rng.Uint32N(n) }
	p.weights = [harness.NumActionTypes]uint32{
		harness.Begin: odds(20), harness.Deliver: 60, harness.Sync: odds(30), harness.Restart: odds(8), harness.Heal: odds(4),
		harness.Drop: odds(4), harness.Duplicate: odds(4), harness.Refuse: odds(4), harness.Fire: odds(16),
		harness.Crash: odds(3), harness.CrashKeep: odds(2), harness.Die: odds(2), harness.Cut: odds(3), harness.GiveUp: odds(2),
	}
	for _, w := range p.weights {
		p.total += w
	}
	if rng.IntN(2) == 0 {
		p.slow = core.Set(rng.Uint64()&rng.Uint64()) & core.FullSet(c.Layout.Nodes)
	}
}
