#!/usr/bin/env bash
# Builds container/Dockerfile with buildah, on a Debian root and the Node of this machine in place of the two images that a registry would
# have, and runs the node in the image. Needs root, buildah and debootstrap; nothing is pulled. CHECK_CONTAINER_ROOT names a Debian root that
# was made before.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly suite=${CHECK_CONTAINER_SUITE:-bookworm}
readonly label=check-container
. scripts/root-checks.sh
[ "$(id -u)" = 0 ] || die 'needs root'
for tool in buildah debootstrap; do command -v $tool >/dev/null || die "$tool is missing: apt-get install $tool"; done

work=$(mktemp -d)
readonly work
# Images and containers live in a store of this run.
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
store() { buildah --root "$work/store" --runroot "$work/run" "$@"; }
clean_up() {
  store umount --all >/dev/null 2>&1 || true
  rm -rf --one-file-system "$work"
}
trap clean_up EXIT

# image NAME FOLDER: what is in FOLDER, as an image.
image() {
  local container
  container=$(store from scratch)
  store add --quiet "$container" "$2" / >/dev/null
  store commit --quiet "$container" "localhost/$1" >/dev/null
  store rm "$container" >/dev/null
}

base=${CHECK_CONTAINER_ROOT:-$work/base}
[ -e "$base/usr/bin/dpkg" ] || timed "a $suite root" debootstrap --variant=minbase "$suite" "$base" ${CHECK_CONTAINER_MIRROR:+"$CHECK_CONTAINER_MIRROR"}
# What apt is told on this machine holds for the image as well.
cp -R /etc/apt/. "$base/etc/apt/"

mkdir -p "$work/node/usr/local/bin" "$work/node/usr/local/include" "$work/node/usr/local/lib/node_modules"
cp "$(node -p process.execPath)" "$work/node/usr/local/bin/node"
headers=$(scripts/node-headers.sh)
cp -R "${headers:-$(node -p 'require("path").resolve(process.execPath, "../..")')}/include/node" "$work/node/usr/local/include/"
cp -R "$(npm root -g)/npm" "$work/node/usr/local/lib/node_modules/"
# What npm is told on this machine holds for the image as well.
npm=usr/local/lib/node_modules/npm
echo "registry=$(npm config get registry)" >"$work/node/$npm/npmrc"
authorities=$(npm config get cafile)
if [ -f "$authorities" ]; then
  cp "$authorities" "$work/node/$npm/authorities.crt"
  echo "cafile=/$npm/authorities.crt" >>"$work/node/$npm/npmrc"
fi

timed 'two base images' eval 'image base "$base" && image node "$work/node"'
git clone -q --no-hardlinks . "$work/source"
timed 'the image' store build --layers=false --build-arg BASE=localhost/base --build-arg NODE=localhost/node \
  --tag localhost/fastsamd --file container/Dockerfile "$work/source"
store inspect --type image --format '{{.OCIv1.Config.User}} {{.OCIv1.Config.Entrypoint}} {{.OCIv1.Config.Cmd}}' localhost/fastsamd

container=$(store from localhost/fastsamd)
readonly container
within() { store run --user fastsamd "$container" -- "$@"; }
say "$(within fastsamd --version) as $(within id -un)"
store copy --quiet "$container" container/config.yaml /etc/fastsamd/config.yaml >/dev/null
within fastsamd config check /etc/fastsamd/config.yaml
timed 'ten frames in the image' within fastsamd segment 'test:conveyor?frames=10&realtime=false' --model demo --json
[ "$(grep -c '"objects"' "$work/log")" = 10 ] || die "$(tail -n 3 "$work/log")"
# Until its camera streams; then it is told to end, and ends with 0. The broker is not there, which it says as well.
say 'running as its user'
within timeout 180 sh -c 'fastsamd run --config /etc/fastsamd/config.yaml 2>/tmp/run.log & daemon=$!
  until grep -q "camera belt: streaming" /tmp/run.log; do kill -0 $daemon || exit; sleep 0.2; done
  kill -TERM $daemon; wait $daemon' || die "it did not run, or not end well: $(within tail -n 5 /tmp/run.log)"
say "built and ran in $SECONDS s"
