#!/usr/bin/env bash
# Copies what runs of the built package, with its dependencies, into the root folder of an image.
set -euo pipefail
cd "$(dirname "$0")/../.."

target=$1/usr/local/lib/node_modules/svc2nft
mkdir -p "$target" "$1/usr/local/bin"
cp -a bin dist docs page node_modules package.json LICENSE "$target"
# There is no env to find node.
sed -i '1s|.*|#!/usr/local/bin/node|' "$target"/bin/svc2nft.js
ln -s ../lib/node_modules/svc2nft/bin/svc2nft.js "$1/usr/local/bin/svc2nft"
