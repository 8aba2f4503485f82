package core

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// Finished remembers which transactions are finished and forgotten, in space that does not grow with their number: for each
// origin and epoch a low-water mark, and the sequence numbers above it. The zero Finished is empty and ready.
type Finished struct {
	origins []finishedOrigin // sorted by origin and epoch
}

type finishedOrigin struct {
	origin, epoch uint16
	low           uint32   // every sequence number from 1 to low is finished
	above         []uint32 // so are these, sorted, all greater than low+1
}

func (f *Finished) find(tx TxID) (int, bool) {
	return slices.BinarySearchFunc(f.origins, tx, func(o finishedOrigin, tx TxID) int {
		return cmp.Or(cmp.Compare(o.origin, tx.Origin), cmp.Compare(o.epoch, tx.Epoch))
	})
}

// at returns the entry of tx's origin and epoch, a new one if there is none.
func (f *Finished) at(tx TxID) *finishedOrigin {
	i, ok := f.find(tx)
	if !ok {
		f.origins = slices.Insert(f.origins, i, finishedOrigin{origin: tx.Origin, epoch: tx.Epoch})
	}
	return &f.origins[i]
}

// Has tells whether tx is finished.
func (f *Finished) Has(tx TxID) bool {
	i, ok := f.find(tx)
	if !ok {
		return false
	}
	o := &f.origins[i]
	if tx.Seq <= o.low {
		return true
	}
	_, ok = slices.BinarySearch(o.above, tx.Seq)
	return ok
}

// Low returns the low-water mark of tx's origin and epoch.
func (f *Finished) Low(tx TxID) uint32 {
	if i, ok := f.find(tx); ok {
		return f.origins[i].low
	}
	return 0
}

// Add marks tx as finished.
func (f *Finished) Add(tx TxID) {
	o := f.at(tx)
	if tx.Seq <= o.low {
		return
	}
	if i, ok := slices.BinarySearch(o.above, tx.Seq); !ok {
		o.above = slices.Insert(o.above, i, tx.Seq)
	}
	o.settle()
}

// Raise marks everything of tx's origin and epoch up to low as finished.
func (f *Finished) Raise(tx TxID, low uint32) {
	if low == 0 {
		return
	}
	o := f.at(tx)
	if low <= o.low {
		return
	}
	o.low = low
	i, _ := slices.BinarySearch(o.above, low+1)
	o.above = slices.Delete(o.above, 0, i)
	o.settle()
}

// settle moves the low-water mark up over the numbers that follow it without a gap.
func (o *finishedOrigin) settle() {
	n := 0
	for n < len(o.above) && o.above[n] == o.low+1 {
		o.low++
		n++
	}
	o.above = slices.Delete(o.above, 0, n)
}

// Clear empties the set.
func (f *Finished) Clear() { f.origins = f.origins[:0] }

// CopyFrom makes f equal to src and shares nothing with it.
func (f *Finished) CopyFrom(src *Finished) {
	f.origins = append(f.origins[:0], src.origins...)
	for i := range f.origins {
		f.origins[i].above = slices.Clone(f.origins[i].above)
	}
}

// AppendKey appends a canonical encoding.
func (f *Finished) AppendKey(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(f.origins)))
	for _, o := range f.origins {
		dst = binary.AppendUvarint(dst, uint64(o.origin)<<16|uint64(o.epoch))
		dst = binary.AppendUvarint(dst, uint64(o.low))
		dst = binary.AppendUvarint(dst, uint64(len(o.above)))
		for _, seq := range o.above {
			dst = binary.AppendUvarint(dst, uint64(seq))
		}
	}
	return dst
}
