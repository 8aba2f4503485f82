package core_test

import (
	"math"
	"testing"

	"paxoscommit/core"

	"github.com/stretchr/testify/require"
)

// Each ballot above 0 belongs to one leader, who comes to it by counting up.
func TestBallotsArePartitioned(t *testing.T) {
	for leaders := 1; leaders <= core.MaxLeaders; leaders++ {
		l := &core.Layout{Sizes: core.Sizes{Leaders: leaders}}
		owner := map[core.Ballot]uint8{}
		for id := range uint8(leaders) {
			b := core.Ballot(0)
			for b < 100 {
				next := l.NextBallot(id+1, b)
				require.Greater(t, next, b)
				require.Equal(t, id+1, l.LeaderOf(next))
				require.NotContains(t, owner, next)
				for between := b; between < next; between++ {
					require.Equal(t, next, l.NextBallot(id+1, between), "the least above")
				}
				owner[next], b = id+1, next
			}
		}
		for b := core.Ballot(1); b <= 100; b++ {
			require.Contains(t, owner, b)
		}
	}
}

func TestBallotsRunOut(t *testing.T) {
	l := &core.Layout{Sizes: core.Sizes{Leaders: 4}}
	require.Equal(t, core.Ballot(math.MaxUint32), l.NextBallot(3, math.MaxUint32-1))
	require.Zero(t, l.NextBallot(2, math.MaxUint32-1))
	require.Zero(t, l.NextBallot(3, math.MaxUint32))
}

func TestMajoritiesMeet(t *testing.T) {
	for n := 1; n <= core.MaxAcceptors; n++ {
		l := &core.Layout{Sizes: core.Sizes{Acceptors: n}}
		require.Greater(t, 2*l.Majority(), n)
		require.LessOrEqual(t, 2*(l.Majority()-1), n, "no larger than it must be")
	}
}

func TestLayoutOutsideItsLimitsIsRefused(t *testing.T) {
	for _, s := range []core.Sizes{
		{},
		{RMs: 65},
		{RMs: -1},
		{RMs: 2, Acceptors: 16},
		{RMs: 2, Leaders: 16},
		{RMs: 2, TMs: 2},
		{RMs: 2, Registrars: 2},
		{RMs: 2, Replicas: 16},
		{RMs: 2, Acceptors: -1},
		{RMs: 64, TMs: 1, Replicas: 15}, // 1039 nodes
	} {
		l, err := core.NewLayout(s)
		require.Error(t, err)
		require.Nil(t, l)
	}
	l, err := core.NewLayout(core.Sizes{RMs: 60, Acceptors: 3, Leaders: 1})
	require.NoError(t, err)
	require.Equal(t, core.NodeID(64), l.NodeOf(core.Role{Kind: core.Leader, ID: 1}))
	require.Equal(t, l.NodeOf(core.Role{Kind: core.RM, ID: 9}),
		l.NodeOf(core.Role{Kind: core.Resource, ID: 9}), "it goes with its resource manager")
	require.Zero(t, l.NodeOf(core.Role{Kind: core.Client, ID: 1}))
	require.Zero(t, l.NodeOf(core.Role{Kind: 99, ID: 200}))
}

func TestReplicasHavePlacesOfTheirOwn(t *testing.T) {
	l, err := core.NewLayout(core.Sizes{RMs: 2, TMs: 1, Replicas: 3})
	require.NoError(t, err)
	require.NoError(t, l.CheckPlaced())
	require.Equal(t, 2*3+2+3, l.Nodes, "resource managers, their databases, transaction manager")
	seen := map[core.NodeID]core.Role{}
	for _, r := range l.AppendRoles(nil) {
		require.True(t, l.Exists(r), "%v", r)
		require.NotContains(t, seen, l.NodeOf(r), "%v", r)
		seen[l.NodeOf(r)] = r
	}
	require.Len(t, seen, l.Nodes)
	require.Zero(t, l.NodeOf(core.Role{Kind: core.RM, ID: 1}), "it is nowhere but in its replicas")
	require.False(t, l.Exists(core.Role{Kind: core.RM, ID: 1}))
	require.False(t, l.Exists(core.Role{Kind: core.RM, ID: 1, Replica: 4}))
	require.False(t, l.Exists(core.Role{Kind: core.Resource, ID: 1, Replica: 1}))
	require.Equal(t, "tm1.2", l.Coordinator(4).String(), "they go round")
	l.Place(core.Role{Kind: core.TM, ID: 1, Replica: 2}, 0)
	require.EqualError(t, l.CheckPlaced(), "tm1.2 is on no node")
}

