package tla

import (
	"errors"
	"fmt"
	"slices"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/harness"
	"paxoscommit/specs"
)

// ErrProtocol is a protocol other than Paxos Commit, classic or Faster, or a registrar.
var ErrProtocol = errors.New("tla: only Paxos Commit without a registrar has a specification")

// Traces replays a schedule and returns the traces of its transactions in their order; one that
// showed nothing has none. The error is [ErrProtocol].
func Traces(s *harness.Schedule) ([]specs.Trace, *harness.ReplayResult, error) {
	switch name := s.Config.Protocol.Name(); name {
	case "paxos-commit", "faster-paxos-commit":
	default:
		return nil, nil, fmt.Errorf("%w, not %s", ErrProtocol, name)
	}
	if s.Config.Layout.Registrars > 0 {
		return nil, nil, fmt.Errorf("%w: this has a registrar", ErrProtocol)
	}
	r := newRecorder(&s.Config)
	result := harness.ReplaySteps(s, r.observe)
	return slices.DeleteFunc(r.traces, func(t specs.Trace) bool { return len(t.Events) == 0 }),
		result, nil
}

// recorder collects the events of a run.
type recorder struct {
	txns   []checker.Txn
	traces []specs.Trace // by transaction
	at     string        // the step under way
	steps  int
}

func newRecorder(c *harness.Config) *recorder {
	r := &recorder{txns: c.Txns}
	for i := range c.Txns {
		r.traces = append(r.traces, specs.Trace{
			Tx: c.Txns[i].ID.String(), RMs: uint64(c.Txns[i].Members), Acceptors: c.Layout.Acceptors,
		})
	}
	return r
}

func (r *recorder) observe(s *harness.Step) {
	if !s.Taken {
		return
	}
	r.at = fmt.Sprintf("step %d: %v", r.steps, s.Action)
	r.steps++
	for i := range s.Durable {
		r.record(&s.Durable[i])
	}
	for i := range s.Sent {
		r.message(&s.Sent[i])
	}
}

// record takes a record that has become durable.
func (r *recorder) record(rec *core.Record) {
	e := specs.TraceEvent{ID: rec.Role.ID}
	switch rec.Type {
	case core.RecordVote:
		e.Type, e.To = specs.TraceVote, rmState(rec.Val)
	case core.RecordOutcome:
		e.Type, e.To = specs.TraceOutcome, rmState(rec.Val)
	case core.RecordAcceptor:
		e.Type, e.MBal, e.Bal = specs.TraceAcceptor, uint32(rec.MBal), uint32(rec.Bal)
		e.Prepared, e.Aborted = uint64(rec.Votes.Prepared), uint64(rec.Votes.Aborted)
	case core.RecordForget:
		if rec.Role.Kind == core.Acceptor {
			e.Type = specs.TraceForget
			r.forget(e, rec)
		}
		return
	case core.NoRecord, core.RecordBallot, core.RecordPreCommit, core.RecordJoin:
		return
	}
	r.add(rec.Tx, e)
}

// forget takes the forgetting of a transaction, and of all up to the low-water mark.
func (r *recorder) forget(e specs.TraceEvent, rec *core.Record) {
	for i := range r.txns {
		tx := r.txns[i].ID
		if tx == rec.Tx || tx.Origin == rec.Tx.Origin && tx.Epoch == rec.Tx.Epoch && tx.Seq <= rec.Low {
			r.addOnce(tx, e)
		}
	}
}

// message takes a message that has left its role.
func (r *recorder) message(m *core.Message) {
	e := specs.TraceEvent{Bal: uint32(m.Bal)}
	switch {
	case m.Type == core.MsgPhase1a:
		e.Type = specs.TracePhase1a
	case m.Type == core.MsgPhase2a && m.From.Kind == core.Leader:
		e.Type = specs.TracePhase2a
		e.Prepared, e.Aborted = uint64(m.Votes.Prepared), uint64(m.Votes.Aborted)
	case m.Type == core.MsgCommit && m.To.Kind != core.Resource:
		e.Type, e.To = specs.TraceDecide, specs.Committed
	case m.Type == core.MsgAbort && m.To.Kind != core.Resource:
		e.Type, e.To = specs.TraceDecide, specs.Aborted
	default:
		return
	}
	r.addOnce(m.Tx, e)
}

func (r *recorder) add(tx core.TxID, e specs.TraceEvent) {
	e.At = r.at
	for i := range r.txns {
		if r.txns[i].ID == tx {
			r.traces[i].Events = append(r.traces[i].Events, e)
		}
	}
}

// addOnce is add, unless the same has been seen before.
func (r *recorder) addOnce(tx core.TxID, e specs.TraceEvent) {
	for i := range r.txns {
		seen := func(old specs.TraceEvent) bool { old.At = ""; return old == e }
		if r.txns[i].ID == tx && slices.ContainsFunc(r.traces[i].Events, seen) {
			return
		}
	}
	r.add(tx, e)
}

func rmState(v core.Value) specs.RMState {
	switch v {
	case core.Prepared:
		return specs.Prepared
	case core.Committed:
		return specs.Committed
	case core.Aborted:
		return specs.Aborted
	default:
		panic(fmt.Sprintf("tla: a record with the value %v", v))
	}
}
