package explore

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"paxoscommit/checker/mc"
	"paxoscommit/core"
	"paxoscommit/harness"
	"paxoscommit/specs"
)

// Errors of Explore.
var (
	// ErrConfig is a configuration that cannot be explored.
	ErrConfig = errors.New("explore: bad configuration")
	// ErrTooLarge is a world that has more messages or parts than a model holds.
	ErrTooLarge = errors.New("explore: the world is too large")
)

const (
	blockLog  = 10
	blockLen  = 1 << blockLog
	maxBlocks = 1 << 13
)

// A list grows while others read what they have been told of. The first entry has number 1.
type list[T any] struct {
	blocks [maxBlocks]atomic.Pointer[[blockLen]T]
	n      uint32
}

func (l *list[T]) at(i uint32) *T { return &l.blocks[i>>blockLog].Load()[i%blockLen] }

// add returns a new entry and its number, 0 if there is no room.
func (l *list[T]) add() (*T, uint32) {
	l.n++
	if l.n >= maxBlocks*blockLen {
		return new(T), 0
	}
	b := &l.blocks[l.n>>blockLog]
	if b.Load() == nil {
		b.Store(new([blockLen]T))
	}
	return l.at(l.n), l.n
}

// An edge leads from a part to another, and says what is sent: the number of a part, and of a set
// of messages or 0 for none. The zero edge is not known yet.
type edge struct{ next, out uint32 }

func (e edge) pack() uint64        { return uint64(e.next) | uint64(e.out)<<32 }
func unpackEdge(w uint64) edge     { return edge{uint32(w), uint32(w >> 32)} }
func (e edge) isKnown() bool       { return e.next != 0 }
func (p *part) silent(e edge) bool { return e == edge{next: p.number} }

// A part is a harness.Part with its number, what is judged of it, and what happens to it, as far
// as that has been worked out.
type part struct {
	number  uint32
	data    *harness.Part
	safe    bool             // its node cannot crash and come back any more
	broken  bool             // its monitor has found a violation; it goes no further
	facts   uint32           // number of what checker.Monitor.Together sees of it
	rmState []specs.RMStates // by transaction, of the resource managers here
	own     atomic.Pointer[[]own]
	inbox   atomic.Pointer[[]atomic.Uint64] // edges of deliveries, by receiver.index
	deaf    [sentWords]atomic.Uint64        // messages that do nothing here, and send nothing
	safely  atomic.Uint64                   // the edge to its safe form
	live    [sentWords]uint64               // messages to the node that can still matter

	evidence uint32    // number of what of its facts is evidence
	mask     classMask // budgets that can matter from here on
	lonely   []*lonely // what is alone here, by those of mask that are not spent
}

// own is an action that needs no message from another node.
type own struct {
	edge
	class  class
	action harness.Action
}

// receiver is where a message goes: the node, and its number among the messages to that node; and
// who sends it to whom.
type receiver struct {
	node, sender uint8
	index        uint16
	from, to     core.Role
}

// Model is a world as mc explores it. A node is a pure function, so each of its parts is worked
// out once, by the World itself, and looked up ever after.
type Model struct {
	cfg     *Config
	n       int // parts of a state
	init    State
	spared  [maxParts]uint32   // the parts of init, of nodes that do not crash
	pruned  bool               // dead messages are left out of states
	halted  mc.Limit           // what ended the work before the first state, if something did
	ordered bool               // what is alone comes first, and nothing else then
	visit   func(State)        // is shown each state once, unless it is nil
	cuts    [][]harness.Action // by failure of a census: who is cut off

	symmetries []*symmetry // all but the one that changes nothing

	parts    list[part]
	outs     list[[sentWords]uint64]
	receiver [maxMessages]receiver
	inUse    atomic.Int32 // see words

	mu       sync.Mutex // of what follows, and of adding to what is above
	world    harness.World
	taken    harness.Part      // what the World has made of a part
	numbers  map[string]uint32 // of parts, by key
	facts    map[string]uint32
	outIDs   map[[sentWords]uint64]uint32
	messages []core.Message
	msgIDs   map[core.Message]int
	inboxLen [maxParts]uint16
	worked   uint64 // edges worked out
	key      []byte
	sent     []core.Message
	failed   atomic.Pointer[error]

	verdicts verdicts
	settled  settled
}

