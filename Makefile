# AI governance for Envoy: what a developer and an operator type. `make help` lists it.
# Tools that are not part of a machine's usual set live in .governance/tools; nothing is installed elsewhere.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
PYTHON ?= python3
TOOLS := .governance/tools
VENV := $(TOOLS)/venv
LISTEN ?= 127.0.0.1:10000
# UPSTREAM, DATABASE_URL and SLACK_WEBHOOK_URL reach the programs through the environment as they are.
WASM := target/wasm32-wasip1/release/governance_filter.wasm

# Suites without files, clock or network: the same source runs natively and on wasm32.
PURE_SUITES := providers detectors policy_load policy_errors policy_warnings policy_cases policy_past policy_verdicts models exchanges outbox \
  mutations contract

WASM_BINDGEN = $(shell awk '/^name = "wasm-bindgen"$$/ {getline; gsub(/[^0-9.]/, ""); print}' Cargo.lock)
TARGETS := wasm32-wasip1 wasm32-unknown-unknown

# What is fuzzed, with the longest input that is tried.
FUZZED := requests:16384 answers:16384 streams:16384 codings:8192 detectors:4096 policy:8192 names:512 \
  heads:2048 exchanges:16384 lines:8192 proofs:16384 bundles:16384
FUZZ_SECONDS ?= 60
CARGO_FUZZ := 0.13.2

.PHONY: help
help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo '  make demo                                   the whole stack with a built-in provider, toured'
	@echo '  make up UPSTREAM=https://api.openai.com     the same stack before a real provider, staying up'

.PHONY: demo
demo: tools build ## start everything, send a guided tour of real calls, show what was recorded
	@target/release/governance demo

.PHONY: up
up: tools build ## start everything before UPSTREAM and stay up (SLACK_WEBHOOK_URL, DATABASE_URL, LISTEN)
	@target/release/governance up --listen $(LISTEN)

.PHONY: build
build: prerequisites ## everything in release form: both programs and the filter
	@echo '==> build: governance, log-collector'
	@$(CARGO) build --release --workspace --bins
	@echo '==> build: $(WASM)'
	@CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1 \
	  $(CARGO) rustc --release --lib --target wasm32-wasip1 -- -C strip=symbols
	@printf '    filter: %s bytes\n' "$$(wc -c < $(WASM) | tr -d ' ')"

# tests/governance_render.rs runs these very lines and compares.
.PHONY: manifests
manifests: prerequisites ## the examples below envoy/ anew, after a change of governance.yml
	@$(CARGO) build --bin governance
	target/debug/governance render --target envoy --upstream https://api.openai.com --output envoy/plain
	target/debug/governance render --target istio --image ghcr.io/OWNER/governance-filter:v0.1.0 --gateway llm --namespace istio-ingress --output envoy/istio
	target/debug/governance render --target envoy-gateway --image ghcr.io/OWNER/governance-filter:v0.1.0 --gateway llm --output envoy/envoy-gateway

.PHONY: test
test: tools check build ## format, lints, build, native suites, the pure suites on wasm32
	@echo '==> test: native'
	@$(CARGO) test --workspace -- --show-output
	@echo '==> test: wasm32 ($(words $(PURE_SUITES)) suites)'
	@CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER='$(CURDIR)/$(TOOLS)/bin/wasm-bindgen-test-runner' \
	  $(CARGO) test --target wasm32-unknown-unknown $(addprefix --test ,$(PURE_SUITES))

# Debian's own Chromium, for the browsers that Playwright downloads are no packages.
.PHONY: test-browser
test-browser: tools build $(TOOLS)/browser/.stamp ## the reviewers' pages in real Chromium; screenshots in target/browser
	@command -v chromium >/dev/null || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && { \
	    echo '==> tools: Chromium'; \
	    apt-get update -qq && apt-get install -qq --yes --no-install-recommends chromium >/dev/null; }; } || { \
	  echo 'missing: chromium; install it with: apt install chromium' >&2; exit 1; }
	@echo '==> test: the pages in Chromium'
	@CHROMIUM="$$(command -v chromium)" BROWSER_TOOLS='$(CURDIR)/$(TOOLS)/browser' \
	  $(CARGO) test --package log-collector --test browser -- --nocapture
	@echo '==> test: a review from the call to the export, judged in Chromium'
	@CHROMIUM="$$(command -v chromium)" BROWSER_TOOLS='$(CURDIR)/$(TOOLS)/browser' \
	  $(CARGO) test --test browser_review -- --nocapture

.PHONY: bench
bench: tools build ## what the detectors cost in V8, a policy, a governed call beside a bare Envoy, and the collector beside Postgres
	@CARGO_TARGET_WASM32_WASIP1_RUNNER='node --no-warnings benches/wasi.mjs' \
	  $(CARGO) bench --quiet --target wasm32-wasip1 --bench detectors
	@$(CARGO) bench --quiet --bench policy
	@$(CARGO) bench --bench gateway
	@$(CARGO) bench --quiet --package log-collector --bench ingest
	@$(CARGO) bench --quiet -p log-collector --bench verify

.PHONY: chaos
chaos: tools build ## every fault under load, or those that FAULT names a part of; root sees them all
	@$(CARGO) test --quiet --test chaos -- $(FAULT)

