package cluster

import (
	"io"
	"path/filepath"
	"testing"
	"time"

	"paxoscommit/checker"

	"github.com/stretchr/testify/require"
)

// foreign tests a program.
func foreign(t *testing.T, restarts bool, command ...string) *ForeignReport {
	t.Helper()
	r, err := RunForeign(t.Context(), ForeignConfig{
		Command: command, Restarts: restarts, Seed: 1, For: time.Millisecond, Dir: t.TempDir(),
		Stderr: io.Discard,
	})
	require.NoError(t, err)
	return r
}

// TestForeignProgramsAreFoundWrong: nodes in another language, each wrong in one way. What one
// does that forgets nothing can look like forgetting, so it is not restarted.
func TestForeignProgramsAreFoundWrong(t *testing.T) {
	for _, tc := range []struct {
		name string
		want checker.Property // none: it is right
	}{
		{"right", checker.NoProperty},
		{"forgetful", checker.Durability},
		{"pushover", checker.Agreement},
		{"secretive", checker.Contract},
		{"undecided", checker.Consistency},
		{"generous", checker.Validity},
	} {
		t.Run(tc.name, func(t *testing.T) {
			program, err := filepath.Abs(filepath.Join("testdata", tc.name+".py"))
			require.NoError(t, err)
			r := foreign(t, tc.name != "pushover", "python3", "-B", program)
			if tc.want == checker.NoProperty {
				require.Nil(t, r.Violation, "%v\n%v", r.Violation, r.Talk)
				require.Equal(t, checker.Holds, r.Verdict)
				require.Positive(t, r.Kills)
				require.Positive(t, r.Committed)
				require.Positive(t, r.Aborted)
				return
			}
			require.Equal(t, checker.Violated, r.Verdict, r.Reason)
			require.Equal(t, tc.want, r.Violation.Property, r.Violation.Detail)
		})
	}
}

func TestOurOwnNodeIsRightAsAForeignProgram(t *testing.T) {
	r := foreign(t, true, build(t), "node", "--data", "state")
	require.Nil(t, r.Violation, "%v\n%v", r.Violation, r.Talk)
	require.Equal(t, checker.Holds, r.Verdict)
	require.Positive(t, r.Committed)
}

func TestProgramThatSaysNothingIsUnknown(t *testing.T) {
	r := foreign(t, false, "sleep", "60")
	require.Equal(t, checker.Unknown, r.Verdict)
	require.Contains(t, r.Reason, "no init_ok")
}
