"""The search by what somebody says of a sound: by a model where one is set, by words and features where not."""

import re

import pytest

from otolith.core.context import Context
from otolith.jobs.slot import Slot
from tests.callers import Callers
from tests.connectors.embedding_server import EmbeddingsPlayed
from tests.library.similar.test_text import WithModel, library, played
from tests.web.conftest import Browser
from tests.web.test_library import titles

__all__ = ["played"]


@pytest.fixture
def heard(callers: Callers, context: Context) -> None:
    library(context, callers.home)


@pytest.mark.usefixtures("heard")
def test_words_and_features_answer_without_a_model(browser: Browser) -> None:
    page = browser("viewer").get("/library/description?q=slow+sad+piano").text
    assert titles(page)[0] == "Evening"
    assert "by words and by how they sound" in page
    first = re.findall(r'<td role="cell" class="facts">([^<]+)<', page)[0]
    assert first == "slow · sad · piano"


@pytest.mark.usefixtures("heard")
def test_administrators_alone_are_told_how_to_set_a_model(browser: Browser) -> None:
    for address in ("/library/description", "/library/description?q=slow"):
        assert "OTOLITH_LANGUAGE_EMBEDDING_MODEL" in browser("admin").get(address).text
        assert "OTOLITH_LANGUAGE_EMBEDDING_MODEL" not in browser("owner").get(address).text


def test_every_list_of_the_library_leads_to_it_with_its_words(browser: Browser) -> None:
    assert 'href="/library/description?q=slow"' in browser("viewer").get("/library/tracks?q=slow").text
    assert "Say how it sounds" in browser("viewer").get("/library/description").text


@pytest.mark.usefixtures("heard")
def test_others_find_nothing(browser: Browser) -> None:
    page = browser("stranger").get("/library/description?q=slow+sad+piano").text
    assert titles(page) == []
    assert "Nothing found" in page


class TestWithModel(WithModel):
    def test_the_model_answers_by_meaning(
        self, browser: Browser, callers: Callers, context: Context, slot: Slot, played: EmbeddingsPlayed
    ) -> None:
        library(context, callers.home)
        callers["editor"].post("/api/similar/text")
        slot.work(["language"])
        asked = len(played.asked)
        page = browser("admin").get("/library/description?q=very+slow,+sad+minor+piano").text
        assert titles(page)[0] == "Evening"
        assert "by meaning" in page
        assert "OTOLITH_LANGUAGE_EMBEDDING_MODEL" not in page
        assert len(played.asked) == asked + 1
