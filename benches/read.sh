#!/usr/bin/env bash
# Records per second and CPU seconds of `syncline read`, beside `curl` fetching the same pages and throwing them away, in the same run.
#   benches/read.sh BINARY [RECORDS]
set -euo pipefail
binary=$1 records=${2:-200000}
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
cargo build -q --release --locked -p syncline-sandbox --example serve
serve=${CARGO_TARGET_DIR:-target}/release/examples/serve
port=18721
"$serve" --port $port --records "$records" --seed 1 > "$folder/serve.log" & server=$!
trap 'kill $server; wait $server 2> /dev/null; rm -rf "$folder"' EXIT
until curl -sf "http://127.0.0.1:$port/__control/status" > /dev/null; do :; done
echo "{\"base_url\": \"http://127.0.0.1:$port/shop\", \"api_key\": \"sandbox-shop-key\"}" > "$folder/config.json"
echo '{"streams": [{"stream": {"name": "orders"}, "sync_mode": "incremental"}]}' > "$folder/catalog.json"
total=$(curl -sf -H 'X-Api-Key: sandbox-shop-key' "http://127.0.0.1:$port/shop/orders?page=1&per_page=1" | grep -o '"total":[0-9]*' | grep -o '[0-9]*')
pages=$(((total + 99) / 100))
TIMEFORMAT='%R %U %S'
measure() { # name, command ...
  local name=$1; shift
  local times; times=$({ time "$@" > /dev/null 2>&1; } 2>&1)
  read -r wall user system <<< "$times"
  awk -v name="$name" -v n="$total" -v w="$wall" -v u="$user" -v s="$system" 'BEGIN { printf "%-40s %8d records/s   %6.2f CPU seconds\n", name, n / w, u + s }'
}
echo "$total orders in $pages pages of 100"
for _ in 1 2 3; do
  measure 'curl, the same pages thrown away' curl -sf -H 'X-Api-Key: sandbox-shop-key' "http://127.0.0.1:$port/shop/orders?page=[1-$pages]&per_page=100"
  measure 'syncline read' "$binary" read sandbox-shop --config "$folder/config.json" --catalog "$folder/catalog.json"
done
