package mutants

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"paxoscommit/fuzz"

	"github.com/stretchr/testify/require"
)

func TestEveryDiffAppliesAndCompiles(t *testing.T) {
	root, err := Root(t.Context())
	require.NoError(t, err)
	list, err := List()
	require.NoError(t, err)
	for _, m := range list {
		overlay, err := m.Overlay(root, t.TempDir())
		require.NoError(t, err, m.ID)
		if testing.Short() {
			continue // make canary builds them all
		}
		cmd := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlay, "./core/...")
		cmd.Dir = root
		text, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s: %s", m.ID, text)
	}
}

func TestTheKnownBugsAreThere(t *testing.T) {
	list, err := List()
	require.NoError(t, err)
	var bugs, controls []string
	for _, m := range list {
		if m.Control {
			controls = append(controls, m.ID)
		} else {
			bugs = append(bugs, m.ID)
		}
	}
	require.Subset(t, bugs, []string{
		"A01", "A03", "A06", "A10", "A15", "A18", "A20", "L01", "L04", "L09", "L11", "L13", "L15", "L16",
		"L19", "L21", "D01", "D02", "D06", "R01", "R02", "R08", "R10", "R11", "R14",
		"F01", "F02", "F03", "F04", "L26", "R15", "S01", "S03", "S05", "S10", "S11", "S12",
		"G01", "G02", "G03", "G04", "G05", "G06", "G07", "G08", "G09", "G10", "G11", "G12", "G13", "G14",
	})
	require.Subset(t, controls, []string{"A02", "D04", "R07"})
	i := slices.IndexFunc(list, func(m Mutant) bool { return m.ID == "L04" })
	require.Equal(t, []string{"--rms", "1", "--acceptors", "3", "--takeovers", "2"}, list[i].Explore)
	require.True(t, slices.IsSortedFunc(list, func(a, b Mutant) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	}))
}

func TestFindNamesWhatThereIs(t *testing.T) {
	m, err := Find("A03")
	require.NoError(t, err)
	require.Equal(t, "paxos-commit", m.Protocol)
	require.Empty(t, m.With)
	m, err = Find("G01")
	require.NoError(t, err)
	require.Equal(t, []string{"--registrars", "1"}, m.With)
	_, err = Find("A99")
	require.ErrorIs(t, err, ErrMutant)
	require.ErrorContains(t, err, `"A99"; there are A01 A02`)
}

// What the sources import says the same as the table of folders does.
func TestABugIsInTheProtocolsThatImportItsFolder(t *testing.T) {
	list, err := List()
	require.NoError(t, err)
	for _, p := range fuzz.Protocols() {
		pkg := reflect.TypeOf(p).PkgPath()
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", pkg).Output()
		require.NoError(t, err, pkg)
		imports := append(strings.Fields(string(out)), "paxoscommit/core/bank")
		for _, m := range list {
			want := slices.Contains(imports, "paxoscommit/"+path.Dir(m.File))
			require.Equal(t, want, m.IsIn(p), "%s in %s", m.ID, p.Name())
			require.True(t, m.Protocol != p.Name() || m.IsIn(p), m.ID)
		}
	}
}

const good = "# X01: is wrong\n# Why.\n# caught by: Agreement\n--- a/f.go\n+++ b/f.go\n" +
	"@@ -1,3 +1,3 @@\n a\n-b\n+c\n d\n"

func TestADiffThatNoLongerAppliesIsAnError(t *testing.T) {
	m, err := parse("X01", []byte(good))
	require.NoError(t, err)
	for _, c := range []struct{ name, source, want string }{
		{"applies", "a\nb\nd\n", ""},
		{"applies elsewhere", "x\na\nb\nd\n", ""},
		{"gone", "a\nB\nd\n", "X01.diff: hunk 1 (line 1) of f.go no longer applies: found 0 times"},
		{"ambiguous", "a\nb\nd\na\nb\nd\n", "found 2 times"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root, dir := t.TempDir(), t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(root, "f.go"), []byte(c.source), 0o600))
			_, err := m.Overlay(root, dir)
			if c.want != "" {
				require.ErrorContains(t, err, c.want)
				return
			}
			require.NoError(t, err)
			text, err := os.ReadFile(filepath.Join(dir, "X01-f.go"))
			require.NoError(t, err)
			require.Contains(t, string(text), "a\nc\nd\n")
		})
	}
	_, err = m.Overlay(t.TempDir(), t.TempDir())
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestBadDiffsAreNamed(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"no header", "--- a/f.go\n", "X01.diff:1: no header"},
		{"another's header", "# X02: is wrong\n", "X01.diff:1: want # X01:"},
		{"no property", "# X01: is wrong\n--- a/f.go\n", "want either"},
		{
			"unknown property", "# X01: is wrong\n# caught by: Luck\n--- a/f.go\n",
			`X01.diff:2: no property is called "Luck"`,
		},
		{"no diff", "# X01: is wrong\n# caught by: Agreement\n", "want a diff"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parse("X01", []byte(c.text))
			require.ErrorIs(t, err, ErrMutant)
			require.ErrorContains(t, err, c.want)
		})
	}
	for _, c := range []struct{ name, text, want string }{
		{"no file", "@@ -1 +1 @@\n", "line 1 of the diff: want --- a/FILE"},
		{"another file", "--- a/f\n+++ b/g\n", "line 2 of the diff: want +++ b/f"},
		{"no hunk", "--- a/f\n+++ b/f\n-x\n", "line 3 of the diff: want @@"},
		{"bad hunk", "--- a/f\n+++ b/f\n@@ x\n", "line 3"},
		{
			"cut short", "--- a/f\n+++ b/f\n@@ -7,3 +7,2 @@\n a\n-b\n",
			"X01.diff: hunk 1 (line 7) of f has 2 lines before and 1 after, its head says 3 and 2",
		},
		{"bad line", "--- a/f\n+++ b/f\n@@ -1 +1 @@\n*x\n", "line 4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parsePatch("X01.diff", c.text)
			require.ErrorContains(t, err, c.want)
		})
	}
}
