package node

import (
	"fmt"

	"paxoscommit/core"
	"paxoscommit/core/bank"
)

// Envelope is a message on its way, and what its transaction does, if the sender knows: whoever is
// asked to prepare must.
type Envelope struct {
	Msg  core.Message
	Work bank.Work
}

// Log is the durable log of a process, such as a wal.Log.
type Log interface {
	// Append adds a copy of an entry, and returns how many have been appended.
	Append(entry []byte) uint64
	// Sync makes everything appended before it durable, and returns how many entries are.
	Sync() (uint64, error)
	// Close ends the use of the log.
	Close() error
}

// ProcessConfig is what a process is made of.
type ProcessConfig struct {
	Protocol core.Protocol
	Layout   *core.Layout
	Node     core.NodeID
	Bank     Bank
	Timing   Timing
	// Open gives the entries of the log to each, and returns the log. It is called at each start.
	Open func(each func(entry []byte) error) (Log, error)
	// Send takes a message for a role of another node, or for a client.
	Send func(e Envelope)
	// Decided takes an outcome that a role has learned; nil if nobody wants to know.
	Decided func(d core.Decision)
	// Report takes what was wrong with an input, which is dropped.
	Report func(err error)
}

// Process is one machine and everything that it speaks of. All its methods are called in events of
// its host.
type Process struct {
	config    ProcessConfig
	host      *Host
	machine   core.Machine
	log       Log
	resources resources
	timers    timers
	gated     []gated
	written   uint64 // entries appended
	durable   uint64
	syncing   bool
	up        bool
	life      int // counts starts, so that what a dead process had under way is dropped
	starts    int // that the log knows of
	out       core.Output
	buf       []byte
}

// gated is a message that leaves when so many entries are durable.
type gated struct {
	at  uint64
	msg core.Message
}

// NewProcess returns a process to Start.
func NewProcess(h *Host, c ProcessConfig) *Process {
	if c.Decided == nil {
		c.Decided = func(core.Decision) {}
	}
	return &Process{config: c, host: h, machine: c.Protocol.New()}
}

// Up tells whether the process runs.
func (p *Process) Up() bool { return p.up }

// Starts returns how many times the process has started, this time included, as its log knows.
func (p *Process) Starts() int { return p.starts }

// SetTiming changes how long timers run that are armed from now on.
func (p *Process) SetTiming(t Timing) { p.config.Timing = t }

// Balance returns what is in an account of a resource manager of this process.
func (p *Process) Balance(rm, account uint8) int64 {
	return p.resources.banks[rm].Balance(account)
}

// Start reads the log and brings the machine back to where it was. That it has started is durable
// before it says anything, so that a start after a crash is never taken for the first. The errors
// are those of config.Open, of the first sync, and of a log that the machine does not take.
func (p *Process) Start() error {
	p.machine.Reset(p.config.Layout, p.config.Node)
	p.resources.reset(&p.config)
	p.timers.stopAll()
	p.gated, p.written, p.durable, p.syncing, p.starts = nil, 0, 0, false, 1
	log, err := p.config.Open(p.restore)
	if err != nil {
		return err
	}
	p.log, p.up = log, true
	p.life++
	p.append(&Entry{Type: EntryStart})
	if p.durable, err = p.log.Sync(); err != nil {
		return err
	}
	if p.starts == 1 {
		return nil
	}
	p.input(core.Input{Type: core.InputRestart})
	for i := range p.config.Layout.RMs {
		if b := p.resources.banks[uint8(i+1)]; b != nil {
			b.InDoubt(func(tx core.TxID, members core.Set) { p.found(uint8(i+1), tx, members) })
		}
	}
	return nil
}

func (p *Process) restore(entry []byte) error {
	e, err := ParseEntry(entry)
	if err != nil {
		return err
	}
	switch e.Type {
	case EntryRecord:
		p.out.Reset()
		return p.machine.Step(&core.Input{Type: core.InputRecord, Rec: e.Record}, &p.out)
	case EntryStart:
		p.starts++
		return nil
	default:
		b := p.resources.banks[e.RM]
		if b == nil {
			return fmt.Errorf("%w: of rm%d, which is not here", ErrEntry, e.RM)
		}
		return Replay(b, &e)
	}
}

