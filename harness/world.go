package harness

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/core/bank"
)

// ErrNotEnabled means that an action cannot happen now; the world is unchanged.
var ErrNotEnabled = errors.New("harness: not enabled")

// World is the whole system and everything around it. NewWorld makes one; Reset makes it new
// again and keeps its memory.
type World struct {
	cfg      *Config
	machines []core.Machine
	disks    []disk
	banks    []bank.Bank
	clients  []client
	up       core.NodeSet // nodes that run
	dead     core.NodeSet // nodes that never come back
	unsynced core.NodeSet // nodes whose log is not durable to its end
	far      core.NodeSet // nodes on the far side of the partition; empty when there is none
	split    bool         // there is a partition
	net      network
	old      int // so many of net were in flight before the action
	timers   []core.Timer
	left     Budget
	settled  bool // the settle action has happened
	steps    int
	hash     uint64
	monitor  checker.Monitor
	due      []core.Timer  // to fire in this round of Settle
	made     core.Protocol // what the machines were made by; nil if that cannot be compared
	in       core.Input
	out      core.Output
}

// disk is the log of one node.
type disk struct {
	records []core.Record
	durable int // so many of records have been completed
	gated   []gated
}

// gated is a message that leaves once the log is durable up to at.
type gated struct {
	at  int
	sum uint64 // of its content
	msg core.Message
}

// client is where a client is in its program.
type client struct {
	next    int // index into Config.Txns of the transaction to begin next; end if none
	end     int
	waiting bool // for the answer to next-1
	asked   uint8
}

// NewWorld returns the world in its initial state.
func NewWorld(c *Config) *World {
	w := &World{}
	w.Reset(c)
	return w
}

// Reset makes w what NewWorld returns.
func (w *World) Reset(c *Config) {
	w.cfg = c
	if known := reflect.TypeOf(c.Protocol).Comparable(); !known || w.made != c.Protocol {
		w.machines, w.made = nil, nil
		if known {
			w.made = c.Protocol
		}
	}
	n := c.Layout.Nodes
	w.machines = slices.Grow(w.machines[:0], n)[:n]
	w.disks = slices.Grow(w.disks[:0], n)[:n]
	for i := range n {
		if w.machines[i] == nil {
			w.machines[i] = c.Protocol.New()
		}
		w.machines[i].Reset(&c.Layout, core.NodeID(i+1))
		d := &w.disks[i]
		d.records, d.durable, d.gated = d.records[:0], 0, d.gated[:0]
	}
	w.banks = slices.Grow(w.banks[:0], c.Layout.RMs)[:c.Layout.RMs]
	for i := range w.banks {
		w.banks[i].Reset(w.accountsOf(uint8(i+1)), c.Opening)
	}
	w.clients = w.clients[:0]
	for i, t := range c.Txns {
		if int(t.ID.Origin) > len(w.clients) {
			w.clients = append(w.clients, client{next: i})
		}
		w.clients[t.ID.Origin-1].end = i + 1
	}
	w.allUp()
	w.net.clear()
	w.timers = w.timers[:0]
	w.left, w.settled, w.steps, w.hash = c.Budget, false, 0, 0
	w.monitor.Reset(&c.Layout, c.Txns, c.Accounts, c.Opening)
}

// allUp has every node run, on one side, with nothing unsynced.
func (w *World) allUp() {
	w.up, w.dead, w.unsynced = core.NodeSet{}, core.NodeSet{}, core.NodeSet{}
	w.heal()
	for n := range w.machines {
		w.up.Add(core.NodeID(n + 1))
	}
}

func (w *World) accountsOf(rm uint8) core.Set {
	var s core.Set
	for a := range uint8(w.cfg.Accounts) {
		if w.cfg.RMOf(a+1) == rm {
			s = s.With(a + 1)
		}
	}
	return s
}

// Config returns the configuration, which must not be changed.
func (w *World) Config() *Config { return w.cfg }

// Steps returns how many actions have happened.
func (w *World) Steps() int { return w.steps }

// Hash returns a hash of the actions that have happened, in order, and of all that the machines
// wanted in answer.
func (w *World) Hash() uint64 { return w.hash }

// Monitor returns the judge of this run.
func (w *World) Monitor() *checker.Monitor { return &w.monitor }

// Violation returns the first property that the run has broken, or nil.
func (w *World) Violation() *checker.Violation { return w.monitor.Violation() }

// Machine returns the machine of a node, to look at.
func (w *World) Machine(n core.NodeID) core.Machine { return w.machines[n-1] }

// New returns the messages that the last action has put in flight, to look at.
func (w *World) New() []core.Message { return w.net.msgs[min(w.old, len(w.net.msgs)):] }

// InFlight returns the messages in flight, to look at, in no order that means anything.
func (w *World) InFlight() []core.Message { return w.net.msgs }

