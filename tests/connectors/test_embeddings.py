"""Vectors of texts: both protocols, and everything that a server may answer instead."""

import datetime as dt
import json
from collections.abc import Iterator
from email.utils import format_datetime
from typing import Literal

import numpy as np
import pytest
from pydantic import SecretStr

from otolith.connectors.embeddings import EmbeddingServer, EmbeddingsRefused, EmbeddingsUnavailable, embed, server_of
from otolith.core.settings import LanguageSettings
from tests.connectors.embedding_server import MODEL, EmbeddingsPlayed, Fault, bag_of_words, embedding_server
from tests.services import free_port

TEXTS = ["a slow sad piano", "loud guitars", "a slow sad piano"]


@pytest.fixture
def played() -> Iterator[EmbeddingsPlayed]:
    with embedding_server() as played:
        yield played


@pytest.mark.parametrize("protocol", ["ollama", "openai"])
@pytest.mark.parametrize("ending", ["", "/"])
def test_each_text_has_its_vector_of_unit_length(
    protocol: Literal["ollama", "openai"], ending: str, played: EmbeddingsPlayed
) -> None:
    server = EmbeddingServer(played.url + ending, MODEL, protocol, key="secret")
    vectors = embed(server, TEXTS)
    true = np.array([bag_of_words(text) for text in TEXTS])
    assert np.allclose(vectors, true / np.linalg.norm(true, axis=1, keepdims=True), atol=1e-6)
    assert played.asked == [TEXTS]
    assert played.keys == ["Bearer secret"]


def test_an_address_that_ends_in_v1_is_understood(played: EmbeddingsPlayed) -> None:
    assert embed(EmbeddingServer(f"{played.url}/v1", MODEL, "openai"), ["a"]).shape[0] == 1
    assert played.keys == [None]


@pytest.mark.parametrize(
    ("fault", "wait", "said"),
    [
        (Fault(429, '{"error": {"message": "Rate limit reached."}}', {"Retry-After": "7"}), "7", "Rate limit reached"),
        (Fault(503, "", {"Retry-After": "999999999999"}), "3600", "503"),
        (Fault(429, "", {"Retry-After": "soon"}), None, "429"),
        (Fault(500, '{"error": "llama runner process has terminated"}'), None, "llama runner process has terminated"),
        (Fault(502, "<html>Bad gateway</html>"), None, "502"),
    ],
)
def test_what_may_pass_says_when_to_come_back(
    fault: Fault, wait: str | None, said: str, played: EmbeddingsPlayed
) -> None:
    played.faults.append(fault)
    with pytest.raises(EmbeddingsUnavailable) as caught:
        embed(EmbeddingServer(played.url, MODEL), ["a"])
    assert caught.value.headers.get("Retry-After") == wait
    assert said in caught.value.detail
    assert embed(EmbeddingServer(played.url, MODEL), ["a"]).shape[0] == 1


def test_a_pause_may_be_said_as_a_date(played: EmbeddingsPlayed) -> None:
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=90)
    played.faults.append(Fault(429, "", {"Retry-After": format_datetime(moment, usegmt=True)}))
    with pytest.raises(EmbeddingsUnavailable) as caught:
        embed(EmbeddingServer(played.url, MODEL), ["a"])
    assert 60 < int(caught.value.headers["Retry-After"]) <= 91


