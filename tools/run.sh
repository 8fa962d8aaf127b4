#!/bin/sh
# `make run`: a throw-away authority with a mail server, in a folder of its own that
# goes away with it. DIR keeps the folder, PORT says where to listen.
set -eu

made=
child=
dir=${DIR:-}
if [ -z "$dir" ]; then
	made=$(mktemp -d "${TMPDIR:-/tmp}/chancery.XXXXXX")
	chmod 711 "$made" # the roles have uids of their own and must be able to pass
	dir=$made/authority
fi
finish() {
	[ -z "$made" ] || rm -rf "$made"
}
stop() {
	[ -z "$child" ] || kill -TERM "$child" 2>/dev/null || true
}
trap finish EXIT
trap stop INT TERM HUP

"${BUILD:-build}/chancery" serve --dev "$dir" --port "${PORT:-8080}" --mail &
child=$!
status=0
wait "$child" || status=$?
# A signal interrupts the first wait; the second one sees the authority off.
if kill -0 "$child" 2>/dev/null; then
	status=0
	wait "$child" || status=$?
fi
exit "$status"
