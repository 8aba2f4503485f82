package explore

import (
	"strings"
	"testing"

	"paxoscommit/checker"
	"paxoscommit/checker/mc"
	"paxoscommit/core"
	"paxoscommit/core/threephase"
	"paxoscommit/core/twophase"
	"paxoscommit/harness"

	"github.com/stretchr/testify/require"
)

// TestExamplesShowWhatIsCounted: each is a schedule that can be written, read and replayed, and
// breaks what it expects.
func TestExamplesShowWhatIsCounted(t *testing.T) {
	protocols := []core.Protocol{
		twophase.Protocol{},
		threephase.Protocol{},
		threephase.Protocol{Rules: threephase.Course},
		threephase.Protocol{Rules: threephase.Timeouts},
	}
	for _, p := range protocols {
		for _, timing := range []harness.Timing{harness.Synchronous, harness.Asynchronous} {
			for _, f := range []Failure{dies(core.TM, 1), dies(core.RM, 2), cutOff(core.RM, 2)} {
				c, err := NewConfig(p, Size{RMs: 2, Takeovers: 3})
				require.NoError(t, err)
				c.Timing = timing
				r, err := TakeCensus(c, []Failure{f}, mc.Options{})
				require.NoError(t, err)
				s, err := Example(c, f, mc.Options{})
				require.NoError(t, err, "%s, %v: %v", p.Name(), timing, f)
				row := r.Rows[0]
				counted := row.Split+r.Healthy.Split > 0 || row.Blocked != [2]uint64{}
				require.Equal(t, counted, s != nil, "%s, %v: %v", p.Name(), timing, f)
				if s == nil {
					continue
				}
				read, err := harness.ParseSchedule("", strings.NewReader(s.String()), protocols)
				require.NoError(t, err)
				replay := harness.Replay(read)
				require.Empty(t, replay.Skipped)
				if s.Expect != checker.NoProperty {
					require.Equal(t, s.Expect, replay.Violation.Property)
					continue
				}
				require.Nil(t, replay.Violation)
				require.Equal(t, core.SetOf(2), inDoubt(read), "who is cut off does not know")
			}
		}
	}
}

// inDoubt returns who is prepared and knows no outcome at the end of a schedule with a partition.
func inDoubt(s *harness.Schedule) (rms core.Set) {
	c := s.Config
	c.Budget = harness.Budget{Timeouts: 1 << 20, Cuts: 1}
	w := harness.NewWorld(&c)
	for _, l := range s.Actions {
		if err := w.Apply(l.Action); err != nil {
			panic(err)
		}
	}
	for i := range c.Layout.RMs {
		vote, outcome := w.Monitor().RMState(0, uint8(i+1))
		if vote == core.Prepared && outcome == core.NoValue {
			rms = rms.With(uint8(i + 1))
		}
	}
	return rms
}
