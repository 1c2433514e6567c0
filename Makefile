# `make demo` shows the main job, `make test` proves it. Both do all the set-up on a fresh machine with Rust.
.DEFAULT_GOAL := help
SHELL := bash
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c
TARGET := $(or $(CARGO_TARGET_DIR),target)

.PHONY: help demo prepare test unit lint fmt bench docs release deny clean

help: ## what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

release: ## the binary, optimized, with everything it can, at target/release/syncline (needs what `make prepare` installs)
	cargo build --release --locked --bin syncline --features kafka

demo: ## three apps over real HTTP become one tenant's tables; stays up until Ctrl-C (ARGS=--once ends it)
	cargo build --release --locked --bin syncline
	$(TARGET)/release/syncline demo $(ARGS)

fmt: ## format everything
	cargo fmt --all

lint: ## formatting and every lint, warnings refused
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features --locked -- -D warnings

prepare: ## installs what building with Kafka and testing need, and says what it installs
	tests/support/setup.sh

test: prepare lint ## everything: lints, unit tests, black-box tests with real PostgreSQL, Kafka, promtool and Chromium
	postgres=$$(mktemp -d)
	kafka=$$(mktemp -d)
	trap 'tests/support/postgres.sh stop "$$postgres"; tests/support/kafka.sh stop "$$kafka"; rm -rf "$$postgres" "$$kafka"' EXIT
	port=$$((20000 + RANDOM % 20000))
	while (exec 3<> "/dev/tcp/127.0.0.1/$$port") 2> /dev/null; do port=$$((port + 1)); done
	url=$$(tests/support/postgres.sh start "$$postgres" "$$port")
	export SYNCLINE_TEST_POSTGRES_URL="$$url"
	port=$$((12000 + RANDOM % 4000 * 2))
	while (exec 3<> "/dev/tcp/127.0.0.1/$$port") 2> /dev/null; do port=$$((port + 2)); done
	brokers=$$(tests/support/kafka.sh start "$$kafka" "$$port")
	export SYNCLINE_TEST_KAFKA="$${brokers#BOOTSTRAP=}"
	cargo test --workspace --all-features --locked --no-fail-fast

bench: release ## throughput, side by side with a reference in the same run
	for bench in benches/*.sh; do "$$bench" "$(TARGET)/release/syncline"; done

docs: ## the crates' documentation
	cargo doc --workspace --no-deps --locked

deny: ## advisories, licences and sources of all dependencies (needs cargo-deny)
	cargo deny check

clean: ## remove what was built
	cargo clean
