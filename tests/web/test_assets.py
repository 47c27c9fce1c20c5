"""Static files: kept for good under their versioned path, compressed, and within the budget of JavaScript."""

import gzip
import re
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from otolith.core import errors
from otolith.web import assets

BUDGET = 60 * 1024


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    errors.install(app)

    @app.get("/static/{path:path}")
    def static(request: Request, path: str) -> object:
        return assets.respond(request, path)

    return TestClient(app)


def test_a_versioned_path_is_kept_for_good(client: TestClient) -> None:
    answer = client.get(assets.load().url("js/main.js"))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"].startswith("text/javascript")


def test_modules_are_imported_from_the_same_version() -> None:
    """Relative imports stay below the versioned path, so that no browser mixes two versions."""
    for name, asset in assets.load().files.items():
        if name.startswith("js/"):
            imported = re.findall(r'(?:from|import)\s*\(?"([^"]+)"', asset.plain.decode())
            assert all(path.startswith("./") and f"js/{path[2:]}" in assets.load().files for path in imported), name


def test_a_plain_path_is_asked_about_again(client: TestClient) -> None:
    first = client.get("/static/js/main.js")
    assert first.headers["cache-control"] == "no-cache"
    again = client.get("/static/js/main.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_text_is_sent_compressed_to_whoever_takes_it(client: TestClient) -> None:
    packed = client.get("/static/otolith.css")
    plain = client.get("/static/otolith.css", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content


@pytest.mark.parametrize("path", ["nothing.js", "../routes.py", "%2e%2e/routes.py", "css/1-tokens.css", "vendor/"])
def test_nothing_else_is_served(client: TestClient, path: str) -> None:
    assert client.get(f"/static/{path}").status_code == 404


def test_another_version_is_not_served(client: TestClient) -> None:
    assert client.get("/static/000000000000/js/main.js").status_code == 404


def test_every_byte_counts_for_the_version(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("1")
    first = assets.load(tmp_path).version
    (tmp_path / "a.js").write_text("2")
    assets.load.cache_clear()
    assert assets.load(tmp_path).version != first


def _with_imports(name: str, *, also: frozenset[str] = frozenset()) -> set[str]:
    """A module and those that it imports, and of those that it loads where a page has need of them `also`."""
    text = assets.load().files[name].plain.decode()
    always = {f"js/{path}" for path in re.findall(r'(?:from|import) "\./([^"]+)"', text)}
    needed = {f"js/{path}" for path in re.findall(r'import\("\./([^"]+)"', text)} & also
    return {name}.union(*(_with_imports(each, also=also) for each in always | needed))


@pytest.mark.parametrize("part", ["js/upload.js", "js/map.js"])
def test_the_javascript_of_a_page_stays_within_its_budget(part: str) -> None:
    """Counted before compression, the library of others included where it was fetched; no page has both parts."""
    files = assets.load().files
    loaded = {"js/boot.js", *(name for name in files if name.startswith("vendor/") and name.endswith(".js"))}
    loaded |= _with_imports("js/main.js", also=frozenset({part}))
    assert part in loaded
    assert sum(len(files[name].plain) for name in loaded) < BUDGET
    assert sum(len(gzip.compress(files[name].plain)) for name in loaded) < BUDGET / 2


def test_every_script_is_loaded_by_some_page() -> None:
    """None escapes the budget by being loaded in another way."""
    files = assets.load().files
    known = _with_imports("js/main.js", also=frozenset(files)) | {"js/boot.js"}
    assert {name for name in files if name.startswith("js/")} == known


def test_scripts_are_sent_without_what_is_for_their_readers() -> None:
    """Lines lose their indentation, so no text may run over several of them."""
    for path in (assets.FOLDER / "js").glob("*.js"):
        source, sent = path.read_text(), assets.load().files[f"js/{path.name}"].plain.decode()
        assert all(line.count("`") % 2 == 0 for line in source.splitlines()), path.name
        assert not re.search(r"^\s|^//|/\*", sent, re.MULTILINE), path.name
        kept = [line.strip() for line in source.splitlines() if line.strip() and not line.lstrip().startswith("//")]
        assert sent.splitlines() == kept


def test_style_sheets_load_nothing_and_set_every_colour_twice() -> None:
    style = assets.load().files[assets.STYLES].plain.decode()
    assert "@import" not in style
    assert "url(" not in style
    tokens = style[style.index(":root {") : style.index('[data-theme="light"]')]
    assert not re.search(r"^\s+--[\w-]+:\s*#", tokens, re.MULTILINE)


def test_the_lock_names_no_address() -> None:
    """Whoever builds uses the registry of their own configuration."""
    root = Path(__file__).parents[2]
    lock = (root / "package-lock.json").read_text()
    assert "resolved" not in lock
    assert "://" not in lock
    assert "omit-lockfile-registry-resolved=true" in (root / ".npmrc").read_text().splitlines()
