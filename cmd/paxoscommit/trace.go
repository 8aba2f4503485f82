package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"paxoscommit/harness"
	"paxoscommit/harness/tla"
	"paxoscommit/specs"
)

// traceReplay writes the traces of a schedule as TLA+ modules into a folder, and whether each is a
// behaviour of the specification to w. It returns whether none is known not to be.
func traceReplay(s *harness.Schedule, dir string, w io.Writer) (refined bool, err error) {
	traces, _, err := tla.Traces(s)
	if err != nil {
		return false, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return false, err
	}
	for _, name := range specs.TraceModules() {
		text, err := specs.Files.ReadFile(name)
		if err != nil {
			return false, err
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return false, err
		}
	}
	fmt.Fprintf(w, "  %-14s %s, for TLC: go run ./specs/tlc %s\n", "traces", dir, dir)
	refined = true
	for i := range traces {
		t := &traces[i]
		name := "Trace_" + strings.ReplaceAll(t.Tx, ".", "_")
		for file, text := range map[string]string{
			name + ".tla": t.Module(name), name + ".cfg": specs.TraceConfig,
		} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				return false, err
			}
		}
		says := "a behaviour of BundledPaxosCommit"
		switch err := t.Check(); {
		case errors.Is(err, specs.ErrSize):
			says = "too large for the Go model of BundledPaxosCommit"
		case err != nil:
			refined = false
			says = err.Error()
		}
		fmt.Fprintf(w, "  %-14s %d events, %s\n", t.Tx, len(t.Events), says)
	}
	return refined, nil
}
