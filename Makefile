# Everything from nothing on Debian 12 or Ubuntu; elsewhere QGIS comes from its own installer and QGIS_PYTHON names it.

QGIS_PYTHON ?= /usr/bin/python3
PYTHON ?= /usr/bin/python3
ROOM ?=
DATA ?=
OUT ?= resources/models
ROUNDS ?= 10
SEED ?=
ARGS ?=
export QGIS_PYTHON

SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
APT_INSTALL = $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends
QGIS_PACKAGES = qgis python3-qgis qgis-providers xvfb xauth imagemagick xdotool openssl
# what tests look into PDFs and translations with; without them these tests would be skipped
TEST_PACKAGES = poppler-utils qttools5-dev-tools
ENVIRONMENT = $(PYTHON) -m plugin.core.environment
DEMO = $(QGIS_PYTHON) -m tests.demo

# the core, the forms and the house rules need no torch, the worker's tests need no QGIS
NEEDS_core = qgis-python
NEEDS_ui = qgis-python test-programs
NEEDS_house = qgis-python
NEEDS_worker = worker
NEEDS_bridge = qgis-python worker test-programs
NEEDS_ = qgis-python worker test-programs

.PHONY: help setup sample python qgis-python test-programs worker worker-python tools plugin-link test test-random lint format package lock demo film times qgis starter bench clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: qgis-python worker tools ## QGIS (by apt, if missing), the worker's environment, the test tools
	@echo "Everything is set up."

python:
	@$(PYTHON) -c 'import ssl, json, zipfile' 2>/dev/null && [ -e /etc/ssl/certs/ca-certificates.crt -o ! -x /usr/bin/apt-get ] || { \
	  command -v apt-get >/dev/null || { echo "There is no Python at $(PYTHON): install Python 3.9 or newer and name it in PYTHON." >&2; exit 1; }; \
	  echo "Installing Python and the system's certificates" >&2; \
	  { $(SUDO) apt-get update && $(APT_INSTALL) python3 ca-certificates; } >&2; }

qgis-python: python
	@{ $(QGIS_PYTHON) -c 'import qgis.core' && command -v xvfb-run import xdotool openssl; } >/dev/null 2>&1 || { \
	  command -v apt-get >/dev/null || { echo "$(QGIS_PYTHON) has no QGIS: install QGIS 3.22 or newer and name its Python in QGIS_PYTHON." >&2; exit 1; }; \
	  echo "Installing QGIS, and a screen of its own for the demo"; \
	  $(SUDO) apt-get update && $(APT_INSTALL) $(QGIS_PACKAGES); }

test-programs: python
	@command -v pdftotext lrelease >/dev/null || ! command -v apt-get >/dev/null || { \
	  echo "Installing what the tests look into PDFs and translations with"; \
	  $(SUDO) apt-get update && $(APT_INSTALL) $(TEST_PACKAGES); }

worker: python
	@$(ENVIRONMENT) set-up >/dev/null

worker-python: python ## print the worker's interpreter (make -s worker-python), set up first if need be
	@$(ENVIRONMENT) python

tools: qgis-python worker
	@$(PYTHON) .ci/tools.py test $(QGIS_PYTHON) "$$($(ENVIRONMENT) python)"

plugin-link:
	@mkdir -p build/plugins && ln -sfn ../.. build/plugins/footprint_tuner

test: $(NEEDS_$(ROOM)) plugin-link ## run the tests; one room by ROOM=core|ui|bridge|house|worker, pytest's options by ARGS=
	@$(PYTHON) .ci/test.py $(ROOM) $(ARGS)

test-random: worker plugin-link ## the property tests with ROUNDS=10 times new examples; a round is repeated by SEED=
	@seed=$(SEED); [ "$$seed" ] || seed=$$(od -An -N4 -tu4 /dev/urandom | tr -d ' '); \
	for round in $$(seq $(if $(SEED),1,$(ROUNDS))); do \
	  echo "To repeat this round: make test-random SEED=$$seed"; \
	  $(PYTHON) .ci/test.py worker -m hypothesis --hypothesis-profile=random --hypothesis-seed=$$seed $(ARGS) || exit 1; \
	  seed=$$((seed + 1)); \
	done

lint: python plugin-link ## ruff, mypy, bandit, detect-secrets, sizes
	@$(PYTHON) .ci/lint.py

format: python ## put the sources into ruff's form
	@$(PYTHON) .ci/tools.py lint
	@build/lint/bin/ruff check --fix-only --quiet . ; build/lint/bin/ruff format .

package: python ## build/footprint_tuner.zip, which users install
	@$(PYTHON) .ci/package.py

lock: python ## write the lock files anew from their .in files (ARGS=--upgrade for newer versions)
	@$(PYTHON) .ci/tools.py lock $(ARGS)

sample: python
	@$(PYTHON) .ci/tools.py sample

demo: qgis-python worker sample plugin-link ## the main job in the real QGIS on a real city, from nothing; another model by ARGS="--model NAME ..."; results in build/demo
	@$(DEMO) $(ARGS)

film: qgis-python worker sample plugin-link ## the pictures of the help page anew, in build/demo/film
	@$(DEMO) film $(ARGS)

times: qgis-python worker plugin-link ## how quick the review is in QGIS: medians of 50, of the runs in ARGS (a run folder, or several)
	@$(DEMO) times $(ARGS)

qgis: qgis-python worker sample plugin-link ## open the demo's project in QGIS with the plugin
	@$(DEMO) open

starter: worker ## train the starter model anew (DATA=folder of the open places; minutes to an hour)
	@[ -d "$(DATA)" ] || { echo "Say where the open places are: make starter DATA=FOLDER" >&2; exit 1; }
	@"$$($(ENVIRONMENT) python)" -m plugin.worker.starter "$(DATA)" --out "$(OUT)" \
		$(if $(filter resources/models,$(OUT)),--overwrite) $(ARGS)

bench: worker ## run the benchmarks with the worker's Python
	@[ -d tests/benchmarks ] || { echo "There are no benchmarks in tests/benchmarks." >&2; exit 1; }
	@PYTHONPATH=. "$$($(ENVIRONMENT) python)" -m tests.benchmarks $(ARGS)

clean: ## remove build/ (not the worker's environment: make -s worker-python tells where it is)
	rm -rf build