func TestSizesOutsideTheirLimitsAreNamed(t *testing.T) {
	least, most := core.Sizes{RMs: 1, TMs: 1}, core.Sizes{RMs: 64, TMs: 1}
	for want, s := range map[string]core.Sizes{
		"0 resource managers: want 1 to 64": {TMs: 1},
		"0 transaction managers: want 1":    {RMs: 1},
		"3 acceptors: want 0":               {RMs: 1, TMs: 1, Acceptors: 3},
	} {
		require.EqualError(t, s.Check(least, most), want)
	}
	s := core.Sizes{RMs: 64, TMs: 1}
	require.NoError(t, s.Check(least, most))
}

func TestNodeSetHoldsEveryNode(t *testing.T) {
	var s core.NodeSet
	require.True(t, s.Empty())
	for n := core.NodeID(1); n <= core.MaxNodes; n++ {
		require.False(t, s.Has(n))
		s.Add(n)
		require.True(t, s.Has(n))
	}
	require.False(t, s.Has(0))
	require.Equal(t, core.MaxNodes, s.Len())
	s.Remove(64)
	require.False(t, s.Has(64))
	require.Equal(t, core.MaxNodes-1, s.Len())
	require.Equal(t, core.NodeID(1), s.First())
	require.Zero(t, (&core.NodeSet{}).First())
}

func TestNodeSetCountsEachNodeOnce(t *testing.T) {
	var s, other core.NodeSet
	for _, n := range []core.NodeID{70, 3, 70} {
		s.Add(n)
	}
	require.Equal(t, 2, s.Len())
	for range 2 {
		s.Remove(70)
		s.Remove(5)
	}
	require.Equal(t, 1, s.Len())
	other.Add(3)
	require.Equal(t, other.AppendKey(nil), s.AppendKey(nil))
	other.Add(130)
	require.NotEqual(t, other.AppendKey(nil), s.AppendKey(nil))
	s.Remove(3)
	require.True(t, s.Empty())
}

func TestSetHoldsOneTo64(t *testing.T) {
	require.Equal(t, core.Set(0), core.FullSet(0))
	require.Equal(t, 64, core.FullSet(64).Len())
	s := core.SetOf(1, 33, 64)
	require.Equal(t, "1,33,64", s.String())
	require.True(t, s.Has(64))
	require.False(t, s.Has(2))
	require.False(t, s.Has(0))
	require.Equal(t, core.SetOf(1, 64), s.Without(33))
	require.Equal(t, uint8(65), core.Set(0).First())
}

func TestOutcomeNeedsEveryInstance(t *testing.T) {
	for _, tc := range []struct {
		votes   core.Votes
		members core.Set
		want    core.Value
	}{
		{core.Votes{}, 0, core.NoValue},
		{core.Votes{Prepared: 1}, 3, core.NoValue},
		{core.Votes{Prepared: 3}, 3, core.Committed},
		{core.Votes{Prepared: 7}, 3, core.Committed},
		{core.Votes{Prepared: 1, Aborted: 2}, 3, core.Aborted},
		{core.Votes{Aborted: 2}, 3, core.Aborted},
		{core.Votes{Prepared: 3, Aborted: 4}, 3, core.Committed},
	} {
		require.Equal(t, tc.want, tc.votes.Outcome(tc.members), "%+v of %v", tc.votes, tc.members)
	}
}

// Schedules name messages by what they say.
func TestNamesSayTheContent(t *testing.T) {
	for _, tc := range []struct {
		got, want string
	}{
		{core.TxID{Origin: 1, Seq: 2}.String(), "c1.2"},
		{core.TxID{Origin: 1, Epoch: 3, Seq: 2}.String(), "c1e3.2"},
		{core.Role{Kind: core.Acceptor, ID: 2}.String(), "acc2"},
		{core.Role{Kind: 77, ID: 2}.String(), "role77.2"},
		{core.MsgType(99).String(), "msg99"},
		{core.RecordType(99).String(), "record99"},
		{core.TimerKind(99).String(), "timer99"},
		{core.Value(99).String(), "value99"},
		{core.DropReason(99).String(), "reason99"},
		{core.Record{Type: core.RecordBallot, Bal: 3}.String(), "none0 ballot tx=c0.0 bal=3"},
	} {
		require.Equal(t, tc.want, tc.got)
	}
}
