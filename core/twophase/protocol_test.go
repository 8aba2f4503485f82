package twophase_test

import (
	"testing"

	"paxoscommit/core"
	"paxoscommit/core/twophase"

	"github.com/stretchr/testify/require"
)

func TestValidateRefusesWhatItCannotRunOn(t *testing.T) {
	p := twophase.Protocol{}
	l, err := core.NewLayout(core.Sizes{RMs: 2, TMs: 1})
	require.NoError(t, err)
	require.NoError(t, p.Validate(l))
	l, err = core.NewLayout(core.Sizes{RMs: 2, TMs: 1, Acceptors: 3})
	require.NoError(t, err)
	require.EqualError(t, p.Validate(l), "2pc: 3 acceptors: want 0")
	l, err = core.NewLayout(core.Sizes{RMs: 2})
	require.NoError(t, err)
	require.EqualError(t, p.Validate(l), "2pc: 0 transaction managers: want 1")
	l = &core.Layout{Sizes: core.Sizes{RMs: 1, TMs: 1}}
	require.EqualError(t, p.Validate(l), "2pc: rm1 is on no node")
}
