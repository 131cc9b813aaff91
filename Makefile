# Two commands after a clone: `make run` shows what Severance does, `make test` passes the tests.
# Both need Python 3.11 or later, and set up a virtual environment in .venv the first time.

PYTHON ?= python3
VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

PEERS := .venv-peers
PINS := tests/integrations/frameworks
FRAMEWORKS := $(patsubst $(PINS)/%.txt,%,$(wildcard $(PINS)/*.txt))
MEASURED = $(if $(LOCOMO),--locomo "$(LOCOMO)") $(if $(CIMEMORIES),--cimemories "$(CIMEMORIES)") \
  $(if $(CLINC),--clinc "$(CLINC)") $(if $(wildcard $(PEERS)/.installed),--peers-python $(subst $(VENV),$(PEERS),$(BIN))/python)

.PHONY: run test lint bench peers frameworks test-frameworks figures flips kills teeth pairs crashes iofaults model dist fuzz clean

run: $(VENV)/.installed  ## the tour; with a LoCoMo file: make run DATA=path/to/locomo.json
	@$(BIN)/severance tour $(if $(DATA),--data "$(DATA)")

test: $(VENV)/.developer  ## on every core; one after the other with ARGS="-n 0"
	$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

lint: $(VENV)/.developer
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache

bench: $(VENV)/.developer  ## make bench LOCOMO=FILE CIMEMORIES=FILE CLINC=FILE ARGS="--only quality"; peers after `make peers`
	$(BIN)/python -m bench $(MEASURED) $(ARGS)

peers: $(PEERS)/.installed  ## the memories that `make bench` compares with, in an environment of their own (some 1.3 GB)

frameworks: $(FRAMEWORKS:%=.venv-frameworks/%/.installed)  ## what adapters are for, in environments of their own (some 1.8 GB)

test-frameworks: $(FRAMEWORKS:%=test-frameworks-%)  ## the adapters' tests and pages, each with its framework

test-frameworks-%: .venv-frameworks/%/.installed
	FRAMEWORKS=$* $(subst $(VENV),.venv-frameworks/$*,$(BIN))/python -m pytest -p no:cacheprovider \
	  tests/integrations tests/docs/test_examples.py -k "integrations or frameworks" $(ARGS)

figures: $(VENV)/.plotter  ## `make bench`, and the figures, plots and tables of the documentation made anew from it
	$(BIN)/python -m bench $(MEASURED) --json docs/figures/bench.json --plots docs/figures $(ARGS)
	$(BIN)/python -m bench.pages

flips: $(VENV)/.developer  ## every single-bit flip of a small store (hours of one processor): make flips ARGS="--jobs 2"
	$(BIN)/python tools/flips.py $(ARGS)

kills: $(VENV)/.developer  ## a thousand kill -9 of two writers: make kills ARGS="--kills 1000"
	$(BIN)/python tools/kills.py $(ARGS)

pairs: $(VENV)/.developer  ## traces with and without one persona (some 40 pairs a second): make pairs ARGS="--pairs 100000"
	$(BIN)/python tools/pairs.py $(ARGS)

teeth crashes iofaults model fuzz: export PYTHONPATH := tests

teeth: $(VENV)/.developer  ## every seeded fault, and what notices it: make teeth ARGS="--jobs 2 --json teeth.json"
	$(BIN)/python tools/teeth.py $(ARGS)

crashes: $(VENV)/.developer  ## power cuts, simulated (some 3,000 a second): make crashes ARGS="--states 1000000 --report FILE"
	$(BIN)/python tools/crashes.py $(ARGS)

iofaults: $(VENV)/.developer  ## every operation on files fails once: make iofaults ARGS="--stories 50 --jobs 2 --report FILE"
	$(BIN)/python tools/iofaults.py $(ARGS)

model: $(VENV)/.developer  ## the doors against a model of them: make model ARGS="--depth 8 --steps 1000000 --report FILE"
	$(BIN)/python tools/model.py $(ARGS)

fuzz: $(VENV)/.fuzzer  ## every decoder, guided by coverage (Linux): make fuzz ARGS="--executions 10000000 --report FILE"
	$(BIN)/python tools/fuzz.py $(ARGS)

dist: $(VENV)/.developer
	PIP_CONSTRAINT="$(CURDIR)/constraints.txt" $(BIN)/python -m build

clean:
	rm -rf $(VENV) $(PEERS) .venv-frameworks dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/.python:
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || \
	  { echo "Severance needs Python 3.11 or later; name one with make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --constraint constraints.txt --upgrade pip
	@touch $@

$(VENV)/.installed: $(VENV)/.python pyproject.toml constraints.txt
	$(PIP) install --constraint constraints.txt --build-constraint constraints.txt --editable .
	@touch $@

$(VENV)/.developer: $(VENV)/.installed
	$(PIP) install --constraint constraints.txt --build-constraint constraints.txt \
	  --editable '.[client,mcp,server,watch]' --group dev
	@touch $@

$(VENV)/.plotter: $(VENV)/.developer
	$(PIP) install --constraint constraints.txt --group bench
	@touch $@

$(PEERS)/.installed: bench/peers.txt pyproject.toml constraints.txt
	$(PYTHON) -m venv $(PEERS)
	$(subst $(VENV),$(PEERS),$(PIP)) install --constraint constraints.txt --editable . --requirement bench/peers.txt
	@touch $@

.PRECIOUS: .venv-frameworks/%/.installed

# Without constraints.txt: these pins are whole, and of other versions where a framework wants them.
.venv-frameworks/%/.installed: $(PINS)/%.txt pyproject.toml
	$(PYTHON) -m venv .venv-frameworks/$*
	$(subst $(VENV),.venv-frameworks/$*,$(PIP)) install --requirement $< --editable .
	@touch $@

$(VENV)/.fuzzer: $(VENV)/.developer
	$(PIP) install --constraint constraints.txt --group fuzz
	@touch $@
