#!/bin/sh
# Records what Argo CD, Argo Events and Argo Workflows do with the documents, into the fixtures or into another file: record.sh [file]
# The retries of Argo Workflows are not exported, so its module is copied to a temporary folder and played from within.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
documents=$(cd "$here/../../../packages/documents/test" && pwd)
file=${1:-$documents/recorded-argo.json}
module=github.com/argoproj/argo-workflows/v4@v4.0.5

temporary=$(mktemp -d)
trap 'chmod -R u+w "$temporary" && rm -rf "$temporary"' EXIT
(cd "$here" && go test -vet=off -run Record -count 1 . -args -out "$temporary/others.json" -fixtures "$documents/fixtures")
copy=$(cd "$temporary" && go mod download -json "$module" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
cp -R "$copy" "$temporary/workflows"
chmod -R u+w "$temporary/workflows"
cp "$here/_workflows/record_policies_test.go" "$temporary/workflows/workflow/controller/"
(cd "$temporary/workflows" && go test -vet=off -run RecordPolicies -count 1 ./workflow/controller \
  -args -out "$temporary/workflows.json" -fixtures "$documents/fixtures")
# Two lists as one.
{ sed '$d' "$temporary/others.json" | sed '$s/$/,/' && sed 1d "$temporary/workflows.json"; } >"$temporary/all.json"
mv "$temporary/all.json" "$file"
