package specs

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"paxoscommit/checker/mc"

	"github.com/stretchr/testify/require"
)

// TestTCommitStepIsTheStepRelation of the model, from every assignment of states, reachable or not.
func TestTCommitStepIsTheStepRelation(t *testing.T) {
	const n = 3
	m, err := NewTCommit(n)
	require.NoError(t, err)
	for s := range RMStates(1 << (2 * n)) {
		after := map[RMStates]bool{s: true}
		for _, a := range m.Actions(s, nil) {
			after[m.Next(s, a)] = true
		}
		for to := range RMStates(1 << (2 * n)) {
			err := TCommitStep(n, s, to)
			require.Equal(t, after[to], err == nil, "%s, then %s", s.Format(n), to.Format(n))
			if err != nil {
				require.ErrorIs(t, err, ErrNotTCommit)
			}
		}
	}
}

// hastyTM commits without waiting for anybody's vote.
type hastyTM struct{ *TwoPhase }

func (m hastyTM) Actions(s TPState, buf []TPAction) []TPAction {
	if s.TMState == TMInit && s.TMPrepared != 1<<m.rms-1 {
		buf = append(buf, TPAction{Type: TMCommit})
	}
	return m.TwoPhase.Actions(s, buf)
}

func TestCommitWithoutAllVotesIsInconsistent(t *testing.T) {
	m, err := NewTwoPhase(3)
	require.NoError(t, err)
	for _, workers := range []int{1, 2, 4} {
		o := mc.Options{Workers: workers, Continue: true}
		stats, fs, err := explore(hastyTM{m}, m.Properties(), o)
		require.NoError(t, err)
		require.Equal(t, mc.Violated, stats.Verdict)

		require.Equal(t, "TCConsistent", fs[0].Property)
		require.ErrorIs(t, fs[0].Err, ErrInconsistent)
		require.Equal(t,
			[]string{"TMCommit", "RMChooseToAbort(rm1)", "RMRcvCommitMsg(rm2)"}, fs[0].Actions)

		require.Equal(t, "TCSpec", fs[1].Property)
		require.ErrorIs(t, fs[1].Err, ErrNotTCommit)
		require.Equal(t, []string{"TMCommit", "RMRcvCommitMsg(rm1)"}, fs[1].Actions)
	}
}

// TestSymmetryFindsTheSameViolation, by a path that can be replayed and is as short.
func TestSymmetryFindsTheSameViolation(t *testing.T) {
	m, err := NewTwoPhase(3)
	require.NoError(t, err)
	hasty := hastyTM{m}
	reduced := symmetricHasty{hasty, TwoPhaseSymmetric{m}}
	r, err := mc.Explore[TPState, TPAction](reduced, m.Properties(), mc.Options{Continue: true})
	require.NoError(t, err)
	full, err := mc.Explore[TPState, TPAction](hasty, m.Properties(), mc.Options{Continue: true})
	require.NoError(t, err)
	require.Less(t, r.Distinct, full.Distinct)
	require.Equal(t, full.Distinct, r.Orbit.Distinct)
	require.Equal(t, full.Generated, r.Orbit.Generated)
	for i := range r.Results {
		require.Equal(t, full.Results[i].Verdict, r.Results[i].Verdict)
		require.Len(t, r.Results[i].Trace.Steps, len(full.Results[i].Trace.Steps))
		s := r.Results[i].Trace.Init
		for _, step := range r.Results[i].Trace.Steps {
			require.Contains(t, hasty.Actions(s, nil), step.Action)
			s = hasty.Next(s, step.Action)
			require.Equal(t, step.State, s)
		}
	}
}

// symmetricHasty is hastyTM up to the names of the resource managers.
type symmetricHasty struct {
	hastyTM
	sym TwoPhaseSymmetric
}

func (m symmetricHasty) AppendKey(dst []byte, s TPState) []byte { return m.sym.AppendKey(dst, s) }

