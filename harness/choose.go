package harness

import "paxoscommit/core"

// Enabled appends every action that can happen now, each content once, in a fixed order: by type,
// and within a type by position in the world, which is the same for the same configuration and
// actions so far.
func (w *World) Enabled(buf []Action) []Action {
	for t := Begin; t < numActionTypes; t++ {
		from := len(buf)
		n := w.candidates(t)
		for i := range n {
			if !w.enabled(t, i) {
				continue
			}
			if a := w.Candidate(t, i); !contains(buf[from:], a) {
				buf = append(buf, a)
			}
		}
	}
	return buf
}

func contains(as []Action, a Action) bool {
	for i := range as {
		if as[i] == a {
			return true
		}
	}
	return false
}

// Choose returns an enabled action of the given type: the first at or after position r of its
// candidates, going round. It returns false if there is none. With r drawn at random it is how to
// take a random step without listing them all.
func (w *World) Choose(t ActionType, r uint32) (Action, bool) {
	i := w.Find(t, r)
	if i < 0 {
		return Action{}, false
	}
	return w.Candidate(t, i), true
}

// Find returns where the action that Choose returns is among the candidates of its type, or -1 if
// there is none: a message's place in InFlight, a timer's in Armed, a node's or client's number
// less 1.
func (w *World) Find(t ActionType, r uint32) int {
	n := w.candidates(t)
	start := int(uint64(r) * uint64(n) >> 32)
	for i := range n {
		k := start + i
		if k >= n {
			k -= n
		}
		if w.enabled(t, k) {
			return k
		}
	}
	return -1
}

// candidates returns how many actions of a type there may be, 0 if its budget is spent or what it
// needs is plainly not there.
func (w *World) candidates(t ActionType) int {
	b := &w.left
	budget := 1
	n := 0
	switch t {
	case Begin:
		n = len(w.clients)
	case GiveUp:
		n, budget = len(w.clients), b.GiveUps
	case Deliver:
		n = len(w.net.msgs)
	case Drop:
		n, budget = len(w.net.msgs), b.Drops
	case Duplicate:
		n, budget = len(w.net.msgs), b.Duplicates
	case Refuse:
		n, budget = len(w.net.msgs), b.Refusals
	case Fire:
		n = len(w.timers)
	case Sync:
		if !w.unsynced.Empty() {
			n = len(w.machines)
		}
	case Restart:
		n = len(w.machines)
		if budget = n - w.up.Len(); budget > 0 {
			budget -= w.dead.Len()
		}
	case Crash, CrashKeep:
		n, budget = len(w.machines), b.Crashes
	case Die:
		n, budget = len(w.machines), b.Deaths
	case Cut:
		n, budget = len(w.machines), b.Cuts
	case Heal:
		if !w.far.Empty() {
			n = 1
		}
	case Settle:
		n = 1
	default:
	}
	if budget <= 0 {
		return 0
	}
	return n
}

// enabled tells whether the i-th candidate of a type can happen now.
func (w *World) enabled(t ActionType, i int) bool {
	node := core.NodeID(i + 1)
	switch t {
	case Begin:
		return w.beginEnabled(&w.clients[i])
	case GiveUp:
		return w.giveUpEnabled(&w.clients[i])
	case Deliver, Drop, Duplicate, Refuse:
		return w.messageEnabled(t, &w.net.msgs[i])
	case Fire:
		return w.timerEnabled(&w.timers[i])
	case Sync:
		return w.unsynced.Has(node)
	case Crash, CrashKeep, Die:
		return w.crashEnabled(t, node)
	case Restart:
		return w.restartEnabled(node)
	case Cut:
		return w.cutEnabled(node)
	case Heal:
		return w.split
	case Settle:
		return !w.settled
	default:
		return false
	}
}

// Candidate returns the i-th action of a type, as Find numbers them. It is large: make it only once
// it is chosen.
func (w *World) Candidate(t ActionType, i int) Action {
	switch t {
	case Begin, GiveUp:
		return Action{Type: t, Role: core.Role{Kind: core.Client, ID: uint8(i + 1)}}
	case Deliver, Drop, Duplicate, Refuse:
		return messageAction(t, &w.net.msgs[i])
	case Fire:
		return timerAction(&w.timers[i])
	case Heal, Settle:
		return Action{Type: t}
	default:
		return Action{Type: t, Node: core.NodeID(i + 1)}
	}
}