// Armed returns the timers that are armed, to look at, in no order that means anything.
func (w *World) Armed() []core.Timer { return w.timers }

// Log returns the records of a node, and how many of them are durable.
func (w *World) Log(n core.NodeID) ([]core.Record, int) {
	return w.disks[n-1].records, w.disks[n-1].durable
}

// Apply makes one action happen. The error is ErrNotEnabled. What the action breaks, Violation
// tells.
func (w *World) Apply(a Action) error {
	if !w.try(&a) {
		return &notEnabledError{a}
	}
	return nil
}

// notEnabledError is ErrNotEnabled with its action, put into words only when somebody reads them:
// who explores asks for many things that cannot happen.
type notEnabledError struct{ action Action }

func (e *notEnabledError) Error() string { return fmt.Sprintf("%v: %v", ErrNotEnabled, e.action) }

func (e *notEnabledError) Unwrap() error { return ErrNotEnabled }

// try is Apply, and tells whether the action was enabled.
func (w *World) try(a *Action) bool {
	i := w.place(a)
	return i >= 0 && w.Do(a.Type, i)
}

// place returns where an action is among the candidates of its type, as Find numbers them, or -1.
// Of messages with the same content it is the first.
func (w *World) place(a *Action) int {
	i := -1
	switch a.Type {
	case Begin, GiveUp:
		if a.Role.Kind == core.Client && int(a.Role.ID) <= len(w.clients) {
			i = int(a.Role.ID) - 1
		}
	case Deliver, Drop, Duplicate, Refuse:
		i = w.net.find(sumContent(&a.Msg), &a.Msg)
	case Fire:
		i = w.findTimer(&a.Timer)
	case Sync, Crash, CrashKeep, Die, Restart, Cut:
		if int(a.Node) <= len(w.machines) {
			i = int(a.Node) - 1
		}
	default:
		i = 0
	}
	return i
}

// Do makes the i-th action of a type happen, as Find numbers them, and tells whether it was
// enabled: it is Apply without an Action.
func (w *World) Do(t ActionType, i int) bool {
	w.monitor.Step(w.steps)
	w.old = len(w.net.msgs)
	content, ok := uint64(0), false
	node, client := core.NodeID(i+1), core.Role{Kind: core.Client, ID: uint8(i + 1)}
	switch t {
	case Begin:
		content, ok = uint64(client.ID), w.begin(client)
	case Deliver, Drop, Duplicate, Refuse:
		content = w.net.sums[i]
		ok = w.applyMessage(t, w.net.first(i))
	case Fire:
		content = sumNamed(&w.timers[i])
		ok = w.fire(i)
	case Sync:
		ok = w.sync(node)
	case Crash, CrashKeep, Die:
		ok = w.crash(t, node)
	case Restart:
		ok = w.restart(node)
	case Cut:
		ok = w.cut(node)
	case Heal:
		ok = w.split
		w.heal()
	case GiveUp:
		content, ok = uint64(client.ID), w.giveUp(client)
	case Settle:
		ok = w.beginSettling()
	default:
	}
	if ok {
		w.steps++
		w.hash = mix(hashAction(t, node, content), w.hash)
	}
	return ok
}

func (w *World) findTimer(t *core.Timer) int {
	for i := range w.timers {
		if x := &w.timers[i]; x.Role == t.Role && x.Kind == t.Kind && x.Tx == t.Tx {
			return i
		}
	}
	return -1
}

func (w *World) applyMessage(t ActionType, i int) bool {
	m := &w.net.msgs[i]
	if !w.messageEnabled(t, m) {
		return false
	}
	w.in.Msg = *m
	if t == Duplicate {
		w.left.Duplicates--
		w.net.add(&w.in.Msg, w.net.sums[i])
		return true
	}
	w.net.remove(i)
	w.old = len(w.net.msgs)
	switch t {
	case Drop:
		w.left.Drops--
	case Refuse:
		w.left.Refusals--
		w.answer(&w.in.Msg, core.MsgVote, core.Aborted)
	default:
		w.deliver()
	}
	return true
}

// take takes the i-th out of a list and fills its place with the last.
func take[T any](list *[]T, i int) T {
	x, last := (*list)[i], len(*list)-1
	(*list)[i] = (*list)[last]
	*list = (*list)[:last]
	return x
}

// messageEnabled tells whether a message in flight can be delivered, dropped, duplicated or
// refused now.
func (w *World) messageEnabled(t ActionType, m *core.Message) bool {
	switch t {
	case Deliver:
		return w.reachable(m)
	case Drop:
		return w.left.Drops > 0 && !w.settled && (!w.local(m) || w.stranded(m)) && w.lossy(m)
	case Duplicate:
		return w.left.Duplicates > 0 && !w.settled && !w.local(m)
	case Refuse:
		return w.left.Refusals > 0 && !w.settled && m.To.Kind == core.Resource &&
			m.Type == core.MsgPrepare && !w.banks[m.To.ID-1].Holds(m.Tx)
	default:
		return false
	}
}

