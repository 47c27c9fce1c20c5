"""Logs: one form for everything, with ids, and without secrets."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from otolith.accounts.credentials import new_secret
from otolith.core.logging import configure_logging
from otolith.core.settings import LogSettings, Settings


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Leave the log of the test run as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def told(settings: Settings, stream: io.StringIO | None = None, **fields: Any) -> str:
    stream = stream or io.StringIO()
    configure_logging(settings, stream=stream)
    structlog.get_logger("otolith.test").info("test.log.told", **fields)
    return stream.getvalue()


def test_machines_get_json_with_the_request_it_belongs_to(tmp_path: Path) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        line = json.loads(told(Settings(data=tmp_path), number=7))
    assert line["event"] == "test.log.told"
    assert (line["number"], line["request_id"], line["level"], line["logger"]) == (7, "r1", "info", "otolith.test")
    assert line["timestamp"].endswith("Z")


def test_a_terminal_gets_text_unless_told_otherwise(tmp_path: Path) -> None:
    assert not told(Settings(data=tmp_path), Terminal()).startswith("{")
    as_json = Settings(data=tmp_path, log=LogSettings(format="json"))
    assert told(as_json, Terminal()).startswith("{")


@pytest.mark.parametrize(
    "fields",
    [
        {"password": "hunter2"},
        {"api_key": "hunter2"},
        {"Authorization": "Bearer hunter2"},
        {"set_cookie": "hunter2"},
        {"secret_key": "hunter2"},
        {"url": "redis://:hunter2@host/0"},
        {"url": "postgresql://otolith:hunter2@host/db"},
    ],
)
def test_secrets_are_hidden_by_name_and_by_shape(tmp_path: Path, fields: dict[str, Any]) -> None:
    line = told(Settings(data=tmp_path), **fields)
    assert "hunter2" not in line
    assert "[hidden]" in line


def test_the_id_of_a_token_is_no_secret(tmp_path: Path) -> None:
    assert "1234" in told(Settings(data=tmp_path), token_id="1234")


def test_libraries_speak_in_the_same_form_and_chatty_ones_less(tmp_path: Path) -> None:
    stream = io.StringIO()
    configure_logging(Settings(data=tmp_path), stream=stream)
    logging.getLogger("some.library").warning("it %s", "happened")
    logging.getLogger("celery.worker").info("step")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["it happened"]


def test_a_file_gets_json_as_well(tmp_path: Path) -> None:
    file = tmp_path / "logs" / "otolith.log"
    told(Settings(data=tmp_path, log=LogSettings(file=file)), Terminal(), number=7)
    assert json.loads(file.read_text())["number"] == 7


def test_the_level_and_debug_decide_what_is_told(tmp_path: Path) -> None:
    assert told(Settings(data=tmp_path, log=LogSettings(level="error"))) == ""
    stream = io.StringIO()
    configure_logging(Settings(data=tmp_path, debug=True), stream=stream)
    structlog.get_logger("otolith.test").debug("test.log.detail")
    assert "test.log.detail" in stream.getvalue()


def test_an_error_brings_its_traceback(tmp_path: Path) -> None:
    stream = io.StringIO()
    configure_logging(Settings(data=tmp_path), stream=stream)
    try:
        raise KeyError("where")
    except KeyError:
        structlog.get_logger("otolith.test").exception("test.log.failed")
    assert "KeyError: 'where'" in json.loads(stream.getvalue())["exception"]


def test_a_traceback_tells_no_password_either(tmp_path: Path) -> None:
    stream = io.StringIO()
    configure_logging(Settings(data=tmp_path), stream=stream)
    try:
        raise OSError("cannot reach amqp://otolith:hunter2@host/")
    except OSError:
        structlog.get_logger("otolith.test").exception("test.log.failed")
        logging.getLogger("some.library").exception("it happened")
    assert "hunter2" not in stream.getvalue()
    lines = stream.getvalue().splitlines()
    assert ["amqp://otolith:[hidden]@host" in line for line in lines] == [True, True]


def test_nobody_steers_the_terminal_by_what_they_ask_for(tmp_path: Path) -> None:
    line = told(Settings(data=tmp_path, log=LogSettings(format="text")), path="/\x1b[2J\x07é\u202e")
    assert "/\\x1b[2J\\x07é\\u202e" in line
    assert line.strip("\n").isprintable()


@pytest.mark.parametrize("path", ["/auth/confirm/{}/", "/api/shared/{}/stream", "https://otolith.example/shared/{}"])
def test_the_secret_of_a_link_is_in_no_line(tmp_path: Path, path: str) -> None:
    secret = new_secret()
    line = told(Settings(data=tmp_path), path=path.format(secret), folder="/mnt/shared/music")
    assert secret not in line
    assert path.partition("{")[0] in line
    assert "/mnt/shared/music" in line
