# Every target makes .venv by itself on a machine that has Python 3.11 or newer and make.
#
#   make demo [ONCE=1] [DATA=path]      a whole installation with simulated shops
#   make test [ARGS="tests/hub -k name"]
#   make lint
#   make bench [ONLY=name] [SCALE=full]
#   make soak | e2e [ARGS=…]            long campaigns; real shop servers
#   make clean                          all that make made, but not .hub, which holds your data

SHELL := /bin/sh
.DEFAULT_GOAL := test
.PHONY: demo test lint bench soak e2e clean

PYTHON ?= $(shell command -v python3.11 || command -v python3)
LOCK := $(wildcard requirements.lock)
STAMP := .venv/.installed
PY := .venv/bin/python
PYTEST := $(PY) -m pytest

# The stamp holds the path it was made at: in a moved or copied checkout everything is put in again.
ifneq ($(shell cat $(STAMP) 2>/dev/null),$(CURDIR))
.PHONY: $(STAMP)
endif

demo: $(STAMP)
	@HUB_DIE_WITH_PARENT=1 exec .venv/bin/hub demo $(if $(ONCE),--once) $(if $(DATA),--data "$(DATA)")

test: $(STAMP)
	@exec $(PYTEST) -n 2 --dist loadfile $(ARGS)

lint: $(STAMP)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -c 'import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())'

bench: $(STAMP)
	@exec $(PY) -m benchmarks $(if $(ONLY),--only $(ONLY)) $(if $(SCALE),--scale $(SCALE))

soak: $(STAMP)
	@exec $(PYTEST) -m soak --timeout=0 $(ARGS)

e2e: $(STAMP)
	@exec $(PYTEST) -m e2e $(ARGS)

# Input comes from /dev/null, so that it is all the same whether make has any.
$(STAMP): pyproject.toml $(LOCK)
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and there is no python3 on PATH: install it, or say make PYTHON=/path/to/python" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' </dev/null || { echo "Python 3.11 or newer is needed, and $(PYTHON) is older: install it, or say make PYTHON=/path/to/python" >&2; exit 1; }
	@$(PY) -m pip --version >/dev/null 2>&1 </dev/null || "$(PYTHON)" -m venv .venv </dev/null
	$(PY) -m pip install --quiet --disable-pip-version-check $(LOCK:%=-c %) -e '.[dev]' </dev/null
	@printf '%s\n' '$(CURDIR)' >$@

clean:
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
