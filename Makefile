# make run and make test do their own set-up; `make setup PYTHON=/path/to/python3.12` chooses the Python,
# `make run ARGS="--port 8000"` hands flags to the program.
SHELL := /bin/bash
PYTHON ?= python3
ARGS ?=
V := .venv/bin
F := .venv-formats/bin

.DEFAULT_GOAL := help
.PHONY: help setup run test formats check bench lock clean

help:
	@echo "make setup   .venv with everything in it, and the system packages when root on Debian"
	@echo "make run     start the web app, with what it needs (ARGS=\"--help\" lists its flags)"
	@echo "make test    check, then all tests, browser tests included"
	@echo "make formats the tests by other tools' own readers, in an environment beside .venv"
	@echo "make check   ruff and mypy"
	@echo "make bench   measure speed and memory           (ARGS=\"--help\" lists the parts)"
	@echo "make lock    write requirements.lock and the list of the weights' hashes anew"
	@echo "make clean   remove .venv and everything made"

setup:
	@command -v $(PYTHON) >/dev/null || { echo "setup: no $(PYTHON); install Python 3.11 or newer" >&2; exit 1; }
	@PYTHON=$(PYTHON) $(PYTHON) .ci/setup.py

run:
	@command -v $(PYTHON) >/dev/null || { echo "run: no $(PYTHON); install Python 3.11 or newer" >&2; exit 1; }
	@PYTHON=$(PYTHON) $(PYTHON) .ci/setup.py --run
	@exec $(V)/python app.py $(ARGS)

check: setup
	$(V)/ruff check .
	$(V)/ruff format --check .
	$(V)/mypy

test: setup
	@$(PYTHON) .ci/setup.py --tests
	@$(MAKE) --no-print-directory check
	$(V)/python -m pytest -n 2 --dist loadfile $(ARGS)

# What .venv has, and above it the large readers, so that .venv stays without them.
formats: setup
	@test -x $(F)/python || $(V)/python -m venv $(dir $(F))
	@$(V)/python -c "import site; print(site.getsitepackages()[0])" \
		> "$$($(F)/python -c "import site; print(site.getsitepackages()[0])")/venv.pth"
	@$(F)/python -m pip install -q -r tests/requirements-formats.txt
	QT_QPA_PLATFORM=offscreen $(F)/python -m pytest -rs tests/test_exchange.py tests/test_incoming.py \
		tests/test_incoming_tools.py tests/test_agreement.py tests/test_outlets.py $(ARGS)

bench: setup
	$(V)/python -m benchmarks $(ARGS)

lock: setup
	$(V)/python -m pip install -q uv
	PATH="$(CURDIR)/$(V):$$PATH" $(V)/python .ci/lock.py
	$(V)/python -m emotion_core.hashes

clean:
	rm -rf .venv .venv-formats .mypy_cache .ruff_cache .pytest_cache runs checkpoints outputs build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf ./*.egg-info
