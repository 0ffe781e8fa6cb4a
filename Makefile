# One line a job. `make score` and `make test` do all the set-up that they need.
PYTHON ?= python3
BIN = $(if $(wildcard .venv/Scripts),.venv/Scripts,.venv/bin)
FILE ?=
export OMP_WAIT_POLICY = PASSIVE

.PHONY: score test test-spark setup lint model lock clean
score: .venv/core ; @$(BIN)/scoring score $(if $(FILE),"$(FILE)",--simulated) --adapt -o out
test: .venv/dev ; @$(BIN)/ruff check && $(BIN)/ruff format --check && $(BIN)/mypy && $(BIN)/python -m pytest -n 2 --dist worksteal
test-spark: .venv/spark ; @$(BIN)/python -m pytest tests/spark
setup: .venv/dev
lint: .venv/dev ; @$(BIN)/ruff check --fix && $(BIN)/ruff format && $(BIN)/mypy
model: .venv/core ; @$(BIN)/python -m scoring.shipped models/shipped

# uv writes no byte code unless told to, and start-up time is part of the product
.venv/uv: requirements/uv.txt ; $(PYTHON) -m venv .venv && $(BIN)/python -m pip install -q --require-hashes -r requirements/uv.txt && touch $@
.venv/core: .venv/uv requirements/core.txt pyproject.toml ; $(BIN)/uv pip install -q --python .venv --compile-bytecode --require-hashes -r requirements/core.txt && $(BIN)/uv pip install -q --python .venv --no-deps --no-build-isolation -e . && $(BIN)/python -m compileall -q scoring && touch $@
.venv/dev: .venv/core requirements/dev.txt ; $(BIN)/uv pip install -q --python .venv --compile-bytecode --require-hashes -r requirements/dev.txt && touch $@
# pyspark is made from its source: what it is made with is pinned, too
.venv/spark: .venv/dev requirements/spark.txt ; $(BIN)/uv pip install -q --python .venv --compile-bytecode --require-hashes --build-constraints requirements/spark.txt -r requirements/spark.txt && touch $@

# pinned with hashes, for every platform, without the address of a registry
COMPILE = uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate
lock: ; $(COMPILE) pyproject.toml requirements/build.in -o requirements/core.txt && $(COMPILE) pyproject.toml requirements/build.in --extra mlflow --group dev -c requirements/core.txt -o requirements/dev.txt && $(COMPILE) pyproject.toml requirements/spark.in --extra spark -c requirements/dev.txt -o requirements/spark.txt && echo uv | $(COMPILE) - -o requirements/uv.txt
clean: ; rm -rf .venv out
