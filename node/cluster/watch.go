package cluster

import (
	"fmt"

	"paxoscommit/checker"
	"paxoscommit/checker/history"
	"paxoscommit/core"
	"paxoscommit/node"
)

// budget is how many steps of a model each checker may take for the history of a round.
const budget = 20_000_000

// watch tells the monitor what a node's log has got since the last time.
func (r *round) watch(m *member) {
	err := m.tail.Next(m.dir, func(text []byte) error {
		e, err := node.ParseEntry(text)
		if err == nil {
			err = r.entry(m, &e)
		}
		return err
	})
	if err != nil {
		r.monitor.Broken(checker.Contract, fmt.Sprintf("the log of %s: %v", m.name, err))
	}
}

func (r *round) entry(m *member, e *node.Entry) error {
	if e.Type == node.EntryRecord {
		r.monitor.Durable(&e.Record)
		return nil
	}
	b := m.banks[e.RM]
	if e.Type == node.EntryStart || b == nil {
		return nil
	}
	if err := node.Replay(b, e); err != nil {
		r.monitor.Broken(checker.History, err.Error())
		return nil
	}
	i := r.index(e.Tx)
	if i < 0 {
		return fmt.Errorf("%w: of %v, which nobody asked for", node.ErrEntry, e.Tx)
	}
	switch e.Type {
	case node.EntryHeld:
		r.monitor.Held(e.RM, i, b)
		k := 0
		for s := e.Work.Read & r.bank().AccountsOf(&r.world.Layout, e.RM); s != 0; s &= s - 1 {
			if k == len(e.Reads) || e.Reads[k] != b.Balance(s.First()) {
				r.monitor.Broken(checker.History, fmt.Sprintf(
					"rm%d reads %v for %v, and account %d holds %d", e.RM, e.Reads, e.Tx, s.First(),
					b.Balance(s.First())))
				return nil
			}
			k++
		}
	case node.EntryApplied:
		r.monitor.Applied(e.RM, i, e.Val, b)
	default:
	}
	return nil
}

func (r *round) index(tx core.TxID) int {
	i := (int(tx.Origin)-1)*each + int(tx.Seq) - 1
	if i < 0 || i >= len(r.world.Txns) || r.world.Txns[i].ID != tx {
		return -1
	}
	return i
}

// finish judges a round in which everybody has decided.
func (r *round) finish() (Report, error) {
	r.monitor.Finish()
	if r.monitor.Violation() != nil {
		return r.verdict(checker.Violated), nil
	}
	bankOps, outcomes := r.calls()
	var money []int64
	for range r.world.Accounts {
		money = append(money, opening)
	}
	verdict := checker.Holds
	for _, load := range []func() (*history.History, error){
		func() (*history.History, error) { return history.Bank(money, bankOps) },
		func() (*history.History, error) {
			return history.Outcomes(len(r.world.Txns), outcomes)
		},
	} {
		h, err := load()
		if err != nil {
			return r.report, fmt.Errorf("cluster: what clients saw: %w", err)
		}
		result, err := h.Check(budget)
		switch {
		case err != nil:
			return r.report, fmt.Errorf("cluster: what clients saw: %w", err)
		case result.Verdict == checker.Violated:
			r.monitor.Broken(checker.Linearizability, fmt.Sprintf(
				"what the clients saw has no order: operation %d of %d fits nowhere", result.Stuck+1,
				len(bankOps)+len(outcomes)))
			return r.verdict(checker.Violated), nil
		case result.Verdict == checker.Unknown:
			verdict = checker.Unknown
		}
	}
	return r.verdict(verdict), nil
}

// calls returns what clients saw as operations, and an auditor's reads of the end.
func (r *round) calls() ([]history.BankOp, []history.OutcomeOp) {
	var bankOps []history.BankOp
	var outcomes []history.OutcomeOp
	seen := map[core.Value]int{core.Committed: 1, core.Aborted: 2}
	r.monitor.Calls(func(c checker.Call) {
		span := history.Span{
			Process: c.Txn, Call: int64(c.Invoked), Return: int64(c.Returned),
			Open: c.Returned < 0 || c.Answer == core.NoValue,
		}
		outcomes = append(outcomes, history.OutcomeOp{
			Span: span, Tx: c.Txn, Kind: history.Decide, Seen: seen[c.Answer],
		})
		w := &r.world.Txns[c.Txn].Work
		if c.Answer == core.Aborted || w.Read != 0 && span.Open {
			return
		}
		op := history.BankOp{Span: span}
		if w.Read == 0 {
			op.From, op.To, op.Amount = int(w.From)-1, int(w.To)-1, w.Amount
		}
		for s := w.Read; s != 0; s &= s - 1 {
			op.Accounts = append(op.Accounts, int(s.First())-1)
			op.Balances = append(op.Balances, c.Reads[s.First()-1])
		}
		bankOps = append(bankOps, op)
	})
	audit := history.BankOp{Span: history.Span{
		Process: len(r.world.Txns), Call: int64(r.step) + 1, Return: int64(r.step) + 2,
	}}
	for a := range uint8(r.world.Accounts) {
		rm := r.world.RMOf(a + 1)
		n := r.world.Layout.NodeOf(core.Role{Kind: core.Resource, ID: rm})
		audit.Accounts = append(audit.Accounts, int(a))
		audit.Balances = append(audit.Balances, r.members[n-1].banks[rm].Balance(a+1))
	}
	return append(bankOps, audit), outcomes
}
