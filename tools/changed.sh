#!/bin/sh
# The C files to look at: what changed since main (on main: in the last commit), what is
# not committed, and the .c files beside a changed header. ALL=1, or no history: all.
set -eu

all() { git ls-files -co --exclude-standard -- '*.c' '*.h'; }

base() {
	for main in origin/main main; do
		at=$(git merge-base HEAD "$main" 2>/dev/null) || continue
		[ "$at" = "$(git rev-parse HEAD)" ] || { echo "$at"; return; }
	done
	git rev-parse -q --verify HEAD~1 || true
}

since=
[ -n "${ALL:-}" ] || since=$(base)
if [ -z "$since" ]; then
	all
	exit
fi
changed=$({ git diff --name-only "$since" -- '*.c' '*.h'
	git ls-files -o --exclude-standard -- '*.c' '*.h'; } | sort -u)
{
	printf '%s\n' "$changed"
	printf '%s\n' "$changed" | sed -n 's|^\(src/[a-z]*\)/.*\.h$|\1|p' | sort -u |
		while read -r folder; do git ls-files -- "$folder/*.c"; done
} | sort -u | while read -r file; do [ ! -f "$file" ] || echo "$file"; done
