#!/bin/sh
# Each public header compiles alone, with both compilers: headers.sh SOURCE_ROOT BUILD_ROOT
set -u

src=$1
build=$2
flags="-std=gnu17 -D_GNU_SOURCE -fsyntax-only -Wall -Wextra -Wconversion -Wshadow -Wvla -Werror"
flags="$flags -Wno-sign-conversion -I$build"
for dir in "$src"/src/*/include "$src"/include; do
	[ ! -d "$dir" ] || flags="$flags -I$dir"
done

bad=0
for cc in gcc clang; do
	command -v "$cc" >/dev/null || { echo "$cc is not installed"; exit 1; }
	for header in $(cd "$src" && find src/*/include -name '*.h' | sort); do
		# shellcheck disable=SC2086
		if ! echo "#include \"${header#src/*/include/}\"" | $cc $flags -x c -; then
			echo "$header does not compile alone with $cc: include or declare what it names"
			bad=1
		fi
	done
done
exit $bad
