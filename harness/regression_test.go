package harness_test

import (
	"bytes"
	"go/format"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"paxoscommit/checker"
	"paxoscommit/core/paxoscommit"
	"paxoscommit/harness"
)

func TestWriteRegressionIsAShortTest(t *testing.T) {
	m, _ := harness.Minimize(failure(t, impatient(), 0), budget)
	var b strings.Builder
	v := harness.Replay(m).Violation
	require.NoError(t, harness.WriteRegression(&b, "TestImpatience", m, v))
	want := `package regress_test

import (
	"testing"

	"paxoscommit/fuzz"
)

// TestImpatience failed with Validity at step 3: ldr1 learns that c1.1 is
// aborted, but nobody voted so and no instance chose it.
func TestImpatience(t *testing.T) {
	fuzz.Regress(t, '''
paxoscommit schedule 1
protocol impatient
timing asynchronous
node n1 rm1
node n2 acc1
node n3 ldr1
accounts 1 opening 100
txn c1.1 rm1 {"transfer":1,"from":"a","to":"a"}
expect Validity
begin cl1
fire cl1 retry tx=c1.1
deliver cl1->ldr1 query tx=c1.1
fire ldr1 takeover tx=c1.1
settle
end
''')
}
`
	require.Equal(t, strings.ReplaceAll(want, "'''", "`"), b.String())
}

func TestWriteRegressionRefusesWhatCannotBeATest(t *testing.T) {
	m, _ := harness.Minimize(failure(t, impatient(), 0), budget)
	v := harness.Replay(m).Violation
	var b strings.Builder
	for _, name := range []string{
		"", "Impatience", "Test()", "Test Impatience", "Testimpatience", "TestMain",
	} {
		require.ErrorIs(t, harness.WriteRegression(&b, name, m, v), harness.ErrRegression)
	}
	m.Config.Protocol, m.Expect = paxoscommit.Protocol{}, checker.NoProperty
	require.ErrorIs(t, harness.WriteRegression(&b, "TestX", m, nil), harness.ErrRegression)
	require.Empty(t, b.String())
}

// The planted bugs are in a wrapper, so the core without it is the mended one.
func TestDemandPassesOnTheMendedCoreAndFailsOnTheBug(t *testing.T) {
	for _, p := range allPlanted() {
		for seed := range few(4) {
			m, _ := harness.Minimize(failure(t, p, seed), budget)
			d := harness.Demand(m)
			r := harness.Replay(d)
			require.NotNil(t, r.Violation)
			var source bytes.Buffer
			require.NoError(t, harness.WriteRegression(&source, "Test_"+p.name, m, r.Violation))
			formatted, err := format.Source(source.Bytes())
			require.NoError(t, err)
			require.Equal(t, string(formatted), source.String())
			require.Equal(t, m.Expect, r.Violation.Property)

			d.Config.Protocol = paxoscommit.Protocol{}
			require.True(t, harness.Replay(d).Passed(), "%s: %v\n%v", p.name, harness.Replay(d), d)
			require.False(t, d.Actions[0].Optional, "it passes without having begun\n%v", d)

			d.Actions[0].Action.Role.ID = 9
			require.False(t, harness.Replay(d).Passed(), "%s: it passes by skipping\n%v", p.name, d)
		}
	}
}
