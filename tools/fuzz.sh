#!/bin/sh
# `make fuzz`: each target under libFuzzer with ASan and UBSan, SECONDS each, from the
# seeds in fuzz/corpus and what earlier runs found. FUZZ=NAME picks one. A crash leaves
# its input in build/fuzz/found and fails; add it to fuzz/corpus/NAME with the fix.
set -eu

seconds=${1:-30}
build=${BUILD:-build}/fuzz
grown=$build/grown
found=$build/found

if [ ! -e "$build/build.ninja" ]; then
	CC=clang meson setup "$build" -Dfuzz=true -Dtests=disabled -Db_lundef=false \
		-Db_sanitize=address,undefined -Dc_args=-fsanitize=fuzzer-no-link
fi
targets=$(cd fuzz && ls fuzz_*.c 2>/dev/null | sed 's/^fuzz_//; s/\.c$//')
targets=${FUZZ:-$targets}
[ -n "$targets" ] || { echo "fuzz: there is no target"; exit 0; }

failed=
for name in $targets; do
	ninja -C "$build" --quiet "fuzz/fuzz_$name"
	mkdir -p "$grown/$name" "$found"
	echo "fuzz: $name, $seconds s"
	if UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 "$build/fuzz/fuzz_$name" \
		-max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -verbosity=0 \
		-print_final_stats=1 -artifact_prefix="$found/$name-" \
		"$grown/$name" "fuzz/corpus/$name" >"$found/$name.log" 2>&1; then
		grep -E 'number_of_executed_units|new_units_added' "$found/$name.log"
	else
		tail -40 "$found/$name.log"
		failed="$failed $name"
	fi
done
[ -z "$failed" ] || { echo "fuzz: failed:$failed; see $found"; exit 1; }
