#!/bin/sh
# Fetches the sources of both crons from Debian into a folder, as `cronie` and `cron`: sources.sh FOLDER
# The versions are pinned, in `versions`; apt verifies what it fetches. Sources that are there already stay.
# Exits with 2, and a reason, where they cannot be had.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)

cannot() {
  echo "$1"
  exit 2
}

. "$here/versions"
if [ -d "$folder/cronie-$cronie" ] && [ -d "$folder/cron-$cron" ]; then exit 0; fi

for tool in apt-get dpkg-source; do
  command -v $tool >/dev/null 2>&1 || cannot "there is no $tool"
done
# The mirror is the one from which this machine installs Debian, if it does.
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null |
  sed -n -E 's/^(URIs:|deb( \[[^]]*\])?) +([^ ]*\/debian)\/?( .*)?$/\3/p' | head -n 1)
[ -n "$mirror" ] || cannot "this machine has no Debian mirror"

# A state of apt's own, so that nothing of the machine's is changed, and root is not needed.
state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/sources"
# bookworm has the cron, and trixie the cronie.
echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bookworm main
deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >"$state/sources.list"
apt() {
  apt-get -qq -o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::State::lists="$state/lists" -o Dir::Cache="$state/cache" -o APT::Sandbox::User= \
    -o Acquire::http::Timeout=10 -o Acquire::https::Timeout=10 "$@" >"$state/log" 2>&1
}
apt update || cannot "the index of Debian's sources cannot be had: $(tail -n 1 "$state/log")"
cd "$state/sources"
apt source "cronie=$cronie" "cron=$cron" || cannot "cronie $cronie and cron $cron cannot be had: $(tail -n 1 "$state/log")"
rm -rf "$folder/cronie-$cronie" "$folder/cron-$cron"
mv "cronie-${cronie%-*}" "$folder/cronie-$cronie"
mv "cron-${cron%-*}" "$folder/cron-$cron"
