# Needs Python 3.11 or newer and make; everything else comes into .venv and .local. `make help` lists the commands.
PORT ?= 8000
WORKERS ?= 2
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
# The name holds the hash of what is to be installed, so only a change installs again, not a new time of the file.
INSTALLED := $(VENV)/installed-$(shell cat requirements-dev.txt | cksum | cut -d' ' -f1)
DEMO := MARK_DEMO=1 $(BIN)/python

.DEFAULT_GOAL := help
.PHONY: help run test lint format messages bench bench-speed bench-month bench-traffic pins clean

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 22

run: $(INSTALLED) ## start the demo on 127.0.0.1:8000 (PORT=8001 for another port); Ctrl-C stops it
	@exec $(BIN)/python -m mark_portal.supervisor --port $(PORT)

test: $(INSTALLED) ## run all tests against private servers (ARGS="-k promise", WORKERS=2)
	$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

lint: $(INSTALLED) ## check style, types, imports between apps, templates and migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	MARK_DEMO=1 $(BIN)/mypy accounts billing tariffs notifications support mark_portal
	$(BIN)/djlint templates --check --lint
	$(DEMO) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

format: $(INSTALLED) ## format Python and templates
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djlint templates --reformat --quiet

messages: $(INSTALLED) ## collect the texts to translate into locale/
	$(BIN)/python -m mark_portal.catalogs

bench: $(INSTALLED) ## measure; prints ratios, which hold on any machine
	$(BIN)/python bench/front.py

bench-speed: $(INSTALLED) ## measure the transfers of the speed test, and what pages feel of them
	$(BIN)/python bench/speed.py

bench-traffic: $(INSTALLED) ## import a million rows of traffic, beside plain COPY (ARGS=100000 for fewer)
	$(BIN)/python bench/traffic.py $(ARGS)

bench-month: $(INSTALLED) ## charge a month to a million contracts, beside one bare statement (ARGS=100000 for fewer)
	$(BIN)/python bench/month.py $(ARGS)

pins: $(INSTALLED) ## pin requirements*.in into requirements*.txt with hashes
	$(BIN)/pip install --quiet --disable-pip-version-check uv
	for name in requirements requirements-dev; do \
	  $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    $(ARGS) $$name.in --output-file $$name.txt || exit 1; \
	done

clean: ## remove the environment, the demo's data and everything made (stop the demo first)
	rm -rf $(VENV) .local staticfiles .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} + -o -name '*.mo' -exec rm -f {} +

$(INSTALLED): requirements-dev.txt
	@python=; for candidate in python3.13 python3.12 python3.11 python3; do \
	  if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then echo "Python 3.11 or newer is needed and none was found on PATH."; exit 1; fi; \
	if ! $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	  echo "Making $(VENV) with $$($$python --version)"; \
	  $$python -m venv --clear $(VENV) || { echo "$$python cannot make a virtual environment" \
	    "(Debian: apt-get install python3-venv)."; rm -rf $(VENV); exit 1; }; \
	fi
	@echo "Installing requirements-dev.txt (once, about a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@rm -f $(VENV)/installed-* && touch $@
