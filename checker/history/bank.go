package history

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"paxoscommit/checker"
)

// MaxMoney is the most that all accounts of a bank may open with together: the largest power of
// two up to which every JSON number is exact.
const MaxMoney = 1 << 53

// bank reads transfers between accounts and reads of any of them. An account opens with what the
// open line gives it, else with 0, and never falls below 0: a transfer without funds must fail,
// also one from an account to itself.
//
//	open     {"a":100,"b":100}                 first line only, of type ok, without an invocation
//	transfer {"from":"a","to":"b","amount":5}  ok: took effect
//	read     ["a","b"], or null for any        ok: {"a":95,"b":105}
func (l *loader) bank(invoke, answer *Event) ([]instruction, error) {
	switch invoke.F {
	case "transfer":
		program, ok := l.transfer(invoke.Value)
		if !ok {
			return nil, inputErrorf(invoke.Line, "value of transfer must be %s",
				`{"from":account,"to":account,"amount":integer above 0}`)
		}
		return program, repeats(invoke, answer)
	case "read":
		var accounts []json.RawMessage
		if json.Unmarshal(invoke.Value, &accounts) != nil && !isNull(invoke.Value) {
			return nil, inputErrorf(invoke.Line, "value of read must be a list of accounts or null")
		}
		asked := map[string]bool{}
		for _, raw := range accounts {
			account, ok := name(raw)
			if !ok {
				return nil, inputErrorf(invoke.Line, "value of read must be a list of accounts or null")
			}
			asked[account] = true
		}
		if answer == nil {
			return nil, nil
		}
		return l.bankRead(answer, asked, !isNull(invoke.Value))
	default:
		return nil, unknownF(l.model, invoke)
	}
}

// open reads the opening balances.
func (l *loader) open(i int) error {
	e := &l.events[i]
	if i != 0 || e.Type != OK {
		return inputErrorf(e.Line, "open must be the first line, of type ok")
	}
	accounts, ok := balances(e.Value)
	if !ok || len(accounts) == 0 {
		return inputErrorf(e.Line, "value of open must be accounts with their balances")
	}
	for _, account := range slices.Sorted(maps.Keys(accounts)) {
		balance := accounts[account]
		if balance < 0 || balance > MaxMoney-l.money {
			return inputErrorf(e.Line, "opening balances must be from 0 and at most %d together",
				int64(MaxMoney))
		}
		l.money += balance
		l.opening[l.cell(account)] = balance
	}
	return nil
}

// transfer translates the value of a transfer.
func (l *loader) transfer(value json.RawMessage) (program []instruction, ok bool) {
	var t struct {
		From   json.RawMessage `json:"from"`
		To     json.RawMessage `json:"to"`
		Amount int64           `json:"amount"`
	}
	if json.Unmarshal(value, &t) != nil || t.Amount <= 0 || t.Amount > MaxMoney {
		return nil, false
	}
	from, ok1 := name(t.From)
	to, ok2 := name(t.To)
	if !ok1 || !ok2 {
		return nil, false
	}
	return transferProgram(l.cell(from), l.cell(to), t.Amount), true
}

func transferProgram(from, to int32, amount int64) []instruction {
	return []instruction{{add, from, -amount}, {add, to, amount}}
}

// bankRead translates the answer of a read; exact says that it must name the accounts asked for.
// A balance below 0 is an answer like any other, and one that no bank can give.
func (l *loader) bankRead(answer *Event, asked map[string]bool, exact bool) ([]instruction, error) {
	seen, ok := balances(answer.Value)
	if !ok {
		return nil, inputErrorf(answer.Line, "ok of read needs accounts with their balances")
	}
	if exact && !maps.EqualFunc(seen, asked, func(int64, bool) bool { return true }) {
		return nil, inputErrorf(answer.Line, "ok of read must name the accounts that were asked for")
	}
	var program []instruction
	for _, account := range slices.Sorted(maps.Keys(seen)) {
		program = append(program, instruction{expect, l.cell(account), seen[account]})
	}
	return program, nil
}

// balances reads accounts with an integer each.
func balances(value json.RawMessage) (of map[string]int64, ok bool) {
	var given map[string]*int64 // A null would be 0 without the pointer.
	if json.Unmarshal(value, &given) != nil || given == nil {
		return nil, false
	}
	of = map[string]int64{}
	for account, balance := range given {
		if balance == nil {
			return nil, false
		}
		of[account] = *balance
	}
	return of, true
}

