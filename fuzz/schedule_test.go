package fuzz

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"paxoscommit/harness"
)

func TestEveryRunIsAScheduleThatRunsTheSameAgain(t *testing.T) {
	for _, p := range Protocols() {
		for _, synchronous := range []bool{false, true} {
			o := &Options{Protocol: p, Faults: AllFaults, Seed: 7, Synchronous: synchronous}
			r := newRunner(o)
			for i := range uint64(200) {
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
				require.Len(t, again.Actions, len(s.Actions))
				for k := range s.Actions {
					require.Equal(t, s.Actions[k].Action, again.Actions[k].Action)
				}
				replay := harness.Replay(again)
				require.Empty(t, replay.Skipped)
				require.Nil(t, replay.Violation)
				require.Equal(t, r.world.Hash(), replay.Hash)
				require.Equal(t, r.world.Monitor().Reached(), replay.Reached)
			}
		}
	}
}
