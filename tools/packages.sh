#!/bin/sh
# tools/packages.sh GROUP…: installs what packages.txt lists for these groups and this
# machine lacks. Nothing missing: no network, no privilege, no word. It asks a person at
# a terminal first (YES=1 and CI=true are not asked). A mail server that it brings in is
# neither started nor left enabled; one that was here before is not touched.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
list=${PACKAGES_LIST:-$here/../packages.txt}
root=${PACKAGES_ROOT:-} # elsewhere in tests only
policy=$root/usr/sbin/policy-rc.d
saved=$policy.before-chancery
mark='# chancery: while packages are being installed'

say() { printf '%s\n' "packages: $*" >&2; }
trouble() {
	say "$*"
	exit 3
}

# A package also counts when another one provides it (Node's own package has npm in it).
missing() {
	have=$(mktemp)
	dpkg-query -W -f='${db:Status-Status}\t${Package}, ${Provides}\n' 2>/dev/null |
		sed -n 's/^installed\t//p' | tr ',' '\n' | sed 's/ *(.*//; s/^ *//' >"$have"
	awk -v groups=" $* " '
		NR == FNR { have[$1] = 1; next }
		/^[[:space:]]*(#|$)/ { next }
		index(groups, " " $2 " ") && !($1 in have) { print $2, $1 }' "$have" "$list"
	rm -f "$have"
}

# --- the part that runs as root ----------------------------------------------------

restore_policy() {
	if [ -e "$saved" ]; then
		mv -f "$saved" "$policy"
	elif grep -qsF "$mark" "$policy"; then
		rm -f "$policy"
	fi
}

# No Dovecot is started while we install; whatever rule was here decides the rest.
deny_policy() {
	restore_policy # an earlier run may have been killed
	if [ -e "$policy" ]; then mv "$policy" "$saved"; fi
	cat >"$policy.new" <<-RULE
		#!/bin/sh
		$mark
		case "\$*" in *dovecot*) exit 101 ;; esac
		[ -x "$saved" ] || exit 0
		exec "$saved" "\$@"
	RULE
	chmod 755 "$policy.new"
	mv "$policy.new" "$policy"
}

leave_disabled() {
	for unit in dovecot.service dovecot.socket; do
		if command -v systemctl >/dev/null; then
			systemctl --quiet disable "$unit" 2>/dev/null || true
		fi
		deb-systemd-helper --quiet disable "$unit" >/dev/null 2>&1 || true
		find "$root/etc/systemd/system" -path '*.wants/*' -name "$unit" -delete || true
	done
	if [ -e "$root/etc/init.d/dovecot" ]; then update-rc.d dovecot disable >/dev/null; fi
	say "Dovecot is installed, not running, and not enabled"
}

apt() {
	DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 \
		-o Dpkg::Options::=--force-confold "$@"
}

# The lists of packages are fetched only when those here cannot serve.
install_packages() {
	if ! apt-get -q -q -s install --no-install-recommends "$@" >/dev/null 2>&1; then
		apt update
	fi
	if ! apt install --no-install-recommends "$@"; then
		say "trying once more with fresh lists"
		apt update
		apt install --no-install-recommends "$@"
	fi
}

has_dovecot() {
	dpkg-query -W -f='${db:Status-Status}' dovecot-core 2>/dev/null | grep -qx installed
}

# However we end: what we brought in is off, and the rule that was here is back.
leave_tidy() {
	if [ $had = no ] && has_dovecot; then leave_disabled; fi
	restore_policy
}

as_root() {
	had=no
	if has_dovecot; then had=yes; fi
	trap leave_tidy EXIT
	trap 'exit 130' INT HUP
	trap 'exit 143' TERM
	deny_policy
	install_packages "$@" >&2
}

# --- the part that runs as anybody -------------------------------------------------

why() {
	case $1 in
	build) echo "to compile" ;;
	run) echo "for the mail server and client of \`make run\`" ;;
	test) echo "for \`make test\` and \`make check\`" ;;
	bench) echo "for the load tool and the peers of \`make bench\`" ;;
	*) echo "for group $1" ;;
	esac
}

ask() {
	if [ "${YES:-}" = 1 ] || [ "${CI:-}" = true ] || ! [ -t 0 ]; then
		return 0
	fi
	printf 'packages: install these now? [y/N] ' >&2
	read -r answer
	case $answer in y | Y | yes) ;; *) trouble "not installed; nothing was changed" ;; esac
}

main() {
	for group in "$@"; do
		grep -q " $group\$" "$list" || trouble "no group '$group' in $list"
	done
	wanted=$(missing "$@")
	[ -n "$wanted" ] || exit 0
	command -v apt-get >/dev/null || trouble "no apt-get here; install by other means:" "$wanted"
	for group in "$@"; do
		names=$(printf '%s\n' "$wanted" | sed -n "s/^$group //p" | tr '\n' ' ')
		[ -z "$names" ] || say "missing, $(why "$group"): $names"
	done
	ask
	names=$(printf '%s\n' "$wanted" | cut -d' ' -f2)
	if [ "$(id -u)" = 0 ]; then
		as_root $names
	elif command -v sudo >/dev/null; then
		sudo -- sh "$0" --as-root $names
	else
		trouble "neither root nor sudo; as root run: apt-get install" $names
	fi
}

case ${1:-} in
'') trouble "usage: tools/packages.sh GROUP…" ;;
--missing) shift && missing "$@" ;;
--as-root) shift && as_root "$@" ;;
*) main "$@" ;;
esac