// A BankOp is one operation on a bank: a transfer if Amount is above 0, else a read.
type BankOp struct {
	Span
	From, To int   // Of a transfer: accounts, numbered from 0.
	Amount   int64 // Of a transfer: at most MaxMoney.

	Accounts []int   // Of a read: the accounts; nil for the first len(Balances).
	Balances []int64 // Of a read: what it answered for each of Accounts.
}

// Bank makes a history of a bank whose accounts open with these balances. Transfers that failed
// are to be left out. It returns an error for an operation that cannot be: an account that does
// not exist, opening balances below 0 or above MaxMoney together, an amount below 0 or above
// MaxMoney, a return before the call.
func Bank(opening []int64, ops []BankOp) (*History, error) {
	money := int64(0)
	for i, balance := range opening {
		if balance < 0 || balance > MaxMoney-money {
			return nil, fmt.Errorf("history: account %d opens with %d", i, balance)
		}
		money += balance
	}
	all := make([]operation, len(ops))
	for i := range ops {
		program, err := ops[i].program(i, len(opening))
		if err != nil {
			return nil, err
		}
		all[i] = operation{ops[i].Span, i, program}
	}
	return newHistory(opening, all), nil
}

// CheckBank judges a history of Go values by both checkers, each within budget steps.
func CheckBank(opening []int64, ops []BankOp, budget int) (Result, error) {
	h, err := Bank(opening, ops)
	if err != nil {
		return Result{Verdict: checker.Unknown, Stuck: -1}, err
	}
	return h.Check(budget)
}

func (op *BankOp) program(i, accounts int) ([]instruction, error) {
	if err := checkSpan(i, op.Span); err != nil {
		return nil, err
	}
	if op.Amount < 0 || op.Amount > MaxMoney {
		return nil, fmt.Errorf("history: operation %d transfers %d", i, op.Amount)
	}
	if op.Amount > 0 {
		if min(op.From, op.To) < 0 || max(op.From, op.To) >= accounts {
			return nil, fmt.Errorf("history: operation %d transfers from %d to %d of %d accounts", i,
				op.From, op.To, accounts)
		}
		return transferProgram(int32(op.From), int32(op.To), op.Amount), nil
	}
	if op.Open {
		return nil, nil
	}
	if op.Accounts != nil && len(op.Accounts) != len(op.Balances) || len(op.Balances) > accounts {
		return nil, fmt.Errorf("history: operation %d reads %d balances of %d accounts", i,
			len(op.Balances), accounts)
	}
	program := make([]instruction, len(op.Balances))
	for j, balance := range op.Balances {
		account := op.account(j)
		if account < 0 || account >= accounts {
			return nil, fmt.Errorf("history: operation %d reads account %d of %d", i, account, accounts)
		}
		program[j] = instruction{expect, int32(account), balance}
	}
	return program, nil
}

func (op *BankOp) account(j int) int {
	if op.Accounts == nil {
		return j
	}
	return op.Accounts[j]
}

// BankEvents writes operations as the events of a bank history; names are those of the accounts.
func BankEvents(names []string, opening []int64, ops []BankOp) []Event {
	spans := make([]Span, len(ops))
	for i := range ops {
		spans[i] = ops[i].Span
	}
	all := events(spans, func(i int) (invoke, ok Event) {
		op := &ops[i]
		if op.Amount > 0 {
			value := marshal(map[string]any{
				"from": names[op.From], "to": names[op.To], "amount": op.Amount,
			})
			return Event{F: "transfer", Value: value}, Event{F: "transfer", Value: value}
		}
		seen := map[string]int64{}
		for j, balance := range op.Balances {
			seen[names[op.account(j)]] = balance
		}
		invoke = Event{F: "read", Value: null()}
		if op.Accounts != nil {
			invoke.Value = marshal(slices.Sorted(maps.Keys(seen)))
		}
		return invoke, Event{F: "read", Value: marshal(seen)}
	})
	opens := map[string]int64{}
	for i, balance := range opening {
		opens[names[i]] = balance
	}
	first := Event{Type: OK, F: "open", Value: marshal(opens)}
	if len(all) > 0 {
		first.Time = all[0].Time
	}
	return slices.Insert(all, 0, first)
}

// marshal is json.Marshal of what cannot fail; the JSON of a map is in the order of its keys.
func marshal(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("history: marshal %v: %v", v, err))
	}
	return raw
}
