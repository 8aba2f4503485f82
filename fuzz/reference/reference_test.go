package reference

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/core/paxoscommit"
	"paxoscommit/fuzz"
	"paxoscommit/harness"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// What drives a machine or a world returns what went wrong, so that a test can demand it of a
// planted bug.

// tampered is a protocol whose machines' outputs somebody tampers with.
type tampered struct {
	core.Protocol
	tamper func(in *core.Input, out *core.Output)
}

func (p *tampered) New() core.Machine { return &tamperedMachine{p.Protocol.New(), p.tamper} }

type tamperedMachine struct {
	core.Machine
	tamper func(in *core.Input, out *core.Output)
}

func (m *tamperedMachine) CopyFrom(src core.Machine) {
	m.Machine.CopyFrom(src.(*tamperedMachine).Machine)
}

func (m *tamperedMachine) Step(in *core.Input, out *core.Output) error {
	err := m.Machine.Step(in, out)
	m.tamper(in, out)
	return err
}

// requireCaught demands that one of a few hundred runs fails.
func requireCaught(t *testing.T, run func(*rapid.T) error) {
	t.Helper()
	var first error
	for tries := 0; first == nil && tries < 20; tries++ {
		rapid.Check(t, func(rt *rapid.T) {
			if err := run(rt); first == nil {
				first = err
			}
		})
	}
	require.Error(t, first, "the planted bug was not caught")
	t.Log(first)
}

// instance is one acceptor's state in one instance, aState of PaxosCommit.tla; bal is -1 and val
// NoValue until something is accepted.
type instance struct {
	mbal, bal int
	val       core.Value
}

// said is a phase 1b (mbal is its ballot) or 2b (mbal is -1) of one instance.
type said struct {
	ins       uint8
	mbal, bal int
	val       core.Value
}

// textbook is one acceptor in one transaction, an instance at a time, by the letter of the
// specification: it has received messages, and may act on any of them at any time.
type textbook struct {
	got1a  map[int]bool                 // ballots
	got2a  map[int]map[uint8]core.Value // by ballot and instance
	sent   map[said]bool
	state  map[uint8]instance
	forgot bool // it has said that it has forgotten the transaction
}

func newTextbook(members core.Set) *textbook {
	b := &textbook{
		got1a: map[int]bool{}, got2a: map[int]map[uint8]core.Value{}, sent: map[said]bool{},
		state: map[uint8]instance{},
	}
	for s := members; s != 0; s &= s - 1 {
		b.state[s.First()] = instance{bal: -1}
	}
	return b
}

// highest returns the highest ballot that it has heard of, or -1.
func (b *textbook) highest() int {
	highest := -1
	for bal := range b.got1a {
		highest = max(highest, bal)
	}
	for bal := range b.got2a {
		highest = max(highest, bal)
	}
	return highest
}

// phase1b is the action of that name.
func (b *textbook) phase1b(ins uint8, bal int) error {
	s := b.state[ins]
	if !b.got1a[bal] || s.mbal >= bal {
		return fmt.Errorf("Phase1b is not enabled in instance %d, ballot %d: %+v", ins, bal, s)
	}
	s.mbal = bal
	b.state[ins] = s
	b.sent[said{ins, bal, s.bal, s.val}] = true
	return nil
}

// phase2b is the action of that name.
func (b *textbook) phase2b(ins uint8, bal int, val core.Value) error {
	if b.got2a[bal][ins] != val || val == core.NoValue || b.state[ins].mbal > bal {
		return fmt.Errorf("Phase2b is not enabled in instance %d, ballot %d, %v: %+v", ins, bal,
			val, b.state[ins])
	}
	b.state[ins] = instance{mbal: bal, bal: bal, val: val}
	b.sent[said{ins, -1, bal, val}] = true
	return nil
}

