package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/fuzz"
	"paxoscommit/node/cluster"

	"github.com/spf13/cobra"
)

const clusterHelp = `Runs real processes and judges them: starts a node for each role, carries their
lines, loses, repeats and delays some, cuts nodes off, kills them with SIGKILL and starts
them again, while clients move money between accounts. Each round ends with everybody back and
undisturbed; then nothing may be in doubt. All that was written to logs, sent and answered
is held against the properties that "paxoscommit fuzz" checks, and what clients saw must
be linearizable. The faults come from --seed; how processes run beside each other does
not, so a failure is kept as the folder of its logs, not as a schedule.

With --bin it tests any program that speaks the messages of the course "Build Distributed
Systems": as an acceptor, by preparing and proposing in every ballot, killing it with
SIGKILL and starting it again in the same folder, where it may keep files; and as a
coordinator, by what is said of outcomes.

--json prints one object and nothing else on standard output: verdict (holds, violated or
unknown), reason (of unknown), property, detail and logs (of a violation), planted (the bug of
--mutant), seconds, committed and aborted; rounds, begun, open, in_doubt, kills, partitions, lost,
repeated and answered_per_second; or with --bin talk (with the program), games, requests, kills and
transactions.

Exit codes: 0 holds; 1 a violation; 2 bad usage; 3 unknown, because it was interrupted or nodes
did not start, or no outcome was said by the program of --bin.`

type clusterFlags struct {
	config   cluster.Config
	protocol string
	options  string
	faults   bool
	disk     time.Duration
	json     bool
	verbose  bool
	bin      string
	restarts bool
	mutant   mutantFlags
}

func newClusterCommand() *cobra.Command {
	var f clusterFlags
	cmd := &cobra.Command{
		Use:     "cluster",
		Short:   "Run nodes as processes, kill them, cut them off, and judge what happens",
		Long:    clusterHelp,
		Example: "  paxoscommit cluster --rms 3 --acceptors 5 --leaders 2 --for 10m",
		Args:    noArgs,
		RunE: f.mutant.orBuild(func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("bin") {
				return runForeign(cmd, &f)
			}
			return runCluster(cmd, &f)
		}),
	}
	c, flags := &f.config, cmd.Flags()
	flags.StringVar(&f.protocol, "protocol", "paxos-commit",
		"as of fuzz, but for replicated-2pc")
	flags.StringVar(&f.options, "options", "", "options of the protocol, by commas, such as relayed")
	flags.IntVar(&c.Sizes.RMs, "rms", 3, "resource managers")
	flags.IntVar(&c.Sizes.Acceptors, "acceptors", 3, "acceptors")
	flags.IntVar(&c.Sizes.Leaders, "leaders", 2, "leaders")
	flags.IntVar(&c.Clients, "clients", 4, "clients, each with one transaction at a time")
	flags.Uint64Var(&c.Seed, "seed", 1, "seed of the faults and of what clients ask for")
	flags.DurationVar(&c.For, "for", 30*time.Second, "how long to begin new rounds")
	flags.DurationVar(&c.Round, "round", 5*time.Second, "how long the faults of one round go on")
	flags.BoolVar(&f.faults, "faults", true, "false: nothing is lost, cut off or killed")
	flags.DurationVar(&f.disk, "slow-disk", 0, "how much longer each sync of a node takes")
	flags.BoolVar(&f.verbose, "verbose", false, "pass on what nodes write to standard error")
	flags.BoolVar(&f.json, "json", false, "print one JSON object")
	flags.StringVar(&f.bin, "bin", "",
		"test this program instead, such as \"python3 /path/node.py\":\n"+
			"as an acceptor of the course, and by what its clients are told")
	flags.BoolVar(&f.restarts, "restarts", true, "false: do not kill the program of --bin")
	f.mutant.add(cmd)
	return cmd
}

