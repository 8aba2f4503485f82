package harness

import (
	"slices"

	"paxoscommit/core"
)

// crash stops a node. Its memory is gone, with everything on its way inside the node; of its log,
// what was not completed is lost too, or with CrashKeep is there although nobody was told.
func (w *World) crash(t ActionType, n core.NodeID) bool {
	if !w.crashEnabled(t, n) {
		return false
	}
	d := &w.disks[n-1]
	switch t {
	case CrashKeep:
		w.left.Crashes--
		for ; d.durable < len(d.records); d.durable++ {
			w.monitor.Durable(&d.records[d.durable])
		}
	case Die:
		w.left.Deaths--
		w.dead.Add(n)
	default:
		w.left.Crashes--
	}
	d.records = d.records[:d.durable]
	d.gated = d.gated[:0]
	w.unsynced.Remove(n)
	w.up.Remove(n)
	w.timers = slices.DeleteFunc(w.timers, func(t core.Timer) bool {
		database := t.Role.Kind == core.Resource && !w.dead.Has(n)
		return w.cfg.Layout.NodeOf(t.Role) == n && !database
	})
	w.net.removeAll(func(m *core.Message) bool {
		if w.cfg.Layout.NodeOf(m.To) != n {
			return false
		}
		return t == Die || m.To.Kind != core.Resource && w.local(m)
	})
	w.monitor.Crashed(n, t == Die)
	return true
}

func (w *World) crashEnabled(t ActionType, n core.NodeID) bool {
	if w.settled || !w.up.Has(n) {
		return false
	}
	switch t {
	case Die:
		gone := w.dead
		gone.Add(n)
		return w.left.Deaths > 0 && w.cfg.CanLose(&gone)
	case CrashKeep:
		return w.left.Crashes > 0 && w.unsynced.Has(n)
	default:
		return w.left.Crashes > 0
	}
}

// restart brings a node back: its log is read from the start, and its databases say what they hold
// prepared.
func (w *World) restart(n core.NodeID) bool {
	if !w.restartEnabled(n) {
		return false
	}
	w.up.Add(n)
	machine, d := w.machines[n-1], &w.disks[n-1]
	machine.Reset(&w.cfg.Layout, n)
	for _, rec := range d.records {
		w.in.Type, w.in.Rec = core.InputRecord, rec
		w.step(n)
	}
	w.in.Type = core.InputRestart
	w.step(n)
	for i := range w.banks {
		rm := core.Role{Kind: core.RM, ID: uint8(i + 1)}
		if w.cfg.Layout.NodeOf(rm) != n {
			continue
		}
		w.banks[i].InDoubt(func(tx core.TxID, members core.Set) {
			w.net.put(&core.Message{
				Type: core.MsgFound, Val: core.Prepared, To: rm, Tx: tx,
				From:    core.Role{Kind: core.Resource, ID: rm.ID},
				Members: members,
			})
		})
	}
	w.monitor.Restarted(n)
	return true
}

func (w *World) restartEnabled(n core.NodeID) bool {
	return !w.up.Has(n) && !w.dead.Has(n)
}

// cut moves a node to the other side of the partition.
func (w *World) cut(n core.NodeID) bool {
	if !w.cutEnabled(n) {
		return false
	}
	w.left.Cuts--
	if w.far.Has(n) {
		w.far.Remove(n)
	} else {
		w.far.Add(n)
	}
	w.split = true
	if all := w.far.Len(); all == 0 || all == len(w.machines) {
		w.heal()
	}
	w.monitor.Partitioned()
	return true
}

// heal ends the partition.
func (w *World) heal() { w.far, w.split = core.NodeSet{}, false }

func (w *World) cutEnabled(core.NodeID) bool {
	return !w.settled && w.left.Cuts > 0 && len(w.machines) > 1
}