// lossy tells whether the timing allows that a message is lost.
func (w *World) lossy(m *core.Message) bool {
	return w.cfg.Timing == Asynchronous || w.dead.Has(w.cfg.Layout.NodeOf(m.From))
}

// local tells whether a message stays on its node, where nothing is lost or repeated.
func (w *World) local(m *core.Message) bool {
	return m.From.Kind != core.Client && w.cfg.Layout.NodeOf(m.From) == w.cfg.Layout.NodeOf(m.To)
}

// stranded tells whether a message to a database outlived the process that sent it, so that it may
// arrive or not.
func (w *World) stranded(m *core.Message) bool {
	return m.To.Kind == core.Resource && !w.up.Has(w.cfg.Layout.NodeOf(m.From))
}

// reachable tells whether a message can arrive: its receiver runs, and is on the sender's side of
// a partition. Databases run even when their node is down.
func (w *World) reachable(m *core.Message) bool {
	if m.To.Kind == core.Client || w.isWhole() {
		return true
	}
	to := w.cfg.Layout.NodeOf(m.To)
	if m.To.Kind == core.Resource {
		return !w.dead.Has(to) && w.joined(m, to)
	}
	if !w.up.Has(to) {
		return false
	}
	return w.joined(m, to)
}

// isWhole tells whether everybody runs and nobody is cut off.
func (w *World) isWhole() bool { return !w.split && w.up.Len() == len(w.machines) }

// joined tells whether no partition is between the sender of a message and node to.
func (w *World) joined(m *core.Message, to core.NodeID) bool {
	return !w.split || m.From.Kind == core.Client ||
		w.sameSide(w.cfg.Layout.NodeOf(m.From), to)
}

func (w *World) sameSide(a, b core.NodeID) bool {
	return w.far.Has(a) == w.far.Has(b)
}

// deliver has w.in.Msg, which is no longer in flight, arrive.
func (w *World) deliver() {
	switch m := &w.in.Msg; m.To.Kind {
	case core.Resource:
		w.deliverToBank(m)
	case core.Client:
		w.deliverToClient(m)
	default:
		w.in.Type = core.InputMessage
		w.step(w.cfg.Layout.NodeOf(m.To))
	}
}

// step gives w.in to the machine of a node and carries out what it wants.
func (w *World) step(n core.NodeID) {
	if n == 0 {
		w.monitor.Broken(checker.Contract, "timer of a role that is not here: "+w.in.Timer.String())
		return
	}
	out := &w.out
	out.Reset()
	if err := stepMachine(w.machines[n-1], &w.in, out); err != nil {
		w.monitor.Broken(checker.Contract, err.Error())
		return
	}
	w.carryOut(n)
}

// stepMachine is m.Step. A machine that panics is at fault like one that returns an error; a panic
// of the world itself is nobody's but ours, and goes on.
func stepMachine(m core.Machine, in *core.Input, out *core.Output) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return m.Step(in, out)
}

// carryOut does what the machine of a node wants, and mixes it into the hash: a machine that does
// otherwise in the same run gives the run another hash. Where it breaks Contract, the rest is not
// done.
func (w *World) carryOut(n core.NodeID) {
	out, d := &w.out, &w.disks[n-1]
	for i := range out.Records {
		r := &out.Records[i]
		if !w.speaks(n, r.Role) {
			return
		}
		w.hash = mix(sumRecord(r), w.hash)
		d.records = append(d.records, *r)
		w.unsynced.Add(n)
	}
	for i := range out.Send {
		m := &out.Send[i]
		if !w.speaks(n, m.From) {
			return
		}
		sum := sumContent(m)
		w.hash = mix(sumMessage(m, sum), w.hash)
		w.sendSummed(m, sum)
	}
	for i := range out.Gated {
		m := &out.Gated[i]
		if !w.speaks(n, m.From) {
			return
		}
		sum := sumContent(m)
		w.hash = mix(sumMessage(m, sum)+odd0, w.hash)
		if d.durable == len(d.records) {
			w.sendSummed(m, sum)
		} else {
			d.gated = append(d.gated, gated{len(d.records), sum, *m})
		}
	}
	if len(out.Arm)+len(out.Disarm) > 0 {
		w.setTimers(n)
	}
	if len(out.Decided)+len(out.Dropped) > 0 {
		w.learn(n)
	}
}

// speaks tells whether a role is on node n. It breaks Contract that something there is in the name
// of another role.
func (w *World) speaks(n core.NodeID, r core.Role) bool {
	if w.cfg.Layout.NodeOf(r) == n {
		return true
	}
	w.monitor.Broken(checker.Contract, fmt.Sprintf("%v speaks for %v, which is not there", n, r))
	return false
}

