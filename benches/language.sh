#!/usr/bin/env bash
# CPU seconds and memory of reading 200,000 records of 500 bytes in pages of 100, beside the reference runtime of the declarative
# language and beside the bare HTTP client, on the same server in the same run.
#   benches/language.sh BINARY [PAGES]
set -euo pipefail
binary=$(realpath "$1") pages=${2:-2000}
cd "$(dirname "$0")/.."
reference=${SYNCLINE_BENCH_CDK:-$(tests/support/cdk.sh)}
cargo build -q --release --locked -p syncline-sdk --example bare
bare=${CARGO_TARGET_DIR:-target}/release/examples/bare
python3 benches/language/run.py --bin "$binary" --reference "$reference" --bare "$bare" --pages "$pages"
