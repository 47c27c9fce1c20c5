"""The rules of the house that no linter knows: sizes, licences, the only commit, and what must never be committed."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "otolith"
LONGEST_FILE = 400
LONGEST_FUNCTION = 60

# What may be distributed together with GPL-3.0-or-later (ADR 0001).
COMPATIBLE = re.compile(
    r"\b(MIT|BSD|Apache|ISC|MPL|LGPL|PSF|Python Software Foundation|GPL-?[23]|GNU (Lesser |Library )?General Public|"
    r"Unlicense|CC0|Zlib|HPND|0BSD|Public Domain|GPLv[23])",
    re.IGNORECASE,
)
REFUSED = re.compile(r"AGPL|Affero|Non-?Commercial|CC-BY-NC|SSPL|Proprietary|Commons Clause", re.IGNORECASE)


def tracked() -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    paths = [ROOT / name for name in names.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def python_files() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py"]


def too_long(path: Path) -> Iterator[str]:
    text = path.read_text()
    lines = text.count("\n")
    if lines > LONGEST_FILE:
        yield f"{path.relative_to(ROOT)}: {lines} lines"
    if "migrations/versions" in path.as_posix():
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            size = (node.end_lineno or 0) - node.lineno + 1
            if size > LONGEST_FUNCTION:
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {size} lines"


def test_files_and_functions_stay_short() -> None:
    found = [fault for path in python_files() for fault in too_long(path)]
    assert not found, "\n".join(found)


def test_only_the_database_module_commits() -> None:
    guilty = [
        str(path.relative_to(ROOT))
        for path in SOURCE.rglob("*.py")
        if ".commit(" in path.read_text() and path != SOURCE / "core" / "db.py"
    ]
    # A stored file is put in place by a method of the same name, which has nothing to do with a transaction.
    assert [name for name in guilty if not name.startswith(("src/otolith/core/s", "src/otolith/media/"))] == []


def test_only_the_error_module_raises_http_exceptions() -> None:
    guilty = [p for p in SOURCE.rglob("*.py") if re.search(r"\bHTTPException\b", p.read_text())]
    assert guilty == [SOURCE / "core" / "errors.py"]


def test_nothing_calls_create_all() -> None:
    assert [p for p in SOURCE.rglob("*.py") if "create_all" in p.read_text()] == []


def product_dependencies() -> dict[str, Distribution]:
    """Every distribution that an installation with all extras of the lock brings."""
    installed = {normal(d.metadata["Name"]): d for d in distributions()}
    wanted, found = ["otolith"], {}
    while wanted:
        name = wanted.pop()
        if name in found or name not in installed:
            continue
        found[name] = installed[name]
        extras = {"postgres", "s3", "otel"} if name == "otolith" else {""}
        for line in installed[name].requires or []:
            requirement = Requirement(line)
            if requirement.marker is None or any(
                requirement.marker.evaluate({"extra": extra}) for extra in extras | {""}
            ):
                wanted.append(normal(requirement.name))
    del found["otolith"]
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def licence_of(distribution: Distribution) -> str:
    def stated(name: str) -> list[str]:
        return [str(value) for value in distribution.metadata.get_all(name) or []]

    classifiers = [value for value in stated("Classifier") if value.startswith("License ::")]
    first_lines = [value.splitlines()[0] for value in stated("License") if value]
    return " | ".join([*stated("License-Expression"), *first_lines, *classifiers])


def test_every_dependency_may_be_distributed_with_otolith() -> None:
    dependencies = product_dependencies()
    assert len(dependencies) > 30, "the walk over the dependencies found too few to be true"
    faults = {
        name: licence_of(found)
        for name, found in dependencies.items()
        if REFUSED.search(licence_of(found)) or not COMPATIBLE.search(licence_of(found))
    }
    assert not faults


def test_heavy_yardsticks_stay_out_of_the_product() -> None:
    assert not {"librosa", "essentia", "torch", "numba"} & set(product_dependencies())


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock", "package-lock.json"])
def test_lock_files_hold_no_addresses(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text.replace("https://opencollective", "").replace("https://github.com/sponsors", "")


def test_uv_lock_is_not_tracked() -> None:
    assert not [path for path in tracked() if path.name == "uv.lock"]


def test_the_layers_hold() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_every_slice_says_what_it_is_and_where_it_is_documented() -> None:
    for package in SOURCE.glob("*/__init__.py"):
        linked = re.search(r"(docs/\S+\.md)\b", package.read_text())
        assert linked, f"{package.parent.name} names no page"
        assert (ROOT / linked[1]).exists(), linked[1]


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("otolith.app", {"av", "scipy", "soxr", "PIL"}),
        ("otolith.worker", {"av", "scipy", "soxr", "PIL"}),
        ("otolith.library.roots.commands_watch", {"av", "scipy", "soxr", "PIL"}),
        # `otolith up` itself.
        ("otolith.cli, otolith.serving", {"sqlalchemy", "fastapi", "celery", "numpy", "opentelemetry"}),
    ],
)
def test_what_runs_all_the_time_loads_no_part_that_only_work_needs(module: str, heavy: set[str]) -> None:
    program = f"import sys, {module}; print(*sorted(sys.modules.keys() & {heavy!r}))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == []
