#!/bin/sh
# Records the traces into the folder of the fixtures, or into another one: record.sh [folder]
# Records the stalls instead, in real time, which takes 3 to 4 minutes: record.sh --stalls [file]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
tests=$here/../../packages/wait/test

if [ "${1:-}" = --stalls ]; then
  file=${2:-$tests/stalls.json}
  file=$(cd "$(dirname "$file")" && pwd)/$(basename "$file")
  cd "$here" && exec go test -run Stalls -count 1 -timeout 1h -parallel 16 . -args -stalls "$file"
fi

out=${1:-$tests/fixtures}
mkdir -p "$out"
out=$(cd "$out" && pwd)
for module in "$here" "$here/v0.26"; do
  (cd "$module" && go test -run Record -count 1 . -args -out "$out")
done
