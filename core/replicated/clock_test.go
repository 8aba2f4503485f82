package replicated

import (
	"fmt"
	"testing"

	"paxoscommit/core"

	"github.com/stretchr/testify/require"
)

// How long the timers of a timed cluster run: what is said again comes before anybody takes over.
const (
	retryTicks    = 20
	takeOverTicks = 50
)

// timed is a cluster with two resource managers in which what is sent takes its time, and timers
// run out.
type timed struct {
	*cluster
	delay, database int // how long a message between replicas takes, and an answer of a database
	dead            core.Role
	deadFrom        int
	due             [][]event          // by tick
	set             map[core.Timer]int // how often each has been armed or disarmed
	takeOvers       int
}

// event is a message that arrives, or a timer that runs out unless it has been set since.
type event struct {
	in  core.Input
	set int
}

// commit has the client ask once, and goes on until nothing is left to happen.
func (c *timed) commit(t *testing.T) {
	t.Helper()
	c.set = map[core.Timer]int{}
	c.request(1)
	c.schedule(0)
	for now := 0; now < len(c.due); now++ {
		require.Less(t, now, 1000, "this does not end")
		for i := 0; i < len(c.due[now]); i++ {
			c.happens(t, &c.due[now][i], now)
			c.schedule(now)
		}
	}
}

func (c *timed) happens(t *testing.T, e *event, now int) {
	t.Helper()
	c.in = e.in
	at := e.in.Msg.To
	if e.in.Type == core.InputTimer {
		at = e.in.Timer.Role
		if c.set[e.in.Timer] != e.set {
			return
		}
	}
	switch {
	case at == c.dead && now >= c.deadFrom:
	case at.Kind == core.Client:
		c.told[e.in.Msg.Type]++
	case at.Kind == core.Resource:
		c.resource(&c.in.Msg)
	default:
		require.NoError(t, c.step(c.layout.NodeOf(at)))
		if len(c.out.Gated) > 0 && c.out.Gated[0].Type == core.MsgPhase1a {
			c.takeOvers++
		}
	}
}

// schedule puts what was sent and armed where it is due.
func (c *timed) schedule(now int) {
	put := func(at int, e event) {
		for len(c.due) <= at {
			c.due = append(c.due, nil)
		}
		c.due[at] = append(c.due[at], e)
	}
	for _, m := range c.net {
		at := now + c.delay
		switch {
		case m.From.Kind == core.Resource:
			at = now + c.database
		case m.To.Kind == core.Resource:
			at = now
		}
		put(at, event{in: core.Input{Type: core.InputMessage, Msg: m}})
	}
	c.net = c.net[:0]
	for _, timer := range c.out.Disarm {
		timer.Await = core.Await{}
		c.set[timer]++
	}
	for _, timer := range c.out.Arm {
		timer.Await = core.Await{}
		c.set[timer]++
		ticks := retryTicks
		if timer.Kind == core.TimerTakeOver {
			ticks = takeOverTicks
		}
		put(now+ticks, event{core.Input{Type: core.InputTimer, Timer: timer}, c.set[timer]})
	}
	c.out.Reset()
}

// A leader that lives, and waits for others, is not deposed: not when messages are so slow that
// everything is said twice, nor when a database takes longer than its group waits to take over.
func TestALeaderThatLivesIsNotDeposed(t *testing.T) {
	for delay := 1; delay <= 9; delay++ {
		for _, database := range []int{1, 5, 20} {
			c := &timed{cluster: newCluster(t, 2, 3), delay: delay, database: database}
			c.commit(t)
			require.Zero(t, c.takeOvers, "delay %d, databases %d", delay, database)
			require.Zero(t, c.open())
		}
	}
}

// Who is asked again and again, more often than a timer to take over runs, takes over all the same.
func TestQuestionsDoNotPutOffATakeOver(t *testing.T) {
	for _, dead := range []core.Role{rmRole(1, 1), rmRole(2, 1), coordinator(1)} {
		for from := range 20 {
			c := &timed{
				cluster: newCluster(t, 2, 3), delay: 1, database: 1, dead: dead, deadFrom: from,
			}
			t.Run(fmt.Sprintf("%v is dead from %d on", dead, from), func(t *testing.T) {
				c.commit(t)
				require.LessOrEqual(t, c.open(), 1, "all that live have forgotten it")
			})
		}
	}
}