func (m symmetricHasty) WordKey(s TPState) (hi, lo uint64) { return m.sym.WordKey(s) }

func (m symmetricHasty) OrbitSize(s TPState) uint64 { return m.sym.OrbitSize(s) }

// inventor proposes prepared where the choice is free.
type inventor struct{ *PaxosCommit }

func (m inventor) Next(s PCState, a PCAction) PCState {
	t := m.PaxosCommit.Next(s, a)
	if a.Type == PCPhase2a {
		x, free := m.instance(&s, int(a.RM)), true
		for _, acc := range m.majorities[a.Witness] {
			bal, _ := m.sent1b(x, int(acc), int(a.Bal))
			free = free && bal == -1
		}
		if free {
			m.set(&t, int(a.RM), 2*int(a.Bal), 2, int(ValPrepared))
		}
	}
	return t
}

// forgetful lets acceptors accept below their promise.
type forgetful struct{ *PaxosCommit }

func (m forgetful) Actions(s PCState, buf []PCAction) []PCAction {
	for rm := range m.rms {
		x := m.instance(&s, rm)
		for bal := range m.ballots {
			for acc := range m.acceptors {
				if m.sent2a(x, bal) != NoVal && m.mbal(x, acc) > bal {
					buf = append(buf, PCAction{
						Type: PCPhase2b, RM: uint8(rm), Acc: uint8(acc), Bal: uint8(bal),
					})
				}
			}
		}
	}
	return m.PaxosCommit.Actions(s, buf)
}

func (m forgetful) Next(s PCState, a PCAction) PCState {
	t := m.PaxosCommit.Next(s, a)
	if a.Type == PCPhase2b {
		acc := int(a.Acc)
		mbal := max(m.mbal(m.instance(&s, int(a.RM)), acc), int(a.Bal))
		m.set(&t, int(a.RM), m.atAcc+acc*m.accBits, m.mbalBits, mbal)
	}
	return t
}

func TestInventedPreparedIsNotTCommit(t *testing.T) {
	m, err := NewPaxosCommit(1, 1, 2)
	require.NoError(t, err)
	_, fs, err := explore(inventor{m}, m.Properties(), mc.Options{})
	require.NoError(t, err)
	require.ErrorIs(t, fs[1].Err, ErrNotTCommit)
	require.Equal(t, []string{
		"Phase1a(1, rm1)", "Phase1b(acc1) ins=rm1 bal=1", "Phase2a(1, rm1)",
		"Phase2b(acc1) ins=rm1 bal=1", "Decide Commit", "RMRcvCommitMsg(rm1)",
	}, fs[1].Actions)
}

func TestAcceptingBelowPromiseIsNotTCommit(t *testing.T) {
	m, err := NewPaxosCommit(1, 1, 2)
	require.NoError(t, err)
	stats, fs, err := explore(forgetful{m}, m.Properties(), mc.Options{})
	require.NoError(t, err)
	require.Equal(t, mc.Violated, stats.Verdict)
	require.ErrorIs(t, fs[1].Err, ErrNotTCommit)
	require.Contains(t, fs[1].Actions, "Phase2b(acc1) ins=rm1 bal=0")
	require.Contains(t, fs[1].Actions, "Phase2b(acc1) ins=rm1 bal=1")
}

// mutant is BundledPaxosCommit with actions that it does not allow, and what they do.
type mutant struct {
	*Bundled
	more func(m *Bundled, s BundledState) []BundledAction
	next func(m *Bundled, s BundledState, a BundledAction) (BundledState, bool)
}

func (m mutant) Actions(s BundledState, buf []BundledAction) []BundledAction {
	return append(m.Bundled.Actions(s, buf), m.more(m.Bundled, s)...)
}

func (m mutant) Next(s BundledState, a BundledAction) BundledState {
	if m.next != nil {
		if t, ok := m.next(m.Bundled, s, a); ok {
			return t
		}
	}
	return m.Bundled.Next(s, a)
}