// NewModel returns the model of a world. The error is ErrConfig or ErrTooLarge.
func NewModel(c *Config) (*Model, error) { return prepare(c, &mc.Options{}) }

// prepare is NewModel, within limits.
func prepare(c *Config, o *mc.Options) (*Model, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	m := newModel(c)
	if c.Unreduced {
		return m, nil
	}
	m.pruned = m.findLive(func() bool {
		switch {
		case o.MaxBytes > 0 && m.Held() >= o.MaxBytes:
			m.halted = mc.LimitBytes
		case o.Progress != nil && o.Progress(mc.Progress{Bytes: m.Held()}):
			m.halted = mc.Stopped
		}
		return m.halted != mc.NoLimit
	})
	if !m.pruned && m.halted == mc.NoLimit {
		m = newModel(c)
	}
	return m, nil
}

// partBytes is what a part takes with all that is kept of it, for each transaction: 5.2 to 5.4 KB
// as measured in worlds with one.
const partBytes = 5400

// Held returns about how much memory the parts take, in bytes.
func (m *Model) Held() uint64 {
	return uint64(m.parts.n) * partBytes * uint64(len(m.cfg.Txns))
}

func newModel(c *Config) *Model {
	m := &Model{
		cfg: c, n: c.Layout.Nodes + 1, numbers: map[string]uint32{}, facts: map[string]uint32{},
		outIDs: map[[sentWords]uint64]uint32{}, msgIDs: map[core.Message]int{},
	}
	m.settled.good = map[[maxParts]uint32]bool{}
	m.world.ResetPart(&c.Config)
	m.init.left = c.budgets()
	for i := range m.n {
		take := func(safe bool) uint32 {
			m.world.Take(&m.taken, core.NodeID(i), true, nil)
			return m.number(safe)
		}
		m.spared[i], m.init.parts[i] = take(true), take(m.isSafe(&m.init))
	}
	return m
}

// Err returns the reason for which the model is not all there, or nil.
func (m *Model) Err() error {
	if e := m.failed.Load(); e != nil {
		return *e
	}
	return nil
}

func (m *Model) fail(format string, args ...any) {
	err := fmt.Errorf("%w: "+format, append([]any{ErrTooLarge}, args...)...)
	m.failed.Store(&err)
}

func (m *Model) part(id uint32) *part { return m.parts.at(id) }

