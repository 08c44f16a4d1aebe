#!/usr/bin/env bash
# Installs what the tests need besides Node and npm: nft, ip, conntrack, python3, chromium, and the shells and groff for what is
# written for them, and promtool. Debian and its relatives only, as root only; elsewhere it says what is missing and leaves the
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
# Its package, prometheus, has a server that would be started, so only promtool is taken from it.
command -v promtool >/dev/null || promtool=promtool
[ -n "${missing[*]}${promtool:-}" ] || exit 0

install_packages() {
  [ ${#missing[@]} -eq 0 ] || apt-get install --yes --no-install-recommends "${missing[@]}"
}

install_promtool() (
  command -v promtool >/dev/null && exit
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  # apt gives up root's rights for downloads.
  chmod 777 "$folder"
  cd "$folder" && apt-get download prometheus && dpkg-deb --extract ./*.deb . && install usr/bin/promtool /usr/local/bin/
)

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing ${missing[*]} ${promtool:-}"
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp)
  if ! { apt-get update && install_packages && install_promtool; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    exit 1
  fi
  rm -f "$log"
else
  echo "missing: ${missing[*]} ${promtool:-}; not root or no apt-get, so please install them" >&2
fi
