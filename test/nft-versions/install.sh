#!/usr/bin/env bash
# Unpacks the nft of Debian releases into .nft-versions/VERSION, where it runs beside the machine's own:
#   bin/nft      that nft, with its own libraries
#   bin/python3  the machine's Python with the same libraries, for the laboratory, which loads libnftables
# Downloads with apt, from where this machine has its packages. Nothing is installed, and root is not needed.
#
#   test/nft-versions/install.sh [RELEASE...]      default: all that have an nft that is supported
#
# What is there already is not asked for again; remove the folder to get newer versions. What cannot be had is an error
# where CI is set to anything but false, and a message elsewhere.
set -euo pipefail
cd "$(dirname "$0")/../.."

releases=("$@")
[ ${#releases[@]} -gt 0 ] || releases=(bookworm bookworm-backports trixie trixie-backports sid)
oldest=1.0.6
folder=$PWD/.nft-versions
mkdir -p "$folder"

missing=()
for release in "${releases[@]}"; do
  [ -e "$folder/$release.release" ] || missing+=("$release")
done
[ ${#missing[@]} -gt 0 ] || exit 0

fail() {
  echo "nft of Debian ${missing[*]} cannot be had: $*" >&2
  # As test/support/must-run.ts reads it.
  [[ ${CI:-false} = false ]] || exit 1
  echo 'so nothing is tested with it' >&2
  exit 0
}

command -v apt-get >/dev/null || fail 'there is no apt-get'
# Debian's own archive has a suite of updates; archives of others that name their suites after Debian's have none.
release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
mirror=$(apt-get --print-uris update | sed -n "s|^'\(.*\)/dists/$release-updates/.*|\1|p" | head -n 1 || true)
[ -n "$mirror" ] || fail 'apt does not know where Debian is'

work=$(mktemp -d "$folder/download.XXXXXX")
trap 'rm -rf "$work"' EXIT
# apt gives up root's rights for downloads.
chmod 755 "$work"
mkdir -p "$work"/{state/lists,cache/archives}/partial
# As if nothing were installed: nftables then comes with all of its libraries.
: >"$work/status"
options=(
  -o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=-
  -o "Dir::State=$work/state" -o "Dir::State::status=$work/status" -o "Dir::Cache=$work/cache"
  -o APT::Update::Error-Mode=any -o Acquire::Retries=1 -o Acquire::http::Timeout=10 -o Acquire::https::Timeout=10
  -o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false
  # Containers often keep indexes packed and read them anew for each command.
  -o Acquire::GzipIndexes=false -o Dir::Cache::pkgcache=pkgcache.bin -o Dir::Cache::srcpkgcache=srcpkgcache.bin
)
keys=$(find /usr/share/keyrings -name 'debian-archive-keyring.*' | sort | head -n 1)
printf "deb ${keys:+[signed-by=$keys] }$mirror %s main\n" "${missing[@]}" >"$work/sources.list"

# A script that runs a program with the libraries of a folder.
write_script() {
  local path=$1
  shift
  printf '#!/bin/sh\nexec %s --library-path %s %s "$@"\n' "$@" >"$path"
  chmod 755 "$path"
}

unpack() {
  local release=$1 target=$2 archives="$work/cache/archives" package loader libraries
  rm -rf "$archives"/*.deb "$target"
  apt-get "${options[@]}" --quiet --yes --no-install-recommends --target-release "$release" --download-only \
    install nftables >"$work/log" 2>&1 || return 1
  mkdir -p "$target/root" "$target/bin"
  for package in "$archives"/*.deb; do
    # Programs run with a C library that is newer than the one they were built for, but not with an older one.
    case $package in
      */libc6_*) dpkg --compare-versions "$(dpkg-query -Wf '${Version}' libc6)" lt "$(dpkg-deb -f "$package" Version)" || continue ;;
    esac
    dpkg-deb --extract "$package" "$target/root" || return 1
  done
  loader=$(find "$target/root" /lib/ /lib64/ -name 'ld-linux*.so.*' | head -n 1)
  libraries=$(find "$target/root" -name 'lib*.so.*' -printf '%h\n' | sort -u | paste -sd:)
  write_script "$target/bin/nft" "$loader" "$libraries" "$target/root/usr/sbin/nft"
  write_script "$target/bin/python3" "$loader" "$libraries" "$(PATH=/usr/bin:$PATH command -v python3)"
  "$target/bin/nft" --version && "$target/bin/python3" -c 'import ctypes, json, socket; ctypes.CDLL("libnftables.so.1")'
} >>"$work/log" 2>&1

timeout 120 apt-get "${options[@]}" --quiet update >"$work/log" 2>&1 || fail "$(tail -n 3 "$work/log")"
for release in "${missing[@]}"; do
  version=$(apt-cache "${options[@]}" madison nftables | sed -n "s/^[^|]*| *\([0-9.]*\).*|.* ${release}\/main .*/\1/p" | head -n 1)
  if [ -z "$version" ]; then
    # Backports have only what somebody asked for.
    [[ $release = *-backports ]] || fail "$mirror has no nftables for $release"
  elif dpkg --compare-versions "$version" ge "$oldest" && [ ! -x "$folder/$version/bin/python3" ]; then
    echo "unpacking nft $version of Debian $release"
    unpack "$release" "$folder/$version" || { tail -n 5 "$work/log" >&2; rm -rf "${folder:?}/$version"; fail "nft $version does not run"; }
  fi
  echo "$version" >"$folder/$release.release"
done
