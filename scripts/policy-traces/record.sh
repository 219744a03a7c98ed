#!/bin/sh
# Records what the real packages do with the documents, into the fixtures or into another file: record.sh [file]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
file=${1:-$here/../../packages/documents/test/recorded.json}
file=$(cd "$(dirname "$file")" && pwd)/$(basename "$file")
cd "$here" && exec go test -run 'Record|Refused' -count 1 . -args -out "$file"
