"""The API alone: a backend container, and the part under `/api` of the whole server."""

import logging
import re
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import structlog
from anyio import to_thread
from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from otolith import __version__
from otolith.accounts.audit.routes import router as audit_router
from otolith.accounts.csrf import CsrfGuard
from otolith.accounts.granting.routes import router as granting_router
from otolith.accounts.limits.guarding import LimitedDoor, RequestLimits
from otolith.accounts.people.routes import router as people_router
from otolith.accounts.quotas.routes import router as quotas_router
from otolith.accounts.routes import router as accounts_router
from otolith.accounts.service import authenticate, seed
from otolith.accounts.sessions.callers import SessionRenewal
from otolith.accounts.sessions.routes import router as sessions_router
from otolith.accounts.tokens.routes import router as tokens_router
from otolith.accounts.workspaces.routes import router as workspaces_router
from otolith.composition import build_context
from otolith.core import errors
from otolith.core.api_page import api_page
from otolith.core.body_limit import BodyLimit
from otolith.core.context import Context
from otolith.core.db import Database
from otolith.core.doors import Guards, Hosts
from otolith.core.health import router as health_router
from otolith.core.http import maybe_actor, needs
from otolith.core.logging import configure_logging
from otolith.core.openapi import DescribedApi
from otolith.core.proxies import TrustedProxies
from otolith.core.requests import REQUEST_ID, RequestLog
from otolith.core.security_headers import SecurityHeaders
from otolith.core.settings import BadSettings, Settings, hosts_of, load_settings
from otolith.jobs.gauges import ledger_gauges
from otolith.jobs.routes import router as jobs_router
from otolith.library.catalogue.routes import router as catalogue_router
from otolith.library.covers.routes import router as covers_router
from otolith.library.editing.routes import router as editing_router
from otolith.library.health.routes import router as library_health_router
from otolith.library.listens.routes import router as listens_router
from otolith.library.roots.routes import router as roots_router
from otolith.library.routes import router as library_router
from otolith.library.search.routes import router as search_router
from otolith.library.sharing.routes import router as sharing_router
from otolith.library.similar.routes import router as similar_router
from otolith.media.routes import router as media_router
from otolith.migrations.migrate import migrate
from otolith.supervision import embedded_workers

log = structlog.get_logger(__name__)

ROUTERS: Sequence[APIRouter] = (
    health_router,
    sessions_router,
    people_router,
    accounts_router,
    tokens_router,
    granting_router,
    workspaces_router,
    audit_router,
    quotas_router,
    jobs_router,
    media_router,
    sharing_router,
)
# What belongs to the feature of the library, and is refused to whom it was not granted.
LIBRARY_ROUTERS: Sequence[APIRouter] = (
    # Before the routes of single tracks, among whose addresses these would be.
    editing_router,
    library_router,
    catalogue_router,
    roots_router,
    library_health_router,
    search_router,
    similar_router,
    covers_router,
    listens_router,
)

