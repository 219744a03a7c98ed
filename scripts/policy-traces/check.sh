#!/bin/sh
# Records into a temporary file, and runs the specs of the recordings on that.
# Skipped where there is no Go that satisfies go.mod, or its modules cannot be had.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
export GOTOOLCHAIN=local

skip() {
  echo "policy-traces: skipped, $1"
  exit 0
}

command -v go >/dev/null 2>&1 || skip "there is no go on the PATH"
wants=$(sed -n 's/^go //p' "$here/go.mod")
has=$(cd / && go env GOVERSION | sed 's/^go//')
oldest=$(printf '%s\n%s\n' "$wants" "$has" | sort -t . -k 1,1n -k 2,2n -k 3,3n | head -n 1)
[ "$oldest" = "$wants" ] || skip "go is $has, and $wants or later is wanted"

temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
if ! (cd "$here" && go list -deps -test .) >"$temporary/list" 2>&1; then
  cat "$temporary/list"
  # A module whose sum differs is no reason to look away.
  if grep -q -e 'SECURITY ERROR' -e 'go\.sum' "$temporary/list"; then exit 1; fi
  skip "its modules cannot be had"
fi
"$here/record.sh" "$temporary/recorded.json"
cd "$here/../.."
RECORDED="$temporary/recorded.json" node_modules/.bin/vitest run --config vitest.workspace.ts --project documents packages/documents/test/recorded.test.ts
