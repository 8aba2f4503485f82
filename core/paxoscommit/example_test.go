package paxoscommit_test

import (
	"fmt"

	"paxoscommit/core"
	"paxoscommit/core/paxoscommit"
)

// process runs one machine: it owns the log, the network and the database that the machine only
// speaks of. A real one writes to a file, sends to sockets, and lets time run its timers out.
type process struct {
	machine core.Machine
	log     []core.Record          // the file; all of it is durable once sync returns
	inbox   []core.Message         // the network
	timers  map[core.Timer]bool    // armed
	held    map[core.TxID]core.Set // what the database has prepared, and survives the crash
}

// step is the whole of the driver's duty: append, send, sync, send what was gated, set timers.
func (p *process) step(in core.Input) error {
	var out core.Output
	if err := p.machine.Step(&in, &out); err != nil {
		return err // of no correct peer: log it, and drop the input
	}
	p.log = append(p.log, out.Records...)
	p.inbox = append(p.inbox, out.Send...) // may leave before the records are durable
	p.sync()
	p.inbox = append(p.inbox, out.Gated...) // may not
	for _, t := range out.Disarm {
		delete(p.timers, core.Timer{Role: t.Role, Kind: t.Kind, Tx: t.Tx})
	}
	for _, t := range out.Arm { // a real driver starts a clock, and backs off
		p.timers[core.Timer{Role: t.Role, Kind: t.Kind, Tx: t.Tx}] = true
	}
	for _, d := range out.Decided {
		fmt.Println(d)
	}
	return nil
}

func (p *process) sync() {} // fsync, for all that was appended meanwhile

// run delivers up to n messages.
func (p *process) run(n int) error {
	for ; n > 0 && len(p.inbox) > 0; n-- {
		m := p.inbox[0]
		p.inbox = p.inbox[1:]
		switch m.To.Kind {
		case core.Client:
			fmt.Println(m)
		case core.Resource:
			p.resource(m)
		default:
			if err := p.step(core.Input{Type: core.InputMessage, Msg: m}); err != nil {
				return err
			}
		}
	}
	return nil
}

// resource is the database: it prepares whatever it is asked to, and applies every outcome.
func (p *process) resource(m core.Message) {
	answer := core.Message{From: m.To, To: m.From, Tx: m.Tx, Members: m.Members}
	switch m.Type {
	case core.MsgPrepare:
		answer.Type, answer.Val = core.MsgVote, core.Prepared
		p.held[m.Tx] = m.Members
	case core.MsgCommit:
		delete(p.held, m.Tx)
		answer.Type, answer.Val = core.MsgDone, core.Committed
	case core.MsgAbort:
		delete(p.held, m.Tx)
		answer.Type, answer.Val = core.MsgDone, core.Aborted
	default: // MsgForget: nobody will speak of the transaction again
		return
	}
	p.inbox = append(p.inbox, answer)
}

// restart brings the machine back from its log. What was in memory and on its way is gone.
func (p *process) restart(l *core.Layout) error {
	p.machine.Reset(l, 1)
	p.inbox, p.timers = nil, map[core.Timer]bool{}
	for _, rec := range p.log {
		in := core.Input{Type: core.InputRecord, Rec: rec}
		if err := p.machine.Step(&in, &core.Output{}); err != nil {
			return err // the log is not of this node, or is damaged
		}
		fmt.Println("read back:", rec)
	}
	if err := p.step(core.Input{Type: core.InputRestart}); err != nil {
		return err
	}
	for tx, members := range p.held { // the database says what it holds prepared
		p.inbox = append(p.inbox, core.Message{
			Type: core.MsgFound, Val: core.Prepared, Tx: tx, Members: members,
			From: core.Role{Kind: core.Resource, ID: 1}, To: core.Role{Kind: core.RM, ID: 1},
		})
	}
	return nil
}

// A node with all roles crashes when it has voted, comes back, and commits when its timer runs out.
func Example() {
	layout := &core.Layout{Sizes: core.Sizes{RMs: 1, Acceptors: 1, Leaders: 1}}
	for _, kind := range []core.RoleKind{core.RM, core.Acceptor, core.Leader} {
		layout.Place(core.Role{Kind: kind, ID: 1}, 1)
	}
	protocol := paxoscommit.Protocol{}
	must(protocol.Validate(layout))
	p := &process{
		machine: protocol.New(), timers: map[core.Timer]bool{}, held: map[core.TxID]core.Set{},
	}
	p.machine.Reset(layout, 1)

	request := core.Message{
		Type: core.MsgRequest,
		From: core.Role{Kind: core.Client, ID: 1}, To: core.Role{Kind: core.RM, ID: 1},
		Tx: core.TxID{Origin: 1, Seq: 1}, Members: core.SetOf(1),
	}
	p.inbox = append(p.inbox, request)
	must(p.run(3)) // request, prepare, vote
	must(p.restart(layout))
	p.inbox = append(p.inbox, request) // the client has had no answer, and asks again
	must(p.run(100))
	for timer := range p.timers {
		fmt.Println("runs out:", timer)
		delete(p.timers, timer)
		must(p.step(core.Input{Type: core.InputTimer, Timer: timer}))
	}
	must(p.run(100))
	fmt.Println("records:", len(p.log), "armed timers:", len(p.timers))
	// Output:
	// read back: rm1 vote tx=c1.1 val=prepared
	// runs out: rm1 retry tx=c1.1
	// ldr1 learns committed tx=c1.1
	// rm1 learns committed tx=c1.1
	// rm1->cl1 commit tx=c1.1
	// records: 5 armed timers: 0
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
