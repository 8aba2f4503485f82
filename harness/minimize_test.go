package harness_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/core/replicated"
	"paxoscommit/harness"
)

// budget is more than a search needs.
const budget = 60_000

func TestMinimizeGivesTheShortestSchedule(t *testing.T) {
	for _, c := range []struct {
		planted *planted
		want    string
	}{
		{impatient(), `Validity
begin cl1
fire cl1 retry tx=c1.1
deliver cl1->ldr1 query tx=c1.1
fire ldr1 takeover tx=c1.1
end
`},
		{fragile(), `Contract
begin cl1
fire cl1 retry tx=c1.1
deliver cl1->ldr1 query tx=c1.1
end
`},
		{mute(), `NonBlocking
begin cl1
end
`},
	} {
		t.Run(c.planted.name, func(t *testing.T) {
			for seed := range uint64(3) {
				m, replays := harness.Minimize(failure(t, c.planted, seed), budget)
				_, actions, _ := strings.Cut(m.String(), "expect ")
				require.Equal(t, c.want, actions)
				require.LessOrEqual(t, replays, budget)
				require.Equal(t, 3, m.Config.Layout.Nodes)
			}
		})
	}
}

// few is n, or a quarter of it with -short, as under the race detector.
func few(n uint64) uint64 {
	if testing.Short() {
		return (n + 3) / 4
	}
	return n
}

// There are a few ways to see that hasty is wrong with five or six actions: a message that leaves
// too early makes somebody accept, or learn, what is not durable.
func TestMinimizeFindsAWayAsShortFromEveryFailure(t *testing.T) {
	for seed := range few(10) {
		m, _ := harness.Minimize(failure(t, hasty(), seed), budget)
		if m.Expect == checker.Validity {
			require.LessOrEqual(t, len(m.Actions), 6, m)
		} else {
			require.LessOrEqual(t, len(m.Actions), 7, m)
		}
	}
}

func TestMinimizeLeavesNoActionThatCanBeLeftOut(t *testing.T) {
	for _, p := range allPlanted() {
		for seed := range few(4) {
			m, _ := harness.Minimize(failure(t, p, seed), budget)
			require.Equal(t, m.Expect, harness.Replay(m).Violation.Property)
			for i := range m.Actions {
				without := *m
				without.Actions = slices.Delete(slices.Clone(m.Actions), i, i+1)
				if v := harness.Replay(&without).Violation; v != nil {
					require.NotEqual(t, m.Expect, v.Property, "action %d of\n%v", i+1, m)
				}
			}
		}
	}
}

// Nobody may wait for what was lost, and to lose it is shorter than to make somebody impatient.
func TestMinimizeLosesAMessageForWhoeverWaitsForIt(t *testing.T) {
	s, err := harness.ParseSchedule("test", strings.NewReader(`paxoscommit schedule 1
protocol wordless
timing asynchronous
node n1 rm1
node n2 rm2
node n3 acc1
node n4 ldr1
accounts 2 opening 100
txn c1.1 rm1 {"transfer":1,"from":"b","to":"a"}
expect NonBlocking
begin cl1
fire cl1 retry tx=c1.1
deliver cl1->ldr1 query tx=c1.1
fire ldr1 takeover tx=c1.1
end
`), []core.Protocol{wordless()})
	require.NoError(t, err)
	s.Config.Budget.Drops = 1
	m, _ := harness.Minimize(s, budget)
	_, actions, _ := strings.Cut(m.String(), "expect ")
	require.Equal(t, "NonBlocking\nbegin cl1\ndrop cl1->rm1 request tx=c1.1\nend\n", actions)

	s.Config.Budget.Drops = 0
	m, _ = harness.Minimize(s, budget)
	require.NotContains(t, m.String(), "drop", "whoever rules a fault out is not shown it")
}

// A transaction with a member that is not there breaks Contract too, and sooner: so does every
// smaller layout of a bug that needs two resource managers.
func TestMinimizeKeepsEveryMemberOfATransaction(t *testing.T) {
	for seed := range uint64(4) {
		m, _ := harness.Minimize(failure(t, crowded(), seed), budget)
		require.NoError(t, m.Config.Validate())
		require.Equal(t, 2, m.Config.Layout.RMs)
		require.Len(t, m.Actions, 3, m)
		require.Contains(t, harness.Replay(m).Violation.Detail, "no answer")
	}
}

func TestMinimizeDropsOptionalMembers(t *testing.T) {
	head, _, _ := strings.Cut(late, "fire rm1")
	text := strings.NewReplacer(
		"node n1", "deaths majority\nnode n1", "reach subset\n", "", "reach too-late\n", "",
	).Replace(head + "deliver rm1->rm2 enlist tx=c1.1\ndie n3\nsettle\nend\n")
	m, _ := harness.Minimize(parse(t, text), 2000)
	require.Equal(t, checker.NonBlocking, m.Expect)
	require.Contains(t, m.String(), ` rm1 {"transfer":1,"from":"a","to":"a"}`)
}

