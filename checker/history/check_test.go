package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"paxoscommit/checker"
)

func span(process int, call, ret int64) Span {
	return Span{Process: process, Call: call, Return: ret}
}

func open(process int) Span { return Span{Process: process, Call: 1, Open: true} }

func TestBankOfGoValues(t *testing.T) {
	opening := []int64{100, 50}
	move := func(s Span, from, to int, amount int64) BankOp {
		return BankOp{Span: s, From: from, To: to, Amount: amount}
	}
	read := func(s Span, balances ...int64) BankOp { return BankOp{Span: s, Balances: balances} }
	for _, c := range []struct {
		name string
		ops  []BankOp
		want checker.Verdict
	}{
		{"nothing", nil, checker.Holds},
		{"a transfer", []BankOp{
			move(span(0, 1, 2), 0, 1, 30), read(span(1, 3, 4), 70, 80),
		}, checker.Holds},
		{
			"a lost transfer",
			[]BankOp{move(span(0, 1, 2), 0, 1, 30), read(span(1, 3, 4), 100, 50)},
			checker.Violated,
		},
		{
			"touching intervals are concurrent",
			[]BankOp{move(span(0, 1, 3), 0, 1, 30), read(span(1, 3, 4), 100, 50)},
			checker.Holds,
		},
		{
			"money from nothing",
			[]BankOp{move(open(0), 0, 1, 30), read(span(1, 3, 4), 100, 80)},
			checker.Violated,
		},
		{"an open transfer took effect", []BankOp{
			move(open(0), 0, 1, 30), read(span(1, 3, 4), 70, 80),
		}, checker.Holds},
		{
			"an open transfer did not",
			[]BankOp{move(open(0), 0, 1, 30), read(span(1, 3, 4), 100, 50)},
			checker.Holds,
		},
		{"an open transfer never could", []BankOp{move(open(0), 0, 1, 101)}, checker.Holds},
		{"an open transfer took effect late", []BankOp{
			move(open(0), 0, 1, 30), read(span(1, 3, 4), 100, 50), read(span(1, 5, 6), 70, 80),
		}, checker.Holds},
		{"an open transfer twice", []BankOp{
			move(open(0), 0, 1, 30), read(span(1, 3, 4), 40, 110),
		}, checker.Violated},
		{"two open transfers", []BankOp{
			move(open(0), 0, 1, 30), move(open(2), 0, 1, 30), read(span(1, 3, 4), 40, 110),
		}, checker.Holds},
		{"a transfer from the future", []BankOp{
			read(span(1, 1, 2), 70, 80), move(span(0, 3, 4), 0, 1, 30),
		}, checker.Violated},
		{"part of the accounts", []BankOp{
			move(span(0, 1, 2), 0, 1, 30), {Span: span(1, 3, 4), Accounts: []int{1}, Balances: []int64{80}},
		}, checker.Holds},
		{"no funds", []BankOp{move(span(0, 1, 2), 1, 0, 51)}, checker.Violated},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := CheckBank(opening, c.ops, testBudget)
			require.NoError(t, err)
			require.Equal(t, c.want, r.Verdict)
			require.Equal(t, "direct and porcupine", r.Checked)

			// The same history through a file.
			var text bytes.Buffer
			require.NoError(t, WriteJSON(&text, BankEvents([]string{"a", "b"}, opening, c.ops)))
			events, err := Parse(&text)
			require.NoError(t, err)
			if len(c.ops) == 0 {
				return
			}
			again, err := load(t, ModelBank, events).Check(testBudget)
			require.NoError(t, err)
			require.Equal(t, c.want, again.Verdict)
			require.Equal(t, c.want, bruteJudge(ModelBank, events))
		})
	}
}