// explain takes a message that the real acceptor has let go, and finds steps of the specification
// by which the textbook sends it too, an instance at a time. What it says again it need not do
// again.
func (b *textbook) explain(m *core.Message) error {
	switch m.Type {
	case core.MsgForgotten:
		b.forgot = true
		return nil
	case core.MsgPhase1b, core.MsgPhase2b:
	case core.MsgRejected:
		if !b.got1a[int(m.MBal)] && b.got2a[int(m.MBal)] == nil || m.MBal <= m.Bal {
			return errors.New("rejects for a ballot that it has not heard of, or that is no higher")
		}
		return nil
	default:
		return errors.New("not a message that an acceptor sends")
	}
	if b.forgot {
		return errors.New("it has said that it has forgotten the transaction")
	}
	for s := m.Members; s != 0; s &= s - 1 {
		if err := b.explainOne(s.First(), m); err != nil {
			return err
		}
	}
	return nil
}

func (b *textbook) explainOne(ins uint8, m *core.Message) error {
	val, bal := m.Votes.Of(ins), int(m.Bal)
	if val == core.NoValue {
		bal = -1
	}
	if m.Type == core.MsgPhase2b {
		if val == core.NoValue || b.sent[said{ins, -1, bal, val}] {
			return nil
		}
		return b.phase2b(ins, bal, val)
	}
	if b.sent[said{ins, int(m.MBal), bal, val}] {
		return nil
	}
	// What it reports it may have accepted without letting go of the 2b.
	if s := b.state[ins]; s.bal != bal && val != core.NoValue {
		if err := b.phase2b(ins, bal, val); err != nil {
			return err
		}
	}
	if s := b.state[ins]; s.bal != bal || s.val != val {
		return fmt.Errorf("reports %v of ballot %d in instance %d, and has told of %+v", val, bal,
			ins, s)
	}
	return b.phase1b(ins, int(m.MBal))
}

// acceptorRun is a real acceptor, alone on its node, with its log; the rest of the system is drawn.
type acceptorRun struct {
	layout  core.Layout
	node    core.NodeID
	real    core.Machine
	book    map[core.TxID]*textbook
	log     []core.Record
	durable int
	gated   []core.Message
	out     core.Output
	heard   *[core.NumMsgTypes]int // messages explained
	err     error
}

// runAcceptor has rapid drive one acceptor of a protocol, and returns the first thing that it did
// and the textbook could not have. It counts in heard what the acceptor says.
func runAcceptor(t *rapid.T, p core.Protocol, heard *[core.NumMsgTypes]int) error {
	r := &acceptorRun{book: map[core.TxID]*textbook{}, real: p.New(), heard: heard}
	members := core.FullSet(rapid.IntRange(1, 3).Draw(t, "members"))
	if err := r.layout.Apart(core.Sizes{RMs: 3, Acceptors: 3, Leaders: 2}); err != nil {
		return err
	}
	for seq := range uint32(2) {
		r.book[core.TxID{Origin: 1, Seq: seq + 1}] = newTextbook(members)
	}
	acceptor := core.Role{Kind: core.Acceptor, ID: 1}
	r.node = r.layout.NodeOf(acceptor)
	r.real.Reset(&r.layout, r.node)
	message := func(t *rapid.T, typ core.MsgType, from core.RoleKind, id uint8) core.Message {
		tx := core.TxID{Origin: 1, Seq: rapid.Uint32Range(1, 2).Draw(t, "tx")}
		return core.Message{
			Type: typ, From: core.Role{Kind: from, ID: id}, To: acceptor, Tx: tx, Members: members,
		}
	}
	ballot := rapid.IntRange(1, 4)
	t.Repeat(map[string]func(*rapid.T){
		"phase1a": func(t *rapid.T) {
			bal := core.Ballot(ballot.Draw(t, "bal"))
			m := message(t, core.MsgPhase1a, core.Leader, r.layout.LeaderOf(bal))
			m.Bal = bal
			r.phase1a(&m)
		},
		"vote": func(t *rapid.T) {
			ins := uint8(rapid.IntRange(1, members.Len()).Draw(t, "ins"))
			m := message(t, core.MsgPhase2a, core.RM, ins)
			r.phase2a(&m, core.VoteOf(ins, drawValue(t)))
		},
		"phase2a": func(t *rapid.T) {
			bal := core.Ballot(ballot.Draw(t, "bal"))
			m := message(t, core.MsgPhase2a, core.Leader, r.layout.LeaderOf(bal))
			m.Bal = bal
			var v core.Votes
			for s := members; s != 0; s &= s - 1 {
				v = v.Union(core.VoteOf(s.First(), drawValue(t)))
			}
			r.phase2a(&m, v)
		},
		"forget": func(t *rapid.T) {
			if rapid.IntRange(0, 9).Draw(t, "now") == 0 {
				m := message(t, core.MsgForget, core.Leader, 1)
				r.step(&core.Input{Type: core.InputMessage, Msg: m})
			}
		},
		"flush": func(t *rapid.T) {
			tx := message(t, core.MsgForget, core.Leader, 1).Tx
			timer := core.Timer{Role: acceptor, Kind: core.TimerFlush, Tx: tx}
			r.step(&core.Input{Type: core.InputTimer, Timer: timer})
		},
		"sync":    func(*rapid.T) { r.sync() },
		"restart": func(*rapid.T) { r.restart() },
	})
	r.sync()
	return r.err
}

