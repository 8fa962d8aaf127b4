#!/bin/sh
# `make check`: all that can be said about the source without running it. Each part runs
# even if one before it failed, so that one run shows everything.
set -u

build=${BUILD:-build}
files=$(sh tools/changed.sh) || exit 3
# tests may follow a NULL that an assertion rules out; analyzers do not know assertions
sources=$(printf '%s\n' "$files" | grep '\.c$' | grep -v '^tests/' || true)
failed=

part() { # part NAME COMMAND…
	name=$1
	shift
	from=$(date +%s)
	if "$@"; then verdict=ok; else verdict=FAILED && failed="$failed $name"; fi
	echo "check: $name: $verdict, $(($(date +%s) - from)) s"
}

format() {
	# shellcheck disable=SC2086
	said=$(printf '%s\n' $files | xargs -r -n 40 -P 2 clang-format --dry-run -Werror 2>&1) &&
		return 0
	printf '%s\n' "$said" | sed -n 's/^\([^ :]*\.[ch]\):[0-9].*/\1/p' | sort -u |
		sed 's/$/: not as clang-format writes it: make format/' | grep . ||
		printf '%s\n' "$said"
	return 1
}

clang_build() {
	if [ ! -e "$build/clang/build.ninja" ]; then
		CC=clang meson setup "$build/clang" -Dtests=enabled >/dev/null || return 1
	fi
	ninja -C "$build/clang" --quiet
}

tidy() {
	# shellcheck disable=SC2086
	tools/analyze tidy "$build/clang" $sources
}

analyzer() {
	if [ ! -e "$build/build.ninja" ]; then
		meson setup "$build" -Dtests=enabled >/dev/null || return 1
	fi
	# headers that the build makes must be there
	ninja -C "$build" --quiet || return 1
	# shellcheck disable=SC2086
	tools/analyze gcc "$build" $sources
}

cpp() {
	includes=$(for dir in src/*/include; do printf -- '-I%s ' "$dir"; done)
	# shellcheck disable=SC2086
	cppcheck -q -j 2 --std=c11 -D_GNU_SOURCE -D__GNUC__=12 -D__x86_64__ $includes \
		--enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
		--suppressions-list=tools/cppcheck.suppressions src libexec
}

part lint tools/lint
part format format
part clang clang_build
part tidy tidy
part analyzer analyzer
part cppcheck cpp
if [ -n "$failed" ]; then
	echo "check: failed:$failed"
	exit 1
fi
echo "check: all clean ($(printf '%s\n' "$files" | grep -c .) files changed)"
