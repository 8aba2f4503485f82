package history

import "math/bits"

// A rowSet is a set of configurations, in the order in which they were added. A configuration is a
// row of words: first, for each kind of open operation, how many of it have taken effect; then a
// bit for each running read that has; then a bit for each other running operation that has; then
// the cells. Rows lie in one slice and are found by an open-addressed table, so that a set costs no
// allocation once it has grown.
type rowSet struct {
	width  int     // Words of a row.
	counts int     // How many words at its start count open operations,
	reads  int     // and how many after them are bits of reads.
	rows   []int64 // The rows, one after the other.
	size   int
	table  []int32   // One more than the number of a row; 0 is free. A power of two long.
	orders []*placed // By row, where the order of operations is kept; else nil.
	traced bool
}

// A placed operation and those before it.
type placed struct {
	before *placed
	op     int32
	length int32
}

const minTable = 16

func newRowSet(width, counts, reads int, traced bool) rowSet {
	return rowSet{
		width: width, counts: counts, reads: reads, table: make([]int32, minTable), traced: traced,
	}
}

// reset empties the set and keeps its memory, unless the table is far too large for what it held:
// clearing it each time would cost more than growing it again.
func (s *rowSet) reset() {
	if len(s.table) > minTable && len(s.table) > 16*s.size {
		s.table = make([]int32, max(minTable, len(s.table)/4))
	} else {
		clear(s.table)
	}
	s.rows, s.orders, s.size = s.rows[:0], s.orders[:0], 0
}

func (s *rowSet) row(i int) []int64 { return s.rows[i*s.width : (i+1)*s.width] }

// order returns how the i-th row came about; nil if that is not kept, or for the opening row.
func (s *rowSet) order(i int) *placed {
	if !s.traced {
		return nil
	}
	return s.orders[i]
}

// add puts a copy of row into the set unless one is there that is as good: it agrees in all but
// that no more open operations of any kind have taken effect in it, and no fewer reads. What
// follows from row then follows from that one, since an open operation may still come or never,
// and a read that has taken effect asks for nothing more. It returns how many rows it compared.
func (s *rowSet) add(row []int64, order *placed) (compared int) {
	if 2*(s.size+1) > len(s.table) {
		s.grow()
	}
	mask := uint64(len(s.table) - 1)
	at := s.hash(row) & mask
	for ; s.table[at] != 0; at = (at + 1) & mask {
		compared++
		if s.covers(s.row(int(s.table[at]-1)), row) {
			return compared
		}
	}
	s.size++
	s.table[at] = int32(s.size)
	s.rows = append(s.rows, row...)
	if s.traced {
		s.orders = append(s.orders, order)
	}
	return compared
}

// covers reports whether row have is as good as row want.
func (s *rowSet) covers(have, want []int64) bool {
	for i := s.counts + s.reads; i < len(want); i++ {
		if have[i] != want[i] {
			return false
		}
	}
	for i := range s.counts {
		if have[i] > want[i] {
			return false
		}
	}
	for i := s.counts; i < s.counts+s.reads; i++ {
		if want[i]&^have[i] != 0 {
			return false
		}
	}
	return true
}

// hash depends on what must agree for one row to cover another.
func (s *rowSet) hash(row []int64) uint64 { return hashCells(row[s.counts+s.reads:]) }

func (s *rowSet) grow() {
	s.table = make([]int32, 2*len(s.table))
	mask := uint64(len(s.table) - 1)
	for i := range s.size {
		at := s.hash(s.row(i)) & mask
		for s.table[at] != 0 {
			at = (at + 1) & mask
		}
		s.table[at] = int32(i + 1)
	}
}

// hashCells mixes words with an odd multiplier (Knuth's golden ratio, 64 bits) and rotations.
func hashCells(words []int64) uint64 {
	const golden = 0x9e3779b97f4a7c15
	h := uint64(len(words))
	for _, w := range words {
		h = bits.RotateLeft64((h^uint64(w))*golden, 29)
	}
	return h ^ h>>32
}
