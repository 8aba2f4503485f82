package harness

import (
	"cmp"
	"encoding/binary"
	"slices"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/core/bank"
)

// Part is the part of a World that changes when something happens at one node, which stands as
// node 0 for the clients: its machine, log, databases, timers, what is on its way inside it, and
// what a monitor of this part alone knows. Nothing else can tell what the node does next, so
// whoever explores every run works each part out once and puts worlds together from them.
type Part struct {
	node    core.NodeID
	machine core.Machine
	disk    disk
	banks   []bank.Bank
	clients []client
	timers  []core.Timer
	inside  []core.Message
	up      bool
	dead    bool
	monitor *checker.Monitor
}

// ResetPart makes w a world for Put and Take: one monitor judges one part.
func (w *World) ResetPart(c *Config) {
	w.Reset(c)
	w.monitor.ResetPart(&c.Layout, c.Txns, c.Accounts, c.Opening)
}

// Put makes the node of p in w as p says. Nothing is in flight but inside the node, every other
// node is up, and no budget of faults is spent.
func (w *World) Put(p *Part) {
	w.clear()
	w.left = Budget{Refusals: 1, Timeouts: 1, Crashes: 1, Deaths: 1}
	w.monitor.CopyFrom(p.monitor)
	w.load(p)
}

// Join makes w the world of these parts, one of each node and of the clients, in which everything
// in flight between nodes has been lost.
func (w *World) Join(parts []*Part) {
	w.clear()
	var monitors []*checker.Monitor
	for _, p := range parts {
		w.load(p)
		monitors = append(monitors, p.monitor)
	}
	w.monitor.Reset(&w.cfg.Layout, w.cfg.Txns, w.cfg.Accounts, w.cfg.Opening)
	w.monitor.Together(monitors)
}

func (w *World) clear() {
	w.net.clear()
	w.timers = w.timers[:0]
	w.allUp()
	w.settled, w.steps = false, 0
}

func (w *World) load(p *Part) {
	for i := range p.inside {
		w.net.put(&p.inside[i])
	}
	w.timers = append(w.timers, p.timers...)
	if p.node == 0 {
		w.clients = append(w.clients[:0], p.clients...)
		return
	}
	if !p.up {
		w.up.Remove(p.node)
	}
	if p.dead {
		w.dead.Add(p.node)
	}
	if p.up && p.disk.durable < len(p.disk.records) {
		w.unsynced.Add(p.node)
	}
	if p.up {
		w.machines[p.node-1].CopyFrom(p.machine)
	}
	d := &w.disks[p.node-1]
	d.records = append(d.records[:0], p.disk.records...)
	d.durable = p.disk.durable
	d.gated = append(d.gated[:0], p.disk.gated...)
	k := 0
	for i := range w.banks {
		if w.nodeOfBank(i) == p.node {
			w.banks[i].CopyFrom(&p.banks[k])
			k++
		}
	}
}

func (w *World) nodeOfBank(i int) core.NodeID {
	return w.cfg.Layout.NodeOf(core.Role{Kind: core.Resource, ID: uint8(i + 1)})
}

// Take makes p, whose memory it uses again, a view of the part of node n until w changes, and
// returns what is in flight between nodes appended to sent. What makes no difference to the node is
// brought into one form: a record that a later durable one replaces is left out; messages between
// nodes, which may be repeated anyway, are gated once. Without log, which is for a node that cannot
// crash any more, what it has written is left out.
func (w *World) Take(p *Part, n core.NodeID, log bool, sent []core.Message) []core.Message {
	p.inside, p.timers = p.inside[:0], p.timers[:0]
	for i := range w.net.msgs {
		if m := &w.net.msgs[i]; !w.local(m) {
			sent = append(sent, *m)
		} else if w.cfg.Layout.NodeOf(m.To) == n {
			p.inside = append(p.inside, *m)
		}
	}
	slices.SortFunc(p.inside, compareMessages)
	for i := range w.timers {
		if w.cfg.Layout.NodeOf(w.timers[i].Role) == n {
			p.timers = append(p.timers, w.timers[i])
		}
	}
	slices.SortFunc(p.timers, func(a, b core.Timer) int {
		return cmp.Or(a.Tx.Compare(b.Tx), compareRoles(a.Role, b.Role), cmp.Compare(a.Kind, b.Kind))
	})
	p.node, p.up, p.dead, p.monitor = n, w.up.Has(n), w.dead.Has(n), &w.monitor
	p.disk.records, p.disk.durable, p.disk.gated = p.disk.records[:0], 0, p.disk.gated[:0]
	p.clients, p.banks = p.clients[:0], p.banks[:0]
	if n == 0 {
		p.clients = append(p.clients, w.clients...)
		return sent
	}
	p.machine = w.machines[n-1]
	w.takeDisk(p, &w.disks[n-1], log)
	for i := range w.banks {
		if w.nodeOfBank(i) == n {
			p.banks = append(p.banks, w.banks[i])
		}
	}
	return sent
}

