package threephase_test

import (
	"testing"

	"paxoscommit/core"
	"paxoscommit/core/threephase"

	"github.com/stretchr/testify/require"
)

func TestValidateRefusesWhatItCannotRunOn(t *testing.T) {
	p := threephase.Protocol{}
	l, err := core.NewLayout(core.Sizes{RMs: 2, TMs: 1})
	require.NoError(t, err)
	require.NoError(t, p.Validate(l))
	l, err = core.NewLayout(core.Sizes{RMs: 2, TMs: 1, Acceptors: 3})
	require.NoError(t, err)
	require.EqualError(t, p.Validate(l), "3pc: 3 acceptors: want 0")
	l, err = core.NewLayout(core.Sizes{RMs: 2})
	require.NoError(t, err)
	require.EqualError(t, p.Validate(l), "3pc: 0 transaction managers: want 1")
	l = &core.Layout{Sizes: core.Sizes{RMs: 1, TMs: 1}}
	require.EqualError(t, p.Validate(l), "3pc: rm1 is on no node")
}

func TestEveryRuleSetHasAName(t *testing.T) {
	var names []string
	for _, r := range []threephase.Rules{
		threephase.Termination, threephase.Course, threephase.Timeouts,
	} {
		names = append(names, threephase.Protocol{Rules: r}.Name())
	}
	require.Equal(t, []string{"3pc", "3pc-course", "3pc-timeouts"}, names)
}
