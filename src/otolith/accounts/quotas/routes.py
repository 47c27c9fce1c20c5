"""Quotas over HTTP: what was used, and for administrators how much there may be."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path

from otolith.accounts.quotas import service
from otolith.accounts.quotas.kinds import NoSuchQuota, SubjectKind
from otolith.accounts.quotas.schemas import AllQuotasOut, QuotaIn, QuotasOut
from otolith.core.errors import NotAllowed, NotFound, NotSignedIn, responses
from otolith.core.http import Ctx, CurrentActor

router = APIRouter(tags=["accounts"])

Kind = Annotated[str, Path(max_length=40, description="`storage`, `jobs`, `speech` or `lookups.PROVIDER`.")]


@router.get("/quotas", summary="What you may use", responses=responses(NotSignedIn))
def list_quotas(context: Ctx, actor: CurrentActor) -> AllQuotasOut:
    """Your own quotas and those of your workspaces, with what is left of each."""
    return AllQuotasOut(items=[QuotasOut.of(found) for found in service.of_actor(context, actor)])


@router.get(
    "/quotas/{subject}/{subject_id}", summary="What somebody may use", responses=responses(NotSignedIn, NotFound)
)
def get_quotas(subject: SubjectKind, subject_id: UUID, context: Ctx, actor: CurrentActor) -> QuotasOut:
    """The quotas of one user or workspace; administrators see all, others their own."""
    return QuotasOut.of(service.holder(context, actor, subject, subject_id))


_CHANGES = responses(NotSignedIn, NotAllowed, NoSuchQuota)


@router.put("/quotas/{subject}/{subject_id}/{kind}", summary="Set a quota", responses=_CHANGES)
def set_quota(
    subject: SubjectKind, subject_id: UUID, kind: Kind, body: QuotaIn, context: Ctx, actor: CurrentActor
) -> QuotasOut:
    """Give one user or workspace a bound of its own; for administrators."""
    return QuotasOut.of(service.change(context, actor, subject, subject_id, kind, body.amount))


@router.post("/quotas/{subject}/{subject_id}/{kind}/reset", summary="Reset a quota", responses=_CHANGES)
def reset_quota(subject: SubjectKind, subject_id: UUID, kind: Kind, context: Ctx, actor: CurrentActor) -> QuotasOut:
    """Let what was used count no more; for administrators. Stored files and running jobs count as before."""
    return QuotasOut.of(service.renew(context, actor, subject, subject_id, kind))
