package mycommit_test

import (
	"flag"
	"testing"

	"example.com/mycommit"

	"paxoscommit/fuzz"
)

var crashes = flag.Bool("crashes", false, "let nodes crash and restart, which this cannot stand")

func options() fuzz.Options {
	o := fuzz.Options{Faults: fuzz.Duplicates | fuzz.Refusals | fuzz.Timeouts, Seed: 1}
	if *crashes {
		o.Faults |= fuzz.Crashes
	}
	return o
}

func TestMyCommit(t *testing.T) { fuzz.Check(t, mycommit.Protocol{}, options()) }

func FuzzMyCommit(f *testing.F) {
	o := options()
	o.Protocol = mycommit.Protocol{}
	fuzz.Target(f, o)
}