# No nightly: without a sanitizer, libFuzzer's coverage is all that is asked of the compiler.
.PHONY: fuzz
fuzz: prerequisites $(TOOLS)/.cargo-fuzz ## every parser on made-up input, FUZZ_SECONDS each (60)
	@# libFuzzer is C++, and nothing else here is.
	@command -v c++ >/dev/null || { echo 'missing: c++; install it with: apt install build-essential  (macOS: xcode-select --install)' >&2; exit 1; }
	@echo '==> fuzz: inputs from the fixtures'
	@$(PYTHON) fuzz/seeds.py
	@echo '==> fuzz: build'
	@PATH="$(CURDIR)/$(TOOLS)/bin:$$PATH" $(CARGO) fuzz build --sanitizer none
	@failed=0; \
	for fuzzed in $(FUZZED); do \
	  target="$${fuzzed%:*}"; log="fuzz/target/$$target.log"; result=ok; \
	  PATH="$(CURDIR)/$(TOOLS)/bin:$$PATH" $(CARGO) fuzz run --sanitizer none "$$target" -- \
	    -max_total_time=$(FUZZ_SECONDS) -max_len="$${fuzzed#*:}" -timeout=5 -rss_limit_mb=2048 \
	    -print_final_stats=1 > "$$log" 2>&1 || { result="FAILED, see $$log"; failed=1; }; \
	  runs="$$(awk '/^stat::number_of_executed_units/ {print $$2}' "$$log")"; \
	  printf '    %-10s %10s executions  %s\n' "$$target" "$${runs:-0}" "$$result"; \
	done; exit $$failed

.PHONY: check
check: prerequisites ## format and lints, native and wasm
	@echo '==> check: format'
	@$(CARGO) fmt --all --check
	@$(CARGO) fmt --manifest-path fuzz/Cargo.toml --check
	@echo '==> check: lints, native'
	@$(CARGO) clippy --workspace --all-targets --quiet -- -D warnings
	@echo '==> check: lints, wasm32-wasip1'
	@$(CARGO) clippy --lib --target wasm32-wasip1 --quiet -- -D warnings

.PHONY: prerequisites
prerequisites:
	@missing=0; need() { command -v "$$1" >/dev/null 2>&1 || { echo "missing: $$1; $$2" >&2; missing=1; }; }; \
	need $(CARGO) "install it with: curl -sSf https://sh.rustup.rs | sh"; \
	need cc "install it with: apt install build-essential  (macOS: xcode-select --install)"; \
	exit $$missing

# Each part has a stamp that names its versions, so that a second run does nothing and a new pin redoes it.
.PHONY: tools
tools: prerequisites $(VENV)/.stamp $(TOOLS)/.targets $(TOOLS)/.wasm-bindgen ## install Envoy, Postgres, the clients and the wasm runner into .governance/tools

$(VENV)/.stamp: requirements.txt
	@command -v $(PYTHON) >/dev/null || { echo 'missing: $(PYTHON); install it with: apt install python3 python3-venv' >&2; exit 1; }
	@echo '==> tools: Envoy, Postgres and the official clients ($(VENV))'
	@$(PYTHON) -m venv $(VENV) || { echo 'missing: the venv module; install it with: apt install python3-venv' >&2; exit 1; }
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@touch $@

$(TOOLS)/.targets: rust-toolchain.toml
	@mkdir -p $(TOOLS)
	@sysroot="$$(rustc --print sysroot)"; \
	for target in $(TARGETS); do \
	  [ -d "$$sysroot/lib/rustlib/$$target" ] && continue; \
	  command -v rustup >/dev/null || { echo 'missing: rustup; install it with: curl -sSf https://sh.rustup.rs | sh' >&2; exit 1; }; \
	  echo "==> tools: Rust target $$target"; rustup target add "$$target"; \
	done
	@touch $@

$(TOOLS)/.wasm-bindgen: Cargo.lock
	@command -v node >/dev/null || { echo 'missing: node; install it with: apt install nodejs' >&2; exit 1; }
	@if ! $(TOOLS)/bin/wasm-bindgen-test-runner --version 2>/dev/null | grep -qF ' $(WASM_BINDGEN)'; then \
	  echo '==> tools: wasm-bindgen-test-runner $(WASM_BINDGEN)'; \
	  install=(install --quiet --root $(TOOLS) wasm-bindgen-cli --version $(WASM_BINDGEN)); \
	  $(CARGO) "$${install[@]}" --locked || { \
	    echo '    its lock file names a version that the registry does not offer; resolving anew'; \
	    $(CARGO) "$${install[@]}"; }; \
	fi
	@touch $@

BROWSER_TEST := log-collector/tests/browser
$(TOOLS)/browser/.stamp: $(BROWSER_TEST)/package-lock.json
	@command -v npm >/dev/null || { echo 'missing: npm; install it with: apt install npm' >&2; exit 1; }
	@echo '==> tools: playwright-core, axe-core'
	@mkdir -p $(@D)
	@cp $(BROWSER_TEST)/package.json $(BROWSER_TEST)/package-lock.json $(@D)
	@cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(TOOLS)/.cargo-fuzz: Makefile
	@mkdir -p $(TOOLS)
	@if ! $(TOOLS)/bin/cargo-fuzz --version 2>/dev/null | grep -qF ' $(CARGO_FUZZ)'; then \
	  echo '==> tools: cargo-fuzz $(CARGO_FUZZ)'; \
	  $(CARGO) install --quiet --locked --root $(TOOLS) cargo-fuzz --version $(CARGO_FUZZ); \
	fi
	@touch $@
