package main

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"paxoscommit/checker/mc"
	"paxoscommit/specs"
)

// TLC's exit code for an invariant that does not hold.
const codeViolation = 12

// modules are the models of the specifications.
var modules = map[string]string{
	specs.SpecTCommit:     "MCTCommit",
	specs.SpecTwoPhase:    "MCTwoPhase",
	specs.SpecPaxosCommit: "MCPaxosCommit",
	specs.SpecBundled:     "MCBundledPaxosCommit",
}

var (
	statesLine = regexp.MustCompile(`(?m)^(\d+) states generated, (\d+) distinct states found, 0 `)
	depthLine  = regexp.MustCompile(`(?m)^The depth of the complete state graph search is (\d+)\.`)
	traceLine  = regexp.MustCompile(`(?m)^State \d+:`)
)

// A checker runs the models one after the other and writes a line on each.
type checker struct {
	out     io.Writer
	most    uint64
	only    string                                                        // a row, or "" for all
	workers int                                                           // TLC's
	tlc     func(module, cfg string) (output string, code int, err error) // nil: none
}

// errNoRow is a row that counts.json does not have.
var errNoRow = errors.New("no such row")

// counts are distinct, generated, depth.
type counts struct {
	distinct, generated uint64
	depth               int
}

func (c counts) String() string { return fmt.Sprintf("%d/%d/%d", c.distinct, c.generated, c.depth) }

// checkAll returns how many checks failed.
func (c *checker) checkAll() (failed int, err error) {
	golden, err := specs.ReadGolden()
	if err != nil {
		return 0, err
	}
	if c.only != "" {
		is := func(row specs.Count) bool { return row.String() == c.only }
		i := slices.IndexFunc(golden.Counts, is)
		if i < 0 {
			return 0, fmt.Errorf("%w: %q", errNoRow, c.only)
		}
		golden = specs.Golden{Counts: golden.Counts[i : i+1]}
	}
	for _, row := range golden.Counts {
		ok, err := c.checkCount(row)
		if err != nil {
			return failed, err
		}
		if !ok {
			failed++
		}
	}
	for _, row := range golden.Reach {
		ok, err := c.checkReach(row)
		if err != nil {
			return failed, err
		}
		if !ok {
			failed++
		}
	}
	return failed, nil
}

func (c *checker) checkCount(row specs.Count) (ok bool, err error) {
	want := counts{row.Distinct, row.Generated, row.Depth}
	fmt.Fprintf(c.out, "%-42s %-9s %v", row.Config, row.Source, want)
	start := time.Now()
	stats, _, err := specs.Explore(row.Config, mc.Options{})
	if err != nil {
		return false, err
	}
	got := counts{stats.Distinct, stats.Generated, stats.Depth}
	ok = c.verdict("go", got == want && stats.Verdict == mc.Holds, start, got, stats.Verdict)
	switch {
	case c.tlc == nil:
	case row.Generated > c.most:
		fmt.Fprint(c.out, "  tlc: more than -most")
	default:
		cfg, err := specs.Files.ReadFile(modules[row.Spec] + ".cfg")
		if err != nil {
			return false, err
		}
		start = time.Now()
		output, code, err := c.tlc(modules[row.Spec], withSizes(string(cfg), row.Config))
		if err != nil {
			return false, err
		}
		got := parseCounts(output)
		if c.workers > 1 { // then TLC may count one level too many
			got.depth = want.depth
		}
		ok = c.verdict("tlc", got == want && code == 0, start, got, lastError(output, code)) && ok
	}
	fmt.Fprintln(c.out)
	return ok, nil
}

func (c *checker) checkReach(row specs.Reach) (ok bool, err error) {
	fmt.Fprintf(c.out, "%-42s must fail after %d states", row.CFG, row.States)
	start := time.Now()
	_, findings, err := specs.Explore(row.Config, mc.Options{MaxDepth: row.States})
	if err != nil {
		return false, err
	}
	ok = slices.ContainsFunc(findings, func(f mc.Finding) bool {
		return f.Property == row.Property && f.Verdict == mc.Holds && len(f.Actions) == row.States-1
	})
	ok = c.verdict("go", ok, start, row.Property)
	if c.tlc != nil {
		cfg, err := specs.Files.ReadFile(row.CFG)
		if err != nil {
			return false, err
		}
		start = time.Now()
		output, code, err := c.tlc(modules[row.Spec], withSizes(string(cfg), row.Config))
		if err != nil {
			return false, err
		}
		states := len(traceLine.FindAllString(output, -1))
		good := code == codeViolation && states == row.States
		ok = c.verdict("tlc", good, start, states, lastError(output, code)) && ok
	}
	fmt.Fprintln(c.out)
	return ok, nil
}

// verdict writes whether a check passed, and if not, what came instead.
func (c *checker) verdict(who string, ok bool, start time.Time, got ...any) bool {
	if !ok {
		fmt.Fprintf(c.out, "  %s: FAILED: %s", who, strings.TrimSpace(fmt.Sprintln(got...)))
		return false
	}
	fmt.Fprintf(c.out, "  %s: ok %.1fs", who, time.Since(start).Seconds())
	return true
}

// withSizes puts the sizes of a configuration into the text of a .cfg file.
func withSizes(cfg string, c specs.Config) string {
	for name, n := range map[string]int{"N": c.RMs, "A": c.Acceptors, "B": c.Ballots} {
		line := regexp.MustCompile(`(?m)^  ` + name + ` = \d+$`)
		cfg = line.ReplaceAllString(cfg, "  "+name+" = "+strconv.Itoa(n))
	}
	return cfg
}

// parseCounts reads the counts of a complete exploration; they are zero without one.
func parseCounts(output string) counts {
	states := statesLine.FindStringSubmatch(output)
	depth := depthLine.FindStringSubmatch(output)
	if states == nil || depth == nil {
		return counts{}
	}
	var c counts
	c.generated, _ = strconv.ParseUint(states[1], 10, 64)
	c.distinct, _ = strconv.ParseUint(states[2], 10, 64)
	c.depth, _ = strconv.Atoi(depth[1])
	return c
}

// lastError is the line in which TLC says what went wrong, with its exit code.
func lastError(output string, code int) string {
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "Error:") {
			return fmt.Sprintf("exit code %d, %s", code, strings.TrimSpace(line))
		}
	}
	return fmt.Sprintf("exit code %d", code)
}
