"""Writing what became of a job; every write names its fence, and one with an old fence changes nothing."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    bindparam,
    case,
    func,
    literal,
    literal_column,
    null,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate, Update

from otolith.jobs.claiming import Claimed
from otolith.jobs.clauses import clock, clock_after, virtual_start
from otolith.jobs.models import Job
from otolith.jobs.outcomes import LeaseLost

JOBS: Table = Job.__table__  # type: ignore[assignment]
HEAD_OF_LINE = virtual_start(JOBS.c.lane, JOBS.c.priority, null())
CHILDREN_FAILED = "ChildrenFailed"

# The moment of the claim belongs to the fence: a crash of PostgreSQL can take a claim back that had not reached the
# disk, and then the next claim is given the same number while the first one's worker still lives.
_HELD = (
    JOBS.c.id == bindparam("job"),
    JOBS.c.fence == bindparam("holder"),
    JOBS.c.started_at == bindparam("claimed_at"),
    JOBS.c.state == literal_column("'running'"),
)
_CANCELLED: ColumnElement[str] = literal_column("'cancelled'")
_LET_GO = {"lease_until": None, "worker": None, "eta_seconds": None}


def _held_update() -> Update:
    return update(JOBS).where(*_HELD)


def _by(job: Claimed, **values: Any) -> dict[str, Any]:
    """The parameters of a statement that only the holder of this claim may run."""
    return {"job": job.id, "holder": job.fence, "claimed_at": job.started_at} | values


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one run.

    `succeeded`, `dead` and `cancelled` are final; `retrying` waits `seconds`; `queued` goes back as if the run had not
    begun, at once or, with `seconds`, for later.
    """

    state: str
    result: dict[str, Any] | None = None
    error: str | None = None
    error_kind: str | None = None
    seconds: float = 0.0


# A parent of children never ends by itself: it waits, and `settle` ends it.
_SUCCEED = (
    _held_update()
    .values(
        state=case((JOBS.c.children > 0, literal_column("'waiting'")), else_=literal_column("'succeeded'")),
        finished_at=case((JOBS.c.children > 0, null()), else_=clock()),
        # The last steps of a job are seldom told; what has succeeded is done all the same.
        progress_done=case(
            (JOBS.c.children > 0, JOBS.c.progress_done),
            else_=func.coalesce(JOBS.c.progress_total, JOBS.c.progress_done),
        ),
        result=bindparam("b_result", type_=JOBS.c.result.type),
        error=None,
        error_kind=None,
        **_LET_GO,
    )
    .returning(JOBS.c.state, JOBS.c.cancel_requested)
)
_END = _held_update().values(
    state=bindparam("b_state"),
    finished_at=clock(),
    error=bindparam("b_error"),
    error_kind=bindparam("b_kind"),
    cancel_requested=False,
    **_LET_GO,
)
# Somebody may have cancelled the job while its handler was about to fail or to give it back.
_ASKED_TO_END = JOBS.c.cancel_requested
_RETRY = (
    _held_update()
    .values(
        state=case((_ASKED_TO_END, _CANCELLED), else_=literal_column("'retrying'")),
        due_at=case((_ASKED_TO_END, null()), else_=clock_after(bindparam("b_seconds"))),
        finished_at=case((_ASKED_TO_END, clock()), else_=null()),
        error=bindparam("b_error"),
        error_kind=bindparam("b_kind"),
        cancel_requested=False,
        **_LET_GO,
    )
    .returning(JOBS.c.state)
)
_GIVE_BACK = (
    _held_update()
    .values(
        state=case((_ASKED_TO_END, _CANCELLED), else_=literal_column("'queued'")),
        finished_at=case((_ASKED_TO_END, clock()), else_=null()),
        attempt=JOBS.c.attempt - 1,
        virtual_start=HEAD_OF_LINE,
        note=func.coalesce(bindparam("b_error"), JOBS.c.note),
        cancel_requested=False,
        **_LET_GO,
    )
    .returning(JOBS.c.state)
)
_POSTPONE = _GIVE_BACK.values(
    due_at=case((_ASKED_TO_END, null()), else_=clock_after(bindparam("b_seconds"))),
)


