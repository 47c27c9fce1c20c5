"""Every table of every slice, gathered so that migrations can be checked against the models."""

from importlib import import_module

from sqlalchemy import MetaData

from otolith.core.db import Base

MODELS = (
    "otolith.accounts.models",
    "otolith.accounts.shares.models",
    "otolith.accounts.limits.models",
    "otolith.accounts.audit.models",
    "otolith.accounts.quotas.models",
    "otolith.jobs.models",
    "otolith.media.models",
    "otolith.identify.models",
    "otolith.library.models",
    "otolith.library.catalogue.models",
    "otolith.library.catalogue.links",
    "otolith.library.roots.models",
    "otolith.library.covers.models",
    "otolith.library.editing.models",
    "otolith.library.listens.models",
    "otolith.library.similar.models",
    "otolith.library.health.models",
)

for _module in MODELS:
    import_module(_module)

METADATA: MetaData = Base.metadata
