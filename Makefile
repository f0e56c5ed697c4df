# Two commands matter: `make run` and `make test`. Both install what they need into .venv first.
PORT ?= $(or $(PUSHHUB_PORT),8080)
PYTHON ?= python3
BIN := .venv/bin
TEST_ARGS ?=
# One more than there are cores, for some always wait: for a page, a lease, a provider that hangs.
WORKERS ?= $(shell expr $$(nproc 2>/dev/null || echo 2) + 1)

# Each of the many processes of a test run would else compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run example quick test test-long coverage browser check lint types format lock bench clean

run: .venv/.installed-run
	$(BIN)/pushhub serve --local --port $(PORT)

# A website of somebody else that signs people in by the panel, beside the service that runs (or one of its own).
example: .venv/.installed-run
	PORT=$(PORT) $(BIN)/python -m examples.foreign_product

# Three depths of the same tests (docs/testing.md): after each change, before landing, before a release.
quick: .venv/.installed-dev
	$(BIN)/python -m pytest -n $(WORKERS) --depth quick $(TEST_ARGS)

test: .venv/.installed-dev browser
	$(BIN)/python -m pytest -n $(WORKERS) $(TEST_ARGS)

# The benchmarks come last, when nothing runs beside them; a part of the tests goes without them.
test-long: .venv/.installed-dev browser
	$(BIN)/python -m pytest -n $(WORKERS) --depth long $(TEST_ARGS)
	$(if $(TEST_ARGS),,$(BIN)/python -m benchmarks)

# Lines and branches of the three packages that the tests reach, also in the processes that they start.
coverage: .venv/.installed-dev browser
	$(BIN)/python -m pytest -n $(WORKERS) --cov --cov-report=term:skip-covered $(TEST_ARGS)

# The browser tests drive Debian's Chromium, most of them the one without windows. Where they are missing and may be
# installed, they are; else the tests take what is there, or say so.
browser:
	@{ command -v chromium && command -v chromium-headless-shell; } >/dev/null || \
		[ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || \
		{ apt-get update -qq; export DEBIAN_FRONTEND=noninteractive; \
		apt-get install -y -qq chromium fonts-noto-core >/dev/null; \
		apt-get install -y -qq chromium-headless-shell >/dev/null || true; }

check: lint types test

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

types: .venv/.installed-dev
	$(BIN)/mypy

format: .venv/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/.installed-dev
	$(BIN)/python -m benchmarks

# Pins every dependency with its hashes; names no registry.
COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-header \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host
lock: .venv/.installed-dev
	$(COMPILE) --extra build --output-file requirements.lock pyproject.toml
	$(COMPILE) --extra build --extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "pushhub needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.installed-run: .venv/bin/python requirements.lock pyproject.toml
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.installed-dev: .venv/bin/python requirements-dev.lock pyproject.toml
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@ .venv/.installed-run

clean:
	rm -rf .venv var build *.egg-info
