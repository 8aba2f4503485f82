package harness_test

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/core/bank"
	"paxoscommit/harness"
)

// good is a schedule that a correct core runs without skipping anything.
const good = `paxoscommit schedule 1
protocol paxos-commit
options merge-begin
timing asynchronous
node n1 rm1 acc1 ldr1
node n2 rm2
accounts 3 opening 100
txn c1.1 rm1 {"transfer":100,"from":"a","to":"b"}
txn c1.2 rm2 {"read":["b"]}
expect NonBlocking
reach crash
begin cl1
fire cl1 retry tx=c1.1
deliver cl1->rm1 request tx=c1.1
deliver rm1->res1 prepare tx=c1.1
deliver res1->rm1 vote tx=c1.1 val=prepared
sync n1
deliver rm1->acc1 phase2a tx=c1.1 bal=0 ins=1 val=prepared begin
crash n2
? sync n2
end
`

func parse(t testing.TB, text string) *harness.Schedule {
	t.Helper()
	s, err := harness.ParseSchedule("file", strings.NewReader(text), protocols())
	require.NoError(t, err)
	return s
}

func TestScheduleTextIsCanonical(t *testing.T) {
	s := parse(t, good)
	require.Equal(t, good, s.String())
	require.True(t, harness.Replay(s).Passed(), harness.Replay(s))
	require.Equal(t, harness.Budget{Timeouts: 1, Crashes: 1}, s.Config.Budget)
	require.Equal(t, 12, s.Actions[0].At)

	loose := strings.ReplaceAll(good, "\nbegin cl1", "\n\n # how it starts\n  begin   cl1 # now\n")
	require.Equal(t, good, parse(t, loose).String())
}

// late is a schedule in which rm2 may take part and comes too late.
const late = `paxoscommit schedule 1
protocol paxos-commit
timing asynchronous
node n1 rm1
node n2 rm2
node n3 acc1
node n4 ldr1
node n5 reg1
accounts 2 opening 100
txn c1.1 rm1 optional=2 {"transfer":60,"from":"a","to":"a"}
reach subset
reach too-late
begin cl1
deliver cl1->rm1 request tx=c1.1 joined=1
deliver rm1->reg1 join tx=c1.1
sync n5
deliver reg1->rm1 joined tx=c1.1
fire rm1 retry tx=c1.1
deliver rm1->res1 prepare tx=c1.1
deliver res1->rm1 vote tx=c1.1 val=prepared
sync n1
deliver rm1->reg1 begin-commit tx=c1.1
deliver rm1->rm2 enlist tx=c1.1
deliver rm2->reg1 join tx=c1.1
sync n5
deliver reg1->rm2 too-late tx=c1.1
deliver rm1->acc1 phase2a tx=c1.1 bal=0 ins=1 val=prepared
deliver reg1->acc1 phase2a tx=c1.1 bal=0 entry=prepared joined=1
sync n3
deliver acc1->ldr1 phase2b tx=c1.1 bal=0 ins=1 val=prepared entry=prepared joined=1
deliver ldr1->rm1 commit tx=c1.1 joined=1
sync n1
deliver rm1->res1 commit tx=c1.1
deliver res1->rm1 done tx=c1.1 val=committed
deliver rm1->ldr1 done tx=c1.1 val=committed joined=1
settle
end
`

func TestOptionalMembersAreReadBack(t *testing.T) {
	s := parse(t, late)
	require.Equal(t, late, s.String())
	require.Equal(t, core.SetOf(1, 2), s.Config.Txns[0].Members)
	require.Equal(t, core.SetOf(1), s.Config.Txns[0].Must())
	require.True(t, harness.Replay(s).Passed(), harness.Replay(s))
	for _, c := range []struct{ old, replacement, want string }{
		{"optional=2", "optional=0", `file:10: optional "0": want a number from 1 to 64`},
		{"optional=2", "optional=2,2", `file:10: optional "2,2": want 2`},
		{"optional=2", "optional=3", `file:10: transaction c1.1 has optional members 3: want some of 2`},
		{"optional=2", "optional=1", `file:10: transaction c1.1 has optional members 1: want some of 2`},
		{" reg1", "", `file:10: transaction c1.1 has optional members, and there is no registrar`},
	} {
		_, err := harness.ParseSchedule("file",
			strings.NewReader(strings.Replace(late, c.old, c.replacement, 1)), protocols())
		require.EqualError(t, err, c.want)
	}
}

