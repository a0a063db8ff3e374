#!/usr/bin/env bash
# Puts what "make build" built in place, or takes it away again: install.sh install|uninstall
# PREFIX (/usr/local), DESTDIR (empty; a staging folder for packages), UNITDIR (/etc/systemd/system).
# A configuration in /etc/fastsamd is never overwritten and never removed.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly action=${1:-}
readonly prefix=${PREFIX:-/usr/local}
readonly root=${DESTDIR:-}
readonly library=$root$prefix/lib/fastsamd
readonly units=$root${UNITDIR:-/etc/systemd/system}
readonly configuration=$root/etc/fastsamd
readonly service_user=fastsamd

say() { printf 'fastsamd: %s\n' "$*"; }

# Production packages only, and of onnxruntime only the binaries of this machine.
copy_modules() {
  local machine modules
  machine=$(node -p process.arch)
  # A package inside another one comes with it.
  modules=$(npm ls --omit=dev --all --parseable 2>/dev/null | sed "s|^$PWD/||" | grep '^node_modules/' | grep -v '/node_modules/'  | sort -u)
  tar -c --exclude='onnxruntime-node/bin/*/darwin' --exclude='onnxruntime-node/bin/*/win32' \
    --exclude="onnxruntime-node/bin/*/linux/$([ "$machine" = x64 ] && echo arm64 || echo x64)" \
    --exclude='obj.target' --exclude='better-sqlite3/deps' --exclude='*.map' $modules | tar -x -C "$library"
}

install_files() {
  rm -rf "$library"
  mkdir -p "$library/build/Release" "$library/models" "$root$prefix/bin" "$units" "$configuration"
  cp -R bin dist config docs package.json LICENSE NOTICE "$library/"
  cp build/Release/fastsamd.node build/Release/fastsamd-gpio "$library/build/Release/"
  cp models/manifest.json models/demo.onnx "$library/models/"
  copy_modules
  ln -sfn ../lib/fastsamd/bin/fastsamd "$root$prefix/bin/fastsamd"
  node scripts/write-manual.mjs "$root$prefix"
  for unit in fastsamd.service fastsamd@.service; do
    sed "s|/usr/bin/env fastsamd|$prefix/bin/fastsamd|" "systemd/$unit" >"$units/$unit"
  done
  if [ ! -e "$configuration/config.yaml" ]; then
    cp config/default.yaml "$configuration/config.yaml"
    chmod 0640 "$configuration/config.yaml"
  fi
}

# On this machine, not in a staging folder.
set_up_service() {
  getent passwd "$service_user" >/dev/null ||
    useradd --system --user-group --home-dir /var/lib/fastsamd --shell /usr/sbin/nologin "$service_user"
  chgrp "$service_user" "$configuration/config.yaml"
  if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
}

case $action in
  install)
    [ -f build/Release/fastsamd.node ] && [ -f dist/bundle/main.cjs ] || { say 'not built yet; run "make build"' >&2; exit 1; }
    install_files
    if [ -z "$root" ]; then
      set_up_service
      say "installed; next: fastsamd model pull fastsam-s, edit /etc/fastsamd/config.yaml, fastsamd doctor, systemctl enable --now fastsamd"
    fi
    ;;
  uninstall)
    if [ -z "$root" ] && [ -d /run/systemd/system ]; then
      systemctl disable --now fastsamd.service 'fastsamd@*.service' 2>/dev/null || true
    fi
    rm -rf "$library" "$root$prefix/bin/fastsamd" "$units/fastsamd.service" "$units/fastsamd@.service" \
      "$root$prefix"/share/{man/man1/fastsamd.1.gz,bash-completion/completions/fastsamd,fish/vendor_completions.d/fastsamd.fish} \
      "$root$prefix"/share/zsh/{vendor-completions,site-functions}/_fastsamd
    if [ -z "$root" ] && [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
    say "removed; /etc/fastsamd and /var/lib/fastsamd are kept"
    ;;
  *)
    say 'usage: install.sh install|uninstall' >&2
    exit 2
    ;;
esac
