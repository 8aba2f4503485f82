package require

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// T is a *testing.T, a testing.TB or a *rapid.T.
type T interface {
	Helper()
	Fatalf(format string, args ...any)
}

// fail ends the test with what is wrong, and with the caller's message, a format and its arguments.
func fail(t T, wrong string, message []any) {
	t.Helper()
	if len(message) == 0 {
		t.Fatalf("%s", wrong)
	}
	t.Fatalf("%s\n%s", wrong, fmt.Sprintf(fmt.Sprint(message[0]), message[1:]...))
}

// True ends the test unless ok.
func True(t T, ok bool, message ...any) {
	t.Helper()
	if !ok {
		fail(t, "not true", message)
	}
}

// Equal ends the test unless got is deeply equal to want.
func Equal(t T, want, got any, message ...any) {
	t.Helper()
	if !reflect.DeepEqual(want, got) {
		fail(t, fmt.Sprintf("want %+v\ngot  %+v", want, got), message)
	}
}

// NoError ends the test if err is not nil.
func NoError(t T, err error, message ...any) {
	t.Helper()
	if err != nil {
		fail(t, err.Error(), message)
	}
}

// Error ends the test if err is nil.
func Error(t T, err error, message ...any) {
	t.Helper()
	if err == nil {
		fail(t, "no error", message)
	}
}

// ErrorIs ends the test unless err is target or wraps it.
func ErrorIs(t T, err, target error, message ...any) {
	t.Helper()
	if !errors.Is(err, target) {
		fail(t, fmt.Sprintf("%v is not %v", err, target), message)
	}
}

// Contains ends the test unless part is in text.
func Contains(t T, text, part string, message ...any) {
	t.Helper()
	if !strings.Contains(text, part) {
		fail(t, fmt.Sprintf("%q is not in:\n%s", part, text), message)
	}
}
