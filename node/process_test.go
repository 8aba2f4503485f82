package node

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"paxoscommit/core"
	"paxoscommit/core/bank"
	"paxoscommit/core/paxoscommit"

	"github.com/stretchr/testify/require"
)

// slowLog syncs when it is told to.
type slowLog struct {
	*MemoryLog
	syncs chan error
}

func (l slowLog) Sync() (uint64, error) {
	end, _ := l.MemoryLog.Sync()
	return end, <-l.syncs
}

// lab is a system of one resource manager, acceptor and leader, each a process of one host.
type lab struct {
	host  *Host
	procs []*Process
	logs  []*MemoryLog
	syncs chan error // of node 1; nil: at once
	sent  []string   // between nodes and to clients
	lost  bool       // nothing arrives
	wrong []error
}

func newLab(t *testing.T, b *lab) *lab {
	t.Helper()
	b.host = NewHost()
	layout, err := core.NewLayout(core.Sizes{RMs: 1, Acceptors: 1, Leaders: 1})
	require.NoError(t, err)
	for n := range 3 {
		log := &MemoryLog{}
		b.logs = append(b.logs, log)
		b.procs = append(b.procs, NewProcess(b.host, ProcessConfig{
			Protocol: paxoscommit.Protocol{}, Layout: layout, Node: core.NodeID(n + 1),
			Bank: Bank{Accounts: 2, Opening: 100}, Timing: DefaultTiming(),
			Open: func(each func([]byte) error) (Log, error) {
				l, err := log.Open(each)
				if n == 0 && b.syncs != nil {
					return slowLog{log, b.syncs}, err
				}
				return l, err
			},
			Send: func(e Envelope) {
				b.sent = append(b.sent, e.Msg.String())
				if to := layout.NodeOf(e.Msg.To); to != 0 && !b.lost {
					b.host.Do(func() { b.procs[to-1].Deliver(&e) })
				}
			},
			Report: func(err error) { b.wrong = append(b.wrong, err) },
		}))
		b.host.Do(func() { require.NoError(t, b.procs[n].Start()) })
	}
	return b
}

func (b *lab) request() {
	e := Envelope{
		Msg: core.Message{
			Type: core.MsgRequest, From: core.Role{Kind: core.Client, ID: 1},
			To: core.Role{Kind: core.RM, ID: 1}, Tx: core.TxID{Origin: 1, Seq: 1},
			Members: core.SetOf(1),
		},
		Work: bank.Work{From: 1, To: 2, Amount: 30},
	}
	b.host.Do(func() { b.procs[0].Deliver(&e) })
}

func TestTransactionCommitsAndIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newLab(t, &lab{})
		go b.host.Run(t.Context()) //nolint:errcheck // the test looks at what came of it
		b.request()
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Contains(t, b.sent, "rm1->cl1 commit tx=c1.1")
		require.Contains(t, b.sent, "rm1->ldr1 forgotten tx=c1.1 low=1")
		require.Equal(t, int64(70), b.procs[0].Balance(1, 1))
		require.Equal(t, int64(130), b.procs[0].Balance(1, 2))
		require.Empty(t, b.wrong)
		for _, p := range b.procs {
			require.Empty(t, p.timers.armed)
		}
	})
}

// TestNothingGatedLeavesBeforeItsSync: the vote is told when its record is durable, and a crash
// before that takes it.
func TestNothingGatedLeavesBeforeItsSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newLab(t, &lab{syncs: make(chan error)})
		go b.host.Run(t.Context()) //nolint:errcheck // the test looks at what came of it
		b.syncs <- nil             // the start
		b.request()
		time.Sleep(time.Minute)
		require.Empty(t, b.sent)
		b.syncs <- nil // what the database holds
		b.syncs <- nil // the vote
		synctest.Wait()
		require.Contains(t, b.sent, "rm1->acc1 phase2a tx=c1.1 bal=0 ins=1 val=prepared")
		b.host.Do(func() { require.NoError(t, b.procs[0].Crash()) })
		close(b.syncs)
	})
}

func TestProcessComesBackFromItsLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newLab(t, &lab{lost: true})
		go b.host.Run(t.Context()) //nolint:errcheck // the test looks at what came of it
		b.request()
		time.Sleep(time.Second)
		b.host.Do(func() {
			require.NoError(t, b.procs[0].Crash())
			b.lost = false
			require.NoError(t, b.procs[0].Start())
			require.Equal(t, 2, b.procs[0].Starts())
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, int64(130), b.procs[0].Balance(1, 2), "the vote was kept, and is told again")
	})
}

func TestHostStopsWhenALogFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newLab(t, &lab{syncs: make(chan error)})
		full := errors.New("disk full")
		b.request()
		go func() {
			b.syncs <- nil // the start
			b.syncs <- full
		}()
		require.ErrorIs(t, b.host.Run(t.Context()), full)
		require.Empty(t, b.sent)
	})
}

func TestTimersBackOff(t *testing.T) {
	timing := DefaultTiming()
	retry := core.Timer{Role: core.Role{Kind: core.Leader, ID: 3}, Kind: core.TimerRetry}
	last := time.Duration(0)
	for before := range 4 {
		d := timing.delay(retry, before)
		require.Greater(t, d, last)
		last = d
	}
	require.LessOrEqual(t, timing.delay(retry, 1000), 3*time.Second)
	retry.Kind = core.TimerTakeOver
	require.GreaterOrEqual(t, timing.delay(retry, 0), 3*timing.TakeOver)
}
