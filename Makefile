# GNU make. Needs Python 3.8 to 3.13 with venv; it lists whatever else is missing before it downloads anything.
#   make demo                      the whole loop before your eyes: Gerrit, a tracker and this pack
#   make test                      set everything up and run the tests
#   make java                      what a real Gerrit needs, for both of these, where there is no JDK or no Maven
#   make demo GERRIT=real          insist on the real Gerrit; GERRIT=fake: on the simulated one
#   make test PYTHON=python3.8     the same in a virtual environment of its own
#   make check                     formatting, lint, types, layers, and what the Exchange looks at
#   make test-st2                  the pack on a running StackStorm, named by ST2_API_URL; with faults: ST2_SERVICES
#   make test-coverage             a simulated quarter with every fault, again and again: a quarter of an hour
#   make test-stories              320 generated lives of changes on a real Gerrit; STORIES='--first 1000 --stories 50'
#   make mutants MODULE=core       mutations of the code that no test notices; BUDGET=SECONDS, default 900
#   make test-trackers             the trackers' contract on all real trackers, and its proofs; needs root and npm
#   make report                    a report of half a year of reviews on a simulated Gerrit: report.html, in seconds
#   make check-report              a report, looked at in a headless Chromium; REPORT=FILE looks at yours
#   make bench                     what everything costs, beside what it must: 30,000 changes on a real Gerrit; SHORT=1
#   make docs                      regenerate the pages and pictures that come from the pack's files
#   make format                    format the code
#   make clean                     remove what was built, but not what was downloaded

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
REQUIREMENTS := requirements.txt requirements-tests.txt requirements-sandbox.txt

# More of what sandbox.quarter takes: COVERAGE_ARGS='--steps 1000 --seed 7'.
COVERAGE_ARGS ?=

# More of what tests/play_life_stories.py takes.
STORIES ?=

.PHONY: help ready venv test test-coverage test-stories mutants bench test-st2 test-trackers demo java check report check-report docs pictures format clean

help:
	@sed -n 's/^#   \(make .*\)/  \1/p' Makefile

# Lists everything that is missing at once, before anything is downloaded.
ready:
	@command -v $(PYTHON) > /dev/null || { echo '$(PYTHON) is not on the PATH.' \
	  'This mends it (on Debian and Ubuntu): apt-get install -y python3-venv'; exit 1; }
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 6) or sys.exit("This Python is %d.%d; it takes 3.8 to 3.13." % \
	  tuple(sys.version_info[:2]))'
	@$(PYTHON) sandbox/preflight.py '$(VENV)' $(or $(MAKECMDGOALS),venv)

venv: $(VENV)/.installed

$(VENV)/.installed: $(REQUIREMENTS) Makefile | ready
	@echo 'Installing Python packages into $(VENV) ...'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade pip
	@$(BIN)/python -m pip install --quiet $(addprefix -r ,$(REQUIREMENTS))
	@printf '%s\n' '#!/bin/sh' '# The command line of the pack, from this checkout.' \
	  'PYTHONPATH="$(CURDIR)/$(LIB)$${PYTHONPATH:+:$$PYTHONPATH}" exec "$(abspath $(BIN))/python" -m reviewloop.cli "$$@"' \
	  > $(BIN)/reviewloop
	@chmod +x $(BIN)/reviewloop
	@touch $@

# With a Java, the first run also fetches Gerrit from Maven Central and packs a site, into .cache/.
test: venv
	$(BIN)/python -m pytest -q $(PYTEST_ARGS)

# Installs, uses and uninstalls the pack there, so take a StackStorm that is not in production use. ST2_SERVICES names
# a folder with executable start.sh, stop.sh and kill.sh, to which names of services are given: actionrunner1, rabbitmq,
# mongo, sensorcontainer2; and run/NAME.pid of each. Without it, the Monday with faults is not run:
# see docs/reliability.md.
test-st2: venv
	@test -n "$$ST2_API_URL" || { \
	  echo 'NOT RUN: set ST2_API_URL to a running StackStorm, such as http://127.0.0.1:9101, and ST2_AUTH_TOKEN or' \
	  'ST2_API_KEY where authentication is on. It must run on this machine, and sees committed files only.'; exit 2; }
	$(BIN)/python -m pytest -v sandbox/stackstorm/test_on_stackstorm.py sandbox/stackstorm/test_monday.py $(PYTEST_ARGS)

# Writes its table into docs/reliability.md. Whatever fails is printed as a script that can be played again.
test-coverage: venv
	PYTHONPATH=$(LIB):tests:. $(BIN)/python -m sandbox.quarter --page $(COVERAGE_ARGS)

# Each story that goes wrong is printed with its seed, without the steps that it does not need.
test-stories: venv
	PYTHONPATH=$(LIB):tests:. $(BIN)/python tests/play_life_stories.py $(STORIES)

