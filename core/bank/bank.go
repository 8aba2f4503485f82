package bank

import (
	"errors"
	"fmt"

	"paxoscommit/core"
)

// MaxAccounts limits the accounts of all banks together; accounts are numbered from 1.
const MaxAccounts = 64

// Errors of Finish. They mean that whoever tells outcomes is broken.
var (
	ErrNotPrepared = errors.New("bank: commit of a transaction that was never prepared here")
	ErrFinished    = errors.New("bank: another outcome than before")
)

// Work is what a transaction does, at all banks together: move Amount (at least 1) from one account
// to another, or read a set of accounts. The zero account means none.
type Work struct {
	From, To uint8
	Amount   int64
	Read     core.Set
}

// Accounts returns the accounts that the work touches.
func (w Work) Accounts() core.Set {
	s := w.Read
	if w.From != 0 {
		s = s.With(w.From)
	}
	if w.To != 0 {
		s = s.With(w.To)
	}
	return s
}

// Change returns what the work adds to an account once it is committed.
func (w Work) Change(account uint8) int64 {
	change := int64(0)
	if account == w.To {
		change += w.Amount
	}
	if account == w.From {
		change -= w.Amount
	}
	return change
}

// Bank keeps the accounts of one resource manager. Reset makes it ready.
type Bank struct {
	mine     core.Set
	balance  [MaxAccounts]int64
	lock     [MaxAccounts]core.TxID // who holds the account; the zero id nobody
	txs      core.Table[txState]
	finished core.Finished
}

// txState is Prepared, Committed or Aborted.
type txState struct {
	state   core.Value
	work    Work
	members core.Set
}

// Reset makes b a bank of the given accounts, each with the opening balance.
func (b *Bank) Reset(mine core.Set, opening int64) {
	b.mine = mine
	for i := range b.balance {
		b.balance[i], b.lock[i] = 0, core.TxID{}
	}
	for s := mine; s != 0; s &= s - 1 {
		b.balance[s.First()-1] = opening
	}
	b.txs.Clear()
	b.finished.Clear()
}

// CopyFrom makes b equal to src and shares nothing with it.
func (b *Bank) CopyFrom(src *Bank) {
	b.mine, b.balance, b.lock = src.mine, src.balance, src.lock
	b.txs.CopyFrom(&src.txs)
	b.finished.CopyFrom(&src.finished)
}

// Balance returns what is in an account of this bank.
func (b *Bank) Balance(account uint8) int64 { return b.balance[account-1] }

// Prepare locks the accounts here that the work touches, and returns the vote: Prepared, or Aborted
// when one is locked by another transaction (it does not wait) or holds too little. Asked again it
// answers the same, as long as it is prepared. It returns NoValue when the transaction already has
// its outcome here, for then nobody is waiting for a vote.
func (b *Bank) Prepare(tx core.TxID, members core.Set, w Work) core.Value {
	if b.finished.Has(tx) {
		return core.NoValue
	}
	if st := b.txs.Get(tx); st != nil {
		if st.state == core.Prepared {
			return core.Prepared
		}
		return core.NoValue
	}
	here := w.Accounts() & b.mine
	for s := here; s != 0; s &= s - 1 {
		if b.lock[s.First()-1] != (core.TxID{}) {
			return core.Aborted
		}
	}
	if w.From != 0 && here.Has(w.From) && b.balance[w.From-1] < w.Amount {
		return core.Aborted
	}
	for s := here; s != 0; s &= s - 1 {
		b.lock[s.First()-1] = tx
	}
	*b.txs.Put(tx) = txState{state: core.Prepared, work: w, members: members}
	return core.Prepared
}

// Finish applies an outcome and lets go of the locks. Told again, it changes nothing. An abort of
// what was never prepared is remembered. The errors are ErrNotPrepared and ErrFinished.
func (b *Bank) Finish(tx core.TxID, outcome core.Value) error {
	if b.finished.Has(tx) {
		return nil
	}
	st := b.txs.Get(tx)
	switch {
	case st == nil && outcome == core.Committed:
		return fmt.Errorf("%w: %v", ErrNotPrepared, tx)
	case st == nil:
		b.txs.Put(tx).state = core.Aborted
		return nil
	case st.state == outcome:
		return nil
	case st.state != core.Prepared:
		return fmt.Errorf("%w: %v is %v", ErrFinished, tx, st.state)
	}
	st.state = outcome
	for s := st.work.Accounts() & b.mine; s != 0; s &= s - 1 {
		account := s.First()
		b.lock[account-1] = core.TxID{}
		if outcome == core.Committed {
			b.balance[account-1] += st.work.Change(account)
		}
	}
	return nil
}

// Forget drops what it knows of a finished transaction, and of all of its origin up to low; a late
// prepare of it is not answered.
func (b *Bank) Forget(tx core.TxID, low uint32) {
	core.Forget(&b.finished, &b.txs, tx, low)
}

// InDoubt calls f for every prepared transaction without an outcome, in the order of their ids.
func (b *Bank) InDoubt(f func(tx core.TxID, members core.Set)) {
	for _, i := range b.txs.Sorted(nil) {
		if tx, st := b.txs.At(int(i)); st.state == core.Prepared {
			f(tx, st.members)
		}
	}
}

// Holds tells whether a transaction is prepared here and has no outcome yet.
func (b *Bank) Holds(tx core.TxID) bool {
	st := b.txs.Get(tx)
	return st != nil && st.state == core.Prepared
}
