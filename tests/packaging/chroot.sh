#!/usr/bin/env bash
# chroot.sh BUILD VERSION: installs, upgrades (with the data and the operator's settings kept), removes, installs again
# and purges the Debian package in a Debian 12 made by debootstrap. Takes minutes and the network, so it is asked for:
# TASKLEDGER_PACKAGE_CHROOT=1 (`./dev package-test`). Exit 77: skipped. There is no systemd inside: the server is
# started by hand on the data directory as the service would have it.
set -euo pipefail
build=$1 version=$2 mirror=${TASKLEDGER_DEBIAN_MIRROR:-http://deb.debian.org/debian}
fail() { echo "FAILED: $*" >&2; exit 1; }
skip() { echo "skipped: $*" >&2; exit 77; }

if [ -z "${TASKLEDGER_CHROOT_FOLDER:-}" ]; then
  [ -n "${TASKLEDGER_PACKAGE_CHROOT:-}" ] || skip 'it was not asked for (TASKLEDGER_PACKAGE_CHROOT=1)'
  [ "$(id -u)" = 0 ] || skip 'a chroot needs root'
  for tool in debootstrap dpkg-deb unshare curl; do command -v "$tool" >/dev/null || skip "there is no $tool"; done
  unshare --mount --pid --fork true 2>/dev/null || skip 'namespaces are not allowed here'
  curl -sfo /dev/null --max-time 20 "$mirror/dists/bookworm/Release" || skip "$mirror cannot be reached"
  folder=$(mktemp -d)
  chmod 755 "$folder"
  # Mounts and processes of the inside end with it, whatever happens; the folder is taken away out here, where nothing
  # is mounted in it.
  code=0
  TASKLEDGER_CHROOT_FOLDER=$folder unshare --mount --pid --fork --kill-child --propagation private "$0" "$@" || code=$?
  rm -rf "$folder"
  exit $code
fi

folder=$TASKLEDGER_CHROOT_FOLDER root=$folder/root data=/var/lib/taskledger
echo '- the package, and one that calls itself older'
(cd "$build" && cpack -G DEB -B "$folder/new" >"$folder/cpack.log" 2>&1) || { cat "$folder/cpack.log" >&2; fail cpack; }
new=$(echo "$folder"/new/taskledger_*.deb)
dpkg-deb -R "$new" "$folder/older"
sed -i 's/^Version: .*/Version: 0.0.1/' "$folder/older/DEBIAN/control"
echo '# As an older version had it.' >>"$folder/older/etc/taskledger/taskledger.toml"
(cd "$folder/older" && find . -type f -not -path './DEBIAN/*' -printf '%P\0' | xargs -0 md5sum >DEBIAN/md5sums)
dpkg-deb --root-owner-group -b "$folder/older" "$folder/older.deb" >/dev/null

echo '- a Debian 12'
debootstrap --variant=minbase bookworm "$root" "$mirror" >"$folder/debootstrap.log" 2>&1 ||
  { tail -20 "$folder/debootstrap.log" >&2; fail debootstrap; }
mount -t proc proc "$root/proc" 2>/dev/null || true
cp "$folder/older.deb" "$new" "$root/root/"
within=(chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C)
inside() { "${within[@]}" "$@"; }
quietly() { "$@" >"$folder/log" 2>&1 || { cat "$folder/log" >&2; fail "$*"; }; }
install() { quietly inside apt-get -y --no-install-recommends -o Dpkg::Options::=--force-confold install "$1"; }
installed() { inside dpkg-query -W -f '${Version} ${db:Status-Status}' taskledger 2>/dev/null || true; }
is_enabled() { [ -L "$root/etc/systemd/system/multi-user.target.wants/taskledger.service" ]; }

# The server of the inside, on the data directory and with the settings of the service: with_server COMMAND….
with_server() {
  : >"$folder/out"
  "${within[@]}" taskledger serve --data "$data" --config /etc/taskledger/taskledger.toml --listen 127.0.0.1:0 >"$folder/out" 2>"$folder/err" &
  local server=$!
  for _ in $(seq 300); do grep -q listening "$folder/out" && break; sleep 0.1; done
  url=$(sed -n 's/.*listening on \([^ ]*\).*/\1/p' "$folder/out")
  [ -n "$url" ] || { cat "$folder/err" >&2; fail 'the server does not start'; }
  "$@"
  kill "$server"
  wait "$server" || fail 'the server does not stop in order'
}
call() { curl -sf -H "Authorization: Bearer $token" -H 'Content-Type: application/json' "$@"; }
make_task() { call "$url/api/v1/tasks" -d '{"title": "Kept through everything"}' >/dev/null || fail 'no task was made'; }
find_task() { call "$url/api/v1/tasks" | grep -q 'Kept through everything' || fail "the task is gone after $1"; }

echo '- install'
quietly inside apt-get update
install /root/older.deb
[ "$(installed)" = '0.0.1 installed' ] || fail "$(installed)"
is_enabled || fail 'the service is not enabled'
[ "$(inside taskledger --version)" = "taskledger $version" ] || fail 'it does not run'
# As systemd lays it out for a DynamicUser.
inside install -d -m 700 /var/lib/private /var/lib/private/taskledger
inside ln -s private/taskledger "$data"
token=$(inside taskledger token create --data "$data" --workspace acme --user 0a0e5a8e-6d8b-4c39-9d5c-0a7a5d6a1f11 --scopes tasks:read,tasks:write)
with_server make_task

echo '- upgrade'
echo 'rate-limit = 1000' >"$folder/edit"
sed -i '/^rate-limit/d' "$root/etc/taskledger/taskledger.toml"
cat "$folder/edit" >>"$root/etc/taskledger/taskledger.toml"
install "/root/$(basename "$new")"
[ "$(installed)" = "$(dpkg-deb -f "$new" Version) installed" ] || fail "$(installed)"
grep -qx 'rate-limit = 1000' "$root/etc/taskledger/taskledger.toml" || fail "the operator's settings are gone"
is_enabled || fail 'the service is not enabled any more'
with_server find_task 'the upgrade'
quietly inside taskledger verify --data "$data"

echo '- remove, and install again'
quietly inside apt-get -y remove taskledger
[ ! -e "$root/usr/bin/taskledger" ] || fail 'the binary is still there'
[ -e "$root/etc/taskledger/taskledger.toml" ] || fail 'removing took the settings'
[ -d "$root/var/lib/private/taskledger/log" ] || fail 'removing took the data'
install "/root/$(basename "$new")"
with_server find_task 'removing and installing'

echo '- purge'
quietly inside apt-get -y purge taskledger
[ -z "$(installed)" ] || fail "$(installed)"
left=$(find "$root" -xdev -name '*taskledger*' -not -path "$root/root/*" -not -path "$root/proc/*" -print)
[ -z "$left" ] || fail "purging left $left"
echo ok
