package course

import (
	"encoding/json"
	"fmt"
	"time"

	"paxoscommit/core"
	"paxoscommit/core/bank"
	"paxoscommit/node"
	"paxoscommit/node/wire"
)

const (
	// linkDelay is how long a message takes in a benchmark: so that rounds count, not this machine.
	linkDelay = time.Millisecond
	// shortWait is the time-out of participants in compare_blocking.
	shortWait = 200 * time.Millisecond

	maxTransactions = 10_000
)

// inside returns a system of n participants that nobody hears, in memory; a protocol that has a
// second proposer has it from the start.
func (s *Session) inside(protocol string, n int, wait, link time.Duration) (*play, error) {
	found, err := s.find(protocol)
	if err != nil {
		return nil, wire.Errorf(wire.NotSupported, "%v", err)
	}
	var members []string
	for i := range n {
		members = append(members, fmt.Sprintf("p%d", i+1))
	}
	p, err := newPlay(playConfig{
		origin: 1, host: s.config.Host, protocol: found, options: options(protocol), self: s.config.Self,
		members: members, acceptors: []string{"a1", "a2", "a3"}, timing: timing(wait), link: link,
		say: func(string, string, body) {}, report: s.config.Report,
		open: func(string) func(each func(entry []byte) error) (node.Log, error) {
			return new(node.MemoryLog).Open
		},
	})
	if err == nil && p.standby != 0 {
		err = p.recover() // both proposers are there
	}
	return p, err
}

// measured is what a benchmark found of one protocol.
type measured struct {
	AvgLatencyMS  float64 `json:"avg_latency_ms"`
	ThroughputTPS float64 `json:"throughput_tps"`
}

// benchmark runs transactions one after the other with each protocol, and answers with how long
// they took until every participant knew the outcome.
func (s *Session) benchmark(l *wire.Line, h *wire.Head, r *request) error {
	participants := 3
	if len(r.Participants) > 0 {
		if err := json.Unmarshal(r.Participants, &participants); err != nil {
			return wire.Errorf(wire.MalformedRequest, "participants: want a number")
		}
	}
	if participants < 1 || participants > core.MaxRMs || r.Transactions < 1 ||
		r.Transactions > maxTransactions || len(r.Protocols) == 0 {
		return wire.Errorf(wire.MalformedRequest,
			"benchmark: want protocols, 1 to %d participants, 1 to %d transactions", core.MaxRMs,
			maxTransactions)
	}
	results := map[string]measured{}
	left := len(r.Protocols)
	for _, protocol := range r.Protocols {
		if _, err := s.find(protocol); err != nil {
			return wire.Errorf(wire.NotSupported, "%v", err)
		}
	}
	s.open++
	for _, protocol := range r.Protocols {
		p, err := s.inside(protocol, participants, patience, linkDelay)
		if err != nil {
			s.open--
			return err
		}
		s.measure(p, r.Transactions, func(m measured) {
			results[protocol] = m
			if left--; left > 0 {
				return
			}
			s.open--
			s.config.Reply(l, h, func(head wire.ReplyHead) any {
				return struct {
					wire.ReplyHead
					Results map[string]measured `json:"results"`
				}{head, results}
			})
		})
	}
	return nil
}

// measure runs n transactions, and stops the system.
func (s *Session) measure(p *play, n int, done func(measured)) {
	start, left := time.Now(), n
	var next func()
	next = func() {
		if left == 0 {
			took := time.Since(start)
			if err := p.close(); err != nil {
				s.config.Report(err)
			}
			done(measured{
				AvgLatencyMS:  float64(took.Microseconds()) / 1000 / float64(n),
				ThroughputTPS: float64(n) / took.Seconds(),
			})
			return
		}
		left--
		t := p.begin(bank.Work{From: uint8(1 + left%2), To: uint8(2 - left%2), Amount: 1}, faults{})
		over := false
		t.voted = func() {
			if !over && len(p.blocked(t)) == 0 {
				over = true
				s.config.Host.Do(next)
			}
		}
	}
	next()
}

// scenario is a moment at which the coordinator fails for good, every vote being yes.
type scenario struct {
	Name   string `json:"scenario"`
	faults faults
}

func scenarios() []scenario {
	return []scenario{
		{"coordinator crashes after all were asked to vote", faults{crashAfter: core.MsgPrepare}},
		{"coordinator crashes before it tells the outcome", faults{crashBefore: core.MsgCommit}},
	}
}

// compared is what compare_blocking found of one protocol.
type compared struct {
	Blocking  int             `json:"blocking_scenarios"`
	Scenarios map[string]bool `json:"scenarios"` // true: it blocks
}

// compareBlocking runs each scenario with each protocol, and answers with which of them leave a
// participant without an outcome.
func (s *Session) compareBlocking(l *wire.Line, h *wire.Head, r *request) error {
	if len(r.Protocols) == 0 {
		return wire.Errorf(wire.MalformedRequest, "compare_blocking without protocols")
	}
	for _, protocol := range r.Protocols {
		if _, err := s.find(protocol); err != nil {
			return wire.Errorf(wire.NotSupported, "%v", err)
		}
	}
	table := map[string]compared{}
	left := len(r.Protocols) * len(scenarios())
	s.open++
	for _, protocol := range r.Protocols {
		table[protocol] = compared{Scenarios: map[string]bool{}}
		for _, sc := range scenarios() {
			p, err := s.inside(protocol, 2, shortWait, 0)
			if err != nil {
				s.open--
				return err
			}
			t := p.begin(bank.Work{From: 1, To: 2, Amount: 1}, sc.faults)
			time.AfterFunc(8*shortWait, func() {
				s.config.Host.Do(func() {
					c := table[protocol]
					if c.Scenarios[sc.Name] = len(p.blocked(t)) > 0; c.Scenarios[sc.Name] {
						c.Blocking++
					}
					table[protocol] = c
					if err := p.close(); err != nil {
						s.config.Report(err)
					}
					if left--; left == 0 {
						s.open--
						s.answerCompared(l, h, table)
					}
				})
			})
		}
	}
	return nil
}

func (s *Session) answerCompared(l *wire.Line, h *wire.Head, table map[string]compared) {
	s.config.Reply(l, h, func(head wire.ReplyHead) any {
		return struct {
			wire.ReplyHead
			Table map[string]compared `json:"table"`
		}{head, table}
	})
}
