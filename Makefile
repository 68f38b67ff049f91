# Two commands: `make demo` shows what Upward does, `make test` checks that it does it.
PYTHON  ?= python3
MINUTES ?= 10
SEED    ?=
VENV    := .venv
BIN     := $(VENV)/bin
PIP     := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test setup lint check-system clean
.DEFAULT_GOAL := demo

demo: setup
	$(BIN)/upward run tinylm --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) --report

# pytest comes last: its closing line is the last thing printed.
test: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/pytest -q $(PYTEST)

lint: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

setup: $(VENV)/.labs

$(VENV)/.labs: pyproject.toml constraints.txt | check-system
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing Upward into $(VENV) (once; PyTorch is the large part) ..."
	@$(PIP) install --constraint constraints.txt --editable '.[labs,search]'
	@touch $@

$(VENV)/.dev: $(VENV)/.labs
	@$(PIP) install --constraint constraints.txt --editable '.[labs,search,dev]'
	@touch $@

# Each missing piece of the system is named in one line, with the command that gets it.
check-system:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Upward needs Python 3.11 or newer: apt-get install python3 (or: make PYTHON=/path/to/python3.11)"; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "Upward needs Python's venv: apt-get install python3-venv"; exit 2; }
	@command -v git >/dev/null || { echo "Upward needs git: apt-get install git"; exit 2; }
	@command -v bwrap >/dev/null || { echo "Upward needs bubblewrap to isolate trials: apt-get install bubblewrap"; exit 2; }

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache
