#!/usr/bin/env bash
# Runs tests of the kernel with each nft that Debian offers, and what one version makes of the tables of another.
set -euo pipefail
cd "$(dirname "$0")/../.."

bash test/nft-versions/install.sh
npm run --silent build
# As in test/run.sh.
export CI="${CI:-1}"
[ -t 1 ] || export NO_COLOR=1

# Every golden is loaded twice and over others, tables go from one state to another, packets go where they should, and what
# nft prints reads as it was compiled.
tests=(
  test/behavior/{golden,packets,random-clusters}.kernel.test.ts
  test/diff/{transitions,random-transitions}.kernel.test.ts
  test/nft/{json,text}/round-trip.kernel.test.ts
  test/apply/kernel/{affinity,repair,steps}.kernel.test.ts
)
results=()
failed=
run() {
  local what=$1
  shift
  echo "== $what"
  if "$@"; then
    results+=("$what: good")
  else
    results+=("$what: failed")
    failed=1
  fi
}

for programs in "$PWD"/.nft-versions/*/bin; do
  version=$(basename "$(dirname "$programs")")
  run "nft $version" env NFT_VERSION="$version" PATH="$programs:$PATH" npx vitest run --reporter=dot --project kernel "${tests[@]}"
done
run 'one version with the tables of another, affinity over IPv6, and tables that are owned' env EVERY_FIXTURE=1 \
  npx vitest run --reporter=dot --project kernel flat-affinity other-nft own-table

printf '%s\n' '' "${results[@]}"
[ -z "$failed" ]
