"""The languages of the pages: which one a caller wants, and its texts."""

import io
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from importlib.resources.abc import Traversable

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from starlette.requests import HTTPConnection

LANGUAGES = ("en", "fr")
DEFAULT_LANGUAGE = LANGUAGES[0]
LANGUAGE_COOKIE = "otolith_language"
DOMAIN = "messages"


def language_of(connection: HTTPConnection) -> str:
    """The language of the cookie that the switch in the pages sets, else the best one that the browser asks for."""
    chosen = connection.cookies.get(LANGUAGE_COOKIE)
    return chosen if chosen in LANGUAGES else best_language(connection.headers.get("accept-language", ""))


def best_language(accepted: str) -> str:
    """The first language that `Accept-Language` ranks highest and that there is a catalogue for."""
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate(accepted.split(",")[:20]):
        tag, *parameters = (piece.strip() for piece in part.split(";"))
        language = tag.lower().partition("-")[0]
        weight = _weight(parameters)
        if weight > 0 and language in (*LANGUAGES, "*"):
            ranked.append((-weight, place, DEFAULT_LANGUAGE if language == "*" else language))
    return min(ranked)[2] if ranked else DEFAULT_LANGUAGE


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


@cache
def translations(language: str) -> NullTranslations:
    """The texts of a language; the texts in the source are English, so English needs no catalogue."""
    return load(files("otolith") / "web" / "locale", language)


def load(folder: Traversable, language: str) -> NullTranslations:
    """The catalogue of `folder`, compiled: as the wheel brings it, or from its source in a checkout."""
    catalogue = folder / language / "LC_MESSAGES"
    source = catalogue / f"{DOMAIN}.po"
    if source.is_file():
        with source.open("rb") as file:
            texts = read_po(file, locale=language)
        compiled = io.BytesIO()
        write_mo(compiled, texts)
        compiled.seek(0)
        return GNUTranslations(compiled)
    built = catalogue / f"{DOMAIN}.mo"
    if built.is_file():
        with built.open("rb") as file:
            return GNUTranslations(file)
    return NullTranslations()
