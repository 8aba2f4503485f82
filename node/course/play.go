package course

import (
	"fmt"
	"slices"
	"time"

	"paxoscommit/core"
	"paxoscommit/core/bank"
	"paxoscommit/node"
	"paxoscommit/node/wire"
)

// Names of protocols.
const (
	paxosCommit = "paxos-commit"
	twoPhase    = "2pc"
	threePhase  = "3pc"
)

// opening is what every account holds at the start.
const opening = 1000

// play is a system inside this node.
type play struct {
	host      *node.Host
	protocol  core.Protocol
	layout    *core.Layout
	self      string // coordinator and proposers
	members   []string
	acceptors []string
	procs     []*node.Process // by node
	standby   core.NodeID     // of the second proposer, which starts when it is told to; 0: none
	origin    uint16          // of its transactions: the number of this play among those of the node
	epoch     uint16
	begun     uint32
	txns      map[core.TxID]*txn
	told      map[told]bool
	link      time.Duration // of every message
	wire      []func()      // messages on it
	say       func(src, dest string, b body)
	report    func(error)
	remote    func(e *node.Envelope) // sends to those who are elsewhere; nil if nobody is
	mine      func(r core.Role) bool // is played here
}

// told says that a participant has been told an outcome.
type told struct {
	tx core.TxID
	rm uint8
}

// txn is a transaction that somebody waits for.
type txn struct {
	id        core.TxID
	members   core.Set
	faults    faults
	sent      map[core.MsgType]int // by the coordinator
	votes     core.Votes           // that the coordinator has been told
	outcomes  core.Votes           // that participants have learned: committed under Prepared
	outcome   core.Value           // the first that anybody has learned
	voted     func()
	decided   func()
	cut       core.Set // participants behind the partition
	partition bool
}

// faults are what a request asks for.
type faults struct {
	crashAfter     core.MsgType
	crashBefore    core.MsgType
	partitionAfter core.MsgType
	partitioned    core.Set
}

// playConfig is what a play is made of.
type playConfig struct {
	origin    uint16
	host      *node.Host
	protocol  core.Protocol
	options   []string
	self      string // coordinator and proposers
	here      string // this node
	members   []string
	acceptors []string
	timing    node.Timing
	open      func(process string) func(each func(entry []byte) error) (node.Log, error)
	say       func(src, dest string, b body)
	report    func(error)
	link      time.Duration
	remote    func(p *play, e *node.Envelope) // nil if everybody is played here
}

// newPlay starts everybody who is played here. The error is a *wire.Error, or that of a log.
func newPlay(c playConfig) (*play, error) {
	least, most := c.protocol.Limits()
	sizes := core.Sizes{RMs: len(c.members), Acceptors: len(c.acceptors), Leaders: 2, TMs: 1}
	sizes = sizes.Clamp(least, most)
	layout, err := core.NewLayout(sizes)
	if err != nil {
		return nil, wire.Errorf(wire.MalformedRequest, "%v", err)
	}
	for i, name := range c.protocol.Options() {
		if slices.Contains(c.options, name) {
			layout.Options |= 1 << i
		}
	}
	if err := c.protocol.Validate(layout); err != nil {
		return nil, wire.Errorf(wire.MalformedRequest, "%v", err)
	}
	p := &play{
		origin: c.origin, host: c.host, protocol: c.protocol, layout: layout, self: c.self,
		members: c.members, acceptors: c.acceptors, txns: map[core.TxID]*txn{},
		told: map[told]bool{}, link: c.link, say: c.say, report: c.report,
		mine: func(core.Role) bool { return true },
	}
	if c.remote != nil {
		p.remote = func(e *node.Envelope) { c.remote(p, e) }
		p.mine = func(r core.Role) bool { return p.name(r) == c.here }
	}
	if layout.Leaders > 1 {
		p.standby = layout.NodeOf(core.Role{Kind: core.Leader, ID: 2})
	}
	for i, r := range layout.AppendRoles(nil) {
		id := core.NodeID(i + 1)
		proc := node.NewProcess(c.host, node.ProcessConfig{
			Protocol: c.protocol, Layout: layout, Node: id,
			Bank:   node.Bank{Accounts: bank.MaxAccounts, Opening: opening},
			Timing: c.timing, Open: c.open(r.String()), Send: p.send, Decided: p.learned,
			Report: c.report,
		})
		p.procs = append(p.procs, proc)
		if id == p.standby || !p.mine(r) {
			continue
		}
		if err := proc.Start(); err != nil {
			return nil, err
		}
		if r.Kind == core.Leader || r.Kind == core.TM {
			p.epoch = uint16(proc.Starts() - 1)
		}
	}
	return p, nil
}

// name returns who plays a role.
func (p *play) name(r core.Role) string {
	switch r.Kind {
	case core.RM:
		return p.members[r.ID-1]
	case core.Acceptor:
		return p.acceptors[r.ID-1]
	default:
		return p.self
	}
}

// txnName is the name of a transaction: short, as in the course, as long as one system is played
// that has not been started before.
func (p *play) txnName(tx core.TxID) string {
	switch {
	case tx.Origin > 1:
		return fmt.Sprintf("txn%d.%d.%d", tx.Origin, tx.Epoch, tx.Seq)
	case tx.Epoch > 0:
		return fmt.Sprintf("txn%d.%d", tx.Epoch, tx.Seq)
	}
	return fmt.Sprintf("txn%d", tx.Seq)
}

// coordinator returns the node that begins transactions.
func (p *play) coordinator() core.NodeID { return p.layout.NodeOf(p.layout.Coordinator(0)) }

