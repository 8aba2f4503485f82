package harness

import (
	"fmt"
	"strings"

	"paxoscommit/checker"
	"paxoscommit/checker/history"
	"paxoscommit/core"
)

// Limits of a Judge.
const (
	// JudgeBudget is how many steps of a model each checker may take for one history.
	JudgeBudget = 200_000
	// judgeMemory is how many histories a Judge remembers before it starts anew.
	judgeMemory = 1 << 18
)

// A Judge has the clients' view of finished runs judged by package history: their transfers and
// reads as one bank, and what they heard of outcomes as one write-once register a transaction. In
// both an auditor, who comes when everything is over, reads the end. A history that was found legal
// before is not judged again. The zero Judge is ready.
type Judge struct {
	seen     map[uint64]struct{}
	bank     []history.BankOp
	outcomes []history.OutcomeOp
	opening  []int64
	accounts []int   // that bank's operations read
	balances []int64 // that they found there
	Judged   uint64  // histories judged, without those that had been before
}

// Judge judges a run that has ended and broken nothing. An illegal history is reported to the run's
// monitor as a violation of Linearizability. The verdict is Unknown if a budget ran out. The error
// is history.ErrDisagree.
func (j *Judge) Judge(w *World) (checker.Verdict, error) {
	j.collect(w)
	verdict := checker.Holds
	if hash := j.bankHash(w); j.isNew(hash) {
		h, err := history.Bank(j.opening, j.bank)
		if err == nil {
			verdict, err = j.check(w, h, len(j.bank), j.describeBank)
		}
		if verdict != checker.Holds || err != nil {
			delete(j.seen, hash)
		}
		if err != nil {
			return checker.Unknown, fmt.Errorf("harness: judge the bank: %w", err)
		}
		if verdict != checker.Holds {
			return verdict, nil
		}
	}
	if hash := j.outcomeHash(); j.isNew(hash) {
		h, err := history.Outcomes(len(w.cfg.Txns), j.outcomes)
		if err == nil {
			verdict, err = j.check(w, h, len(j.outcomes), j.describeOutcome)
		}
		if verdict != checker.Holds || err != nil {
			delete(j.seen, hash)
		}
		if err != nil {
			return checker.Unknown, fmt.Errorf("harness: judge the outcomes: %w", err)
		}
	}
	return verdict, nil
}

// check judges one history of n operations; describe names the one that does not fit.
func (j *Judge) check(
	w *World, h *history.History, n int, describe func(i int) string,
) (checker.Verdict, error) {
	j.Judged++
	r, err := h.Check(JudgeBudget)
	if err == nil && r.Verdict == checker.Violated {
		w.monitor.Broken(checker.Linearizability,
			fmt.Sprintf("what the clients saw has no order: %s, operation %d of %d",
				describe(r.Stuck), r.Stuck+1, n))
	}
	return r.Verdict, err
}

func (j *Judge) describeBank(i int) string {
	switch {
	case i < 0:
		return "some operation"
	case j.bank[i].Amount > 0:
		return fmt.Sprintf("the transfer of %d from %s to %s", j.bank[i].Amount,
			AccountName(uint8(j.bank[i].From+1)), AccountName(uint8(j.bank[i].To+1)))
	default:
		var seen []string
		for k, account := range j.bank[i].Accounts {
			name := AccountName(uint8(account + 1))
			seen = append(seen, fmt.Sprintf("%s=%d", name, j.bank[i].Balances[k]))
		}
		return "the read of " + strings.Join(seen, " ")
	}
}

func (j *Judge) describeOutcome(i int) string {
	if i < 0 {
		return "some operation"
	}
	outcome := [...]string{"open", "committed", "aborted"}[j.outcomes[i].Seen]
	return fmt.Sprintf("the outcome %s of transaction %d", outcome, j.outcomes[i].Tx+1)
}

// isNew tells whether a history with this hash has not been judged yet, and remembers it.
func (j *Judge) isNew(hash uint64) bool {
	if _, ok := j.seen[hash]; ok {
		return false
	}
	if j.seen == nil || len(j.seen) >= judgeMemory {
		j.seen = make(map[uint64]struct{}, 1024)
	}
	j.seen[hash] = struct{}{}
	return true
}

