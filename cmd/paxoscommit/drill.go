package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"paxoscommit/core"
	"paxoscommit/fuzz"
	"paxoscommit/harness"
	"paxoscommit/harness/drill"
)

const drillHelp = `Lets one thing go wrong in one transaction, and says what becomes of everybody
who is left, if nobody comes back and no partition heals. All is run for real.

With a number, one of five scenarios is told step by step:

%s
With matrix, two resource managers are taken through every step of every
protocol: before each message is delivered the coordinator dies, or rm2 is cut
off from all others. Without an argument all scenarios are answered, and then
the matrix.

An answer is what each living resource manager comes to: commits, aborts,
blocks (it has voted, holds its locks and cannot know), or untouched (it has not
voted). The sides of a partition are told apart by a bar; SPLIT means that one
has committed and another has aborted.

The timing is synchronous: whoever stops waiting is right to, but for
partitions.

--json prints an object an answer: drill, protocol, option (that is on), failure,
before (the message), rms (what each comes to), far (those cut off), splits, and
schedule (the file, with --save).`

// ruleSet is a protocol with the options that make it what it is called.
type ruleSet struct {
	name     string
	option   string // that is on; empty if none
	protocol core.Protocol
	options  uint32
}

// ruleSets returns the protocols, and the options of theirs that change who decides.
func ruleSets() []ruleSet {
	var all []ruleSet
	for _, p := range fuzz.Protocols() {
		all = append(all, ruleSet{name: p.Name(), protocol: p})
		if i := slices.Index(p.Options(), "cooperative"); i >= 0 {
			all = append(all, ruleSet{p.Name() + ", cooperative", "cooperative", p, 1 << i})
		}
	}
	return all
}

// scenario is a failure at one moment, for the rule sets whose names have a prefix.
type scenario struct {
	title   string
	prefix  string
	sizes   core.Sizes
	happens string
	when    drill.When
	failure func(c *harness.Config) drill.Failure
}

func roles(kind core.RoleKind, ids ...uint8) []core.Role {
	var list []core.Role
	for _, id := range ids {
		list = append(list, core.Role{Kind: kind, ID: id})
	}
	return list
}

// coordinatorDies is the death of whoever coordinates.
func coordinatorDies(c *harness.Config) drill.Failure {
	return drill.Failure{Die: []core.Role{c.Layout.Coordinator(0)}}
}

// rm2CutOff is a partition with rm2, and all its replicas and its database, on the far side.
func rm2CutOff(c *harness.Config) drill.Failure {
	var far []core.Role
	for _, r := range c.Layout.AppendRoles(nil) {
		if r.ID == 2 && (r.Kind == core.RM || r.Kind == core.Resource) {
			far = append(far, r)
		}
	}
	return drill.Failure{Cut: far}
}

// after happens once n messages of a type have been delivered.
func after(t core.MsgType, n int) drill.When {
	return func(delivered []core.Message, _ *core.Message) bool {
		count := 0
		for i := range delivered {
			if delivered[i].Type == t {
				count++
			}
		}
		return count == n
	}
}

// before happens when the first message of a type is next.
func before(t core.MsgType) drill.When {
	return func(_ []core.Message, next *core.Message) bool { return next != nil && next.Type == t }
}

func scenarios() []scenario {
	five := core.Sizes{RMs: 2, Acceptors: 5, Leaders: 2}
	cut := func(*harness.Config) drill.Failure {
		return drill.Failure{Cut: slices.Concat(roles(core.Acceptor, 4, 5), roles(core.RM, 2),
			roles(core.Leader, 2))}
	}
	return []scenario{
		{
			title: "2PC: the coordinator crashes after all have prepared", prefix: "2pc",
			sizes: core.Sizes{RMs: 2}, when: before(core.MsgCommit), failure: coordinatorDies,
			happens: "tm1 dies before it has told anybody the outcome",
		},
		{
			title: "3PC: the coordinator crashes after pre-commit has reached all", prefix: "3pc",
			sizes: core.Sizes{RMs: 2}, when: after(core.MsgPreCommit, 2), failure: coordinatorDies,
			happens: "tm1 dies after pre-commit has reached rm1 and rm2",
		},
		{
			title: "3PC: a partition after pre-commit has reached one of two", prefix: "3pc",
			sizes: core.Sizes{RMs: 2}, when: after(core.MsgPreCommit, 1), failure: rm2CutOff,
			happens: "rm2 is cut off from tm1 and rm1 before pre-commit has reached it",
		},
		{
			title: "Paxos Commit: one of five acceptors crashes", prefix: "paxos-commit",
			sizes: five, when: before(core.MsgPhase2b),
			failure: func(*harness.Config) drill.Failure {
				return drill.Failure{Die: roles(core.Acceptor, 1)}
			},
			happens: "acc1 dies before anybody has heard from an acceptor",
		},
		{
			title: "Paxos Commit: five acceptors are split 3 and 2", prefix: "paxos-commit",
			sizes: five, when: before(core.MsgPhase2b), failure: cut,
			happens: "rm2, ldr2, acc4 and acc5 are cut off after all votes have reached the acceptors",
		},
	}
}

