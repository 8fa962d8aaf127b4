#!/bin/bash
# `make fresh`: both commands of the README in a new Debian 12 that holds git, make and
# CA certificates only. First what they print is pasted as a user would; then the tests.
# A copy of the same root, where apt-get installs Dovecot plainly, is the control for
# "neither started nor enabled". Everything mounted lives in a namespace of our own and
# goes with it. FRESH_STEPS picks among: control run test.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
work=$top/${BUILD:-build}/fresh
cache=$top/${BUILD:-build}/fresh-cache
steps=${FRESH_STEPS:-control run test}
suite=bookworm
port=${PORT:-8080}

say() { printf '\n== fresh: %s\n' "$*"; }
fail() { printf 'fresh: FAILED: %s\n' "$*" >&2; exit 1; }

# --- a root --------------------------------------------------------------------------

. "$top/tools/debian-root.sh"

mount_into() {
	local root=$1 node
	mount -t proc proc "$root/proc"
	mount -t sysfs sysfs "$root/sys"
	mount -t tmpfs -o mode=755 dev "$root/dev"
	for node in null zero full random urandom tty; do
		touch "$root/dev/$node"
		mount --bind "/dev/$node" "$root/dev/$node"
	done
	mkdir "$root/dev/pts" "$root/dev/shm"
	mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
	mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
	ln -s pts/ptmx "$root/dev/ptmx"
	ln -s /proc/self/fd "$root/dev/fd"
	ln -s fd/0 "$root/dev/stdin"
	ln -s fd/1 "$root/dev/stdout"
	ln -s fd/2 "$root/dev/stderr"
	mount -t tmpfs -o mode=755 run "$root/run"
	# core_pattern is the machine's: who changes it holds a lock there
	mkdir -p "$root/run/lock" /run/lock
	mount --bind /run/lock "$root/run/lock"
	mount --bind "$cache/archives" "$root/var/cache/apt/archives"
}

inside() { # inside ROOT COMMAND: as a person's shell there would run it
	env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
		LANG=C.UTF-8 TERM=dumb CI=true chroot "$1" /bin/sh -c "$2"
}

# --- what we look for ----------------------------------------------------------------

enabled_links() {
	find "$1"/etc/systemd/system -path '*.wants/*' -name 'dovecot*' 2>/dev/null || true
	find "$1"/etc/rc?.d -name 'S*dovecot' 2>/dev/null || true
}

running_dovecot() { pgrep -x dovecot || true; }

check_control() {
	mount_into "$work/control"
	say "control: a plain apt-get install dovecot-imapd"
	inside "$work/control" 'apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
		apt-get -qq -y install --no-install-recommends dovecot-imapd' >"$work/control.log" 2>&1 ||
		{ tail -20 "$work/control.log"; fail "the control could not install Dovecot"; }
	[ -n "$(enabled_links "$work/control")" ] ||
		fail "the control left no enabled service: this test shows nothing"
	echo "control: $(enabled_links "$work/control" | wc -l) links enable Dovecot," \
		"$(running_dovecot | wc -l) of it run"
	running_dovecot | xargs -r kill
}

check_dovecot_off() {
	[ -z "$(enabled_links "$work/ours")" ] ||
		fail "Dovecot was left enabled: $(enabled_links "$work/ours")"
	[ ! -e "$work/ours/usr/sbin/policy-rc.d" ] || fail "policy-rc.d was left behind"
	! pgrep -fx "/usr/sbin/dovecot( -F)?" ||
		fail "Dovecot of the system was started"
	echo "ours: no link enables Dovecot, and the system's Dovecot does not run"
}

# The commands that `make run` prints below its line "ready": indented by four blanks.
# The first two must succeed, the third must be refused (curl: 67, login denied).
pasted_script() {
	sed -n '/^ready/,$p' "$work/run.log" | sed -n 's/^    //p' | head -3 |
		awk '{ print; print "echo \"== status " NR " $?\"" }'
}

check_pasted() {
	local out
	pasted_script >"$work/ours/root/pasted.sh"
	cat "$work/ours/root/pasted.sh"
	[ "$(grep -c '^echo "== status' "$work/ours/root/pasted.sh")" = 3 ] ||
		fail "\`make run\` did not print three commands"
	out=$(inside "$work/ours" 'cd /root/chancery && sh /root/pasted.sh 2>&1') || true
	printf '%s\n' "$out"
	grep -qx '== status 1 0' <<<"$out" || fail "no token from the first command"
	grep -qx '== status 2 0' <<<"$out" || fail "no mail from the second command"
	grep -qi '^subject:' <<<"$out" || fail "what the second command printed is no mail"
	grep -qx '== status 3 67' <<<"$out" || fail "the third command was not refused"
}

stop_run() {
	local pid=$1 left
	left=$(pgrep -x chancery || true)
	[ -n "$left" ] || fail "no process named chancery to stop"
	pgrep -x -o chancery | xargs kill -TERM
	wait "$pid" || fail "\`make run\` ended with status $? after SIGTERM"
	sleep 0.5
	left=$(pgrep 'chancery' || true)
	[ -z "$left" ] || fail "left running after SIGTERM: $left"
}

check_run() {
	local pid n=0
	say "make run PORT=$port"
	inside "$work/ours" "cd /root/chancery && make run PORT=$port" >"$work/run.log" 2>&1 &
	pid=$!
	until grep -q '^ready' "$work/run.log"; do
		kill -0 "$pid" 2>/dev/null || { tail -40 "$work/run.log"; fail "make run ended"; }
		n=$((n + 1))
		[ "$n" -lt 1800 ] || { tail -40 "$work/run.log"; fail "not ready in 15 minutes"; }
		sleep 0.5
	done
	sleep 1 # the commands follow the line
	check_dovecot_off
	say "the three commands, pasted"
	check_pasted
	stop_run "$pid"
}

check_test() {
	say "make test"
	inside "$work/ours" 'cd /root/chancery && make test' 2>&1 | tee "$work/test.log" | tail -60
	check_dovecot_off
}

# --- main ----------------------------------------------------------------------------

in_namespace() {
	mount --make-rprivate /
	mount -t proc proc /proc
	if [[ $steps == *control* ]]; then check_control; fi
	if [[ $steps == *run* || $steps == *test* ]]; then mount_into "$work/ours"; fi
	if [[ $steps == *run* ]]; then check_run; fi
	if [[ $steps == *test* ]]; then check_test; fi
	say "passed: $steps"
}

main() {
	[ "$(id -u)" = 0 ] || fail "needs root: debootstrap and mounts"
	[ -z "$(git -C "$top" status --porcelain --untracked-files=no)" ] ||
		echo "fresh: note: what is not committed is not tested"
	make_root "$work/base" git,make,ca-certificates
	cp -a "$work/base" "$work/control"
	mv "$work/base" "$work/ours"
	git clone -q "$top" "$work/ours/root/chancery"
	exec unshare --mount --pid --fork --kill-child "$0" --in-namespace
}

if [ "${1:-}" = --in-namespace ]; then in_namespace; else main; fi
