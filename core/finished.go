package core

import (
	"encoding/binary"
	"slices"
)

// Finished remembers which transactions are finished and forgotten, in space that does not grow
// with their number: for each origin and epoch a low-water mark, and the ids beyond a gap above
// it. The zero Finished is empty and ready.
type Finished struct {
	marks []TxID // sorted: of that origin and epoch, everything up to Seq is finished
	above []TxID // sorted: so are these, and none of them follows its mark without a gap
}

// mark returns the position in marks of tx's origin and epoch, and whether it is there. Like
// beyond, it is on the way of every message, and for that written out.
func (f *Finished) mark(tx TxID) (int, bool) {
	source := tx.source()
	if len(f.marks) > 0 && f.marks[0].source() == source { // there is often only one
		return 0, true
	}
	i, end := 0, len(f.marks)
	for i < end {
		if mid := int(uint(i+end) / 2); f.marks[mid].source() < source {
			i = mid + 1
		} else {
			end = mid
		}
	}
	return i, i < len(f.marks) && f.marks[i].source() == source
}

// beyond returns the position in above of the first id not below tx, and whether that is tx.
func (f *Finished) beyond(tx TxID) (int, bool) {
	i, end := 0, len(f.above)
	for i < end {
		if mid := int(uint(i+end) / 2); f.above[mid].Word() < tx.Word() {
			i = mid + 1
		} else {
			end = mid
		}
	}
	return i, i < len(f.above) && f.above[i] == tx
}

// Has tells whether tx is finished.
func (f *Finished) Has(tx TxID) bool {
	if tx.Seq <= f.Low(tx) {
		return true
	}
	if len(f.above) == 0 {
		return false
	}
	_, ok := f.beyond(tx)
	return ok
}

// Low returns the low-water mark of tx's origin and epoch: everything up to it is finished.
func (f *Finished) Low(tx TxID) uint32 {
	if i, ok := f.mark(tx); ok {
		return f.marks[i].Seq
	}
	return 0
}

// Add marks tx, whose Seq is at least 1, as finished.
func (f *Finished) Add(tx TxID) {
	i, ok := f.mark(tx)
	low := uint32(0)
	if ok {
		low = f.marks[i].Seq
	}
	switch {
	case tx.Seq <= low:
	case tx.Seq == low+1:
		f.raise(i, ok, tx)
	default:
		if i, ok := f.beyond(tx); !ok {
			f.above = slices.Insert(f.above, i, tx)
		}
	}
}

// Raise marks everything of tx's origin and epoch up to low as finished.
func (f *Finished) Raise(tx TxID, low uint32) {
	if low == 0 {
		return
	}
	if i, ok := f.mark(tx); !ok || low > f.marks[i].Seq {
		tx.Seq = low
		f.raise(i, ok, tx)
	}
}

// raise makes tx, which is higher, the mark of its origin and epoch, at i where mark has found it.
func (f *Finished) raise(i int, found bool, tx TxID) {
	if !found {
		f.marks = slices.Insert(f.marks, i, tx)
	}
	mark := &f.marks[i]
	mark.Seq = tx.Seq
	if len(f.above) == 0 {
		return
	}
	// What the mark has reached leaves above, and where it leaves no gap the mark moves on.
	from, _ := f.beyond(TxID{Origin: tx.Origin, Epoch: tx.Epoch})
	to := from
	for ; to < len(f.above) && f.above[to].source() == tx.source(); to++ {
		if f.above[to].Seq-1 > mark.Seq {
			break
		}
		mark.Seq = max(mark.Seq, f.above[to].Seq)
	}
	if to > from {
		f.above = slices.Delete(f.above, from, to)
	}
}

// Forget marks tx as finished, and everything of its origin and epoch up to low, and drops what t
// holds of them.
func Forget[T any](f *Finished, t *Table[T], tx TxID, low uint32) {
	if low > 0 && low > f.Low(tx) {
		for i := t.Len() - 1; i >= 0; i-- {
			if other, _ := t.At(i); other.source() == tx.source() && other.Seq <= low {
				t.Delete(other)
			}
		}
		f.Raise(tx, low)
	}
	t.Delete(tx)
	f.Add(tx)
}

// AnyUpTo tells whether is holds of what t has of some transaction of tx's origin and epoch up to
// low. When all of these are finished it does not hold.
func AnyUpTo[T any](f *Finished, t *Table[T], tx TxID, low uint32, is func(*T) bool) bool {
	if low <= f.Low(tx) {
		return false
	}
	for i := range t.Len() {
		other, st := t.At(i)
		if other.source() == tx.source() && other.Seq <= low && is(st) {
			return true
		}
	}
	return false
}

// Clear empties the set and keeps its memory.
func (f *Finished) Clear() { f.marks, f.above = f.marks[:0], f.above[:0] }

// CopyFrom makes f equal to src and shares nothing with it.
func (f *Finished) CopyFrom(src *Finished) {
	f.marks = append(f.marks[:0], src.marks...)
	f.above = append(f.above[:0], src.above...)
}

// AppendKey appends a canonical encoding.
func (f *Finished) AppendKey(dst []byte) []byte {
	for _, ids := range [...][]TxID{f.marks, f.above} {
		dst = binary.AppendUvarint(dst, uint64(len(ids)))
		for _, tx := range ids {
			dst = tx.AppendKey(dst)
		}
	}
	return dst
}