func TestOutcomesOfGoValues(t *testing.T) {
	const committed, aborted = 1, 2
	for _, c := range []struct {
		name string
		ops  []OutcomeOp
		want checker.Verdict
	}{
		{"settled once", []OutcomeOp{
			{Span: span(0, 1, 2), Kind: Read},
			{Span: span(0, 3, 4), Kind: Decide, Seen: committed},
			{Span: span(1, 5, 6), Kind: Propose, Proposed: aborted, Seen: committed},
			{Span: span(2, 5, 7), Tx: 1, Kind: Decide, Seen: aborted},
		}, checker.Holds},
		{"a committed transaction reported as aborted", []OutcomeOp{
			{Span: span(0, 1, 4), Kind: Decide, Seen: committed},
			{Span: span(1, 2, 3), Kind: Decide, Seen: aborted},
		}, checker.Violated},
		{"an outcome that changes", []OutcomeOp{
			{Span: span(0, 1, 2), Kind: Decide, Seen: committed},
			{Span: span(1, 3, 4), Kind: Read, Seen: aborted},
		}, checker.Violated},
		{"an open decision is any", []OutcomeOp{
			{Span: open(0), Kind: Decide},
			{Span: span(1, 3, 4), Kind: Read},
			{Span: span(1, 5, 6), Kind: Read, Seen: aborted},
		}, checker.Holds},
		{"an open decision is one", []OutcomeOp{
			{Span: open(0), Kind: Decide},
			{Span: span(1, 3, 4), Kind: Read, Seen: committed},
			{Span: span(1, 5, 6), Kind: Read, Seen: aborted},
		}, checker.Violated},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, err := Outcomes(2, c.ops)
			require.NoError(t, err)
			r, err := h.Check(testBudget)
			require.NoError(t, err)
			require.Equal(t, c.want, r.Verdict)
			require.Equal(t, "direct and porcupine", r.Checked)

			var text bytes.Buffer
			names := []string{"", "committed", "aborted"}
			require.NoError(t, WriteJSON(&text, OutcomeEvents(names, c.ops)))
			events, err := Parse(&text)
			require.NoError(t, err)
			again, err := load(t, ModelWriteOnce, events).Check(testBudget)
			require.NoError(t, err)
			require.Equal(t, c.want, again.Verdict)
			require.Equal(t, c.want, bruteJudge(ModelWriteOnce, events))
		})
	}
}

func TestImpossibleGoValuesAreRefused(t *testing.T) {
	for want, op := range map[string]BankOp{
		"history: operation 0 returns at 1, before its call at 2":  {Span: span(0, 2, 1)},
		"history: operation 0 transfers -1":                        {Amount: -1},
		"history: operation 0 transfers from 0 to 2 of 2 accounts": {Amount: 1, To: 2},
		"history: operation 0 reads 3 balances of 2 accounts":      {Balances: []int64{1, 2, 3}},
		"history: operation 0 reads 1 balances of 2 accounts": {
			Balances: []int64{1}, Accounts: []int{},
		},
		"history: operation 0 reads account 7 of 2": {Balances: []int64{1}, Accounts: []int{7}},
	} {
		r, err := CheckBank([]int64{1, 1}, []BankOp{op}, testBudget)
		require.EqualError(t, err, want)
		require.Equal(t, checker.Unknown, r.Verdict)
	}
	_, err := Bank([]int64{1, -1}, nil)
	require.EqualError(t, err, "history: account 1 opens with -1")
	for want, op := range map[string]OutcomeOp{
		"history: operation 0 on transaction 1 of 1":              {Tx: 1},
		"history: operation 0 without a kind":                     {},
		"history: operation 0 proposes 0":                         {Kind: Propose},
		"history: operation 0 saw outcome 0":                      {Kind: Decide},
		"history: operation 0 returns at 1, before its call at 2": {Kind: Read, Span: span(0, 2, 1)},
	} {
		_, err := Outcomes(1, []OutcomeOp{op})
		require.EqualError(t, err, want)
	}
}