def test_a_server_that_is_silent_or_not_there() -> None:
    with embedding_server() as played:
        played.faults.append(Fault(sleep=1.0))
        with pytest.raises(EmbeddingsUnavailable, match="within 0"):
            embed(EmbeddingServer(played.url, MODEL), ["a"], timeout=0.2)
    with pytest.raises(EmbeddingsUnavailable, match="OTOLITH_LANGUAGE_URL"):
        embed(EmbeddingServer(f"http://127.0.0.1:{free_port()}", MODEL), ["a"])


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(401, '{"error": {"message": "Incorrect API key provided."}}'), "OTOLITH_LANGUAGE_KEY"),
        (Fault(400, '{"error": "the input length exceeds the context length"}'), "exceeds the context length"),
        (Fault(404, "404 page not found"), "its address"),
        (Fault(302, "", {"Location": "http://127.0.0.1:1/"}), "302"),
        (Fault(200, "<html>Welcome</html>"), "no JSON object"),
        (Fault(200, "[1, 2]"), "no JSON object"),
        (Fault(200, "[" * 100_000), "no JSON object"),
        (Fault(200, "{}"), "0 vectors for 2 texts"),
        (Fault(200, json.dumps({"embeddings": []})), "0 vectors for 2 texts"),
        (Fault(200, json.dumps({"embeddings": [[1.0, 2.0]]})), "1 vectors for 2 texts"),
        (Fault(200, json.dumps({"embeddings": [[1.0, 2.0], [1.0]]})), "different lengths"),
        (Fault(200, json.dumps({"embeddings": [[1.0, None], [1.0, 2.0]]})), "infinite"),
        (Fault(200, json.dumps({"embeddings": [["a", "b"], ["c", "d"]]})), "no number"),
        (Fault(200, json.dumps({"embeddings": [[], []]})), "empty"),
        (Fault(200, json.dumps({"embeddings": [[0.0, 0.0], [1.0, 2.0]]})), "zero"),
        (Fault(200, json.dumps({"embeddings": [[1e400, 0.0], [1.0, 2.0]]})), "infinite"),
    ],
)
def test_what_a_person_has_to_mend_is_said(fault: Fault, said: str, played: EmbeddingsPlayed) -> None:
    played.faults.append(fault)
    with pytest.raises(EmbeddingsRefused) as caught:
        embed(EmbeddingServer(played.url, MODEL), ["a", "b"])
    assert said in caught.value.detail
    assert caught.value.status == 502


@pytest.mark.parametrize("protocol", ["ollama", "openai"])
def test_a_model_that_the_server_lacks_is_named(
    protocol: Literal["ollama", "openai"], played: EmbeddingsPlayed
) -> None:
    with pytest.raises(EmbeddingsRefused, match=r"try pulling it first.*has the model mistral"):
        embed(EmbeddingServer(played.url, "mistral", protocol), ["a"])


def test_openai_answers_that_are_none(played: EmbeddingsPlayed) -> None:
    for body in ('{"data": 3}', '{"data": [1]}', '{"data": [{"index": 5, "embedding": [1.0]}]}'):
        played.faults.append(Fault(200, body))
        with pytest.raises(EmbeddingsRefused):
            embed(EmbeddingServer(played.url, MODEL, "openai"), ["a"])


def test_the_settings_name_a_server_only_with_a_model() -> None:
    assert server_of(LanguageSettings()) is None
    settings = LanguageSettings(embedding_model=MODEL, protocol="openai", key=SecretStr("k"))
    assert server_of(settings) == EmbeddingServer("http://127.0.0.1:11434", MODEL, "openai", "k", 60)


def test_no_error_tells_a_secret(played: EmbeddingsPlayed) -> None:
    host = played.url.removeprefix("http://")
    played.faults.append(Fault(500, ""))
    for address, key in [
        (f"http://ada:hunter2@{host}", None),
        (f"http://ada:hunter2@127.0.0.1:{free_port()}", None),
        ("http://ada:hunter2#@127.0.0.1:1", None),
        (f"{played.url}?key=hunter2", None),
        (played.url, "hunter2\n"),
        (played.url, "hunter2é"),
    ]:
        with pytest.raises((EmbeddingsUnavailable, EmbeddingsRefused)) as caught:
            embed(EmbeddingServer(address, MODEL, key=key), ["a"])
        assert "hunter2" not in caught.value.detail


def test_a_key_read_from_a_file_may_end_with_its_line() -> None:
    server = server_of(LanguageSettings(key=SecretStr("secret\n"), embedding_model=MODEL))
    assert server is not None
    assert server.key == "secret"
