#!/usr/bin/env bash
# Copies programs with their shared libraries, and the few files that they read, into the root folder of an image.
set -euo pipefail

root=$1
# unshare lets doctor try rules in a network namespace of their own.
programs=(/usr/local/bin/node /usr/sbin/nft /usr/sbin/conntrack /usr/bin/unshare)

# As merged systems have it: /lib is /usr/lib.
mkdir -p "$root"/{etc,proc,run,sys,tmp,usr/bin,usr/lib,usr/sbin,usr/lib64}
chmod 1777 "$root/tmp"
ln -s usr/lib "$root/lib"
ln -s usr/lib64 "$root/lib64"

libraries=$(ldd "${programs[@]}" | sed -n 's|^[^/]*\(/[^ ]*\) (0x.*|\1|p' | sort -u)
for file in "${programs[@]}" $libraries; do
  # A path through /lib or /lib64 is one below /usr.
  path=$(cd "$(dirname "$file")" && pwd -P)/$(basename "$file")
  install -D --mode=755 "$path" "$root$path"
done

# nft reads names of protocols, Node those of hosts.
install -D --mode=644 -t "$root/etc" /etc/protocols
echo 'root:x:0:0:root:/:/sbin/nologin' >"$root/etc/passwd"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"

# Scanners find the packages, with their versions, here.
mkdir -p "$root/var/lib/dpkg/status.d"
owner() {
  dpkg-query --search "$1" 2>/dev/null | sed -n '/^diversion /!{s|:.*||p;q}'
}
for file in "${programs[@]}" $libraries; do
  # dpkg may know a file by the path before systems were merged. Node comes from no package.
  package=$(owner "$file" || owner "$(readlink -f "$file")" || owner "${file#/usr}" || true)
  [ -z "$package" ] || dpkg-query --status "$package" >"$root/var/lib/dpkg/status.d/$package"
done
