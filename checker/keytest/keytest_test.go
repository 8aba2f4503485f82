package keytest_test

import (
	"fmt"
	"testing"

	"paxoscommit/checker/keytest"

	"github.com/stretchr/testify/require"
)

func TestSilentNamesWhatAKeyLeavesOut(t *testing.T) {
	type inner struct {
		a  uint8
		on bool
	}
	type state struct {
		n    int
		list []inner
		next *state
	}
	st := &state{list: []inner{{a: 1, on: true}, {}}, next: &state{}}
	full := func(s *state) string { return fmt.Sprint(s.n, s.list) }
	require.Empty(t, keytest.Silent(full, st))
	require.Equal(t, []string{".list.on"}, keytest.Silent(func(s *state) string {
		return fmt.Sprint(s.n, s.list[0].a)
	}, st))
	require.Equal(t, "0 [{1 true} {0 false}]", full(st), "all is put back")
}
