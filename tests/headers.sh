#!/bin/sh
# Each header for others compiles alone, with both compilers: headers.sh SOURCE_ROOT BUILD_ROOT
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

# The installed ones are for other people's programs: C99 and C++11, nothing beyond.
alone() { # alone COMPILER STANDARD LANGUAGE
	command -v "$1" >/dev/null || { echo "$1 is not installed"; exit 1; }
	for header in $(cd "$src/include" && find chancery -name '*.h' | sort); do
		if ! printf '#include <%s>\n#include <%s>\nint main(void) { return 0; }\n' \
			"$header" "$header" | "$1" "-std=$2" -pedantic-errors -fsyntax-only -Wall -Wextra \
			-Wconversion -Wshadow -Werror "-I$src/include" -x "$3" -; then
			echo "$header does not compile alone with $1 as $2"
			bad=1
		fi
	done
}
for standard in c99 c11 c17; do
	alone gcc $standard c
	alone clang $standard c
done
for standard in c++11 c++17 c++20; do
	alone g++ $standard c++
	alone clang++ $standard c++
done
exit $bad
