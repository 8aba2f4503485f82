package mc

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSetAgreesWithMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, spread := range []uint64{math.MaxUint64, 1 << 40, 3} { // the last: all in one run
		set, want := newSet(), map[fingerprint]bool{}
		for range 8_000 {
			f := fingerprint{hi: rng.Uint64N(spread), lo: 1 + rng.Uint64N(2000)}
			if spread == 1<<40 {
				f.hi = math.MaxUint64 - f.hi
			}
			require.Equal(t, want[f], set.has(f))
			require.Equal(t, !want[f], set.shards[f.shardOf()].insert(f))
			want[f] = true
		}
		n := uint64(0)
		for i := range set.shards {
			s := &set.shards[i]
			n += s.n
			require.Zero(t, s.slots[len(s.slots)-1])
		}
		require.Equal(t, uint64(len(want)), n)
		for f := range want {
			require.True(t, set.has(f))
		}
	}
}

// TestVisitedStateTakesAtMost40Bytes, whatever the number of states; the first thousands share a
// fixed cost.
func TestVisitedStateTakesAtMost40Bytes(t *testing.T) {
	set, most := newSet(), 0.0
	for i := range uint64(300_000) {
		f, _ := newFingerprint(binary.LittleEndian.AppendUint64(nil, i))
		require.True(t, set.shards[f.shardOf()].insert(f))
		if i > 20_000 && i%500 == 0 {
			most = max(most, float64(set.bytes())/float64(i)+6)
		}
	}
	require.Less(t, most, 40.0)
	require.Greater(t, most, 20.0)
}

// unpermute undoes permute, which shows that it is one to one.
func unpermute(f fingerprint) fingerprint {
	f.hi ^= fold(f.lo, k3)
	f.lo ^= fold(f.hi, k2)
	f.hi ^= fold(f.lo, k1)
	return f
}

func TestShortKeysAreStoredExactly(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 10_000 {
		key := make([]byte, rng.IntN(exactBytes+1), 16+rng.IntN(2))
		for i := range key {
			key[i] = byte(rng.Uint32())
		}
		junk := key[len(key):cap(key)]
		for i := range junk {
			junk[i] = byte(rng.Uint32())
		}
		f, exact := newFingerprint(key)
		require.True(t, exact)
		f = unpermute(f)
		b := binary.LittleEndian.AppendUint64(nil, f.lo)
		b = binary.LittleEndian.AppendUint64(b, f.hi)
		require.Equal(t, len(key), int(b[15])-1)
		require.Equal(t, key, b[:len(key)])

		g, _ := newFingerprint(append(make([]byte, 0, len(key)), key...)) // no room behind
		require.Equal(t, f, unpermute(g))
	}
}

func TestKeyLengthIsPartOfTheKey(t *testing.T) {
	seen := map[fingerprint]int{}
	for n := range 40 {
		f, exact := newFingerprint(make([]byte, n))
		require.Equal(t, n <= exactBytes, exact)
		require.NotContains(t, seen, f)
		require.NotZero(t, f)
		seen[f] = n
	}
}

// TestLongKeysHashLikeAtRandom: of n keys that differ in few bits, the number of pairs that agree
// in any 32 bits of the hash is that of a random function, give or take five standard deviations.
func TestLongKeysHashLikeAtRandom(t *testing.T) {
	const n = 1 << 17
	hashes := make([]fingerprint, 0, n)
	for i := range uint64(n) {
		key := make([]byte, 40)
		binary.LittleEndian.PutUint32(key[8:], uint32(i&0xff))
		binary.LittleEndian.PutUint64(key[32:], i>>8<<20)
		f, exact := newFingerprint(key)
		require.False(t, exact)
		hashes = append(hashes, f)
	}
	want := float64(n) * (n - 1) / 2 / math.Exp2(32)
	for shift := range 4 {
		seen := map[uint32]uint64{}
		pairs := uint64(0)
		for _, f := range hashes {
			bits := uint32([]uint64{f.hi, f.hi >> 32, f.lo, f.lo >> 32}[shift])
			pairs += seen[bits]
			seen[bits]++
		}
		require.InDelta(t, want, float64(pairs), 5*math.Sqrt(want))
	}
}