// setTimers disarms and arms what the machine of a node wants.
func (w *World) setTimers(n core.NodeID) {
	h := w.hash
	for i := range w.out.Arm {
		h = mix(sumTimer(&w.out.Arm[i]), h)
	}
	for i := range w.out.Disarm {
		h = mix(sumTimer(&w.out.Disarm[i])+odd0, h)
		w.disarm(&w.out.Disarm[i])
	}
	w.hash = h
	for i := range w.out.Arm {
		if t := &w.out.Arm[i]; w.speaks(n, t.Role) {
			w.arm(t)
		}
	}
}

// learn takes what the machine of a node has decided, and what it has dropped.
func (w *World) learn(n core.NodeID) {
	h := w.hash
	for i := range w.out.Decided {
		d := &w.out.Decided[i]
		h = mix(word(0, uint8(d.Val), d.Role, core.Role{})*odd0+d.Tx.Word()*odd1, h)
		if w.speaks(n, d.Role) {
			w.monitor.Learned(d)
		}
	}
	for i := range w.out.Dropped {
		d := &w.out.Dropped[i]
		h = mix(word(uint8(d.Reason), 0, d.Role, core.Role{})*odd0+d.Tx.Word()*odd1, h)
	}
	w.hash = h
}

func (w *World) arm(t *core.Timer) {
	if j := w.findTimer(t); j >= 0 {
		w.timers[j] = *t
		return
	}
	w.timers = append(w.timers, *t)
}

func (w *World) disarm(t *core.Timer) {
	if j := w.findTimer(t); j >= 0 {
		take(&w.timers, j)
	}
}

// send puts a message on its way. What goes to a node that is dead for good is lost at once.
func (w *World) send(m *core.Message) { w.sendSummed(m, sumContent(m)) }

// sendSummed is send for a message the sum of whose content is known.
func (w *World) sendSummed(m *core.Message, sum uint64) {
	to := w.cfg.Layout.NodeOf(m.To)
	if to == 0 && !w.cfg.exists(m.To) {
		w.monitor.Broken(checker.Contract, "message to a role that does not exist: "+m.String())
		return
	}
	w.monitor.Sent(m)
	if w.dead.Has(to) {
		return
	}
	w.net.add(m, sum)
}

func (w *World) fire(i int) bool {
	if !w.timerEnabled(&w.timers[i]) {
		return false
	}
	if !w.settled {
		w.left.Timeouts--
	}
	t := take(&w.timers, i)
	switch t.Role.Kind {
	case core.Client:
		w.askAgain(t.Role)
		return true
	case core.Resource:
		w.tellHeld(t.Role, t.Tx)
		return true
	default:
	}
	w.in.Type, w.in.Timer = core.InputTimer, t
	w.step(w.cfg.Layout.NodeOf(t.Role))
	return true
}

func (w *World) timerEnabled(t *core.Timer) bool {
	if w.settled {
		return true
	}
	return w.left.Timeouts > 0 && (w.cfg.Timing == Asynchronous || w.timeoutIsTrue(t) ||
		t.Kind == core.TimerRetry && w.isStill())
}

// isStill tells whether nothing moves but timers.
func (w *World) isStill() bool { return w.unsynced.Empty() && w.firstDeliverable() < 0 }

// timeoutIsTrue tells whether a role that the timer waits for is dead or cut off and nothing from
// it is in flight.
func (w *World) timeoutIsTrue(t *core.Timer) bool {
	here := w.cfg.Layout.NodeOf(t.Role)
	return t.Await.Any(func(from core.Role) bool { return w.isSilent(from, t.Role, here) })
}

// isSilent tells whether nothing from one role can come to another, on node here, any more.
func (w *World) isSilent(from, to core.Role, here core.NodeID) bool {
	n := w.cfg.Layout.NodeOf(from)
	if n == 0 || w.up.Has(n) && (here == 0 || w.sameSide(n, here)) {
		return false
	}
	return !slices.ContainsFunc(w.net.msgs, func(m core.Message) bool {
		return m.From == from && m.To == to && w.reachable(&m)
	})
}

// sync completes the oldest record that is not durable: a crash can come between any two.
func (w *World) sync(n core.NodeID) bool {
	if !w.unsynced.Has(n) {
		return false
	}
	d := &w.disks[n-1]
	w.monitor.Durable(&d.records[d.durable])
	d.durable++
	if d.durable == len(d.records) {
		w.unsynced.Remove(n)
	}
	free := 0
	for ; free < len(d.gated) && d.gated[free].at <= d.durable; free++ {
		w.sendSummed(&d.gated[free].msg, d.gated[free].sum)
	}
	d.gated = append(d.gated[:0], d.gated[free:]...)
	return true
}
