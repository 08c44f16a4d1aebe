#!/usr/bin/env bash
# The gate: everything that must hold before a change lands.
set -euo pipefail
cd "$(dirname "$0")/.."

bash test/install-tools.sh
# A second nft, which can do what the oldest one cannot. Fetching it is mostly waiting.
bash test/nft-versions/install.sh trixie &
second_nft=$!
npm run --silent build
npm run --silent typecheck
npm run --silent lint
npm run --silent unused
npm run --silent package-check
wait "$second_nft"
# CI keeps vitest from writing files that are missing instead of failing on them, and makes tests fail that cannot run here
# (test/support/must-run.ts). With CI=false they are skipped, and the last lines count them.
export CI="${CI:-1}"
# Colors would turn each dot into forty bytes of a log.
[ -t 1 ] || export NO_COLOR=1
exec npx vitest run --project '!cluster' --reporter=dot ${GITHUB_ACTIONS:+--reporter=github-actions}
