package fuzz

import (
	"flag"
	"fmt"
	"runtime"
	"testing"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/harness"
)

// Limits of a byte schedule.
const (
	// MaxChoices is how many bytes of a schedule count; what follows them is ignored.
	MaxChoices = 128
	// choiceClasses is in how many classes deliveries fall by their content. A byte takes
	// a delivery of its own class or none: more classes keep more of a run when a byte is deleted,
	// and waste more bytes. Measured: 1 keeps 91 in 100 actions, 2 keep 93, 4 keep 95, 8 keep 97,
	// of 50, 43, 35 and 27 actions an input.
	choiceClasses = 4
)

// Target is the body of a native fuzz target for the protocol of the options. Each input is a
// number, from which the configuration is drawn as for a run of a campaign, and bytes, which choose
// what happens; then the run settles and is judged. A run that breaks a property fails the target
// with a minimised schedule of the run and the next step. Seeds belong in testdata/fuzz, as for any
// target.
//
// # How a byte chooses
//
// A byte stands for a type of action, as often as that type should be tried, and for a rank of
// contents. The action taken is the enabled one of that type whose content ranks first (rendezvous
// hashing); among deliveries only those of the byte's class, one in 4, count. If there is none the
// byte does nothing. So bytes name actions by content and not by position, and deleting one byte
// leaves most of what the later bytes do as it was: on random inputs 95 in 100 of the later
// actions, and 85 in 100 where the deleted byte had done something. An action is kept if it is
// taken after the deletion point in both runs and in the same relative order (longest common
// subsequence); the settling that follows is not counted.
func Target(f *testing.F, o Options) {
	f.Helper()
	// A worker of go test -fuzz runs one input at a time, each in a goroutine of its own: a second
	// thread is woken for each, and finds nothing to do. Without it an input costs a fifth less.
	if w := flag.Lookup("test.fuzzworker"); w != nil && w.Value.String() == "true" {
		runtime.GOMAXPROCS(1)
	}
	r := newRunner(&o)
	f.Fuzz(func(t *testing.T, config uint64, choices []byte) {
		verdict, err := r.runBytes(config, choices, nil)
		switch {
		case err != nil:
			t.Fatal(err)
		case verdict == checker.Violated:
			t.Fatal(r.bytesFailure(config, choices))
		case verdict != checker.Holds:
			t.Fatalf("verdict %v: the judge of the clients' history ran out of steps", verdict)
		}
	})
}

// runBytes makes the run that a configuration number and bytes stand for, and judges it. Each
// action is passed to taken, which may be nil.
func (r *runner) runBytes(
	config uint64, choices []byte, taken func(harness.Action),
) (checker.Verdict, error) {
	if err := r.resetTo(config); err != nil {
		return checker.Unknown, err
	}
	w := &r.world
	r.takeBytes(choices, taken)
	if w.Violation() == nil {
		w.Settle(taken)
	}
	if w.Violation() != nil {
		return checker.Violated, nil
	}
	return r.judge.Judge(w)
}

// Config returns the configuration of a run of a campaign, which is also that of the byte inputs
// with this number. The error is that of numbers of roles which cannot be.
func (o *Options) Config(run uint64) (harness.Config, error) {
	r := newRunner(o)
	err := r.resetTo(run)
	return r.config, err
}

// resetTo draws the configuration of a number and resets the world to it.
func (r *runner) resetTo(config uint64) error {
	r.pcg.Seed(r.options.Seed, config)
	if err := r.options.draw(r.rng, &r.config, &r.plan); err != nil {
		return err
	}
	r.world.Reset(&r.config)
	return nil
}

func (r *runner) takeBytes(choices []byte, taken func(harness.Action)) {
	w := &r.world
	for _, b := range choices[:min(len(choices), MaxChoices)] {
		a, ok := r.chooseByte(b)
		if !ok {
			continue
		}
		if taken != nil {
			taken(a)
		}
		if err := w.Apply(a); err != nil {
			panic(err) // Choose and Apply disagree
		}
		if w.Violation() != nil {
			return
		}
	}
}

