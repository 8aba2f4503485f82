package course

import (
	"cmp"
	"encoding/json"
	"slices"

	"paxoscommit/core"
	"paxoscommit/node"
	"paxoscommit/node/wire"
)

// Nodes that are apart play one part each and send each other the messages of package core. All
// have had an init with the same participants, acceptors and protocol, which is Paxos Commit if
// init does not say; the one that is neither participant nor acceptor is the coordinator.

// together is the protocol that all nodes run.
func (s *Session) together() string { return cmp.Or(s.config.Protocol, paxosCommit) }

// toElsewhere sends a message to the node that plays its receiver.
func (s *Session) toElsewhere(p *play, e *node.Envelope) {
	dest := p.name(e.Msg.To)
	if dest == "" {
		return // the coordinator, who has not been heard of yet
	}
	text, err := wire.EncodeCore(s.config.Self, dest, e)
	if err != nil {
		s.config.Report(err)
		return
	}
	var l wire.Line
	if err := json.Unmarshal(text, &l); err != nil {
		s.config.Report(err)
		return
	}
	s.config.Write(l.Src, l.Dest, l.Body)
}

// fromElsewhere takes a message of another node.
func (s *Session) fromElsewhere(l *wire.Line) error {
	e, err := wire.ParseCore(l.Body)
	if err != nil {
		return err
	}
	p, err := s.play(s.together(), s.config.Participants, s.config.Acceptors)
	if err != nil {
		return err
	}
	m := &e.Msg
	coordinates := []core.RoleKind{core.Leader, core.TM, core.Client}
	if slices.Contains(coordinates, m.From.Kind) && p.self != s.config.Self {
		p.self = l.Src
	}
	if p.layout.NodeOf(m.To) == 0 || !p.mine(m.To) ||
		m.From.Kind != core.Client && (p.layout.NodeOf(m.From) == 0 || p.name(m.From) != l.Src) {
		return wire.Errorf(wire.MalformedRequest, "no message from %v at %.40q to %v here", m.From,
			l.Src, m.To)
	}
	p.deliver(p.track(m.Tx), &e)
	return nil
}
