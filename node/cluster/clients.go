package cluster

import (
	"time"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/core/bank"
	"paxoscommit/node"
	"paxoscommit/node/wire"
)

const (
	// asksAgain is how long a client waits before it asks again.
	asksAgain = 400 * time.Millisecond
	// givesUp is how long it waits before it goes on; its transaction stays open.
	givesUp = 8 * time.Second
)

// client asks for one transaction after the other.
type client struct {
	role    core.Role
	next    int // the transactions from next to end are still to be asked for
	end     int
	txn     int // the last one asked for
	waiting bool
	since   time.Time
	asked   time.Time
	asks    int
}

// exhausted tells whether clients have asked for all that they had to.
func (r *round) exhausted() bool {
	for _, c := range r.clients {
		if c.waiting || c.next < c.end {
			return false
		}
	}
	return true
}

// drawTxns draws what clients will ask for: transfers, and reads of three accounts.
func (r *round) drawTxns() {
	for k := range r.config.Clients {
		id := core.TxID{Origin: uint16(k + 1)}
		first := len(r.world.Txns)
		for range each {
			id.Seq++
			t := checker.Txn{ID: id}
			if r.rng.IntN(5) == 0 {
				a := r.rng.IntN(r.world.Accounts - 2)
				t.Work = bank.Work{Read: core.FullSet(3) << a}
			} else {
				t.Work = bank.Work{
					From:   uint8(1 + r.rng.IntN(r.world.Accounts)),
					To:     uint8(1 + r.rng.IntN(r.world.Accounts)),
					Amount: int64(1 + r.rng.IntN(60)),
				}
			}
			t.Members = r.world.MembersOf(t.Work)
			t.RM = t.Members.First()
			r.world.Txns = append(r.world.Txns, t)
		}
		r.clients = append(r.clients, &client{
			role: core.Role{Kind: core.Client, ID: uint8(k + 1)}, next: first,
			end: len(r.world.Txns),
		})
	}
}

// advance has a client begin its next transaction, ask again, or give up.
func (r *round) advance(c *client) {
	switch {
	case !c.waiting && c.next < c.end && !r.healing:
		c.txn, c.waiting, c.since, c.asks = c.next, true, time.Now(), 0
		c.next++
		r.report.Begun++
		r.monitor.Invoked(c.txn)
		r.ask(c)
	case c.waiting && time.Since(c.asked) > asksAgain:
		if !r.healing && time.Since(c.since) > givesUp {
			c.waiting = false
			r.report.Open++
			return
		}
		r.ask(c)
	}
}

// ask asks the resource manager, and from the second time on one coordinator after the other.
func (r *round) ask(c *client) {
	t := &r.world.Txns[c.txn]
	c.asked = time.Now()
	e := node.Envelope{
		Msg: core.Message{
			Type: core.MsgRequest, From: c.role, To: core.Role{Kind: core.RM, ID: t.RM}, Tx: t.ID,
			Members: t.Members,
		},
		Work: t.Work,
	}
	r.post(&e)
	if c.asks++; c.asks > 1 {
		e.Msg.Type, e.Msg.To = core.MsgQuery, r.world.Layout.Coordinator(c.asks)
		r.post(&e)
	}
}

// post sends a message of a client.
func (r *round) post(e *node.Envelope) {
	dest := r.members[r.world.Layout.NodeOf(e.Msg.To)-1].name
	text, err := wire.EncodeCore(e.Msg.From.String(), dest, e)
	if err != nil {
		r.failed = err
		return
	}
	r.monitor.Sent(&e.Msg)
	r.carry(e.Msg.From.String(), dest, text, e)
}

// answered takes what a client is told.
func (r *round) answered(m *core.Message) {
	for _, c := range r.clients {
		if c.role != m.To || !c.waiting || r.world.Txns[c.txn].ID != m.Tx {
			continue
		}
		c.waiting = false
		switch m.Type {
		case core.MsgCommit:
			r.report.Committed++
			r.monitor.Returned(c.txn, core.Committed)
		case core.MsgAbort:
			r.report.Aborted++
			r.monitor.Returned(c.txn, core.Aborted)
		case core.MsgForgotten:
			r.report.Open++
			r.monitor.Forgotten(c.txn, m.From)
		default:
			r.monitor.Broken(checker.Contract, "a message that no client takes: "+m.String())
		}
		r.advance(c)
	}
}
