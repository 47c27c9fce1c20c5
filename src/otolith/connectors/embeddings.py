"""Vectors of texts from a server: Ollama's `/api/embed`, or `/v1/embeddings` of any that speaks OpenAI's protocol."""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final, Literal

import httpx
import numpy as np
from numpy.typing import NDArray

from otolith.core.errors import AppError, NotAvailable
from otolith.core.outbound import Outbound, outbound_client
from otolith.core.settings import LanguageSettings

_LARGEST: Final = 50_000_000
_LONGEST_WAIT: Final = 3600


class EmbeddingsUnavailable(NotAvailable):
    """The server that makes vectors of texts does not answer at the moment; try again later."""


class EmbeddingsRefused(AppError):
    """The server that makes vectors of texts refused, or gave an answer that is none."""

    status = 502


@dataclass(frozen=True, slots=True)
class EmbeddingServer:
    """Where texts are sent, and what is asked for there."""

    url: str
    model: str
    protocol: Literal["ollama", "openai"] = "ollama"
    key: str | None = None
    timeout: float = 60.0


def server_of(settings: LanguageSettings) -> EmbeddingServer | None:
    """The server that the settings name, or None where no model is set."""
    if not settings.embedding_model:
        return None
    key = settings.key.get_secret_value().strip() if settings.key is not None else ""
    return EmbeddingServer(settings.url, settings.embedding_model, settings.protocol, key or None, settings.timeout)


def embed(server: EmbeddingServer, texts: Sequence[str], *, timeout: float | None = None) -> NDArray[np.float32]:
    """Unit vectors (n, d) for n texts, in one call.

    Raises `EmbeddingsUnavailable` for what may pass by itself, with the pause that the server asked for, and
    `EmbeddingsRefused` for what a person has to mend.
    """
    base = server.url.rstrip("/")
    if server.protocol == "ollama":
        address = f"{base}/api/embed"
        body: dict[str, Any] = {"model": server.model, "input": list(texts), "truncate": True}
    else:
        address = f"{base.removesuffix('/v1')}/v1/embeddings"
        body = {"model": server.model, "input": list(texts), "encoding_format": "float"}
    document = _call(server, address, body, timeout or server.timeout)
    rows = document.get("embeddings") if server.protocol == "ollama" else _in_order(document.get("data"))
    return _unit_vectors(server, rows, len(texts))


def _call(server: EmbeddingServer, address: str, body: dict[str, Any], timeout: float) -> dict[str, Any]:
    if server.key and not (server.key.isascii() and server.key.isprintable() and server.key == server.key.strip()):
        raise EmbeddingsRefused("OTOLITH_LANGUAGE_KEY holds what no key can: a space, a line break or an odd letter.")
    headers = {"Authorization": f"Bearer {server.key}"} if server.key else {}
    named = _named(address)
    try:
        # Whoever set the address may well mean a server of the own network; where it leads to otherwise, it may not.
        transport = Outbound(hosts=[httpx.URL(address).host])
        with (
            outbound_client(transport, timeout=httpx.Timeout(timeout, connect=min(timeout, 10))) as client,
            client.stream("POST", address, json=body, headers=headers) as response,
        ):
            content = _read(response, named)
    except httpx.TimeoutException as error:
        detail = f"{named} gave no answer within {timeout:g} s. A model that was just loaded may need longer once."
        raise EmbeddingsUnavailable(detail) from error
    except httpx.InvalidURL as error:
        raise EmbeddingsUnavailable(f"{named} is no address. Check OTOLITH_LANGUAGE_URL.") from error
    except httpx.TransportError as error:
        detail = f"Nothing answers at {named}: {str(error).rstrip('.')}. Check OTOLITH_LANGUAGE_URL."
        raise EmbeddingsUnavailable(detail) from error
    if not response.is_success:
        raise _refusal(server, response, content)
    document = _json(response, content)
    if not isinstance(document, dict):
        raise EmbeddingsRefused(f"{named} gave no JSON object. Check OTOLITH_LANGUAGE_URL and _PROTOCOL.")
    return document


def _named(address: str) -> str:
    """An address as errors tell it, which reach the log and the members of workspaces: without what may be secret."""
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0].partition('#')[0]}"


def _read(response: httpx.Response, address: str) -> bytes:
    content = bytearray()
    for part in response.iter_bytes():
        content += part
        if len(content) > _LARGEST:
            raise EmbeddingsRefused(f"{address} gave an answer of more than {_LARGEST // 1_000_000} MB.")
    return bytes(content)


def _json(response: httpx.Response, content: bytes) -> Any:
    try:
        return httpx.Response(response.status_code, content=content).json()
    except (ValueError, RecursionError):
        return None


def _refusal(server: EmbeddingServer, response: httpx.Response, content: bytes) -> AppError:
    """What a status other than success means for whoever asked."""
    said = _said(_json(response, content))
    status = response.status_code
    passing = status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT) or status >= 500
    told = f"{_named(str(response.request.url))} answered {status}{f': {said}' if said else ''}."
    if passing:
        wait = _retry_after(response.headers.get("Retry-After", ""))
        return EmbeddingsUnavailable(told, headers={"Retry-After": str(wait)} if wait is not None else None)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return EmbeddingsRefused(f"{told} Check OTOLITH_LANGUAGE_KEY.")
    if status == HTTPStatus.NOT_FOUND:
        return EmbeddingsRefused(f"{told} Check that the server has the model {server.model}, and its address.")
    return EmbeddingsRefused(told)


def _said(document: Any) -> str:
    """The error's own words: Ollama's ``{"error": "…"}`` or OpenAI's ``{"error": {"message": "…"}}``."""
    error = document.get("error") if isinstance(document, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    return " ".join(message.split())[:300].rstrip(".") if isinstance(message, str) else ""


def _retry_after(value: str) -> int | None:
    """The pause in seconds that a `Retry-After` asks for, as a number or as a date (RFC 9110)."""
    if value.isascii() and value.isdecimal():
        return min(int(value[:9]), _LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return min(max(0, math.ceil((moment - dt.datetime.now(dt.UTC)).total_seconds())), _LONGEST_WAIT)


def _in_order(data: Any) -> list[Any] | None:
    """The vectors of OpenAI's answer by their index, whatever their order."""
    if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
        return None
    by_index = {one.get("index", place): one.get("embedding") for place, one in enumerate(data)}
    return [by_index.get(place) for place in range(len(data))]


def _unit_vectors(server: EmbeddingServer, rows: Any, count: int) -> NDArray[np.float32]:
    if not isinstance(rows, list) or len(rows) != count:
        found = len(rows) if isinstance(rows, list) else 0
        raise EmbeddingsRefused(f"{server.model} gave {found} vectors for {count} texts; is it a model for embeddings?")
    try:
        matrix = np.array(rows, np.float64)
    except (ValueError, TypeError) as error:
        raise EmbeddingsRefused(f"{server.model} gave vectors of different lengths, or what is no number.") from error
    norms = np.linalg.norm(matrix, axis=1, keepdims=True) if matrix.ndim == 2 and matrix.shape[1] else np.zeros(1)
    if not np.isfinite(norms).all() or not (norms > 0).all():
        raise EmbeddingsRefused(f"{server.model} gave vectors that are empty, zero or infinite.")
    return np.asarray(matrix / norms, np.float32)
