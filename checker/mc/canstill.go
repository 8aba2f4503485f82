package mc

import "unsafe"

const (
	maxWithin = 1<<16 - 2
	memoLog   = 16
)

// A memo remembers, for some of the states known to be good, in how many fair steps they reach the
// goal. That number belongs to the state, so forgetting costs time and nothing else.
type memo []struct {
	print fingerprint
	steps uint16
}

func (m memo) at(f fingerprint) int { return int(f.hi % (1 << memoLog)) }

func (m memo) bytes() uint64 {
	if len(m) == 0 {
		return 0
	}
	return uint64(len(m)) * uint64(unsafe.Sizeof(m[0]))
}

// canStill walks from s along the fair continuation until the goal or a state known to be good.
func (e *explorer[S, A]) canStill(w *worker[S, A], p int, s S) bool {
	if w.memos == nil {
		w.memos = make([]memo, len(e.ps))
	}
	if w.memos[p] == nil {
		w.memos[p] = make(memo, 1<<memoLog)
	}
	prop, known := &e.ps[p], w.memos[p]
	rest := 0 // fair steps from the end of the walk to the goal
	for w.walk = w.walk[:0]; !prop.Goal(s); {
		f := e.fingerprint(w, s)
		if m := known[known.at(f)]; m.print == f {
			rest = int(m.steps)
			break
		}
		if len(w.walk) == prop.Within {
			return false
		}
		w.walk = append(w.walk, f)
		w.actions = e.m.Actions(s, w.actions[:0])
		i := prop.Fair(s, w.actions)
		if i < 0 {
			return false
		}
		s = e.m.Next(s, w.actions[i])
	}
	if len(w.walk)+rest > prop.Within {
		return false
	}
	for i, f := range w.walk {
		m := &known[known.at(f)]
		m.print, m.steps = f, uint16(len(w.walk)-i+rest)
	}
	return true
}

// fairRun is the fair continuation from s, as far as the property looks.
func (e *explorer[S, A]) fairRun(p *Property[S, A], s S) []Step[S, A] {
	var run []Step[S, A]
	for range p.Within {
		enabled := e.m.Actions(s, nil)
		i := p.Fair(s, enabled)
		if i < 0 {
			break
		}
		s = e.m.Next(s, enabled[i])
		run = append(run, Step[S, A]{enabled[i], s})
	}
	return run
}
