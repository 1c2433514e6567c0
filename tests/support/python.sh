#!/usr/bin/env bash
# Makes the Python that the tests of consumers and of deployments use: a virtual environment with other people's clients and checkers
# under the target folder, once, and prints the path of its interpreter.
set -euo pipefail
packages=('confluent-kafka[json,schemaregistry]==2.15.0' cloudevents==2.2.0 jsonschema==4.26.0 rfc3339-validator==0.1.4 kubernetes-validate==1.37.0 PyYAML==6.0.3)
target=${CARGO_TARGET_DIR:-$(cd "$(dirname "$0")/../.." && pwd)/target}
folder=$target/test-python-$(printf '%s\n' "${packages[@]}" | cksum | cut -d' ' -f1)
mkdir -p "$target"
exec 9> "$folder.lock"
flock 9
if [ ! -e "$folder/complete" ]; then
  rm -rf "$folder"
  python3 -m venv "$folder" >&2
  "$folder/bin/pip" install --quiet --disable-pip-version-check "${packages[@]}" >&2
  touch "$folder/complete"
fi
echo "$folder/bin/python"