func TestUnknownIsNoAnswer(t *testing.T) {
	h := load(t, ModelBank, readEvents(t, "bank-lost-transfer"))
	for budget := range 3 {
		r, err := h.Check(budget)
		require.NoError(t, err)
		if r.Verdict == checker.Unknown {
			require.Equal(t, "the budget ran out", r.Reason)
			require.Empty(t, r.Checked)
		} else {
			require.Equal(t, checker.Violated, r.Verdict)
		}
	}
	// No budget may turn one answer into the other, in any example.
	for file, want := range verdicts() {
		h := load(t, modelOf(t, file), readEvents(t, file))
		for budget := range 40 {
			r, err := h.Check(budget)
			require.NoError(t, err)
			if r.Verdict != checker.Unknown {
				require.Equal(t, want, r.Verdict, "%s with %d steps", file, budget)
			}
		}
	}
}

func TestCheckersThatDisagreeAreAnError(t *testing.T) {
	answer := func(v checker.Verdict) Result { return Result{Verdict: v, Steps: 1, Stuck: -1} }
	for _, c := range []struct {
		direct, second, want checker.Verdict
		checked              string
	}{
		{checker.Holds, checker.Holds, checker.Holds, "direct and porcupine"},
		{checker.Violated, checker.Violated, checker.Violated, "direct and porcupine"},
		{checker.Holds, checker.Unknown, checker.Holds, "direct"},
		{checker.Unknown, checker.Violated, checker.Violated, "porcupine"},
		{checker.Unknown, checker.Unknown, checker.Unknown, ""},
	} {
		r, err := combine(answer(c.direct), answer(c.second))
		require.NoError(t, err)
		require.Equal(t, Result{Verdict: c.want, Steps: 2, Checked: c.checked, Stuck: -1}, r)
	}
	for _, v := range []checker.Verdict{checker.Holds, checker.Violated} {
		r, err := combine(answer(v), answer(checker.Holds+checker.Violated-v))
		require.ErrorIs(t, err, ErrDisagree)
		require.Equal(t, checker.Unknown, r.Verdict)
	}
	r, err := combine(Result{Verdict: checker.Violated, broken: true}, answer(checker.Violated))
	require.ErrorIs(t, err, ErrDisagree)
	require.Equal(t, checker.Unknown, r.Verdict)
}

// manyAtOnce is n writes of different values that all run at the same time, and a read of one.
func manyAtOnce(n int, seen string) []Event {
	var events []Event
	for p := range n {
		events = append(events, Event{Process: p, Type: Invoke, F: "write", Value: marshal(p)})
	}
	events = append(events,
		Event{Process: n, Type: Invoke, F: "read"},
		Event{Process: n, Type: OK, F: "read", Value: json.RawMessage(seen)})
	for p := range n {
		events = append(events, Event{Process: p, Type: OK, F: "write"})
	}
	return events
}

func TestMoreOperationsAtOnceThanBitsInAWord(t *testing.T) {
	h := load(t, ModelRegister, manyAtOnce(70, "69"))
	require.Equal(t, checker.Holds, h.Porcupine(testBudget).Verdict)
	h = load(t, ModelRegister, append(manyAtOnce(70, "69")[:72],
		Event{Process: 70, Type: Invoke, F: "read"},
		Event{Process: 70, Type: OK, F: "read", Value: json.RawMessage("70")}))
	require.Equal(t, checker.Violated, h.Direct(testBudget).Verdict)
	require.Equal(t, checker.Violated, h.Porcupine(testBudget).Verdict)
}

func TestConfigurationsAreBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("it fills the memory that a check may have")
	}
	h := load(t, ModelRegister, manyAtOnce(40, "39"))
	r := h.Direct(1 << 30)
	require.Equal(t, checker.Unknown, r.Verdict)
	require.Equal(t, "too many configurations at once", r.Reason)
}

// Thirty operations at once would be 2^30 configurations if each were told apart.
func TestOperationsOfOneProgramAtOnceStayCheap(t *testing.T) {
	var ops []BankOp
	for p := range 30 {
		ops = append(ops, BankOp{Span: span(p, 1, int64(100-p)), To: 1, Amount: 1})
	}
	ops = append(ops, BankOp{Span: span(30, 2, 3), Balances: []int64{80, 20}})
	h, err := Bank([]int64{100, 0}, ops)
	require.NoError(t, err)
	require.Equal(t, checker.Holds, h.Direct(10_000).Verdict)
	ops[30].Balances = []int64{69, 31}
	h, err = Bank([]int64{100, 0}, ops)
	require.NoError(t, err)
	require.Equal(t, checker.Violated, h.Direct(10_000).Verdict)
}