// drillFlags are the flags of the sub-command.
type drillFlags struct {
	protocol, save string
	json           bool
}

func newDrillCommand() *cobra.Command {
	var f drillFlags
	var list strings.Builder
	for i, s := range scenarios() {
		fmt.Fprintf(&list, "  %d  %s\n", i+1, s.title)
	}
	cmd := &cobra.Command{
		Use:     "drill [1|2|3|4|5|matrix]",
		Short:   "Let one thing go wrong, and see who commits, aborts, blocks or splits",
		Long:    fmt.Sprintf(drillHelp, list.String()),
		Example: "  paxoscommit drill 3\n  paxoscommit drill matrix --protocol 2pc",
		Args:    atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			out := bufio.NewWriter(cmd.OutOrStdout())
			err := f.run(out, args)
			return cmp.Or(err, out.Flush())
		},
	}
	set := cmd.Flags()
	set.SortFlags = false
	set.StringVar(&f.protocol, "protocol", "", "of the matrix, only this: "+
		strings.Join(protocolNames(), ", "))
	set.StringVar(&f.save, "save", "", "directory for the schedules behind the answers")
	set.BoolVar(&f.json, "json", false, "print one JSON object an answer")
	return cmd
}

func (f *drillFlags) run(out io.Writer, args []string) error {
	if f.protocol != "" {
		if _, err := fuzz.FindProtocol(f.protocol); err != nil {
			return err
		}
	}
	if err := makeDir(f.save); err != nil {
		return err
	}
	w := &drillWriter{flags: f, out: out}
	if len(args) == 0 {
		for i := range scenarios() {
			if err := w.scenario(i, false); err != nil {
				return err
			}
		}
		return w.matrix()
	}
	if args[0] == "matrix" {
		return w.matrix()
	}
	for i := range scenarios() {
		switch {
		case args[0] != strconv.Itoa(i+1):
		case f.protocol != "":
			return fmt.Errorf("--protocol is for the matrix: drill %d has its own", i+1)
		default:
			return w.scenario(i, true)
		}
	}
	return fmt.Errorf("no drill is called %q: want 1 to %d, or matrix", args[0], len(scenarios()))
}

// drillWriter tells what drills have led to.
type drillWriter struct {
	flags *drillFlags
	out   io.Writer
}

// answer is one result as JSON has it.
type answer struct {
	Drill    string   `json:"drill"`
	Protocol string   `json:"protocol"`
	Option   string   `json:"option,omitempty"`
	Failure  string   `json:"failure"`
	Before   string   `json:"before"`
	RMs      []string `json:"rms"`
	Far      string   `json:"far,omitempty"`
	Splits   bool     `json:"splits"`
	Schedule string   `json:"schedule,omitempty"`
}

// scenario runs a scenario with each of its rule sets, and with steps tells all that happened.
func (w *drillWriter) scenario(i int, steps bool) error {
	s := scenarios()[i]
	if !w.flags.json {
		fmt.Fprintf(w.out, "%d. %s\n   %s\n", i+1, s.title, s.happens)
	}
	for _, rules := range ruleSets() {
		if !strings.HasPrefix(rules.name, s.prefix) &&
			!strings.HasPrefix(rules.name, "faster-"+s.prefix) {
			continue
		}
		cfg, err := rules.config(s.sizes)
		if err != nil {
			return err
		}
		r, err := drill.Run(cfg, s.when, s.failure(cfg))
		if err != nil {
			return fmt.Errorf("%s: %w", rules.name, err)
		}
		if err := w.tell(strconv.Itoa(i+1), rules, s.happens, r); err != nil {
			return err
		}
		if w.flags.json {
			continue
		}
		fmt.Fprintf(w.out, "   %-22s %s\n", rules.name, describe(r))
		if steps {
			w.steps(r)
		}
	}
	if !w.flags.json {
		fmt.Fprintln(w.out)
	}
	return nil
}

// config returns the world in which a rule set is drilled.
func (s *ruleSet) config(sizes core.Sizes) (*harness.Config, error) {
	cfg, err := drill.NewConfig(s.protocol, sizes)
	if err != nil {
		return nil, err
	}
	cfg.Layout.Options = s.options
	return cfg, cfg.Validate()
}

// afterFailure is how many actions are told after a failure even if nobody decides anything.
const afterFailure = 12

