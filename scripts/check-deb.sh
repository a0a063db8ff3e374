#!/usr/bin/env bash
# Installs the Debian package in a root of its own, runs the daemon there, and removes it again. Needs root and
# debootstrap; CHECK_DEB_ROOT names a root that was made before.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly package=${1:?usage: check-deb.sh PACKAGE.deb MODEL.onnx} model=${2:?usage: check-deb.sh PACKAGE.deb MODEL.onnx}
readonly suite=${CHECK_DEB_SUITE:-bookworm}
work=$(mktemp -d)
root=${CHECK_DEB_ROOT:-$work/root}
readonly work root

say() { printf 'check-deb: %s\n' "$*"; }
die() { say "$*" >&2; exit 1; }
within() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }
clean_up() {
  for point in proc dev; do mountpoint -q "$root/$point" && umount -l "$root/$point"; done
  rm -rf "$work"
}
trap clean_up EXIT

[ "$(id -u)" = 0 ] || die 'needs root'
if [ ! -e "$root/usr/bin/dpkg" ]; then
  say "making a $suite root"
  debootstrap --variant=minbase "$suite" "$root" ${CHECK_DEB_MIRROR:+"$CHECK_DEB_MIRROR"} >"$work/debootstrap.log" || die "$(tail -n 3 "$work/debootstrap.log")"
fi
# What apt is told on this machine holds for the root as well.
cp -R /etc/apt/. "$root/etc/apt/"
cp /etc/resolv.conf /etc/hosts "$root/etc/"
mount --bind /dev "$root/dev"
mount -t proc proc "$root/proc"

say 'a nodejs package with the Node of this machine'
mkdir -p "$work/nodejs/DEBIAN" "$work/nodejs/usr/bin"
cp "$(node -p process.execPath)" "$work/nodejs/usr/bin/node"
printf 'Package: nodejs\nVersion: %s\nArchitecture: %s\nMaintainer: test <test@localhost>\nDepends: libc6, libstdc++6\nDescription: stand-in\n' \
  "$(node -p process.versions.node)" "$(dpkg --print-architecture)" >"$work/nodejs/DEBIAN/control"
dpkg-deb --root-owner-group --build "$work/nodejs" "$root/tmp/nodejs.deb" >/dev/null
cp "$package" "$root/tmp/fastsamd.deb"

say 'installing'
within apt-get update -qq
within apt-get install -y -qq --no-install-recommends /tmp/nodejs.deb /tmp/fastsamd.deb >"$work/install.log" 2>&1 || die "$(tail -n 20 "$work/install.log")"
within getent passwd fastsamd >/dev/null || die 'no user fastsamd'
[ "$(within stat -c '%a %G' /etc/fastsamd/config.yaml)" = '640 fastsamd' ] || die 'config.yaml has the wrong owner or mode'
within fastsamd --version
# It holds the lines of a PLC beside the daemon; by itself it says who starts it.
within sh -c '/usr/lib/fastsamd/build/Release/fastsamd-gpio 2>&1; test $? -eq 2' | grep -q 'is started by fastsamd' || die 'fastsamd-gpio does not run'
# Its model is still to be pulled, so that `config check` would refuse it.
within fastsamd config show /etc/fastsamd/config.yaml >/dev/null
within test -f /lib/systemd/system/fastsamd@.service || die 'no template unit'

say 'running as its user'
cp "$model" "$root/tmp/small.onnx"
cat >"$root/etc/fastsamd/check.yaml" <<CONFIG
node: check
model: { path: /tmp/small.onnx }
cameras: [{ id: scene, source: "test:shapes?width=64&height=64&fps=5" }]
CONFIG
chmod 0644 "$root/etc/fastsamd/check.yaml" "$root/tmp/small.onnx"
within fastsamd config check /etc/fastsamd/check.yaml
within install -d -o fastsamd -g fastsamd /var/lib/fastsamd
# The daemon says on standard error when its camera streams; then it is told to end.
within timeout 120 setpriv --reuid=fastsamd --regid=fastsamd --init-groups sh -c \
  'cd /var/lib/fastsamd && exec fastsamd run --config /etc/fastsamd/check.yaml' 2>"$work/run.log" &
readonly runner=$!
until grep -q 'camera scene: streaming' "$work/run.log"; do
  kill -0 "$runner" 2>/dev/null || die "the daemon ended: $(tail -n 3 "$work/run.log")"
  sleep 0.2
done
within sh -c 'for p in /proc/[0-9]*; do if tr "\0" " " <$p/cmdline | grep -q "^node .*fastsamd run"; then kill -TERM "${p#/proc/}"; fi; done'
wait "$runner" || die "the daemon did not end well: $(tail -n 3 "$work/run.log")"

say 'removing'
echo '# kept' >>"$root/etc/fastsamd/config.yaml"
within apt-get remove -y -qq fastsamd >/dev/null 2>&1
[ ! -e "$root/usr/lib/fastsamd" ] && [ ! -e "$root/usr/bin/fastsamd" ] && [ ! -e "$root/lib/systemd/system/fastsamd.service" ] || die 'files are left'
grep -q '# kept' "$root/etc/fastsamd/config.yaml" || die 'the configuration is gone after remove'
rm "$root/etc/fastsamd/check.yaml"
within apt-get purge -y -qq fastsamd >/dev/null 2>&1
[ ! -e "$root/etc/fastsamd" ] && [ ! -e "$root/var/lib/fastsamd" ] || die 'files are left after purge'
say 'installed, ran, removed and purged'
