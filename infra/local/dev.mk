# The local stack. It needs Rust, a C compiler and Python 3; all else is installed under .local/.

LOCAL_VENV := .local/venv

.PHONY: dev
dev: $(LOCAL_VENV)/.stamp ## Run the whole service on this machine, and rebuild what you change
	@echo "==> building the local stack and the functions (the first time takes minutes)"
	cargo build --locked --package local-stack
	cargo build --locked --bins
	@exec target/debug/local-stack

# How many, of which organization (the demo's, where none is named), of which kind (all, where none is), and over how many
# days until now (twice as many as they are kept).
.PHONY: seed-logs
seed-logs: ## Fill the running local stack with logs to sweep (N=1000000 ORG= KIND= DAYS=)
	@cargo run --quiet --locked --package seed-logs -- "N=$(N)" "ORG=$(ORG)" "KIND=$(KIND)" "DAYS=$(DAYS)"

$(LOCAL_VENV)/.stamp: infra/local/requirements.txt
	@echo "==> tools, into $(LOCAL_VENV)"
	@python3 -c 'import ensurepip, venv' || { echo "Python's venv is missing; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	python3 -m venv $(@D)
	$(@D)/bin/pip install --disable-pip-version-check --progress-bar off --requirement $<
	@touch $@