// Five hundred lost writes would be 2^500 configurations if each were told apart.
func TestManyLostWritesStayCheap(t *testing.T) {
	var events []Event
	add := func(p int, typ EventType, f string, v any) {
		events = append(events, Event{Process: p, Type: typ, F: f, Value: marshal(v)})
	}
	for p := range 500 {
		add(p, Invoke, "write", p%3)
		add(p, Info, "write", nil)
		add(1000, Invoke, "read", nil)
		add(1000, OK, "read", p%3)
		add(2000+p, Invoke, "write", 5000+p)
		add(2000+p, Info, "write", nil)
	}
	r, err := load(t, ModelRegister, events).Check(testBudget)
	require.NoError(t, err)
	require.Equal(t, checker.Holds, r.Verdict)
	require.Equal(t, "direct and porcupine", r.Checked)
}

// undecided is a history of keys that are each written twice at the same time, and then one
// transaction that reads them all, and of each sees the first write, but for the last what is said.
func undecided(keys, last int) []Event {
	var events []Event
	add := func(p int, typ EventType, value any) {
		events = append(events, Event{Process: p, Type: typ, F: "txn", Value: marshal(value)})
	}
	var asked, seen [][]any
	for k := range keys {
		one, two := [][]any{{"w", k, 1}}, [][]any{{"w", k, 2}}
		add(0, Invoke, one)
		add(1, Invoke, two)
		add(0, OK, one)
		add(1, OK, two)
		asked, seen = append(asked, []any{"r", k, nil}), append(seen, []any{"r", k, 1})
	}
	seen[keys-1][2] = last
	add(0, Invoke, asked)
	add(0, OK, seen)
	return events
}

// Forty undecided orders would be 2^40 configurations without looking at what is read later.
func TestOrdersThatALaterReadDecidesStayCheap(t *testing.T) {
	r, err := load(t, ModelKV, undecided(40, 1)).Check(testBudget)
	require.NoError(t, err)
	require.Equal(t, checker.Holds, r.Verdict)
	require.Equal(t, "direct", r.Checked)
	for _, last := range []int{0, 3} {
		h := load(t, ModelKV, undecided(40, last))
		r, err = h.Check(testBudget)
		require.NoError(t, err)
		require.Equal(t, checker.Violated, r.Verdict)
		// To tell the prefix it would have to go without looking ahead.
		require.Equal(t, -1, r.Stuck)
		var text strings.Builder
		require.NoError(t, h.Report(r).WriteText(&text))
		require.Contains(t, text.String(), "larger budget")
	}
	h := load(t, ModelKV, undecided(5, 3))
	r, err = h.Check(testBudget)
	require.NoError(t, err)
	require.Equal(t, 10, r.Stuck)
	require.Len(t, r.Prefix, 10)
}

func TestLongHistoriesAreJudgedByTheDirectChecker(t *testing.T) {
	events := longRegister(2*MaxPorcupineOps+100, 3, 1, 5, 0)
	r, err := load(t, ModelRegister, events).Check(10_000_000)
	require.NoError(t, err)
	require.Equal(t, checker.Holds, r.Verdict)
	require.Equal(t, "direct", r.Checked)

	// A stale read near the end is found there.
	last := len(events) - 1
	for events[last].Type != OK || events[last].F != "read" {
		last--
	}
	events[last].Value = json.RawMessage("77")
	h := load(t, ModelRegister, events)
	r, err = h.Check(10_000_000)
	require.NoError(t, err)
	require.Equal(t, checker.Violated, r.Verdict)
	report := h.Report(r)
	require.Len(t, report.Prefix, shownOps)
	require.Greater(t, report.PrefixLength, MaxPorcupineOps)
	require.Contains(t, report.Stuck, "-> 77")
}

