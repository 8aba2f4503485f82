package fuzz

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// The tests of this package do without testify. It brings in net/http, and go test -fuzz
// instruments every package of the test binary and reads all their counters after each input: with
// testify an input of FuzzPaxosCommit costs 2.6 times as much.
func TestThisPackageIsTestedWithoutTestify(t *testing.T) {
	files, err := filepath.Glob("*_test.go")
	mustNoError(t, err)
	must(t, len(files) > 0, "no test files here")
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		mustNoError(t, err)
		for _, i := range file.Imports {
			must(t, !strings.Contains(i.Path.Value, "testify"), "%s imports %s", name, i.Path.Value)
		}
	}
}

// failer is a *testing.T or a *rapid.T.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func must(t failer, ok bool, format string, args ...any) {
	t.Helper()
	if !ok {
		t.Fatalf(format, args...)
	}
}

func mustNoError(t failer, err error) {
	t.Helper()
	must(t, err == nil, "%v", err)
}

func mustEqual(t failer, want, got any, format string, args ...any) {
	t.Helper()
	if !reflect.DeepEqual(want, got) {
		t.Fatalf("want %v\ngot  %v\n"+format, append([]any{want, got}, args...)...)
	}
}
