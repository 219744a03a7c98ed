#!/bin/sh
# Records into a temporary folder, and fails when anything differs from the fixtures.
# Skipped where there is no Debian mirror, no compiler, or other time zone data.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
fixtures=$(cd "$here/../../packages/wait/test/fixtures" && pwd)
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT

status=0
"$here/record.sh" "$temporary/traces" >"$temporary/log" 2>&1 || status=$?
if [ "$status" -eq 2 ]; then
  echo "cron-traces: skipped, $(tail -n 1 "$temporary/log")"
  exit 0
fi
if [ "$status" -ne 0 ]; then
  cat "$temporary/log"
  exit 1
fi

# When the clocks of a zone change is the machine's word, not cron's.
changes() { (cd "$1" && grep -e '"offset":' -e '"changes":' cron.*.json); }
if ! [ "$(changes "$fixtures")" = "$(changes "$temporary/traces")" ]; then
  echo "cron-traces: skipped, the time zone data of this machine are not those of the recording"
  exit 0
fi

mkdir "$temporary/fixtures"
cp "$fixtures"/cron*.json "$temporary/fixtures"
if diff -r "$temporary/fixtures" "$temporary/traces" >"$temporary/diff"; then
  echo "cron-traces: the same as the fixtures"
else
  cut -c 1-400 "$temporary/diff" | head -n 40
  echo "cron-traces: they differ from the fixtures"
  exit 1
fi