// begin has all participants take part in a transaction.
func (p *play) begin(w bank.Work, f faults) *txn {
	p.begun++
	t := p.track(core.TxID{Origin: p.origin, Epoch: p.epoch, Seq: p.begun})
	t.faults = f
	p.send(node.Envelope{
		Msg: core.Message{
			Type: core.MsgRequest, From: core.Role{Kind: core.Client, ID: 1},
			To: core.Role{Kind: core.RM, ID: 1}, Tx: t.id, Members: t.members,
		},
		Work: w,
	})
	return t
}

// track returns what is known of a transaction of all participants, a new one if there is none.
func (p *play) track(tx core.TxID) *txn {
	t := p.txns[tx]
	if t == nil {
		t = &txn{
			id: tx, members: core.FullSet(len(p.members)), sent: map[core.MsgType]int{},
			voted: func() {}, decided: func() {},
		}
		p.txns[tx] = t
	}
	return t
}

// recover starts the second proposer, which there is, to finish what the first has left. The error
// is that of its log.
func (p *play) recover() error {
	proc := p.procs[p.standby-1]
	if !proc.Up() {
		if err := proc.Start(); err != nil {
			return err
		}
	}
	for seq := range p.begun {
		t := p.txns[core.TxID{Origin: p.origin, Epoch: p.epoch, Seq: seq + 1}]
		if t.outcome != core.NoValue {
			continue
		}
		proc.Deliver(&node.Envelope{Msg: core.Message{
			Type: core.MsgQuery, From: core.Role{Kind: core.Client, ID: 1},
			To: core.Role{Kind: core.Leader, ID: 2}, Tx: t.id, Members: t.members,
		}})
	}
	return nil
}

// close stops everybody.
func (p *play) close() error {
	for _, proc := range p.procs {
		if proc.Up() {
			if err := proc.Crash(); err != nil {
				return err
			}
		}
	}
	return nil
}

// send is the network.
func (p *play) send(e node.Envelope) {
	m := &e.Msg
	to := p.layout.NodeOf(m.To)
	t := p.txns[m.Tx]
	if to == 0 || t == nil {
		return // the client sees outcomes as they are learned
	}
	from := p.layout.NodeOf(m.From)
	if from == p.coordinator() && t.faults.crashBefore == m.Type {
		p.crash(from)
		return
	}
	if p.remote == nil {
		for _, b := range p.render(m) {
			p.say(p.name(m.From), p.name(m.To), b)
		}
	}
	if from == p.coordinator() {
		t.sent[m.Type]++
		p.strike(t, m)
	}
	if !p.mine(m.To) {
		if !t.between(m) {
			p.remote(&e)
		}
		return
	}
	deliver := func() { p.deliver(t, &e) }
	if p.link == 0 {
		p.host.Do(deliver)
		return
	}
	p.wire = append(p.wire, deliver)
	time.AfterFunc(p.link, func() {
		p.host.Do(func() {
			first := p.wire[0] // in order, whichever timer was first
			p.wire = p.wire[1:]
			first()
		})
	})
}

// strike makes the faults of a transaction happen: when the coordinator has said the last of what
// they come after.
func (p *play) strike(t *txn, m *core.Message) {
	all := t.members.Len()
	switch m.Type {
	case core.MsgPrepare:
		all-- // the first participant was asked by the client
	case core.MsgPhase1a:
		all = p.layout.Acceptors
	default:
	}
	if t.sent[m.Type] != all {
		return
	}
	if t.faults.crashAfter == m.Type {
		p.crash(p.coordinator())
	}
	if t.faults.partitionAfter == m.Type {
		t.partition, t.cut = true, t.faults.partitioned
	}
}

func (p *play) crash(n core.NodeID) {
	p.host.Do(func() {
		if proc := p.procs[n-1]; proc.Up() {
			if err := proc.Crash(); err != nil {
				p.report(err)
			}
		}
	})
}

// between tells whether the partition is between sender and receiver.
func (t *txn) between(m *core.Message) bool {
	far := func(r core.Role) bool { return r.Kind == core.RM && t.cut.Has(r.ID) }
	return t.partition && far(m.From) != far(m.To)
}

// deliver lets a message arrive, unless the partition is between.
func (p *play) deliver(t *txn, e *node.Envelope) {
	m := &e.Msg
	if t.between(m) {
		return
	}
	proc := p.procs[p.layout.NodeOf(m.To)-1]
	if !proc.Up() {
		return
	}
	switch m.Type {
	case core.MsgCommit, core.MsgAbort:
		p.told[told{m.Tx, m.To.ID}] = true
	case core.MsgVote:
		t.votes = t.votes.Union(core.VoteOf(m.From.ID, m.Val))
	case core.MsgRelay:
		t.votes = t.votes.Union(m.Votes)
	case core.MsgDone:
		t.ended(m.From.ID, m.Val)
	default:
	}
	proc.Deliver(e)
	t.voted()
}

// learned takes an outcome that somebody has learned.
func (p *play) learned(d core.Decision) {
	t := p.txns[d.Tx]
	if t == nil {
		return
	}
	if d.Role.Kind == core.RM {
		t.ended(d.Role.ID, d.Val)
	}
	if t.outcome == core.NoValue {
		t.outcome = d.Val
		t.decided()
	}
}

// ended takes the outcome that a participant has.
func (t *txn) ended(rm uint8, v core.Value) {
	if v == core.Committed {
		v = core.Prepared
	}
	t.outcomes = t.outcomes.Union(core.VoteOf(rm, v))
}

// blocked returns the participants that know no outcome.
func (p *play) blocked(t *txn) []string {
	var names []string
	for s := t.members &^ t.outcomes.Instances(); s != 0; s &= s - 1 {
		names = append(names, p.members[s.First()-1])
	}
	return names
}
