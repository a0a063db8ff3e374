#!/usr/bin/env bash
# Installs the system packages that are missing (Debian, Ubuntu and their kin): setup.sh runtime|test|tidy
# Nothing happens, and no privileges are needed, when everything is there.
set -euo pipefail

readonly kind=${1:-runtime}
readonly runtime_packages=(
  build-essential python3 pkg-config
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-libav
  libturbojpeg0-dev
)
# systemd: for systemd-analyze, which checks the units; nothing of it runs.
# mosquitto: the tests start brokers of their own; the service that its package brings is neither needed nor touched.
# strace: which files a run writes and which addresses it connects to.
# chromium: the browser that the console is tested with.
# python3-paho-mqtt, python3-numpy: what clients/python needs.
# python3-gi, gir1.2-gst-rtsp-server-1.0: the RTSP server that cameras are tested against.
readonly test_packages=(
  cmake libgtest-dev clang-format mosquitto mosquitto-clients strace systemd python3-gi gir1.2-gst-rtsp-server-1.0
  chromium python3-paho-mqtt python3-numpy
)

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

check_node() {
  command -v node >/dev/null || die 'Node.js is missing; install version 20.19 or later (https://nodejs.org)'
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    die "Node.js 20.19 or later is needed, this is $(node --version); see https://nodejs.org"
  command -v npm >/dev/null || die 'npm is missing; it comes with Node.js (https://nodejs.org)'
}

# A tool counts as present wherever it comes from; libraries and plugins are the distribution's.
present() {
  local PATH="$PATH:/usr/sbin:/sbin"
  case $1 in
    build-essential) command -v g++ >/dev/null && command -v make >/dev/null ;;
    python3 | pkg-config | cmake | clang-format | clang-tidy | mosquitto | strace | chromium) command -v "$1" >/dev/null ;;
    systemd) command -v systemd-analyze >/dev/null ;;
    mosquitto-clients) command -v mosquitto_sub >/dev/null && command -v mosquitto_pub >/dev/null ;;
    *) [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ] ;;
  esac
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_packages() {
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    die "neither root nor sudo here; have an administrator run: apt-get install $*"
  fi
  say "installing $*"
  # A stale or partly unreachable index may still be good enough: installing decides.
  as_root apt-get -o DPkg::Lock::Timeout=120 update || say 'the package index could not be refreshed in full, going on'
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -o DPkg::Lock::Timeout=120 install --yes --no-install-recommends "$@" ||
    die "could not install: $* (see above)"
}

main() {
  local wanted=("${runtime_packages[@]}") missing=() package
  case $kind in
    runtime) ;;
    test) wanted+=("${test_packages[@]}") ;;
    tidy) wanted+=(cmake libgtest-dev clang-tidy) ;;
    *) die 'usage: setup.sh runtime|test|tidy' ;;
  esac
  check_node

  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    say "not Debian or Ubuntu; install what corresponds to: ${wanted[*]}"
    return
  fi
  for package in "${wanted[@]}"; do
    present "$package" || missing+=("$package")
  done
  if [ ${#missing[@]} -gt 0 ]; then install_packages "${missing[@]}"; fi
  say "system packages for $kind are there"
}

main