# Redmine and Request Tracker are installed into a private Debian below .cache/, not on this machine.
test-trackers: venv
	TRACKERS=all CONTRACT_RESULTS=$(CURDIR)/.cache/contract.json $(BIN)/python -m pytest -q \
	  tests/test_trackers_contract.py tests/test_trackers_real.py tests/test_github_openapi.py $(PYTEST_ARGS)
	$(BIN)/python -m sandbox.trackers_page .cache/contract.json

# One folder or file below actions/lib/reviewloop, or all that is worth it; what is known is kept, below .cache/.
MODULE ?=
BUDGET ?= 900
LONGEST ?= inf
mutants: $(VENV)/.mutants
	$(BIN)/python -m sandbox.mutants $(MODULE) --budget $(BUDGET) --longest $(LONGEST)

$(VENV)/.mutants: requirements-mutants.txt $(VENV)/.installed
	$(BIN)/python -m pip install --quiet -r requirements-mutants.txt
	@touch $@

# The two commands of README, the second against a server that this starts.
report: venv
	@$(BIN)/python -m sandbox.report.first

# Needs a Chromium, Node.js and npm; what drives the browser comes from npm into .cache/. Pictures of each view lie in
# .cache/report/ then.
REPORT ?=
check-report: venv
	PYTHONPATH=$(LIB):. $(BIN)/python -m sandbox.report.check $(REPORT) --pictures .cache/report

# Writes benchmarks/RESULTS.md. The first run makes the site, in some minutes, below .cache/; CHANGES=4000 is a smaller
# one, and everything else is smaller with it. SHORT=1: the simulated Gerrit only, 4,000 changes, nothing is written,
# for every day. The last part measures an escalation on a running StackStorm, named as for test-st2, and says so where
# there is none.
# REVIEW_HISTORIES names a folder with histories of reviews (*-reviews.jsonl.gz) whose messages are used.
SHORT ?=
bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks.run $(if $(SHORT),--short)

$(VENV)/.bench: requirements-bench.txt $(VENV)/.installed
	$(BIN)/python -m pip install --quiet -r requirements-bench.txt
	@touch $@

demo: venv
	@$(BIN)/python -m sandbox.demo

# A JDK and a Maven that are there are used first. Whatever comes is fetched now.
java: venv
	@$(BIN)/python -m sandbox.gerrit.artifacts --missing || { \
	  echo 'Installing a Java runtime and jgo into $(VENV) ...'; \
	  $(BIN)/python -m pip install --quiet -r requirements-java.txt; }
	@$(BIN)/python -m sandbox.gerrit.artifacts

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
	$(BIN)/python -m sandbox.settings_page --check
	$(BIN)/python -m sandbox.triggers_page --check
	PYTHONPATH=$(LIB) $(BIN)/python -m sandbox.profiles_page --check
	PYTHONPATH=$(LIB):. $(BIN)/python -m sandbox.pictures --check
	$(BIN)/python -m sandbox.index_entry --check
	PYTHONPATH=$(LIB) $(BIN)/python -m sandbox.turns_page --check
	PYTHONPATH=$(LIB):. $(BIN)/python -m sandbox.outputs_page --check
	PYTHONPATH=$(LIB):. $(BIN)/python -m sandbox.poll_page --check
	PYTHONPATH=$(LIB) $(BIN)/python -m sandbox.consoles --check
	$(BIN)/python -m pytest -q tests/test_pack_contract.py tests/test_docs.py tests/test_docs_pages.py tests/test_pictures.py tests/test_examples.py

docs: venv pictures
	$(BIN)/python -m sandbox.actions_page
	$(BIN)/python -m sandbox.settings_page
	$(BIN)/python -m sandbox.triggers_page
	PYTHONPATH=$(LIB) $(BIN)/python -m sandbox.profiles_page
	$(BIN)/python -m sandbox.index_entry
	PYTHONPATH=$(LIB):tests:. $(BIN)/python tests/interface.py
	PYTHONPATH=$(LIB) $(BIN)/python -m sandbox.turns_page
	PYTHONPATH=$(LIB):. $(BIN)/python -m sandbox.outputs_page
	PYTHONPATH=$(LIB):. $(BIN)/python -m sandbox.poll_page
	PYTHONPATH=$(LIB) $(BIN)/python -m sandbox.consoles

# What README shows: a comment and its ticket, a change explained; and the layers of the library.
pictures: venv
	PYTHONPATH=$(LIB):. $(BIN)/python -m sandbox.pictures

format: $(VENV)/.checkers
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Leaves .cache/ alone: what is in it was fetched from outside.
clean:
	rm -rf .venv .venv-* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
