package main

import (
	"os"
	"path/filepath"
	"testing"

	"paxoscommit/checker"
	"paxoscommit/fuzz/mutants"

	"github.com/stretchr/testify/require"
)

// What explore prints of the world of a schedule of four actions, and of the one that a header
// names.
func TestFoundFailsWhereExplorationIsBlind(t *testing.T) {
	const nothing, shallow, seen = `{"depth":6}`, `{"depth":5}`, `{"depth":3,"actions":["begin"]}`
	for name, c := range map[string]struct {
		property   checker.Property
		own, named string // named: none if it is empty
		want       error
		found      bool
	}{
		"in its own world":        {checker.Agreement, seen, "", nil, true},
		"too large a world":       {checker.Agreement, shallow, "", nil, false},
		"deep, and nothing":       {checker.Agreement, nothing, seen, errBlind, false},
		"deep, and no fair end":   {checker.NonBlocking, nothing, "", nil, false},
		"in the named world":      {checker.Agreement, shallow, seen, nil, true},
		"not in the named either": {checker.Agreement, shallow, shallow, errBlind, false},
	} {
		program := filepath.Join(t.TempDir(), "explore")
		script := "#!/bin/sh\ncase \"$*\" in *--world-of*) echo '" + c.own + "';; *) echo '" + c.named +
			"';; esac\n"
		require.NoError(t, os.WriteFile(program, []byte(script), 0o700))
		require.NoError(t, os.WriteFile(program+".schedule", nil, 0o600))
		m := &mutants.Mutant{}
		if c.named != "" {
			m.Explore = []string{"--rms", "1"}
		}
		x, _, err := found(t.Context(), m, program, &row{Property: c.property.String(), Actions: 4})
		require.ErrorIs(t, err, c.want, name)
		require.Equal(t, c.found, len(x.Actions) > 0, name)
		require.Equal(t, c.found && c.named == "", x.own && c.found, name)
	}
}
