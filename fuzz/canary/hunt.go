package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"paxoscommit/checker"
	"paxoscommit/fuzz/mutants"
)

// row is what came of hunting one bug: some fields of the object that fuzz --json ends with.
type row struct {
	ID              string  `json:"bug"`
	Result          string  `json:"result"`
	Title           string  `json:"title"`
	Property        string  `json:"property"` // empty if nothing broke
	Runs            uint64  `json:"runs"`
	Seconds         float64 `json:"seconds"`
	Found           int     `json:"actions_found"`
	Actions         int     `json:"actions"`
	Replays         int     `json:"replays"`
	MinimizeSeconds float64 `json:"minimize_seconds"`
	err             error
}

type hunter struct {
	options   *options
	root, dir string
}

// hunt builds the command with a bug and runs a campaign on one core.
func (h *hunter) hunt(ctx context.Context, m *mutants.Mutant) row {
	r := row{ID: m.ID, Title: m.Title}
	program, err := m.Build(ctx, h.root, h.dir, "./cmd/paxoscommit")
	if err != nil {
		r.err = err
		return r
	}
	defer os.Remove(program)
	return h.campaign(ctx, m, program)
}

// campaign runs a campaign on one core. It saves the schedule beside the program.
func (h *hunter) campaign(ctx context.Context, m *mutants.Mutant, program string) row {
	r := row{ID: m.ID, Title: m.Title}
	runs := h.options.runs
	if m.Control {
		runs = h.options.controlRuns
	}
	args := append([]string{
		"fuzz", "--json", "--workers", "1",
		"--protocol", m.Protocol, "--runs", strconv.FormatUint(runs, 10),
		"--seed", strconv.FormatUint(h.options.seed, 10), "--save", program + ".schedule",
	}, m.With...)
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	stderr := relay{id: m.ID, out: os.Stderr}
	var stdout bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		r.err = fmt.Errorf("%s: %w: %s", m.ID, err, bytes.TrimSpace(stderr.text.Bytes()))
		return r
	}
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		r.err = fmt.Errorf("%s: fuzz --json printed %q: %w", m.ID, stdout.Bytes(), err)
	}
	r.ID, r.Title = m.ID, m.Title
	return r
}

// relay passes on the lines that tell how far a campaign has come, and keeps all.
type relay struct {
	id   string
	out  io.Writer
	text bytes.Buffer
}

// Write takes whole lines.
func (r *relay) Write(lines []byte) (int, error) {
	for line := range bytes.Lines(lines) {
		if bytes.Contains(line, []byte(" %  ")) {
			fmt.Fprintf(r.out, "%-4s %s", r.id, line)
		}
	}
	return r.text.Write(lines)
}

// nativeTime is within what go test -fuzz must find a bug.
const nativeTime = "5m"

// native looks for each bug by go test -fuzz, from the seed corpus and an empty cache.
func (h *hunter) native(ctx context.Context, list []mutants.Mutant, out io.Writer) error {
	var survived []string
	for i := range list {
		m := &list[i]
		overlay, err := m.Overlay(h.root, h.dir)
		if err != nil {
			return err
		}
		target, ok := map[string]string{
			"paxos-commit": "FuzzPaxosCommit", "faster-paxos-commit": "FuzzFasterPaxosCommit",
			"replicated-2pc": "FuzzReplicated", "2pc": "FuzzTwoPhase",
		}[m.Protocol]
		if !ok {
			return fmt.Errorf("%s: %s has no fuzz target", m.ID, m.Protocol)
		}
		test := filepath.Join(h.dir, m.ID+".test")
		build := exec.CommandContext(ctx, "go", "test", "-c", "-fuzz", target, "-overlay", overlay,
			"-o", test, "./fuzz")
		build.Dir = h.root
		if text, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", m.ID, err, text)
		}
		start := time.Now()
		cmd := exec.CommandContext(ctx, test, "-test.run", "^$", "-test.fuzz", "^"+target+"$",
			"-test.fuzztime", nativeTime, "-test.fuzzcachedir", filepath.Join(h.dir, m.ID+".cache"))
		cmd.Dir = filepath.Join(h.dir, m.ID+".work") // new inputs are written below it
		seeds := os.DirFS(filepath.Join(h.root, "fuzz", "testdata"))
		if err := os.CopyFS(filepath.Join(cmd.Dir, "testdata"), seeds); err != nil {
			return err
		}
		text, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			return err
		}
		line, result := brokenLine(text), "caught"
		switch {
		case err == nil:
			result = "SURVIVED"
		case line == "":
			return fmt.Errorf("%s: go test -fuzz failed of itself: %s", m.ID, text)
		case !slices.ContainsFunc(m.CaughtBy, func(p checker.Property) bool {
			return strings.Contains(line, p.String()+" at step ")
		}):
			result = "OTHER"
		}
		if result != "caught" {
			survived = append(survived, m.ID)
		}
		fmt.Fprintf(out, "%-4s %-8s %6.1f s by go test -fuzz=%s  %s\n", m.ID, result,
			time.Since(start).Seconds(), target, line)
	}
	if len(survived) > 0 {
		return fmt.Errorf("%w: %s", errSurvived, strings.Join(survived, " "))
	}
	return nil
}

// brokenLine returns the line that names the property.
func brokenLine(text []byte) string {
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, " at step ") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}