// chooseByte returns the enabled action that a byte chooses, and false if it chooses none.
func (r *runner) chooseByte(b byte) (best harness.Action, ok bool) {
	t := typeOfByte(b)
	n := r.positions(t)
	least := uint64(0)
	for i := range n {
		if t == harness.Deliver && !inClass(b, &r.world.InFlight()[i]) {
			continue
		}
		// The least number for which Choose begins at the i-th of n candidates. If that one is not
		// enabled it goes on to another, which may be of another class.
		a, enabled := r.world.Choose(t, uint32((i<<32+n-1)/n))
		if !enabled {
			break
		}
		rank := rankFor(b, a.Hash())
		if (!ok || rank < least) && (t != harness.Deliver || inClass(b, &a.Msg)) {
			best, least, ok = a, rank, true
		}
	}
	return best, ok
}

// inClass tells whether a message is of the class of those that a byte may deliver. The class
// depends on type, sender and receiver.
func inClass(b byte, m *core.Message) bool {
	return (uint8(m.Type)+m.From.ID+2*m.To.ID-b)%choiceClasses == 0
}

// rankFor ranks a content for a byte: each byte has an order of its own.
func rankFor(b byte, content uint64) uint64 {
	h := (content ^ (uint64(b)+1)*0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd
	return h ^ h>>33
}

// positions returns how many candidates of a type World.Choose has at most.
func (r *runner) positions(t harness.ActionType) uint64 {
	switch t {
	case harness.Deliver, harness.Drop, harness.Duplicate, harness.Refuse:
		return uint64(len(r.world.InFlight()))
	case harness.Begin, harness.GiveUp:
		return uint64(r.config.Clients())
	case harness.Fire:
		l := &r.config.Layout // one or two a transaction at each, and one a client
		armed := l.RMs + l.Acceptors + 2*l.Leaders
		if l.Acceptors == 0 {
			armed = 2 * l.Roles()
		}
		return uint64(armed*len(r.config.Txns) + r.config.Clients())
	case harness.Heal:
		return 1
	default:
		return uint64(r.config.Layout.Nodes)
	}
}

// typeOfByte returns what a byte does: most deliver, the rest is shared out so that faults are
// common enough to be found and rare enough that something happens between them.
func typeOfByte(b byte) harness.ActionType {
	switch {
	case b < 116:
		return harness.Deliver
	case b < 160:
		return harness.Sync
	case b < 188:
		return harness.Fire
	case b < 208:
		return harness.Begin
	case b < 220:
		return harness.Restart
	case b < 226:
		return harness.Drop
	case b < 231:
		return harness.Duplicate
	case b < 236:
		return harness.Crash
	case b < 240:
		return harness.CrashKeep
	case b < 244:
		return harness.Heal
	case b < 248:
		return harness.Cut
	case b < 252:
		return harness.Refuse
	case b < 254:
		return harness.Die
	default:
		return harness.GiveUp
	}
}

// bytesFailure makes a run that failed again, and says how it failed.
func (r *runner) bytesFailure(config uint64, choices []byte) string {
	s := &harness.Schedule{}
	_, err := r.runBytes(config, choices, func(a harness.Action) {
		s.Actions = append(s.Actions, harness.Line{Action: a})
	})
	v := r.world.Violation()
	if err != nil || v == nil {
		return "the run failed and does not fail again: the machines are not deterministic"
	}
	s.Config, s.Expect = r.options.granted(r.config), v.Property
	short, v := shortened(&Failure{Violation: *v, Schedule: s}, targetReplays)
	return fmt.Sprintf("%v\n%d of its %d actions are enough:\n%s%s", v, len(short.Actions),
		len(s.Actions), short, nextStep(s.Config.Protocol))
}