// TestBundlesShortCircuitFasterAndForgettingAreNotSafeAnyhow plants what would break each of them.
func TestBundlesShortCircuitFasterAndForgettingAreNotSafeAnyhow(t *testing.T) {
	for _, test := range []struct {
		name string
		mutant
		broken  string
		because error
		actions []string // that the path must take
	}{
		{
			name: "a forgotten transaction looks free", broken: "TCSpec", because: ErrNotTCommit,
			mutant: mutant{more: func(m *Bundled, s BundledState) (buf []BundledAction) {
				for acc := range m.pc.acceptors {
					if s.Forgotten>>acc&1 == 1 {
						buf = m.acceptor(&s.PC, acc, buf)
					}
				}
				return buf
			}},
			actions: []string{"Forget(acc1)", "RMRcvAbortMsg(rm1)"},
		},
		{
			name: "a bundle is accepted after a promise", broken: "OneBallot", because: ErrOneBallot,
			mutant: mutant{more: func(m *Bundled, s BundledState) (buf []BundledAction) {
				for acc := range m.pc.acceptors {
					x := m.pc.instance(&s.PC, 0)
					if m.pc.mbal(x, acc) > 0 && m.pc.sent2a(x, 0) != NoVal {
						buf = append(buf, BundledAction{
							Type: BundledPhase2bVotes, Acc: uint8(acc), Bundle: 1,
						})
					}
				}
				return buf
			}},
			actions: []string{"BundledPhase2bVotes(acc1) bal=0 bundle={rm1}"},
		},
		{
			name:   "who has not voted yet says that it aborts, and prepares",
			broken: "TCSpec", because: ErrNotTCommit,
			mutant: mutant{more: func(_ *Bundled, s BundledState) []BundledAction {
				if s.RM().Of(0) == Working {
					return []BundledAction{{Type: BundledShortCircuit}}
				}
				return nil
			}},
			actions: []string{"ShortCircuit(rm1)", "RMPrepare(rm1)"},
		},
		{
			name:   "a resource manager commits when one instance has chosen prepared",
			broken: "TCSpec", because: ErrNotTCommit,
			mutant: mutant{
				more: func(m *Bundled, s BundledState) []BundledAction {
					x := m.pc.instance(&s.PC, 0)
					if s.RM().Of(0) == Prepared && m.pc.within[m.pc.sent2b(x, 0)] > 0 {
						return []BundledAction{{Type: BundledRMRcvCommitMsg}}
					}
					return nil
				},
			},
			actions: []string{"RMRcvCommitMsg(rm1)"},
		},
		{
			name: "a leader proposes prepared where it is free", broken: "TCSpec", because: ErrNotTCommit,
			mutant: mutant{
				more: func(*Bundled, BundledState) []BundledAction { return nil },
				next: func(m *Bundled, s BundledState, a BundledAction) (BundledState, bool) {
					if a.Type != BundledPhase2a {
						return s, false
					}
					for ins := range m.pc.rms {
						m.pc.set(&s.PC, ins, 2*int(a.Bal), 2, int(ValPrepared))
					}
					return s, true
				},
			},
			actions: []string{"BundledPhase2b(acc1) bal=1"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var err error
			test.Bundled, err = NewBundled(2, 1, 2)
			require.NoError(t, err)
			stats, fs, err := explore(test.mutant, test.Properties(), mc.Options{Continue: true})
			require.NoError(t, err)
			require.Equal(t, mc.Violated, stats.Verdict)
			i := slices.IndexFunc(fs, func(f mc.Finding) bool { return f.Property == test.broken })
			require.ErrorIs(t, fs[i].Err, test.because)
			for _, a := range test.actions {
				require.Contains(t, fs[i].Actions, a)
			}
		})
	}
}

