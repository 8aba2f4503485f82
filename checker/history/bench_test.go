package history

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"paxoscommit/checker"
)

// bankOps is a correct history of n operations on 3 accounts, half of them reads, by 3 clients
// that overlap, the first of them open.
func bankOps(n int) (opening []int64, ops []BankOp) {
	opening = []int64{100, 100, 100}
	rng := rand.New(rand.NewPCG(3, 3))
	now := append([]int64{}, opening...)
	for i := range n {
		op := BankOp{Span: Span{Process: i % 3, Call: int64(10*i - 25), Return: int64(10*i + 5)}}
		if i%2 == 0 {
			op.From, op.To, op.Amount = rng.IntN(3), rng.IntN(3), 1
			if op.Open = i == 0; !op.Open {
				now[op.From]--
				now[op.To]++
			}
		} else {
			op.Balances = append([]int64{}, now...)
		}
		ops = append(ops, op)
	}
	return opening, ops
}

func BenchmarkBank(b *testing.B) {
	for _, n := range []int{2, 6, 10} {
		opening, ops := bankOps(n)
		for _, judge := range []struct {
			name string
			run  func(*History) checker.Verdict
		}{
			{"direct", func(h *History) checker.Verdict { return h.Direct(testBudget).Verdict }},
			{"porcupine", func(h *History) checker.Verdict { return h.Porcupine(testBudget).Verdict }},
		} {
			b.Run(fmt.Sprintf("ops=%d/%s", n, judge.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					h, err := Bank(opening, ops)
					if err != nil || judge.run(h) != checker.Holds {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkOutcomes(b *testing.B) {
	var ops []OutcomeOp
	for i := range 6 {
		ops = append(ops, OutcomeOp{
			Span: Span{Process: i % 3, Call: int64(10*i - 25), Return: int64(10*i + 5)},
			Tx:   i % 2, Kind: Decide, Seen: 1 + i%2,
		})
	}
	b.Run("ops=6/direct", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			h, err := Outcomes(2, ops)
			if err != nil || h.Direct(testBudget).Verdict != checker.Holds {
				b.Fatal(err)
			}
		}
	})
}

// longRegister is a correct history of registers: clients that overlap, each operation taking
// effect in its middle. Of a hundred
// operations, lost have no answer, half of which took effect.
func longRegister(events, clients, keys, values, lost int) []Event {
	rng := rand.New(rand.NewPCG(4, 4))
	type client struct {
		process, phase, key, lost int
		write, seen               int
	}
	running := make([]client, clients)
	for i := range running {
		running[i].process = i
	}
	held := make([]int, keys)
	var all []Event
	emit := func(c *client, t EventType, v int) {
		f := "read"
		if c.write > 0 {
			f = "write"
		}
		value := null()
		if v > 0 {
			value = marshal(v)
		}
		all = append(all, Event{
			Process: c.process, Type: t, F: f, Key: fmt.Sprintf("k%d", c.key), Value: value,
			Time: int64(len(all)), Line: len(all) + 1,
		})
	}
	for writes := 0; len(all) < events; {
		c := &running[rng.IntN(clients)]
		switch c.phase {
		case 0:
			c.key, c.write, c.seen = rng.IntN(keys), 0, 0
			c.lost = rng.IntN(200)
			if rng.IntN(2) == 0 {
				writes++
				c.write = 1 + writes%values
			}
			emit(c, Invoke, c.write)
		case 1:
			if c.write > 0 && c.lost >= lost {
				held[c.key] = c.write
			}
			c.seen = held[c.key]
		case 2:
			if c.lost < 2*lost {
				emit(c, Info, 0)
				c.process += clients
			} else if c.write > 0 {
				emit(c, OK, c.write)
			} else {
				emit(c, OK, c.seen)
			}
		}
		c.phase = (c.phase + 1) % 3
	}
	return all
}

func BenchmarkLong(b *testing.B) {
	const many = 1 << 20 // More values than writes: each is written once.
	for _, c := range []struct {
		clients, keys, values, lost int
		want                        checker.Verdict
	}{
		{1, 1, 5, 0, checker.Holds},
		{8, 1, 5, 0, checker.Holds},
		{8, 1, many, 1, checker.Holds},
		{8, 16, 5, 1, checker.Holds},
		{8, 1, 5, 1, checker.Unknown}, // Lost writes of old values can explain too much.
	} {
		name := fmt.Sprintf("events=100000/clients=%d/keys=%d/values=%d/lost=%d%%", c.clients, c.keys,
			c.values, c.lost)
		b.Run(name, func(b *testing.B) {
			var text bytes.Buffer
			require.NoError(b, WriteJSON(&text, longRegister(100_000, c.clients, c.keys, c.values, c.lost)))
			b.ReportAllocs()
			for b.Loop() {
				events, err := Parse(bytes.NewReader(text.Bytes()))
				require.NoError(b, err)
				r, err := load(b, ModelRegister, events).Check(10_000_000)
				require.NoError(b, err)
				require.Equal(b, c.want, r.Verdict, r.Reason)
				b.ReportMetric(float64(r.Steps), "steps/op")
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(m.Sys)/(1<<20), "MB-sys")
		})
	}
}