func drawValue(t *rapid.T) core.Value {
	return rapid.SampledFrom([]core.Value{core.Prepared, core.Aborted}).Draw(t, "val")
}

// phase1a delivers a 1a.
func (r *acceptorRun) phase1a(m *core.Message) {
	b := r.book[m.Tx]
	highest := b.highest()
	b.got1a[int(m.Bal)] = true
	r.answered(m, int(m.Bal) > highest)
}

// phase2a delivers a 2a: with these votes, or those that were proposed in its ballot before.
func (r *acceptorRun) phase2a(m *core.Message, v core.Votes) {
	b, bal := r.book[m.Tx], int(m.Bal)
	highest := b.highest()
	if b.got2a[bal] == nil {
		b.got2a[bal] = map[uint8]core.Value{}
	}
	for s := v.Instances(); s != 0; s &= s - 1 {
		ins := s.First()
		if b.got2a[bal][ins] == core.NoValue {
			b.got2a[bal][ins] = v.Of(ins)
		}
		m.Votes = m.Votes.Union(core.VoteOf(ins, b.got2a[bal][ins]))
	}
	r.answered(m, bal > max(0, highest))
}

// answered delivers a message, which must have an answer if so demanded: the specification's
// actions are enabled for a ballot above all that the acceptor has heard of.
func (r *acceptorRun) answered(m *core.Message, demanded bool) {
	before := len(r.gated)
	r.step(&core.Input{Type: core.InputMessage, Msg: *m})
	if r.err == nil && demanded && len(r.gated) == before {
		r.err = fmt.Errorf("no answer to %v", m)
	}
}

func (r *acceptorRun) step(in *core.Input) {
	if r.err != nil {
		return
	}
	r.out.Reset()
	if r.err = r.real.Step(in, &r.out); r.err != nil {
		return
	}
	r.log = append(r.log, r.out.Records...)
	r.gated = append(r.gated, r.out.Gated...)
	r.letGo(r.out.Send)
}

// sync completes the log, and lets the gated messages go.
func (r *acceptorRun) sync() {
	r.durable = len(r.log)
	r.letGo(r.gated)
	r.gated = r.gated[:0]
}

func (r *acceptorRun) letGo(list []core.Message) {
	for i := range list {
		if r.err != nil {
			return
		}
		if err := r.book[list[i].Tx].explain(&list[i]); err != nil {
			r.err = fmt.Errorf("%v: %w", list[i], err)
		}
		r.heard[list[i].Type]++
	}
}

// restart is a crash that loses what was not completed, and the return from it.
func (r *acceptorRun) restart() {
	if r.err != nil {
		return
	}
	r.log, r.gated = r.log[:r.durable], r.gated[:0]
	r.real.Reset(&r.layout, r.node)
	for _, rec := range r.log {
		r.step(&core.Input{Type: core.InputRecord, Rec: rec})
	}
	r.step(&core.Input{Type: core.InputRestart})
}

func TestAcceptorSaysNothingThatTheSpecificationCouldNot(t *testing.T) {
	for _, p := range fuzz.Protocols() {
		if least, _ := p.Limits(); least.Acceptors == 0 {
			continue
		}
		t.Run(p.Name(), func(t *testing.T) {
			var heard [core.NumMsgTypes]int
			rapid.Check(t, func(t *rapid.T) {
				if err := runAcceptor(t, p, &heard); err != nil {
					t.Fatal(err)
				}
			})
			for _, typ := range []core.MsgType{core.MsgPhase1b, core.MsgPhase2b, core.MsgRejected} {
				require.True(t, heard[typ] > 0, "no %v was ever sent", typ)
			}
		})
	}
}

