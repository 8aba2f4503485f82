package harness

import (
	"bytes"
	"fmt"

	"paxoscommit/checker"
	"paxoscommit/core"
)

// beginSettling ends the faults: the partition heals, and whoever may come back does so in Settle.
func (w *World) beginSettling() bool {
	if w.settled {
		return false
	}
	w.settled = true
	w.heal()
	return true
}

// Settle runs the fair end of a run and judges it: settle if that has not happened, restart what
// can be restarted, deliver everything, and when nothing moves fire timers, until everybody has
// decided. Each action taken is passed to taken, which may be nil. It stops at a violation.
func (w *World) Settle(taken func(Action)) {
	start := w.steps
	do := func(t ActionType, i int) bool {
		w.act(t, i, taken)
		return w.Violation() == nil
	}
	if !w.settled {
		do(Settle, 0)
	}
	for n := range w.machines {
		if w.restartEnabled(core.NodeID(n + 1)) {
			do(Restart, n)
		}
	}
	for round := 0; w.Violation() == nil; round++ {
		w.drain(do, start)
		if w.steps-start > w.cfg.SettleBound() || len(w.timers) == 0 || w.allDecided() {
			break
		}
		w.fireRound(do, round%2 == 1, w.isLeast)
	}
	if who, why, tx := w.undecided(); w.Violation() == nil && why != "" {
		w.monitor.Broken(checker.NonBlocking,
			fmt.Sprintf("after %d fair steps: %v %s %v", w.steps-start, who, why, tx))
	}
	if w.Violation() == nil {
		w.monitor.Finish()
	}
}

// continueRounds is how often Continue fires timers: so that each that may take over from others
// does so more than once.
const continueRounds = 4 * core.MaxReplicas

// Continue goes on fairly, without an end to the faults: who is down stays so, and a partition
// stays, but everything that can arrive does, and when nothing moves the timers fire that the
// timing allows, those by which somebody takes over in turn. It stops when everybody has decided,
// or when more rounds of that would not help: because all have had their turn and no machine has
// changed, or after continueRounds. What is violated does not stop it.
func (w *World) Continue(taken func(Action)) {
	start := w.steps
	turns := 2 * max(w.cfg.Layout.Leaders, w.cfg.Layout.Replicas, 1)
	var before, now []byte
	do := func(t ActionType, i int) bool {
		w.act(t, i, taken)
		return true
	}
	for round := range continueRounds {
		w.drain(do, start)
		if w.allDecided() {
			return
		}
		if round%turns == 0 {
			now = w.appendMachines(now[:0])
			if round > 0 && bytes.Equal(now, before) {
				return
			}
			before, now = now, before
		}
		w.fireRound(do, round%2 == 1, func(r core.Role) bool {
			return int(rival(r)-1) == round%turns/2
		})
	}
	w.drain(do, start)
}

// appendMachines appends the state of every machine that runs.
func (w *World) appendMachines(dst []byte) []byte {
	for i, m := range w.machines {
		if w.up.Has(core.NodeID(i + 1)) {
			dst = m.AppendKey(append(dst, byte(i)))
		}
	}
	return dst
}

// act is Do, and passes the action to taken, unless that is nil.
func (w *World) act(t ActionType, i int, taken func(Action)) {
	if taken == nil {
		w.Do(t, i)
	} else if a := w.Candidate(t, i); w.Do(t, i) {
		taken(a)
	}
}

// drain lets everything happen that is on its way, timers apart, until do says that it is enough.
func (w *World) drain(do func(ActionType, int) bool, start int) {
	end := start + w.cfg.SettleBound()
	for more := true; more && w.steps <= end; {
		if i := w.firstDeliverable(); i >= 0 {
			more = do(Deliver, i)
			continue
		}
		if w.unsynced.Empty() {
			return
		}
		more = do(Sync, int(w.unsynced.First())-1)
	}
}

func (w *World) firstDeliverable() int {
	for i := range w.net.msgs {
		if w.reachable(&w.net.msgs[i]) {
			return i
		}
	}
	return -1
}

