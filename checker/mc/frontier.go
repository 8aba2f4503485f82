package mc

// Frontier and ways grow by blocks, so that nothing is copied and a pointer-free block is never
// looked at by the garbage collector.
const (
	blockLog    = 12
	blockStates = 1 << blockLog
)

// A frontier is a list of states that one phase fills, at disjoint places, and the next reads.
type frontier[S any] struct {
	blocks [][]S
	free   [][]S
	n      int
}

func (f *frontier[S]) at(i int) *S { return &f.blocks[i>>blockLog][i%blockStates] }

// extend makes room for n more.
func (f *frontier[S]) extend(n int) {
	f.n += n
	for len(f.blocks)*blockStates < f.n {
		if last := len(f.free) - 1; last >= 0 {
			f.blocks = append(f.blocks, f.free[last])
			f.free = f.free[:last]
			continue
		}
		f.blocks = append(f.blocks, make([]S, blockStates))
	}
}

// release gives the blocks before the one that holds i to another frontier.
func (f *frontier[S]) release(i int, to *frontier[S]) {
	for b := i>>blockLog - 1; b >= 0 && f.blocks[b] != nil; b-- {
		clear(f.blocks[b]) // lets go of what the states point to
		to.free = append(to.free, f.blocks[b])
		f.blocks[b] = nil
	}
}

func (f *frontier[S]) reset() {
	for _, b := range f.blocks {
		if b != nil {
			clear(b)
			f.free = append(f.free, b)
		}
	}
	f.blocks, f.n = f.blocks[:0], 0
}

// capacity is the number of states that there is memory for.
func (f *frontier[S]) capacity() int {
	n := len(f.free)
	for _, b := range f.blocks {
		if b != nil {
			n++
		}
	}
	return n * blockStates
}

// ways is, by the number of a state, whence it was first reached: from which state, or for an
// initial state its index in Init, and by which of the actions there.
type ways struct {
	parents [][]uint32
	actions [][]uint16
}

// extend makes room for n states in all.
func (w *ways) extend(n uint64) {
	for uint64(len(w.parents))*blockStates < n {
		w.parents = append(w.parents, make([]uint32, blockStates))
		w.actions = append(w.actions, make([]uint16, blockStates))
	}
}

func (w *ways) at(i uint64) (parent uint32, action int) {
	return w.parents[i>>blockLog][i%blockStates], int(w.actions[i>>blockLog][i%blockStates])
}

func (w *ways) put(i uint64, e edge) {
	w.parents[i>>blockLog][i%blockStates] = e.parent
	w.actions[i>>blockLog][i%blockStates] = e.action
}

func (w *ways) bytes() uint64 { return uint64(len(w.parents)) * blockStates * 6 }
