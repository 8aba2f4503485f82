package explore

import (
	"slices"
	"strings"
	"testing"

	"paxoscommit/checker"
	"paxoscommit/checker/mc"
	"paxoscommit/core"
	"paxoscommit/core/paxoscommit"
	"paxoscommit/core/twophase"
	"paxoscommit/harness"

	"github.com/stretchr/testify/require"
)

// planted is Paxos Commit with a bug: twist sees every input, and what the machine wants done.
type planted struct {
	core.Protocol
	twist func(l *core.Layout, in *core.Input, out *core.Output)
}

func (p *planted) New() core.Machine { return &plantedMachine{Machine: p.Protocol.New(), p: p} }

type plantedMachine struct {
	core.Machine
	p      *planted
	layout *core.Layout
}

func (m *plantedMachine) Reset(l *core.Layout, n core.NodeID) {
	m.layout = l
	m.Machine.Reset(l, n)
}

func (m *plantedMachine) CopyFrom(src core.Machine) {
	m.Machine.CopyFrom(src.(*plantedMachine).Machine)
}

func (m *plantedMachine) Step(in *core.Input, out *core.Output) error {
	if err := m.Machine.Step(in, out); err != nil {
		return err
	}
	m.p.twist(m.layout, in, out)
	return nil
}

// abortsWithoutBallot is a leader with the habit of two-phase commit.
func abortsWithoutBallot(_ *core.Layout, in *core.Input, out *core.Output) {
	for i := range out.Gated {
		m := out.Gated[i]
		if in.Type != core.InputTimer || m.Type != core.MsgPhase1a || m.To.ID > 1 {
			continue
		}
		for s := m.Members; s != 0; s &= s - 1 {
			to := core.Role{Kind: core.RM, ID: s.First()}
			out.Send = append(out.Send, core.Message{
				Type: core.MsgAbort, From: m.From, To: to, Tx: m.Tx, Members: m.Members,
			})
		}
	}
}

// skipsPhase1 is a leader that proposes at once in a ballot above 0.
func skipsPhase1(_ *core.Layout, _ *core.Input, out *core.Output) {
	for i := range out.Gated {
		if m := &out.Gated[i]; m.Type == core.MsgPhase1a {
			m.Type, m.Votes = core.MsgPhase2a, core.Votes{Aborted: m.Members}
		}
	}
}

// sendsBeforeDurable is an acceptor that does not wait for its disk.
func sendsBeforeDurable(_ *core.Layout, _ *core.Input, out *core.Output) {
	if len(out.Gated) > 0 && out.Gated[0].From.Kind == core.Acceptor {
		out.Send, out.Gated = append(out.Send, out.Gated...), nil
	}
}

// keepsPromiseInMemory is an acceptor that writes down only votes.
func keepsPromiseInMemory(_ *core.Layout, _ *core.Input, out *core.Output) {
	if len(out.Records) > 0 && out.Records[0].Type == core.RecordAcceptor &&
		out.Records[0].Votes == (core.Votes{}) {
		out.Records = out.Records[1:]
	}
}

// writesForgotten is an acceptor that takes up what it has forgotten when it is told to again.
func writesForgotten(_ *core.Layout, in *core.Input, out *core.Output) {
	if m := &in.Msg; in.Type == core.InputMessage && m.Type == core.MsgForget &&
		m.To.Kind == core.Acceptor && len(out.Records) == 0 {
		out.Records = append(out.Records, core.Record{
			Type: core.RecordAcceptor, Role: m.To, Tx: m.Tx, Members: m.Members,
		})
	}
}

// saysFinished is a leader that tells a client that a transaction is finished when only its outcome
// is known.
func saysFinished(_ *core.Layout, _ *core.Input, out *core.Output) {
	for i := range out.Send {
		if m := &out.Send[i]; m.From.Kind == core.Leader && m.To.Kind == core.Client {
			m.Type = core.MsgForgotten
		}
	}
}

// answersAborted is a resource manager that tells its client that a transaction is aborted when its
// timer fires, whatever becomes of it.
func answersAborted(_ *core.Layout, in *core.Input, out *core.Output) {
	if t := in.Timer; in.Type == core.InputTimer && t.Role.Kind == core.RM {
		client := core.Role{Kind: core.Client, ID: uint8(t.Tx.Origin)}
		core.PutMessage(&out.Send, core.MsgAbort, t.Role, client, t.Tx, core.FullSet(1))
	}
}

// neverPromises is an acceptor that answers no phase 1a.
func neverPromises(_ *core.Layout, _ *core.Input, out *core.Output) {
	out.Gated = slices.DeleteFunc(out.Gated, func(m core.Message) bool {
		return m.Type == core.MsgPhase1b
	})
}

