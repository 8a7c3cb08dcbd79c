# Works on a bare machine with Python >= 3.11; everything lives in .venv.
# The first Python that really runs, is new enough and can make environments.
FITS := import sys, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c '$(FITS)' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test check docs clean

help:  ## Say what there is.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sort

demo: $(VENV)/.installed  ## Explain three embedded pictures with the embedded networks.
	$(BIN)/seewhy demo --out demo

test: $(VENV)/.installed-dev  ## Run all checks and tests.
	$(MAKE) check
	$(BIN)/python -m pytest -n auto

check: $(VENV)/.installed-dev  ## Formatting, lint, types.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Seewhy needs Python 3.11 or newer, with its venv module;" \
		"none was found: install one, or name it: make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

# torch first and pinned: asked for together with the rest, some indexes answer with a CUDA build
$(VENV)/.installed-dev: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.installed

clean:  ## Remove what was installed and made here.
	rm -rf $(VENV) demo explained compared .mypy_cache .ruff_cache .pytest_cache .hypothesis
