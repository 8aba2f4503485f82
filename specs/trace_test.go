package specs

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// takenOver is a run of resource managers 1 and 3: acc1 accepts both votes in one bundle, acc2 only
// promises, a leader takes over, finds the votes and commits, and acc1 forgets.
func takenOver() Trace {
	const rm1, rm3 = 1 << 0, 1 << 2
	return Trace{Tx: "c1.1", RMs: rm1 | rm3, Acceptors: 3, Events: []TraceEvent{
		{Type: TraceVote, ID: 1, To: Prepared, At: "a"},
		{Type: TraceVote, ID: 3, To: Prepared, At: "b"},
		{Type: TracePhase1a, Bal: 4, At: "c"},
		{Type: TraceAcceptor, ID: 1, Prepared: rm1 | rm3, At: "d"},
		{Type: TraceAcceptor, ID: 1, MBal: 4, Prepared: rm1 | rm3, At: "e"},
		{Type: TraceAcceptor, ID: 2, MBal: 4, At: "f"},
		{Type: TracePhase2a, Bal: 4, Prepared: rm1 | rm3, At: "g"},
		{Type: TraceAcceptor, ID: 1, MBal: 4, Bal: 4, Prepared: rm1 | rm3, At: "h"},
		{Type: TraceAcceptor, ID: 2, MBal: 4, Bal: 4, Prepared: rm1 | rm3, At: "i"},
		{Type: TraceDecide, To: Committed, At: "j"},
		{Type: TraceOutcome, ID: 3, To: Committed, At: "k"},
		{Type: TraceOutcome, ID: 1, To: Committed, At: "l"},
		{Type: TraceForget, ID: 1, At: "m"},
	}}
}

func TestTraceOfTheSpecificationIsAccepted(t *testing.T) {
	trace := takenOver()
	require.NoError(t, trace.Check())
	for n := range trace.Events {
		part := trace
		part.Events = trace.Events[:n]
		require.NoError(t, part.Check(), "a run may end anywhere")
	}
}

func TestDivergenceIsNamed(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Trace)
		at     string
	}{
		{"an acceptor accepts what nobody voted", func(t *Trace) {
			t.Events[3].Prepared, t.Events[3].Aborted = 1<<0, 1<<2
		}, `event 4 is no step of BundledPaxosCommit: [type |-> "acceptor", acc |-> 1, mbal |-> 0, ` +
			`bal |-> 0, prepared |-> {1}, aborted |-> {3}, at |-> "d"]`},
		{"an acceptor accepts below its promise", func(t *Trace) {
			t.Events[4], t.Events[3] = t.Events[3], TraceEvent{Type: TraceAcceptor, ID: 1, MBal: 4}
		}, "event 5 "},
		{"a promise is gone", func(t *Trace) { t.Events[4].MBal = 0 }, "event 5 "},
		{"a leader proposes without a majority", func(t *Trace) {
			t.Events = slices.Delete(t.Events, 5, 6)
		}, "event 6 "},
		{"a leader proposes aborted where prepared may be chosen", func(t *Trace) {
			t.Events[6].Prepared, t.Events[6].Aborted = 0, 1<<0|1<<2
		}, "event 7 "},
		{"a ballot has two proposals", func(t *Trace) {
			t.Events = slices.Insert(t.Events, 7, t.Events[6])
		}, "event 8 "},
		{"one acceptor is no majority", func(t *Trace) {
			t.Events = slices.Delete(t.Events, 8, 9)
		}, "event 9 "},
		{"a resource manager commits before the outcome", func(t *Trace) {
			t.Events[9], t.Events[10] = t.Events[10], t.Events[9]
		}, "event 10 "},
		{"a resource manager aborts what is committed", func(t *Trace) {
			t.Events[11].To = Aborted
		}, "event 12 "},
		{"an acceptor forgets too early", func(t *Trace) {
			t.Events = slices.Delete(t.Events, 11, 12)
		}, "event 12 "},
		{"an acceptor forgets, and promises again", func(t *Trace) {
			t.Events = append(t.Events, TraceEvent{Type: TraceAcceptor, ID: 1, MBal: 4})
		}, "event 14 "},
	} {
		t.Run(test.name, func(t *testing.T) {
			trace := takenOver()
			test.change(&trace)
			err := trace.Check()
			require.ErrorIs(t, err, ErrTrace)
			require.Contains(t, err.Error(), test.at)
		})
	}
}

func TestTraceOfOtherActionsIsAccepted(t *testing.T) {
	for _, test := range []struct {
		name   string
		events []TraceEvent
	}{
		{"short-circuit", []TraceEvent{
			{Type: TraceVote, ID: 2, To: Aborted},
			{Type: TraceDecide, To: Aborted},
			{Type: TraceOutcome, ID: 1, To: Aborted},
			{Type: TraceOutcome, ID: 2, To: Aborted},
		}},
		{"Faster: nobody sends the outcome", []TraceEvent{
			{Type: TraceVote, ID: 1, To: Prepared},
			{Type: TraceVote, ID: 2, To: Prepared},
			{Type: TraceAcceptor, ID: 1, Prepared: 1},
			{Type: TraceAcceptor, ID: 1, Prepared: 3},
			{Type: TraceOutcome, ID: 1, To: Committed},
		}},
		{"a promise takes a bundle with it", []TraceEvent{
			{Type: TraceVote, ID: 1, To: Prepared},
			{Type: TracePhase1a, Bal: 1},
			{Type: TraceAcceptor, ID: 1, MBal: 1, Prepared: 1},
			{Type: TracePhase2a, Bal: 1, Prepared: 1, Aborted: 2},
		}},
		{"a vote is relayed", []TraceEvent{
			{Type: TraceVote, ID: 1, To: Prepared},
			{Type: TracePhase1a, Bal: 1},
			{Type: TraceAcceptor, ID: 1, MBal: 1},
			{Type: TracePhase2a, Bal: 1, Prepared: 1, Aborted: 2},
		}},
	} {
		trace := Trace{Tx: "c1.1", RMs: 3, Acceptors: 1, Events: test.events}
		require.NoError(t, trace.Check(), test.name)
	}
}

func TestTraceTooLargeForTheModelIsAnError(t *testing.T) {
	trace := takenOver()
	trace.Acceptors = MaxAcceptors + 1
	require.ErrorIs(t, trace.Check(), ErrSize)
}

func TestTraceModuleHasWhatItExtendsAndSets(t *testing.T) {
	trace := takenOver()
	text := trace.Module("Trace_c1_1")
	for _, line := range []string{
		"---------- MODULE Trace_c1_1 ----------",
		"TheRM == {1, 3}", "TheAcceptor == 1..3", "TheBallot == {0, 4}",
		`  [type |-> "forget", acc |-> 1, at |-> "m"]`,
	} {
		require.Contains(t, strings.Split(text, "\n"), line)
	}
	for _, name := range TraceModules() {
		_, err := Files.ReadFile(name)
		require.NoError(t, err)
	}
}
