package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"time"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/core/bank"
	"paxoscommit/harness"
	"paxoscommit/node"
	"paxoscommit/node/serve"
	"paxoscommit/node/wal"
	"paxoscommit/node/wire"
)

const (
	accounts = 24
	opening  = 100
	// each is how many transactions one client has for a round.
	each = 100
	// patience is how long everybody may take to finish after the faults are over.
	patience = 30 * time.Second
	// tick is how often a round decides whether to hurt somebody.
	tick = 50 * time.Millisecond
)

// member is a node of the system.
type member struct {
	id       core.NodeID
	name     string
	dir      string
	child    *child
	up       bool
	killed   bool // by the round
	restarts int
	tail     wal.Tail
	banks    map[uint8]*bank.Bank // as its log has them
}

// round is one system from its start to its verdict. Everything happens in one goroutine: what
// comes from others is passed to it as events.
type round struct {
	config   *Config
	rng      *rand.Rand
	world    harness.Config
	members  []*member
	clients  []*client
	monitor  checker.Monitor
	events   chan func()
	step     int
	far      core.NodeSet // behind the partition
	healing  bool
	stopping bool
	dir      string
	report   Report
	failed   error
}

func newRound(c *Config, rng *rand.Rand, dir string) (*round, error) {
	layout, err := core.NewLayout(c.Sizes)
	if err != nil {
		return nil, err
	}
	for i, name := range c.Protocol.Options() {
		if slices.Contains(c.Options, name) {
			layout.Options |= 1 << i
		}
	}
	if err := c.Protocol.Validate(layout); err != nil {
		return nil, err
	}
	r := &round{config: c, rng: rng, events: make(chan func(), 1<<16), dir: dir}
	r.world = harness.Config{
		Protocol: c.Protocol, Layout: *layout, Timing: harness.Asynchronous,
		Accounts: max(accounts, layout.RMs), Opening: opening,
	}
	r.drawTxns()
	if err := r.world.Validate(); err != nil {
		return nil, err
	}
	r.monitor.Reset(&r.world.Layout, r.world.Txns, r.world.Accounts, opening)
	for i := range layout.Nodes {
		m := &member{
			id: core.NodeID(i + 1), banks: map[uint8]*bank.Bank{},
			name: core.NodeID(i + 1).String(),
		}
		m.dir = filepath.Join(dir, m.name)
		r.members = append(r.members, m)
	}
	for rm := range uint8(layout.RMs) {
		b := &bank.Bank{}
		b.Reset(r.bank().AccountsOf(layout, rm+1), opening)
		n := layout.NodeOf(core.Role{Kind: core.Resource, ID: rm + 1})
		r.members[n-1].banks[rm+1] = b
	}
	return r, nil
}

func (r *round) bank() node.Bank {
	return node.Bank{Accounts: r.world.Accounts, Opening: opening}
}

// run starts everybody, and returns when the round is over.
func (r *round) run(ctx context.Context, progress func(Report)) (Report, error) {
	r.report.Rounds = 1
	defer r.stop()
	for _, m := range r.members {
		if err := r.start(m); err != nil {
			return r.report, err
		}
	}
	begin := time.Now()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for ticks := 0; ; ticks++ {
		select {
		case event := <-r.events:
			r.step++
			r.monitor.Step(r.step)
			event()
		case <-ticker.C:
			r.tick(time.Since(begin))
			if ticks%20 == 0 {
				progress(r.report)
			}
		case <-ctx.Done():
			if !r.healing {
				r.report.Working = time.Since(begin)
			}
			return r.report, errStopped
		}
		switch {
		case r.failed != nil:
			return r.report, r.failed
		case r.monitor.Violation() != nil:
			return r.verdict(checker.Violated), nil
		case r.healing && r.undecided() == "":
			return r.finish()
		case time.Since(begin) > r.config.Round+patience:
			r.report.InDoubt++
			r.monitor.Broken(checker.NonBlocking, fmt.Sprintf("%v after the last fault: %s", patience,
				r.undecided()))
			return r.verdict(checker.Violated), nil
		}
	}
}

func (r *round) verdict(v checker.Verdict) Report {
	r.report.Verdict, r.report.Violation = v, r.monitor.Violation()
	return r.report
}

// tick hurts somebody now and then, and ends the faults when it is time.
func (r *round) tick(since time.Duration) {
	if !r.healing && (since > r.config.Round || r.exhausted()) {
		r.healing, r.far = true, core.NodeSet{}
		r.report.Working = since
	}
	for _, c := range r.clients {
		r.advance(c)
	}
	for _, m := range r.members {
		if !m.up && m.child == nil && (r.healing || r.rng.IntN(6) == 0) {
			r.failed = errors.Join(r.failed, r.start(m))
		}
	}
	if r.healing || !r.config.Faults {
		return
	}
	if r.rng.IntN(8) == 0 {
		r.kill(r.members[r.rng.IntN(len(r.members))])
	}
	switch {
	case !r.far.Empty() && r.rng.IntN(10) == 0:
		r.far = core.NodeSet{}
	case r.far.Empty() && r.rng.IntN(30) == 0:
		r.report.Partitions++
		r.monitor.Partitioned()
		for _, m := range r.members {
			if r.rng.IntN(3) == 0 {
				r.far.Add(m.id)
			}
		}
	}
}

