package core

import "slices"

// Table holds one flat T a transaction behind an open-addressing index: no map, no pointer graph,
// so that a snapshot is a copy of slices. The zero Table is empty and ready. Pointers into it are
// good until the next Put or Delete.
type Table[T any] struct {
	keys  []TxID
	slots []T
	index []int32 // 0 free, else slot + 1; length a power of two, at most half full
}

// Len returns the number of transactions.
func (t *Table[T]) Len() int { return len(t.keys) }

// At returns the i-th transaction, in no order that means anything.
func (t *Table[T]) At(i int) (TxID, *T) { return t.keys[i], &t.slots[i] }

// Clear empties the table and keeps its memory.
func (t *Table[T]) Clear() {
	clear(t.index)
	t.keys, t.slots = t.keys[:0], t.slots[:0]
}

// CopyFrom makes t equal to src.
func (t *Table[T]) CopyFrom(src *Table[T]) {
	t.keys = append(t.keys[:0], src.keys...)
	t.slots = append(t.slots[:0], src.slots...)
	t.index = append(t.index[:0], src.index...)
}

// Get returns the state of a transaction, or nil.
func (t *Table[T]) Get(tx TxID) *T {
	if last := len(t.keys) - 1; last >= 0 && t.keys[last] == tx { // the only one, or the latest
		return &t.slots[last]
	}
	if i := t.find(tx); i >= 0 {
		return &t.slots[t.index[i]-1]
	}
	return nil
}

// Put returns the state of a transaction, a zero one if it is new.
func (t *Table[T]) Put(tx TxID) *T {
	if s := t.Get(tx); s != nil {
		return s
	}
	if 2*(len(t.keys)+1) > len(t.index) {
		t.grow()
	}
	t.keys = append(t.keys, tx)
	t.insert(tx, int32(len(t.keys)))
	return put(&t.slots)
}

// Delete takes a transaction out.
func (t *Table[T]) Delete(tx TxID) {
	i := t.find(tx)
	if i < 0 {
		return
	}
	hole := t.index[i] - 1
	t.unlink(i)
	last := int32(len(t.keys) - 1)
	if hole != last {
		t.keys[hole], t.slots[hole] = t.keys[last], t.slots[last]
		t.index[t.find(t.keys[last])] = hole + 1
	}
	t.keys, t.slots = t.keys[:last], t.slots[:last]
}

// Sorted appends to buf the positions for At in the order of transaction ids.
func (t *Table[T]) Sorted(buf []int32) []int32 {
	sorted := true // as it mostly is: ids count up
	for i := range t.keys {
		buf = append(buf, int32(i))
		sorted = sorted && (i == 0 || t.keys[i-1].Word() < t.keys[i].Word())
	}
	if !sorted {
		slices.SortFunc(buf, func(a, b int32) int { return t.keys[a].Compare(t.keys[b]) })
	}
	return buf
}

func (t *Table[T]) home(tx TxID) int {
	h := tx.Word() * 0x9e3779b97f4a7c15
	return int(h>>32) & (len(t.index) - 1)
}

// find returns the position in index of a transaction, or -1.
func (t *Table[T]) find(tx TxID) int {
	if len(t.keys) == 0 {
		return -1
	}
	mask := len(t.index) - 1
	for i := t.home(tx); ; i = (i + 1) & mask {
		switch s := t.index[i]; {
		case s == 0:
			return -1
		case t.keys[s-1] == tx:
			return i
		}
	}
}

func (t *Table[T]) insert(tx TxID, slot int32) {
	mask := len(t.index) - 1
	i := t.home(tx)
	for t.index[i] != 0 {
		i = (i + 1) & mask
	}
	t.index[i] = slot
}

// unlink frees position i of the index and moves back what had been pushed past it.
func (t *Table[T]) unlink(i int) {
	mask := len(t.index) - 1
	for j := (i + 1) & mask; t.index[j] != 0; j = (j + 1) & mask {
		if home := t.home(t.keys[t.index[j]-1]); (j-home)&mask >= (j-i)&mask {
			t.index[i] = t.index[j]
			i = j
		}
	}
	t.index[i] = 0
}

func (t *Table[T]) grow() {
	size := max(8, 2*len(t.index))
	t.index = append(t.index[:0], make([]int32, size)...)
	for slot, tx := range t.keys {
		t.insert(tx, int32(slot)+1)
	}
}
