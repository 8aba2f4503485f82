package mc

// A Model is a state machine to explore. Its methods are called from many goroutines at once, and
// must be functions of their arguments alone.
//
// S is a state: any type, treated as immutable. A is an action; it prints with fmt's %v.
type Model[S, A any] interface {
	// Init lists the initial states.
	Init() []S
	// Actions appends to buf what can happen in s, at most [MaxActions], in an order that
	// is the same for the same s.
	Actions(s S, buf []A) []A
	// Next is the state after a, which is one of Actions(s). It does not modify s.
	Next(s S, a A) S
	// AppendKey appends the identity of s: equal states have equal keys, different ones have
	// different keys. Under symmetry it is the key of the least state of the orbit of s. The
	// explorer goes on from the state that it met first, so that its paths are concrete.
	AppendKey(dst []byte, s S) []byte
}

// An OrbitSizer is a model with symmetry that knows how many states AppendKey takes for one. The
// report then says how many states and successors the unreduced model has.
type OrbitSizer[S any] interface {
	OrbitSize(s S) uint64
}

// A Reducer is a model with a partial-order reduction for the properties of kind Always and
// Sometimes. Ample may permute the actions of s and returns how many of them, counted from the
// first, need exploring; all of them is always right. It vouches for the conditions on one state:
// what is left out is independent of the ample actions until one of those is taken, and an ample
// set that leaves something out has only actions that no property sees. The explorer vouches that
// nothing is put off for ever: it takes all actions unless an ample one leads to a new state.
//
// With a property of kind CanStill, or AlwaysStep without Stutters, the reduction is off: the first
// wants every state, the second every step.
type Reducer[S, A any] interface {
	Ample(s S, actions []A) int
}

// A Footprinter is a model whose states own memory outside of S itself; Footprint is an estimate,
// in bytes, for the limit by memory.
type Footprinter[S any] interface {
	Footprint(s S) uint64
}

// A Holder is a model that keeps memory of its own, beside its states. Held is an estimate, in
// bytes, for the limit by memory.
type Holder interface {
	Held() uint64
}

// A WordKeyer is a model whose keys fit into two words, hi below 2^56. WordKey then stands for
// AppendKey, which is not called: for a small model that is a fifth of the time. A type that
// embeds a WordKeyer and has its own AppendKey needs its own WordKey.
type WordKeyer[S any] interface {
	WordKey(s S) (hi, lo uint64)
}

// MaxActions is the greatest number of actions that a state may have.
const MaxActions = 1<<16 - 1
