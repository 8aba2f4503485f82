#!/bin/sh
# Explores TwoPhase with checker/mc and with Stateright, on all cores, one after the other, with the
# resource managers given (8 and 9 without), three times, and prints the seconds of each and their ratio.
# The Go model also checks that every step refines TCommit; Stateright checks the states only.
#
# Needs cargo, which fetches Stateright; what it builds is in the user's cache directory. Exit code 3
# if there is no cargo or it fails.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${XDG_CACHE_HOME:-$HOME/.cache}/paxoscommit/stateright
if ! command -v cargo >/dev/null; then
	echo "peers: cargo is not installed; Stateright cannot be compared" >&2
	exit 3
fi
mkdir -p "$build"
cp -R "$here/stateright/." "$build"
(cd "$build" && cargo build --quiet --release) || exit 3
(cd "$here/../.." && go test -c -o "$build/specs.test" ./specs)
[ $# -gt 0 ] || set -- 8 9
for rms; do
	for _ in 1 2 3; do
		peer=$("$build/target/release/stateright-peer" "$rms" | awk '{print $3}')
		"$build/specs.test" -test.run '^$' -test.benchtime 1x \
			-test.bench "Explore/spec=two-phase/rms=$rms\$" |
			awk -v rms="$rms" -v peer="$peer" '/^BenchmarkExplore/ {
				printf "two-phase rms=%d  checker/mc %.2f s  stateright %.2f s  ratio %.1f\n",
					rms, $3 / 1e9, peer, peer / ($3 / 1e9)
				found = 1
			} END { exit !found }'
	done
done
