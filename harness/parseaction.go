package harness

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"paxoscommit/checker"
	"paxoscommit/core"
)

// parseAction reads what Action.String writes into a, as words. What the configuration has no
// place for is an error.
func (c *Config) parseAction(words []string, a *Action) error {
	if len(words) == 0 {
		return errors.New("want an action")
	}
	names := ActionNames()
	t := slices.Index(names[1:], words[0]) + 1
	if t == 0 {
		return fmt.Errorf("unknown action %.40q", words[0])
	}
	a.Type = ActionType(t)
	rest := words[1:]
	var err error
	switch a.Type {
	case Begin, GiveUp:
		a.Role, err = c.parseExisting(rest)
		if err == nil && a.Role.Kind != core.Client {
			err = fmt.Errorf("%v: want a client", a.Role)
		}
	case Deliver, Drop, Duplicate, Refuse:
		a.Msg, err = c.parseMessage(rest)
	case Fire:
		a.Timer, err = c.parseTimer(rest)
	case Sync, Crash, CrashKeep, Die, Restart, Cut:
		a.Node, err = c.parseNode(rest)
	default:
		return noMore(rest)
	}
	if err != nil {
		return fmt.Errorf("%v: %w", a.Type, err)
	}
	if got, want := strings.Join(words, " "), a.String(); got != want {
		return fmt.Errorf("%.120q is not in the form of %q", got, want)
	}
	return nil
}

func (c *Config) parseExisting(words []string) (core.Role, error) {
	if len(words) == 0 {
		return core.Role{}, errors.New("want a role")
	}
	r, err := parseRole(words[0])
	if err != nil {
		return r, err
	}
	if !c.exists(r) {
		return r, fmt.Errorf("there is no %v here", r)
	}
	return r, nil
}

func (c *Config) parseNode(words []string) (core.NodeID, error) {
	if len(words) == 0 {
		return 0, errors.New("want a node")
	}
	for n := range c.Layout.Nodes {
		if node := core.NodeID(n + 1); node.String() == words[0] {
			return node, nil
		}
	}
	return 0, fmt.Errorf("there is no node %.40q here", words[0])
}

func (c *Config) parseTimer(words []string) (core.Timer, error) {
	var t core.Timer
	var err error
	if t.Role, err = c.parseExisting(words); err != nil {
		return t, err
	}
	if len(words) < 3 {
		return t, errors.New("want ROLE KIND tx=ID")
	}
	names := core.TimerNames()
	kind := slices.Index(names[1:], words[1]) + 1
	if kind == 0 {
		return t, fmt.Errorf("unknown timer %.40q", words[1])
	}
	t.Kind = core.TimerKind(kind)
	t.Tx, _, err = c.parseKnownTx(strings.TrimPrefix(words[2], "tx="))
	return t, err
}

// parseKnownTx reads the id of a transaction of the configuration, and returns its members too.
func (c *Config) parseKnownTx(text string) (core.TxID, core.Set, error) {
	tx, err := parseTx(text)
	if err != nil {
		return tx, 0, err
	}
	i, ok := slices.BinarySearchFunc(c.Txns, tx, func(t checker.Txn, tx core.TxID) int {
		return cmp.Compare(t.ID.Word(), tx.Word())
	})
	if !ok {
		return tx, 0, fmt.Errorf("nobody asks for %v", tx)
	}
	return tx, c.Txns[i].Members, nil
}

// parseMessage reads what Message.String writes. Which fields a type has, the caller finds out by
// writing the message again.
func (c *Config) parseMessage(words []string) (core.Message, error) {
	var m core.Message
	if len(words) < 3 {
		return m, errors.New("want FROM->TO TYPE tx=ID")
	}
	from, to, _ := strings.Cut(words[0], "->")
	var err error
	if m.From, err = c.parseExisting([]string{from}); err != nil {
		return m, err
	}
	if m.To, err = c.parseExisting([]string{to}); err != nil {
		return m, err
	}
	names := core.MsgNames()
	t := slices.Index(names[1:], words[1]) + 1
	if t == 0 {
		return m, fmt.Errorf("unknown message type %.40q", words[1])
	}
	m.Type = core.MsgType(t)
	var members core.Set
	if m.Tx, members, err = c.parseKnownTx(strings.TrimPrefix(words[2], "tx=")); err != nil {
		return m, err
	}
	ins, val := uint8(0), core.NoValue
	for _, word := range words[3:] {
		if err := parseField(word, &m, &ins, &val); err != nil {
			return m, err
		}
	}
	switch {
	case ins > 0:
		m.Votes = core.VoteOf(ins, val)
	case val != core.NoValue:
		m.Val = val
	}
	if m.Type == core.MsgFound {
		m.Val = core.Prepared // what a database finds is prepared, and the text does not say so
	}
	if outside := m.Votes.Instances() &^ members; outside != 0 {
		return m, fmt.Errorf("rm%d is no member of %v", outside.First(), m.Tx)
	}
	return m, nil
}

func parseField(word string, m *core.Message, ins *uint8, val *core.Value) error {
	key, text, _ := strings.Cut(word, "=")
	var n int64
	var err error
	switch key {
	case "bal":
		n, err = parseNumber(key, text, 0, math.MaxUint32)
		m.Bal = core.Ballot(n)
	case "mbal":
		n, err = parseNumber(key, text, 0, math.MaxUint32)
		m.MBal = core.Ballot(n)
	case "low":
		n, err = parseNumber(key, text, 0, math.MaxUint32)
		m.Low = uint32(n)
	case "ins":
		n, err = parseNumber(key, text, 1, core.MaxRMs)
		*ins = uint8(n)
	case "val":
		*val, err = parseValue(text)
	case "entry":
		m.Val, err = parseValue(text)
	case "joined":
		m.Joined, err = parseSet(key, text)
	case "prepared":
		m.Votes.Prepared, err = parseSet(key, text)
	case "aborted":
		m.Votes.Aborted, err = parseSet(key, text)
	case "begin":
		m.Begin = true
	default:
		err = fmt.Errorf("no message has %.40q", word)
	}
	return err
}

func parseValue(text string) (core.Value, error) {
	for v := range core.Value(core.NumValues) {
		if v.String() == text {
			return v, nil
		}
	}
	return core.NoValue, fmt.Errorf("no value is called %.40q", text)
}

func parseSet(what, text string) (core.Set, error) {
	var s core.Set
	for number := range strings.SplitSeq(text, ",") {
		n, err := parseNumber(what, number, 1, core.MaxRMs)
		if err != nil {
			return 0, err
		}
		s = s.With(uint8(n))
	}
	return s, nil
}
