"""What callers are told of a job: paths of the server's machine are for its administrators alone."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from otolith.core.actor import Actor
from otolith.core.server_paths import cut_down, last_name
from otolith.jobs.models import Job


def error_told(job: Job, actor: Actor) -> str | None:
    """Why the last run of a job did not succeed."""
    if job.error is None or actor.is_admin:
        return job.error
    return cut_down(job.error, [unquote(text) for text in _paths_in(job.payload)])


def told(value: Any, actor: Actor) -> Any:
    """What a job was given, brought forth or noted, as the caller is told it."""
    return value if actor.is_admin else _without_paths(value)


def _without_paths(value: Any) -> Any:
    if isinstance(value, str):
        return last_name(value) if value.startswith("/") else cut_down(value)
    if isinstance(value, list):
        return [_without_paths(one) for one in value]
    if isinstance(value, dict):
        return {name: _without_paths(one) for name, one in value.items()}
    return value


def _paths_in(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value.startswith("/"):
        yield value
    elif isinstance(value, list | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _paths_in(one)
