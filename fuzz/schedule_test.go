package fuzz

import (
	"strings"
	"testing"

	"paxoscommit/fuzz/internal/require"
	"paxoscommit/harness"
)

func TestEveryRunIsAScheduleThatRunsTheSameAgain(t *testing.T) {
	for _, p := range Protocols() {
		for _, synchronous := range []bool{false, true} {
			o := &Options{Protocol: p, Faults: Withstands(p), Seed: 7, Synchronous: synchronous}
			r := newRunner(o)
			for i := range few(200) {
				s := &harness.Schedule{}
				_, err := r.run(i, func(a harness.Action) {
					s.Actions = append(s.Actions, harness.Line{Action: a})
				})
				require.NoError(t, err)
				s.Config = r.config
				text := s.String()
				again, err := harness.ParseSchedule("run", strings.NewReader(text), Protocols())
				require.NoError(t, err)
				require.Equal(t, text, again.String())
				require.Equal(t, len(s.Actions), len(again.Actions))
				for k := range s.Actions {
					require.Equal(t, s.Actions[k].Action, again.Actions[k].Action)
				}
				replay := harness.Replay(again)
				require.True(t, len(replay.Skipped) == 0, "%v", replay)
				require.True(t, replay.Violation == nil, "%v", replay)
				require.Equal(t, r.world.Hash(), replay.Hash)
				require.Equal(t, r.world.Monitor().Reached(), replay.Reached)
			}
		}
	}
}