func (p *Process) found(rm uint8, tx core.TxID, members core.Set) {
	m := core.Message{
		Type: core.MsgFound, Val: core.Prepared, Tx: tx, Members: members,
		From: core.Role{Kind: core.Resource, ID: rm}, To: core.Role{Kind: core.RM, ID: rm},
	}
	p.host.Do(p.alive(func() { p.take(&m) }))
}

// Crash stops the process as it is: its memory is gone, and what the log has not synced. The error
// is that of closing the log.
func (p *Process) Crash() error {
	p.up = false
	p.life++
	p.timers.stopAll()
	return p.log.Close()
}

// Deliver takes a message for a role of this process. A process that is down hears nothing.
func (p *Process) Deliver(e *Envelope) {
	if !p.up {
		return
	}
	if e.Work != (bank.Work{}) {
		p.resources.work[e.Msg.Tx] = e.Work
	}
	p.take(&e.Msg)
}

// take gives a message to the database or to the machine.
func (p *Process) take(m *core.Message) {
	if m.To.Kind == core.Resource {
		p.resource(m)
		return
	}
	p.input(core.Input{Type: core.InputMessage, Msg: *m})
}

// alive returns an event that is dropped if the process has crashed meanwhile.
func (p *Process) alive(event func()) func() {
	life := p.life
	return func() {
		if p.life == life {
			event()
		}
	}
}

// input steps the machine and does what it wants.
func (p *Process) input(in core.Input) {
	p.out.Reset()
	if err := p.machine.Step(&in, &p.out); err != nil {
		p.config.Report(err)
		return
	}
	for i := range p.out.Records {
		p.append(&Entry{Type: EntryRecord, Record: p.out.Records[i]})
	}
	for i := range p.out.Send {
		p.send(&p.out.Send[i])
	}
	for i := range p.out.Gated {
		p.gate(&p.out.Gated[i])
	}
	for _, t := range p.out.Disarm {
		p.timers.disarm(t)
	}
	for _, t := range p.out.Arm {
		p.timers.arm(p.host, &p.config.Timing, t, p.alive(func() {
			p.input(core.Input{Type: core.InputTimer, Timer: t})
		}))
	}
	for _, d := range p.out.Decided {
		p.config.Decided(d)
	}
	p.sync()
}

func (p *Process) append(e *Entry) {
	p.buf = e.Append(p.buf[:0])
	p.written = p.log.Append(p.buf)
}

// sync makes durable what has been appended, unless that is under way: then, as soon as it is over,
// with everything that has come meanwhile.
func (p *Process) sync() {
	if p.syncing || p.durable == p.written {
		return
	}
	p.syncing = true
	life := p.life
	p.host.sync(p.log.Sync, func(end uint64, err error) {
		if p.life != life {
			return
		}
		if err != nil {
			p.host.Fail(err)
			return
		}
		p.syncing, p.durable = false, end
		p.release()
		p.sync()
	})
}

func (p *Process) gate(m *core.Message) {
	if p.durable >= p.written {
		p.send(m)
		return
	}
	p.gated = append(p.gated, gated{p.written, *m})
}

// release sends what waits for nothing any more. What is sent is an event of its own, so nothing is
// gated meanwhile.
func (p *Process) release() {
	n := 0
	for ; n < len(p.gated) && p.gated[n].at <= p.durable; n++ {
		p.send(&p.gated[n].msg)
	}
	p.gated = p.gated[n:]
}

// send has a message for this process delivered as an event, and any other sent.
func (p *Process) send(m *core.Message) {
	msg := *m
	if p.config.Layout.NodeOf(msg.To) != p.config.Node {
		p.config.Send(Envelope{Msg: msg, Work: p.resources.work[msg.Tx]})
		return
	}
	p.host.Do(p.alive(func() { p.take(&msg) }))
}
