# Everything that is done with Slotway, from a fresh clone on. `make help` lists it.
#
# Each target installs what it lacks, says so, and does nothing twice: a second run is quick.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
STAMPS := target/stamps
export PATH := $(CURDIR)/target/tools/bin:$(CURDIR)/web/node_modules/.bin:$(PATH)

BINARY := $(TARGET)/release/slotway
PAGE := web/dist/index.html
REPLAY := $(abspath $(TARGET)/test-server/examples/replay)
NODE_MODULES := web/node_modules/.package-lock.json
NPM_MODULES := wasm/npm/node_modules/.package-lock.json

# What the playground and the npm package are made of.
files = $(shell find $(1) -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/build/*' 2>/dev/null)
WASM_SOURCES = Cargo.toml Cargo.lock rust-toolchain.toml wasm/Cargo.toml $(call files,core wasm/src)
SIM_SOURCES = $(call files,sim/src engine/src)
NPM_SOURCES = Cargo.toml Cargo.lock rust-toolchain.toml $(call files,core wasm/packed wasm/npm)
WEB_SOURCES = $(call files,web)

# --- using it -----------------------------------------------------------------------------------

.PHONY: run
run: release ## Set up everything and start a cluster with the playground (ARGS='--primaries 5')
	@exec $(BINARY) dev $(ARGS)

.PHONY: release
release: setup-targets $(PAGE) ## Build the binary with the playground in it: target/release/slotway
	@echo '== building the server'
	$(CARGO) build --release --package slotway

.PHONY: web
web: $(PAGE) ## Build the playground: web/dist

.PHONY: npm
npm: $(STAMPS)/npm ## Build the npm packages: wasm/npm/build

.PHONY: image
image: ## Build the container image: slotway:latest
	docker build --tag slotway:latest --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) \
	  --build-arg CREATED=$$(date -u +%Y-%m-%dT%H:%M:%SZ) .

.PHONY: image-debian
image-debian: ## Build the variant with a shell, from slotway:latest: slotway:debian
	docker build --tag slotway:debian --file docker/debian.Dockerfile .

.PHONY: sbom
sbom: ## Write what the binary, the image and the npm packages are made of: target/sbom
	@scripts/sbom

.PHONY: reproducible
reproducible: setup-targets ## Build the binary twice, in two folders, and compare
	@scripts/setup-packages musl-gcc
	@scripts/reproducible $(ARGS)

VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
REVISION = $(shell git rev-parse HEAD 2>/dev/null || echo unknown)

# --- testing it ---------------------------------------------------------------------------------

# In the order in which mistakes are cheap to find.
STEPS := fmt clippy doc deny sbom audit shell unit instructions sim server suites wasm npm web e2e fuzz image compose kubernetes prometheus

.PHONY: test
test: setup-test ## Test everything; ends with a table of what ran (V=1 shows all output)
	@rm -rf target/test
	@$(MAKE) --no-print-directory --keep-going $(STEPS:%=test-%) || true
	@echo
	@scripts/summary $(STEPS)

.PHONY: $(STEPS:%=test-%)

test-fmt:
	@scripts/step fmt $(CARGO) fmt --all --check

test-clippy: $(PAGE)
	@scripts/step clippy $(CARGO) clippy --quiet --workspace --all-targets --all-features -- -D warnings

test-doc: $(PAGE)
	@RUSTDOCFLAGS='-D warnings -A rustdoc::private-intra-doc-links -A rustdoc::redundant-explicit-links' scripts/step doc $(CARGO) doc --quiet --workspace --no-deps --document-private-items

test-deny:
	@scripts/setup-rust deny
	@scripts/step deny cargo-deny check --hide-inclusion-graph bans licenses sources

test-sbom:
	@scripts/step sbom scripts/test-sbom

# Known holes are no property of a commit: neither they nor a registry that does not answer fail it, not even with CI set.
test-audit:
	@CI= ONLY_TELL=yes scripts/step audit scripts/npm-audit

.PHONY: audit
audit: ## Ask npm for known holes in what builds and tests the page and the packages
	@scripts/npm-audit

test-shell:
	@scripts/step shell scripts/lint-shell

test-unit: $(PAGE)
	@scripts/step unit $(CARGO) test --workspace --exclude slotway-tests --exclude slotway-sim --all-features --no-fail-fast

# What the hot path executes, counted by valgrind, against committed bounds.
test-instructions:
	@scripts/setup-packages valgrind
	@scripts/step instructions sh -c '$(CARGO) build --profile instructions --package slotway-engine --example instructions && tests/perf/run instructions'

# Simulated clusters, optimized: SEEDS=60000 for a night.
SEEDS ?= 2000
test-sim:
	@scripts/step sim env SIM_SEEDS=$(SEEDS) CONTROL_SEEDS=$(SEEDS) $(CARGO) test --profile test-server --package slotway-sim --no-fail-fast

# The servers under test: quick to build, and with overflow checks.
test-server: $(PAGE)
	@scripts/step server $(CARGO) build --profile test-server --package slotway

test-suites: test-server
	@CARGO="$(CARGO)" scripts/step --again suites tests/run

test-wasm: $(STAMPS)/wasm $(STAMPS)/whole-sim replay
	@SLOTWAY_REPLAY=$(REPLAY) scripts/step wasm node --test wasm/tests/*.test.mjs

test-npm: $(STAMPS)/npm test-server
	@SLOTWAY_BIN=$(abspath $(TARGET)/test-server/slotway) scripts/step --again npm npm --prefix wasm/npm test

test-web: $(NODE_MODULES) $(STAMPS)/web-wasm
	@scripts/step web sh -c 'cd web && npm run check && npm test'

test-e2e: $(PAGE) test-server replay
	@SLOTWAY_BIN=$(abspath $(TARGET)/test-server/slotway) SLOTWAY_REPLAY=$(REPLAY) scripts/step --again e2e npm --prefix web run test:e2e

test-fuzz:
	@scripts/step fuzz $(CARGO) check --quiet --manifest-path fuzz/Cargo.toml --target-dir $(TARGET)/fuzz

test-image:
	@scripts/step --again image docker/with-docker docker/test-image

# After the image, which it runs.
test-compose: test-image
	@scripts/setup-packages docker-compose
	@scripts/step --again compose docker/with-docker docker/test-compose

test-kubernetes: test-server
	@SLOTWAY_BIN=$(abspath $(TARGET)/test-server/slotway) scripts/step --again kubernetes deploy/test

test-prometheus: test-server
	@scripts/setup-packages curl
	@SLOTWAY_BIN=$(abspath $(TARGET)/test-server/slotway) scripts/step --again prometheus deploy/prometheus/test

.PHONY: bench
bench: release ## Measure against redis-server and the crc16 crate; some minutes
	@scripts/setup-packages redis-server redis-benchmark
	tests/perf/run

# cargo-fuzz needs a nightly compiler.
FUZZ_SECONDS ?= 30
.PHONY: redis-tests
redis-tests: test-server ## Run Redis' own tests with this server in its place: tests/redis-suite
	@tests/redis-suite/run $(ARGS)

.PHONY: fuzz
fuzz: ## Feed each decoder with made-up bytes, FUZZ_SECONDS=30 each
	@scripts/setup-rust fuzz
	@for target in $$($(CARGO) +nightly fuzz list); do \
	  echo "== $$target" && \
	  $(CARGO) +nightly fuzz run "$$target" -- -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=1024 || exit 1; \
	done

# --- what the targets above stand on ------------------------------------------------------------

.PHONY: setup-targets
setup-targets:
	@scripts/setup-rust targets

.PHONY: setup-test
setup-test: setup-targets
	@scripts/setup-packages node npm python3 redis-server redis-cli redis-benchmark chromium

$(NODE_MODULES): web/package-lock.json
	@echo '== installing the packages of the playground'
	npm --prefix web ci --no-audit --no-fund
	@touch $@

$(STAMPS)/web-wasm: $(WASM_SOURCES) $(SIM_SOURCES) $(NODE_MODULES)
	@echo '== building the core for the browser'
	@scripts/setup-rust targets wasm-tools
	npm --prefix web run build:wasm
	@mkdir -p $(STAMPS) && touch $@

$(PAGE): $(WEB_SOURCES) $(STAMPS)/web-wasm
	@echo '== building the playground'
	npm --prefix web run build
	@touch $@

$(STAMPS)/wasm: $(WASM_SOURCES) $(NODE_MODULES)
	@echo '== building the core for Node.js'
	@scripts/setup-rust targets wasm-tools
	wasm-pack build wasm --target nodejs --out-dir pkg --profile wasm
	@mkdir -p $(STAMPS) && touch $@

# For the test alone, so not made small.
$(STAMPS)/whole-sim: $(WASM_SOURCES) $(SIM_SOURCES)
	@echo '== building the simulator for the test of its traces'
	@scripts/setup-rust targets wasm-tools
	CARGO_PROFILE_WASM_LTO=off CARGO_PROFILE_WASM_CODEGEN_UNITS=16 wasm-pack build wasm --no-opt --target web --out-dir pkg-whole-sim \
	  --profile wasm --no-default-features --features whole-simulator
	@mkdir -p $(STAMPS) && touch $@

# Prints the hashes of the native build.
.PHONY: replay
replay:
	@$(CARGO) build --quiet --profile test-server --package slotway-sim --example replay

$(NPM_MODULES): wasm/npm/package-lock.json
	@echo '== installing what builds and tests the npm packages'
	npm --prefix wasm/npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

$(STAMPS)/npm: $(NPM_SOURCES) $(NPM_MODULES)
	@echo '== building the npm packages'
	@scripts/setup-rust targets
	npm --prefix wasm/npm run build
	@mkdir -p $(STAMPS) && touch $@

.PHONY: clean
clean: ## Remove what was built; installed tools stay
	rm -rf $(TARGET) target web/dist web/node_modules wasm/pkg wasm/pkg-web wasm/pkg-slots wasm/pkg-sim wasm/pkg-whole-sim wasm/npm/build wasm/npm/node_modules wasm/npm/test/node_modules tests/clients/node_modules tests/clients/.venv

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile
