"""What the app answers, address by address."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from seewhy.errors import InputError, ModelError
from seewhy.server import offers
from seewhy.server.answers import Answer, archive_of, report_of, safe_stem, what_if
from seewhy.server.asking import picture_of, players_of, question_of, session_of
from seewhy.server.events import JobEvents
from seewhy.server.hall import Hall
from seewhy.server.job import Asked
from seewhy.server.pictures import decoded
from seewhy.server.refusal import RefusedError, answered
from seewhy.server.web import Request, Response

_PAGE = ("seewhy.server", "static/app.html", "text/html")
_ASSETS = {
    "app.js": ("seewhy.server", "static/app.js", "text/javascript"),
    "app.css": ("seewhy.server", "static/app.css", "text/css"),
    "viewer.js": ("seewhy.show", "viewer/viewer.js", "text/javascript"),
    "viewer.css": ("seewhy.show", "viewer/viewer.css", "text/css"),
}


async def page(request: Request) -> Response:
    """Give the page."""
    return _file(*_PAGE)


async def asset(request: Request) -> Response:
    """Give one of the page's four files."""
    name = request.path_params["name"]
    if name not in _ASSETS:
        raise RefusedError(404, "there is no such file")
    return _file(*_ASSETS[name])


async def about(request: Request) -> Response:
    """Say what is offered."""
    return answered(await _hall(request).about())


async def labels(request: Request) -> Response:
    """Find class names."""
    model = _hall(request).model
    query = request.query_params.get("q", "")[:100]
    return answered(offers.labels_like(query, model.labels, model.aliases))


async def give_picture(request: Request) -> Response:
    """Take an uploaded file."""
    hall = _hall(request)
    name = request.query_params.get("name", "")[:10_000]
    async with hall.uploads:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
        pixels = hall.settings.max_pixels
        given = await hall.decoding(lambda: decoded(bytes(body), name, max_pixels=pixels))
    return answered(await hall.take(given), status=201)


async def give_sample(request: Request) -> Response:
    """Take a picture that Seewhy brings along."""
    hall = _hall(request)
    given = await hall.decoding(offers.sample, request.path_params["id"])
    return answered(await hall.take(given), status=201)


async def submit(request: Request) -> Response:
    """Queue a question."""
    hall = _hall(request)
    document = await _json(request)
    session = session_of(document)
    given = hall.pictures[picture_of(document)]
    question = question_of(document)
    job, ahead = hall.submit(Asked(session=session, picture=given.picture, question=question))
    return answered({"id": job.id, "state": "queued", "ahead": ahead}, status=202)


async def status(request: Request) -> Response:
    """Say how far a job is."""
    hall = _hall(request)
    job = hall.jobs[request.path_params["id"]]
    job.ask_for()
    return answered({"id": job.id, **job.status.to_json(ahead=hall.worker.ahead(job))})


async def events(request: Request) -> Response:
    """Tell how far a job is, as it goes on."""
    hall = _hall(request)
    job = hall.jobs[request.path_params["id"]]
    return JobEvents(job, ahead=hall.worker.ahead, closing=lambda: hall.worker.closed)


async def cancel(request: Request) -> Response:
    """Cancel a job; one that has ended stays as it is."""
    hall = _hall(request)
    job = hall.jobs[request.path_params["id"]]
    hall.worker.cancel(job)
    return answered({"id": job.id, **job.status.to_json(ahead=0)})


async def view(request: Request) -> Response:
    """Give the view document of an answer."""
    return answered(_answer(request).document)


async def ask_what_if(request: Request) -> Response:
    """Ask the model with regions hidden."""
    answer = _answer(request)
    hidden = players_of(await _json(request))
    try:
        return answered(await _hall(request).asking(what_if, answer, hidden))
    except InputError as error:
        raise RefusedError(400, str(error)) from error
    except ModelError as error:
        raise RefusedError(500, str(error)) from error


async def report(request: Request) -> Response:
    """Give an answer as one page to keep."""
    answer = _answer(request)
    body = await _hall(request).drawing(report_of, answer)
    return _download(body, f"seewhy-{_stem(answer)}.html", "text/html; charset=utf-8")


async def archive(request: Request) -> Response:
    """Give the directory of a result."""
    answer = _answer(request)
    body = await _hall(request).drawing(archive_of, answer)
    return _download(body, f"seewhy-{_stem(answer)}.zip", "application/zip")


def _hall(request: Request) -> Hall:
    hall: Hall = request.app.state.hall
    return hall


def _answer(request: Request) -> Answer:
    return _hall(request).answer_of(request.path_params["id"])


def _stem(answer: Answer) -> str:
    return safe_stem(answer.result.picture.name)


async def _json(request: Request) -> dict[str, Any]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise RefusedError(415, "a question must be sent as application/json")
    try:
        document = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, "a question must be JSON; this cannot be read as such") from error
    if not isinstance(document, dict):
        raise RefusedError(400, "a question must be a JSON object")
    return document


def _file(package: str, path: str, kind: str) -> Response:
    try:
        body = files(package).joinpath(path).read_bytes()
    except FileNotFoundError:
        raise RefusedError(
            404, "this installation lacks a file of the page: install it anew"
        ) from None
    return Response(body, media_type=kind)


def _download(body: bytes, name: str, kind: str) -> Response:
    where = f"attachment; filename=\"{name}\"; filename*=UTF-8''{quote(name)}"
    return Response(body, media_type=kind, headers={"content-disposition": where})
