# make demo    a whole call, end to end, on this machine: nothing to set up first
# make test    every test, with everything the tests need
# make check   format, lint, types, layers
# make unit    the unit tests alone (seconds)

PYTHON ?= python3
VENV   ?= .venv
OUT    ?= out/demo
BIN    := $(VENV)/bin

.PHONY: demo test test-rest unit check format clean

demo: $(VENV)/.demo
	$(BIN)/voice-ai demo --out $(OUT)

# Whole calls take as long as calls do and leave the processor idle: the rest runs beside them. What
# each has to say comes at its end.
test: $(VENV)/.dev
	@$(MAKE) --no-print-directory --jobs=3 --output-sync=target test-calls-a-f test-calls-g-z test-rest

test-calls-%: $(VENV)/.dev
	$(call pytest,tests/acceptance/test_[$*]*.py)

test-rest: $(VENV)/.dev
	$(call pytest,--ignore=tests/acceptance)

# A folder for each: pytest tidies up those of its former runs, and stumbles over one that tidies too.
pytest = @folder=$$(mktemp -d) && \
  { $(BIN)/pytest --basetemp=$$folder/t $(1); code=$$?; rm -rf $$folder; exit $$code; }

unit: $(VENV)/.dev
	$(BIN)/pytest -m unit

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --config setup.cfg

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build *.egg-info out var

# Debian splits the module that makes virtual environments off: install it where we may, else say so.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "$(PYTHON) is older than 3.11; run: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 2; }
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { \
	  rm -rf $(VENV); \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "installing python3-venv"; apt-get update -qq && apt-get install -qq -y python3-venv >/dev/null; \
	    $(PYTHON) -m venv $(VENV); \
	  else \
	    echo "$(PYTHON) cannot make virtual environments; as root: apt-get install python3-venv"; exit 2; \
	  fi; }

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --use-pep517 -e '.[offline,embedded]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --use-pep517 -e '.[openai,deepgram,offline,embedded,test,dev]'
	@touch $@ $(VENV)/.demo
