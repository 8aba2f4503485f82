package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRelayPassesOnProgressAndKeepsAll(t *testing.T) {
	var out bytes.Buffer
	r := relay{id: "A02", out: &out}
	for _, text := range []string{
		"paxos-commit, seed 1, 9 runs from 0, 1 worker\n", " 81 %  7 runs  2s left\n", "panic: no\n",
	} {
		_, err := r.Write([]byte(text))
		require.NoError(t, err)
	}
	require.Equal(t, "A02   81 %  7 runs  2s left\n", out.String())
	require.Contains(t, r.text.String(), "panic: no\n")
}
