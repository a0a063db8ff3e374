#!/usr/bin/env bash
# Writes build/fastsamd_VERSION_ARCH.deb from what "make build" built.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(node -p 'require("./package.json").version')
architecture=$(dpkg --print-architecture)
readonly version architecture
readonly staging=$PWD/build/deb
readonly package=build/fastsamd_${version}_${architecture}.deb

rm -rf "$staging"
DESTDIR=$staging PREFIX=/usr UNITDIR=/lib/systemd/system scripts/install.sh install

mkdir -p "$staging/usr/share/doc/fastsamd"
cp LICENSE "$staging/usr/share/doc/fastsamd/copyright"
chmod -R u=rwX,go=rX "$staging"
chmod 0640 "$staging/etc/fastsamd/config.yaml"

mkdir -p "$staging/DEBIAN"
cp packaging/postinst packaging/prerm packaging/postrm "$staging/DEBIAN/"
chmod 0755 "$staging/DEBIAN/postinst" "$staging/DEBIAN/prerm" "$staging/DEBIAN/postrm"
echo /etc/fastsamd/config.yaml >"$staging/DEBIAN/conffiles"
size=$(du -sk --exclude=DEBIAN "$staging" | cut -f1)
sed "s|@VERSION@|$version|; s|@ARCHITECTURE@|$architecture|; s|@SIZE@|$size|" packaging/control >"$staging/DEBIAN/control"

# Root owns everything, whoever builds.
dpkg-deb --root-owner-group -Zxz -z3 --build "$staging" "$package" >/dev/null
rm -rf "$staging"
(cd build && sha256sum "${package#build/}" >"${package#build/}.sha256")
echo "deb: $package ($(du -h "$package" | cut -f1))"
