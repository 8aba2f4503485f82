package harness

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"paxoscommit/checker"
	"paxoscommit/core"
)

// ErrRegression marks what WriteRegression cannot make a test of.
var ErrRegression = errors.New("harness: no regression test")

// WriteRegression writes a Go test, formatted, with the schedule in it, that fails as long as the
// schedule breaks what it expects to, and passes when the bug is mended. The name is the test's,
// such as TestAgreement; the test is of a package regress_test of its own. The violation v is what
// the schedule breaks; nil if the bug is mended already.
//
// So that it cannot pass by skipping, the test demands the actions of Demand, which are no business
// of the bug's, and the milestones that they reach. Errors are ErrRegression, or of w.
func WriteRegression(w io.Writer, name string, s *Schedule, v *checker.Violation) error {
	if !IsTestName(name) {
		return fmt.Errorf("%w: %q is no name for a test", ErrRegression, name)
	}
	about := fmt.Sprintf("%s failed with %v.", name, v)
	if v == nil {
		about = fmt.Sprintf("%s is what broke %v before it was mended.", name, s.Expect)
		if s.Expect == checker.NoProperty {
			return fmt.Errorf("%w: the schedule breaks nothing, and expects nothing", ErrRegression)
		}
	}
	text := Demand(s).String()
	if !strconv.CanBackquote(strings.ReplaceAll(text, "\n", "")) {
		return fmt.Errorf("%w: no raw string can hold the schedule", ErrRegression)
	}
	_, err := fmt.Fprintf(w, "package regress_test\n\n"+
		"import (\n\t\"testing\"\n\n\t\"paxoscommit/fuzz\"\n)\n\n"+
		"%sfunc %s(t *testing.T) {\n\tfuzz.Regress(t, `\n%s`)\n}\n",
		comment(about), name, text)
	return err
}

// IsTestName tells whether go test runs a function of that name. Packages go/token and go/format
// know more of Go, but what is linked here slows down native fuzzing, which looks after each input
// at what has run of all of it.
func IsTestName(name string) bool {
	rest, ok := strings.CutPrefix(name, "Test")
	for i, r := range rest {
		if i == 0 && unicode.IsLower(r) || r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return false
		}
	}
	return ok && name != "TestMain"
}

// comment returns text as comment lines of a readable length.
func comment(text string) string {
	var b strings.Builder
	column := 0
	for _, word := range strings.Fields(text) {
		switch {
		case column == 0:
			column, _ = b.WriteString("//")
		case column+len(word) > 80:
			b.WriteString("\n//")
			column = 2
		}
		b.WriteString(" " + word)
		column += 1 + len(word)
	}
	return b.String() + "\n"
}

// Demand returns a schedule that fails as s does, and ends in settle, with the actions required
// that a mended core must take too, the others optional, and with the milestones that the
// required ones reach.
//
// If the schedule breaks nothing, this is the mended core, and what it takes is required. If it
// breaks something, nobody knows here what a mended core does. But as long as the bug has not
// shown, it does the same as this one. So one part of what is required ends with the first action
// after which some short way to go on breaks a property (see ways): what comes before it makes it
// possible. The other part is what clients and faults do by themselves, whatever the machines do.
func Demand(s *Schedule) *Schedule {
	d := *s
	d.Actions = slices.Clone(s.Actions)
	c := s.Config
	c.Budget = Budget{1, 1, 1, 1, 1, 1, 1, 1}.unlimited()
	if c.Timing == Synchronous {
		c.Budget.Crashes = 0
	}
	var reached checker.Milestones
	if Replay(s).Violation == nil {
		reached = requireTaken(&c, d.Actions)
	} else {
		reached = requireUnsuspected(&c, d.Actions)
	}
	d.Reach = nil
	for m := checker.NoMilestone + 1; int(m) < checker.NumMilestones; m++ {
		if reached.Has(m) {
			d.Reach = append(d.Reach, m)
		}
	}
	if k := len(d.Actions); k == 0 || d.Actions[k-1].Action.Type != Settle {
		d.Actions = append(d.Actions, Line{Action: Action{Type: Settle}})
	}
	return &d
}

// requireTaken requires the actions that are enabled, and returns what they reach.
func requireTaken(c *Config, lines []Line) checker.Milestones {
	w := NewWorld(c)
	for i := range lines {
		a := lines[i].Action
		lines[i].Optional = !w.try(&a)
	}
	return w.monitor.Reached()
}

// requireUnsuspected requires the actions up to the first that shows the bug, and those from
// outside, and returns what they reach.
func requireUnsuspected(c *Config, lines []Line) checker.Milestones {
	var w World
	n := 0
	for n < len(lines) && !showsAfter(&w, c, lines[:n+1]) {
		n++
	}
	w.Reset(c)
	for i := range lines {
		a := lines[i].Action
		happens := isOutside(&a) && w.try(&a)
		lines[i].Optional = i > n && !happens
	}
	reached := w.monitor.Reached()
	w.Reset(c)
	applyLines(&w, lines[:n])
	return reached | w.monitor.Reached()
}

// isOutside tells whether an action is caused by a client or a fault, and not by a machine.
func isOutside(a *Action) bool {
	switch a.Type {
	case Begin, Crash, Die, Restart, Cut, Heal:
		return true
	case Fire:
		return a.Timer.Role.Kind == core.Client
	case Deliver, Drop, Duplicate:
		return a.Msg.From.Kind == core.Client
	default:
		return false
	}
}

func applyLines(w *World, lines []Line) {
	for i := range lines {
		a := lines[i].Action
		w.try(&a)
	}
}

// showsAfter tells whether one of the ways to go on after the lines breaks a property.
func showsAfter(w *World, c *Config, lines []Line) bool {
	for way := range ways(c) {
		w.Reset(c)
		applyLines(w, lines)
		w.goOn(way)
		if w.Violation() != nil {
			return true
		}
	}
	return false
}

// ways returns the number of ways in which goOn goes on.
func ways(c *Config) int { return c.Layout.Nodes + 2 }

// goOn goes on in one way: with the fair end; after the crash of one node; or after what was sent
// last has arrived first, with what that leads to.
func (w *World) goOn(way int) {
	const rush = 100 // steps, enough for a few rounds of messages
	switch {
	case way == 0:
	case way <= w.cfg.Layout.Nodes:
		w.try(&Action{Type: Crash, Node: core.NodeID(way)})
	default:
		for range rush {
			if !w.unsynced.Empty() {
				w.try(&Action{Type: Sync, Node: w.unsynced.First()})
				continue
			}
			i := len(w.net.msgs) - 1
			for i >= 0 && !w.reachable(&w.net.msgs[i]) {
				i--
			}
			if i < 0 || w.Violation() != nil {
				break
			}
			a := messageAction(Deliver, &w.net.msgs[i])
			w.try(&a)
		}
	}
	if w.Violation() == nil {
		w.Settle(nil)
	}
}
