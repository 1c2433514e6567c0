#!/usr/bin/env bash
# Makes the reference runtime of the declarative language: a virtual environment with `airbyte-cdk` under the target folder, once, and
# prints the path of its `source-declarative-manifest`.
set -euo pipefail
version=7.39.1
folder=${CARGO_TARGET_DIR:-$(cd "$(dirname "$0")/../.." && pwd)/target}/airbyte-cdk-$version
program=$folder/bin/source-declarative-manifest
mkdir -p "$(dirname "$folder")"
exec 9> "$folder.lock"
flock 9
if [ ! -e "$folder/complete" ]; then
  rm -rf "$folder"
  # The newest Python that the package takes; a name may be there and not work.
  for python in python3.14 python3.13 python3.12 python3.11 python3.10 python3; do
    "$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 15))' 2> /dev/null && break
  done
  "$python" -m venv "$folder" >&2
  "$folder/bin/pip" install --quiet --disable-pip-version-check "airbyte-cdk==$version" >&2
  touch "$folder/complete"
fi
echo "$program"
