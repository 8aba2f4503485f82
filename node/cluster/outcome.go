package cluster

import (
	"time"

	"paxoscommit/checker"
)

// silence is how long a program that has said an outcome may say nothing more before its
// transaction is taken to be over.
const silence = 500 * time.Millisecond

// told is what has been said of one transaction.
type told struct {
	begin  int    // msg_id of its paxos_commit_begin
	id     string // txn_id in the answer to that; empty if nobody has said
	amount int
	said   map[bool]string // by committed or not: who said so
}

// playCoordinator is a client that begins transactions, one of which no participant can pay for,
// and listens to what is said of outcomes.
func playCoordinator(g *game) error {
	const self = "paxos_coord"
	if err := g.init(self); err != nil {
		return err
	}
	var txns []*told
	for i, amount := range []int{10, 999_999, 20} {
		fields := map[string]any{
			"participants": []string{"p1", "p2"}, "acceptors": []string{"a1", "a2", "a3"},
			"operations": []map[string]any{{"transfer": amount, "from": "a", "to": "b"}},
		}
		crashes := i == 2
		if crashes {
			fields["crash_proposer_after"] = "prepare"
		}
		g.report.Txns++
		begin := g.say("c1", self, "paxos_commit_begin", fields)
		txns = append(txns, &told{begin: begin, amount: amount, said: map[bool]string{}})
		if crashes {
			g.say("c2", self, "recover_proposer", nil)
		}
		if err := g.listen(txns); err != nil {
			return err
		}
	}
	for _, t := range txns {
		switch {
		case t.said[true] != "":
			g.report.Committed++
		case t.said[false] != "":
			g.report.Aborted++
		}
	}
	return nil
}

// listen hears what becomes of the last transaction, until nothing more is said. Of those before it
// something may still be said.
func (g *game) listen(txns []*told) error {
	last := txns[len(txns)-1]
	for wait := must; ; {
		h, err := g.hear(wait)
		if err != nil || h == nil {
			return err
		}
		if h.InReplyTo != nil && *h.InReplyTo == last.begin {
			last.id = h.TxnID
		}
		committed := false
		switch {
		case h.Type == "do_commit" || h.Type == "have_committed" || h.Outcome == "committed":
			committed = true
		case h.Type == "do_abort" || h.Type == "have_aborted" || h.Outcome == "aborted":
		default:
			continue
		}
		wait = silence
		t := last
		for _, before := range txns {
			if h.TxnID != "" && h.TxnID == before.id {
				t = before
			}
		}
		t.said[committed] = h.src + " to " + h.dest
		if t.said[true] != "" && t.said[false] != "" {
			return g.broken(checker.Consistency, "it is committed, says %s, and aborted, says %s",
				t.said[true], t.said[false])
		}
		if committed && t.amount > 100_000 {
			return g.broken(checker.Validity, "%s: a transfer of %d is committed, and nobody has that",
				t.said[true], t.amount)
		}
	}
}
