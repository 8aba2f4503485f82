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
	"slices"

	"paxoscommit/checker"
	"paxoscommit/fuzz/mutants"
)

// Limits of one exploration.
const (
	maxStates   = "5000000"
	maxMemoryMB = "3000"
)

var (
	// errLonger is a schedule that is further from the shortest than it may be.
	errLonger = errors.New("canary: a minimised schedule is too long")
	// errBlind is an exploration that went deeper than a schedule is long, and saw nothing.
	errBlind = errors.New("canary: exploration does not see what a run shows")
)

// maxRatio is how many times as long as the shortest a minimised schedule may be.
const maxRatio = 1.25

// explored is some fields of the object that explore --json ends with.
type explored struct {
	World    string   `json:"world"`
	Verdict  string   `json:"verdict"`
	Distinct uint64   `json:"distinct"`
	Depth    int      `json:"depth"`
	Property string   `json:"property"`
	Actions  []string `json:"actions"`
	own      bool     // it is the world of the schedule
}

// explore holds the schedule that fuzz finds and minimises for each bug against the shortest that
// there is, in the same world with the same faults. A bug whose world is too large for that is
// found in another one, if its header names one, and the lengths are not compared. What cannot be
// explored, or breaks another property sooner, is told and not counted. Exploration counts what it
// does, and a schedule also that a message is repeated, or a fair end adds to what is done: by
// these a ratio may be below 1.
func (h *hunter) explore(ctx context.Context, list []mutants.Mutant, out io.Writer) error {
	fmt.Fprintf(out, "%-4s %-15s %7s %-15s %8s %6s %10s  %s\n", "bug", "fuzz", "minimal",
		"explore", "shortest", "ratio", "states", "world")
	var ratios []float64
	for i := range list {
		m := &list[i]
		if m.Control {
			continue
		}
		m.With = append(slices.Clip(m.With), "--apart") // there is no other world to explore
		program, err := m.Build(ctx, h.root, h.dir, "./cmd/paxoscommit")
		if err != nil {
			return err
		}
		r := h.campaign(ctx, m, program)
		if r.err != nil {
			return r.err
		}
		if r.Property == "" {
			return fmt.Errorf("%w: %s in %d runs", errSurvived, m.ID, r.Runs)
		}
		x, why, err := found(ctx, m, program, &r)
		if err != nil {
			return fmt.Errorf("%s: %w", m.ID, err)
		}
		if len(x.Actions) == 0 {
			fmt.Fprintf(out, "%-4s %-15s %7d %s\n", m.ID, r.Property, r.Actions, why)
			continue
		}
		told := "-"
		if x.own && x.Property == r.Property {
			ratio := float64(r.Actions) / float64(len(x.Actions))
			ratios = append(ratios, ratio)
			told = fmt.Sprintf("%.2f", ratio)
		}
		fmt.Fprintf(out, "%-4s %-15s %7d %-15s %8d %6s %10d  %s\n", m.ID, r.Property, r.Actions,
			x.Property, len(x.Actions), told, x.Distinct, x.World)
	}
	if len(ratios) == 0 {
		return errors.New("no bug could be compared")
	}
	slices.Sort(ratios)
	worst := ratios[len(ratios)-1]
	fmt.Fprintf(out, "\n%d bugs compared: ratio %.2f in the median, %.2f at worst\n", len(ratios),
		ratios[len(ratios)/2], worst)
	if worst > maxRatio {
		return fmt.Errorf("%w: %.2f times the shortest", errLonger, worst)
	}
	return nil
}

// found explores the world of a bug's schedule, and if that is too large the one that the header
// names. Without a violation it says why there is none.
func found(
	ctx context.Context, m *mutants.Mutant, program string, r *row,
) (x explored, why string, err error) {
	schedule := program + ".schedule"
	x, why, err = explore(ctx, program, "--unreduced", "--workers", "1", "--max-states", maxStates,
		"--world-of", schedule, "--save", schedule)
	x.own = true
	if err != nil || len(x.Actions) > 0 {
		return x, why, err
	}
	// What only the fair end of a run shows takes more actions than the schedule has.
	inTheEnd := r.Property == checker.NonBlocking.String() ||
		r.Property == checker.Linearizability.String()
	if x.Depth > r.Actions+1 && !inTheEnd {
		return x, "", fmt.Errorf("%w: %s of %d actions, at depth %d", errBlind, r.Property, r.Actions,
			x.Depth)
	}
	if len(m.Explore) == 0 {
		return x, why, os.Remove(schedule)
	}
	flags := append([]string{"--protocol", m.Protocol, "--save", schedule}, m.Explore...)
	x, why, err = explore(ctx, program, flags...)
	if err == nil && len(x.Actions) == 0 {
		err = fmt.Errorf("%w: %s with %v", errBlind, why, m.Explore)
	}
	return x, why, err
}

// explore runs the command with these flags. Without a violation it says why there is none.
func explore(
	ctx context.Context, program string, flags ...string,
) (x explored, why string, err error) {
	flags = append([]string{"explore", "--json", "--max-memory", maxMemoryMB}, flags...)
	text, err := exec.CommandContext(ctx, program, flags...).Output()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() == 2:
		return x, string(bytes.TrimSpace(exit.Stderr)), nil
	case err != nil && (exit == nil || exit.ExitCode() != 1 && exit.ExitCode() != 3):
		return x, "", err
	}
	if err := json.Unmarshal(text, &x); err != nil {
		return x, "", fmt.Errorf("explore --json printed %q: %w", text, err)
	}
	return x, fmt.Sprintf("%s after %d states", x.Verdict, x.Distinct), nil
}
