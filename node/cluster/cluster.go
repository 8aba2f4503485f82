package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"paxoscommit/checker"
	"paxoscommit/core"
)

// Config says what to run.
type Config struct {
	Command  []string // a node of this module; --data and its folder are appended
	Protocol core.Protocol
	Options  []string // of the protocol
	Sizes    core.Sizes
	Seed     uint64
	For      time.Duration // how long rounds are begun
	Round    time.Duration // how long faults and new transactions go on in one
	Clients  int
	Faults   bool
	Dir      string    // for the logs of the nodes
	Stderr   io.Writer // of the nodes
	Progress func(Report)
}

// Report is what came of it so far.
type Report struct {
	Rounds     int
	Begun      int // transactions
	Committed  int // as clients were told
	Aborted    int
	Open       int // never answered, or answered "forgotten"
	Kills      int // survived
	Partitions int
	Lost       int // lines
	Repeated   int
	InDoubt    int           // after the round had healed
	Elapsed    time.Duration // of the rounds
	Working    time.Duration // of these, the time in which transactions were begun
	Verdict    checker.Verdict
	Violation  *checker.Violation // of the last round
	Reason     string             // why the verdict is unknown
	Logs       string             // the folder with the logs of a round that broke something
}

// add adds the counts of a round.
func (r *Report) add(s *Report) {
	r.Rounds += s.Rounds
	r.Begun += s.Begun
	r.Committed += s.Committed
	r.Aborted += s.Aborted
	r.Open += s.Open
	r.Kills += s.Kills
	r.Partitions += s.Partitions
	r.Lost += s.Lost
	r.Repeated += s.Repeated
	r.InDoubt += s.InDoubt
	r.Working += s.Working
}

// Run runs rounds until the time is over, the context is done, which makes the verdict unknown, or
// something breaks. The error is that of a system that could not be run.
func Run(ctx context.Context, c Config) (*Report, error) {
	begin := time.Now()
	total := &Report{}
	for i := uint64(0); ; i++ {
		dir := filepath.Join(c.Dir, fmt.Sprintf("round%d", i))
		r, err := newRound(&c, rand.New(rand.NewPCG(c.Seed, i)), dir)
		if err != nil {
			return total, err
		}
		report, err := r.run(ctx, func(now Report) {
			now.Elapsed = time.Since(begin)
			sum := *total
			sum.add(&now)
			sum.Elapsed = now.Elapsed
			c.Progress(sum)
		})
		total.add(&report)
		total.Elapsed = time.Since(begin)
		total.Violation, total.Verdict = report.Violation, report.Verdict
		switch {
		case errors.Is(err, errStopped):
			total.Reason = interrupted
			return total, nil
		case err != nil:
			return total, err
		case report.Violation != nil:
			total.Logs = dir
			return total, nil
		case report.Verdict != checker.Holds:
			total.Reason = "a budget ran out before the answer"
			return total, nil
		}
		if err := os.RemoveAll(dir); err != nil {
			return total, fmt.Errorf("cluster: %w", err)
		}
		if time.Since(begin) >= c.For {
			return total, nil
		}
	}
}

// errStopped means that the context was done before the end.
var errStopped = errors.New("cluster: " + interrupted)

const interrupted = "interrupted before the answer"
