# GNU make. Needs Python 3.8 to 3.12, git, and for the tests Java 17 or later and Maven.
#   make test                      set everything up and run the tests
#   make test PYTHON=python3.8     the same in a virtual environment of its own
#   make test-st2                  the pack on a running StackStorm, named by ST2_API_URL
#   make test-trackers             the trackers' contract on all real trackers, and its proofs; needs root and npm
#   make check                     formatting, lint, types, layers, and what the Exchange looks at
#   make docs                      write anew what the documents take from the pack's files
#   make demo                      a real Gerrit and a real tracker, played together

PYTHON ?= python3
ifeq ($(PYTHON),python3)
VENV ?= .venv
else
VENV ?= .venv-$(notdir $(PYTHON))
endif
BIN := $(VENV)/bin
LIB := actions/lib
ENTRY_FILES = $(wildcard actions/*.py sensors/*.py)
PYTEST_ARGS ?=

.PHONY: venv test test-st2 test-trackers demo check docs format clean

venv: $(VENV)/.installed

$(VENV)/.installed: requirements.txt requirements-tests.txt requirements-sandbox.txt Makefile
	@$(PYTHON) -c 'import ensurepip, venv' || { \
	  echo '$(PYTHON) cannot make virtual environments: on Debian, apt-get install python3-venv'; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -r requirements.txt -r requirements-tests.txt -r requirements-sandbox.txt
	@printf '%s\n' '#!/bin/sh' '# The command line of the pack, from this checkout.' \
	  'PYTHONPATH="$(CURDIR)/$(LIB)$${PYTHONPATH:+:$$PYTHONPATH}" exec "$(abspath $(BIN))/python" -m reviewloop.cli "$$@"' \
	  > $(BIN)/reviewloop
	@chmod +x $(BIN)/reviewloop
	@touch $@

# The first run also fetches Gerrit from Maven Central and packs a seeded site, into .cache/.
test: venv
	$(BIN)/python -m pytest -q $(PYTEST_ARGS)

# Installs, uses and uninstalls the pack there, so take a StackStorm that is not in production use.
test-st2: venv
	@test -n "$$ST2_API_URL" || { \
	  echo 'NOT RUN: set ST2_API_URL to a running StackStorm, such as http://127.0.0.1:9101, and ST2_AUTH_TOKEN or' \
	  'ST2_API_KEY where authentication is on. It must run on this machine, and sees committed files only.'; exit 2; }
	$(BIN)/python -m pytest -v sandbox/stackstorm $(PYTEST_ARGS)

# Redmine and Request Tracker are installed into a private Debian below .cache/, not on this machine.
test-trackers: venv
	TRACKERS=all CONTRACT_RESULTS=$(CURDIR)/.cache/contract.json $(BIN)/python -m pytest -q \
	  tests/test_trackers_contract.py tests/test_trackers_real.py tests/test_github_openapi.py $(PYTEST_ARGS)
	$(BIN)/python -m sandbox.trackers_page .cache/contract.json

demo: venv
	$(BIN)/python -m sandbox.demo

$(VENV)/.checkers: requirements-check.txt $(VENV)/.installed
	$(BIN)/python -m pip install --quiet -r requirements-check.txt
	@touch $@

check: $(VENV)/.checkers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(LIB)/reviewloop
	$(if $(ENTRY_FILES),$(BIN)/mypy --allow-subclassing-any $(ENTRY_FILES))
	PYTHONPATH=$(LIB) $(BIN)/lint-imports
	$(BIN)/flake8 actions sensors tests sandbox
	$(BIN)/python -m compileall -q actions sensors tests sandbox
	$(BIN)/python -m sandbox.actions_page --check
	$(BIN)/python -m sandbox.index_entry --check
	$(BIN)/python -m pytest -q tests/test_pack_contract.py tests/test_docs.py tests/test_examples.py

docs: venv
	$(BIN)/python -m sandbox.actions_page
	$(BIN)/python -m sandbox.index_entry

format: $(VENV)/.checkers
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Leaves .cache/ alone: what is in it was fetched from outside.
clean:
	rm -rf .venv .venv-* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
