package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"paxoscommit/fuzz"

	"golang.org/x/term"
)

// plainInterval is the time between two lines of progress where there is no terminal.
const plainInterval = 5 * time.Second

// progress shows how far a campaign has come: one line that is written over and over on a terminal,
// a line every few seconds elsewhere.
type progress struct {
	out      io.Writer
	terminal bool
	header   string        // written once, in front
	runs     uint64        // how many there will be, unless limit is set
	limit    time.Duration // of --for
	last     time.Duration // when the last plain line was written
}

func newProgress(out io.Writer, c *fuzz.Campaign) *progress {
	header := fmt.Sprintf("%s, seed %d, %s from %s, %s\n", c.Protocol.Name(), c.Seed,
		counted(c.Runs, "run"), grouped(c.First), counted(uint64(c.Workers), "worker"))
	if c.For > 0 {
		header = fmt.Sprintf("%s, seed %d, runs from %s for %v, %s\n", c.Protocol.Name(), c.Seed,
			grouped(c.First), c.For, counted(uint64(c.Workers), "worker"))
	}
	return &progress{
		out: out, terminal: isTerminal(out), header: header, runs: c.Runs, limit: c.For,
	}
}

// isTerminal tells whether lines can be overwritten.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

// overwrite writes a line on a terminal over the one before, cut where it would wrap.
func overwrite(out io.Writer, line string) {
	width := 80
	if f, ok := out.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			width = w
		}
	}
	fmt.Fprintf(out, "\r\x1b[K%s", line[:min(len(line), width-1)])
}

// show is the Progress of a campaign.
func (p *progress) show(now fuzz.Progress) {
	fmt.Fprint(p.out, p.header)
	p.header = ""
	switch {
	case p.terminal:
		overwrite(p.out, p.line(now))
	case now.Elapsed-p.last >= plainInterval:
		p.last = now.Elapsed
		fmt.Fprintln(p.out, p.line(now))
	}
}

// clear makes room for the result.
func (p *progress) clear() {
	if p.terminal {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

func (p *progress) line(now fuzz.Progress) string {
	done, left := 0.0, time.Duration(0)
	if p.limit > 0 {
		done = min(1, now.Elapsed.Seconds()/p.limit.Seconds())
		left = max(0, p.limit-now.Elapsed)
	} else if now.Runs > 0 {
		done = float64(now.Runs) / float64(p.runs)
		left = time.Duration(float64(now.Elapsed) * (1 - done) / done)
	}
	text := fmt.Sprintf("%3.0f %%  %s runs  %s runs/s  %.2f M steps/s  %s",
		100*done, grouped(now.Runs), grouped(perSecond(now.Runs, now.Elapsed)),
		float64(perSecond(now.Steps, now.Elapsed))/1e6, counted(now.Violations, "violation"))
	if done > 0 && left < 1000*time.Hour {
		text += "  " + left.Round(time.Second).String() + " left"
	}
	return text
}

func perSecond(n uint64, d time.Duration) uint64 {
	if d <= 0 {
		return 0
	}
	return uint64(float64(n) / d.Seconds())
}

// grouped writes a number as people read it: 1,234,567.
func grouped(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// counted writes how many there are of something: 1 step, 2 steps.
func counted(n uint64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return grouped(n) + " " + noun
}