// Keep returns a part that lasts, equal to p, which was just taken.
func (w *World) Keep(p *Part) *Part {
	k := &Part{
		node: p.node, up: p.up, dead: p.dead, monitor: &checker.Monitor{},
		disk: disk{
			records: slices.Clone(p.disk.records), durable: p.disk.durable,
			gated: slices.Clone(p.disk.gated),
		},
		inside: slices.Clone(p.inside), timers: slices.Clone(p.timers),
		clients: slices.Clone(p.clients), banks: make([]bank.Bank, len(p.banks)),
	}
	k.monitor.CopyFrom(p.monitor)
	for i := range p.banks {
		k.banks[i].CopyFrom(&p.banks[i])
	}
	if p.up {
		k.machine = w.cfg.Protocol.New()
		k.machine.Reset(&w.cfg.Layout, p.node)
		k.machine.CopyFrom(p.machine)
	}
	return k
}

func (w *World) takeDisk(p *Part, d *disk, log bool) {
	same := func(a, b *core.Record) bool {
		return a.Type == b.Type && a.Role == b.Role && a.Tx == b.Tx
	}
	for i := range d.durable {
		r := &d.records[i]
		later := d.records[i+1 : d.durable]
		if log && !slices.ContainsFunc(later, func(l core.Record) bool { return same(&l, r) }) {
			p.disk.records = append(p.disk.records, *r)
		}
	}
	p.disk.durable = len(p.disk.records)
	p.disk.records = append(p.disk.records, d.records[d.durable:]...)
	for _, g := range d.gated { // the first to leave is in front
		g.at += p.disk.durable - d.durable
		if w.local(&g.msg) || !slices.ContainsFunc(p.disk.gated, func(h gated) bool {
			return h.msg == g.msg
		}) {
			p.disk.gated = append(p.disk.gated, g)
		}
	}
	slices.SortFunc(p.disk.gated, func(a, b gated) int {
		return cmp.Or(cmp.Compare(a.at, b.at), compareMessages(a.msg, b.msg))
	})
}

// Complete completes what node n has written.
func (w *World) Complete(n core.NodeID) {
	for w.unsynced.Has(n) {
		w.Do(Sync, int(n)-1)
	}
}

// Offer puts a message in flight.
func (w *World) Offer(m *core.Message) { w.net.put(m) }

// Own appends the actions that can happen at the node of p, after Put(p), and need no message from
// another node. Whether the rest of the system may lose the node for good, CanLose tells.
func (w *World) Own(p *Part, buf []Action) []Action {
	all := w.Enabled(nil)
	for i := range all {
		switch a := &all[i]; a.Type {
		case Begin:
			if p.node == 0 {
				buf = append(buf, *a)
			}
		case Deliver, Refuse, Fire:
			buf = append(buf, *a)
		case Sync, Crash, CrashKeep, Restart:
			if a.Node == p.node {
				buf = append(buf, *a)
			}
		default:
		}
	}
	if p.node > 0 && p.up {
		buf = append(buf, Action{Type: Die, Node: p.node})
	}
	return buf
}

// AppendKey appends a canonical encoding: parts of the same node and configuration with equal
// bytes behave alike for ever, in the asynchronous timing, and are judged alike.
func (p *Part) AppendKey(dst []byte) []byte {
	return p.AppendState(p.monitor.AppendKey(dst))
}

