package mc

import (
	"math/bits"
	"unsafe"
)

const (
	shardBits = 6
	shards    = 1 << shardBits

	minSlots   = 48 // of an empty shard
	slackSlots = 16 // beyond the last home, for the run that starts there; more if it is long
)

// A shard is an open-addressing table in which each run of neighbours is sorted, greatest first
// (Amble and Knuth's ordered hash table): a miss ends at the first lesser neighbour, so that a
// table filled to 80 % is still quick. A fingerprint's home falls as the fingerprint grows, so the
// whole table is sorted; growing it is one pass. Reading is safe while nobody writes.
type shard struct {
	slots []fingerprint // zero: free; the last one always is
	homes uint64        // slots that can be a home; the rest is slack
	n     uint64
}

// shardOf is the index of the shard that holds f.
func (f fingerprint) shardOf() uint64 { return f.hi >> (64 - shardBits) }

func (s *shard) home(f fingerprint) uint64 {
	h, _ := bits.Mul64(^f.hi<<shardBits, s.homes)
	return h
}

// find returns the slot of f, or the one where it belongs.
func (s *shard) find(f fingerprint) (slot uint64, ok bool) {
	i := s.home(f)
	for s.slots[i].hi > f.hi {
		i++
	}
	for s.slots[i].hi == f.hi && s.slots[i].lo > f.lo {
		i++
	}
	return i, s.slots[i] == f
}

// insert reports whether f is new.
func (s *shard) insert(f fingerprint) bool {
	i, ok := s.find(f)
	if ok {
		return false
	}
	if s.n >= s.homes/5*4 {
		s.resize(s.homes/2*3, s.slack())
		i, _ = s.find(f)
	}
	for !s.place(i, f) {
		s.resize(s.homes, 2*s.slack())
		i, _ = s.find(f)
	}
	return true
}

// place puts f into slot i and moves what follows by one; false if the run has no end to move into.
func (s *shard) place(i uint64, f fingerprint) bool {
	end := i
	for s.slots[end] != (fingerprint{}) {
		end++
	}
	if end == uint64(len(s.slots))-1 {
		return false
	}
	copy(s.slots[i+1:end+1], s.slots[i:end])
	s.slots[i] = f
	s.n++
	return true
}

func (s *shard) slack() uint64 { return uint64(len(s.slots)) - s.homes }

// resize moves to a table of at least as many homes and as much slack. All fits: the more homes,
// the further from their end is each fingerprint's own.
func (s *shard) resize(homes, slack uint64) {
	t := newShard(homes, slack)
	next := uint64(0)
	for _, f := range s.slots { // they are sorted, and so are their homes
		if f == (fingerprint{}) {
			continue
		}
		next = max(next, t.home(f))
		t.slots[next] = f
		next++
	}
	t.n = s.n
	*s = t
}

func newShard(homes, slack uint64) shard {
	return shard{slots: make([]fingerprint, homes+slack), homes: homes}
}

// A set is the fingerprints of all visited states.
type set struct{ shards [shards]shard }

func newSet() *set {
	t := new(set)
	for i := range t.shards {
		t.shards[i] = newShard(minSlots, slackSlots)
	}
	return t
}

// has reads only.
func (t *set) has(f fingerprint) bool {
	_, ok := t.shards[f.shardOf()].find(f)
	return ok
}

// touch loads the slot where the search for f begins, for a batch to wait once for many of them.
func (t *set) touch(f fingerprint) uint64 {
	s := &t.shards[f.shardOf()]
	return s.slots[s.home(f)].lo
}

func (t *set) bytes() uint64 {
	n := uint64(0)
	for i := range t.shards {
		n += uint64(len(t.shards[i].slots))
	}
	return n * uint64(unsafe.Sizeof(fingerprint{}))
}
