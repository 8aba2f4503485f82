package harness

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/core/bank"
)

// maxLineBytes limits a line of a schedule, so that a wrong file cannot take all memory.
const maxLineBytes = 1 << 16

// section is a part of a schedule. Parts come in this order; the last four may be long.
type section uint8

const (
	inNothing section = iota
	inHeader
	inProtocol
	inOptions
	inTiming
	inDeaths
	inNodes
	inAccounts
	inTxns
	inExpect
	inReach
	inActions
	inEnd
)

// parser reads one schedule.
type parser struct {
	protocols []core.Protocol
	s         *Schedule
	in        section
	seen      [inEnd + 1]bool
	databases bool // a node line names one
}

// ParseSchedule reads a schedule in the form that AppendText writes; blank lines and what follows
// a # are ignored. The name stands in errors: "name:line: what is wrong", one line. An error of r
// comes back wrapped.
func ParseSchedule(name string, r io.Reader, protocols []core.Protocol) (*Schedule, error) {
	p := &parser{protocols: protocols, s: &Schedule{}}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 1<<12), maxLineBytes+1)
	at := 0
	for lines.Scan() {
		at++
		text, _, _ := strings.Cut(lines.Text(), "#")
		if at == 1 {
			text = strings.TrimPrefix(text, "\ufeff") // some editors begin a file with it
		}
		words := strings.Fields(text)
		if len(words) == 0 {
			continue
		}
		if err := p.line(words, at); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, at, err)
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("%s:%d: line longer than %d bytes", name, at+1, maxLineBytes)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case !p.seen[inHeader]:
		return nil, fmt.Errorf("%s:%d: empty: want %q", name, max(at, 1), header())
	case p.in != inEnd:
		return nil, fmt.Errorf("%s:%d: truncated: no end line", name, at)
	}
	p.s.Config.Budget = p.s.budget()
	return p.s, p.timed(name)
}

func header() string { return fmt.Sprintf("paxoscommit schedule %d", FormatVersion) }

// timed tells whether the timing allows every action.
func (p *parser) timed(name string) error {
	if p.s.Config.Timing != Synchronous {
		return nil
	}
	for i := range p.s.Actions {
		switch l := &p.s.Actions[i]; l.Action.Type {
		case Crash, CrashKeep:
			return fmt.Errorf("%s:%d: %v: in the synchronous timing crashes are for good", name,
				l.At, l.Action.Type)
		default:
		}
	}
	return nil
}

// sectionOf returns the section of a line that begins with word, inNothing if no line does.
func sectionOf(word string) section {
	actionNames := ActionNames()
	switch word {
	case "paxoscommit":
		return inHeader
	case "protocol":
		return inProtocol
	case "options":
		return inOptions
	case "timing":
		return inTiming
	case "deaths":
		return inDeaths
	case "node":
		return inNodes
	case "accounts":
		return inAccounts
	case "txn":
		return inTxns
	case "expect":
		return inExpect
	case "reach":
		return inReach
	case "end":
		return inEnd
	default:
		if word == "?" || slices.Contains(actionNames[1:], word) {
			return inActions
		}
		return inNothing
	}
}

func (p *parser) line(words []string, at int) error {
	sec := sectionOf(words[0])
	if err := p.enter(sec, words[0]); err != nil {
		return err
	}
	rest := words[1:]
	c := &p.s.Config
	switch sec {
	case inHeader:
		if strings.Join(words, " ") != header() {
			return fmt.Errorf("want %q", header())
		}
		return nil
	case inProtocol:
		return p.protocol(rest)
	case inOptions:
		return p.options(rest)
	case inTiming:
		return p.timing(rest)
	case inDeaths:
		word, err := one(rest, "majority")
		c.LoseMajority = word == "majority"
		if err == nil && !c.LoseMajority {
			err = fmt.Errorf("deaths %.40q: want majority", word)
		}
		return err
	case inNodes:
		return p.node(rest)
	case inAccounts:
		return p.accounts(rest)
	case inTxns:
		return p.txn(rest)
	case inExpect:
		property, err := checker.ParseProperty(strings.Join(rest, " "))
		p.s.Expect = property
		return err
	case inReach:
		return p.reach(rest)
	case inEnd:
		return noMore(rest)
	default:
		l := Line{At: at}
		if words[0] == "?" {
			l.Optional, words = true, rest
		}
		err := c.parseAction(words, &l.Action)
		p.s.Actions = append(p.s.Actions, l)
		return err
	}
}

