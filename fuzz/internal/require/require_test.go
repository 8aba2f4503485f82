package require

import (
	"errors"
	"fmt"
	"runtime"
	"testing"
)

// recorder is a test that may fail.
type recorder struct{ failure string }

func (*recorder) Helper() {}

func (r *recorder) Fatalf(format string, args ...any) {
	r.failure = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func failureOf(check func(T)) string {
	r := &recorder{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		check(r)
	}()
	<-done
	return r.failure
}

func TestEachCheckCanFail(t *testing.T) {
	err := errors.New("an error")
	for want, check := range map[string]func(T){
		"not true":                  func(t T) { True(t, false) },
		"want 1\ngot  2\nof all 3":  func(t T) { Equal(t, 1, 2, "of all %d", 3) },
		"an error":                  func(t T) { NoError(t, err) },
		"no error":                  func(t T) { Error(t, nil) },
		"an error is not EOF":       func(t T) { ErrorIs(t, err, errors.New("EOF")) },
		"\"part\" is not in:\ntext": func(t T) { Contains(t, "text", "part") },
		"": func(t T) {
			True(t, true)
			Equal(t, []int{1}, []int{1})
			NoError(t, nil)
			Error(t, err)
			ErrorIs(t, fmt.Errorf("wrapped: %w", err), err)
			Contains(t, "text", "ex")
		},
	} {
		if got := failureOf(check); got != want {
			t.Errorf("want %q, got %q", want, got)
		}
	}
}
