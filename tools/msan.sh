#!/bin/sh
# `make msan`: parsers under MemorySanitizer, each from its seeds and with so many mutations
# of them, the same ones every time. src/crypto is replaced by fuzz/stub_crypto.c.
set -eu

runs=${1:-3000}
build=${BUILD:-build}/msan
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ ! -e "$build/build.ninja" ]; then
	CC=clang meson setup "$build" -Dfuzz=true -Dtests=disabled -Db_lundef=false \
		-Db_sanitize=memory
fi
ninja -C "$build" --quiet msan
failed=
for program in "$build"/fuzz/fuzz_*; do
	[ -f "$program" ] || continue
	name=${program##*/fuzz_}
	mkdir "$work/$name"
	if "$program" -seed=1 -runs="$runs" -timeout=60 -max_len=4096 -verbosity=0 \
		-artifact_prefix="$work/" "$work/$name" "fuzz/corpus/$name" >"$work/log" 2>&1; then
		echo "msan: $name: clean"
	else
		grep -v '^INFO' "$work/log" | head -40
		failed="$failed $name"
	fi
done
[ -z "$failed" ] || { echo "msan: failed:$failed"; exit 1; }