func TestReportOfAViolation(t *testing.T) {
	h := load(t, ModelBank, readEvents(t, "bank-lost-transfer"))
	r, err := h.Check(testBudget)
	require.NoError(t, err)
	var text strings.Builder
	require.NoError(t, h.Report(r).WriteText(&text))
	require.Equal(t, strings.TrimLeft(`
Illegal: bank history of 2 operations (2 ok, 0 failed, 0 open), 4 steps, by direct and porcupine
longest linearizable prefix, 1 operation:
  line 2: process 0: transfer {"from":"a","to":"b","amount":30}
then a=70 b=80, and this operation has no place:
  line 4: process 1: read -> {"a":100,"b":50}
`, "\n"), text.String())
}

func TestReportOfAViolationThatOnlyPorcupineFound(t *testing.T) {
	h := load(t, ModelBank, readEvents(t, "bank-lost-transfer"))
	r, err := combine(Result{Stuck: -1, Reason: "the budget ran out"}, h.Porcupine(testBudget))
	require.NoError(t, err)
	var text strings.Builder
	require.NoError(t, h.Report(r).WriteText(&text))
	require.Contains(t, text.String(), "larger budget")
}

func TestPictureIsTheSameEachTime(t *testing.T) {
	for _, file := range []string{
		"register-keys-stale", "bank-overdrawn", "kv-write-skew", "write-once-ok",
	} {
		h := load(t, modelOf(t, file), readEvents(t, file))
		var first bytes.Buffer
		require.NoError(t, h.Draw(&first, testBudget))
		for range 20 {
			var again bytes.Buffer
			require.NoError(t, h.Draw(&again, testBudget))
			require.Equal(t, first.String(), again.String())
		}
	}
}

func TestPictureNamesOperationsAndStates(t *testing.T) {
	var html bytes.Buffer
	require.NoError(t, load(t, ModelBank, readEvents(t, "bank-ok")).Draw(&html, testBudget))
	require.True(t, strings.Contains(html.String(), "line 12: process 1: read"))
	require.True(t, strings.Contains(html.String(), "a=70 b=0 c=80"))
}

// The page takes what states are called as HTML.
func TestPictureDoesNotRunWhatValuesSay(t *testing.T) {
	h := load(t, ModelRegister, []Event{
		{Type: Invoke, F: "write", Value: json.RawMessage(`"<img src=x>"`)},
		{Type: OK, F: "write"},
	})
	var html bytes.Buffer
	require.NoError(t, h.Draw(&html, testBudget))
	_, rest, found := strings.Cut(html.String(), `"StateDescription":`)
	require.True(t, found)
	var state string
	require.NoError(t, json.NewDecoder(strings.NewReader(rest)).Decode(&state))
	require.Equal(t, "register=&#34;&lt;img src=x&gt;&#34;", state)
}

func TestPictureIsNeverDrawnOfAnUnfinishedSearch(t *testing.T) {
	h := load(t, ModelBank, readEvents(t, "bank-ok"))
	require.ErrorIs(t, h.Draw(io.Discard, 2), ErrBudget)
	long := load(t, ModelRegister, longRegister(2*MaxDrawnOps+100, 2, 1, 5, 0))
	require.ErrorIs(t, long.Draw(io.Discard, testBudget), ErrTooLong)
	require.True(t, long.TooLongToDraw())
}

func TestModelNames(t *testing.T) {
	for m := ModelRegister; m <= ModelKV; m++ {
		got, err := ParseModel(m.String())
		require.NoError(t, err)
		require.Equal(t, m, got)
	}
	_, err := ParseModel("queue")
	require.EqualError(t, err, `unknown model "queue": want register, write-once, bank, kv`)
	require.Equal(t, "none none", fmt.Sprint(Model(0), EventType(0)))
	_, err = Load(0, slices.Clone(readEvents(t, "kv-ok")))
	require.EqualError(t, err, "history: no model 0")
}