def finish(connection: Connection, job: Claimed, outcome: Outcome) -> str:
    """Write the outcome of a run and return the job's new state; `LeaseLost` where another may run it by now."""
    failure = _by(job, b_error=outcome.error, b_kind=outcome.error_kind)
    state = outcome.state
    if state == "succeeded":
        row = connection.execute(_SUCCEED, _by(job, b_result=outcome.result)).first()
        if row is None:
            raise LeaseLost
        state = row.state
        if state == "waiting" and row.cancel_requested:
            # Its children were made after it was cancelled, or it never asked.
            cancel_tree(connection, job.id)
        elif state == "waiting":
            settle(connection, [job.id])
    elif state == "retrying":
        state = _new_state(connection, _RETRY, failure | {"b_seconds": outcome.seconds})
    elif state == "queued":
        again = _POSTPONE if outcome.seconds else _GIVE_BACK
        more = {"b_seconds": outcome.seconds} if outcome.seconds else {}
        state = _new_state(connection, again, _by(job, b_error=outcome.error) | more)
    else:
        if state == "cancelled":
            _lock_tree(connection, job.id)
        _must_hold(connection, _END, failure | {"b_state": state})
    if state == "cancelled":
        cancel_tree(connection, job.id)
    if job.parent_id is not None and state in ("succeeded", "dead", "cancelled"):
        count_done(connection, {job.parent_id: 1})
    return state


def _must_hold(connection: Connection, statement: Update, parameters: dict[str, Any]) -> None:
    if connection.execute(statement, parameters).rowcount != 1:
        raise LeaseLost


def _new_state(connection: Connection, statement: ReturningUpdate[Any], parameters: dict[str, Any]) -> str:
    row = connection.execute(statement, parameters).first()
    if row is None:
        raise LeaseLost
    return str(row.state)


_ADVANCE = _held_update().values(checkpoint=bindparam("b_checkpoint", type_=JOBS.c.checkpoint.type))
_STILL_HELD = _held_update().values(fence=JOBS.c.fence)


def advance(connection: Connection, job: Claimed, checkpoint: dict[str, Any] | None) -> None:
    """Make the transaction depend on the lease, and keep the checkpoint with its effects."""
    if checkpoint is None:
        _must_hold(connection, _STILL_HELD, _by(job))
    else:
        _must_hold(connection, _ADVANCE, _by(job, b_checkpoint=checkpoint))


_RENEW = _held_update().values(lease_until=clock_after(bindparam("b_seconds"))).returning(JOBS.c.cancel_requested)
_LOOK = select(JOBS.c.cancel_requested).where(*_HELD)


def renew(connection: Connection, job: Claimed, seconds: float) -> bool:
    """Hold the lease for `seconds` more; whether somebody asked to cancel the job."""
    row = connection.execute(_RENEW, _by(job, b_seconds=seconds)).first()
    if row is None:
        raise LeaseLost
    return bool(row.cancel_requested)


def is_cancelled(connection: Connection, job: Claimed) -> bool:
    """Whether somebody asked to cancel the job; `LeaseLost` where the lease is gone."""
    row = connection.execute(_LOOK, _by(job)).first()
    if row is None:
        raise LeaseLost
    return bool(row.cancel_requested)


_PROGRESS = _held_update().values(
    progress_done=bindparam("b_done"),
    progress_total=bindparam("b_total"),
    note=bindparam("b_note"),
    eta_seconds=bindparam("b_eta"),
    told_at=clock(),
)


def tell_progress(
    connection: Connection, job: Claimed, done: int, total: int | None, note: str | None, eta: float | None
) -> None:
    _must_hold(connection, _PROGRESS, _by(job, b_done=done, b_total=total, b_note=note, b_eta=eta))


# The elapsed part of a waiting parent's work tells how long the rest will take.
_TELL_AGAIN = JOBS.c.told_at.is_(None) | (JOBS.c.told_at < clock_after(-0.5))
_COUNT_DONE = (
    update(JOBS)
    .where(JOBS.c.id == bindparam("job"))
    .values(
        children_done=JOBS.c.children_done + bindparam("b_more"),
        progress_done=case(
            ((JOBS.c.state == "waiting") & _TELL_AGAIN, JOBS.c.children_done + bindparam("b_more")),
            else_=JOBS.c.progress_done,
        ),
        progress_total=case(((JOBS.c.state == "waiting") & _TELL_AGAIN, JOBS.c.children), else_=JOBS.c.progress_total),
        told_at=case(((JOBS.c.state == "waiting") & _TELL_AGAIN, clock()), else_=JOBS.c.told_at),
    )
    .returning(JOBS.c.state, JOBS.c.children, JOBS.c.children_done)
)