func TestAcceptorBugsAreCaughtByTheSpecification(t *testing.T) {
	each := func(typ core.MsgType, change func(m *core.Message)) func(*core.Input, *core.Output) {
		return func(_ *core.Input, out *core.Output) {
			for i := range out.Gated {
				if out.Gated[i].Type == typ {
					change(&out.Gated[i])
				}
			}
		}
	}
	for name, tamper := range map[string]func(*core.Input, *core.Output){
		"accepts what nobody proposed": each(core.MsgPhase2b, func(m *core.Message) {
			m.Votes.Prepared, m.Votes.Aborted = m.Votes.Aborted, m.Votes.Prepared
		}),
		"reports nothing": each(core.MsgPhase1b, func(m *core.Message) {
			m.Bal, m.Votes = 0, core.Votes{}
		}),
		"accepts in a ballot of its own": each(core.MsgPhase2b, func(m *core.Message) { m.Bal++ }),
		"forgets in a crash": func(_ *core.Input, out *core.Output) {
			out.Records = slices.DeleteFunc(out.Records, func(rec core.Record) bool {
				return rec.Type == core.RecordAcceptor
			})
		},
		"sends before the record is durable": func(_ *core.Input, out *core.Output) {
			for _, m := range out.Gated {
				if m.Type != core.MsgForgotten {
					out.Send = append(out.Send, m)
				}
			}
		},
		"does not answer": func(_ *core.Input, out *core.Output) { out.Gated = out.Gated[:0] },
	} {
		t.Run(name, func(t *testing.T) {
			p := &tampered{paxoscommit.Protocol{}, tamper}
			var heard [core.NumMsgTypes]int
			requireCaught(t, func(t *rapid.T) error { return runAcceptor(t, p, &heard) })
		})
	}
}

// worldReference is what a run must look like from outside: one outcome a transaction, and an
// account holds what it opened with and what the committed transactions have moved.
type worldReference struct {
	outcomes map[core.TxID]core.Value
}

// look takes the outcomes that are on their way to somebody.
func (f *worldReference) look(w *harness.World) error {
	for _, m := range w.InFlight() {
		var v core.Value
		switch m.Type {
		case core.MsgCommit:
			v = core.Committed
		case core.MsgAbort:
			v = core.Aborted
		default:
			continue
		}
		if before, ok := f.outcomes[m.Tx]; ok && before != v {
			return fmt.Errorf("%v, and the outcome was %v", m, before)
		}
		f.outcomes[m.Tx] = v
	}
	return nil
}

// audit compares the end of a run with the outcomes: what clients were told, what they read, and
// what the databases that are there say is in their accounts.
func (f *worldReference) audit(w *harness.World) error {
	c := w.Config()
	balance := map[string]int64{}
	for a := range uint8(c.Accounts) {
		balance[harness.AccountName(a+1)] = c.Opening
	}
	for _, txn := range c.Txns {
		if f.outcomes[txn.ID] == core.Committed && txn.Work.Read == 0 {
			balance[harness.AccountName(txn.Work.From)] -= txn.Work.Amount
			balance[harness.AccountName(txn.Work.To)] += txn.Work.Amount
		}
	}
	var errs []error
	w.Monitor().Calls(func(call checker.Call) {
		errs = append(errs, f.checkCall(c, &call))
	})
	var judge harness.Judge
	events := judge.Events(w)
	held := map[string]int64{}
	// The auditor reads last; there is nothing to read if every resource manager is dead.
	if last := events[len(events)-1]; last.Process == len(c.Txns) {
		if err := json.Unmarshal(last.Value, &held); err != nil {
			return fmt.Errorf("the last event is %+v: %w", last, err)
		}
	}
	for name, amount := range held {
		if amount != balance[name] {
			errs = append(errs, fmt.Errorf("account %s holds %d, and should hold %d", name, amount,
				balance[name]))
		}
	}
	return errors.Join(errs...)
}

