package wire

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"paxoscommit/core"
	"paxoscommit/core/bank"
	"paxoscommit/node"
)

// corePrefix begins the types of the messages of package core.
const corePrefix = "core/"

// coreBody is a message of package core.
type coreBody struct {
	Type     string      `json:"type"`
	From     string      `json:"from"`
	To       string      `json:"to"`
	Tx       string      `json:"tx"`
	Members  []int       `json:"members"`
	Val      string      `json:"val,omitempty"`
	Begin    bool        `json:"begin,omitempty"`
	Bal      core.Ballot `json:"bal,omitempty"`
	MBal     core.Ballot `json:"mbal,omitempty"`
	Low      uint32      `json:"low,omitempty"`
	Prepared []int       `json:"prepared,omitempty"`
	Aborted  []int       `json:"aborted,omitempty"`
	Joined   []int       `json:"joined,omitempty"`
	Work     *Work       `json:"work,omitempty"`
}

// Work is what a transaction does, in the numbers of accounts.
type Work struct {
	From   uint8 `json:"from,omitempty"`
	To     uint8 `json:"to,omitempty"`
	Amount int64 `json:"amount,omitempty"`
	Read   []int `json:"read,omitempty"`
}

// IsCore tells whether the type of a body is that of a message of package core.
func IsCore(t string) bool { return strings.HasPrefix(t, corePrefix) }

// EncodeCore returns a message of package core as a line.
func EncodeCore(src, dest string, e *node.Envelope) ([]byte, error) {
	m, w := &e.Msg, &e.Work
	body := coreBody{
		Type: corePrefix + m.Type.String(), From: m.From.String(), To: m.To.String(),
		Tx: m.Tx.String(), Members: numbers(m.Members), Begin: m.Begin, Bal: m.Bal, MBal: m.MBal,
		Low: m.Low, Prepared: numbers(m.Votes.Prepared), Aborted: numbers(m.Votes.Aborted),
		Joined: numbers(m.Joined),
	}
	if m.Val != core.NoValue {
		body.Val = m.Val.String()
	}
	if *w != (bank.Work{}) {
		body.Work = &Work{From: w.From, To: w.To, Amount: w.Amount, Read: numbers(w.Read)}
	}
	return Encode(src, dest, body, false)
}

// ParseCore reads the body of a message of package core. The error is an *Error. Whether the
// message can be, the machine that it is for knows.
func ParseCore(body []byte) (node.Envelope, error) {
	var b coreBody
	if err := json.Unmarshal(body, &b); err != nil {
		return node.Envelope{}, Errorf(MalformedRequest, "the body: %v", err)
	}
	names := core.MsgNames()
	t := slices.Index(names[1:], strings.TrimPrefix(b.Type, corePrefix)) + 1
	if t == 0 {
		return node.Envelope{}, Errorf(NotSupported, "no message of type %.40q", b.Type)
	}
	m := core.Message{
		Type: core.MsgType(t), Begin: b.Begin, Bal: b.Bal, MBal: b.MBal, Low: b.Low,
	}
	var w bank.Work
	var err error
	set := func(field string, list []int) core.Set {
		var s core.Set
		for _, n := range list {
			if n < 1 || n > core.MaxRMs {
				err = Errorf(MalformedRequest, "field %q: want numbers from 1 to %d", field, core.MaxRMs)
				return 0
			}
			s = s.With(uint8(n))
		}
		return s
	}
	m.Members, m.Votes.Prepared = set("members", b.Members), set("prepared", b.Prepared)
	m.Votes.Aborted, m.Joined = set("aborted", b.Aborted), set("joined", b.Joined)
	if b.Work != nil {
		w = bank.Work{
			From: b.Work.From, To: b.Work.To, Amount: b.Work.Amount, Read: set("read", b.Work.Read),
		}
		if w.From > bank.MaxAccounts || w.To > bank.MaxAccounts || w.Amount < 0 {
			err = Errorf(MalformedRequest, "field %q: no such account or amount", "work")
		}
	}
	ok := [...]bool{true, true, true, true}
	m.From, ok[0] = parseRole(b.From)
	m.To, ok[1] = parseRole(b.To)
	m.Tx, ok[2] = ParseTx(b.Tx)
	m.Val, ok[3] = parseValue(b.Val)
	for i, field := range [...]string{"from", "to", "tx", "val"} {
		if !ok[i] {
			err = Errorf(MalformedRequest, "field %q is missing or wrong", field)
		}
	}
	return node.Envelope{Msg: m, Work: w}, err
}

func numbers(s core.Set) []int {
	var list []int
	for ; s != 0; s &= s - 1 {
		list = append(list, int(s.First()))
	}
	return list
}

func parseRole(text string) (core.Role, bool) {
	for k, name := range core.RoleNames() {
		digits, ok := strings.CutPrefix(text, name)
		if !ok || k == 0 {
			continue
		}
		id, replica, replicated := strings.Cut(digits, ".")
		if !replicated {
			replica = "0"
		}
		i, err1 := strconv.ParseUint(id, 10, 8)
		j, err2 := strconv.ParseUint(replica, 10, 8)
		r := core.Role{Kind: core.RoleKind(k), ID: uint8(i), Replica: uint8(j)}
		if err1 == nil && err2 == nil && r.ID > 0 && r.String() == text {
			return r, true
		}
	}
	return core.Role{}, false
}

func parseValue(text string) (core.Value, bool) {
	for v := core.NoValue; v <= core.Committed; v++ {
		if text == v.String() || text == "" && v == core.NoValue {
			return v, true
		}
	}
	return core.NoValue, false
}

// ParseTx reads what TxID.String writes.
func ParseTx(text string) (core.TxID, bool) {
	rest, ok := strings.CutPrefix(text, "c")
	source, seq, ok2 := strings.Cut(rest, ".")
	origin, epoch, hasEpoch := strings.Cut(source, "e")
	if !hasEpoch {
		epoch = "0"
	}
	o, err1 := strconv.ParseUint(origin, 10, 16)
	e, err2 := strconv.ParseUint(epoch, 10, 16)
	n, err3 := strconv.ParseUint(seq, 10, 32)
	tx := core.TxID{Origin: uint16(o), Epoch: uint16(e), Seq: uint32(n)}
	if !ok || !ok2 || err1 != nil || err2 != nil || err3 != nil || tx.String() != text {
		return core.TxID{}, false
	}
	return tx, true
}
