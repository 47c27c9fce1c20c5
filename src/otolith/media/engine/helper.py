"""The warm process that decodes, runs the engines and reads tags; `otolith.media.listening` is its other end.

Started as ``python -m otolith.media.engine.helper '{"life": 5, "idle": 60, "extra": []}'``. Requests come in on
standard input and replies go out on standard output, both as a stream of msgpack maps. It ends when its pipe
closes, when its parent dies, when nothing was asked for a while, or when it ran out of memory.
"""

import faulthandler
import gc
import importlib
import json
import os
import select
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any, Final

from otolith.media.engine import process
from otolith.media.engine.decode import listen
from otolith.media.engine.failures import ListenFailure
from otolith.media.engine.limits import MIB, Limits
from otolith.media.engine.probe import probe
from otolith.media.engine.sounding import sound_digest
from otolith.media.engine.tags import read_cover, read_tags

_EVERY: Final = 0.2

Reply = Callable[[dict[str, Any]], None]
Request = dict[str, Any]


class Service:
    """Answers one request after the other."""

    def __init__(self, reply: Reply, extra: tuple[str, ...]) -> None:
        self._reply = reply
        self._extra = extra
        self._last = 0.0
        self._calls: dict[str, Callable[[Request], Any]] = {
            "listen": self._listen,
            "probe": self._probe,
            "tags": self._tags,
            "cover": lambda request: read_cover(request["path"]),
            "picture": self._picture,
            "sound": lambda request: sound_digest(request["path"]),
            "ping": lambda _: {"pid": os.getpid()},
        }

    def answer(self, request: Request) -> bool:
        """Reply with a result or a failure; False where this process had better not go on."""
        try:
            process.bound_memory(Limits(**request["limits"]).memory_bytes)
            result = self._calls[request["call"]](request)
            self._reply({"done": result})
        except ListenFailure as failure:
            self._reply({"failed": [failure.kind, failure.detail]})
            return failure.kind != "memory"
        except MemoryError:
            gc.collect()
            self._reply({"failed": ["memory", "Analysing this file needs more memory than a sound file may have."]})
            return False
        except Exception as error:  # noqa: BLE001 - whatever a hostile file brings about, the caller gets an answer
            traceback.print_exc()
            detail = f"The decoder failed on this file ({type(error).__name__}: {error})."
            self._reply({"failed": ["crash", detail[:500]]})
            return False
        gc.collect()
        process.give_memory_back()
        return True

    def _progress(self, fraction: float, seconds: float) -> None:
        now = time.monotonic()
        if fraction >= 1.0 or now - self._last >= _EVERY:
            self._last = now
            self._reply({"progress": [fraction, seconds]})

    def _listen(self, request: Request) -> Any:
        engines = [process.engine_class(name, self._extra, importlib.import_module) for name in request["engines"]]
        heard = listen(request["path"], engines, Limits(**request["limits"]), self._progress)
        return heard.as_dict()

    def _probe(self, request: Request) -> Any:
        return asdict(probe(request["path"], Limits(**request["limits"])))

    def _picture(self, request: Request) -> Any:
        # Most helpers never see a picture, and need not hold Pillow in memory.
        from otolith.media.engine.picturing import picture_at, picture_in  # noqa: PLC0415

        found = (picture_in if request["embedded"] else picture_at)(request["path"])
        return None if found is None else asdict(found)

    def _tags(self, request: Request) -> Any:
        """Tags and quick keys of many files, each with its own failure; the answer comes in order."""
        out: list[dict[str, Any]] = []
        for index, path in enumerate(request["paths"]):
            try:
                out.append({"done": read_tags(path).as_dict()})
            except ListenFailure as failure:
                out.append({"failed": [failure.kind, failure.detail]})
            self._progress((index + 1) / len(request["paths"]), 0.0)
        return out


def requests(descriptor: int, idle: float) -> Iterator[Request]:
    """Requests as they come, until the pipe closes or nothing came for a while."""
    unpacker = process.unpacker()
    while select.select([descriptor], [], [], idle)[0]:
        data = os.read(descriptor, 1 << 16)
        if not data:
            return
        unpacker.feed(data)
        yield from unpacker


def main(argv: list[str]) -> int:
    options = json.loads(argv[1])
    process.die_with_parent(options["life"])
    # Whatever a library prints must not get between the replies.
    source, sink = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    os.dup2(null, 0)
    os.dup2(2, 1)
    faulthandler.enable()
    process.confine(files=128, written=64 * MIB)
    gc.freeze()
    service = Service(lambda message: process.write_all(sink, process.pack(message)), tuple(options["extra"]))
    for request in requests(source, options["idle"]):
        if not service.answer(request):
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
