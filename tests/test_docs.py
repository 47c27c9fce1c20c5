"""The documentation names everything that there is: settings, routes, commands and tasks."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from otolith.core.seed_names import ALIASES, DATABASE_ALIASES, EXPLAINED
from otolith.core.settings import known_names

DOCS = Path(__file__).resolve().parent.parent / "docs"


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES = ("operate/settings.md", "operate/cli.md", "develop/api.md", "develop/contracts.md")


@pytest.mark.parametrize("page", PAGES)
def test_the_generated_parts_are_up_to_date(page: str) -> None:
    assert generator().render(page) == (DOCS / page).read_text(encoding="utf-8"), "run `just docs`"


def test_no_generated_page_is_forgotten_here() -> None:
    assert tuple(generator().PAGES) == PAGES


def test_every_setting_is_explained() -> None:
    text = (DOCS / "operate" / "settings.md").read_text(encoding="utf-8")
    assert [name for name in sorted(known_names()) if f"`{name}`" not in text] == []
    empty = [line for line in text.splitlines() if re.match(r"\| `OTOLITH_\w+` \|  \|", line)]
    assert empty == []


def test_every_name_of_the_other_systems_is_found_by_those_who_come_from_them() -> None:
    pages = [(DOCS / "operate" / name).read_text(encoding="utf-8") for name in ("settings.md", "coming-from.md")]
    names = [*ALIASES, *DATABASE_ALIASES, *EXPLAINED]
    for page in pages:
        assert [name for name in names if f"`{name}`" not in page] == []


def links() -> list[tuple[Path, str]]:
    return [
        (page, target)
        for page in [*sorted(DOCS.parent.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
        if "://" not in target and not target.startswith("mailto:")
    ]


def test_every_link_of_the_documentation_leads_somewhere() -> None:
    broken = [
        f"{page.relative_to(DOCS.parent)}: {target}" for page, target in links() if not (page.parent / target).exists()
    ]
    assert broken == []