PREFIX = "/api"
# Where one comes without a session of this server's, or with a secret that says as much as a CSRF token.
SIGN_IN_PATHS = (
    *("/auth/login", "/auth/login/code", "/auth/forgot", "/auth/register", "/auth/confirm"),
    *("/api/auth/login", "/api/auth/login/code", "/api/auth/forgot", "/api/auth/register", "/api/auth/confirm"),
    *("/sign-in", "/sign-in/code", "/forgot", "/register"),
)
# Their routes check the caller and the length before they read the body.
UPLOAD_PATHS = ("/media", "/api/media", "/upload")
START_PATIENCE = 30.0
# What programs of other origins may read of an answer, beyond what every browser lets them.
EXPOSED_HEADERS = (
    *(REQUEST_ID, "ETag", "Location", "Content-Range", "Accept-Ranges", "Retry-After"),
    *("Tus-Resumable", "Tus-Version", "Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm"),
    *("Upload-Offset", "Upload-Length", "Upload-Defer-Length", "Upload-Metadata", "Upload-Expires"),
    *("Otolith-Media", "Otolith-Track", "Otolith-Job"),
    *("RateLimit-Policy", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"),
)
# Sound that does not say so in its type; a range of a compressed file would be a range of something else.
SOUND = ("multipart/byteranges", "application/octet-stream")

TAGS = [
    {"name": "operation", "description": "Health, readiness and metrics."},
    {"name": "accounts", "description": "Who you are, your API tokens and your workspaces."},
    {"name": "jobs", "description": "Work that runs in the background."},
    {"name": "media", "description": "Sound files: uploads, playback and waveforms."},
    {"name": "library", "description": "Recordings, what was heard in them, and scans of folders."},
]


def build_api(context: Context) -> DescribedApi:
    """The routes of every slice over `context`, without the middlewares that only the outermost app carries."""
    api = DescribedApi(
        title="Otolith",
        version=__version__,
        description="Put sound in; Otolith tells you what it is, what is said and how it sounds.",
        docs_url=None,
        redoc_url=None,
        openapi_tags=TAGS,
        generate_unique_id_function=_operation_id,
        license_info={"name": "GPL-3.0-or-later", "identifier": "GPL-3.0-or-later"},
    )
    api.state.context = context
    api.state.limits = RequestLimits(context)
    api.state.authenticate = api.state.limits.authenticated(authenticate(context))
    api.state.gatherers = (ledger_gauges(context),)
    errors.install(api)
    for router in ROUTERS:
        api.include_router(router)
    for router in LIBRARY_ROUTERS:
        api.include_router(router, dependencies=[needs("library")])

    @api.get("/docs", include_in_schema=False)
    @api.head("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(api_page(api.openapi()))

    return api


def _operation_id(route: APIRoute) -> str:
    """The function's name: stable while paths move, and checked to be unique by a test."""
    return route.name


class BothPaths:
    """Answers `/api/x` as `/x`, so that it does not matter whether a proxy takes the prefix away."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            root: str = scope.get("root_path", "")
            if re.match(f"{re.escape(root)}{PREFIX}(/|$)", scope["path"]):
                scope["root_path"] = root + PREFIX
        await self.app(scope, receive, send)


def add_middlewares(app: FastAPI, context: Context) -> None:
    """What surrounds every request; the last one added is the first one reached."""
    settings = context.settings
    own = [f"{parts.scheme}://{parts.netloc}" for parts in [urlsplit(settings.public_url)] if parts.netloc]
    app.add_middleware(Guards, docs=settings.docs_access, metrics=settings.metrics_access, find=maybe_actor)
    app.add_middleware(CsrfGuard, origins=[*settings.origins, *own], sign_in_paths=SIGN_IN_PATHS)
    app.add_middleware(BodyLimit, uploads=UPLOAD_PATHS)
    app.add_middleware(LimitedDoor, limits=app.state.limits)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["*"],
            # Who lets every page of the world in does not mean that each may read what its visitors may.
            allow_credentials="*" not in settings.origins,
            expose_headers=EXPOSED_HEADERS,
        )
    app.add_middleware(
        GZipMiddleware,
        minimum_size=1000,
        compresslevel=5,
        exclude_content_types=(*DEFAULT_EXCLUDED_CONTENT_TYPES, *SOUND),
    )
    app.add_middleware(Hosts, allowed=hosts_of(settings.allowed_hosts), https=settings.https_redirect)
    app.add_middleware(RequestLog, tracing=context.tracing)
    app.add_middleware(SessionRenewal, settings=settings)
    app.add_middleware(SecurityHeaders, production=settings.production_mode)
    app.add_middleware(TrustedProxies, trusted=settings.trusted_proxies)


def prepare(context: Context) -> None:
    """Bring the database to this version and make the first accounts; safe in any number of processes at once."""
    _migrate_patiently(context)
    seeded = seed(context)
    if seeded.password is not None:
        # Not through the log, which is kept: this is shown once, to whoever starts the server.
        sys.stderr.write(
            f"\nFirst start: sign in as {seeded.admin_name} with the password {seeded.password}\n"
            "It is not kept anywhere; write it down.\n\n"
        )


def _migrate_patiently(context: Context) -> None:
    """Migrate, waiting for a database that starts beside this server."""
    url = context.settings.migrate_database_url
    database = Database(url, pool_size=1) if url else context.database
    deadline = time.monotonic() + START_PATIENCE
    try:
        while True:
            try:
                migrate(database)
            except errors.NotAvailable:
                if time.monotonic() > deadline:
                    raise
                log.warning("server.start.waits_for_database")
                time.sleep(1)
            else:
                return
    finally:
        if url:
            database.dispose()


def lifespan_of(context: Context) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """What happens before the first request and after the last, for the outermost app."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        # Every request thread may hold a connection, so more threads than connections would only wait.
        to_thread.current_default_thread_limiter().total_tokens = context.database.pool_size
        with ExitStack() as stack:
            stack.callback(context.close)
            await to_thread.run_sync(prepare, context)
            workers = embedded_workers(context)
            await to_thread.run_sync(workers.__enter__)
            try:
                yield
            finally:
                await to_thread.run_sync(workers.__exit__, None, None, None)

    return lifespan


def create_app(settings: Settings | None = None) -> FastAPI:
    """The API for a server of its own; without `settings` they come from the environment."""
    context = build_context(settings or settings_of_process())
    api = build_api(context)
    api.router.lifespan_context = lifespan_of(context)
    api.add_middleware(BothPaths)
    add_middlewares(api, context)
    return api


def settings_of_process() -> Settings:
    """The settings from the environment, with the log set up as they say, also under another program's server."""
    settings = load_settings()
    configure_logging(settings)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        # The program that serves us has set these up for itself; through ours, all lines have one form.
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    return settings


def for_a_server(create: Callable[[], FastAPI]) -> FastAPI:
    """The app for a program that imports it; what is wrong with the settings ends that program in one line."""
    try:
        return create()
    except BadSettings as error:
        sys.exit(f"otolith: {error.detail}")


def __getattr__(name: str) -> Any:
    """`app` for `uvicorn otolith.api:app`, made when it is asked for, so that an import has no effect."""
    if name == "app":
        globals()["app"] = app = for_a_server(create_app)
        return app
    raise AttributeError(name)
