package harness

import (
	"errors"
	"fmt"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/core/bank"
)

// ErrConfig marks every error of Config.Validate.
var ErrConfig = errors.New("harness: bad configuration")

// MaxMoney limits an opening balance and the amount of a transfer, so that no sum of them
// overflows.
const MaxMoney int64 = 1 << 40

// Timing says when an armed timer may fire. The zero timing means none.
type Timing uint8

// The timings.
const (
	NoTiming Timing = iota
	Asynchronous
	Synchronous
)

// String gives asynchronous or synchronous.
func (t Timing) String() string {
	switch t {
	case Asynchronous:
		return "asynchronous"
	case Synchronous:
		return "synchronous"
	default:
		return fmt.Sprintf("timing%d", uint8(t))
	}
}

// Budget limits how many times each kind of fault may happen before settle.
type Budget struct {
	Drops      int
	Duplicates int
	Refusals   int
	Timeouts   int // timers that fire
	Crashes    int
	Deaths     int // crashes for good, of those that Config.CanLose allows
	Cuts       int // nodes that change sides
	GiveUps    int
}

// grant lets one more fault happen of an action's kind, if it is one.
func (b *Budget) grant(a *Action) {
	switch a.Type {
	case Drop:
		b.Drops++
	case Duplicate:
		b.Duplicates++
	case Refuse:
		b.Refusals++
	case Fire:
		b.Timeouts++
	case Crash, CrashKeep:
		b.Crashes++
	case Die:
		b.Deaths++
	case Cut:
		b.Cuts++
	case GiveUp:
		b.GiveUps++
	default:
	}
}

// Kinds returns where b holds the number of each kind of fault, in the order of its fields.
func (b *Budget) Kinds() [8]*int {
	return [...]*int{
		&b.Drops, &b.Duplicates, &b.Refusals, &b.Timeouts, &b.Crashes, &b.Deaths, &b.Cuts, &b.GiveUps,
	}
}

// unlimited returns a budget that no schedule spends, of the kinds of fault that b has.
func (b Budget) unlimited() Budget {
	for _, n := range b.Kinds() {
		if *n > 0 {
			*n = 1 << 30
		}
	}
	return b
}

// Config is everything about a run but the choice of actions.
type Config struct {
	Protocol core.Protocol
	Layout   core.Layout
	Timing   Timing
	Accounts int           // 1 to bank.MaxAccounts; RMOf says where each is
	Opening  int64         // balance of every account at the start
	Txns     []checker.Txn // what each client asks for, in order; Seq from 1 in each Epoch
	Budget   Budget

	// LoseMajority lets the nodes that die leave no majority of acceptors, but still a leader. Then
	// nobody need decide, and NonBlocking is broken as it should be.
	LoseMajority bool
}

// Validate tells what is wrong with a configuration, or nil. Errors are ErrConfig.
func (c *Config) Validate() error {
	if c.Protocol == nil {
		return fmt.Errorf("%w: no protocol", ErrConfig)
	}
	if err := c.Protocol.Validate(&c.Layout); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if c.Timing != Asynchronous && c.Timing != Synchronous {
		return fmt.Errorf("%w: no timing", ErrConfig)
	}
	if c.Timing == Synchronous && c.Budget.Crashes > 0 {
		return fmt.Errorf("%w: in the synchronous timing crashes are for good", ErrConfig)
	}
	if c.Accounts < 1 || c.Accounts > bank.MaxAccounts {
		return fmt.Errorf("%w: %d accounts: want 1 to %d", ErrConfig, c.Accounts, bank.MaxAccounts)
	}
	if c.Opening < 0 || c.Opening > MaxMoney {
		return fmt.Errorf("%w: an opening balance of %d: want 0 to %d", ErrConfig, c.Opening,
			MaxMoney)
	}
	for _, n := range c.Budget.Kinds() {
		if *n < 0 {
			return fmt.Errorf("%w: a negative budget of faults", ErrConfig)
		}
	}
	return c.validateTxns()
}

func (c *Config) validateTxns() error {
	last := core.TxID{}
	for i := range c.Txns {
		if err := c.validateTxn(last, &c.Txns[i]); err != nil {
			return err
		}
		last = c.Txns[i].ID
	}
	return nil
}