// enter goes on to a section, if it is its turn and what it needs is there.
func (p *parser) enter(sec section, word string) error {
	once := sec != inNodes && sec != inTxns && sec != inReach && sec != inActions
	switch {
	case !p.seen[inHeader] && sec != inHeader:
		return fmt.Errorf("want %q first", header())
	case sec == inNothing:
		return fmt.Errorf("unknown action %.40q", word)
	case p.in == inEnd:
		return fmt.Errorf("%.40q after the end", word)
	case sec == p.in && once || sec < p.in && p.seen[sec] && once:
		return fmt.Errorf("a second %s line", word)
	case sec < p.in:
		return fmt.Errorf("%s line too late: the order is protocol, options, timing, deaths, "+
			"node, accounts, txn, expect, reach, actions, end", word)
	case sec > inProtocol && !p.seen[inProtocol]:
		return fmt.Errorf("%.40q before a protocol line", word)
	case sec > inTiming && !p.seen[inTiming]:
		return fmt.Errorf("%.40q before a timing line", word)
	case sec > inNodes && !p.seen[inNodes]:
		return fmt.Errorf("%.40q before a node line", word)
	case sec > inAccounts && !p.seen[inAccounts]:
		return fmt.Errorf("%.40q before an accounts line", word)
	}
	p.in, p.seen[sec] = sec, true
	return nil
}

func noMore(words []string) error {
	if len(words) > 0 {
		return fmt.Errorf("%.40q is too much", words[0])
	}
	return nil
}

func one(words []string, what string) (string, error) {
	if len(words) == 0 {
		return "", fmt.Errorf("want %s", what)
	}
	return words[0], noMore(words[1:])
}

func (p *parser) protocol(words []string) error {
	name, err := one(words, "the name of a protocol")
	if err != nil {
		return err
	}
	var known []string
	for _, q := range p.protocols {
		if q.Name() == name {
			p.s.Config.Protocol = q
			return nil
		}
		known = append(known, q.Name())
	}
	return fmt.Errorf("no protocol is called %.40q; there are %s", name, strings.Join(known, ", "))
}

func (p *parser) options(words []string) error {
	if len(words) == 0 {
		return errors.New("want the names of options")
	}
	c := &p.s.Config
	known := c.Protocol.Options()
	for _, name := range words {
		i := slices.Index(known, name)
		switch {
		case i < 0:
			return fmt.Errorf("%s has no option %.40q; it has %s", c.Protocol.Name(), name,
				strings.Join(known, ", "))
		case c.Layout.Has(i):
			return fmt.Errorf("option %s twice", name)
		}
		c.Layout.Options |= 1 << i
	}
	return nil
}

func (p *parser) timing(words []string) error {
	name, err := one(words, "asynchronous or synchronous")
	if err != nil {
		return err
	}
	for _, t := range []Timing{Asynchronous, Synchronous} {
		if t.String() == name {
			p.s.Config.Timing = t
			return nil
		}
	}
	return fmt.Errorf("timing %.40q: want asynchronous or synchronous", name)
}

func (p *parser) node(words []string) error {
	l := &p.s.Config.Layout
	kinds := core.PlacedKinds()
	want := core.NodeID(l.Nodes + 1)
	switch {
	case l.Nodes == core.MaxNodes:
		return fmt.Errorf("more than %d nodes", core.MaxNodes)
	case len(words) == 0 || words[0] != want.String():
		return fmt.Errorf("want node %v", want)
	}
	l.Nodes++
	for _, word := range words[1:] {
		r, err := parseRole(word)
		if err != nil {
			return err
		}
		switch {
		case !slices.Contains(kinds[:], r.Kind):
			return fmt.Errorf("%v cannot be placed: it is on no node", r)
		case l.NodeOf(r) != 0:
			return fmt.Errorf("%v is on %v already", r, l.NodeOf(r))
		}
		if err := p.grow(r); err != nil {
			return fmt.Errorf("%v: %w", r, err)
		}
		l.Place(r, want)
	}
	return nil
}

// grow makes room for a role in the sizes of the layout.
func (p *parser) grow(r core.Role) error {
	c := &p.s.Config
	sizes := c.Layout.Sizes
	sizes.SetCount(r.Kind, max(sizes.Count(r.Kind), int(r.ID)))
	sizes.Replicas = max(sizes.Replicas, int(r.Replica))
	_, most := c.Protocol.Limits()
	if err := sizes.Check(core.Sizes{}, most); err != nil {
		return err
	}
	if !sizes.Exists(r) {
		return errors.New("replicas are of resource managers and transaction managers, all or none")
	}
	c.Layout.Sizes = sizes
	p.databases = p.databases || r.Kind == core.Resource
	return nil
}

// accounts also judges the layout, which is complete by now.
func (p *parser) accounts(words []string) error {
	c := &p.s.Config
	if err := c.Layout.CheckPlaced(); err != nil {
		return err
	}
	if p.databases && c.Layout.Replicas == 0 {
		return errors.New("a database goes with its resource manager")
	}
	if len(words) != 3 || words[1] != "opening" {
		return errors.New("want accounts N opening M")
	}
	n, err := parseNumber("accounts", words[0], 1, bank.MaxAccounts)
	if err != nil {
		return err
	}
	c.Opening, err = parseNumber("opening", words[2], 0, MaxMoney)
	if err != nil {
		return err
	}
	c.Accounts = int(n)
	return unmark(c.Validate())
}

// unmark takes the mark of the package from the front of an error that says its place anyway.
func unmark(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(strings.TrimPrefix(err.Error(), ErrConfig.Error()+": "))
}

