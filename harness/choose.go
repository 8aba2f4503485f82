package harness

import "paxoscommit/core"

// Enabled appends every action that can happen now, each content once, in a fixed order: by type,
// and within a type by position in the world, which is the same for the same configuration and
// actions so far.
func (w *World) Enabled(buf []Action) []Action {
	possible := w.Possible()
	for t := Begin; t < numActionTypes; t++ {
		if possible>>t&1 == 0 {
			continue
		}
		from := len(buf)
		for i := range w.candidates(t) {
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
	if t == Deliver && n > 0 && w.isWhole() {
		return start
	}
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

// candidates returns how many actions of a type there may be.
func (w *World) candidates(t ActionType) int {
	switch t {
	case Deliver, Drop, Duplicate, Refuse:
		return len(w.net.msgs)
	case Fire:
		return len(w.timers)
	case Begin, GiveUp:
		return len(w.clients)
	case Heal, Settle:
		return 1
	default:
		return len(w.machines)
	}
}

// Possible returns a bit, 1 << type, for each type of which an action may be enabled. Of the others
// none is, which it tells sooner than Find does: because the budget is spent, or what they need is
// plainly not there.
func (w *World) Possible() uint32 {
	b, s := &w.left, uint32(0)
	put := func(t ActionType, may bool) {
		if may {
			s |= 1 << t
		}
	}
	if len(w.net.msgs) > 0 {
		s |= 1 << Deliver
		put(Drop, b.Drops > 0)
		put(Duplicate, b.Duplicates > 0)
		put(Refuse, b.Refusals > 0)
	}
	put(Fire, len(w.timers) > 0 && (b.Timeouts > 0 || w.settled))
	put(Sync, !w.unsynced.Empty())
	put(Crash, b.Crashes > 0)
	put(CrashKeep, b.Crashes > 0 && !w.unsynced.Empty())
	put(Die, b.Deaths > 0)
	put(Restart, w.up.Len()+w.dead.Len() < len(w.machines))
	put(Cut, b.Cuts > 0)
	put(Heal, w.split)
	put(GiveUp, b.GiveUps > 0)
	put(Settle, !w.settled)
	for i := range w.clients {
		put(Begin, w.beginEnabled(&w.clients[i]))
	}
	return s
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
