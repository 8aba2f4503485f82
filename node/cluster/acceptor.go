package cluster

import (
	"fmt"
	"strings"
	"time"

	"paxoscommit/checker"
)

const (
	requests = 40
	// must is how long a program may take to answer what it has to answer.
	must = 5 * time.Second
	// may is how long to wait for an answer that should not come.
	may = 50 * time.Millisecond
)

// belief is what an acceptor must remember of one instance.
type belief struct {
	promised int
	bal      int // in which it has accepted; 0: nothing
	value    string
	kills    int // there had been when this was said last
}

// playAcceptor is a proposer who follows no plan: it prepares and proposes in any ballot, and kills
// the program now and then. In each ballot it proposes one value.
func playAcceptor(g *game) error {
	const self = "a1"
	if err := g.init(self); err != nil {
		return err
	}
	g.report.Games++
	beliefs := map[string]*belief{"p1": {}, "p2": {}}
	for i := range requests {
		if g.config.Restarts && g.rng.IntN(10) == 0 {
			if err := g.restart(); err != nil {
				return err
			}
			if err := g.init(self); err != nil {
				return err
			}
		}
		g.report.Requests++
		participant := fmt.Sprintf("p%d", 1+g.rng.IntN(2))
		b := beliefs[participant]
		bal := max(1, b.promised-2+g.rng.IntN(5))
		step := g.prepare
		if g.rng.IntN(2) == 0 {
			step = g.accept
		}
		if err := step(self, participant, b, bal); err != nil {
			return fmt.Errorf("request %d: %w", i, err)
		}
	}
	return nil
}

// blame is the property that an acceptor breaks that remembers wrongly.
func (g *game) blame(b *belief) checker.Property {
	if b.kills < g.report.Kills {
		return checker.Durability
	}
	return checker.Agreement
}

func (g *game) prepare(self, participant string, b *belief, bal int) error {
	fields := map[string]any{"proposal_id": bal, "participant": participant}
	id := g.say("c1", self, "prepare", fields)
	wait := may
	if bal > b.promised {
		wait = must
	}
	h, err := g.answerTo(id, wait)
	switch {
	case err != nil:
		return err
	case h == nil || h.Type != "promise":
		if bal > b.promised {
			return g.broken(checker.NonBlocking, "it does not promise proposal %d of %s, having promised %d",
				bal, participant, b.promised)
		}
		return nil
	case bal < b.promised:
		return g.broken(g.blame(b), "it promises proposal %d of %s, having promised %d", bal, participant,
			b.promised)
	case h.Proposal != bal:
		return g.broken(checker.Contract, "its promise to proposal %d says %d", bal, h.Proposal)
	}
	value := strings.Trim(string(h.Accepted), `"`)
	if value == "null" {
		value = ""
	}
	switch {
	case value != b.value:
		return g.broken(g.blame(b), "its promise says that %q is accepted for %s, and it had accepted %q",
			value, participant, b.value)
	case value != "" && h.AcceptID == nil:
		return g.broken(checker.Contract, "its promise has no accepted_proposal_id, without which no "+
			"proposer can tell which of two values is the later")
	case value != "" && *h.AcceptID != b.bal:
		return g.broken(g.blame(b), "its promise says that proposal %d is accepted for %s, and it was %d",
			*h.AcceptID, participant, b.bal)
	}
	b.promised, b.kills = bal, g.report.Kills
	return nil
}

func (g *game) accept(self, participant string, b *belief, bal int) error {
	value := []string{"commit", "abort"}[(bal+int(participant[1]))%2]
	id := g.say("c1", self, "accept", map[string]any{
		"proposal_id": bal, "participant": participant, "value": value,
	})
	wait := may
	if bal >= b.promised {
		wait = must
	}
	h, err := g.answerTo(id, wait)
	switch {
	case err != nil:
		return err
	case h == nil || h.Type != "accepted":
		if bal >= b.promised {
			return g.broken(checker.NonBlocking, "it does not accept proposal %d of %s, having promised %d",
				bal, participant, b.promised)
		}
		return nil
	case bal < b.promised:
		return g.broken(g.blame(b), "it accepts proposal %d of %s, having promised %d", bal, participant,
			b.promised)
	case h.Value != value || h.Proposal != bal:
		return g.broken(checker.Contract, "it accepts %q in proposal %d, asked for %q in %d", h.Value,
			h.Proposal, value, bal)
	}
	*b = belief{promised: bal, bal: bal, value: value, kills: g.report.Kills}
	return nil
}
