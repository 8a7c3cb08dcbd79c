"""The local app as an ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from seewhy.models.protocol import Model
from seewhy.models.spec import load_model
from seewhy.server import endpoints
from seewhy.server.guard import Guard
from seewhy.server.hall import Hall
from seewhy.server.refusal import RefusedError, refused
from seewhy.server.settings import Settings
from seewhy.server.web import HTTPException, Middleware, Request, Response, Route, Starlette

_JOB = "/api/jobs/{id}"


def create_app(model: Model | str, settings: Settings | None = None) -> Starlette:
    """Make the app for one model; it serves nothing before a server runs it.

    Parameters
    ----------
    model : Model or str
        What pictures are shown to, or its spec; browsers cannot change it.
    settings : Settings, optional
        Default: for this machine only, with a token drawn at random, ``app.state.settings.token``.

    Returns
    -------
    starlette.applications.Starlette
        Has a thread of its own from here on, which ends with the app's lifespan.

    Raises
    ------
    MissingExtraError
        Starlette or uvicorn is not installed.
    """
    settings = settings or Settings()
    hall = Hall(load_model(model), settings)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        hall.close()

    app = Starlette(
        routes=_routes(),
        middleware=[Middleware(Guard, settings=settings)],
        exception_handlers={RefusedError: _say_no, HTTPException: _no_such_address},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.hall = hall
    app.state.settings = settings
    return app


def _routes() -> list[Route]:
    return [
        Route("/", endpoints.page),
        Route("/assets/{name}", endpoints.asset),
        Route("/api/about", endpoints.about),
        Route("/api/labels", endpoints.labels),
        Route("/api/pictures", endpoints.give_picture, methods=["POST"]),
        Route("/api/pictures/sample/{id}", endpoints.give_sample, methods=["POST"]),
        Route("/api/jobs", endpoints.submit, methods=["POST"]),
        Route(_JOB, endpoints.status, methods=["GET"]),
        Route(_JOB, endpoints.cancel, methods=["DELETE"]),
        Route(f"{_JOB}/events", endpoints.events),
        Route(f"{_JOB}/view", endpoints.view),
        Route(f"{_JOB}/what-if", endpoints.ask_what_if, methods=["POST"]),
        Route(f"{_JOB}/report.html", endpoints.report),
        Route(f"{_JOB}/result.zip", endpoints.archive),
    ]


async def _say_no(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, RefusedError)
    return refused(refusal)


async def _no_such_address(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase.lower()
    sentence = f"Seewhy has nothing for {request.method} at this address: {phrase}"
    return refused(RefusedError(error.status_code, sentence), headers=error.headers)