func (f *worldReference) checkCall(c *harness.Config, call *checker.Call) error {
	txn := &c.Txns[call.Txn]
	if call.Answer == core.NoValue {
		return nil
	}
	if call.Answer != f.outcomes[txn.ID] {
		return fmt.Errorf("%v: the client heard %v, the outcome is %v", txn.ID, call.Answer,
			f.outcomes[txn.ID])
	}
	if call.Answer == core.Aborted || txn.Work.Read != core.FullSet(c.Accounts) {
		return nil
	}
	sum := int64(0)
	for _, amount := range call.Reads {
		sum += amount
	}
	if sum != c.Opening*int64(c.Accounts) {
		return fmt.Errorf("%v read %v: money was made or lost", txn.ID, call.Reads)
	}
	return nil
}

// worldRun is what came of a run: what the monitor and the reference say of it, and how to make it
// again.
type worldRun struct {
	byMonitor, byReference error
	schedule               harness.Schedule
	committed              int // transactions
}

// runWorld has rapid choose what happens in a world.
func runWorld(t *rapid.T, p core.Protocol) *worldRun {
	o := &fuzz.Options{Protocol: p, Faults: fuzz.AllFaults}
	if least, _ := p.Limits(); least.TMs > 0 && least.Replicas == 0 {
		o.Faults &^= fuzz.Deaths | fuzz.Timeouts // it blocks, or needs them to be right
	}
	c, err := o.Config(rapid.Uint64().Draw(t, "config"))
	require.NoError(t, err)
	w, run := harness.NewWorld(&c), &worldRun{}
	f := &worldReference{outcomes: map[core.TxID]core.Value{}}
	taken := func(a harness.Action) {
		run.schedule.Actions = append(run.schedule.Actions, harness.Line{Action: a})
		if run.byReference == nil {
			run.byReference = f.look(w)
		}
	}
	var enabled []harness.Action
	t.Repeat(map[string]func(*rapid.T){
		"act": func(t *rapid.T) {
			for range 4 { // so that a run is longer than rapid makes it by itself
				enabled = slices.DeleteFunc(w.Enabled(enabled[:0]), func(a harness.Action) bool {
					return a.Type == harness.Settle
				})
				if len(enabled) == 0 || w.Violation() != nil {
					return
				}
				a := rapid.SampledFrom(enabled).Draw(t, "action")
				require.NoError(t, w.Apply(a))
				taken(a)
			}
		},
	})
	if w.Violation() == nil {
		w.Settle(taken)
	}
	run.schedule.Config = c
	if v := w.Violation(); v != nil {
		run.byMonitor, run.schedule.Expect = errors.New(v.String()), v.Property
	} else if run.byReference == nil {
		run.byReference = f.audit(w)
	}
	for _, v := range f.outcomes {
		if v == core.Committed {
			run.committed++
		}
	}
	return run
}

func TestWorldAgreesWithADumbReference(t *testing.T) {
	for _, p := range fuzz.Protocols() {
		t.Run(p.Name(), func(t *testing.T) {
			committed := 0
			rapid.Check(t, func(t *rapid.T) {
				run := runWorld(t, p)
				if err := errors.Join(run.byMonitor, run.byReference); err != nil {
					t.Fatalf("%v\n%v", err, &run.schedule)
				}
				committed += run.committed
			})
			require.True(t, committed > 0, "no transaction was committed")
		})
	}
}

// A bug in what resource managers tell their clients, and one in what leaders announce.
func TestWorldBugsAreCaughtByMonitorAndReference(t *testing.T) {
	lies := func(to core.RoleKind) core.Protocol {
		return &tampered{paxoscommit.Protocol{}, func(_ *core.Input, out *core.Output) {
			for i := range out.Send {
				if m := &out.Send[i]; m.Type == core.MsgAbort && m.To.Kind == to {
					m.Type = core.MsgCommit
				}
			}
		}}
	}
	for _, to := range []core.RoleKind{core.Client, core.RM} {
		t.Run(core.RoleNames()[to], func(t *testing.T) {
			requireCaught(t, func(t *rapid.T) error { return runWorld(t, lies(to)).byMonitor })
			requireCaught(t, func(t *rapid.T) error { return runWorld(t, lies(to)).byReference })
		})
	}
}
