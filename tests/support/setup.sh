#!/usr/bin/env bash
# Makes sure that what the tests start for themselves is there: PostgreSQL, promtool and Chromium. Says what it installs.
set -euo pipefail
missing=()
compgen -G '/usr/lib/postgresql/*/bin/initdb' > /dev/null || command -v initdb > /dev/null || missing+=(postgresql)
command -v promtool > /dev/null || missing+=(prometheus)
command -v chromium > /dev/null || command -v google-chrome > /dev/null || missing+=(chromium)
[ ${#missing[@]} -eq 0 ] && exit 0
echo "the tests need ${missing[*]}, which this machine does not have"
if ! command -v apt-get > /dev/null; then
  echo "install them with the package manager of this system, then run \`make test\` again" >&2
  exit 1
fi
as_root=(); [ "$(id -u)" = 0 ] || as_root=(sudo)
echo "installing them: ${as_root[*]} apt-get install -y --no-install-recommends ${missing[*]}"
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
