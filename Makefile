# Two commands for a reader: `make reproduce` and `make test`. Both set up what they need first.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup reproduce test test-all check clean

setup: .venv/.ready

.venv/.ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or later is needed: make PYTHON=python3.11 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

reproduce: setup
	$(BIN)/python -m experiments.reproduce figure=extraction scale=laptop

test: setup
	$(BIN)/python -m pytest -m "not slow" -n auto --dist loadfile

test-all: setup .venv/.harness
	$(BIN)/python -m pytest $(PYTEST_ARGS)

.venv/.harness: .venv/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,harness]'
	touch $@

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf .venv lab
