package fuzz_test

import (
	"encoding/binary"
	"maps"
	"testing"

	"paxoscommit/core"
	"paxoscommit/fuzz"
)

// flawed is onePhase whose machines also count requests, and break the contract in one way.
type flawed struct {
	onePhase
	flaw string
	made *uint64
}

func (f flawed) New() core.Machine {
	return &flawedProcess{flawed: f, requests: new(uint64), notes: map[uint64]bool{}}
}

type flawedProcess struct {
	process
	flawed   flawed
	requests *uint64
	keys     uint64
	notes    map[uint64]bool
}

func (p *flawedProcess) Reset(l *core.Layout, n core.NodeID) {
	p.process.Reset(l, n)
	if p.flawed.flaw != "leftover" && p.flawed.flaw != "hidden leftover" {
		*p.requests = 0
	}
	clear(p.notes)
}

func (p *flawedProcess) CopyFrom(from core.Machine) {
	src := from.(*flawedProcess)
	p.process.CopyFrom(&src.process)
	switch p.flawed.flaw {
	case "shared":
		p.requests = src.requests
	case "forgotten", "forgotten outside the key":
	default:
		*p.requests = *src.requests
	}
	p.notes = maps.Clone(src.notes)
}

func (p *flawedProcess) AppendKey(dst []byte) []byte {
	dst = p.process.AppendKey(dst)
	switch p.flawed.flaw {
	case "coarse", "forgotten outside the key", "hidden leftover":
		return dst
	case "overwriting":
		return p.process.AppendKey(nil)
	case "restless":
		p.keys++
		return binary.AppendUvarint(dst, p.keys)
	case "unsorted":
		for n := range p.notes {
			dst = binary.AppendUvarint(dst, n)
		}
	case "numbered":
		*p.flawed.made++
		dst = binary.AppendUvarint(dst, *p.flawed.made/1000)
	}
	return binary.AppendUvarint(dst, *p.requests)
}

func (p *flawedProcess) Step(in *core.Input, out *core.Output) error {
	m := &in.Msg
	if in.Type == core.NoInput || in.Type == core.InputMessage && m.Type == core.NoMsg {
		switch p.flawed.flaw {
		case "changed by errors":
			*p.requests++
		case "errors with output":
			out.Send = append(out.Send, *m)
		case "panicking":
			panic("who would send that?")
		}
		return core.ErrMisrouted
	}
	if in.Type == core.InputMessage && m.Type == core.MsgRequest {
		*p.requests++
		for n := range uint64(4) {
			p.notes[n] = true
		}
	}
	if p.flawed.flaw == "random" {
		*p.flawed.made++
	}
	if *p.requests%2 == 1 || *p.flawed.made%2 == 1 {
		out.Dropped = append(out.Dropped, core.Drop{Reason: core.DropStale, Tx: m.Tx})
	}
	return p.process.Step(in, out)
}

func TestCheckFailsAMachineThatBreaksTheContract(t *testing.T) {
	for flaw, want := range map[string]string{
		"shared":                    "CopyFrom: ",
		"forgotten":                 "CopyFrom: the copy is in another state than its original",
		"forgotten outside the key": "", // as AppendKey or CopyFrom, whichever shows first
		"leftover":                  "Reset: a machine that was used before is not what a new one is",
		"hidden leftover":           "", // as AppendKey or Reset
		"coarse":                    "AppendKey: equal bytes, but different answers to ",
		"overwriting":               "AppendKey: does not append to its argument",
		"restless":                  "AppendKey: gives other bytes for the same state",
		"unsorted":                  "AppendKey: ",
		"numbered":                  "AppendKey: ",
		"changed by errors":         "Step: an error changes the state",
		"errors with output":        "Step: an error comes with output",
		"panicking":                 "Step: panics instead of returning an error",
		"random":                    "Step: the same inputs do not give the same outputs",
	} {
		text := failureOf(t, flawed{flaw: flaw, made: new(uint64)}, fuzz.Options{Seed: 2})
		t.Logf("%s: %s", flaw, text)
		contains(t, text, "one-phase-commit: Contract: "+want)
	}
	text := failureOf(t, flawed{made: new(uint64)}, fuzz.Options{Seed: 1})
	contains(t, text, "one-phase-commit: History at step ")
}

// What is registered keeps the contract in every run that is watched.
func TestCheckWatchesTheRegisteredProtocols(t *testing.T) {
	for _, p := range fuzz.Protocols() {
		fuzz.Check(t, p, fuzz.Options{
			Seed: 3, CheckRuns: 400, Faults: fuzz.Withstands(p),
		})
	}
}
