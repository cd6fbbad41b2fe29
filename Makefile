# The one door. `make` lists what there is.

# The one profile of the binary, its lints and its tests: no dependency is compiled twice.
CARGO_PROFILE ?= dev

TOPIC ?= level-engagement
# Make hands these on to the tests, in the environment, when they are given.
CLUSTER ?=
RESTART_SPU ?=

profile := $(if $(filter-out dev,$(CARGO_PROFILE)),--profile $(CARGO_PROFILE))
profile_dir := $(if $(profile),$(CARGO_PROFILE),debug)
binary := target/$(profile_dir)/game-analytics
venv := target/venv
fluvio_python := fluvio==0.21.0
schemathesis := schemathesis==4.32.5

.DEFAULT_GOAL := help
.PHONY: help start consume wasm dashboard-assets build test test-dashboard chaos test-cluster check bench ci clean-data

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

start: build ## build what is missing, then run everything: local cluster, generator, runner, dashboard
	exec $(binary) up

consume: build ## print a topic as it grows: make consume TOPIC=level-engagement
	exec $(binary) consume $(TOPIC) --follow --beginning

wasm: ## build the SmartModules to target/smartmodules/
	@scripts/build-wasm

dashboard-assets: ## fetch the dashboard's chart library; without Node.js there are tables alone
	@scripts/build-dashboard-assets

build: wasm dashboard-assets ## build the binary, with the SmartModules inside
	cargo build $(profile)

test: wasm $(venv)/bin/python ## the whole test suite
	PYTHON=$(CURDIR)/$(venv)/bin/python cargo test --workspace $(profile)

test-dashboard: build ## click through the dashboard in headless Chromium; needs Node.js, npm and Chromium
	@scripts/test-dashboard $(binary)

chaos: wasm ## kill runner and cluster 200 times at random points; CHAOS_KILLS and CHAOS_SEED choose
	CHAOS_KILLS=$${CHAOS_KILLS:-200} cargo test $(profile) --test end_to_end -- chaos --nocapture

test-cluster: wasm ## tests on a real cluster: make test-cluster CLUSTER=HOST:PORT [RESTART_SPU=COMMAND]
	@test -n "$(CLUSTER)" || { echo "name a fresh cluster: make test-cluster CLUSTER=HOST:PORT"; exit 1; }
	cargo test $(profile) --test end_to_end -- on_any_cluster --nocapture --test-threads=1

check: wasm ## formatting, lints and documentation, warnings denied
	cargo fmt --all --check
	cargo clippy --workspace --all-targets $(profile) -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps $(profile)

bench: wasm ## the measured claims, each beside its baseline
	@scripts/build-wasm benches target/smartmodules-bench
	cargo bench --package benches

ci: check test ## what .ci/run runs

clean-data: ## remove ./data, the local cluster's topics
	rm -rf data

# Tests drive the cluster with Fluvio's own Python client too, and the web API with schemathesis.
$(venv)/bin/python: Makefile
	python3 -m venv $(venv)
	$(venv)/bin/python -m pip install --quiet '$(fluvio_python)' '$(schemathesis)'
	@touch $@
