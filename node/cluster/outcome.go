package cluster

import (
	"time"

	"paxoscommit/checker"
)

// silence is how long a program may say nothing before a transaction is taken to be over.
const silence = 500 * time.Millisecond

// playCoordinator is a client that begins transactions, one of which no participant can pay for,
// and listens to what is said of outcomes.
func playCoordinator(g *game) error {
	const self = "paxos_coord"
	if err := g.init(self); err != nil {
		return err
	}
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
		g.say("c1", self, "paxos_commit_begin", fields)
		if crashes {
			g.say("c2", self, "recover_proposer", nil)
		}
		if err := g.listen(amount); err != nil {
			return err
		}
	}
	return nil
}

// listen hears what becomes of a transaction, until nothing more is said.
func (g *game) listen(amount int) error {
	said := map[bool]string{} // by committed or not: who said so
	for {
		h, err := g.hear(silence)
		if err != nil {
			return err
		}
		if h == nil {
			break
		}
		committed := false
		switch {
		case h.Type == "do_commit" || h.Type == "have_committed" || h.Outcome == "committed":
			committed = true
		case h.Type == "do_abort" || h.Type == "have_aborted" || h.Outcome == "aborted":
		default:
			continue
		}
		said[committed] = h.src + " to " + h.dest
		if said[true] != "" && said[false] != "" {
			return g.broken(checker.Consistency, "it is committed, says %s, and aborted, says %s",
				said[true], said[false])
		}
		if committed && amount > 100_000 {
			return g.broken(checker.Validity, "%s: a transfer of %d is committed, and nobody has that",
				said[true], amount)
		}
	}
	switch {
	case said[true] != "":
		g.report.Committed++
	case said[false] != "":
		g.report.Aborted++
	}
	return nil
}