func (f *clusterFlags) complete(cmd *cobra.Command) (err error) {
	c := &f.config
	if c.Protocol, err = fuzz.FindProtocol(f.protocol); err != nil {
		return err
	}
	if err := f.mutant.check(c.Protocol); err != nil {
		return err
	}
	least, most := c.Protocol.Limits()
	if least.Replicas > 0 {
		return fmt.Errorf("cluster cannot run %s: nodes are not replicated", f.protocol)
	}
	c.Sizes.TMs, c.Sizes.Registrars = least.TMs, least.Registrars
	for _, role := range []struct {
		flag  string
		most  int
		count *int
	}{
		{"acceptors", most.Acceptors, &c.Sizes.Acceptors},
		{"leaders", most.Leaders, &c.Sizes.Leaders},
	} {
		switch {
		case role.most > 0:
		case cmd.Flags().Changed(role.flag) && *role.count != 0:
			return fmt.Errorf("%s has no %s", f.protocol, role.flag)
		default:
			*role.count = 0
		}
	}
	if f.options != "" {
		c.Options = strings.Split(f.options, ",")
	}
	for _, name := range c.Options {
		if !slices.Contains(c.Protocol.Options(), name) {
			return fmt.Errorf("%s has no option %q; it has %s", f.protocol, name,
				cmp.Or(strings.Join(c.Protocol.Options(), ", "), "none"))
		}
	}
	layout, err := core.NewLayout(c.Sizes)
	if err == nil {
		err = c.Protocol.Validate(layout)
	}
	switch {
	case err != nil:
		return err
	case c.For <= 0 || c.Round <= 0:
		return errors.New("--for and --round must be above 0")
	case c.Clients < 1 || c.Clients > core.MaxClients:
		return fmt.Errorf("--clients must be 1 to %d, not %d", core.MaxClients, c.Clients)
	case cmd.Flags().Changed("restarts"):
		return errors.New("--restarts needs --bin")
	case f.disk < 0:
		return errors.New("--slow-disk must not be below 0")
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	c.Command = []string{program, "node", "--slow-disk", f.disk.String()}
	c.Faults, c.Stderr = f.faults, io.Discard
	if f.verbose {
		c.Stderr = cmd.ErrOrStderr()
	}
	return nil
}

func runCluster(cmd *cobra.Command, f *clusterFlags) error {
	stdout, stderr := cmd.OutOrStdout(), cmd.ErrOrStderr()
	if err := f.complete(cmd); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "paxoscommit-cluster-")
	if err != nil {
		return err
	}
	f.config.Dir = dir
	ctx, stop := untilInterrupted()
	defer stop()
	last := time.Now()
	f.config.Progress = func(r cluster.Report) {
		if time.Since(last) >= plainInterval {
			last = time.Now()
			fmt.Fprintln(stderr, clusterLine(&r))
		}
	}
	report, err := cluster.Run(ctx, f.config)
	if report.Logs == "" {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if err != nil {
		return &exitError{exitUnknown, fmt.Errorf("unknown: %w", err)}
	}
	if f.json {
		c := newClusterResult(report)
		c.Planted = f.mutant.planted
		err = writeObject(stdout, c)
	} else {
		err = writeCluster(stdout, f, report)
	}
	return errors.Join(err, verdictError(report.Verdict))
}

func clusterLine(r *cluster.Report) string {
	return fmt.Sprintf("%v  round %d  %s begun, %s committed, %s aborted  %s, %s",
		r.Elapsed.Round(time.Second), r.Rounds, grouped(uint64(r.Begun)),
		grouped(uint64(r.Committed)), grouped(uint64(r.Aborted)), counted(uint64(r.Kills), "kill"),
		counted(uint64(r.Partitions), "partition"))
}

// clusterResult is the object of --json.
type clusterResult struct {
	Verdict    string  `json:"verdict"`
	Planted    string  `json:"planted,omitempty"`
	Reason     string  `json:"reason,omitempty"`
	Property   string  `json:"property,omitempty"`
	Detail     string  `json:"detail,omitempty"`
	Logs       string  `json:"logs,omitempty"`
	Rounds     int     `json:"rounds"`
	Begun      int     `json:"begun"`
	Committed  int     `json:"committed"`
	Aborted    int     `json:"aborted"`
	Open       int     `json:"open"`
	InDoubt    int     `json:"in_doubt"`
	Kills      int     `json:"kills"`
	Partitions int     `json:"partitions"`
	Lost       int     `json:"lost"`
	Repeated   int     `json:"repeated"`
	Seconds    float64 `json:"seconds"`
	PerSecond  float64 `json:"answered_per_second"`
}

func newClusterResult(r *cluster.Report) clusterResult {
	c := clusterResult{
		Verdict: r.Verdict.String(), Reason: r.Reason, Logs: r.Logs, Rounds: r.Rounds, Begun: r.Begun,
		Committed: r.Committed, Aborted: r.Aborted, Open: r.Open, InDoubt: r.InDoubt,
		Kills: r.Kills, Partitions: r.Partitions, Lost: r.Lost, Repeated: r.Repeated,
		Seconds: r.Elapsed.Seconds(),
	}
	if r.Working > 0 {
		c.PerSecond = float64(r.Committed+r.Aborted) / r.Working.Seconds()
	}
	if r.Violation != nil {
		c.Property, c.Detail = r.Violation.Property.String(), r.Violation.Detail
	}
	return c
}

func writeCluster(out io.Writer, f *clusterFlags, r *cluster.Report) error {
	c := newClusterResult(r)
	headline := "Holds: no violation in " + counted(uint64(r.Rounds), "round")
	switch r.Verdict {
	case checker.Violated:
		headline = fmt.Sprintf("Violated: %s\n\n  %s\n  logs of the round: %s", c.Property, c.Detail,
			c.Logs)
	case checker.Unknown:
		headline = "Unknown: " + c.Reason
	default:
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n\n", headline)
	f.mutant.writeRow(&b, r.Violation != nil)
	fmt.Fprintf(&b, `  system         %s: %s
  seed           %d
  begun          %s
  committed      %s
  aborted        %s
  open           %s
  in doubt       %s
  kills          %s survived
  partitions     %s
  lines          %s lost, %s repeated
  seconds        %.1f
  answered/s     %.0f while transactions were begun
`, strings.TrimSpace(f.protocol+" "+f.options),
		strings.Join(describeSizes(&f.config.Sizes, "resource manager"), ", "),
		f.config.Seed, counted(uint64(r.Begun), "transaction"), grouped(uint64(r.Committed)),
		grouped(uint64(r.Aborted)), grouped(uint64(r.Open)), grouped(uint64(r.InDoubt)),
		grouped(uint64(r.Kills)), grouped(uint64(r.Partitions)), grouped(uint64(r.Lost)),
		grouped(uint64(r.Repeated)), c.Seconds, c.PerSecond)
	_, err := out.Write(b.Bytes())
	return err
}