func parseNumber(what, text string, low, high int64) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < low || n > high || strconv.FormatInt(n, 10) != text {
		return 0, fmt.Errorf("%s %.40q: want a number from %d to %d", what, text, low, high)
	}
	return n, nil
}

func (p *parser) txn(words []string) error {
	if len(words) < 3 {
		return errors.New("want txn ID RM WORK")
	}
	c := &p.s.Config
	var t checker.Txn
	var err error
	if t.ID, err = parseTx(words[0]); err != nil {
		return err
	}
	rm, err := parseRole(words[1])
	if err != nil {
		return err
	}
	if rm.Kind != core.RM {
		return fmt.Errorf("%v: want a resource manager", rm)
	}
	work := words[2:]
	if text, ok := strings.CutPrefix(work[0], "optional="); ok {
		if t.Optional, err = parseSet("optional", text); err != nil {
			return err
		}
		if t.Optional.String() != text {
			return fmt.Errorf("optional %q: want %v", text, t.Optional)
		}
		work = work[1:]
	}
	if t.Work, err = parseWork(strings.Join(work, " ")); err != nil {
		return err
	}
	if outside := t.Work.Accounts() &^ core.FullSet(c.Accounts); outside != 0 {
		name := AccountName(outside.First())
		return fmt.Errorf("account %s: there are %d accounts", name, c.Accounts)
	}
	t.RM, t.Members = rm.ID, c.MembersOf(t.Work)|t.Optional
	last := core.TxID{}
	if n := len(c.Txns); n > 0 {
		last = c.Txns[n-1].ID
	}
	if err := c.validateTxn(last, &t); err != nil {
		return unmark(err)
	}
	c.Txns = append(c.Txns, t)
	return nil
}

func parseWork(text string) (bank.Work, error) {
	var w struct {
		Transfer *int64   `json:"transfer"`
		From     string   `json:"from"`
		To       string   `json:"to"`
		Read     []string `json:"read"`
	}
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil || d.InputOffset() != int64(len(text)) {
		return bank.Work{}, fmt.Errorf(
			`work %.80q: want {"transfer":N,"from":A,"to":B} or {"read":[A,...]}`, text)
	}
	var work bank.Work
	switch {
	case w.Transfer != nil && w.Read == nil:
		if *w.Transfer < 1 || *w.Transfer > MaxMoney {
			return work, fmt.Errorf("transfer of %d: want a number from 1 to %d", *w.Transfer,
				MaxMoney)
		}
		work.Amount = *w.Transfer
		var err error
		if work.From, err = parseAccount(w.From); err != nil {
			return work, err
		}
		work.To, err = parseAccount(w.To)
		return work, err
	case w.Transfer == nil && len(w.Read) > 0 && w.From == "" && w.To == "":
		for _, name := range w.Read {
			a, err := parseAccount(name)
			if err != nil {
				return work, err
			}
			work.Read = work.Read.With(a)
		}
		return work, nil
	}
	return work, errors.New("work: want either a transfer or a read")
}

func parseAccount(name string) (uint8, error) {
	for a := range uint8(bank.MaxAccounts) {
		if AccountName(a+1) == name {
			return a + 1, nil
		}
	}
	return 0, fmt.Errorf("no account is called %.40q", name)
}

func (p *parser) reach(words []string) error {
	name, err := one(words, "the name of a milestone")
	if err != nil {
		return err
	}
	m, err := checker.ParseMilestone(name)
	if err != nil {
		return err
	}
	if slices.Contains(p.s.Reach, m) {
		return fmt.Errorf("reach %v twice", m)
	}
	p.s.Reach = append(p.s.Reach, m)
	return nil
}

// parseRole reads what Role.String writes.
func parseRole(text string) (core.Role, error) {
	for k, name := range core.RoleNames() {
		digits, ok := strings.CutPrefix(text, name)
		if !ok || k == int(core.NoRole) {
			continue
		}
		number, replica, _ := strings.Cut(digits, ".")
		n, err1 := strconv.ParseUint(number, 10, 8)
		c, err2 := strconv.ParseUint(cmp.Or(replica, "0"), 10, 8)
		r := core.Role{Kind: core.RoleKind(k), ID: uint8(n), Replica: uint8(c)}
		if err1 == nil && err2 == nil && n > 0 && r.String() == text {
			return r, nil
		}
	}
	return core.Role{}, fmt.Errorf("no role is called %.40q", text)
}

// parseTx reads what TxID.String writes.
func parseTx(text string) (core.TxID, error) {
	id, seq, _ := strings.Cut(strings.TrimPrefix(text, "c"), ".")
	origin, epoch, _ := strings.Cut(id, "e")
	o, err1 := strconv.ParseUint(origin, 10, 16)
	e, err2 := strconv.ParseUint(cmp.Or(epoch, "0"), 10, 16)
	n, err3 := strconv.ParseUint(seq, 10, 32)
	t := core.TxID{Origin: uint16(o), Epoch: uint16(e), Seq: uint32(n)}
	if err := errors.Join(err1, err2, err3); err != nil || t.String() != text {
		return core.TxID{}, fmt.Errorf("no transaction is called %.40q", text)
	}
	return t, nil
}
