# install · run · test · check · bench · stack
PYTHON ?= python3
PY := .venv/bin/python
.PHONY: install install-dev run test check bench docs clean stack

run: .venv/runtime
	@$(PY) mjosa.py up

install: .venv/runtime
install-dev: .venv/dev

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Mjøsa needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) -V 2>&1). Try: make PYTHON=python3.12 run" >&2; exit 1; }
	@$(PYTHON) -m venv .venv

.venv/runtime: requirements.lock | .venv/bin/python
	@echo "Installing what Mjøsa needs into .venv …"
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

.venv/dev: requirements-dev.lock | .venv/bin/python
	@echo "Installing what Mjøsa's tests need into .venv …"
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@ .venv/runtime

test: .venv/dev
	@sh tests/servers.sh
	@$(PY) -m pytest -q -n 2 --dist worksteal

check: .venv/dev
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy
	@$(PY) -m pytest -q tests/test_architecture.py

bench: .venv/dev
	@$(PY) -m tests.bench

docs: .venv/dev
	@$(PY) -m core.settings_page
	@$(PY) -m core.stores.schema > docs/stores.md
	@$(PY) -m ingest.codecs.catalogue > docs/devices.md
	@$(PY) -m analytics.catalogue_page > docs/detectors.md
	@$(PY) -m analytics.indicators.handbook
	@$(PY) -m api.reference
	@$(PY) -m dashboards.files

lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --extra simulators -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --all-extras -o requirements-dev.lock

clean:
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis

stack:
	@$(PYTHON) gateway/stack.py
