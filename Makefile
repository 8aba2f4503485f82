# Everything a contributor types. `make` alone prints what follows each `##`.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

RUNS ?= 200000# runs of the main job
SEED ?= 1# seed of the main job
# inputs for make fuzz, or a time, such as 30s; at the end of a time Go before 1.27 may fail by
# itself, with "context deadline exceeded"
FUZZTIME ?= 200000x
TRACES ?= 8# runs for make trace
COUNT ?= 10# repetitions of each benchmark, as benchstat wants them
BENCHTIME ?= 1s# time for one repetition

# The tools are built from their module at a fixed version, once; bin/tools keeps them.
GOLANGCI := bin/tools/golangci-lint-v2.15.0
BENCHSTAT := bin/tools/benchstat-v0.0.0-20260908200009-22c9c6c9d4da
PURE := ./core/... ./checker/... ./harness/...

.PHONY: help build run test check vet fmt lint race fuzz canary bench bench-peers
.PHONY: course explore explore-long ladder specs trace peers wasm 386 arm64 cover clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

build: ## build the command into bin/
	go build -o bin/ ./cmd/paxoscommit

run: build ## the main job: RUNS=200000 random runs of SEED=1, each checked after every step
	bin/paxoscommit fuzz --runs $(RUNS) --seed $(SEED)

test: ## all tests
	go test ./...

check: vet lint test fuzz ## before a commit: vet, lint, test, and the fuzzer for FUZZTIME=200000x

vet: ## go vet
	go vet ./...

fmt: $(GOLANGCI) ## format with gofumpt
	$(GOLANGCI) fmt

lint: $(GOLANGCI) ## golangci-lint, the format included
	$(GOLANGCI) run ./...

race: ## shorter tests under the race detector; of those that explore, which take minutes under it, one
	go test -race -short $$(go list $(PURE) ./fuzz/... ./node/... | grep -v harness/explore)
	go test -race -run 'TestCounts$$' ./harness/explore

fuzz: ## look for a failure by coverage, for FUZZTIME=200000x inputs, or a time
	go test -run '^$$' -fuzz 'FuzzPaxosCommit$$' -fuzzminimizetime 10x -fuzztime $(FUZZTIME) ./fuzz

canary: ## build each planted bug and check that it is caught (two minutes), three also by go test -fuzz
	go run ./fuzz/canary
	go run ./fuzz/canary --native A03,L09,R11

course: build ## run the course's sample cases against the node
	go run ./node/course/samples bin/paxoscommit node

explore: build ## visit every state of the real core in a small world
	bin/paxoscommit explore --rms 2 --acceptors 1 --takeovers 1 --crashes 1

ladder: build ## every world of harness/explore/ladder.txt, one JSON object each (four to fifteen minutes)
	@while read -r world || [ -n "$$world" ]; do bin/paxoscommit explore --json $$world; done < harness/explore/ladder.txt

explore-long: ## the tests of exploration, those in larger worlds too
	go test -tags explorelong ./harness/explore

specs: ## run TLC on the TLA+ modules and hold its counts against the Go models; needs java
	go run ./specs/tlc

trace: ## TLC accepts TRACES=8 random runs of the core and rejects planted bugs, by step; needs java
	TRACES=$(TRACES) SEED=$(SEED) specs/trace.sh

peers: ## checker/mc beside TLC and Stateright on the same models; needs java and cargo
	specs/peers/run.sh

bench: $(BENCHSTAT) ## all benchmarks, COUNT=10 times, summed up by benchstat
	@mkdir -p bin
	go test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) -count $(COUNT) ./... | tee bin/bench.txt
	$(BENCHSTAT) bin/bench.txt

bench-peers: ## a committed transaction beside a proposal in etcd raft
	go test -run '^$$' -bench Commit -benchmem -benchtime $(BENCHTIME) ./core/paxoscommit
	cd core/paxoscommit/peers && go test -bench . -benchmem -benchtime $(BENCHTIME) ./...

wasm: ## core, checker and harness build for a browser
	GOOS=js GOARCH=wasm go build $(PURE)

386: ## shorter tests with 32-bit integers
	GOARCH=386 CGO_ENABLED=0 go test -short ./...

arm64: ## build and vet for arm64
	GOARCH=arm64 CGO_ENABLED=0 go build ./...
	GOARCH=arm64 CGO_ENABLED=0 go vet ./...

cover: ## statement coverage by all tests, in bin/cover.html
	@mkdir -p bin
	go test -coverpkg ./... -coverprofile bin/cover.out ./...
	go tool cover -html bin/cover.out -o bin/cover.html
	go tool cover -func bin/cover.out | tail -n 1

clean: ## remove what was built, the tools included
	rm -rf bin

bin/tools/golangci-lint-%:
	GOBIN=$(CURDIR)/bin/tools go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$*
	mv bin/tools/golangci-lint $@

bin/tools/benchstat-%:
	GOBIN=$(CURDIR)/bin/tools go install golang.org/x/perf/cmd/benchstat@$*
	mv bin/tools/benchstat $@
