#!/usr/bin/env bash
# Installs what the tests need besides Node and npm: nft, ip, conntrack, python3, chromium, and the shells and groff for what is
# written for them, promtool, and BIND. Debian and its relatives only, as root only; elsewhere it says what is missing and leaves the
# rest to those who need it.
set -euo pipefail

missing=()
command -v nft >/dev/null || missing+=(nftables)
command -v ip >/dev/null || missing+=(iproute2)
command -v conntrack >/dev/null || missing+=(conntrack)
command -v python3 >/dev/null || missing+=(python3)
command -v chromium >/dev/null || missing+=(chromium)
command -v zsh >/dev/null || missing+=(zsh)
command -v fish >/dev/null || missing+=(fish)
command -v groff >/dev/null || missing+=(groff-base)
command -v iptables-legacy >/dev/null || missing+=(iptables)
command -v dig >/dev/null || missing+=(bind9-dnsutils)
# The packages of these have servers that would be started, so only one program is taken from each.
taken=()
command -v promtool >/dev/null || taken+=(promtool)
command -v named >/dev/null || taken+=(named)
[ -n "${missing[*]}${taken[*]}" ] || exit 0

install_packages() {
  [ ${#missing[@]} -eq 0 ] || apt-get install --yes --no-install-recommends "${missing[@]}"
}

# take PROGRAM PACKAGE PATH: installs one program of a package.
take() (
  [[ " ${taken[*]} " == *" $1 "* ]] || exit 0
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  # apt gives up root's rights for downloads.
  chmod 777 "$folder"
  cd "$folder" && apt-get download "$2" && dpkg-deb --extract ./*.deb . && install "$3" /usr/local/bin/
)

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing ${missing[*]} ${taken[*]}"
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp)
  if ! {
    # named shares its libraries with dig.
    apt-get update && install_packages && take promtool prometheus usr/bin/promtool && take named bind9 usr/sbin/named
  } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    exit 1
  fi
  rm -f "$log"
else
  echo "missing: ${missing[*]} ${taken[*]}; not root or no apt-get, so please install them" >&2
fi