// AppendState is AppendKey without what the monitor knows.
func (p *Part) AppendState(dst []byte) []byte {
	flags := byte(0)
	if p.up {
		flags |= 1
	}
	if p.dead {
		flags |= 2
	}
	dst = append(dst, flags, byte(len(p.disk.records)), byte(p.disk.durable))
	for i := range p.disk.records {
		dst = appendRecord(dst, &p.disk.records[i])
	}
	dst = append(dst, byte(len(p.disk.gated)))
	for i := range p.disk.gated {
		g := &p.disk.gated[i]
		dst = appendMessage(append(dst, byte(g.at)), &g.msg)
	}
	dst = append(dst, byte(len(p.inside)))
	for i := range p.inside {
		dst = appendMessage(dst, &p.inside[i])
	}
	dst = append(dst, byte(len(p.timers)))
	for i := range p.timers {
		t := &p.timers[i]
		dst = append(appendRole(t.Tx.AppendKey(dst), t.Role), byte(t.Kind))
	}
	for i := range p.banks {
		dst = p.banks[i].AppendKey(dst)
	}
	for i := range p.clients {
		cl := &p.clients[i]
		flag := byte(0)
		if cl.waiting {
			flag = 1
		}
		dst = append(dst, flag, cl.asked)
		dst = binary.AppendUvarint(dst, uint64(cl.next))
	}
	if p.up {
		dst = p.machine.AppendKey(dst) // last, for it need not say where it ends
	}
	return dst
}

// Monitor returns the judge of this part, to look at.
func (p *Part) Monitor() *checker.Monitor { return p.monitor }

// Node returns the node that it is of; 0 stands for the clients.
func (p *Part) Node() core.NodeID { return p.node }

// Up tells whether the node runs.
func (p *Part) Up() bool { return p.up }

// Dead tells whether the node has crashed for good.
func (p *Part) Dead() bool { return p.dead }

// Await returns whom the timer that an action names waits for.
func (p *Part) Await(named *core.Timer) core.Await {
	for i := range p.timers {
		if t := &p.timers[i]; t.Role == named.Role && t.Kind == named.Kind && t.Tx == named.Tx {
			return t.Await
		}
	}
	return core.Await{}
}

// CanLose tells whether what a protocol tolerates would be left if these nodes were gone for good:
// of acceptors, and of the replicas of each role, a majority, unless LoseMajority says otherwise;
// of leaders one; of other roles none.
func (c *Config) CanLose(gone *core.NodeSet) bool {
	l := &c.Layout
	var lost, leaders, replicas int // replicas of one role
	var buf [64]core.Role
	for _, r := range l.AppendRoles(buf[:0]) {
		if r.Replica == 1 {
			replicas = 0
		}
		switch {
		case !gone.Has(l.NodeOf(r)):
		case r.Kind == core.Acceptor:
			lost++
		case r.Kind == core.Leader:
			leaders++
		case r.Replica > 0:
			replicas++
			if 2*replicas >= l.Replicas && !c.LoseMajority {
				return false
			}
		}
	}
	return (c.LoseMajority || l.Acceptors == 0 || l.Acceptors-lost >= l.Majority()) &&
		(l.Leaders == 0 || leaders < l.Leaders)
}

func compareRoles(a, b core.Role) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID),
		cmp.Compare(a.Replica, b.Replica))
}

func appendRole(dst []byte, r core.Role) []byte {
	return append(dst, byte(r.Kind), r.ID, r.Replica)
}

func compareMessages(a, b core.Message) int {
	var x, y [96]byte
	return slices.Compare(appendMessage(x[:0], &a), appendMessage(y[:0], &b))
}

func appendMessage(dst []byte, m *core.Message) []byte {
	begin := byte(0)
	if m.Begin {
		begin = 1
	}
	dst = append(dst, byte(m.Type), byte(m.Val), begin)
	dst = appendRole(appendRole(dst, m.From), m.To)
	dst = binary.AppendUvarint(dst, m.Tx.Word())
	for _, n := range [...]uint64{
		uint64(m.Bal), uint64(m.MBal), uint64(m.Low), uint64(m.Members), uint64(m.Votes.Prepared),
		uint64(m.Votes.Aborted), uint64(m.Joined),
	} {
		dst = binary.AppendUvarint(dst, n)
	}
	return dst
}

func appendRecord(dst []byte, r *core.Record) []byte {
	dst = appendRole(append(dst, byte(r.Type), byte(r.Val)), r.Role)
	dst = binary.AppendUvarint(dst, r.Tx.Word())
	for _, n := range [...]uint64{
		uint64(r.Bal), uint64(r.MBal), uint64(r.Low), uint64(r.Members), uint64(r.Votes.Prepared),
		uint64(r.Votes.Aborted), uint64(r.Joined),
	} {
		dst = binary.AppendUvarint(dst, n)
	}
	return dst
}

// Dead tells whether a node has crashed for good.
func (w *World) Dead(n core.NodeID) bool { return w.dead.Has(n) }

// Split tells whether there is a partition.
func (w *World) Split() bool { return w.split }

// Up tells whether a node runs.
func (w *World) Up(n core.NodeID) bool { return w.up.Has(n) }
