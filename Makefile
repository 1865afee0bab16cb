# Bulkhead: everything a developer or a newcomer does. `make` alone lists it.

PORT ?= 8000
export PORT

# The first Python that will do; `make run PYTHON=/path/to/python` chooses another.
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& { echo "$$name"; break; }; done)
VENV := .venv
IN_VENV := $(VENV)/bin/python
INSTALL := $(IN_VENV) -m pip --disable-pip-version-check install -qq --require-hashes

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint format bench images lock clean

##@ Use it

run: free-port $(VENV)/.runtime ## Set up, load the demo and serve on 127.0.0.1:$PORT (8000)
	@$(IN_VENV) manage.py prepare_demo
	@exec $(IN_VENV) manage.py serve --port "$(PORT)"

##@ Work on it

test: $(VENV)/.dev ## Run all tests (ARGS="-k name" passes arguments to pytest)
	$(IN_VENV) -m pytest $(ARGS)

lint: $(VENV)/.dev ## Check style, types, import directions and migrations
	$(IN_VENV) -m ruff check .
	$(IN_VENV) -m ruff format --check .
	$(IN_VENV) -m mypy
	$(VENV)/bin/lint-imports
	$(IN_VENV) manage.py makemigrations --check --dry-run

format: $(VENV)/.dev ## Format the code and apply the safe fixes
	$(IN_VENV) -m ruff check --fix .
	$(IN_VENV) -m ruff format .

bench: $(VENV)/.dev ## Measure against the smallest SQL that could do the same
	$(IN_VENV) -m tests.benchmarks $(ARGS)

images: $(VENV)/.dev ## Take the pictures in docs/images anew, with a Chromium
	BULKHEAD_IMAGES=docs/images BULKHEAD_REQUIRE_CHROMIUM=yes \
		$(IN_VENV) -m pytest tests/journeys/admin/test_demo.py

##@ Keep it

LOCK := $(IN_VENV) -m piptools compile --quiet --generate-hashes --allow-unsafe --strip-extras \
	--no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

lock: $(VENV)/.dev ## Write the requirement locks anew (ARGS=--upgrade takes the newest releases)
	$(LOCK) $(ARGS) --output-file=requirements.lock pyproject.toml
	$(LOCK) $(ARGS) --extra dev --constraint requirements.lock \
		--output-file=requirements-dev.lock pyproject.toml

clean: ## Remove the virtual environment and the caches; the data in var/ stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help:
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

# Below: what the commands above stand on.

.PHONY: free-port python
free-port: python
	@"$(PYTHON)" -m config.free_port "$(PORT)"

python:
	@test -n "$(PYTHON)" || { echo "Bulkhead needs Python 3.11 or newer; none was found." \
		"Install one, or say where it is: make PYTHON=/path/to/python" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Bulkhead needs Python 3.11 or newer; $(PYTHON) is not." >&2; exit 1; }

$(VENV)/.made: | python
	@echo "Making the virtual environment in $(VENV)"
	@"$(PYTHON)" -m venv --clear $(VENV) || { echo "$(PYTHON) cannot make virtual environments:" \
		"on Debian and Ubuntu, install python3-venv." >&2; exit 1; }
	@touch $@

$(VENV)/.runtime: requirements.lock | $(VENV)/.made
	@echo "Installing the locked packages: about a minute"
	@$(INSTALL) -r requirements.lock
	@touch $@

# The development lock contains the runtime lock.
$(VENV)/.dev: requirements-dev.lock | $(VENV)/.made
	@echo "Installing the locked packages for development: about two minutes"
	@$(INSTALL) -r requirements-dev.lock
	@touch $(VENV)/.runtime $@
