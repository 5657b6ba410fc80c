# Everything runs in a virtual environment of its own; PYTHON names the interpreter that makes it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# LOSSES, DATA, DATA_DIR, EPOCHS and OUTPUT are read by the demo.
export LOSSES DATA DATA_DIR EPOCHS OUTPUT

# Tests start lossary in many processes, each of which would otherwise compile all of it again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test peers minimum proof everything lint types doctest bench bench-check docs docs-test generate clean

help:  ## Show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-11s %s\n", $$1, $$2}'

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) -e ".[demo]"
	@touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) -e ".[dev]"
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo  ## Train a small CNN on real images with three losses (LOSSES="huber poisson" DATA=fashion-mnist)
	$(BIN)/python -m lossary.demo

# Where it comes after TensorFlow in one process, it crashes: a folder that only processes of its own see.
.venv-triton/.done: $(VENV)/.dev
	$(PIP) --no-deps --upgrade --target .venv-triton "triton; sys_platform == 'linux'"
	@mkdir -p .venv-triton && touch $@

test: $(VENV)/.dev .venv-triton/.done  ## Install everything and run the tests: every loss, and every mechanism on one loss of each kind
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not exhaustive and not costly"

# A folder of their own, so that nothing of theirs is there for other tests; --no-deps: see pyproject.toml.
.venv-peers/.done: $(VENV)/.dev
	$(PIP) --no-deps --upgrade --target .venv-peers $$($(BIN)/python tools/peers.py)
	@touch $@

peers: .venv-peers/.done  ## Run the libraries that records name beside the lines that are given for them
	PYTHONPATH=.venv-peers $(BIN)/python -m pytest -W ignore tests/peers_suite.py

# What needs nothing besides the oldest versions that pyproject.toml allows.
MINIMUM := $(patsubst %,tests/test_%.py,get import kernels kernels_disk plot values demo cli)

minimum:  ## Install the oldest versions that pyproject.toml allows and test what works on them alone
	$(PYTHON) -m venv --clear .venv-minimum
	.venv-minimum/bin/python tools/minimum.py > .venv-minimum/constraints.txt
	.venv-minimum/bin/python -m pip install --quiet --disable-pip-version-check \
		-c .venv-minimum/constraints.txt -e ".[demo]" pytest mpmath
	.venv-minimum/bin/python -m pytest $(MINIMUM) -k "not tensorflow and not torch and not bench and not backend_in_json"
	KERAS_BACKEND=jax .venv-minimum/bin/python -m pytest -W ignore tests/keras_suite.py

proof: $(VENV)/.dev .venv-triton/.done  ## The rest: the best-known losses in every mechanism, kernels' functions over all 2^32 float32 numbers
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "(exhaustive or costly) and not everything"

everything: $(VENV)/.dev .venv-triton/.done  ## Every loss of the catalogue in every mechanism; takes hours
	$(BIN)/python -m pytest -n 2 --dist worksteal -m everything

lint: $(VENV)/.dev  ## Style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python tools/generate.py --check
	$(BIN)/python tools/make_doctor.py --check

types: $(VENV)/.dev  ## Types
	$(BIN)/mypy

doctest: $(VENV)/.dev  ## Every example in docstrings, README and docs
	$(BIN)/python -m pytest --doctest-modules --doctest-glob='*.md' --ignore=docs/losses --ignore=docs/_build --ignore=docs/conf.py src README.md docs

bench: $(VENV)/.dev  ## Speed beside the peers and the streaming limit; writes docs/
	$(BIN)/python -m benchmarks

bench-check: $(VENV)/.dev  ## Measure again and fail where lossary is a third slower beside its peers than docs/ says
	$(BIN)/python -m benchmarks.check

docs: $(VENV)/.dev  ## Build the site, English and Chinese, into docs/_build/html
	$(BIN)/python tools/build_docs.py

docs-test: docs  ## Drive the system's Chromium through the site; pictures in docs/_build/shots (apt-get install chromium chromium-driver fonts-noto-cjk)
	$(BIN)/python -m pytest tests/browser/*_suite.py

generate: $(VENV)/.dev  ## Regenerate stubs, tables, pictures and the accuracy page
	$(BIN)/python tools/generate.py
	$(BIN)/python tools/generate.py accuracy
	$(BIN)/python tools/make_gallery.py
	$(BIN)/python tools/make_doctor.py

clean:  ## Remove the environment and caches
	rm -rf $(VENV) .venv-minimum .venv-peers .venv-triton out docs/_build docs/losses docs/families docs/api.md .pytest_cache .mypy_cache .ruff_cache .hypothesis
