#!/bin/sh
# The static library as one object: of our archives only what the exported names need, and
# every other name made local, so that it cannot meet one of the program's own.
#
#   archive.sh OUT.a EXPORTED.map ARCHIVE…
set -eu

out=$1
map=$2
shift 2
object=${out%.a}.o
roots=$(sed -n 's/^[[:space:]]*\(ch_[a-z0-9_]*\);$/-u \1/p' "$map")
# shellcheck disable=SC2086
ld -r --gc-sections $roots -o "$object" --start-group "$@" --end-group
objcopy --localize-hidden "$object"
rm -f "$out"
ar rcsD "$out" "$object"
rm -f "$object"
