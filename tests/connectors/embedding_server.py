"""A server on loopback that makes vectors of texts as Ollama and OpenAI's servers do, and fails as it is told."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from zlib import crc32

DIMENSIONS = 384
MODEL = "bag-of-words"


@dataclass
class Fault:
    """What is answered instead of vectors."""

    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    sleep: float = 0.0


def bag_of_words(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """A vector in which every word has its place, so that texts which share words are alike."""
    vector = [0.01] * dimensions
    for word in text.casefold().replace(",", " ").replace(".", " ").replace(":", " ").split():
        vector[crc32(word.encode()) % dimensions] += 1.0
    return vector


class EmbeddingsPlayed:
    """The server: `asked` holds the texts of every call, `faults` what is answered first, in turn.

    Texts with the word `poison` are refused, and with them all that come in the same call.
    """

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.keys: list[str | None] = []
        self.faults: list[Fault] = []
        self.poison: str | None = None
        self.dimensions = DIMENSIONS
        self.url = ""

    def answer(self, path: str, body: dict[str, Any], key: str | None) -> tuple[int, Any]:
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        self.asked.append(texts)
        self.keys.append(key)
        if body["model"] != MODEL:
            said = f'model "{body["model"]}" not found, try pulling it first'
            return 404, {"error": said if path == "/api/embed" else {"message": said, "type": "api_error"}}
        if self.poison is not None and any(self.poison in text for text in texts):
            return 400, {"error": "input cannot be processed"}
        vectors = [bag_of_words(text, self.dimensions) for text in texts]
        if path == "/api/embed":
            return 200, {"model": MODEL, "embeddings": vectors, "total_duration": 14143917, "prompt_eval_count": 8}
        data = [{"object": "embedding", "index": n, "embedding": vector} for n, vector in enumerate(vectors)]
        usage = {"prompt_tokens": 8, "total_tokens": 8}
        return 200, {"object": "list", "data": data[::-1], "model": MODEL, "usage": usage}


def _handler(played: EmbeddingsPlayed) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path not in ("/api/embed", "/v1/embeddings"):
                self._send(404, b"404 page not found", {})
            elif played.faults:
                fault = played.faults.pop(0)
                time.sleep(fault.sleep)
                self._send(fault.status, fault.body.encode(), fault.headers)
            else:
                status, document = played.answer(self.path, body, self.headers.get("Authorization"))
                self._send(status, json.dumps(document).encode(), {"Content-Type": "application/json"})

        def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """A client that went away is what some tests are about."""


@contextmanager
def embedding_server() -> Iterator[EmbeddingsPlayed]:
    played = EmbeddingsPlayed()
    server = _Quiet(("127.0.0.1", 0), _handler(played))
    played.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield played
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
