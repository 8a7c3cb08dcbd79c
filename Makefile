# Works on a bare machine with Python >= 3.11; everything lives in .venv.
PYTHON ?= $(shell command -v python3.13 || command -v python3.12 || command -v python3.11 || echo python3)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test check docs clean

help:  ## Say what there is.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sort

demo: $(VENV)/.installed  ## Explain two embedded pictures with the embedded network.
	$(BIN)/seewhy demo --out demo

test: $(VENV)/.installed-dev  ## Run all checks and tests.
	$(MAKE) check
	$(BIN)/python -m pytest

check: $(VENV)/.installed-dev  ## Formatting, lint, types.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Seewhy needs Python 3.11 or newer; $(PYTHON) is older: make PYTHON=python3.12"; exit 1; }
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
	rm -rf $(VENV) demo explained .mypy_cache .ruff_cache .pytest_cache .hypothesis
