#!/bin/sh
# Builds the adapters of the C libraries and installs the npm ones, all into a folder:
# build.sh FOLDER. Prints the command of each adapter that could be made, one a line.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
to=$(cd "$1" && pwd)

c_peer() { # "NAME MORE-SOURCES" PKG-CONFIG-NAMES
	name=${1%% *}
	sources=$(for part in $1; do printf '%s/%s.c ' "$here" "$part"; done)
	shift
	if ! pkg-config --exists "$@"; then
		echo "build.sh: $name is left out: pkg-config finds no $*" >&2
		return 0
	fi
	# shellcheck disable=SC2046,SC2086
	cc -std=gnu17 -O2 -Wall -Wextra -DPEER_VERSION="\"$(pkg-config --modversion "$1")\"" \
		-o "$to/$name" $sources "$here/adapter.c" \
		$(pkg-config --cflags --libs "$@" jansson)
	echo "$to/$name"
}

npm_peers() {
	if ! command -v npm >/dev/null; then
		echo "build.sh: jose and fast-jwt are left out: no npm" >&2
		return 0
	fi
	cp "$here"/*.mjs "$here/package.json" "$here/package-lock.json" "$to/"
	(cd "$to" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
	echo "node $to/jose.mjs"
	echo "node $to/fast-jwt.mjs"
	echo "node $to/fast-jwt.mjs --cache"
}

c_peer "libjwt jwk_pem" libjwt librhonabwy
c_peer cjose cjose
c_peer rhonabwy librhonabwy
npm_peers
