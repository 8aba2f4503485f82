package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatIsNoCommandIsOneLineOfBadUsage(t *testing.T) {
	for args, want := range map[string]string{
		"":                                       "a command is missing",
		"bogus":                                  `unknown command "bogus"`,
		"--bogus":                                "unknown flag: --bogus",
		"help bogus":                             `unknown command "bogus"`,
		"help fuzz extra":                        `there is no help for "fuzz extra"`,
		"help --bogus":                           "unknown flag: --bogus",
		"explore extra":                          `explore takes no argument, but was given "extra"`,
		"explore --rms 02":                       "--rms must be a number without leading",
		"explore --save /does/not/exist":         "open /does/not/exist: no such file",
		"explore --max-memory 99999999999999999": "--max-memory must be 0 to 1099511627776",
		"history --budget 07 x":                  "--budget must be a number without",
		"minimize --budget 07 x":                 "--budget must be a number without",
		"history --html /does/not/exist.html /does/not/exist": "open /does/not/exist.html: no such",
	} {
		code, stdout, stderr := execute("", strings.Fields(args)...)
		require.Equal(t, exitUsage, code, args)
		require.Contains(t, stderr, want)
		require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
		require.Empty(t, stdout, args)
	}
}

func TestHelpTellsOfEveryCommand(t *testing.T) {
	for _, args := range []string{"help", "help fuzz", "help help", "fuzz --help", "--help"} {
		code, stdout, stderr := execute("", strings.Fields(args)...)
		require.Equal(t, exitHolds, code, args)
		require.Contains(t, stdout, "Usage:")
		require.Empty(t, stderr)
	}
}
