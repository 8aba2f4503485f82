package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFlagsAreDecimal(t *testing.T) {
	for _, text := range []string{"", "010", "00", "0x10", "1_0", "+1", "-1", "1e3", " 1"} {
		d := decimal(7)
		require.ErrorIs(t, d.Set(text), errNotDecimal, text)
		require.Equal(t, decimal(7), d, text)
	}
	for _, text := range []string{"0", "1", "10", "18446744073709551615"} {
		var d decimal
		require.NoError(t, d.Set(text))
		require.Equal(t, text, d.String())
	}
	var d decimal
	require.Error(t, d.Set("18446744073709551616"))
}
