"""The whole server: pages at `/`, the API at `/api`, and the programs' check points at the root as well."""

import re
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from otolith import __version__
from otolith.api import BothPaths, add_middlewares, build_api, for_a_server, lifespan_of, settings_of_process
from otolith.composition import build_context
from otolith.core import errors
from otolith.core.settings import Settings
from otolith.web.routes import problem_page, router
from otolith.web.routes import router as pages

# What programs ask for without the prefix; no page has one of these addresses.
CHECK_POINTS = re.compile(r"/(health|ready|metrics|whoami|docs|openapi\.json|jobs/[^/]+|ws/jobs/[^/]+)/?")


class ToApi:
    """Hands requests for the API to it, and everything else to the pages."""

    def __init__(self, app: ASGIApp, api: ASGIApp) -> None:
        self.app = app
        self.api = BothPaths(api)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and _is_api(scope):
            await self.api(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def _is_api(scope: Scope) -> bool:
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    return path == "/api" or path.startswith("/api/") or CHECK_POINTS.fullmatch(path) is not None


def create_app(settings: Settings | None = None) -> FastAPI:
    """The server that `otolith up` runs; without `settings` they come from the environment."""
    context = build_context(settings or settings_of_process())
    api = build_api(context)
    app = FastAPI(
        title="Otolith",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan_of(context),
    )
    app.state.context = context
    app.state.authenticate = api.state.authenticate
    app.state.limits = api.state.limits
    app.state.api = api
    app.state.problem_page = problem_page
    errors.install(app, problem_page)
    app.include_router(pages)
    app.include_router(router)
    app.add_middleware(ToApi, api=api)
    add_middlewares(app, context)
    return app


def __getattr__(name: str) -> Any:
    """`app` for `uvicorn otolith.app:app`, made when it is asked for, so that an import has no effect."""
    if name == "app":
        globals()["app"] = app = for_a_server(create_app)
        return app
    raise AttributeError(name)
