#!/bin/sh
# Records the traces into a temporary folder, and fails when they differ from the fixtures. So do the stalls.
# Skipped where there is no Go that satisfies go.mod, or its modules cannot be had.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
tests=$here/../../packages/wait/test
export GOTOOLCHAIN=local

skip() {
  echo "go-traces: skipped, $1"
  exit 0
}

command -v go >/dev/null 2>&1 || skip "there is no go on the PATH"
wants=$(sed -n 's/^go //p' "$here/go.mod")
has=$(cd / && go env GOVERSION | sed 's/^go//')
oldest=$(printf '%s\n%s\n' "$wants" "$has" | sort -t . -k 1,1n -k 2,2n -k 3,3n | head -n 1)
[ "$oldest" = "$wants" ] || skip "go is $has, and $wants or later is wanted"

temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
for module in "$here" "$here/v0.26"; do
  if ! (cd "$module" && go list -deps -test .) >"$temporary/list" 2>&1; then
    cat "$temporary/list"
    # A module whose sum differs is no reason to look away.
    if grep -q -e 'SECURITY ERROR' -e 'go\.sum' "$temporary/list"; then exit 1; fi
    skip "its modules cannot be had"
  fi
done
"$here/record.sh" "$temporary/traces"
# Which Go recorded them is told, but does not matter.
if diff -r -x 'cron*' -I '^  "go": "' "$tests/fixtures" "$temporary/traces" >"$temporary/diff"; then
  echo "go-traces: the same as the fixtures"
else
  cut -c 1-400 "$temporary/diff" | head -n 40
  echo "go-traces: they differ from the fixtures"
  exit 1
fi
# Real time is never the same to the byte: each stall is run once more, and compared within a tolerance. 10 s.
if (cd "$here" && go test -run Stalls -count 1 -parallel 64 . -args -compare -stalls "$tests/stalls.json") >"$temporary/stalls"; then
  echo "go-traces: the same stalls"
else
  head -n 40 "$temporary/stalls"
  echo "go-traces: the stalls differ from those recorded"
  exit 1
fi
