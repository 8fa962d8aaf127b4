#!/bin/sh
# `make deb`: the Debian packages of what is in the tree, and of what is not committed yet, in
# build/deb: first the source, then the packages out of it; then lintian. DEB_BUILD_OPTIONS is
# dpkg-buildpackage's (nocheck leaves out the unit tests).
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
version=$(sed -n '1s/.*(\(.*\)).*/\1/p' "$top/debian/changelog")
work=$top/${BUILD:-build}/deb
tree=$work/chancery-$version

rm -rf "$work"
mkdir -p "$tree"
cd "$top"
git ls-files -z -co --exclude-standard | xargs -0 tar -cf - | tar -xf - -C "$tree"
cd "$tree"
dpkg-buildpackage -us -uc -S
dpkg-buildpackage -us -uc -b
cd "$work"
lintian --allow-root --fail-on error,warning --tag-display-limit 0 ./*.changes
printf 'deb: %s\n' "$work"/*.deb
