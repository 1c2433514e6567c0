#!/usr/bin/env bash
# What Kafka costs, on a broker and a PostgreSQL of its own: the whole way from a provider's pages to committed transactions beside
# `curl` of the same pages piped into a bare idempotent producer; exactly-once beside at-least-once, and both ways of fencing; and a
# node with 100,000 idle integrations. `benches/kafka.sh BINARY [way|fencing|idle]...` for some of it.
set -euo pipefail
binary=$(realpath "$1"); shift
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
if ! "$binary" settings | grep -q '^\[kafka\]\|kafka\.'; then echo "$binary was built without Kafka: make release" >&2; exit 3; fi
cargo build -q --release --locked -p syncline-sandbox --example serve
cargo build -q --release --locked -p syncline-log --features kafka --example produce --example fill
cargo build -q --release --locked -p syncline-log --features kafka --bench fencing
folder=$(mktemp -d)
chmod 755 "$folder"
trap 'tests/support/kafka.sh kill "$folder/kafka"; tests/support/postgres.sh stop "$folder/postgres" > /dev/null; rm -rf "$folder"' EXIT
# A broker as it is run in production: ours of the tests compiles less of itself, so as to start quickly, and cleans every second.
export KAFKA_JVM=${KAFKA_JVM:--XX:TieredStopAtLevel=4} KAFKA_MORE=${KAFKA_MORE:-$folder/broker.properties}
echo log.cleaner.backoff.ms=15000 > "$folder/broker.properties"
port=$((12000 + RANDOM % 8000))
while (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; do port=$((port + 5)); done
brokers=$(KAFKA_HEAP=${KAFKA_HEAP:-768m} tests/support/kafka.sh start "$folder/kafka" "$port" | tail -1)
store=$(tests/support/postgres.sh start "$folder/postgres" $((port + 3)))
for part in "${@:-way fencing idle}"; do
  for one in $part; do
    case $one in
      way | idle) python3 benches/kafka/run.py "$one" --bin "$binary" --examples "$target/release/examples" --brokers "${brokers#BOOTSTRAP=}" --store "$store" --folder "$folder" ;;
      fencing) SYNCLINE_TEST_KAFKA=${brokers#BOOTSTRAP=} cargo bench -q --locked -p syncline-log --features kafka --bench fencing ;;
      *) echo "no part \`$one\`: way, fencing or idle" >&2; exit 1 ;;
    esac
  done
done
