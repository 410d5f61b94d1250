# Two commands on a fresh machine: `make demo` and `make test`. Both set themselves up in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OLDEST_PIP := 25.1
HAS_COMPILER := command -v c++ >/dev/null || { echo "hnswlib is compiled while it is installed and needs a C++ compiler: install g++ and python3-dev (Debian), or run xcode-select --install (macOS)."; exit 1; }
# The decoded model is kept here, so that the demo, the tests and the benchmarks decode it once.
export PATINA_MODEL_CACHE ?= $(CURDIR)/.cache/models

PEERS := .cache/peers
CLIENTS := .cache/clients

.PHONY: demo test clients check fix docs bench bench-store torture clean compiler

demo: $(VENV)/installed  ## index some of the standard library and ask it three questions, or Q="your own"
	@PATINA_HOME=$(CURDIR)/.demo $(BIN)/python examples/demo.py $(if $(Q),"$(Q)")

test: $(VENV)/tools  ## the fast suite, a worker a core
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not crash and not package and not quality and not torture and not clients and not node" $(ARGS)

clients: $(VENV)/tools $(CLIENTS)/installed  ## clients of OpenAI's, Ollama's and TEI's interfaces, at a real daemon
	$(BIN)/python -m pytest -n auto --dist loadfile -m "clients or node" tests/clients $(ARGS)

torture: $(VENV)/tools  ## kills, power cuts, failing disks, damaged files, planted bugs: minutes; all of it as root
	$(BIN)/python -m pytest -m torture tests/torture $(ARGS)

check: $(VENV)/tools  ## style, types, tidiness
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_tidy.py

fix: $(VENV)/tools
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/tools  ## run every example in the documentation and check its links
	$(BIN)/python -m pytest tests/examples tests/test_docs.py -m "not package"

bench: $(VENV)/tools  ## measure, print, and write docs/reference/performance.md
	$(BIN)/python -m benchmarks

bench-store: $(VENV)/tools $(PEERS)/installed  ## the store beside others', an hour and more, into the same page
	$(BIN)/python -m benchmarks.store $(ARGS)

clean:
	rm -rf $(VENV) .cache .demo build dist

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Patina needs Python 3.11 or newer."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=$(OLDEST_PIP)"

compiler:
	@$(HAS_COMPILER)

$(VENV)/installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@$(HAS_COMPILER)
	HNSWLIB_NO_NATIVE=1 $(BIN)/python -m pip install --quiet -c constraints.txt -e ".[e5]"
	@touch $@

$(VENV)/tools: $(VENV)/installed
	HNSWLIB_NO_NATIVE=1 $(BIN)/python -m pip install --quiet -c constraints.txt --group test
	@touch $@

# What `make bench-store` compares with: an environment of its own, for these bring half a gigabyte and other versions.
$(PEERS)/installed: benchmarks/store/peers.txt | $(VENV)/bin/python
	$(BIN)/python -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet -r benchmarks/store/peers.txt
	@touch $@

# What `make clients` runs, in an environment of its own: several want other versions than Patina has.
$(CLIENTS)/installed: tests/clients/requirements.txt tests/clients/package.json | $(VENV)/bin/python
	$(BIN)/python -m venv $(CLIENTS)
	$(CLIENTS)/bin/python -m pip install --quiet --no-deps --no-compile -r tests/clients/requirements.txt
	cp tests/clients/package.json $(CLIENTS)
	if command -v npm >/dev/null; then npm install --prefix $(CLIENTS) --silent --no-audit --no-fund || echo "Without its package the client for Node is left out."; fi
	@touch $@
