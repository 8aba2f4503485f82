package fuzz_test

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/core/paxoscommit"
	"paxoscommit/fuzz"
	"paxoscommit/harness"
)

// onePhase is a protocol of somebody's own, which no registry knows: the resource manager that the
// client asks prepares, and what it votes is the outcome, which it tells the others. It never asks
// them, so it cannot be right.
type onePhase struct{}

func (onePhase) Name() string                { return "one-phase-commit" }
func (onePhase) Options() []string           { return nil }
func (onePhase) Validate(*core.Layout) error { return nil }

// Limits asks for resource managers and, to be asked by clients, a transaction manager.
func (onePhase) Limits() (least, most core.Sizes) {
	return core.Sizes{RMs: 1, TMs: 1}, core.Sizes{RMs: core.MaxRMs, TMs: 1}
}

func (onePhase) New() core.Machine { return &process{} }

// process is a node: it needs to remember nothing but who asked.
type process struct {
	clients core.Table[core.Role]
}

func (p *process) Reset(*core.Layout, core.NodeID) { p.clients.Clear() }
func (p *process) CopyFrom(src core.Machine)       { p.clients.CopyFrom(&src.(*process).clients) }

func (p *process) AppendKey(dst []byte) []byte {
	for _, i := range p.clients.Sorted(nil) {
		tx, client := p.clients.At(int(i))
		dst = append(binary.AppendUvarint(dst, tx.Word()), client.ID)
	}
	return dst
}

func (p *process) Step(in *core.Input, out *core.Output) error {
	if in.Type != core.InputMessage {
		return nil
	}
	m := &in.Msg
	send := func(to core.Role, t core.MsgType) {
		out.Send = append(out.Send, core.Message{
			Type: t, From: m.To, To: to, Tx: m.Tx, Members: m.Members,
		})
	}
	resource := core.Role{Kind: core.Resource, ID: m.To.ID}
	switch m.Type {
	case core.MsgRequest:
		*p.clients.Put(m.Tx) = m.From
		send(resource, core.MsgPrepare)
	case core.MsgVote:
		outcome := core.MsgAbort
		if m.Val == core.Prepared {
			outcome = core.MsgCommit
		}
		for s := m.Members.Without(m.To.ID); s != 0; s &= s - 1 {
			send(core.Role{Kind: core.RM, ID: s.First()}, outcome)
		}
		send(resource, outcome)
		send(*p.clients.Put(m.Tx), outcome)
	case core.MsgCommit, core.MsgAbort:
		send(resource, m.Type)
	default:
	}
	return nil
}

// myPaxosCommit is another one: Paxos Commit, told apart by its name.
type myPaxosCommit struct{ paxoscommit.Protocol }

func (myPaxosCommit) Name() string { return "my-paxos-commit" }

// recorder is a test that may fail.
type recorder struct {
	testing.TB
	failure string
}

func (r *recorder) Fatal(args ...any) {
	r.failure = fmt.Sprint(args...)
	runtime.Goexit()
}

func (r *recorder) Fatalf(format string, args ...any) { r.Fatal(fmt.Sprintf(format, args...)) }

// failureOf returns what Check says of a protocol when it fails.
func failureOf(t *testing.T, p core.Protocol, o fuzz.Options) string {
	t.Helper()
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		fuzz.Check(r, p, o)
	}()
	<-done
	if r.failure == "" {
		t.Fatalf("Check finds nothing wrong with %s", p.Name())
	}
	return r.failure
}

func contains(t *testing.T, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Fatalf("%q is not in:\n%s", part, text)
	}
}

func TestCheckPassesAProtocolThatIsRight(t *testing.T) {
	fuzz.Check(t, myPaxosCommit{}, fuzz.Options{Seed: 1, CheckRuns: 2000})
}

func TestCheckFailsAProtocolThatIsWrong(t *testing.T) {
	text := failureOf(t, onePhase{}, fuzz.Options{Seed: 1})
	t.Log(text)
	contains(t, text, "one-phase-commit: ")
	contains(t, text, "seed 1, run ")
	contains(t, text, "next: keep it in a test: fuzz.Regress(t, schedule, protocol)")

	_, schedule, _ := strings.Cut(text, "are enough:\n")
	schedule, _, _ = strings.Cut(schedule, "next: ")
	mine := []core.Protocol{onePhase{}}
	s, err := harness.ParseSchedule("failure", strings.NewReader(schedule), mine)
	if err != nil {
		t.Fatal(err)
	}
	if r := harness.Replay(s); r.Verdict() != checker.Violated || len(s.Actions) > 6 {
		t.Fatalf("the schedule of the failure does not fail, or is longer than it need be: %v", r)
	}
}

// lazy is a protocol under which nothing is ever decided.
type lazy struct{ onePhase }

func (lazy) New() core.Machine { return &idle{} }

type idle struct{ process }

func (*idle) CopyFrom(core.Machine)                {}
func (*idle) Step(*core.Input, *core.Output) error { return nil }

// refusing is Paxos Commit in which every vote is aborted: right, and useless.
type refusing struct{ paxoscommit.Protocol }

func (refusing) Name() string        { return "refusing" }
func (p refusing) New() core.Machine { return &refuser{p.Protocol.New()} }

type refuser struct{ core.Machine }

func (r *refuser) CopyFrom(src core.Machine) { r.Machine.CopyFrom(src.(*refuser).Machine) }

func (r *refuser) Step(in *core.Input, out *core.Output) error {
	refused := *in
	if in.Type == core.InputMessage && in.Msg.Type == core.MsgVote {
		refused.Msg.Val = core.Aborted
	}
	return r.Machine.Step(&refused, out)
}

func TestCheckFailsAProtocolThatDoesNothing(t *testing.T) {
	contains(t, failureOf(t, lazy{}, fuzz.Options{CheckRuns: 100}), "NonBlocking")
	o := fuzz.Options{Faults: fuzz.Drops | fuzz.Timeouts, CheckRuns: 100}
	contains(t, failureOf(t, refusing{}, o), "reached commit: nothing was shown")
}

func TestCheckReportsOptionsThatMakeNoSense(t *testing.T) {
	contains(t, failureOf(t, onePhase{}, fuzz.Options{RMs: 65}), "65 resource managers")
}
