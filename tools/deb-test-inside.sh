#!/bin/bash
# What tools/deb-test.sh runs in the started Debian. Each stage says what it looks at, and the
# first thing that is not so ends it.
set -euo pipefail

page=/root/chancery/INSTALL.md
state=/var/lib/chancery-coredump
pattern=/proc/sys/kernel/core_pattern

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'deb-test: FAILED: %s\n' "$*" >&2; exit 1; }

# All that it needs was fetched before: there is no network.
apt() {
	DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 \
		--no-install-recommends "$@" >/root/apt.log 2>&1 ||
		{ tail -40 /root/apt.log; fail "apt-get $*"; }
}

# The shell blocks below a heading of the page, run as one shell would.
run_page() {
	local text
	text=$(awk -v h="$1" '
		/^##/ { on = substr($0, index($0, " ") + 1) == h }
		/^```/ { if (on && $0 == "```sh") { code = 1; next } code = 0 }
		on && code' $page)
	[ -n "$text" ] || fail "INSTALL.md has no commands below \"$1\""
	say "INSTALL.md: $1"
	# status pages want a terminal
	SYSTEMD_PAGER='' bash -ec "$text" || {
		journalctl -n 40 --no-pager || true
		fail "INSTALL.md: $1"
	}
}

stage_install() {
	say "install: nothing starts, users are there"
	apt install /root/debs/*.deb
	[ -x /bin/kill ] || apt install procps
	for unit in chancery chancery-gate chancery-coredump; do
		systemctl cat $unit >/dev/null
		! systemctl --quiet is-active $unit || fail "$unit was started"
		! systemctl --quiet is-enabled $unit || fail "$unit was enabled"
		systemd-analyze verify --man=no $unit.service || fail "$unit: verify"
		systemd-analyze security --no-pager $unit.service | tail -1
	done
	[ "$(id -u chancery-signer)" = 59902 ] && [ "$(id -u chancery-registry)" = 59982 ] ||
		fail "a role has no name"
	getent passwd | grep chancery >/root/users
	[ ! -e /var/lib/chancery ] || fail "an authority was made"
	say "install: once more changes nothing"
	apt install --reinstall /root/debs/*.deb
	getent passwd | grep chancery | cmp - /root/users || fail "users changed"
}

stage_library() {
	say "the library: a program against it"
	apt install gcc libc6-dev
	cc -o /root/verify_one /usr/share/doc/chancery/examples/verify_one.c \
		-lchancery || fail "verify_one does not compile"
	ldd /root/verify_one | grep -q 'libchancery.so.0 => /' || fail "no libchancery.so.0"
}

stage_dev() {
	local token
	say "serve --dev: a token, verified"
	chancery serve --dev --port 0 /tmp/dev >/tmp/dev.said 2>/tmp/dev.log &
	for _ in $(seq 300); do
		grep -q '^ready' /tmp/dev.said && break
		sleep 0.1
	done
	grep '^ready' /tmp/dev.said || { cat /tmp/dev.log; fail "serve --dev"; }
	issuer=$(sed -n 's/.*"issuer": *"\(http[^"]*home\)".*/\1/p' /tmp/dev/dev.json | head -1)
	printf bench-secret >/tmp/secret
	token=$(chancery token --issuer "$issuer" --client bench --secret-file /tmp/secret)
	printf '%s' "$token" | chancery verify --issuer "$issuer" --audience mail - ||
		fail "its token is not good"
	ps -C chancery-signer -o user:20=,comm= | sort -u
	kill %1
	wait %1 || true
}

# What the page leaves to the reader: a certificate, names, and where mail lies.
stage_surroundings() {
	say "a certificate, names, nginx and Dovecot"
	printf '127.0.0.1 localhost login.example mail.example\n' >/etc/hosts
	apt install nginx-light dovecot-imapd curl openssl procps
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-subj /CN=login.example -addext subjectAltName=DNS:login.example,DNS:mail.example \
		-keyout /etc/ssl/login.example.key -out /etc/ssl/login.example.pem 2>/dev/null
	install -D -m 0644 /etc/ssl/login.example.pem \
		/usr/local/share/ca-certificates/login.example.crt
	update-ca-certificates >/dev/null 2>&1
	sed -i "s,^ssl_cert *=.*,ssl_cert = </etc/ssl/login.example.pem,
		s,^ssl_key *=.*,ssl_key = </etc/ssl/login.example.key," /etc/dovecot/conf.d/10-ssl.conf
	useradd --system --home-dir /var/vmail --create-home vmail
	install -d /var/vmail/ann@home.example/Maildir/{cur,new,tmp}
	printf 'Subject: hello\nFrom: bob@home.example\n\nto ann\n' |
		install /dev/stdin /var/vmail/ann@home.example/Maildir/new/1.a.b
	chown -R vmail:vmail /var/vmail
	cat >/etc/dovecot/conf.d/98-users.conf <<-USERS
		mail_location = maildir:~/Maildir
		userdb {
		  driver = static
		  args = uid=vmail gid=vmail home=/var/vmail/%Lu
		}
	USERS
}

stage_page() {
	run_page "The authority"
	systemctl --quiet is-active chancery || fail "chancery does not run"
	systemctl show -p StatusText chancery | grep -q serving || fail "no status"
	ps -eo user:20=,comm= | grep chancery-
	run_page "TLS in front of it"
	run_page "An app and a person"
	run_page "The mail server"
	systemctl restart dovecot
	run_page "The first login" | tee /root/login
	grep -q '^Subject: hello' /root/login || fail "no mail"
	say "somebody else's mailbox stays closed"
	! printf 'user = "bob@home.example"\noauth2-bearer = "%s"\n' "$(cat /root/token)" |
		curl -fsS -K - --login-options AUTH=OAUTHBEARER \
			'imaps://mail.example/INBOX;MAILINDEX=1' || fail "bob's mailbox opened"
}

key_ids() { curl -fsS http://127.0.0.1:8080/home/jwks; }

stage_service() {
	local keys pid
	keys=$(key_ids)
	say "a passphrase as a credential"
	# LoadCredential: what seals one (a TPM, a host's key) is systemd's part
	install -D -m 0644 /dev/stdin /etc/systemd/system/chancery.service.d/test.conf <<-UNIT
		[Service]
		LoadCredential=passphrase:/etc/chancery/passphrase.moved
		ExecStart=
		ExecStart=/usr/bin/chancery serve --passphrase-file %d/passphrase /var/lib/chancery
	UNIT
	mv /etc/chancery/passphrase /etc/chancery/passphrase.moved
	systemctl daemon-reload
	systemctl restart chancery || { journalctl -u chancery -n 20; fail "no start"; }
	[ "$(key_ids)" = "$keys" ] || fail "other keys"
	mv /etc/chancery/passphrase.moved /etc/chancery/passphrase
	rm -r /etc/systemd/system/chancery.service.d
	systemctl daemon-reload
	say "a supervisor that hangs is ended by the watchdog, and another one serves"
	install -D -m 0644 /dev/stdin /run/systemd/system/chancery.service.d/test.conf <<-UNIT
		[Service]
		WatchdogSec=1
	UNIT
	systemctl daemon-reload
	systemctl restart chancery
	pid=$(systemctl show -P MainPID chancery)
	sleep 2
	[ "$(systemctl show -P MainPID chancery)" = "$pid" ] || fail "it gave no sign of life"
	kill -STOP "$pid"
	for _ in $(seq 300); do
		[ "$(systemctl show -P MainPID chancery)" = "$pid" ] || break
		sleep 0.1
	done
	for _ in $(seq 300); do
		systemctl --quiet is-active chancery && break
		sleep 0.1
	done
	[ "$(systemctl show -P MainPID chancery)" != "$pid" ] && [ "$(key_ids)" = "$keys" ] ||
		fail "no other one serves"
	rm -r /run/systemd/system/chancery.service.d
	systemctl daemon-reload
	systemctl restart chancery
	say "an upgrade starts it again, and what was off stays off"
	systemctl show -p InvocationID chancery >/root/before
	apt install --reinstall /root/debs/*.deb
	for unit in chancery chancery-gate; do
		systemctl --quiet is-active $unit ||
			{ journalctl -u $unit -n 20 --no-pager; fail "$unit does not run"; }
	done
	systemctl show -p InvocationID chancery | cmp -s - /root/before &&
		fail "the old one still runs"
	[ "$(key_ids)" = "$keys" ] || fail "other keys"
	systemctl reload chancery-gate
	systemctl --quiet is-active chancery-gate || fail "the gate did not live through reload"
}

# A pid namespace is a container to `install`, which refuses. What removing the package asks of the
# command is seen by a stand-in, which the tests of `coredump uninstall` on a host make up for.
stage_coredump() {
	say "coredump: install refuses where core_pattern is a host's"
	cd /root
	chancery coredump keygen --public /etc/chancery/dumps.pub --private /root/dumps.key
	! chancery coredump install --seal-to /etc/chancery/dumps.pub || fail "installed"
	[ "$(cat $pattern)" = core ] || fail "core_pattern: $(cat $pattern)"
	say "coredump: an upgrade leaves it installed, removing it does not"
	cat >/root/stand-in <<-'STANDIN'
		#!/bin/sh
		echo "$*" >>/root/asked
		[ "$*" = "coredump uninstall --force" ] || exit 1
		echo core >/proc/sys/kernel/core_pattern
		rm /var/lib/chancery-coredump/settings
	STANDIN
	chmod 0755 /root/stand-in
	mount --bind /root/stand-in /usr/bin/chancery
	install -D /dev/null $state/settings
	install -D /dev/null $state/dumps/a.dump
	echo "|/usr/libexec/chancery/coredump crash $state" >$pattern
	apt install --reinstall /root/debs/chancery-coredump_*.deb
	[ ! -e /root/asked ] && [ -e $state/settings ] || fail "an upgrade uninstalled it"
	apt remove chancery-coredump
	printf 'coredump uninstall\ncoredump uninstall --force\n' | cmp - /root/asked ||
		fail "removing did not uninstall it"
	umount /usr/bin/chancery
	[ "$(cat $pattern)" = core ] || fail "core_pattern stays $(cat $pattern)"
	say "coredump: it stays while core_pattern names it; purging keeps dumps"
	apt install /root/debs/chancery-coredump_*.deb
	echo "|/usr/libexec/chancery/coredump crash /elsewhere" >$pattern
	! dpkg --remove chancery-coredump || fail "a pattern of ours was left behind"
	echo core >$pattern
	apt purge chancery-coredump
	[ -e $state/dumps/a.dump ] || fail "dumps were deleted"
	grep -q 'left in place' /root/apt.log || fail "purging says nothing of dumps"
}

stage_remove() {
	say "remove and purge: keys stay, and it says so"
	find /var/lib/chancery /etc/chancery -type f | sort >/root/files
	grep -q '\.key$' /root/files || fail "there were no keys"
	apt remove chancery chancery-gate
	! systemctl --quiet is-active chancery || fail "chancery still runs"
	apt purge chancery chancery-gate libchancery0 libchancery-jwks0 libchancery-dev
	grep 'left in place' /root/apt.log || fail "purging says nothing"
	find /var/lib/chancery /etc/chancery -type f | sort |
		comm -23 /root/files - >/root/gone
	# SQLite's own beside a database that is open; what is in them is in the database when it is closed
	! grep -v -e '/run/' -e '\.db-shm$' -e '\.db-wal$' /root/gone || fail "these went away"
	! pgrep chancery || fail "something still runs"
	[ ! -e /usr/bin/chancery ] && [ ! -e /usr/libexec/chancery ] || fail "programs stay"
}

for stage in ${DEB_STAGES:-install library dev surroundings page service coredump remove}; do
	stage_"$stage"
done
