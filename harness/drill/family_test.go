package drill_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"paxoscommit/core"
	"paxoscommit/core/threephase"
	"paxoscommit/core/twophase"
	"paxoscommit/harness/drill"
)

// TestWhereTwoAndThreePhaseCommitBlockAndSplit has one failure happen before each message, and at
// the end. For each there is what rm1 and rm2 come to: . untouched, b blocks, c commits, a aborts;
// and ! if atomicity is broken.
func TestWhereTwoAndThreePhaseCommitBlockAndSplit(t *testing.T) {
	crash, cut := die(core.TM, 1), drill.Failure{Cut: []core.Role{{Kind: core.RM, ID: 2}}}
	course := threephase.Protocol{Rules: threephase.Course}
	timeouts := threephase.Protocol{Rules: threephase.Timeouts}
	for _, c := range []struct {
		p       core.Protocol
		options uint32
		failure drill.Failure
		want    string // vote1 prepare2 vote2 commit1 commit2; pre1 pre2 ack1 ack2 before the commits
	}{
		{twophase.Protocol{}, 0, crash, "b. b. bb bb cb cc"},
		{twophase.Protocol{}, 0, cut, "a. a. ab cb cb cc"},
		{twophase.Protocol{}, 1 << twophase.OptCooperative, crash, "aa aa bb bb cc cc"},
		{twophase.Protocol{}, 1 << twophase.OptCooperative, cut, "a. a. ab cb cb cc"},
		{course, 0, crash, "b. b. bb bb cb cc cc cc cc cc"},
		{course, 0, cut, "a. a. ab cb cb cc cc cc cc cc"},
		{timeouts, 0, crash, "a. a. aa aa ca! cc cc cc cc cc"},
		{timeouts, 0, cut, "a. a. aa ca! ca! cc cc cc cc cc"},
		{threephase.Protocol{}, 0, crash, "aa aa aa aa cc cc cc cc cc cc"},
		{threephase.Protocol{}, 0, cut, "a. a. aa ca! ca! cc cc cc cc cc"},
	} {
		cfg := config(t, c.p)
		cfg.Layout.Options = c.options
		var got []string
		for _, r := range every(t, cfg, c.failure) {
			states := ""
			for _, s := range r.RMs {
				states += [...]string{
					drill.Untouched: ".", drill.Blocked: "b", drill.Committed: "c", drill.Aborted: "a",
				}[s]
			}
			if r.Broken != nil {
				states += "!"
			}
			got = append(got, states)
		}
		require.Equal(t, c.want, strings.Join(got, " "), "%s %d %v", c.p.Name(), c.options, c.failure)
	}
}
