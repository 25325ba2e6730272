# `make demo` and `make test` each set up what they need first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Another wheel index for torch, for example PyTorch's own CPU index: make setup TORCH_INDEX=URL
TORCH_INDEX ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow check format bench docs clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

setup: $(VENV)/.installed ## make .venv with gradalign and its test tools

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) --constraint constraints.txt torch
	$(PIP) install --quiet --constraint constraints.txt --editable . \
		$$($(PYTHON) scripts/dependency_group.py test check)
	@touch $@

demo: setup ## rank 300 real NAS-Bench-201 networks against their published accuracies
	$(BIN)/gradalign demo --out demo

test: setup ## run the tests
	$(BIN)/python -m pytest -m "not slow"

test-slow: setup ## run the tests that take longer
	$(BIN)/python -m pytest -m slow

check: setup ## lint, format and type checks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup ## apply the formatter and the safe fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup $(VENV)/.peers ## time the engine against a training step and other tools
	$(BIN)/python -m bench

$(VENV)/.peers: $(VENV)/.installed
	$(PIP) install --quiet --constraint constraints.txt $$($(PYTHON) scripts/dependency_group.py bench)
	$(PIP) install --quiet --no-deps backpack-for-pytorch einops unfoldNd  # its own requirements would replace torch
	@touch $@

docs: setup $(VENV)/.docs ## build the documentation site in docs/_build/html
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

$(VENV)/.docs: $(VENV)/.installed
	$(PIP) install --quiet --constraint constraints.txt $$($(PYTHON) scripts/dependency_group.py docs)
	@touch $@

clean: ## remove what setup, the demo and the site made
	rm -rf $(VENV) demo docs/_build build dist .pytest_cache .mypy_cache .ruff_cache
