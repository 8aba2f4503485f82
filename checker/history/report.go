package history

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"paxoscommit/checker"
)

// shownOps is how many operations of a longest prefix are printed, from its end.
const shownOps = 40

// A Report is the answer about a history that was loaded from events, for people and machines.
type Report struct {
	Verdict    string `json:"verdict"` // holds, violated or unknown.
	Model      string `json:"model"`
	Operations int    `json:"operations"` // Invocations in the file; of these
	Completed  int    `json:"ok"`         // took effect,
	Failed     int    `json:"fail"`       // failed, and were left out,
	Open       int    `json:"open"`       // have no answer.
	Steps      int    `json:"steps"`
	Checked    string `json:"checked,omitempty"` // Which checkers established the verdict.
	Reason     string `json:"reason,omitempty"`  // Why the verdict is unknown.

	// Of a violation: how long the longest linearizable prefix is, its end, the operation that has
	// no place after it, and what that operation would have met there.
	PrefixLength int      `json:"prefix_length,omitempty"`
	Prefix       []string `json:"prefix,omitempty"`
	Stuck        string   `json:"stuck,omitempty"`
	State        string   `json:"state,omitempty"`
}

// Report describes the result of Check for a history from Load.
func (h *History) Report(r Result) Report {
	report := Report{
		Verdict: r.Verdict.String(), Model: h.source.model.String(),
		Operations: len(h.source.calls), Steps: r.Steps, Checked: r.Checked, Reason: r.Reason,
	}
	for _, c := range h.source.calls {
		switch {
		case c.end < 0 || h.source.events[c.end].Type == Info:
			report.Open++
		case h.source.events[c.end].Type == Fail:
			report.Failed++
		default:
			report.Completed++
		}
	}
	if r.Stuck < 0 {
		return report
	}
	report.PrefixLength = len(r.Prefix)
	for _, id := range r.Prefix[max(0, len(r.Prefix)-shownOps):] {
		report.Prefix = append(report.Prefix, h.Describe(id))
	}
	report.Stuck = h.Describe(r.Stuck)
	report.State = h.describeFound(r)
	return report
}

// WriteText writes the report as lines of text.
func (r Report) WriteText(w io.Writer) error {
	out := bufio.NewWriter(w)
	word := map[string]string{"holds": "Ok", "violated": "Illegal", "unknown": "Unknown"}[r.Verdict]
	fmt.Fprintf(out, "%s: %s history of %s (%d ok, %d failed, %d open), %s", word, r.Model,
		counted(r.Operations, "operation"), r.Completed, r.Failed, r.Open, counted(r.Steps, "step"))
	if r.Checked != "" {
		fmt.Fprintf(out, ", by %s", r.Checked)
	}
	if r.Reason != "" {
		fmt.Fprintf(out, ": %s", r.Reason)
	}
	fmt.Fprintln(out)
	switch {
	case r.Stuck != "":
		fmt.Fprintf(out, "longest linearizable prefix, %s:\n", counted(r.PrefixLength, "operation"))
		if earlier := r.PrefixLength - len(r.Prefix); earlier > 0 {
			fmt.Fprintf(out, "  ... %s\n", counted(earlier, "earlier operation"))
		}
		for _, op := range r.Prefix {
			fmt.Fprintf(out, "  %s\n", op)
		}
		fmt.Fprintf(out, "then %s, and this operation has no place:\n  %s\n", r.State, r.Stuck)
	case r.Verdict == checker.Violated.String():
		fmt.Fprintln(out, "no prefix: the direct checker needs a larger budget to tell it")
	}
	return out.Flush()
}

// counted writes how many there are of something: 1 step, 2 steps.
func counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}

// Describe returns one line about an operation of the file, by the number of its invocation.
func (h *History) Describe(id int) string {
	c := h.source.calls[id]
	invoke := &h.source.events[c.invoke]
	var b strings.Builder
	fmt.Fprintf(&b, "line %d: process %d: %s", invoke.Line, invoke.Process, invoke.F)
	if invoke.Key != "" {
		b.WriteString(" " + invoke.Key)
	}
	if !isNull(invoke.Value) {
		fmt.Fprintf(&b, " %s", invoke.Value)
	}
	if c.end < 0 || h.source.events[c.end].Type != OK {
		b.WriteString(", open")
		return clip(b.String())
	}
	answer := h.source.events[c.end].Value
	telling := invoke.F == "read" || invoke.F == "propose" || !sameJSON(invoke.Value, answer)
	if answer != nil && telling {
		fmt.Fprintf(&b, " -> %s", answer)
	}
	return clip(b.String())
}

// describeFound tells what the cells that the stuck operation looks at held.
func (h *History) describeFound(r Result) string {
	i := slices.IndexFunc(h.ops, func(o operation) bool { return o.id == r.Stuck })
	var held []string
	for j, in := range h.ops[i].program {
		text := h.describeCell(int(in.cell), r.found[j])
		if !slices.Contains(held, text) {
			held = append(held, text)
		}
	}
	return clip(strings.Join(held, " "))
}

// describeCells tells the state: each account, or each other cell that is set.
func (h *History) describeCells(cells []int64) string {
	var held []string
	for c, v := range cells {
		if v != unset || h.source.model == ModelBank {
			held = append(held, h.describeCell(c, v))
		}
	}
	if held == nil {
		return "nothing set"
	}
	return clip(strings.Join(held, " "))
}

func (h *History) describeCell(c int, v int64) string {
	name := h.source.cells[c]
	if name == "" {
		name = "register"
	}
	switch {
	case h.source.model == ModelBank:
		return name + "=" + strconv.FormatInt(v, 10)
	case v == hidden:
		return name + "=decided, seen by no one"
	default:
		return name + "=" + h.source.values[v]
	}
}

// clip shortens a description to what fits on a screen, and keeps it on one line: what is in a
// history does not steer the terminal.
func clip(s string) string {
	const longest = 240
	runes := []rune(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s))
	if len(runes) > longest {
		return string(runes[:longest]) + "..."
	}
	return string(runes)
}