// isLeast tells whether nobody with a lesser number waits to take over from a role.
func (w *World) isLeast(r core.Role) bool {
	for i := range w.timers {
		t := &w.timers[i]
		if t.Kind == core.TimerTakeOver && areRivals(t.Role, r) && rival(t.Role) < rival(r) {
			return false
		}
	}
	return true
}

// areRivals tells whether two roles may take over from one another: leaders, and replicas of one
// role.
func areRivals(a, b core.Role) bool {
	return a.Kind == b.Kind && (a.Kind == core.Leader || a.ID == b.ID)
}

// fireRound fires timers while nothing moves: all that say something again, or else those by which
// somebody waits no longer; of those that may take over from one another, the same for all
// transactions, only those whose turn it is. Back-off in a real driver has that effect.
func (w *World) fireRound(
	do func(ActionType, int) bool, takeover bool, turn func(core.Role) bool,
) {
	list := w.due[:0]
	for i := range w.timers {
		t := &w.timers[i]
		if takeover != (t.Kind == core.TimerTakeOver) {
			continue
		}
		if !takeover || rival(t.Role) == 0 || turn(t.Role) {
			list = append(list, *t)
		}
	}
	w.due = list
	for i := range list {
		if at := w.findTimer(&list[i]); at >= 0 && !do(Fire, at) {
			return
		}
	}
}

// rival returns the number of a role among those that may take over from one another: leaders, and
// the replicas of a role. It is 0 for any other.
func rival(r core.Role) uint8 {
	if r.Kind == core.Leader {
		return r.ID
	}
	return r.Replica
}

// allDecided tells whether every live member that has a part in a transaction knows its outcome and
// has had it applied, and every client that waits has its answer.
func (w *World) allDecided() bool {
	_, why, _ := w.undecided()
	return why == ""
}

// someoneToAnswer tells whether one of those whom the client of a transaction asks is not dead.
func (w *World) someoneToAnswer(t *checker.Txn) bool {
	l := &w.cfg.Layout
	for i := range l.Coordinators() {
		if !w.dead.Has(l.NodeOf(l.Coordinator(i))) {
			return true
		}
	}
	for i := range max(l.Replicas, 1) {
		if !w.dead.Has(l.NodeOf(l.ReplicaOf(core.Role{Kind: core.RM, ID: t.RM}, i))) {
			return true
		}
	}
	return false
}

// undecided names somebody who has not decided, says why not, or "", and about what.
func (w *World) undecided() (core.Role, string, core.TxID) {
	for i := range w.clients {
		if c := &w.clients[i]; c.waiting && w.someoneToAnswer(&w.cfg.Txns[c.next-1]) {
			cl := core.Role{Kind: core.Client, ID: uint8(i + 1)}
			return cl, "has no answer about", w.cfg.Txns[c.next-1].ID
		}
	}
	for k := range w.banks {
		rm := core.Role{Kind: core.RM, ID: uint8(k + 1)}
		if !w.up.Has(w.nodeOfBank(k)) {
			continue
		}
		for i := range w.cfg.Txns {
			tx := w.cfg.Txns[i].ID
			if w.banks[k].Holds(tx) {
				return rm, "holds the locks of", tx
			}
			votes, outcomes := w.monitor.Involved(i)
			if vote := votes.Of(rm.ID); vote != core.NoValue && !outcomes.Has(rm.ID) {
				return rm, "has voted and knows no outcome of", tx
			}
		}
	}
	return w.undecidedJoiner()
}

// undecidedJoiner names somebody who waits to take part in a transaction, or for what comes of it
// although he has not been asked to prepare.
func (w *World) undecidedJoiner() (core.Role, string, core.TxID) {
	if w.cfg.Layout.Registrars == 0 {
		return core.Role{}, "", core.TxID{}
	}
	for i := range w.timers {
		t := &w.timers[i]
		tx := w.txn(t.Tx)
		if t.Role.Kind != core.RM || tx < 0 {
			continue
		}
		votes, outcomes := w.monitor.Involved(tx)
		if !(votes.Instances() | outcomes).Has(t.Role.ID) {
			return t.Role, "waits for a part in", t.Tx
		}
	}
	return core.Role{}, "", core.TxID{}
}
