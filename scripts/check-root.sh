#!/usr/bin/env bash
# Builds a clean clone of what is committed in a root of its own, tests it there, and compares its masks with this machine's.
#   scripts/check-root.sh arm64    Debian trixie for arm64 under qemu-user: the processor of a Jetson
#   scripts/check-root.sh oldest   Debian bullseye: g++ 10, glibc 2.31, GStreamer 1.18, as on JetPack 5
# Needs root, debootstrap, the network, and for arm64 qemu-user-static. CHECK_ROOT names a folder for the root, which is then
# kept and used again; nothing outside it is written.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly kind=${1:-}
case $kind in
  arm64) suite=trixie architecture=arm64 ;;
  oldest) suite=bullseye architecture=$(dpkg --print-architecture) ;;
  *) echo 'usage: check-root.sh arm64|oldest' >&2; exit 2 ;;
esac
readonly suite architecture
readonly label=check-$kind
. scripts/root-checks.sh

[ "$(id -u)" = 0 ] || die 'needs root'
command -v debootstrap >/dev/null || die 'debootstrap is missing: apt-get install debootstrap'
# In a mount namespace of its own: whatever is mounted below is gone with this process.
if [ -z "${CHECK_ROOT_INSIDE:-}" ]; then
  CHECK_ROOT_INSIDE=1 exec unshare --mount --propagation private "$0" "$@"
fi

work=$(mktemp -d)
authorities=
root=${CHECK_ROOT:-$work/root}
readonly work root
clean_up() {
  for point in "$root/proc" "$root/dev"; do if mountpoint -q "$point"; then umount -l "$point"; fi; done
  rm -rf --one-file-system "$work"
}
trap clean_up EXIT

within() {
  chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8 \
    ONNXRUNTIME_NODE_INSTALL=skip npm_config_registry="$(npm config get registry)" npm_config_update_notifier=false \
    ${authorities:+npm_config_cafile=/root/authorities.crt} "$@"
}

# The kernel hands programs of another processor to qemu; F: it opens qemu now, so that the root needs no copy.
emulate() {
  local entries=/proc/sys/fs/binfmt_misc qemu
  qemu=$(command -v qemu-aarch64-static) || die 'qemu-user-static is missing: apt-get install qemu-user-static'
  [ -e "$entries/register" ] || mount -t binfmt_misc none "$entries"
  if [ -e "$entries/qemu-aarch64" ] || [ -e "$entries/fastsamd-aarch64" ]; then return; fi
  printf '%s' ":fastsamd-aarch64:M::\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00:\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff:$qemu:OF" >"$entries/register"
}

# What only translates runs many times as fast without emulation: the compiler, the linker and the unpacking of packages come
# from a root for this machine's processor, of the same suite and so of the same versions, below native/ in the emulated root.
# Whatever is built, and all else that runs in there, is arm64.
lend_tools() {
  local native=$root/native triplet=aarch64-linux-gnu tool
  debootstrap --variant=minbase --arch=amd64 "$suite" "$native" ${CHECK_ROOT_MIRROR:+"$CHECK_ROOT_MIRROR"}
  cp /etc/resolv.conf /etc/hosts "$native/etc/"
  chroot "$native" /usr/bin/env -i DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    sh -c 'apt-get update -q && apt-get install -y -q --no-install-recommends g++-aarch64-linux-gnu'
  mkdir -p "$root/usr/lib64" "$root/usr/local/bin"
  ln -s usr/lib64 "$root/lib64"
  ln -s /native/usr/lib64/ld-linux-x86-64.so.2 "$root/usr/lib64/"
  ln -s /native/usr/lib/x86_64-linux-gnu "$root/usr/lib/"
  ln -s "/native/usr/$triplet" "$root/usr/"
  for tool in gcc g++ cpp as ld ar nm ranlib strip objcopy objdump readelf; do
    ln -s "/native/usr/bin/$triplet-$tool" "$root/usr/local/bin/$tool"
  done
  ln -s gcc "$root/usr/local/bin/cc"
  ln -s g++ "$root/usr/local/bin/c++"
  ln -s /native/usr/bin/{dpkg-deb,perl,tar} "$root/usr/local/bin/"
}

