# A new Debian in a folder, for tools/fresh.sh and tools/deb-test.sh, which source this.
# They set `work` and `cache` (folders), `suite`, and the functions say and fail.

mirrors() { # the machine's own, one "uri suite component" a line
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		awk -v s="$suite" 'index($2, s) == 1' | sort -u
}

make_root() { # make_root FOLDER PACKAGES: all of `work` is made anew
	local uri folder=$1
	uri=$(mirrors | awk -v s="$suite" '$2 == s { print $1; exit }')
	uri=${uri:-http://deb.debian.org/debian}
	rm -rf "$work"
	mkdir -p "$work" "$cache/debs" "$cache/archives/partial"
	say "debootstrap $suite from $uri"
	debootstrap --variant=minbase --include="$2" \
		--cache-dir="$cache/debs" "$suite" "$folder" "$uri" >"$work/debootstrap.log" ||
		{ tail -20 "$work/debootstrap.log"; fail "debootstrap"; }
	mirrors | sed 's/^/deb /' >"$folder/etc/apt/sources.list"
	apt-config dump Acquire | grep -E '::(Proxy|Check-)' \
		>"$folder/etc/apt/apt.conf.d/01machine" || true
	cp -L /etc/resolv.conf "$folder/etc/resolv.conf"
	printf '127.0.0.1 localhost\n::1 localhost\n' >"$folder/etc/hosts"
}