// delivery returns what a message does to a part.
func (m *Model) delivery(p *part, id int) edge {
	index := int(m.receiver[id].index)
	if inbox := p.inbox.Load(); inbox != nil && index < len(*inbox) {
		if e := unpackEdge((*inbox)[index].Load()); e.isKnown() {
			return e
		}
	}
	e := edge{next: p.number}
	if p.deaf[id/64].Load()>>(id%64)&1 == 1 {
		return e
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !p.broken {
		msg := m.messages[id]
		a := harness.Action{Type: harness.Deliver, Msg: msg}
		a.Msg.Members = 0
		e = m.work(p, &a, &msg)
	}
	if p.silent(e) {
		p.deaf[id/64].Or(1 << (id % 64))
		return e
	}
	inbox := p.inbox.Load()
	if inbox == nil || index >= len(*inbox) {
		grown := make([]atomic.Uint64, m.inboxLen[m.receiver[id].node])
		if inbox != nil {
			for i := range *inbox {
				grown[i].Store((*inbox)[i].Load())
			}
		}
		inbox = &grown
	}
	(*inbox)[index].Store(e.pack())
	p.inbox.Store(inbox)
	return e
}

// own returns what can happen to a part without a message from another node.
func (m *Model) own(p *part) []own {
	if list := p.own.Load(); list != nil {
		return *list
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if list := p.own.Load(); list != nil {
		return *list
	}
	var list []own
	if !p.broken {
		m.world.Put(p.data)
		for _, a := range m.world.Own(p.data, nil) {
			c := classOf(&a)
			if c != free && m.init.left[c] == 0 || c == crash && p.safe {
				continue
			}
			list = append(list, own{m.work(p, &a, nil), c, a})
		}
	}
	p.own.Store(&list)
	return list
}

// makeSafe returns the edge to the form of p whose node cannot crash any more: what it has written
// is completed.
func (m *Model) makeSafe(p *part) edge {
	if e := unpackEdge(p.safely.Load()); e.isKnown() {
		return e
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.world.Put(p.data)
	e := m.finish(p, true)
	p.safely.Store(e.pack())
	return e
}

// work has the World work out what an action does to a part; what it cannot take it leaves as it
// is.
func (m *Model) work(p *part, a *harness.Action, offered *core.Message) edge {
	w := &m.world
	w.Put(p.data)
	if offered != nil {
		w.Offer(offered)
	}
	if w.Apply(*a) != nil {
		return edge{next: p.number}
	}
	return m.finish(p, p.safe)
}

// finish numbers what the World has made of a part.
func (m *Model) finish(p *part, safe bool) edge {
	m.worked++
	w, n := &m.world, p.data.Node()
	if safe {
		w.Complete(n)
	}
	log := !safe || !w.Up(n)
	m.sent = w.Take(&m.taken, n, log, m.sent[:0])
	dead := m.taken.Dead()
	if (!log || dead) && (m.init.left[death] == 0 || m.cfg.census) {
		m.taken.Monitor().NoMoreCrashes(dead)
	}
	var set [sentWords]uint64
	for i := range m.sent {
		if id := m.message(&m.sent[i]); id >= 0 {
			set[id/64] |= 1 << (id % 64)
		}
	}
	return edge{m.number(safe), m.out(set)}
}

// number returns the number of the part that was taken; if it is new, a new one.
func (m *Model) number(safe bool) uint32 {
	d := &m.taken
	m.key = append(m.key[:0], byte(d.Node()))
	if safe {
		m.key[0] |= 128
	}
	m.key = d.AppendKey(m.key)
	if id, ok := m.numbers[string(m.key)]; ok {
		return id
	}
	p, id := m.parts.add()
	if id == 0 {
		m.fail("more than %d parts", maxBlocks*blockLen)
		return m.init.parts[d.Node()]
	}
	m.numbers[string(m.key)] = id
	p.number, p.data, p.safe = id, m.world.Keep(d), safe
	for k := range p.live {
		p.live[k] = ^uint64(0)
	}
	mon := d.Monitor()
	p.broken = mon.Violation() != nil
	m.key = mon.AppendFacts(m.key[:0])
	if _, ok := m.facts[string(m.key)]; !ok {
		m.facts[string(m.key)] = uint32(len(m.facts) + 1)
	}
	p.facts = m.facts[string(m.key)]
	m.key = mon.AppendEvidence(append(m.key[:0], 'e'))
	if _, ok := m.facts[string(m.key)]; !ok {
		m.facts[string(m.key)] = uint32(len(m.facts) + 1)
	}
	p.evidence = m.facts[string(m.key)]
	p.rmState = m.rmStates(d)
	return id
}

// message returns the number of a message between nodes, -1 if there are too many.
func (m *Model) message(msg *core.Message) int {
	if id, ok := m.msgIDs[*msg]; ok {
		return id
	}
	id := len(m.messages)
	if id == maxMessages {
		m.fail("more than %d messages", maxMessages)
		return -1
	}
	node := m.cfg.Layout.NodeOf(msg.To)
	m.messages = append(m.messages, *msg)
	m.msgIDs[*msg] = id
	sender := uint8(m.cfg.Layout.NodeOf(msg.From))
	m.receiver[id] = receiver{uint8(node), sender, m.inboxLen[node], msg.From, msg.To}
	m.inboxLen[node]++
	m.inUse.Store(int32(id/64 + 1))
	return id
}

// out returns the number of a set of messages.
func (m *Model) out(set [sentWords]uint64) uint32 {
	if set == ([sentWords]uint64{}) {
		return 0
	}
	if id, ok := m.outIDs[set]; ok {
		return id
	}
	p, id := m.outs.add()
	if id == 0 {
		m.fail("more than %d sets of messages", maxBlocks*blockLen)
		return 0
	}
	*p = set
	m.outIDs[set] = id
	return id
}
