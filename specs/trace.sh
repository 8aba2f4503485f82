#!/bin/bash
# Writes random runs of the real core as TLA+ traces and has TLC accept every one, and runs of planted
# bugs, each of which TLC must reject; TRACES=8 runs from SEED=1, half of Faster Paxos Commit.
#
# Exit codes: 0 as it should be, 1 not, 3 TLC cannot be had.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=bin/traces
rm -rf $dir && mkdir -p $dir
go build -o bin/ ./cmd/paxoscommit
go build -o bin/ ./specs/tlc
good=()
for ((run = 0; run < ${TRACES:-8}; run++)); do
	protocol=paxos-commit
	((run % 2)) && protocol=faster-paxos-commit
	bin/paxoscommit fuzz --protocol $protocol --seed "${SEED:-1}" --first $run --runs 1 \
		--export-schedule $dir/$run.schedule >/dev/null
	bin/paxoscommit replay $dir/$run.schedule --tla $dir/$run | sed -n "s/^  c/  run $run c/p"
	# A run in which nothing became durable has no trace.
	ls $dir/$run/Trace_*.tla >/dev/null 2>&1 && good+=("$dir/$run")
done
bin/tlc "${good[@]}"
for bug in A03 L01 L09 D01; do
	echo "planted bug $bug"
	bin/paxoscommit fuzz --mutant $bug --save $dir/$bug.schedule >/dev/null || [ $? = 1 ]
	bin/paxoscommit replay --mutant $bug $dir/$bug.schedule --tla $dir/$bug >/dev/null || [ $? = 1 ]
	bin/tlc $dir/$bug && { echo "TLC accepts it" >&2; exit 1; } || [ $? = 1 ]
done
