package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"paxoscommit/specs"
)

// TLC's exit codes for a trace that is not a behaviour: no event more, a broken property of a step.
const (
	codeDeadlock = 11
	codeLiveness = 13
)

var (
	// errNoTraces is a folder without what paxoscommit replay --tla writes.
	errNoTraces = errors.New("no Trace_*.tla")
	// errUndecided is a trace that TLC neither accepts nor rejects.
	errUndecided = errors.New("TLC does not decide")
)

var (
	nextLine  = regexp.MustCompile(`(?m)^/\\ next = (\d+)$`)
	eventLine = regexp.MustCompile(`(?m)^  \[type \|-> .*\]`)
)

// checkTraces has TLC hold every trace in these folders against TracePaxosCommit, and returns how
// many it rejects. dir is where TLC runs.
func (c *checker) checkTraces(dir string, folders []string) (rejected int, err error) {
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "Trace_*.tla"))
		if err != nil {
			return rejected, err
		}
		if len(files) == 0 {
			return rejected, fmt.Errorf("%s: %w", folder, errNoTraces)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return rejected, err
			}
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), text, 0o600); err != nil {
				return rejected, err
			}
			start := time.Now()
			module := strings.TrimSuffix(filepath.Base(file), ".tla")
			output, code, err := c.tlc(module, specs.TraceConfig)
			if err != nil {
				return rejected, err
			}
			events := eventLine.FindAllString(string(text), -1)
			at, err := rejectedAt(len(events), output, code)
			if err != nil {
				return rejected, fmt.Errorf("%s: %w", file, err)
			}
			says := fmt.Sprintf("accepted, %d events", len(events))
			if at > 0 {
				rejected++
				says = fmt.Sprintf("rejected at event %d of %d, %s", at, len(events),
					strings.TrimSpace(events[at-1]))
			}
			fmt.Fprintf(c.out, "%s  %.1fs  %s\n", file, time.Since(start).Seconds(), says)
		}
	}
	return rejected, nil
}

// rejectedAt reads at which of the events, counted from 1, TLC rejects a trace; 0 if it accepts it.
func rejectedAt(events int, output string, code int) (at int, err error) {
	if code == 0 && parseCounts(output).distinct == uint64(events+1) {
		return 0, nil
	}
	states := nextLine.FindAllStringSubmatch(output, -1)
	if len(states) > 0 {
		at, _ = strconv.Atoi(states[len(states)-1][1])
	}
	switch code {
	case codeDeadlock:
	case codeViolation, codeLiveness: // the step to that state is the one that breaks a property
		at--
	default:
		at = 0
	}
	if at < 1 || at > events {
		return 0, fmt.Errorf("%w: %s", errUndecided, lastError(output, code))
	}
	return at, nil
}
