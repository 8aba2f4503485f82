package harness

import (
	"fmt"
	"strconv"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/core/bank"
)

// FormatVersion is the version of the text that AppendText writes and ParseSchedule reads.
const FormatVersion = 1

// Schedule is a run, or a part of one, as text can hold it: a configuration, the actions in order,
// and what should come of it. Config.Budget is not part of it: a replay has the faults that its
// actions need.
type Schedule struct {
	Config  Config
	Expect  checker.Property // what it breaks; NoProperty if nothing
	Reach   []checker.Milestone
	Actions []Line
}

// Line is one action of a schedule; an optional one may be skipped when it is not enabled.
type Line struct {
	Action   Action
	Optional bool
	At       int // the line of the text that it was read from, from 1; 0 if it was not
}

// String gives the schedule as text.
func (s *Schedule) String() string { return string(s.AppendText(nil)) }

// AppendText appends the schedule as text, the same text for equal schedules. ParseSchedule reads
// it back:
//
//	paxoscommit schedule 1
//	protocol paxos-commit
//	options merge-begin short-circuit
//	timing asynchronous
//	deaths majority
//	node n1 rm1 acc1 ldr1
//	node n2 rm2
//	accounts 2 opening 100
//	txn c1.1 rm1 {"transfer":100,"from":"a","to":"b"}
//	txn c1.2 rm2 {"read":["a","b"]}
//	expect Agreement
//	reach higher-ballot
//	begin cl1
//	deliver cl1->rm1 request tx=c1.1
//	? sync n1
//	end
//
// A ? marks an action that may be skipped; deaths majority is Config.LoseMajority. Lines options,
// deaths, txn, expect and reach that have nothing to say are left out. With a registrar a
// transaction may have optional members: "txn c1.1 rm1 optional=2,3 {...}".
func (s *Schedule) AppendText(b []byte) []byte {
	c := &s.Config
	b = fmt.Appendf(b, "paxoscommit schedule %d\nprotocol %s\n", FormatVersion, c.Protocol.Name())
	if c.Layout.Options != 0 {
		b = append(b, "options"...)
		for i, name := range c.Protocol.Options() {
			if c.Layout.Has(i) {
				b = append(append(b, ' '), name...)
			}
		}
		b = append(b, '\n')
	}
	b = fmt.Appendf(b, "timing %v\n", c.Timing)
	if c.LoseMajority {
		b = append(b, "deaths majority\n"...)
	}
	b = appendNodes(b, &c.Layout)
	b = fmt.Appendf(b, "accounts %d opening %d\n", c.Accounts, c.Opening)
	for i := range c.Txns {
		t := &c.Txns[i]
		b = fmt.Appendf(b, "txn %v rm%d ", t.ID, t.RM)
		if t.Optional != 0 {
			b = fmt.Appendf(b, "optional=%v ", t.Optional)
		}
		b = append(appendWork(b, t.Work), '\n')
	}
	if s.Expect != checker.NoProperty {
		b = fmt.Appendf(b, "expect %v\n", s.Expect)
	}
	for _, m := range s.Reach {
		b = fmt.Appendf(b, "reach %v\n", m)
	}
	for i := range s.Actions {
		if s.Actions[i].Optional {
			b = append(b, "? "...)
		}
		b = append(s.Actions[i].Action.AppendText(b), '\n')
	}
	return append(b, "end\n"...)
}

func appendNodes(b []byte, l *core.Layout) []byte {
	roles := l.AppendRoles(nil)
	for n := range l.Nodes {
		node := core.NodeID(n + 1)
		b = fmt.Appendf(b, "node %v", node)
		for _, r := range roles {
			if l.NodeOf(r) == node {
				b = fmt.Appendf(b, " %v", r)
			}
		}
		b = append(b, '\n')
	}
	return b
}

func appendWork(b []byte, w bank.Work) []byte {
	if w.Read == 0 {
		return fmt.Appendf(b, `{"transfer":%d,"from":"%s","to":"%s"}`, w.Amount,
			AccountName(w.From), AccountName(w.To))
	}
	b = append(b, `{"read":[`...)
	for s := w.Read; s != 0; s &= s - 1 {
		if s != w.Read {
			b = append(b, ',')
		}
		b = strconv.AppendQuote(b, AccountName(s.First()))
	}
	return append(b, "]}"...)
}

// budget returns the faults that the actions need.
func (s *Schedule) budget() Budget {
	var b Budget
	for i := range s.Actions {
		a := &s.Actions[i].Action
		if a.Type == Settle {
			break // what comes after it needs none
		}
		b.grant(a)
	}
	return b
}

// runsToEnd tells whether a property shows only when a run has come to its fair end.
func runsToEnd(p checker.Property) bool {
	return p == checker.NonBlocking || p == checker.Linearizability
}
