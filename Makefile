# `make` alone lists the targets.

CARGO ?= cargo
# The demo is the build of the tests: its libraries are optimised, and it is there already after `make test`.
BIN = $(or $(CARGO_TARGET_DIR),target)/debug/contactwatch

.DEFAULT_GOAL := help
.PHONY: help setup demo history test fmt lint unit core policy deny broker observability dashboards dashboard-json screenshots packaging backtest classifier encoder bench

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Check what a build needs; install missing Debian packages
	@scripts/setup

demo: setup ## The whole system in one process: a simulated fleet, and what it is caught at (ARGS="--stores 200")
	@echo 'Building (about five minutes the first time, on two cores) ...'
	@$(CARGO) build --quiet --locked
	@echo
	@$(BIN) demo $(ARGS)

history: setup ## Judge the sample history in demo/, and show what was caught and why
	@$(CARGO) build --quiet --locked
	@$(BIN) score --summary --until 2026-10-08T00:00:00Z demo/history.ndjson

test: setup fmt lint encoder unit core policy deny broker observability dashboards ## Everything that must hold before a change is merged

fmt: ## Formatting
	$(CARGO) fmt --check

lint: ## Clippy, with and without the shell
	$(CARGO) clippy --locked --all-targets --quiet -- -D warnings
	$(CARGO) clippy --locked --all-targets --quiet --no-default-features -- -D warnings

unit: ## All tests
	$(CARGO) test --locked --quiet

core: ## The core by itself: no I/O, no clock, no shell
	$(CARGO) test --locked --quiet --no-default-features

policy: ## Inline cases of the shipped packs, and the golden timelines
	$(CARGO) run --locked --quiet -- policy check
	$(CARGO) run --locked --quiet -- policy test tests/corpus/timelines

deny: ## Licences, advisories and sources of the dependencies
	@if $(CARGO) deny --version >/dev/null 2>&1; then \
		$(CARGO) deny --log-level error check; \
	else \
		echo '*** cargo-deny is not installed: licences and advisories were NOT checked (cargo install cargo-deny)'; \
	fi

broker: setup ## The daemon against a real Apache Kafka, which Maven brings; ARGS=word chooses scenarios
	@scripts/broker-tests $(ARGS)

observability: setup ## Rules, routes and alerts against a real Prometheus and Alertmanager; ARGS=word chooses scenarios
	@scripts/observability-tests $(ARGS)

dashboard-json: ## Make dashboards/grafana/*.json from dashboards/grafana/source
	node dashboards/grafana/build.mjs

dashboards: setup ## Check the Grafana dashboards: source, rules, Grafana's types, every query against a Prometheus
	@scripts/dashboard-tests

screenshots: setup ## Draw the dashboards with Grafana's own components into dashboards/screenshots
	@scripts/screenshots

packaging: setup ## Compose file, unit and the static program of the image, as far as they run without Docker
	@scripts/packaging $(ARGS)

backtest: setup encoder ## Measure misjudgments and misses on the labelled texts; writes tests/corpus/REPORT.md
	UPDATE_DOCS=1 $(CARGO) test --locked --quiet --test corpus_report
	@sed -n -e '/^## The half that is only/,/^By rule/p' -e '/^## Writers/,/^## The half/p' -e '/^## The same half with the/,/^| address/p' \
		-e '/^And the writers/,/^## Texts/p' tests/corpus/REPORT.md

classifier: setup ## Train the classifier anew on the labelled texts; writes config/classifier.bin (then: make backtest)
	$(CARGO) run --locked --quiet --example train_classifier -- --out config/classifier.bin

encoder: target/encoder.bin ## Fetch the sentence encoder and convert it; writes target/encoder.bin (then: --encoder target/encoder.bin)

target/encoder.bin: scripts/encoder
	@scripts/encoder $@

bench: setup ## Benchmarks
	$(CARGO) bench --locked
