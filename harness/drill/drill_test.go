package drill_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/core/paxoscommit"
	"paxoscommit/harness"
	"paxoscommit/harness/drill"
)

func config(t *testing.T, p core.Protocol) *harness.Config {
	t.Helper()
	c, err := drill.NewConfig(p, core.Sizes{RMs: 2, Acceptors: 3, Leaders: 2})
	require.NoError(t, err)
	return c
}

func die(kind core.RoleKind, id uint8) drill.Failure {
	return drill.Failure{Die: []core.Role{{Kind: kind, ID: id}}}
}

// every returns what comes of a failure before each message and at the end.
func every(t *testing.T, c *harness.Config, f drill.Failure) []*drill.Result {
	t.Helper()
	var all []*drill.Result
	for i := 0; ; i++ {
		r, err := drill.Run(c, drill.Before(i), f)
		if err != nil {
			require.ErrorIs(t, err, drill.ErrStep)
			return all
		}
		require.Len(t, r.Delivered, i)
		all = append(all, r)
	}
}

func TestPaxosCommitDecidesWhoeverDies(t *testing.T) {
	for _, p := range []core.Protocol{paxoscommit.Protocol{}, paxoscommit.Protocol{Faster: true}} {
		for _, f := range []drill.Failure{
			die(core.Leader, 1), die(core.Acceptor, 1), die(core.Acceptor, 3), die(core.RM, 2),
		} {
			results := every(t, config(t, p), f)
			require.Greater(t, len(results), 9)
			for i, r := range results {
				state, same := r.Of(false)
				require.True(t, same, "%v %d: %v", f, i, r.RMs)
				require.Contains(t, []drill.State{drill.Committed, drill.Aborted}, state, "%v %d", f, i)
			}
			require.Nil(t, results[len(results)-1].Next)
		}
	}
}

func TestTheMinorityOfAPartitionWaits(t *testing.T) {
	waited := 0
	f := drill.Failure{Cut: []core.Role{{Kind: core.RM, ID: 2}}}
	for i, r := range every(t, config(t, paxoscommit.Protocol{}), f) {
		require.False(t, r.Splits(), "%d", i)
		require.Nil(t, r.Broken)
		near, _ := r.Of(false)
		require.Contains(t, []drill.State{drill.Committed, drill.Aborted}, near, "%d", i)
		if far, _ := r.Of(true); far == drill.Blocked {
			waited++
		}
	}
	require.Positive(t, waited)
}

// split is a protocol in which each resource manager decides alone: rm1 commits, the others abort.
type split struct{ paxoscommit.Protocol }

func (split) New() core.Machine { return &alone{} }

type alone struct{ layout *core.Layout }

func (a *alone) Reset(l *core.Layout, _ core.NodeID) { a.layout = l }
func (a *alone) CopyFrom(src core.Machine)           { *a = *src.(*alone) }
func (a *alone) AppendKey(dst []byte) []byte         { return dst }

func (a *alone) Step(in *core.Input, out *core.Output) error {
	if in.Type != core.InputMessage || in.Msg.To.Kind != core.RM {
		return nil
	}
	m := in.Msg
	out.Records = append(out.Records, core.Record{
		Type: core.RecordOutcome, Role: m.To, Tx: m.Tx, Members: m.Members,
		Val: []core.Value{core.Committed, core.Aborted}[m.To.ID-1],
	})
	if m.To.ID == 1 {
		other := m
		other.Type, other.From, other.To.ID = core.MsgPrepare, m.To, 2
		out.Send = append(out.Send, other)
	}
	return nil
}

func TestASplitIsSeen(t *testing.T) {
	r, err := drill.Run(config(t, split{}), drill.Before(1), drill.Failure{})
	require.NoError(t, err)
	require.True(t, r.Splits())
	require.NotNil(t, r.Broken)
	require.Contains(t, []checker.Property{checker.Consistency, checker.Validity}, r.Broken.Property)
}

func TestTheScheduleOfADrillReplays(t *testing.T) {
	c := config(t, paxoscommit.Protocol{})
	r, err := drill.Run(c, drill.Before(6), die(core.Leader, 1))
	require.NoError(t, err)
	again := harness.Replay(r.Schedule)
	require.Empty(t, again.Skipped)
	require.Len(t, again.Taken, len(r.Schedule.Actions))
}

func TestAFailureAfterTheEndIsRefused(t *testing.T) {
	_, err := drill.Run(config(t, paxoscommit.Protocol{}), drill.Before(99), drill.Failure{})
	require.ErrorIs(t, err, drill.ErrStep)
}
