package explore

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/core/bank"
	"paxoscommit/harness"
)

// Config is a world to explore. Messages are lost, repeated and reordered without a budget. Of
// Budget, Timeouts counts the timers that fire but for those by which a leader takes over;
// Refusals, Crashes and Deaths are as in a World; the rest must be 0.
type Config struct {
	harness.Config
	Takeovers   int
	Unreduced   bool // without the reductions of the package comment
	NonBlocking bool // also judge that from every state everybody can still decide

	census bool // of a death it is not asked what was lost
}

// Size is a world with one transaction of all resource managers, of which the last may be Optional,
// every role on a node of its own.
type Size struct {
	RMs, Optional, Acceptors, Leaders, Registrars, Replicas int
	Takeovers, Timeouts, Crashes, Deaths, Refusals          int
	LoseMajority                                            bool // as in harness.Config
}

// String gives the size as flags write it, what is 0 left out.
func (z Size) String() string {
	var words []string
	for i, n := range z.numbers() {
		if i == 0 || *n > 0 {
			words = append(words, fmt.Sprintf("%s=%d", sizeNames()[i], *n))
		}
	}
	if z.LoseMajority {
		words = append(words, loseMajority)
	}
	return strings.Join(words, " ")
}

const loseMajority = "lose-majority"

func sizeNames() [11]string {
	return [...]string{
		"rms", "optional", "acceptors", "leaders", "registrars", "replicas", "takeovers", "timeouts",
		"crashes", "deaths", "refusals",
	}
}

// numbers returns where the number of each name is.
func (z *Size) numbers() [11]*int {
	return [...]*int{
		&z.RMs, &z.Optional, &z.Acceptors, &z.Leaders, &z.Registrars, &z.Replicas, &z.Takeovers,
		&z.Timeouts, &z.Crashes, &z.Deaths, &z.Refusals,
	}
}

// parseSize reads what String gives. The error is ErrConfig.
func parseSize(text string) (z Size, err error) {
	for _, word := range strings.Fields(text) {
		if word == loseMajority {
			z.LoseMajority = true
			continue
		}
		name, value, _ := strings.Cut(word, "=")
		n, err := strconv.Atoi(value)
		names := sizeNames()
		i := slices.Index(names[:], name)
		if i < 0 || err != nil {
			return z, fmt.Errorf("%w: %.40q in the size of a world", ErrConfig, word)
		}
		*z.numbers()[i] = n
	}
	return z, nil
}

// NewConfig returns the world of a size: client 1 asks resource manager 1 to move 60 of the 100 in
// account 1 to the last account, or where more than two must take part to read all of theirs.
func NewConfig(p core.Protocol, z Size) (*Config, error) {
	least, _ := p.Limits()
	layout, err := core.NewLayout(core.Sizes{
		RMs: z.RMs, Acceptors: z.Acceptors, Leaders: z.Leaders, TMs: least.TMs,
		Registrars: z.Registrars, Replicas: z.Replicas,
	})
	if err != nil {
		return nil, err
	}
	must := z.RMs - z.Optional
	if must < 1 || must > z.RMs {
		return nil, fmt.Errorf("%w: %d of %d resource managers are optional", ErrConfig, z.Optional,
			z.RMs)
	}
	work := bank.Work{Read: core.FullSet(must)}
	if must <= 2 {
		work = bank.Work{From: 1, To: uint8(must), Amount: 60}
	}
	c := &Config{Config: harness.Config{
		Protocol: p, Layout: *layout, Timing: harness.Asynchronous, Accounts: z.RMs, Opening: 100,
		Budget: harness.Budget{
			Timeouts: z.Timeouts, Crashes: z.Crashes, Deaths: z.Deaths, Refusals: z.Refusals,
		},
		LoseMajority: z.LoseMajority,
	}, Takeovers: z.Takeovers}
	all := core.FullSet(z.RMs)
	c.Txns = []checker.Txn{{
		ID: core.TxID{Origin: 1, Seq: 1}, RM: 1, Members: all, Optional: all &^ c.MembersOf(work),
		Work: work,
	}}
	return c, c.Validate()
}

// ConfigOf returns the world of a schedule, with as many faults as it has. NonBlocking is judged if
// the schedule expects it. Errors are those of Validate.
func ConfigOf(s *harness.Schedule) (*Config, error) {
	c := &Config{Config: s.Config, NonBlocking: s.Expect == checker.NonBlocking}
	b := &c.Budget
	*b = harness.Budget{}
	for i := range s.Actions {
		a := &s.Actions[i].Action
		switch classOf(a) {
		case takeover:
			c.Takeovers++
		case timeout:
			b.Timeouts++
		case crash:
			b.Crashes++
		case death:
			b.Deaths++
		case refusal:
			b.Refusals++
		case free, numClasses:
			switch a.Type {
			case harness.Cut:
				b.Cuts++
			case harness.GiveUp:
				b.GiveUps++
			default:
			}
		}
	}
	return c, c.Validate()
}

// Size returns the size of the world, whatever its transactions: Optional is 0.
func (c *Config) Size() Size {
	l, b := &c.Layout, &c.Budget
	return Size{
		RMs: l.RMs, Acceptors: l.Acceptors, Leaders: l.Leaders, Registrars: l.Registrars,
		Replicas: l.Replicas, Takeovers: c.Takeovers, Timeouts: b.Timeouts, Crashes: b.Crashes,
		Deaths: b.Deaths, Refusals: b.Refusals, LoseMajority: c.LoseMajority,
	}
}

// Validate tells what cannot be explored, or nil. Errors are ErrConfig, ErrTooLarge or
// harness.ErrConfig.
func (c *Config) Validate() error {
	if err := c.Config.Validate(); err != nil {
		return err
	}
	l, b := &c.Layout, &c.Budget
	switch {
	case c.Timing != harness.Asynchronous:
		return fmt.Errorf("%w: only the asynchronous timing", ErrConfig)
	case l.Nodes != l.Roles():
		return fmt.Errorf("%w: every role needs a node of its own", ErrConfig)
	case len(c.Txns) == 0:
		return fmt.Errorf("%w: no transaction", ErrConfig)
	case b.Drops != 0 || b.Duplicates != 0:
		return fmt.Errorf("%w: messages are lost and repeated without a budget", ErrConfig)
	case b.Cuts != 0 || b.GiveUps != 0:
		return fmt.Errorf("%w: partitions and clients that give up are not explored", ErrConfig)
	case b.Refusals != 0 && l.Replicas != 0:
		return fmt.Errorf("%w: refusals of databases on nodes of their own are not explored",
			ErrConfig)
	case l.Nodes >= maxParts:
		return fmt.Errorf("%w: %d nodes, at most %d", ErrTooLarge, l.Nodes, maxParts-1)
	}
	for _, n := range []int{c.Takeovers, b.Timeouts, b.Crashes, b.Deaths, b.Refusals} {
		if n < 0 || n > 255 {
			return fmt.Errorf("%w: a budget of %d: want 0 to 255", ErrConfig, n)
		}
	}
	return nil
}

func (c *Config) budgets() (left [numClasses]uint8) {
	left[takeover], left[timeout] = uint8(c.Takeovers), uint8(c.Budget.Timeouts)
	left[crash], left[death] = uint8(c.Budget.Crashes), uint8(c.Budget.Deaths)
	left[refusal] = uint8(c.Budget.Refusals)
	return left
}
