"""Where the slices meet: the context of a process, and who listens to whom."""

from functools import partial

from otolith.accounts import tidying
from otolith.accounts.links import jobs as mail_jobs
from otolith.accounts.quotas.events import UsageAsked
from otolith.accounts.quotas.service import hold_jobs
from otolith.core.context import Context, Hooks
from otolith.core.settings import Settings
from otolith.jobs import jobs as ledger_jobs
from otolith.jobs.opening import open_context
from otolith.jobs.service import Handler
from otolith.library import jobs as library_jobs
from otolith.library.catalogue import jobs as catalogue_jobs
from otolith.library.covers import jobs as cover_jobs
from otolith.library.covers.service import on_media_added as look_for_cover
from otolith.library.editing import jobs as editing_jobs
from otolith.library.health import jobs as health_jobs
from otolith.library.search import jobs as search_jobs
from otolith.library.service import on_media_added, on_media_deleted, on_media_sent_again
from otolith.library.similar import jobs as similar_jobs
from otolith.media import jobs as media_jobs
from otolith.media.events import MediaAdded, MediaDeleted, MediaSentAgain
from otolith.media.quota import hold_storage, tell_usage

# What workers can do: the handlers of all slices.
HANDLERS: tuple[Handler, ...] = (
    ledger_jobs.forget,
    tidying.tidy,
    mail_jobs.mail,
    media_jobs.sweep,
    library_jobs.scan,
    library_jobs.index,
    library_jobs.analyse,
    library_jobs.refresh,
    library_jobs.rounds,
    library_jobs.renew,
    library_jobs.tidy,
    catalogue_jobs.refile_named,
    search_jobs.keep_snapshots,
    similar_jobs.draw_map,
    similar_jobs.vectorise,
    health_jobs.duplicates,
    cover_jobs.covers,
    cover_jobs.folder_covers,
    cover_jobs.tidy_covers,
    editing_jobs.write_tags,
)

# Who listens to what: functions of higher slices that hear an event inside the transaction that announces it.
HOOKS: Hooks = {
    MediaAdded: (hold_storage, on_media_added, look_for_cover),
    MediaSentAgain: (on_media_sent_again,),
    MediaDeleted: (on_media_deleted,),
    UsageAsked: (tell_usage,),
}


def build_context(settings: Settings) -> Context:
    """The context of a process that runs under `settings`; opening nothing until it is used."""
    context = open_context(settings, HOOKS)
    context.database.before_commit.append(partial(hold_jobs, settings.quotas))
    return context
