package main

import (
	"fmt"
	"strconv"
	"strings"

	"paxoscommit/harness/costs"
)

// formula is what the literature says of a cost. The zero formula says nothing.
type formula struct {
	text  string
	value int
	known bool
}

// beside returns the formula as it stands beside a count.
func (f formula) beside(counted int) string {
	switch {
	case !f.known:
		return ""
	case f.value != counted:
		return fmt.Sprintf("%s gives %d", f.text, f.value)
	}
	return "= " + f.text
}

// justOf returns a count for which the formula is but a number, and that number if it differs.
func (f formula) justOf(counted int) string {
	if f.known && f.value != counted {
		return fmt.Sprintf("%d, not %d", counted, f.value)
	}
	return strconv.Itoa(counted)
}

func (f formula) agrees(counted int) bool { return !f.known || f.value == counted }

// formulas are those of one protocol on one placement.
type formulas struct{ messages, delays, writes, writeDelays formula }

func (f formulas) agrees(c costs.Costs) bool {
	return f.messages.agrees(c.Messages) && f.delays.agrees(c.Delays) &&
		f.writes.agrees(c.Writes) && f.writeDelays.agrees(c.WriteDelays)
}

// published returns the costs in the literature: Gray and Lamport, section 5. Delays are known for
// at least two resource managers, and where there are acceptors for F at least 1. One more delay
// for a write than in the table of the paper, in which all resource managers prepare at once. The
// row of replicated-2pc follows from its flow of messages (Corbett et al., "Spanner", 4.2.1), which
// leaves open how far the writes of a leader and its followers overlap.
func published(protocol string, at costs.Placement, n, f int) formulas {
	type row struct {
		text        string
		messages    int
		delays      int
		writes      string
		written     int
		writeDelays int
	}
	paxos := func(text string, messages, delays int) row {
		return row{text, messages, delays, "N+F+1", n + f + 1, 3}
	}
	// Skeen's 5N messages and 5 delays are from the coordinator on. Here rm1 begins, with its vote:
	// one message for the two that would ask it and answer, and one delay more.
	threePhase := map[costs.Placement]row{
		costs.Apart:     {text: "5N-1", messages: 5*n - 1, delays: 6},
		costs.CoLocated: {text: "5N-5", messages: 5*n - 5, delays: 5},
	}
	rows := map[string]map[costs.Placement]row{
		"paxos-commit": {
			costs.Apart:            paxos("(N+1)(F+3)-2", (n+1)*(f+3)-2, 5),
			costs.LeaderOnAcceptor: paxos("(N+1)(F+3)-4", (n+1)*(f+3)-4, 5),
			costs.CoLocated:        paxos("N(F+3)-3", n*(f+3)-3, 4),
		},
		"faster-paxos-commit": {
			costs.Apart:            paxos("N(2F+3)", n*(2*f+3), 4),
			costs.LeaderOnAcceptor: paxos("2NF+3N-1", 2*n*f+3*n-1, 4),
			costs.CoLocated:        paxos("(N-1)(2F+3)", (n-1)*(2*f+3), 3),
		},
		"2pc": {
			costs.Apart:     {"3N-1", 3*n - 1, 4, "N+1", n + 1, 3},
			costs.CoLocated: {"3N-3", 3*n - 3, 3, "N+1", n + 1, 3},
		},
		"3pc":          threePhase,
		"3pc-course":   threePhase,
		"3pc-timeouts": threePhase,
		"replicated-2pc": {costs.Apart: {
			text: "3N+2F(2N+1)", messages: 3*n + 2*f*(2*n+1), delays: 7,
			writes: "(F+1)(2N+1)", written: (f + 1) * (2*n + 1),
		}},
	}
	r, ok := rows[protocol][at]
	if !ok {
		return formulas{}
	}
	tolerates := strings.Contains(protocol, "paxos") || strings.Contains(protocol, "replicated")
	delays := n >= 2 && (f >= 1 || !tolerates)
	if n == 2 && at == costs.CoLocated && protocol == "paxos-commit" {
		delays = false // 3: each acceptor has one of the two votes on its node, and needs no Prepare
	}
	return formulas{
		messages:    formula{r.text, r.messages, true},
		delays:      formula{"", r.delays, delays},
		writes:      formula{r.writes, r.written, r.writes != ""},
		writeDelays: formula{"", r.writeDelays, n >= 2 && r.writeDelays > 0},
	}
}