func TestWhatIsForgottenIsNotWrittenAgain(t *testing.T) {
	c, err := NewConfig(paxoscommit.Protocol{}, Size{RMs: 1, Acceptors: 1, Leaders: 1})
	require.NoError(t, err)
	c.Protocol = &planted{Protocol: paxoscommit.Protocol{}, twist: writesForgotten}
	r, err := Explore(c, bounded(mc.Options{}))
	require.NoError(t, err)
	require.Equal(t, mc.Violated, r.Verdict)
	require.Equal(t, checker.Durability, r.Violation.Property)
}

// TestNonBlocking: with a resource manager gone for good, whatever else is lost, the others can
// still decide; but not if acceptors never promise, and the World's own fair end says so too.
func TestNonBlocking(t *testing.T) {
	size := Size{RMs: 2, Acceptors: 1, Leaders: 1, Deaths: 1}
	c, err := NewConfig(paxoscommit.Protocol{}, size)
	require.NoError(t, err)
	c.NonBlocking = true
	r, err := Explore(c, bounded(mc.Options{}))
	require.NoError(t, err)
	require.Equal(t, mc.Holds, r.Verdict)

	c.Protocol = &planted{Protocol: paxoscommit.Protocol{}, twist: neverPromises}
	r, err = Explore(c, bounded(mc.Options{}))
	require.NoError(t, err)
	require.Equal(t, mc.Violated, r.Verdict)
	require.Equal(t, checker.NonBlocking, r.Violation.Property)
	replayed := harness.Replay(r.Schedule)
	require.NotNil(t, replayed.Violation)
	require.Equal(t, checker.NonBlocking, replayed.Violation.Property)
	require.Empty(t, replayed.Skipped)
	require.Len(t, r.Schedule.Actions, 2)
}

// TestNonBlockingEndsWithTheMajority: with F deaths all live resource managers can still decide,
// with F+1 they cannot, and here is the way to that.
func TestNonBlockingEndsWithTheMajority(t *testing.T) {
	for _, w := range []struct {
		size     Size
		distinct uint64
		actions  []string // to the violation; nil if there is none
	}{
		{Size{RMs: 1, Acceptors: 3, Leaders: 1, Deaths: 1}, 4680, nil},
		{Size{RMs: 1, Acceptors: 1, Leaders: 2, Deaths: 1}, 369, nil},
		{Size{RMs: 1, Acceptors: 3, Leaders: 1, Deaths: 2}, 6708, nil},
		{
			Size{RMs: 1, Acceptors: 3, Leaders: 1, Deaths: 2, LoseMajority: true},
			27,
			[]string{"begin cl1", "die n2", "die n3"},
		},
		{
			Size{RMs: 2, Acceptors: 1, Leaders: 1, Deaths: 1, LoseMajority: true},
			9,
			[]string{"begin cl1", "die n3"},
		},
	} {
		t.Run(w.size.String(), func(t *testing.T) {
			c, err := NewConfig(paxoscommit.Protocol{}, w.size)
			require.NoError(t, err)
			c.NonBlocking = true
			r, err := Explore(c, bounded(mc.Options{}))
			require.NoError(t, err)
			require.Equal(t, w.distinct, r.Distinct)
			if w.actions == nil {
				require.Equal(t, mc.Holds, r.Verdict)
				return
			}
			require.Equal(t, mc.Violated, r.Verdict)
			text := r.Schedule.String()
			require.Contains(t, text, strings.Join(w.actions, "\n")+"\nend\n")
			s, err := harness.ParseSchedule("test", strings.NewReader(text),
				[]core.Protocol{paxoscommit.Protocol{}})
			require.NoError(t, err)
			replayed := harness.Replay(s)
			require.NotNil(t, replayed.Violation)
			require.Equal(t, checker.NonBlocking, replayed.Violation.Property)
			require.Empty(t, replayed.Skipped)
		})
	}
}