// A machine may arm a timer for a transaction that there is not.
func TestTimerOfNoTransactionKeepsNobodyWaiting(t *testing.T) {
	p := &planted{name: "strange", spoil: func(in *core.Input, out *core.Output) {
		if in.Type == core.InputMessage && in.Msg.Type == core.MsgRequest {
			core.PutTimer(&out.Arm, core.TimerRetry, in.Msg.To, core.TxID{Origin: 9, Seq: 9}, core.Await{})
		}
	}}
	text := strings.Replace(late, "protocol paxos-commit", "protocol strange", 1)
	s, err := harness.ParseSchedule("file", strings.NewReader(text), []core.Protocol{p})
	require.NoError(t, err)
	require.True(t, harness.Replay(s).Passed(), harness.Replay(s))
}

func TestWhoSpeaksForAnotherBreaksContract(t *testing.T) {
	rm2, ldr1 := core.Role{Kind: core.RM, ID: 2}, core.Role{Kind: core.Leader, ID: 1}
	tx, members, none := core.TxID{Origin: 1, Seq: 1}, core.SetOf(1, 2), core.Await{}
	ask := func(where *[]core.Message) {
		core.PutMessage(where, core.MsgQuery, rm2, ldr1, tx, members)
	}
	for name, speak := range map[string]func(*core.Output){
		"record":   func(out *core.Output) { out.Write(core.RecordForget, rm2, tx, members) },
		"message":  func(out *core.Output) { ask(&out.Send) },
		"gated":    func(out *core.Output) { ask(&out.Gated) },
		"timer":    func(out *core.Output) { core.PutTimer(&out.Arm, core.TimerRetry, rm2, tx, none) },
		"decision": func(out *core.Output) { out.Decide(core.Aborted, rm2, tx, members) },
	} {
		t.Run(name, func(t *testing.T) {
			p := &planted{name: "strange", spoil: func(in *core.Input, out *core.Output) {
				if in.Type == core.InputMessage && in.Msg.Type == core.MsgRequest {
					speak(out)
				}
			}}
			text := strings.Replace(late, "protocol paxos-commit", "protocol strange", 1)
			s, err := harness.ParseSchedule("file", strings.NewReader(text), []core.Protocol{p})
			require.NoError(t, err)
			require.Equal(t, "Contract at step 1: n1 speaks for rm2, which is not there",
				harness.Replay(s).Violation.String())
		})
	}
}

// TestLoseMajority: only with its deaths line does a schedule kill the majority.
func TestLoseMajority(t *testing.T) {
	few := strings.Replace(good, "crash n2\n? sync n2\n", "die n2\n", 1)
	few = strings.Replace(few, "rm1 acc1 ldr1\nnode n2 rm2", "rm1 rm2 ldr1\nnode n2 acc1", 1)
	require.Contains(t, harness.Replay(parse(t, few)).String(), "it is not enabled: die n2")
	many := strings.Replace(few, "node n1", "deaths majority\nnode n1", 1)
	require.Equal(t, many, parse(t, many).String())
	v := harness.Replay(parse(t, many)).Violation
	require.NotNil(t, v)
	require.Equal(t, checker.NonBlocking, v.Property)
}

func TestAccountsHaveNamesThatDiffer(t *testing.T) {
	seen := map[string]bool{}
	for a := range uint8(bank.MaxAccounts) {
		seen[harness.AccountName(a+1)] = true
	}
	require.Len(t, seen, bank.MaxAccounts)
	require.True(t, seen["a"] && seen["z"] && seen["a2"] && seen["l3"])
}

