#!/bin/sh
# Records the real crons into the folder of the fixtures, or into another one: record.sh [FOLDER]
# The sources stay in a cache, outside of the repository. Exits with 2, and a reason, where they or a compiler cannot be had.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/../../packages/wait/test/fixtures}
mkdir -p "$out"
out=$(cd "$out" && pwd)
sources=${XDG_CACHE_HOME:-$HOME/.cache}/effect-wait/cron-traces

command -v "${CC:-cc}" >/dev/null 2>&1 || { echo "there is no ${CC:-cc}"; exit 2; }
[ -e /usr/share/zoneinfo/Antarctica/Troll ] || { echo "there is no time zone data in /usr/share/zoneinfo"; exit 2; }
"$here/sources.sh" "$sources"

. "$here/versions"
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
"$here/build.sh" cronie "$sources/cronie-$cronie" "$programs/cronie"
"$here/build.sh" cron "$sources/cron-$cron" "$programs/cron"

# The environment holds nothing else: cronie copies the locale, and a delay, from there.
record() {
  if env -i "$programs/$1" "$2" "$here/$3" "$1 $4" "$here/$2.txt" "$out" 2>"$programs/log"; then return; fi
  grep -v '^Warning: Step size' "$programs/log" >&2
  exit 1
}
record cronie zones lines.txt "$cronie"
record cron zones lines.txt "$cron"
record cronie steps steps-lines.txt "$cronie"
