#!/bin/bash
# `make deb-test`: the packages of build/deb in a new Debian 12 that was started, with systemd as
# its first process. docs/INSTALL.md is run there as it stands, up to the mailbox; then removing
# and purging. It has no network and /proc/sys cannot be written: core_pattern, which is
# the whole machine's, is a file of ours there. All that is mounted or runs ends with it.
# DEB_BASE=FOLDER takes a root that was made earlier. The stages are in tools/deb-test-inside.sh.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
work=$top/${BUILD:-build}/deb-test
cache=$top/${BUILD:-build}/fresh-cache
root=$work/root
suite=bookworm
group=/sys/fs/cgroup/unified/chancery-deb-test-$$
[ -d /sys/fs/cgroup/unified ] || group=/sys/fs/cgroup/chancery-deb-test-$$

say() { printf '\n== deb-test: %s\n' "$*"; }
fail() { printf 'deb-test: FAILED: %s\n' "$*" >&2; exit 1; }

. "$top/tools/debian-root.sh"

# With the network of this machine; nothing is started, as nothing runs there yet.
fetch_packages() {
	install -d "$root/root/debs" "$root/root/chancery"
	cp "$top/${BUILD:-build}"/deb/*.deb "$root/root/debs/"
	cp "$top/docs/INSTALL.md" "$top/tools/deb-test-inside.sh" "$root/root/chancery/"
	chroot "$root" /bin/sh -ec 'apt-get -qq update
		DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --download-only \
			--no-install-recommends /root/debs/*.deb nginx-light dovecot-imapd curl procps \
			openssl ca-certificates gcc libc6-dev' >"$work/fetch.log" 2>&1 ||
		{ tail -20 "$work/fetch.log"; fail "packages could not be fetched"; }
}

node() { touch "$root/dev/$1"; mount --bind "/dev/$1" "$root/dev/$1"; }

mount_all() {
	mount --make-rprivate /
	mount --bind "$root" "$root"
	mount -t proc proc "$root/proc"
	mount -t sysfs -o ro sysfs "$root/sys"
	mount -t tmpfs -o mode=755 groups "$root/sys/fs/cgroup" 2>/dev/null || true
	mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
	mount -t tmpfs -o mode=755 dev "$root/dev"
	for name in null zero full random urandom tty; do node $name; done
	mkdir "$root/dev/pts" "$root/dev/shm"
	mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
	mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
	ln -s pts/ptmx "$root/dev/ptmx"
	ln -s /proc/self/fd "$root/dev/fd"
	mount -t tmpfs -o mode=755 run "$root/run"
	# what belongs to the whole machine cannot be changed from in there
	mount --bind "$root/proc/sys" "$root/proc/sys"
	mount -o remount,bind,ro "$root/proc/sys"
	echo core >"$root/root/core_pattern"
	echo 0 >"$root/root/core_pipe_limit"
	for name in core_pattern core_pipe_limit; do
		mount --bind "$root/root/$name" "$root/proc/sys/kernel/$name"
	done
}

in_namespace() {
	mount_all
	ip link set lo up
	cd "$root"
	mkdir -p old
	pivot_root . old
	umount -l /old
	# as where no container is: a service's credentials are mounts that it must see
	mount --make-rshared /
	exec env -i container=chroot PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		/lib/systemd/systemd --log-target=console --show-status=0
}

inside() {
	nsenter --target "$init" --mount --pid --uts --ipc --net --cgroup --root --wd \
		env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb "$@"
}

wait_booted() {
	for _ in $(seq 600); do
		init=$(pgrep -P "$holder" -x systemd || true)
		if [ -n "$init" ] && inside systemctl is-system-running 2>/dev/null |
			grep -qE 'running|degraded'; then
			return
		fi
		kill -0 "$holder" 2>/dev/null || { cat "$work/boot.log"; fail "it did not start"; }
		sleep 0.2
	done
	tail -40 "$work/boot.log"
	fail "it was not up in two minutes"
}

finish() {
	if [ -n "${holder:-}" ]; then kill -KILL "$holder" 2>/dev/null || true; fi
	wait 2>/dev/null || true
	sleep 0.2
	find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
}

main() {
	local before init='' holder=''
	[ "$(id -u)" = 0 ] || fail "needs root: debootstrap, mounts and a cgroup"
	before=$(cat /proc/sys/kernel/core_pattern)
	if [ -n "${DEB_BASE:-}" ]; then
		rm -rf "$work" && mkdir -p "$work" && cp -a "$DEB_BASE" "$root"
	else
		make_root "$root" ca-certificates,systemd,systemd-sysv,dbus
	fi
	say "fetching packages"
	fetch_packages
	say "starting it"
	mkdir "$group"
	trap finish EXIT
	(
		echo $BASHPID >"$group/cgroup.procs"
		exec unshare --mount --pid --fork --kill-child --cgroup --uts --ipc --net \
			"$0" --in-namespace
	) >"$work/boot.log" 2>&1 &
	holder=$!
	wait_booted
	inside env DEB_STAGES="${DEB_STAGES:-}" bash /root/chancery/deb-test-inside.sh || fail "see above; the log: $work/boot.log"
	[ "$(cat /proc/sys/kernel/core_pattern)" = "$before" ] || fail "core_pattern was changed"
	say "passed"
}

if [ "${1:-}" = --in-namespace ]; then in_namespace; else main; fi