// TestPlantedBugsAreFoundByTheShortestWay: exploration finds each bug, the World takes the same
// way to the same property, and the text of the schedule too; the minimiser takes it from there.
func TestPlantedBugsAreFoundByTheShortestWay(t *testing.T) {
	for _, b := range []struct {
		name  string
		twist func(*core.Layout, *core.Input, *core.Output)
		size  Size
		want  checker.Property
		steps int
	}{
		{
			"aborts on a time-out without a ballot", abortsWithoutBallot,
			Size{RMs: 1, Acceptors: 3, Leaders: 1, Takeovers: 1},
			checker.Validity, 8,
		},
		{
			"skips phase 1", skipsPhase1,
			Size{RMs: 1, Acceptors: 3, Leaders: 1, Takeovers: 1},
			checker.Agreement, 16,
		},
		{
			"sends before it is durable", sendsBeforeDurable,
			Size{RMs: 1, Acceptors: 1, Leaders: 1, Crashes: 1},
			checker.Durability, 7,
		},
		{
			"keeps its promise in memory", keepsPromiseInMemory,
			Size{RMs: 1, Acceptors: 1, Leaders: 1, Takeovers: 1, Crashes: 1},
			checker.Durability, 10,
		},
		{
			"says that it is finished", saysFinished,
			Size{RMs: 1, Acceptors: 1, Leaders: 1, Timeouts: 1},
			checker.Validity, 13,
		},
		{
			"answers aborted on a time-out", answersAborted,
			Size{RMs: 1, Acceptors: 1, Leaders: 1, Timeouts: 1},
			checker.Linearizability, 9,
		},
	} {
		t.Run(b.name, func(t *testing.T) {
			p := &planted{Protocol: paxoscommit.Protocol{}, twist: b.twist}
			for _, unreduced := range []bool{true, false} {
				c, err := NewConfig(p, b.size)
				require.NoError(t, err)
				c.Unreduced = unreduced
				r, err := Explore(c, bounded(mc.Options{Workers: 1}))
				require.NoError(t, err)
				require.Equal(t, mc.Violated, r.Verdict)
				require.Equal(t, b.want, r.Violation.Property)

				s, err := harness.ParseSchedule("test", strings.NewReader(r.Schedule.String()),
					[]core.Protocol{p})
				require.NoError(t, err)
				replayed := harness.Replay(s)
				require.NotNil(t, replayed.Violation)
				require.Equal(t, b.want, replayed.Violation.Property)
				require.Empty(t, replayed.Skipped)
				if unreduced {
					require.Len(t, r.Schedule.Actions, b.steps)
					least, _ := harness.Minimize(s, 1000)
					require.LessOrEqual(t, len(least.Actions), len(s.Actions))
				}
			}
		})
	}
}

// TestVerdictsAreRememberedForTheirFactsOnly: a memory full of other facts hides nothing.
func TestVerdictsAreRememberedForTheirFactsOnly(t *testing.T) {
	p := &planted{Protocol: paxoscommit.Protocol{}, twist: skipsPhase1}
	c, err := NewConfig(p, Size{RMs: 1, Acceptors: 3, Leaders: 1, Takeovers: 1})
	require.NoError(t, err)
	m, err := boundedModel(c)
	require.NoError(t, err)
	for i := range m.verdicts.stripes {
		for k := range m.verdicts.stripes[i].tuple {
			m.verdicts.stripes[i].tuple[k] = [maxParts]uint32{1 << 31}
		}
	}
	r, err := m.explore(bounded(mc.Options{}))
	require.NoError(t, err)
	require.Equal(t, mc.Violated, r.Verdict)
}

// commitsAtOnce is a resource manager that makes its outcome durable with its vote.
func commitsAtOnce(_ *core.Layout, in *core.Input, out *core.Output) {
	if m := &in.Msg; in.Type == core.InputMessage && m.Type == core.MsgVote && m.To.Kind == core.RM {
		out.Write(core.RecordOutcome, m.To, m.Tx, m.Members).Val = core.Committed
	}
}

// TestAStepThatIsNoneOfTCommit: alone in its transaction a resource manager may commit as soon as
// it is prepared, but not in one step; of that the World's monitor knows nothing.
func TestAStepThatIsNoneOfTCommit(t *testing.T) {
	p := &planted{Protocol: twophase.Protocol{}, twist: commitsAtOnce}
	c, err := NewConfig(p, Size{RMs: 1})
	require.NoError(t, err)
	_, err = Explore(c, bounded(mc.Options{}))
	require.ErrorIs(t, err, ErrDisagree)
	require.ErrorContains(t, err, refines)
}

// commitsFirst has resource manager 1 tell its vote before it has one, and resource manager 2
// commit when it is asked to prepare once more. The transaction manager tells nobody an outcome.
func commitsFirst(_ *core.Layout, in *core.Input, out *core.Output) {
	m := &in.Msg
	switch {
	case in.Type != core.InputMessage:
	case m.To.Kind == core.TM:
		out.Gated = slices.DeleteFunc(out.Gated, func(s core.Message) bool {
			return s.Type != core.MsgPrepare
		})
	case m.Type == core.MsgRequest:
		tm := core.Role{Kind: core.TM, ID: 1}
		core.PutMessage(&out.Send, core.MsgVote, m.To, tm, m.Tx, m.Members).Val = core.Prepared
	case m.Type == core.MsgPrepare && len(out.Gated) > 0: // it says its vote again
		out.Write(core.RecordOutcome, m.To, m.Tx, m.Members).Val = core.Committed
	}
}

// TestWhatAddsEvidenceIsNotTakenFirst: once all have voted a commit is right, so an order in which
// they vote first would hide that it was not.
func TestWhatAddsEvidenceIsNotTakenFirst(t *testing.T) {
	c, err := NewConfig(&planted{Protocol: twophase.Protocol{}, twist: commitsFirst}, Size{RMs: 2})
	require.NoError(t, err)
	m, err := boundedModel(c)
	require.NoError(t, err)
	require.True(t, m.ordered)
	r, err := m.explore(bounded(mc.Options{}))
	require.NoError(t, err)
	require.NotNil(t, r.Violation)
	require.Equal(t, checker.Validity, r.Violation.Property)
}
