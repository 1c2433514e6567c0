#!/usr/bin/env bash
# Prints the folder with AsyncAPI's own JSON Schemas, fetched once with npm. Ends with 3 and a reason where there is no npm.
set -euo pipefail
version=6.11.1
target=${CARGO_TARGET_DIR:-$(cd "$(dirname "$0")/../.." && pwd)/target}
folder=$target/asyncapi-specs-$version
command -v npm > /dev/null || { echo "npm is not here, which fetches AsyncAPI's schemas" >&2; exit 3; }
mkdir -p "$target"
exec 9> "$folder.lock"
flock 9
if [ ! -e "$folder/complete" ]; then
  mkdir -p "$folder"
  npm install --silent --ignore-scripts --no-audit --no-fund --prefix "$folder" "@asyncapi/specs@$version" >&2
  touch "$folder/complete"
fi
echo "$folder/node_modules/@asyncapi/specs/schemas"
