#!/bin/bash
# Explores the same models with checker/mc and with TLC and Stateright, on all cores, one after the
# other, and prints one table: the seconds of each, the best of RUNS=3 (TLC once), their ratio, and
# the ratio that is the goal. All count the same states. checker/mc checks consistency and, on every
# step, the refinement of TCommit; TLC these and the type invariant; Stateright consistency alone.
#
# TLC is found as `go run ./specs/tlc` finds it. Stateright needs cargo, which fetches it; what it
# builds is in the user's cache directory. Exit codes: 0 every goal is met, 1 one is not, 3 a peer
# cannot be had, and then the table is without it.
set -euo pipefail
cd "$(dirname "$0")/../.."
runs=${RUNS:-3}
code=0
go build -o bin/ ./cmd/paxoscommit
go build -o bin/ ./specs/tlc

# ours FLAG... prints the seconds of checker/mc.
ours() {
	bin/paxoscommit explore "$@" --json 2>/dev/null | sed 's/.*"seconds":\([0-9.]*\).*/\1/'
}

# row NAME PEER OURS THEIRS GOAL prints a line of the table; the seconds are lists.
row() {
	awk -v name="$1" -v peer="$2" -v ours="$3" -v theirs="$4" -v goal="$5" '
		function least(list,   n, a, i, m) {
			n = split(list, a, " ")
			m = a[1]
			for (i = 2; i <= n; i++)
				if (a[i] + 0 < m + 0)
					m = a[i]
			return m + 0
		}
		BEGIN {
			o = least(ours); t = least(theirs)
			printf "%-42s %8.2f s  %-10s %8.2f s  %6.1f  %4d\n", name, o, peer, t, t / o, goal
			exit t / o < goal
		}' || code=1
}

printf '%-42s %10s  %-10s %10s  %6s  %4s\n' model checker/mc peer '' ratio goal

model='paxos-commit rms=2 acceptors=3 ballots=2'
mine=
for ((i = 0; i < runs; i++)); do
	mine+=" $(ours --spec paxos-commit --rms 2 --acceptors 3 --ballots 2)"
done
status=0
tlc=$(bin/tlc -only "$model" -workers "$(nproc)") || status=$?
if [ $status = 0 ]; then
	row "$model" TLC "$mine" "$(sed 's/.*tlc: ok \([0-9.]*\)s.*/\1/' <<<"$tlc")" 20
elif [ $status = 3 ]; then
	code=3
else
	echo "$tlc" >&2
	exit 1
fi

build=${XDG_CACHE_HOME:-$HOME/.cache}/paxoscommit/stateright
if ! command -v cargo >/dev/null; then
	echo "peers: cargo is not installed; Stateright cannot be compared" >&2
	exit 3
fi
mkdir -p "$build"
cp -R specs/peers/stateright/. "$build"
if ! (cd "$build" && cargo build --quiet --release); then
	echo "peers: cargo cannot build Stateright" >&2
	exit 3
fi
for rms in 8 9; do
	mine= theirs=
	for ((i = 0; i < runs; i++)); do
		mine+=" $(ours --spec two-phase --rms $rms)"
		theirs+=" $("$build/target/release/stateright-peer" $rms | awk '{print $3}')"
	done
	row "two-phase rms=$rms" Stateright "$mine" "$theirs" 3
done
exit $code