def count_done(connection: Connection, ended: dict[UUID, int]) -> None:
    """Tell parents how many more of their children have ended, and end those that waited for the last."""
    complete = []
    # In a fixed order, so that two transactions that end children of the same parents cannot block each other.
    for parent in sorted(ended):
        row = connection.execute(_COUNT_DONE, {"job": parent, "b_more": ended[parent]}).first()
        if row is not None and row.state == "waiting" and row.children_done >= row.children:
            complete.append(parent)
    if complete:
        settle(connection, complete)


_CHILD = JOBS.alias("child")
_UNFINISHED_CHILD = select(_CHILD.c.id).where(_CHILD.c.parent_id == JOBS.c.id, _CHILD.c.finished_at.is_(None)).exists()
_DEAD_CHILDREN = select(func.count()).where(_CHILD.c.parent_id == JOBS.c.id, _CHILD.c.state == "dead").scalar_subquery()


def settle(connection: Connection, parents: Iterable[UUID]) -> None:
    """End the parents among these that wait for no child any more, and then their own parents."""
    query = select(
        JOBS.c.id, JOBS.c.parent_id, JOBS.c.children, JOBS.c.cancel_requested, _DEAD_CHILDREN.label("dead")
    ).where(JOBS.c.id.in_(list(parents)), JOBS.c.state == "waiting", ~_UNFINISHED_CHILD)
    ended: Counter[UUID] = Counter()
    for row in connection.execute(query).all():
        failed = f"{row.dead} of {row.children} child jobs failed." if row.dead else None
        state = "cancelled" if row.cancel_requested else "dead" if failed else "succeeded"
        statement = (
            update(JOBS)
            .where(JOBS.c.id == row.id, JOBS.c.state == "waiting")
            .values(
                state=state,
                finished_at=clock(),
                error=failed,
                error_kind=CHILDREN_FAILED if failed else None,
                children_done=JOBS.c.children,
                progress_done=JOBS.c.children,
                progress_total=JOBS.c.children,
                cancel_requested=False,
                **_LET_GO,
            )
        )
        if connection.execute(statement).rowcount == 1 and row.parent_id is not None:
            ended[row.parent_id] += 1
    if ended:
        count_done(connection, dict(ended))


def _tree(root: UUID) -> Any:
    tree = select(JOBS.c.id, literal(0).label("depth")).where(JOBS.c.id == root).cte("tree", recursive=True)
    return tree.union_all(select(_CHILD.c.id, tree.c.depth + 1).where(_CHILD.c.parent_id == tree.c.id))


def _lock_tree(connection: Connection, root: UUID) -> None:
    """Let nobody else change what is unfinished in this tree until the transaction ends.

    Children before their parents, as a job that ends does it; the other way round two of them would wait for each
    other. SQLite has one writer anyway.
    """
    if connection.dialect.name == "sqlite":
        return
    tree = _tree(root)
    unfinished = select(JOBS.c.id).join(tree, tree.c.id == JOBS.c.id).where(JOBS.c.finished_at.is_(None))
    connection.execute(unfinished.order_by(tree.c.depth.desc(), JOBS.c.id).with_for_update(of=JOBS)).all()