// collect fills bank and outcomes from a run. Times are steps.
func (j *Judge) collect(w *World) {
	j.bank, j.outcomes, j.opening = j.bank[:0], j.outcomes[:0], j.opening[:0]
	j.accounts, j.balances = j.accounts[:0], j.balances[:0]
	for range w.cfg.Accounts {
		j.opening = append(j.opening, w.cfg.Opening)
	}
	w.monitor.Calls(func(c checker.Call) {
		span := history.Span{
			Process: c.Txn, Call: int64(c.Invoked), Return: int64(c.Returned),
			Open: c.Returned < 0 || c.Answer == core.NoValue,
		}
		j.outcomes = append(j.outcomes, history.OutcomeOp{
			Span: span, Tx: c.Txn, Kind: history.Decide, Seen: outcomeNumber(c.Answer),
		})
		work := &w.cfg.Txns[c.Txn].Work
		if c.Answer == core.Aborted || work.Read != 0 && span.Open {
			return // a failed transaction did nothing, and a read without an answer says nothing
		}
		op := history.BankOp{Span: span}
		if work.Read == 0 {
			op.From, op.To, op.Amount = int(work.From)-1, int(work.To)-1, work.Amount
		} else {
			for s := work.Read; s != 0; s &= s - 1 {
				j.read(&op, s.First(), c.Reads[s.First()-1])
			}
		}
		j.bank = append(j.bank, op)
	})
	j.audit(w)
}

// read adds to an operation, the last so far, what it has read in an account.
func (j *Judge) read(op *history.BankOp, account uint8, balance int64) {
	n := len(op.Accounts) + 1
	j.accounts, j.balances = append(j.accounts, int(account)-1), append(j.balances, balance)
	op.Accounts = j.accounts[len(j.accounts)-n:]
	op.Balances = j.balances[len(j.balances)-n:]
}

// audit adds the auditor's reads: the balance of every account whose resource manager is there, all
// at once, and every outcome that somebody knows.
func (j *Judge) audit(w *World) {
	span := history.Span{
		Process: len(w.cfg.Txns), Call: int64(w.steps) + 1, Return: int64(w.steps) + 2,
	}
	read := history.BankOp{Span: span}
	for a := range uint8(w.cfg.Accounts) {
		rm := w.cfg.RMOf(a + 1)
		if w.up.Has(w.nodeOfBank(int(rm) - 1)) {
			j.read(&read, a+1, w.banks[rm-1].Balance(a+1))
		}
	}
	if len(read.Accounts) > 0 {
		j.bank = append(j.bank, read)
	}
	for i := range w.cfg.Txns {
		if v := w.monitor.Outcome(i); v != core.NoValue {
			span.Process++
			j.outcomes = append(j.outcomes, history.OutcomeOp{
				Span: span, Tx: i, Kind: history.Read, Seen: outcomeNumber(v),
			})
		}
	}
}

func outcomeNumber(v core.Value) int {
	switch v {
	case core.Committed:
		return 1
	case core.Aborted:
		return 2
	default:
		return 0
	}
}

// Events returns the clients' history of a run that has ended as events of a bank, for
// history.WriteJSON.
func (j *Judge) Events(w *World) []history.Event {
	j.collect(w)
	names := make([]string, w.cfg.Accounts)
	for i := range names {
		names[i] = AccountName(uint8(i + 1))
	}
	return history.BankEvents(names, j.opening, j.bank)
}

// AccountName returns the name that schedules and histories give an account: a to z, then a2 to z2,
// and so on.
func AccountName(account uint8) string {
	name := string(rune('a' + (account-1)%26))
	if n := (account - 1) / 26; n > 0 {
		name += fmt.Sprint(n + 1)
	}
	return name
}

// bankHash hashes what the verdict on bank depends on: the operations and the order of their ends,
// not the times.
func (j *Judge) bankHash(w *World) uint64 {
	h := mix(uint64(w.cfg.Accounts), uint64(w.cfg.Opening))
	for i := range j.bank {
		op := &j.bank[i]
		h = mix(uint64(op.From)|uint64(op.To)<<8|uint64(op.Amount)<<16, h)
		for k := range op.Accounts {
			h = mix(uint64(op.Accounts[k])|uint64(op.Balances[k])<<8, h)
		}
		for k := range j.bank {
			h = mix(order(&op.Span, &j.bank[k].Span), h)
		}
	}
	return h
}

// outcomeHash hashes what the verdict on outcomes depends on. Operations on different transactions
// are independent.
func (j *Judge) outcomeHash() uint64 {
	h := uint64(1)
	for i := range j.outcomes {
		op := &j.outcomes[i]
		h = mix(uint64(op.Tx)|uint64(op.Kind)<<8|uint64(op.Seen)<<16, h)
		for k := range j.outcomes {
			if j.outcomes[k].Tx == op.Tx {
				h = mix(order(&op.Span, &j.outcomes[k].Span), h)
			}
		}
	}
	return h
}

// order tells whether a ended before b began, and whether a is open: all that a linearization has
// to respect.
func order(a, b *history.Span) uint64 {
	switch {
	case a.Open:
		return 1
	case a.Return < b.Call:
		return 2
	default:
		return 3
	}
}
