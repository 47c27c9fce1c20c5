# The one door to every chore. `just` alone lists them.
# The tools come from .venv; `python3 run.py test` makes it.

export PATH := justfile_directory() / ".venv/bin:" + env("PATH")
# One thread each: these machines run several tests at once.
export OMP_NUM_THREADS := "1"
export OPENBLAS_NUM_THREADS := "1"

default:
    @just --list --unsorted

# Everything that CI checks, in its order.
ci *args: lint types (test "--cov" args)

# Make or refresh .venv with the packages of requirements-dev.lock.
setup:
    python3 -m venv .venv
    .venv/bin/python -m pip install --quiet --require-hashes --no-deps -r requirements-dev.lock
    .venv/bin/python -m pip install --quiet --no-deps --editable .

# The server and a worker on a throw-away data folder, at http://127.0.0.1:8000.
dev *args:
    otolith up --data data/dev {{args}}

# The tests, on every core.
test *args:
    pytest -n auto --dist worksteal {{args}}

# Format, rules and layers.
lint:
    ruff format --check .
    ruff check .
    lint-imports

# Repair what can be repaired.
fix:
    ruff format .
    ruff check --fix .

types:
    mypy

# The figures of docs/develop/figures.md, side by side in one run.
bench *args:
    python bench/run.py {{args}}

# The long forms of the chaos tests.
soak *args:
    OTOLITH_SOAK=1 pytest -m soak -o addopts="--strict-markers --import-mode=importlib" {{args}}

# Write the generated reference pages anew.
docs:
    python docs/generate.py

# Resolve the newest allowed versions into the two locks.
lock:
    uv lock --upgrade --quiet
    uv export --quiet --no-header --no-emit-project --no-dev --extra postgres --extra s3 --output-file requirements.lock
    uv export --quiet --no-header --no-emit-project --all-groups --extra postgres --extra s3 --extra otel --output-file requirements-dev.lock

# New message strings into the catalogues.
messages:
    python docs/messages.py
