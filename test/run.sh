#!/usr/bin/env bash
# The gate: everything that must hold before a change lands.
set -euo pipefail
cd "$(dirname "$0")/.."

said=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$said"' EXIT

# start NAME COMMAND...: runs it beside what follows.
start() {
  local name=$1
  shift
  "$@" >"$said/$name" 2>&1 &
  echo $! >"$said/$name.pid"
}

# finish NAME...: waits for these, and prints what they said. Fails if one has failed.
finish() {
  local name failed=0
  for name in "$@"; do
    wait "$(cat "$said/$name.pid")" || failed=1
    cat "$said/$name"
  done
  return $failed
}

bash test/install-tools.sh
# A second nft, which can do what the oldest one cannot. Fetching it is mostly waiting.
start nft bash test/nft-versions/install.sh trixie
start typecheck npm run --silent typecheck
start lint npm run --silent lint
start unused npm run --silent unused
npm run --silent build
start package-check npm run --silent package-check
finish typecheck lint unused package-check nft

# CI keeps vitest from writing files that are missing instead of failing on them, and makes tests fail that cannot run here
# (test/support/must-run.ts). With CI=false they are skipped, and the last lines count them.
export CI="${CI:-1}"
# Colors would turn each dot into forty bytes of a log.
[ -t 1 ] || export NO_COLOR=1
vitest=(npx vitest run --reporter=dot ${GITHUB_ACTIONS:+--reporter=github-actions})
failed=0
# Tests of the kernel wait more than they work. Those that only work get what is left of the CPUs.
start unit nice "${vitest[@]}" --project unit --maxWorkers=100%
"${vitest[@]}" --project kernel --project browser --project shells || failed=1
finish unit || failed=1
exit $failed
