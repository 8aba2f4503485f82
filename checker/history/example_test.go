package history_test

import (
	"fmt"

	"paxoscommit/checker/history"
)

// Two accounts open with 100 and 0. A client moves 30; another, that asks after it was answered,
// must see so. The transfer of 500 has no answer, so it may never have happened.
func ExampleCheckBank() {
	ops := []history.BankOp{
		{Span: history.Span{Process: 0, Call: 1, Return: 4}, From: 0, To: 1, Amount: 30},
		{Span: history.Span{Process: 1, Call: 2, Open: true}, From: 0, To: 1, Amount: 500},
		{Span: history.Span{Process: 2, Call: 5, Return: 6}, Balances: []int64{70, 30}},
	}
	result, err := history.CheckBank([]int64{100, 0}, ops, 10_000)
	fmt.Println(result.Verdict, err)

	ops[2].Balances = []int64{100, 0}
	result, err = history.CheckBank([]int64{100, 0}, ops, 10_000)
	fmt.Println(result.Verdict, err, "at operation", result.Stuck, "after", result.Prefix)
	// Output:
	// holds <nil>
	// violated <nil> at operation 2 after [0]
}
