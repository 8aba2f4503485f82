package serve

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"paxoscommit/core"
	"paxoscommit/core/bank"
	"paxoscommit/harness"
	"paxoscommit/node"
	"paxoscommit/node/wal"
	"paxoscommit/node/wire"
)

// System is a system of which this node is a process, in its init: each role has a node of its own,
// in the order of core.Layout.AppendRoles, which node_ids follow. Resource managers are not
// replicated.
type System struct {
	Protocol   string   `json:"protocol"`
	Options    []string `json:"options,omitempty"`
	RMs        int      `json:"rms"`
	Acceptors  int      `json:"acceptors,omitempty"`
	Leaders    int      `json:"leaders,omitempty"`
	TMs        int      `json:"tms,omitempty"`
	Registrars int      `json:"registrars,omitempty"`
	Accounts   int      `json:"accounts"`
	Opening    int64    `json:"opening"`
}

// layout returns the layout of the system. The error is a *wire.Error.
func (b *System) layout(p core.Protocol) (*core.Layout, error) {
	l, err := core.NewLayout(core.Sizes{
		RMs: b.RMs, Acceptors: b.Acceptors, Leaders: b.Leaders, TMs: b.TMs,
		Registrars: b.Registrars,
	})
	if err != nil {
		return nil, wire.Errorf(wire.MalformedRequest, "%v", err)
	}
	for _, name := range b.Options {
		i := slices.Index(p.Options(), name)
		if i < 0 {
			return nil, wire.Errorf(wire.MalformedRequest, "%s has no option %.40q", p.Name(), name)
		}
		l.Options |= 1 << i
	}
	if err := p.Validate(l); err != nil {
		return nil, wire.Errorf(wire.MalformedRequest, "%v", err)
	}
	if b.Accounts < 1 || b.Accounts > bank.MaxAccounts || b.Opening < 0 ||
		b.Opening > harness.MaxMoney {
		return nil, wire.Errorf(wire.MalformedRequest,
			"accounts %d, opening %d: want 1 to %d accounts, and money", b.Accounts, b.Opening,
			bank.MaxAccounts)
	}
	return l, nil
}

// system is a node of a system: one process, whose messages are those of package core.
type system struct {
	server  *server
	layout  *core.Layout
	nodes   []string // names, by number from 1 at index 0
	process *node.Process
}

func (s *server) newSystem(name string, body *initBody) (*system, error) {
	b := body.System
	protocol, err := s.options.Find(b.Protocol)
	if err != nil {
		return nil, wire.Errorf(wire.MalformedRequest, "%v", err)
	}
	layout, err := b.layout(protocol)
	if err != nil {
		return nil, err
	}
	me := slices.Index(body.NodeIDs, name)
	if me < 0 || len(body.NodeIDs) != layout.Nodes {
		return nil, wire.Errorf(wire.MalformedRequest,
			"want %d node_ids, %q among them", layout.Nodes, name)
	}
	y := &system{server: s, layout: layout, nodes: body.NodeIDs}
	identity := fmt.Sprintf("%s of %s, %d accounts with %d each, %s %s", name,
		strings.Join(body.NodeIDs, " "), b.Accounts, b.Opening, b.Protocol,
		strings.Join(b.Options, " "))
	y.process = node.NewProcess(s.host, node.ProcessConfig{
		Protocol: protocol, Layout: layout, Node: core.NodeID(me + 1),
		Bank:   node.Bank{Accounts: b.Accounts, Opening: b.Opening},
		Timing: node.DefaultTiming(),
		Open:   s.open(s.options.Data, identity),
		Send:   y.send,
		Report: s.report,
	})
	return y, nil
}

// open returns how a process of this node opens its log.
func (s *server) open(
	dir, identity string,
) func(each func(entry []byte) error) (node.Log, error) {
	if s.options.Data == "" {
		return new(node.MemoryLog).Open
	}
	return func(each func(entry []byte) error) (node.Log, error) {
		log, err := wal.Open(dir, identity, each)
		if err != nil {
			return nil, err
		}
		if n := log.Cut(); n > 0 {
			s.report(fmt.Errorf("%s: cut off %d bytes that the last crash has left unfinished", dir, n))
		}
		return slowLog{log, s.options.Delay}, nil
	}
}

// slowLog is a log on a slow disk.
type slowLog struct {
	node.Log
	delay time.Duration
}

// Sync takes longer.
func (l slowLog) Sync() (uint64, error) {
	time.Sleep(l.delay)
	return l.Log.Sync()
}

func (y *system) send(e node.Envelope) {
	to := e.Msg.To
	dest := to.String() // of a client
	if n := y.layout.NodeOf(to); n != 0 {
		dest = y.nodes[n-1]
	} else if to.Kind != core.Client {
		y.server.report(fmt.Errorf("a message to nobody: %v", e.Msg))
		return
	}
	line, err := wire.EncodeCore(y.server.name, dest, &e)
	if err != nil {
		y.server.report(err)
		return
	}
	y.server.write(line)
}

func (y *system) handle(l *wire.Line, h *wire.Head) error {
	if l.Dest != y.server.name {
		return wire.Errorf(wire.NodeNotFound, "this is %s, not %.40q", y.server.name, l.Dest)
	}
	if !wire.IsCore(h.Type) {
		return wire.Errorf(wire.NotSupported, "no message of type %.40q", h.Type)
	}
	e, err := wire.ParseCore(l.Body)
	if err != nil {
		return err
	}
	from := y.layout.NodeOf(e.Msg.From)
	if from != 0 && l.Src != y.nodes[from-1] {
		return wire.Errorf(wire.MalformedRequest, "%v is not at %.40q", e.Msg.From, l.Src)
	}
	y.process.Deliver(&e)
	return nil
}

func (y *system) busy() bool { return false }

func (y *system) close() error {
	if !y.process.Up() {
		return nil
	}
	return y.process.Crash()
}