def cancel_tree(connection: Connection, root: UUID) -> int:
    """Cancel a job and all that descends from it: what has not begun ends at once, what runs is asked to end."""
    # A job that is claimed just now must be met either by the first statement or by the second.
    _lock_tree(connection, root)
    ids = select(_tree(root).c.id)
    connection.execute(
        update(JOBS).where(JOBS.c.id.in_(ids), JOBS.c.state.in_(("running", "waiting"))).values(cancel_requested=True)
    )
    rows = connection.execute(
        update(JOBS)
        .where(JOBS.c.id.in_(ids), JOBS.c.state.in_(("queued", "retrying")))
        .values(state="cancelled", finished_at=clock(), due_at=None, **_LET_GO)
        .returning(JOBS.c.parent_id)
    ).all()
    ended = Counter(row.parent_id for row in rows if row.parent_id is not None)
    count_done(connection, dict(ended))
    # A parent whose children had all ended just now, or long ago, waits for nobody.
    waiting = select(JOBS.c.id).where(JOBS.c.id.in_(ids), JOBS.c.state == "waiting")
    settle(connection, connection.execute(waiting).scalars().all())
    return len(rows)


# Longer than anybody lets work lie, and a moment that every database and calendar can hold.
_HELD_SECONDS = 10 * 365 * 24 * 3600.0
_ASLEEP = JOBS.c.state.in_(("queued", "retrying"))


def hold(connection: Connection, root: UUID) -> int:
    """Let nothing of this tree begin until it is released; what runs goes on. How many jobs now wait."""
    _lock_tree(connection, root)
    mine = update(JOBS).where(JOBS.c.root_id == root, JOBS.c.finished_at.is_(None), _ASLEEP)
    return connection.execute(mine.values(due_at=clock_after(literal(_HELD_SECONDS)))).rowcount


def release(connection: Connection, root: UUID) -> list[str]:
    """Let what sleeps in this tree begin at once, each job at its place in line; the lanes to ring for."""
    _lock_tree(connection, root)
    mine = update(JOBS).where(JOBS.c.root_id == root, JOBS.c.finished_at.is_(None), _ASLEEP, JOBS.c.due_at.is_not(None))
    lanes = connection.execute(mine.values(state="queued", due_at=None).returning(JOBS.c.lane)).scalars()
    return sorted(set(lanes))


def requeue(connection: Connection, job_id: UUID) -> list[str]:
    """Give a job that ended badly, or sleeps, a new chance at once; the lanes to ring for.

    It wakes the children that ended as badly as it did. A parent that died of nothing but its children waits for them
    again; any other runs again itself. Attempts begin anew, and checkpoints stay.
    """
    row = connection.execute(
        select(JOBS.c.state, JOBS.c.parent_id, JOBS.c.error_kind, JOBS.c.children).where(JOBS.c.id == job_id)
    ).one()
    ended = row.state in ("dead", "cancelled")
    lanes: list[str] = []
    if ended and row.children:
        bad = ("dead",) if row.state == "dead" else ("dead", "cancelled")
        children = select(JOBS.c.id).where(JOBS.c.parent_id == job_id, JOBS.c.state.in_(bad)).order_by(JOBS.c.id)
        for child in connection.execute(children).scalars().all():
            lanes += requeue(connection, child)
        if lanes and row.error_kind == CHILDREN_FAILED:
            return lanes
    # Its first child that came back has let it wait again.
    reopened = bool(lanes)
    statement = (
        update(JOBS)
        .where(JOBS.c.id == job_id, JOBS.c.state == ("waiting" if reopened else row.state))
        .values(
            state="queued", attempt=0, due_at=None, finished_at=None, virtual_start=HEAD_OF_LINE,
            cancel_requested=False, **_LET_GO,
        )
        .returning(JOBS.c.lane)
    )  # fmt: skip
    own = list(connection.execute(statement).scalars())
    if own and ended and not reopened and row.parent_id is not None:
        _reopen(connection, row.parent_id)
    return lanes + own


def _reopen(connection: Connection, parent: UUID) -> None:
    """Let a parent wait for a child that has come back, and so on upwards."""
    # Locked before it is looked at: another child may be about to end it.
    mine = select(JOBS.c.state, JOBS.c.parent_id).where(JOBS.c.id == parent).with_for_update()
    row = connection.execute(mine).one()
    ended = row.state in ("succeeded", "dead", "cancelled")
    values: dict[str, Any] = {"children_done": JOBS.c.children_done - 1}
    if ended:
        values |= {"state": "waiting", "finished_at": None, "error": None, "error_kind": None}
    connection.execute(update(JOBS).where(JOBS.c.id == parent).values(**values))
    if ended and row.parent_id is not None:
        _reopen(connection, row.parent_id)
