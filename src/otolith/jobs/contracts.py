"""What a task is: its versioned payload, its lane and limits, and the function that does it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from otolith.jobs.outcomes import BadPayload, UnknownTask

if TYPE_CHECKING:
    from otolith.jobs.running import Run

Lane = Literal["interactive", "index", "audio", "speech", "language", "network", "maintenance"]
Priority = Literal["high", "normal", "low"]

LANES: tuple[Lane, ...] = get_args(Lane)
PRIORITIES: tuple[Priority, ...] = get_args(Priority)

Payload = TypeVar("Payload", bound=BaseModel)


@dataclass(frozen=True)
class Contract(Generic[Payload]):
    """The promise between who submits a job and who runs it; lives in a slice's `events`.

    `seed_names` are the names under which the four systems' guides know the task. `idempotent` says in one sentence
    why running it again does no harm.
    """

    task: str
    version: int = field(kw_only=True)
    payload: type[Payload] = field(kw_only=True)
    lane: Lane = field(kw_only=True)
    max_attempts: int | None = field(default=None, kw_only=True)
    soft_seconds: float | None = field(default=None, kw_only=True)
    hard_seconds: float | None = field(default=None, kw_only=True)
    seed_names: tuple[str, ...] = field(default=(), kw_only=True)
    idempotent: str = field(default="", kw_only=True)

    def read(self, version: int, document: Mapping[str, Any]) -> Payload:
        """The payload as its model; older versions are read by the same model, whose new fields have defaults."""
        if version > self.version:
            detail = (
                f"This job was written for version {version} of {self.task}, and this worker knows version "
                f"{self.version}. Upgrade the worker, then retry the job."
            )
            raise UnknownTask(detail)
        try:
            return self.payload.model_validate(document)
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'payload'}: {e['msg']}" for e in error.errors())
            detail = f"The payload does not fit version {self.version} of {self.task}: {faults}"
            raise BadPayload(detail) from error


Work = Callable[["Run", Any], "dict[str, Any] | None"]


@dataclass(frozen=True)
class Handler:
    """A contract with the function that fulfils it, and the rule by which it also runs by the clock.

    `every` is an interval in seconds, `cron` the five fields of a crontab in UTC; its payload is the model's default.
    """

    contract: Contract[Any]
    work: Work
    every: float | None = None
    cron: str | None = None

    @property
    def rule(self) -> str | None:
        if self.cron is not None:
            return f"cron {self.cron}"
        return None if self.every is None else f"every {self.every:g}"

    def __call__(self, run: "Run", payload: Any) -> dict[str, Any] | None:
        return self.work(run, payload)


def handles(
    contract: Contract[Payload], *, every: float | None = None, cron: str | None = None
) -> Callable[[Callable[["Run", Payload], dict[str, Any] | None]], Handler]:
    """Mark the function that does the work of a contract; `otolith.composition.HANDLERS` lists what this returns."""

    def decorate(work: Callable[["Run", Payload], dict[str, Any] | None]) -> Handler:
        return Handler(contract, work, every=every, cron=cron)

    return decorate


class Handlers:
    """The handlers that a worker knows, by task."""

    def __init__(self, handlers: Iterable[Handler]) -> None:
        self._by_task: dict[str, Handler] = {}
        for handler in handlers:
            task = handler.contract.task
            if task in self._by_task:
                message = f"Two handlers for {task}."
                raise ValueError(message)
            self._by_task[task] = handler

    def __iter__(self) -> Iterator[Handler]:
        return iter(self._by_task.values())

    def find(self, task: str) -> Handler:
        handler = self._by_task.get(task)
        if handler is None:
            detail = f"This worker does not know the task {task}. Upgrade the worker, then retry the job."
            raise UnknownTask(detail)
        return handler

    def get(self, task: str) -> Handler | None:
        return self._by_task.get(task)