// start starts a node and tells it who it is.
func (r *round) start(m *member) error {
	command := append(slices.Clone(r.config.Command), "--data", m.dir)
	var self *child
	c, err := start(command, "", r.config.Stderr,
		func(line []byte) { r.events <- func() { r.heard(m, line) } },
		func(err error) { r.events <- func() { r.ended(m, self, err) } })
	if err != nil {
		return err
	}
	self = c
	m.child, m.up = c, true
	if m.restarts++; m.restarts > 1 {
		r.monitor.Restarted(m.id)
	}
	line, err := r.initLine(m)
	if err != nil {
		return err
	}
	c.say(line)
	return nil
}

func (r *round) initLine(m *member) ([]byte, error) {
	l := &r.world.Layout
	var names []string
	for _, other := range r.members {
		names = append(names, other.name)
	}
	return wire.Encode("cl1", m.name, struct {
		Type    string       `json:"type"`
		MsgID   int          `json:"msg_id"`
		NodeID  string       `json:"node_id"`
		NodeIDs []string     `json:"node_ids"`
		System  serve.System `json:"system"`
	}{"init", 1, m.name, names, serve.System{
		Protocol: r.config.Protocol.Name(), Options: r.config.Options, RMs: l.RMs,
		Acceptors: l.Acceptors, Leaders: l.Leaders, TMs: l.TMs, Registrars: l.Registrars,
		Accounts: r.world.Accounts, Opening: opening,
	}}, false)
}

// kill ends a node with SIGKILL; what it has written before still arrives.
func (r *round) kill(m *member) {
	if m.up {
		m.up, m.killed = false, true
		m.child.kill()
	}
}

// ended takes the end of a process, after all that it wrote.
func (r *round) ended(m *member, c *child, err error) {
	if m.child != c || r.stopping {
		return
	}
	r.watch(m)
	if !m.killed {
		r.monitor.Broken(checker.Contract, fmt.Sprintf("%s ended by itself: %v", m.name, err))
		return
	}
	r.report.Kills++
	m.child, m.up, m.killed = nil, false, false
	r.monitor.Crashed(m.id, false)
}

// heard takes a line that a node wrote.
func (r *round) heard(m *member, text []byte) {
	r.watch(m)
	l, h, err := wire.Parse(text)
	if text == nil {
		err = wire.ErrTooLong
	}
	if err != nil {
		r.monitor.Broken(checker.Contract, fmt.Sprintf("%s wrote %.80q: %v", m.name, text, err))
		return
	}
	if !wire.IsCore(h.Type) {
		if h.Type != "init_ok" {
			r.monitor.Broken(checker.Contract,
				fmt.Sprintf("%s wrote %.200s", m.name, bytes.TrimSpace(text)))
		}
		return
	}
	e, err := wire.ParseCore(l.Body)
	if err != nil {
		r.monitor.Broken(checker.Contract, fmt.Sprintf("%s wrote %.200s: %v", m.name, text, err))
		return
	}
	r.monitor.Sent(&e.Msg)
	r.carry(l.Src, l.Dest, text, &e)
}

// stop ends everybody.
func (r *round) stop() {
	r.stopping = true
	for _, m := range r.members {
		if m.child != nil {
			m.child.kill()
		}
	}
	for _, m := range r.members {
		for m.child != nil {
			select {
			case <-m.child.gone:
				m.child = nil
			case <-r.events:
			}
		}
	}
}

// undecided names somebody who waits, or "".
func (r *round) undecided() string {
	for _, m := range r.members {
		if !m.up {
			return m.name + " is down"
		}
		for k := range r.world.Layout.RMs {
			b := m.banks[uint8(k+1)]
			for i := range r.world.Txns {
				if b != nil && b.Holds(r.world.Txns[i].ID) {
					return fmt.Sprintf("rm%d holds the locks of %v", k+1, r.world.Txns[i].ID)
				}
			}
		}
	}
	for _, c := range r.clients {
		if c.waiting {
			return fmt.Sprintf("%v has no answer about %v", c.role, r.world.Txns[c.txn].ID)
		}
	}
	for i := range r.world.Txns {
		votes, outcomes := r.monitor.Involved(i)
		if left := votes.Instances() &^ outcomes; left != 0 {
			return fmt.Sprintf("rm %v have voted on %v and know no outcome", left,
				r.world.Txns[i].ID)
		}
	}
	return ""
}