// TestBundledStepsAreStepsOfPaxosCommit, one after the other, but for four.
func TestBundledStepsAreStepsOfPaxosCommit(t *testing.T) {
	for _, size := range [][3]int{{2, 1, 2}, {1, 3, 2}, {2, 3, 1}} {
		m, err := NewBundled(size[0], size[1], size[2])
		require.NoError(t, err)
		r, err := mc.Explore[BundledState, BundledAction](m, []mc.Property[BundledState, BundledAction]{{
			Name: "PCNext", Kind: mc.AlwaysStep,
			Step: func(s BundledState, a BundledAction, after BundledState) error {
				switch {
				case a.Type == BundledShortCircuit, a.Type == BundledRMLearn, a.Type == BundledForget,
					a.Type == BundledPhase2a && a.Bundle != 0:
					return nil
				}
				if !leadTo(m.pc, s.PC, after.PC, 2*size[0], a) {
					return fmt.Errorf("%v is not a sequence of steps of PaxosCommit", a)
				}
				return nil
			},
		}}, mc.Options{})
		require.NoError(t, err)
		require.NoError(t, r.Results[0].Err)
		require.Equal(t, mc.Holds, r.Verdict)
	}
}

// leadTo tells whether at most n steps of PaxosCommit, if of an acceptor then of that of a, lead
// from one state to another.
func leadTo(m *PaxosCommit, from, to PCState, n int, a BundledAction) bool {
	if from == to {
		return true
	}
	for _, b := range m.Actions(from, nil) {
		if n == 0 || (b.Type == PCPhase1b || b.Type == PCPhase2b) && b.Acc != a.Acc {
			continue
		}
		if t := m.Next(from, b); t != from && leadTo(m, t, to, n-1, a) {
			return true
		}
	}
	return false
}

// TestAllCanStillDecide: once the transaction manager decides and every message arrives, all are
// done; without the transaction manager they are not.
func TestAllCanStillDecide(t *testing.T) {
	const n = 4
	m, err := NewTwoPhase(n)
	require.NoError(t, err)
	decided := func(s TPState) bool {
		return !s.RM.anyIs(n, Working) && !s.RM.anyIs(n, Prepared)
	}
	// fair takes the first action of the first of these types that changes something.
	fair := func(types ...TPActionType) func(TPState, []TPAction) int {
		return func(s TPState, enabled []TPAction) int {
			for _, typ := range types {
				i := slices.IndexFunc(enabled, func(a TPAction) bool {
					return a.Type == typ && m.Next(s, a) != s
				})
				if i >= 0 {
					return i
				}
			}
			return -1
		}
	}
	types := []TPActionType{
		RMPrepare, TMRcvPrepared, RMRcvCommitMsg, RMRcvAbortMsg, TMCommit, TMAbort,
	}
	explore := func(types []TPActionType, within int) mc.Result[TPState, TPAction] {
		r, err := mc.Explore[TPState, TPAction](m, []mc.Property[TPState, TPAction]{{
			Name: "decided", Kind: mc.CanStill, Goal: decided, Fair: fair(types...), Within: within,
		}}, mc.Options{})
		require.NoError(t, err)
		return r.Results[0]
	}
	const steps = n + n + 1 + n // all prepare, all votes arrive, the decision, it arrives
	require.Equal(t, mc.Holds, explore(types, steps).Verdict)
	require.Equal(t, mc.Violated, explore(types, steps-1).Verdict)

	blocked := explore(types[:4], 100) // the transaction manager no longer decides
	require.Equal(t, mc.Violated, blocked.Verdict)
	require.Empty(t, blocked.Trace.Steps)
	require.Len(t, blocked.Fair, 2*n)
}

func ExampleTCommitStep() {
	var s RMStates
	s = s.With(0, Prepared)
	fmt.Println(TCommitStep(2, s, s.With(0, Committed)))
	fmt.Println(errors.Is(TCommitStep(2, s, s.With(0, Committed)), ErrNotTCommit))
	// Output:
	// specs: not a step of TCommit: rm1=prepared rm2=working, then rm1=committed rm2=working
	// true
}