make_root() {
  debootstrap ${emulated:+--foreign} --variant=minbase --arch="$architecture" "$suite" "$root" ${CHECK_ROOT_MIRROR:+"$CHECK_ROOT_MIRROR"}
  if [ -n "$emulated" ]; then
    lend_tools
    within /debootstrap/debootstrap --second-stage
  fi
  # Written to be thrown away: no need to wait for the disk.
  echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/unsafe-io"
}

# arm64: Debian's Node. Else the Node of this machine, because the suite's own is too old.
add_node() {
  local packages=(ca-certificates make git cmake libgtest-dev)
  if [ "$kind" = arm64 ]; then packages+=(nodejs libnode-dev); else packages+=(libstdc++6); fi
  if [ -z "$emulated" ]; then packages+=(g++); fi
  within apt-get update -q
  within apt-get install -y -q --no-install-recommends "${packages[@]}"
  if [ "$kind" != arm64 ]; then
    local prefix
    prefix=$(node -p 'require("path").resolve(process.execPath, "../..")')
    install -D "$(node -p process.execPath)" "$root/usr/bin/node"
    mkdir -p "$root/usr/include"
    if [ -d "$prefix/include/node" ]; then cp -R "$prefix/include/node" "$root/usr/include/"; fi
  fi
  # npm is JavaScript: that of this machine saves some hundred packages.
  mkdir -p "$root/usr/lib/node_modules"
  cp -R "$(npm root -g)/npm" "$root/usr/lib/node_modules/"
  ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/bin/npm"
  ln -sf ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/bin/npx"
}

native_tests() {
  within sh -c 'cd /src && cmake -S native -B build/native && cmake --build build/native -j"$(nproc)" --target core_test measure_test eval_test &&
    for test in core_test measure_test eval_test; do build/native/$test --gtest_brief=1 || exit 1; done'
}

segment() { sh -c 'cd "$0" && exec node bin/fastsamd segment "$1" --model models/demo.onnx --backend onnxruntime --json' "$@"; }

emulated=
if [ "$architecture" != "$(dpkg --print-architecture)" ]; then
  [ "$(dpkg --print-architecture)" = amd64 ] || die 'an emulated root borrows the tools of an amd64 machine'
  emulated=yes
  emulate
fi
if [ ! -e "$root/usr/bin/dpkg" ]; then timed "a $suite root for $architecture" make_root; fi
cp /etc/resolv.conf /etc/hosts "$root/etc/"
# Certificates of authorities that npm is told to trust on this machine.
authorities=$(npm config get cafile)
if [ -f "$authorities" ]; then cp "$authorities" "$root/root/authorities.crt"; else authorities=; fi
mount --bind /dev "$root/dev"
mount -t proc proc "$root/proc"
timed 'Node, make and compilers' add_node
rm -rf "$root/src"
timed 'a clean clone' git clone -q --no-hardlinks . "$root/src"
within sh -c 'printf "%s, node %s, npm %s, " "$(uname -m)" "$(node --version)" "$(npm --version)"; g++ --version | head -1; ldd --version | head -1'
timed 'make build' within sh -c 'cd /src && git config --global --add safe.directory /src && make build'
within sh -c 'echo "GStreamer $(pkg-config --modversion gstreamer-1.0)"; cd /src && node -p "JSON.stringify(require(\"./build/Release/fastsamd.node\").features)"'
within sh -c 'cd /src && build/Release/fastsamd-gpio 2>&1; test $? -eq 2' | grep 'is started by fastsamd'
timed 'native tests' native_tests

node --input-type=module -e "
  const { native } = await import('./dist/addon/addon.js');
  const { default: sharp } = await import('sharp');
  const frame = await native().renderConveyor(0, { width: 640, height: 480, fps: 30, seed: 7 });
  await sharp(await native().toRgb(frame), { raw: { width: 640, height: 480, channels: 3 } }).png().toFile(process.argv[1]);
" "$root/src/build/scene.png"
segment "$PWD" "$root/src/build/scene.png" >"$work/here.json"
timed 'segment of one picture' within sh -c 'cd /src && node bin/fastsamd segment build/scene.png --model models/demo.onnx --backend onnxruntime --json >build/there.json'
node scripts/compare-results.mjs "$work/here.json" "$root/src/build/there.json"
timed 'make demo FRAMES=3' within sh -c 'cd /src && make demo FRAMES=3'
say "all of it in $SECONDS s"
