package cluster

import (
	"context"
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
	t.Parallel() // it waits most of the time
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
			t.Parallel()
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
	t.Parallel()
	r := foreign(t, true, build(t), "node", "--data", "state")
	require.Nil(t, r.Violation, "%v\n%v", r.Violation, r.Talk)
	require.Equal(t, checker.Holds, r.Verdict)
	require.Positive(t, r.Committed)
}

// TestProgramThatSaysNothingIsUnknown: and what it has started, which holds its output open, is
// killed with it.
func TestProgramThatSaysNothingIsUnknown(t *testing.T) {
	t.Parallel()
	r := foreign(t, false, "sh", "-c", "sleep 600 & exit 3")
	require.Equal(t, checker.Unknown, r.Verdict)
	require.Contains(t, r.Reason, "no init_ok")
}

// TestInterruptedIsUnknown: what a program does whose tester is interrupted says nothing about it.
func TestInterruptedIsUnknown(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := RunForeign(ctx, ForeignConfig{
		Command: []string{"sleep", "60"}, For: time.Hour, Dir: t.TempDir(), Stderr: io.Discard,
	})
	require.NoError(t, err)
	require.Equal(t, checker.Unknown, r.Verdict)
	require.Contains(t, r.Reason, "interrupted")
	c := config(t, "")
	c.Command = []string{"sh", "-c", "sleep 60"}
	total, err := Run(ctx, c)
	require.NoError(t, err)
	require.Equal(t, checker.Unknown, total.Verdict)
	require.Contains(t, total.Reason, "interrupted")
}

func TestProgramThatEndsSaysHow(t *testing.T) {
	r := foreign(t, false, "sh", "-c", "exit 3")
	require.Equal(t, checker.Contract, r.Violation.Property)
	require.Equal(t, "the program ended by itself: exit status 3", r.Violation.Detail)
	r = foreign(t, false, "head", "-c", "2000000", "/dev/zero")
	require.Equal(t, checker.Contract, r.Violation.Property)
	require.Equal(t, "it wrote a line of more than 1048576 bytes", r.Violation.Detail)
}
