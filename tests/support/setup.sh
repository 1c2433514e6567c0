#!/usr/bin/env bash
# Makes sure that what the tests start for themselves is there: PostgreSQL, Kafka (Java and Maven), promtool, Chromium, Python and faketime; and what
# librdkafka is built with: C++, make, OpenSSL and zlib. Says what it installs.
set -euo pipefail
missing=()
compgen -G '/usr/lib/postgresql/*/bin/initdb' > /dev/null || command -v initdb > /dev/null || missing+=(postgresql)
command -v promtool > /dev/null || missing+=(prometheus)
command -v chromium > /dev/null || command -v google-chrome > /dev/null || missing+=(chromium)
command -v java > /dev/null || missing+=(default-jre-headless)
command -v mvn > /dev/null || missing+=(maven)
command -v g++ > /dev/null || missing+=(g++)
python3 -c "import ensurepip, venv" 2> /dev/null || missing+=(python3-venv)
command -v make > /dev/null || missing+=(make)
command -v pkg-config > /dev/null || missing+=(pkg-config)
command -v openssl > /dev/null || missing+=(openssl)
[ -e /usr/include/openssl/ssl.h ] || pkg-config --exists openssl 2> /dev/null || missing+=(libssl-dev)
[ -e /usr/include/zlib.h ] || pkg-config --exists zlib 2> /dev/null || missing+=(zlib1g-dev)
compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' > /dev/null || missing+=(faketime)
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
