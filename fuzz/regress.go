package fuzz

import (
	"strings"
	"testing"

	"paxoscommit/core"
	"paxoscommit/harness"
)

// Regress replays a schedule that once failed, of one of Protocols or of the protocols given. It
// fails the test if the schedule breaks a property, if an action that is not optional is not
// enabled, or if a milestone is not reached.
func Regress(t testing.TB, schedule string, protocols ...core.Protocol) {
	t.Helper()
	text := strings.NewReader(schedule)
	s, err := harness.ParseSchedule("schedule", text, append(protocols, Protocols()...))
	if err != nil {
		t.Fatal(err)
	}
	if r := harness.Replay(s); !r.Passed() {
		t.Fatal(r)
	}
}
