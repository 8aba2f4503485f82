package mc

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// clocks are independent counters, each a loop of as many states as its size says.
type clocks struct {
	sizes []uint8
}

type tick uint8

func (m *clocks) Init() [][4]uint8 { return [][4]uint8{{}} }

func (m *clocks) Actions(_ [4]uint8, buf []tick) []tick {
	for i := range m.sizes {
		buf = append(buf, tick(i))
	}
	return buf
}

func (m *clocks) Next(s [4]uint8, a tick) [4]uint8 {
	s[a] = (s[a] + 1) % m.sizes[a]
	return s
}

func (m *clocks) AppendKey(dst []byte, s [4]uint8) []byte { return append(dst, s[:]...) }

// reducedClocks would let the first clock alone: it is independent of the others, and no property
// sees it.
type reducedClocks struct{ *clocks }

func (m reducedClocks) Ample([4]uint8, []tick) int { return 1 }

func clockStrikes(n, at uint8) []Property[[4]uint8, tick] {
	return []Property[[4]uint8, tick]{
		{Name: "silent", Kind: Always, Check: func(s [4]uint8) error {
			if s[n] == at {
				return errors.New("it strikes")
			}
			return nil
		}},
		{Name: "strikes", Kind: Sometimes, Goal: func(s [4]uint8) bool { return s[n] == at }},
	}
}

// TestReductionPutsNothingOffForEver: the first clock alone would go round for ever.
func TestReductionPutsNothingOffForEver(t *testing.T) {
	full := &clocks{sizes: []uint8{5, 4, 6}}
	for _, at := range []uint8{1, 3, 5, 6} { // 6 is never reached
		for _, workers := range []int{1, 2} {
			o := Options{Workers: workers, Continue: true}
			a, err := Explore[[4]uint8, tick](full, clockStrikes(2, at), o)
			require.NoError(t, err)
			b, err := Explore[[4]uint8, tick](reducedClocks{full}, clockStrikes(2, at), o)
			require.NoError(t, err)
			for i := range a.Results {
				require.Equal(t, a.Results[i].Verdict, b.Results[i].Verdict, a.Results[i].Property)
			}
			require.Equal(t, at == 6, a.Results[0].Verdict == Holds)
			require.Less(t, b.Generated, a.Generated)
			if at < 6 {
				require.Equal(t, at, b.Results[0].Trace.Last()[2])
			}
		}
	}
}

func anyStep([4]uint8, tick, [4]uint8) error { return nil }

func TestReductionIsOffForStepsAndCanStill(t *testing.T) {
	m := &clocks{sizes: []uint8{5, 4}}
	for _, p := range []Property[[4]uint8, tick]{
		{Name: "steps", Kind: AlwaysStep, Step: anyStep},
		{
			Name: "noon", Kind: CanStill, Within: 5,
			Goal: func(s [4]uint8) bool { return s[0] == 0 },
			Fair: func([4]uint8, []tick) int { return 0 },
		},
	} {
		ps := []Property[[4]uint8, tick]{p}
		r, err := Explore[[4]uint8, tick](reducedClocks{m}, ps, Options{})
		require.NoError(t, err)
		require.Equal(t, Holds, r.Verdict)
		require.Equal(t, fmt.Sprint(20, 41), fmt.Sprint(r.Distinct, r.Generated))
	}
	ps := []Property[[4]uint8, tick]{
		{Name: "steps", Kind: AlwaysStep, Step: anyStep, Stutters: true},
	}
	r, err := Explore[[4]uint8, tick](reducedClocks{m}, ps, Options{})
	require.NoError(t, err)
	require.Less(t, r.Generated, uint64(41))
	ps[0] = Property[[4]uint8, tick]{
		Name: "states", Kind: Sometimes, Stutters: true, Goal: func([4]uint8) bool { return true },
	}
	_, err = Explore[[4]uint8, tick](m, ps, Options{})
	require.ErrorIs(t, err, ErrProperty)
}

func TestReductionGivesTheSameForAnyNumberOfWorkers(t *testing.T) {
	m := reducedClocks{&clocks{sizes: []uint8{25, 20, 30, 7}}}
	var want Stats
	for _, workers := range []int{1, 2, 5} {
		o := Options{Workers: workers, Continue: true}
		r, err := Explore[[4]uint8, tick](m, clockStrikes(3, 6), o)
		require.NoError(t, err)
		r.Bytes = 0
		if workers == 1 {
			want = r.Stats
		}
		require.Equal(t, want, r.Stats)
	}
}
