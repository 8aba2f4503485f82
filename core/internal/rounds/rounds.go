package rounds

import "paxoscommit/core"

// World is all nodes of a layout.
type World struct {
	Wrote [core.NumRecordTypes]int // the records written, by type
	Told  [core.NumMsgTypes]int    // what the client was told, by type

	layout *core.Layout
	nodes  []core.Machine // by id
	in     core.Input
	out    *core.Output // of this round
	last   *core.Output // of the round before, while it arrives
}

// New returns a world whose nodes are machines that machine makes, with empty logs.
func New(machine func() core.Machine, l *core.Layout) *World {
	w := &World{layout: l, nodes: make([]core.Machine, l.Nodes+1)}
	w.out, w.last = &core.Output{}, &core.Output{}
	w.in.Type = core.InputMessage
	for id := 1; id <= l.Nodes; id++ {
		w.nodes[id] = machine()
		w.nodes[id].Reset(l, core.NodeID(id))
	}
	return w
}

// Node returns the node on which a role is.
func (w *World) Node(r core.Role) core.Machine { return w.nodes[w.layout.NodeOf(r)] }

// Request has client 1 ask a resource manager for its transaction of that number, of all resource
// managers.
func (w *World) Request(to core.Role, seq int) {
	core.PutMessage(&w.out.Send, core.MsgRequest, core.Role{Kind: core.Client, ID: 1}, to,
		core.TxID{Origin: 1, Seq: uint32(seq)}, core.FullSet(w.layout.RMs))
}

// Run goes on until nothing is in flight. An error is a machine's.
func (w *World) Run() error {
	for len(w.out.Send)+len(w.out.Gated) > 0 {
		w.last, w.out = w.out, w.last
		w.out.Reset()
		if err := w.deliver(w.last.Send); err != nil {
			return err
		}
		if err := w.deliver(w.last.Gated); err != nil {
			return err
		}
		for i := range w.out.Records {
			w.Wrote[w.out.Records[i].Type]++
		}
	}
	return nil
}

func (w *World) deliver(arriving []core.Message) error {
	for i := range arriving {
		m := &arriving[i]
		switch m.To.Kind {
		case core.Client:
			w.Told[m.Type]++
		case core.Resource:
			w.resource(m)
		default:
			w.in.Msg = *m
			if err := w.nodes[w.layout.NodeOf(m.To)].Step(&w.in, w.out); err != nil {
				return err
			}
		}
	}
	return nil
}

// resource answers what a database is told.
func (w *World) resource(m *core.Message) {
	switch m.Type {
	case core.MsgPrepare:
		w.answer(m, core.MsgVote, core.Prepared)
	case core.MsgCommit:
		w.answer(m, core.MsgDone, core.Committed)
	default: // forget: there is nothing to remember
	}
}

func (w *World) answer(m *core.Message, t core.MsgType, v core.Value) {
	core.PutMessage(&w.out.Send, t, m.To, m.From, m.Tx, m.Members).Val = v
}
