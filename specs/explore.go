package specs

import (
	"errors"
	"fmt"

	"paxoscommit/checker/mc"
)

// ErrSpec is a specification that is not known, or does not have what the configuration asks for.
var ErrSpec = errors.New("specs: no such specification")

// The names of the specifications.
const (
	SpecTCommit     = "tcommit"
	SpecTwoPhase    = "two-phase"
	SpecPaxosCommit = "paxos-commit"
	SpecBundled     = "bundled-paxos-commit"
)

// Names lists the specifications.
func Names() []string { return []string{SpecTCommit, SpecTwoPhase, SpecPaxosCommit, SpecBundled} }

// HasBallots tells whether a specification has acceptors and ballots.
func HasBallots(spec string) bool { return spec == SpecPaxosCommit || spec == SpecBundled }

// A Config is a specification and the sizes of its constants.
type Config struct {
	Spec      string `json:"spec"`
	RMs       int    `json:"rms"`
	Acceptors int    `json:"acceptors,omitempty"` // 0 if HasBallots says no
	Ballots   int    `json:"ballots,omitempty"`   // {0..Ballots-1}; 0 if HasBallots says no
	Symmetry  bool   `json:"symmetry,omitempty"`  // of two-phase only: up to the names of the RMs
}

// String is the configuration as flags write it.
func (c Config) String() string {
	s := fmt.Sprintf("%s rms=%d", c.Spec, c.RMs)
	if HasBallots(c.Spec) {
		s += fmt.Sprintf(" acceptors=%d ballots=%d", c.Acceptors, c.Ballots)
	}
	if c.Symmetry {
		s += " symmetry"
	}
	return s
}

// Explore explores a specification with all its properties. The error is [ErrSpec] or [ErrSize].
func Explore(c Config, o mc.Options) (mc.Stats, []mc.Finding, error) {
	if c.Symmetry && c.Spec != SpecTwoPhase {
		return mc.Stats{}, nil, fmt.Errorf("%w with symmetry: %q", ErrSpec, c.Spec)
	}
	if !HasBallots(c.Spec) && (c.Acceptors != 0 || c.Ballots != 0) {
		return mc.Stats{}, nil, fmt.Errorf("%w with acceptors and ballots: %q", ErrSpec, c.Spec)
	}
	switch c.Spec {
	case SpecTCommit:
		m, err := NewTCommit(c.RMs)
		if err != nil {
			return mc.Stats{}, nil, err
		}
		return explore(m, m.Properties(), o)
	case SpecTwoPhase:
		m, err := NewTwoPhase(c.RMs)
		if err != nil {
			return mc.Stats{}, nil, err
		}
		if c.Symmetry {
			return explore(TwoPhaseSymmetric{m}, m.Properties(), o)
		}
		return explore(m, m.Properties(), o)
	case SpecPaxosCommit:
		m, err := NewPaxosCommit(c.RMs, c.Acceptors, c.Ballots)
		if err != nil {
			return mc.Stats{}, nil, err
		}
		return explore(m, m.Properties(), o)
	case SpecBundled:
		m, err := NewBundled(c.RMs, c.Acceptors, c.Ballots)
		if err != nil {
			return mc.Stats{}, nil, err
		}
		return explore(m, m.Properties(), o)
	}
	return mc.Stats{}, nil, fmt.Errorf("%w: %q", ErrSpec, c.Spec)
}

func explore[S, A any](
	m mc.Model[S, A], ps []mc.Property[S, A], o mc.Options,
) (mc.Stats, []mc.Finding, error) {
	r, err := mc.Explore(m, ps, o)
	return r.Stats, r.Findings(), err
}
