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

	"paxoscommit/fuzz/mutants"
)

// Limits of one exploration.
const (
	maxStates   = "5000000"
	maxMemoryMB = "3000"
)

// errLonger is a schedule that is further from the shortest than it may be.
var errLonger = errors.New("canary: a minimised schedule is too long")

// maxRatio is how many times as long as the shortest a minimised schedule may be.
const maxRatio = 1.25

// explored is some fields of the object that explore --json ends with.
type explored struct {
	World    string   `json:"world"`
	Verdict  string   `json:"verdict"`
	Distinct uint64   `json:"distinct"`
	Property string   `json:"property"`
	Actions  []string `json:"actions"`
}

// explore holds the schedule that fuzz finds and minimises for each bug against the shortest that
// there is, in the same world with the same faults. What cannot be explored, or not within the
// limits, or breaks another property sooner, is told and not counted.
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
			fmt.Fprintf(out, "%-4s not found in %d runs\n", m.ID, r.Runs)
			continue
		}
		x, why, err := shortest(ctx, program, program+".schedule")
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", m.ID, err)
		case len(x.Actions) == 0:
			fmt.Fprintf(out, "%-4s %-15s %7d %s\n", m.ID, r.Property, r.Actions, why)
			continue
		case x.Property != r.Property:
			fmt.Fprintf(out, "%-4s %-15s %7d %-15s %8d %6s %10d  %s\n", m.ID, r.Property,
				r.Actions, x.Property, len(x.Actions), "-", x.Distinct, x.World)
			continue
		}
		ratio := float64(r.Actions) / float64(len(x.Actions))
		ratios = append(ratios, ratio)
		fmt.Fprintf(out, "%-4s %-15s %7d %-15s %8d %6.2f %10d  %s\n", m.ID, r.Property,
			r.Actions, x.Property, len(x.Actions), ratio, x.Distinct, x.World)
	}
	if len(ratios) == 0 {
		return fmt.Errorf("%w: none could be compared", errSurvived)
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

// shortest explores the world of a schedule. Without a violation it says why.
func shortest(ctx context.Context, program, schedule string) (x explored, why string, err error) {
	cmd := exec.CommandContext(ctx, program, "explore", "--json", "--unreduced", "--workers", "1",
		"--world-of", schedule, "--max-states", maxStates, "--max-memory", maxMemoryMB,
		"--save", schedule)
	text, err := cmd.Output()
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
	return x, fmt.Sprintf("%s after %d states", x.Verdict, x.Distinct), os.Remove(schedule)
}