func TestParseScheduleSaysWhereAndWhat(t *testing.T) {
	for _, c := range []struct{ old, replacement, want string }{
		{good, "", `file:1: empty: want "paxoscommit schedule 1"`},
		{"schedule 1", "schedule 2", `file:1: want "paxoscommit schedule 1"`},
		{"paxoscommit schedule 1\n", "", `file:1: want "paxoscommit schedule 1" first`},
		{"end\n", "", `file:20: truncated: no end line`},
		{"end\n", "end\nend\n", `file:22: "end" after the end`},
		{"end\n", "en", `file:21: unknown action "en"`},
		{"begin cl1", "explode n1", `file:12: unknown action "explode"`},
		{"begin cl1", "? explode n1", `file:12: unknown action "explode"`},
		{"begin cl1", "?", `file:12: want an action`},
		{"begin cl1", "begin", `file:12: begin: want a role`},
		{"begin cl1", "begin cl2", `file:12: begin: there is no cl2 here`},
		{"begin cl1", "begin rm1", `file:12: begin: rm1: want a client`},
		{
			"begin cl1", "begin cl1 cl1",
			`file:12: "begin cl1 cl1" is not in the form of "begin cl1"`,
		},
		{"begin cl1", "begin cl01", `file:12: begin: no role is called "cl01"`},
		{"sync n1", "sync n3", `file:17: sync: there is no node "n3" here`},
		{"sync n1", "sync", `file:17: sync: want a node`},
		{"retry tx", "later tx", `file:13: fire: unknown timer "later"`},
		{"retry tx=c1.1", "retry", `file:13: fire: want ROLE KIND tx=ID`},
		{"request tx=c1.1", "request tx=c1.3", `file:14: deliver: nobody asks for c1.3`},
		{"request tx=c1.1", "request tx=1", `file:14: deliver: no transaction is called "1"`},
		{"request tx=c1.1", "request", `file:14: deliver: want FROM->TO TYPE tx=ID`},
		{"request tx=c1.1", "plea tx=c1.1", `file:14: deliver: unknown message type "plea"`},
		{"cl1->rm1", "cl1->rm3", `file:14: deliver: there is no rm3 here`},
		{"cl1->rm1", "cl1", `file:14: deliver: no role is called ""`},
		{"rm1->acc1", "rm1->acc2", `file:18: deliver: there is no acc2 here`},
		{
			"bal=0", "bal=-1",
			`file:18: deliver: bal "-1": want a number from 0 to 4294967295`,
		},
		{
			"bal=0", "bal=4294967296",
			`file:18: deliver: bal "4294967296": want a number from 0 to 4294967295`,
		},
		{"ins=1", "ins=0", `file:18: deliver: ins "0": want a number from 1 to 64`},
		{"ins=1", "ins=3", `file:18: deliver: rm3 is no member of c1.1`},
		{"val=prepared begin", "val=maybe", `file:18: deliver: no value is called "maybe"`},
		{"prepared begin", "prepared now", `file:18: deliver: no message has "now"`},
		{
			" bal=0", "",
			`file:18: "deliver rm1->acc1 phase2a tx=c1.1 ins=1 val=prepared begin" is ` +
				`not in the form of ` +
				`"deliver rm1->acc1 phase2a tx=c1.1 bal=0 ins=1 val=prepared begin"`,
		},
		{
			"paxos-commit", "paxos",
			`file:2: no protocol is called "paxos"; there are paxos-commit, faster-paxos-commit`,
		},
		{"paxos-commit", "", `file:2: want the name of a protocol`},
		{
			"options merge-begin", "options turbo",
			`file:3: paxos-commit has no option "turbo"; it has merge-begin, short-circuit, relayed`,
		},
		{"merge-begin", "merge-begin merge-begin", `file:3: option merge-begin twice`},
		{" asynchronous", " soon", `file:4: timing "soon": want asynchronous or synchronous`},
		{
			" asynchronous", " synchronous",
			`file:19: crash: in the synchronous timing crashes are for good`,
		},
		{"timing asynchronous\n", "", `file:4: "node" before a timing line`},
		{"protocol", "timing asynchronous\nprotocol", `file:2: "timing" before a protocol line`},
		{"node n1", "deaths none\nnode n1", `file:5: deaths "none": want majority`},
		{"node n1", "deaths majority\ndeaths majority\nnode n1", `file:6: a second deaths line`},
		{"node n2", "node n3", `file:6: want node n2`},
		{"rm2\naccounts", "rm3\naccounts", `file:7: rm2 is on no node`},
		{"rm2\naccounts", "rm1\naccounts", `file:6: rm1 is on n1 already`},
		{
			"rm2\naccounts", "cl1\naccounts",
			`file:6: cl1 cannot be placed: it is on no node`,
		},
		{"rm2\naccounts", "acc16\naccounts", `file:6: acc16: 16 acceptors: want 0 to 15`},
		{" ldr1", "", `file:7: paxos-commit: 0 leaders: want 1 to 15`},
		{"accounts 3", "accounts -3", `file:7: accounts "-3": want a number from 1 to 64`},
		{
			"opening 100", "opening -1",
			`file:7: opening "-1": want a number from 0 to 1099511627776`,
		},
		{"opening 100", "opening", `file:7: want accounts N opening M`},
		{"accounts 3", "accounts 3 3", `file:7: want accounts N opening M`},
		{"expect", "accounts 3 opening 1\nexpect", `file:10: a second accounts line`},
		{"expect", "protocol paxos-commit\nexpect", `file:10: a second protocol line`},
		{
			"expect", "node n3\nexpect",
			`file:10: node line too late: the order is protocol, options, timing, deaths, ` +
				`node, accounts, txn, expect, reach, actions, end`,
		},
		{"NonBlocking", "Speed", `file:10: no property is called "Speed"`},
		{"reach crash", "reach nirvana", `file:11: no milestone is called "nirvana"`},
		{"reach crash", "reach crash\nreach crash", `file:12: reach crash twice`},
		{
			"c1.2", "c1.3",
			`file:9: transaction c1.3 after c1.1: clients, epochs and numbers go up one by one`,
		},
		{"c1.1 rm1", "c1.1 rm3", `file:8: transaction c1.1 is begun at rm3: want one of 1,2`},
		{"c1.1 rm1", "c1.1 acc1", `file:8: acc1: want a resource manager`},
		{`"to":"b"`, `"to":"A"`, `file:8: no account is called "A"`},
		{`"to":"b"`, `"to":"d"`, `file:8: account d: there are 3 accounts`},
		{
			`"transfer":100`, `"transfer":-100`,
			`file:8: transfer of -100: want a number from 1 to 1099511627776`,
		},
		{`{"read":["b"]}`, `{"read":[]}`, `file:9: work: want either a transfer or a read`},
		{
			`{"read":["b"]}`, `{"read":["b"]`,
			`file:9: work "{\"read\":[\"b\"]": want {"transfer":N,"from":A,"to":B} or ` +
				`{"read":[A,...]}`,
		},
		{`{"read":["b"]}`, ``, `file:9: want txn ID RM WORK`},
		{"begin cl1", strings.Repeat("x", 70_000), `file:12: line longer than 65536 bytes`},
	} {
		text := strings.Replace(good, c.old, c.replacement, 1)
		_, err := harness.ParseSchedule("file", strings.NewReader(text), protocols())
		require.EqualError(t, err, c.want, "with %q for %q", c.replacement, c.old)
	}
}

func TestParseSchedulePassesReadErrorsOn(t *testing.T) {
	broken := errors.New("broken")
	_, err := harness.ParseSchedule("file", iotest.ErrReader(broken), protocols())
	require.ErrorIs(t, err, broken)
	require.EqualError(t, err, "file: broken")
}

// FuzzParseSchedule checks that what parses is written and read back as it is, and that a correct
// core breaks nothing on it.
func FuzzParseSchedule(f *testing.F) {
	f.Add(good)
	f.Add(strings.ReplaceAll(good, "asynchronous", "synchronous"))
	for _, p := range allPlanted() {
		m, _ := harness.Minimize(failure(f, p, 1), budget)
		f.Add(strings.Replace(m.String(), "protocol "+p.name, "protocol paxos-commit", 1))
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := harness.ParseSchedule("file", strings.NewReader(text), protocols())
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			return
		}
		again := parse(t, s.String())
		require.Equal(t, s.String(), again.String())
		require.Equal(t, s.Config, again.Config)
		if s.Config.Layout.Nodes <= 8 && len(s.Config.Txns) <= 4 {
			r := harness.Replay(s)
			require.Nil(t, r.Violation)
			require.Equal(t, r.Hash, harness.Replay(again).Hash)
		}
	})
}
