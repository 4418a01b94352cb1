PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo test test-all check verify clean

demo: $(INSTALLED)  ## Run the flagship scenario and print what its air picture was worth.
	$(BIN)/airpicture run f35-arrival-florennes

test: $(INSTALLED)  ## Run the tests but for the statistical and the large ones.
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

test-all: $(INSTALLED)  ## Run all tests, the slow ones too.
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: $(INSTALLED)  ## Style, types and the direction of imports.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

verify: $(INSTALLED)  ## Physics and tracker against published numbers.
	$(BIN)/airpicture verify

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(INSTALLED): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@
