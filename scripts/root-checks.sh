# What checks in a root of their own share; sourced. `label` names the check, `work` is its folder for a while.
say() { printf '%s: %s\n' "$label" "$*"; }
die() { say "$*" >&2; exit 1; }

# timed NAME COMMAND…: its output goes to a log, of which the end is shown when it fails.
timed() {
  local name=$1 begin=$SECONDS status
  shift
  # Not behind "||": bash would go on after a failed command within COMMAND.
  set +e
  (set -e; "$@") >"$work/log" 2>&1
  status=$?
  set -e
  if [ "$status" != 0 ]; then
    tail -n 40 "$work/log" >&2
    die "$name failed after $((SECONDS - begin)) s"
  fi
  say "$name: $((SECONDS - begin)) s"
}