// steps tells what happened, but for disks, until all is decided that will be. Its numbers are
// those of replay --step.
func (w *drillWriter) steps(r *drill.Result) {
	told := max(r.Last+2, r.Failed+afterFailure) // what is learned, its database is told
	for i, l := range r.Schedule.Actions {
		if i == told {
			fmt.Fprintf(w.out, "          %d more, and nobody decides anything\n",
				len(r.Schedule.Actions)-i)
			return
		}
		if l.Action.Type != harness.Sync {
			fmt.Fprintf(w.out, "     %3d  %v%s\n", i, l.Action, on(r, l.Action.Node))
		}
	}
}

// on lists the roles of a node in brackets, or nothing for node 0.
func on(r *drill.Result, n core.NodeID) string {
	var names []string
	l := &r.Schedule.Config.Layout
	for _, role := range l.AppendRoles(nil) {
		if n != 0 && l.NodeOf(role) == n {
			names = append(names, role.String())
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " (" + strings.Join(names, ", ") + ")"
}

// tell saves the schedule of a result, and writes the result as JSON, if that is asked for.
func (w *drillWriter) tell(name string, rules ruleSet, failure string, r *drill.Result) error {
	a := answer{
		Drill: name, Protocol: rules.protocol.Name(), Option: rules.option, Failure: failure,
		Before: nextOf(r), Splits: r.Splits(),
	}
	for _, s := range r.RMs {
		a.RMs = append(a.RMs, s.String())
	}
	if r.Far != 0 {
		a.Far = r.Far.String()
	}
	if w.flags.save != "" {
		base := strings.NewReplacer(", ", "-", " ", "-").Replace(name + "-" + rules.name)
		a.Schedule = filepath.Join(w.flags.save, base+".schedule")
		if err := os.WriteFile(a.Schedule, r.Schedule.AppendText(nil), 0o644); err != nil {
			return err
		}
	}
	if !w.flags.json {
		return nil
	}
	return writeObject(w.out, a)
}

func nextOf(r *drill.Result) string {
	if r.Next == nil {
		return "the end"
	}
	return fmt.Sprintf("%v->%v %v", r.Next.From, r.Next.To, r.Next.Type)
}

// describe says what becomes of everybody in a few words.
func describe(r *drill.Result) string {
	text := side(r, false)
	if r.Far != 0 {
		text += " | " + side(r, true)
	}
	if r.Splits() {
		text += "  SPLIT"
	}
	return text
}

func side(r *drill.Result, far bool) string {
	if state, same := r.Of(far); same && state != drill.NoState {
		return state.String()
	}
	var list []string
	for i, s := range r.RMs {
		if s != drill.Dead && r.Far.Has(uint8(i+1)) == far {
			list = append(list, fmt.Sprintf("rm%d %v", i+1, s))
		}
	}
	return strings.Join(list, ", ")
}

// matrix takes every rule set through every step of a commit of two resource managers.
func (w *drillWriter) matrix() error {
	for _, rules := range ruleSets() {
		if w.flags.protocol != "" && rules.protocol.Name() != w.flags.protocol {
			continue
		}
		rows, err := w.rows(rules)
		if err != nil {
			return err
		}
		if w.flags.json {
			continue
		}
		t := tabwriter.NewWriter(w.out, 0, 0, 2, ' ', 0)
		fmt.Fprintf(t, "%s, before\tthe coordinator dies\trm2 is cut off\n", rules.name)
		for _, row := range rows {
			fmt.Fprintf(t, "  %s\t%s\t%s\n", row[0], row[1], row[2])
		}
		t.Flush()
		fmt.Fprintln(w.out)
	}
	return nil
}

// rows returns a row for each message: the message, and what becomes of everybody if the
// coordinator dies before it, or rm2 is cut off.
func (w *drillWriter) rows(rules ruleSet) ([][3]string, error) {
	cfg, err := rules.config(core.Sizes{RMs: 2, Acceptors: 3, Leaders: 2, Replicas: 3})
	if err != nil {
		return nil, err
	}
	var rows [][3]string
	for i := 0; ; i++ {
		var row [3]string
		for k, f := range []struct {
			name    string
			failure drill.Failure
		}{
			{"coordinator-dies", coordinatorDies(cfg)}, {"rm2-cut-off", rm2CutOff(cfg)},
		} {
			r, err := drill.Run(cfg, drill.Before(i), f.failure)
			if err != nil {
				return nil, err
			}
			row[0], row[k+1] = nextOf(r), describe(r)
			name := fmt.Sprintf("matrix-%s-%02d", f.name, i)
			if err := w.tell(name, rules, f.name, r); err != nil {
				return nil, err
			}
		}
		rows = append(rows, row)
		if row[0] == "the end" {
			return rows, nil
		}
	}
}