// validateTxn tells whether t can come after last, which is zero before the first.
func (c *Config) validateTxn(last core.TxID, t *checker.Txn) error {
	next := core.TxID{Origin: t.ID.Origin, Seq: 1}
	switch {
	case t.ID.Origin != last.Origin:
	case t.ID.Epoch != last.Epoch:
		next.Epoch = last.Epoch + 1
	default:
		next.Epoch, next.Seq = last.Epoch, last.Seq+1
	}
	if t.ID != next || t.ID.Origin < last.Origin || t.ID.Origin > last.Origin+1 ||
		t.ID.Origin > core.MaxClients {
		return fmt.Errorf("%w: transaction %v after %v: clients, epochs and numbers go up one by one",
			ErrConfig, t.ID, last)
	}
	w := &t.Work
	transfers := w.From != 0 && w.To != 0 && w.Amount > 0 && w.Amount <= MaxMoney && w.Read == 0
	reads := w.From == 0 && w.To == 0 && w.Amount == 0 && w.Read != 0
	if !transfers && !reads || w.Accounts()&^core.FullSet(c.Accounts) != 0 {
		return fmt.Errorf("%w: transaction %v has no work that can be done", ErrConfig, t.ID)
	}
	members := c.MembersOf(*w)
	if t.Optional != 0 && c.Layout.Registrars == 0 {
		return fmt.Errorf("%w: transaction %v has optional members, and there is no registrar",
			ErrConfig, t.ID)
	}
	if others := core.FullSet(c.Layout.RMs) &^ members; t.Optional&^others != 0 {
		return fmt.Errorf("%w: transaction %v has optional members %v: want some of %v",
			ErrConfig, t.ID, t.Optional, others)
	}
	if t.Members != members|t.Optional {
		return fmt.Errorf("%w: transaction %v has members %v, its accounts are with %v",
			ErrConfig, t.ID, t.Members, members)
	}
	if t.RM == 0 || !t.Must().Has(t.RM) {
		return fmt.Errorf("%w: transaction %v is begun at rm%d: want one of %v",
			ErrConfig, t.ID, t.RM, t.Must())
	}
	return nil
}

// next returns the transaction that a client begins after last, which is that of its Origin alone
// before the first; in a new epoch if it has given last up. It is zero if there is none.
func (c *Config) next(last core.TxID, gaveUp bool) core.TxID {
	for i := range c.Txns {
		id := c.Txns[i].ID
		if id.Origin == last.Origin && id.Word() > last.Word() && (!gaveUp || id.Epoch > last.Epoch) {
			return id
		}
	}
	return core.TxID{}
}

// Clients returns how many clients there are.
func (c *Config) Clients() int {
	if len(c.Txns) == 0 {
		return 0
	}
	return int(c.Txns[len(c.Txns)-1].ID.Origin)
}

// exists tells whether there is such a role.
func (c *Config) exists(r core.Role) bool {
	if r.Kind == core.Client {
		return r.ID > 0 && int(r.ID) <= c.Clients() && r.Replica == 0
	}
	return c.Layout.Exists(r)
}

// RMOf returns the resource manager that an account is with.
func (c *Config) RMOf(account uint8) uint8 { return (account-1)%uint8(c.Layout.RMs) + 1 }

// MembersOf returns the resource managers that the accounts of some work are with.
func (c *Config) MembersOf(w bank.Work) core.Set {
	var s core.Set
	for a := w.Accounts(); a != 0; a &= a - 1 {
		s = s.With(c.RMOf(a.First()))
	}
	return s
}

// SettleBound is the number of steps after settle within which everybody must have decided: a few
// rounds of everybody telling everybody, for each transaction.
func (c *Config) SettleBound() int {
	l := &c.Layout
	speakers, hearers := l.RMs+l.Leaders+l.TMs+l.Registrars, l.Acceptors+l.Leaders
	if l.Acceptors == 0 {
		hearers = speakers
	}
	copies := max(l.Replicas, 1)
	return 100 + 40*speakers*hearers*copies*copies*len(c.Txns)
}
