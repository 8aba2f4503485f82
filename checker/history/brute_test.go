package history

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"

	"paxoscommit/checker"
)

// The dumb reference: it tries every order of the operations, and every choice of open operations,
// on a map from names to decoded JSON. It shares no code with what it judges but the events.

type bruteOp struct {
	f, key       string
	arg, res     any
	call, ret    int
	open, failed bool
}

// bruteOps are the operations of events, by the number of their invocation, and the opening state.
func bruteOps(events []Event) (ops []*bruteOp, opening map[string]any) {
	opening = map[string]any{}
	running := map[int]*bruteOp{}
	for i, e := range events {
		op := running[e.Process]
		switch {
		case e.F == "open":
			opening = decode(e.Value).(map[string]any)
		case e.Type == Invoke:
			op = &bruteOp{f: e.F, key: e.Key, arg: decode(e.Value), call: i, ret: math.MaxInt, open: true}
			running[e.Process] = op
			ops = append(ops, op)
		case e.Type == OK:
			op.open, op.ret, op.res = false, i, decode(e.Value)
		case e.Type == Fail:
			op.failed = true
		}
	}
	return ops, opening
}

func bruteJudge(model Model, events []Event) checker.Verdict {
	ops, opening := bruteOps(events)
	ops = slices.DeleteFunc(ops, func(op *bruteOp) bool { return op.failed })
	if bruteSearch(model, opening, ops) {
		return checker.Holds
	}
	return checker.Violated
}

func decode(raw json.RawMessage) (v any) {
	if raw == nil {
		return nil
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		panic(err)
	}
	return v
}

// bruteSearch reports whether the rest can be put in order from this state.
func bruteSearch(model Model, state map[string]any, rest []*bruteOp) bool {
	done := true
	firstReturn := math.MaxInt
	for _, op := range rest {
		done = done && op.open
		firstReturn = min(firstReturn, op.ret)
	}
	if done {
		return true // Open operations need never happen.
	}
	for i, op := range rest {
		if op.call > firstReturn {
			continue // Another one ended before this one began.
		}
		others := append(append([]*bruteOp{}, rest[:i]...), rest[i+1:]...)
		for _, next := range bruteStep(model, state, op) {
			if bruteSearch(model, next, others) {
				return true
			}
		}
	}
	return false
}

// bruteStep returns every state that op can lead to with the answer that it had.
func bruteStep(model Model, state map[string]any, op *bruteOp) []map[string]any {
	next := maps.Clone(state)
	same := []map[string]any{next}
	sees := func(v any) []map[string]any {
		if op.open || reflect.DeepEqual(next[op.key], v) {
			return same
		}
		return nil
	}
	switch fmt.Sprint(model, " ", op.f) {
	case "register read", "write-once read":
		return sees(op.res)
	case "register write":
		next[op.key] = op.arg
		return same
	case "register cas":
		pair := op.arg.([]any)
		if !reflect.DeepEqual(next[op.key], pair[0]) {
			return nil
		}
		next[op.key] = pair[1]
		return same
	case "write-once propose":
		if next[op.key] == nil {
			next[op.key] = op.arg
		}
		return sees(op.res)
	case "write-once decide":
		if next[op.key] != nil {
			return sees(op.res)
		}
		if !op.open {
			next[op.key] = op.res
			return same
		}
		var all []map[string]any
		for _, v := range []any{1.0, 2.0, "committed", "aborted"} {
			chosen := maps.Clone(state)
			chosen[op.key] = v
			all = append(all, chosen)
		}
		return all
	case "bank transfer":
		t := op.arg.(map[string]any)
		from, to, amount := t["from"].(string), t["to"].(string), t["amount"].(float64)
		if bruteMoney(next, from) < amount {
			return nil
		}
		next[from] = bruteMoney(next, from) - amount
		next[to] = bruteMoney(next, to) + amount
		return same
	case "bank read":
		if op.open {
			return same
		}
		for account, balance := range op.res.(map[string]any) {
			if bruteMoney(state, account) != balance.(float64) {
				return nil
			}
		}
		return same
	case "kv txn":
		list := op.arg
		if !op.open {
			list = op.res
		}
		for _, m := range list.([]any) {
			micro := m.([]any)
			key := fmt.Sprint(micro[1])
			if micro[0] == "w" {
				next[key] = micro[2]
			} else if !op.open && !reflect.DeepEqual(next[key], micro[2]) {
				return nil
			}
		}
		return same
	default:
		panic("reference knows no " + op.f)
	}
}

func bruteMoney(state map[string]any, account string) float64 {
	balance, _ := state[account].(float64)
	return balance
}
