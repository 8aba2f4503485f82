// Package fuzz finds runs that break a protocol: random campaigns, native fuzz targets, and a check
// for the tests of other people's protocols.
//
//	options.go      what runs there are to be
//	campaign.go     many runs on all cores, and the report that is the same however they are split
//	draw.go         what is drawn for a run before its first step: sizes, workload, faults, odds
//	drive.go        one random run
//	bytes.go        a run whose actions the bytes of a fuzzer choose
//	check.go        Check, for testing a protocol of one's own
//	contract.go     what Check asks of the machines beside the properties
//	history.go      what the clients of a run saw
//	regress.go      Regress, which printed regression tests call
//	protocols.go    the registry
//	mutants/        planted bugs, as source diffs
//	canary/         the command that hunts them all
//	reference/      tests with rapid, beside dumb references
//	outside/        a protocol in a module of its own, as an example
package fuzz
