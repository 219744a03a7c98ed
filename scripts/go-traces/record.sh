#!/bin/sh
# Records the traces into the folder of the fixtures, or into another one: record.sh [folder]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/../../packages/wait/test/fixtures}
mkdir -p "$out"
out=$(cd "$out" && pwd)
for module in "$here" "$here/v0.26"; do
  (cd "$module" && go test -run Record -count 1 . -args -out "$out")
done
