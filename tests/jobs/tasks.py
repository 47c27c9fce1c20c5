"""Tasks that the tests of the ledger run, and a place where handlers leave traces."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import update
from sqlalchemy.orm import Session

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.jobs.models import Job
from otolith.jobs.service import LANES, Contract, Handlers, Run, get_job, handles, submit
from otolith.jobs.slot import Slot


class Note(BaseModel):
    """A word to hand to the handler."""

    word: str = ""
    number: int = 0


NOTE = Contract("test.note", version=2, payload=Note, lane="maintenance")
FAN = Contract("test.fan", version=1, payload=Note, lane="index")
BRIEF = Contract("test.brief", version=1, payload=Note, lane="audio", max_attempts=2, hard_seconds=0.5)

Work = Callable[[Run, Note], dict[str, Any] | None]


def nothing(_run: Run, _payload: Note) -> None:
    return None


@dataclass
class Bench:
    """A slot whose handlers each test puts in place."""

    context: Context
    works: dict[str, Work] = field(default_factory=dict)
    slots: list[Slot] = field(default_factory=list)

    def does(self, contract: Contract[Note], work: Work) -> None:
        self.works[contract.task] = work

    @property
    def handlers(self) -> Handlers:
        return Handlers(handles(contract)(self.works.get(contract.task, nothing)) for contract in (NOTE, FAN, BRIEF))

    def slot(self, name: str = "bench") -> Slot:
        slot = Slot(self.context, self.handlers, name)
        self.slots.append(slot)
        return slot

    def work(self) -> int:
        """Run everything that is due; how many runs that took."""
        return self.slot().work(LANES)[0]

    def submit(self, contract: Contract[Note] = NOTE, word: str = "", **options: Any) -> UUID:
        with self.context.database.write(SYSTEM) as session:
            return submit(session, contract, Note(word=word), **options)

    def job(self, job_id: UUID) -> Job:
        with self.context.database.read(SYSTEM) as session:
            return get_job(session, SYSTEM, job_id)

    def alter(self, job_id: UUID, **values: Any) -> None:
        with self.context.database.write(SYSTEM) as session:
            session.execute(update(Job).where(Job.id == job_id).values(**values))

    @contextmanager
    def writing(self) -> Iterator[Session]:
        with self.context.database.write(SYSTEM) as session:
            yield session

    def close(self) -> None:
        for slot in self.slots:
            slot.close()
