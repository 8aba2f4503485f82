package main

import (
	"bytes"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"paxoscommit/checker/history"

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

// A file is not called as standard output is elsewhere, and no name is left out by mistake.
func TestAFileToWriteHasAName(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, args := range []string{
		"fuzz --save", "fuzz --export-history", "fuzz --export-schedule", "explore --save",
		"explore --write", "drill 1 --save", "replay - --tla", "minimize - --out", "history - --html",
		"node --data",
	} {
		list := strings.Fields(args)
		flag := list[len(list)-1]
		code, stdout, stderr := execute(lateVote, append(list, "-")...)
		require.Equal(t, exitUsage, code, args)
		require.Equal(t, `paxoscommit: "-" stands for standard input only: give a name to write to`+
			"\n", stderr, args)
		require.Empty(t, stdout, args)
		code, stdout, stderr = execute(lateVote, append(list, "")...)
		require.Equal(t, exitUsage, code, args)
		require.Equal(t, "paxoscommit: "+flag+" must not be empty\n", stderr, args)
		require.Empty(t, stdout, args)
	}
	left, err := os.ReadDir(".")
	require.NoError(t, err)
	require.Empty(t, left)
}

// full is a file on a disk that is full.
type full struct{}

func (full) Write([]byte) (int, error) {
	return 0, &fs.PathError{Op: "write", Path: "out", Err: syscall.ENOSPC}
}

// An answer that cannot be written is no answer, and no bad usage.
func TestAnAnswerThatCannotBeWrittenIsUnknown(t *testing.T) {
	for _, args := range []string{
		"fuzz --runs 5", "fuzz --runs 5 --json", "explore --acceptors 1", "explore --acceptors 1 --json",
		"drill 1", "drill 1 --json", "drill matrix --protocol 2pc", "costs", "costs --json",
		"census --protocol 2pc", "census --protocol 2pc --json", "history " + example("register-ok"),
		"replay -", "minimize --test -",
	} {
		var stderr bytes.Buffer
		stdin := strings.NewReader(lateVote)
		code := run(strings.Fields(args), stdin, full{}, &stderr)
		require.Equal(t, exitUnknown, code, args)
		require.Equal(t, "paxoscommit: write out: no space left on device\n", stderr.String(), args)
	}
}

// Who reads --json finds every name in it explained by --help.
func TestHelpNamesWhatIsInTheObjectOfJSON(t *testing.T) {
	for _, c := range []struct {
		command string
		object  any
	}{
		{"fuzz", fuzzJSON{}},
		{"fuzz", fuzzDrawn{}},
		{"explore", exploreJSON{}},
		{"census", censusRow{}},
		{"costs", costRow{}},
		{"drill", answer{}},
		{"history", history.Report{}},
		{"cluster", clusterResult{}},
		{"cluster", foreignResult{}},
	} {
		_, help, _ := execute("", c.command, "--help")
		for _, field := range reflect.VisibleFields(reflect.TypeOf(c.object)) {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			require.Regexp(t, `\b`+name+`\b`, help, c.command)
		}
	}
}

// The interrupt that a terminal sends to a program and to who has started it, and that the latter
// passes on, is one.
func TestAnInterruptThatComesTwiceAtOnceIsOne(t *testing.T) {
	ctx, stop := untilInterruptedTwice()
	defer stop()
	for range 2 {
		require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGINT))
		<-ctx.Done()
		time.Sleep(10 * time.Millisecond) // for what is to be done at once
	}
}
