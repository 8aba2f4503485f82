package mc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// A graph is a model given by its edges: state i has an action for each of edges[i], which leads
// there.
type graph struct {
	init  []int
	edges [][]int
	long  bool // keys that are too long to be stored exactly
}

func (g *graph) Init() []int { return g.init }

func (g *graph) Actions(s int, buf []int) []int { return append(buf, g.edges[s]...) }

func (g *graph) Next(_, a int) int { return a }

func (g *graph) AppendKey(dst []byte, s int) []byte {
	dst = binary.AppendUvarint(dst, uint64(s))
	if g.long {
		dst = append(dst, "and fifteen more"...)
	}
	return dst
}

// randomGraph has self-loops, repeated edges and states without any. Its edges go mostly forward,
// so that there are many levels.
func randomGraph(rng *rand.Rand, states, degree, reach int) *graph {
	g := &graph{edges: make([][]int, states), init: []int{0, 0, states / 7}}
	for s := range g.edges {
		for range rng.IntN(degree + 1) {
			to := s + rng.IntN(reach) - reach/3
			g.edges[s] = append(g.edges[s], max(0, to)%states)
		}
	}
	return g
}

// reference is the textbook's breadth-first search: one queue, one map.
type reference struct {
	Progress
	terminal uint64
	order    []int          // states as they were first met
	parent   map[int][2]int // state before, or -1; action
}

func explore(g *graph) *reference {
	r := &reference{parent: map[int][2]int{}}
	meet := func(s, from, action int) {
		r.Generated++
		if _, ok := r.parent[s]; !ok {
			r.parent[s] = [2]int{from, action}
			r.order = append(r.order, s)
		}
	}
	for _, s := range g.init {
		meet(s, -1, 0)
	}
	for at := 0; at < len(r.order); r.Depth++ {
		for end := len(r.order); at < end; at++ {
			s := r.order[at]
			for _, to := range g.edges[s] {
				meet(to, s, to)
			}
			if len(g.edges[s]) == 0 {
				r.terminal++
			}
		}
	}
	r.Distinct = uint64(len(r.order))
	return r
}

// path is the actions to s.
func (r *reference) path(s int) []int {
	path := []int{}
	for r.parent[s][0] >= 0 {
		path = append(path, r.parent[s][1])
		s = r.parent[s][0]
	}
	slices.Reverse(path)
	return path
}

func (r *reference) first(is func(s int) bool) (s int, ok bool) {
	i := slices.IndexFunc(r.order, is)
	if i < 0 {
		return 0, false
	}
	return r.order[i], true
}

func multiple(of int) func(int) bool { return func(s int) bool { return s > 0 && s%of == 0 } }

var errBad = errors.New("bad")

func never(bad func(int) bool) func(int) error {
	return func(s int) error {
		if bad(s) {
			return errBad
		}
		return nil
	}
}

func TestExploreAgreesWithOneQueueAndOneMap(t *testing.T) {
	sizes := []struct{ states, degree, reach int }{
		{1, 1, 1}, {10, 2, 4}, {100, 2, 30}, {1000, 3, 100}, {40_000, 3, 9000}, {60_000, 5, 50_000},
	}
	for _, size := range sizes {
		for seed := range uint64(3) {
			g := randomGraph(rand.New(rand.NewPCG(seed, 0)), size.states, size.degree, size.reach)
			g.long = seed == 2
			want := explore(g)
			for _, workers := range []int{1, 2, 7} {
				t.Run(fmt.Sprintf("states=%d/seed=%d/workers=%d", size.states, seed, workers),
					func(t *testing.T) { agree(t, g, want, workers) })
			}
		}
	}
}

func agree(t *testing.T, g *graph, want *reference, workers int) {
	bad := multiple(max(2, len(g.edges)/3))
	rare := multiple(max(2, len(g.edges)/5))
	r, err := Explore(Model[int, int](g), []Property[int, int]{
		{Name: "never bad", Kind: Always, Check: never(bad)},
		{Name: "sometimes rare", Kind: Sometimes, Goal: rare},
		{Name: "no step to bad", Kind: AlwaysStep, Step: func(s, a, to int) error {
			if a != to {
				return fmt.Errorf("from %d by %d to %d", s, a, to)
			}
			return never(bad)(to)
		}},
	}, Options{Workers: workers, Continue: true})
	require.NoError(t, err)
	require.True(t, r.Complete)
	require.Zero(t, r.Queue)
	require.Equal(t, want.Distinct, r.Distinct)
	require.Equal(t, want.Generated, r.Generated)
	require.Equal(t, want.Depth, r.Depth)
	require.Equal(t, want.terminal, r.Terminal)
	require.Equal(t, g.long, r.Collision > 0)
	require.Less(t, r.Collision, 1e-25)

	s, found := want.first(bad)
	require.Equal(t, found, r.Results[0].Verdict == Violated)
	if found {
		require.ErrorIs(t, r.Results[0].Err, errBad)
		require.Equal(t, s, r.Results[0].Trace.Last())
		require.Equal(t, want.path(s), r.Results[0].Trace.Actions())
	}
	s, found = want.first(rare)
	require.Equal(t, found, r.Results[1].Verdict == Holds)
	if found {
		require.Equal(t, want.path(s), r.Results[1].Trace.Actions())
	}
	from, found := want.first(func(s int) bool { return slices.ContainsFunc(g.edges[s], bad) })
	require.Equal(t, found, r.Results[2].Verdict == Violated)
	if found {
		to := g.edges[from][slices.IndexFunc(g.edges[from], bad)]
		require.Equal(t, append(want.path(from), to), r.Results[2].Trace.Actions())
	}
}