// TestMinimizeHasATransactionDoWithoutAnOptionalMember that the schedule needs for something else.
func TestMinimizeHasATransactionDoWithoutAnOptionalMember(t *testing.T) {
	second := &planted{name: "second", spoil: func(in *core.Input, _ *core.Output) {
		if m := &in.Msg; m.Type == core.MsgRequest && m.To.ID == 2 && m.Tx.Origin == 2 {
			panic("asked")
		}
	}}
	head, _, _ := strings.Cut(late, "reach")
	head = strings.Replace(head, "protocol paxos-commit", "protocol second", 1)
	s, err := harness.ParseSchedule("", strings.NewReader(head+`txn c2.1 rm2 {"read":["b"]}
begin cl2
deliver cl2->rm2 request tx=c2.1
end
`), []core.Protocol{second})
	require.NoError(t, err)
	m, _ := harness.Minimize(s, budget)
	require.Equal(t, checker.Contract, m.Expect, harness.Replay(s))
	require.Len(t, m.Config.Txns, 2)
	require.Zero(t, m.Config.Txns[0].Optional)
}

// What only the fair end's timers lead to is written down, though the schedule fires none itself.
func TestMinimizeWritesDownTheTimersOfTheFairEnd(t *testing.T) {
	s, err := harness.ParseSchedule("test", strings.NewReader(`paxoscommit schedule 1
protocol impatient
timing asynchronous
node n1 rm1
node n2 acc1
node n3 ldr1
accounts 1 opening 100
txn c1.1 rm1 {"transfer":1,"from":"a","to":"a"}
begin cl1
die n1
settle
end
`), []core.Protocol{impatient()})
	require.NoError(t, err)
	require.Zero(t, s.Config.Budget.Timeouts)
	m, _ := harness.Minimize(s, budget)
	require.NotContains(t, m.String(), "settle")
	require.Contains(t, m.String(), "\nfire ")
	require.Equal(t, m.Expect, harness.Replay(m).Violation.Property)
}

// A schedule keeps as many replicas as it needs.
func TestMinimizeDropsReplicas(t *testing.T) {
	text := `paxoscommit schedule 1
protocol replicated-2pc
timing asynchronous
deaths majority
node n1 rm1.1
node n2 rm1.2
node n3 rm1.3
node n4 rm1.4
node n5 rm1.5
node n6 res1
node n7 tm1.1 tm1.2 tm1.3 tm1.4
node n8 tm1.5
accounts 1 opening 100
txn c1.1 rm1 {"transfer":1,"from":"a","to":"a"}
begin cl1
deliver cl1->rm1.1 request tx=c1.1
deliver rm1.1->tm1.1 request tx=c1.1
fire tm1.2 takeover tx=c1.1
sync n7
die n7
settle
end
`
	s, err := harness.ParseSchedule("", strings.NewReader(text),
		[]core.Protocol{replicated.Protocol{}})
	require.NoError(t, err)
	require.Equal(t, checker.NonBlocking, harness.Replay(s).Violation.Property)
	m, _ := harness.Minimize(s, budget)
	require.Equal(t, checker.NonBlocking, harness.Replay(m).Violation.Property)
	require.Equal(t, 1, m.Config.Layout.Replicas, m)
}

func TestMinimizeIsDeterministic(t *testing.T) {
	for _, p := range allPlanted() {
		s := failure(t, p, 1)
		first, n := harness.Minimize(s, budget)
		again, k := harness.Minimize(s, budget)
		require.Equal(t, first.String(), again.String())
		require.Equal(t, n, k)
	}
}

func TestMinimizeKeepsToItsBudget(t *testing.T) {
	s := failure(t, hasty(), 1)
	property := harness.Replay(s).Violation.Property
	for _, replays := range []int{2, 10, 100, 1000} {
		m, used := harness.Minimize(s, replays)
		require.LessOrEqual(t, used, replays)
		require.Equal(t, property, harness.Replay(m).Violation.Property)
	}
}

func TestMinimizeReturnsWhatBreaksNothingAsItIs(t *testing.T) {
	s := parse(t, good)
	m, used := harness.Minimize(s, budget)
	require.Same(t, s, m)
	require.Equal(t, 1, used)
}

func TestMinimizeMakesTheBallotsLow(t *testing.T) {
	for seed := range few(5) {
		m, _ := harness.Minimize(failure(t, hasty(), seed), budget)
		for _, l := range m.Actions {
			require.LessOrEqual(t, int(l.Action.Msg.Bal), 1)
		}
		require.NotEqual(t, checker.NoProperty, m.Expect)
	}
}

func BenchmarkMinimize(b *testing.B) {
	for _, p := range allPlanted() {
		s := failure(b, p, 1)
		b.Run(p.name, func(b *testing.B) {
			var m *harness.Schedule
			var replays int
			for b.Loop() {
				m, replays = harness.Minimize(s, budget)
			}
			b.ReportMetric(float64(replays), "replays")
			b.ReportMetric(float64(len(s.Actions)), "actions-before")
			b.ReportMetric(float64(len(m.Actions)), "actions-after")
		})
	}
}
