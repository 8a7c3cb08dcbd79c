"""Asking, watching, cancelling, and what is asked of an answer; through a real server."""

from __future__ import annotations

import io
import json
import re
import threading
import time
import zipfile

import httpx
import numpy as np
import pytest

import seewhy as sw
from seewhy.image.read import read_picture
from seewhy.run.explain import answer_case
from seewhy.server.asking import question_of

from .conftest import ASKED, LABELS, WAIT, Patches, events, model_of, pixels, running


def game_in_python(model, asked):
    """The masked game that Python plays for the same question."""
    _, case = answer_case(question_of({**ASKED, **asked}), read_picture(pixels()), model)
    return case


def log_odds(p):
    return float(np.log(p) - np.log1p(-p))


def until_the_model_rests(app, seconds=0.3):
    """Wait, without a word to the server, until the model has not been asked for a while."""
    limit = time.monotonic() + WAIT
    while time.monotonic() < limit:
        before = app.patches.asked
        time.sleep(seconds)
        if app.patches.asked == before:
            return
    raise AssertionError("the model is still being asked")


def test_a_picture_is_explained_from_the_drop_to_the_view(app):
    job = app.start(app.give(name="my photo.png")["id"], methods="lime,occlusion")
    told = app.listen(job)
    assert {name for name, _ in told[:-1]} <= {"progress"}
    assert told[-1][0] == "done"
    assert told[-1][1]["state"] == "done"
    view = app.client.get(f"/api/jobs/{job}/view").json()
    (item,) = view["items"]
    assert item["name"] == view["title"] == "my photo.png"
    assert [method["name"] for method in item["methods"]] == ["lime", "occlusion"]
    there = sw.explain(
        pixels(),
        model_of(Patches()),
        methods="lime,occlusion",
        segments="grid:4",
        fill="black",
        curves=True,
    )
    for method in item["methods"]:
        for column, values in zip(method["columns"], there[method["name"]].values.T, strict=True):
            assert column["values"] == pytest.approx(values, rel=1e-4, abs=1e-5)


def test_progress_is_told_while_it_is_made(app):
    job = app.start_long(app.give()["id"])
    with app.client.stream("GET", f"/api/jobs/{job}/events") as stream:
        seen = set()
        for name, told in events(stream.iter_lines()):
            assert name == "progress"
            seen.add(told["done"])
            if len([done for done in seen if done]) >= 3:
                break
    assert {"stage", "done", "total", "ahead", "state"} <= set(told)
    assert told["total"] == 60_000
    assert told["state"] == "running"


def test_what_if_is_what_the_game_says_in_python(app):
    asked = {"methods": "lime,occlusion"}
    job = app.explained(**asked)
    case = game_in_python(model_of(Patches()), asked)
    rng = np.random.default_rng(0)
    for hidden in [
        [],
        [0],
        [3, 3, 1],
        list(range(16)),
        *(np.flatnonzero(rng.random(16) < 0.5).tolist() for _ in range(5)),
    ]:
        told = app.what_if(job, hidden).json()
        mask = np.ones((1, 16), bool)
        mask[0, hidden] = False
        expected = np.exp(case.subject.game(mask)[0].astype(float))
        rows = told["probabilities"]
        assert [row[1] for row in rows] == [LABELS[row[0]] for row in rows]
        assert {row[0] for row in rows} == {0, 1, 2}
        for index, _, probability, score in rows:
            assert probability == pytest.approx(expected[index], abs=1e-6)
            assert score == pytest.approx(log_odds(expected[index]), abs=1e-4)
        explained = case.subject.view(mask)[0]
        for target, value in zip(case.subject.asked.targets, explained, strict=True):
            assert told["scores"][str(target)] == pytest.approx(value, abs=1e-5)


def test_what_if_names_the_classes_of_the_question_and_their_contrast(app):
    asked = {"target": "neither", "against": "corner"}
    told = app.what_if(app.explained(**asked), [5]).json()
    rows = {row[1]: row[2] for row in told["probabilities"]}
    contrast = np.log(rows["neither"]) - np.log(rows["corner"])
    assert told["scores"] == {"2": pytest.approx(contrast, abs=1e-5)}


def test_what_if_is_answered_while_another_job_runs(app):
    first = app.explained()
    alone = app.what_if(first, [2, 7]).json()
    long = app.start_long(app.give()["id"], session="other")
    app.until_busy(long)
    assert app.what_if(first, [2, 7]).json() == alone
    fresh = app.what_if(first, [1, 4, 9]).json()
    given = app.give()  # its predictions are asked for in between, too
    assert given["predictions"]
    assert app.status(long)["state"] == "running"
    app.client.delete(f"/api/jobs/{long}")
    app.until(long, "cancelled")
    assert app.what_if(first, [1, 4, 9]).json() == fresh


@pytest.mark.parametrize(
    "hidden", [[16], [-1], [0, 10**30], ["1"], [1.5], None, "all", {"0": 1}, [True]]
)
def test_regions_that_do_not_exist_are_refused(app, hidden):
    job = app.explained()
    assert app.what_if(job, hidden).status_code == 400


def test_jobs_run_one_after_the_other_and_say_how_many_are_before(app):
    picture = app.give()["id"]
    first = app.start_long(picture, session="a")
    app.until_busy(first)
    second = app.submit(picture, session="a").json()
    third = app.submit(picture, session="b").json()
    assert (second["ahead"], third["ahead"]) == (1, 2)
    assert app.status(third["id"])["ahead"] == 2
    assert app.status(second["id"])["state"] == "queued"
    assert app.client.get(f"/api/jobs/{second['id']}/view").status_code == 409
    assert app.what_if(first, [0]).status_code == 409
    app.client.delete(f"/api/jobs/{first}")
    assert app.listen(second["id"])[-1][0] == "done"
    assert app.listen(third["id"])[-1][0] == "done"


def test_a_full_queue_says_so_and_empties(start_app):
    app = start_app(waiting=3, per_session=2)
    picture = app.give()["id"]
    running = app.start_long(picture, session="a")
    app.until_busy(running)
    waiting = app.start(picture, session="a")
    refusal = app.submit(picture, session="a")
    assert refusal.status_code == 429
    assert "of this page" in refusal.json()["error"]
    app.start(picture, session="b")
    refusal = app.submit(picture, session="c")
    assert refusal.status_code == 429
    assert "waiting already" in refusal.json()["error"]
    app.client.delete(f"/api/jobs/{waiting}")
    app.client.delete(f"/api/jobs/{running}")
    assert app.listen(app.start(picture, session="c"))[-1][0] == "done"


def test_a_cancelled_job_stops_asking_the_model(app):
    job = app.start_long(app.give()["id"])
    app.until_busy(job)
    reply = app.client.delete(f"/api/jobs/{job}")
    assert reply.status_code == 200
    assert app.until(job, "cancelled")["error"] is None
    asked = app.patches.asked
    app.lives()
    time.sleep(0.3)
    assert app.patches.asked == asked
    assert app.client.get(f"/api/jobs/{job}/view").status_code == 409
    assert app.listen(job) == [("cancelled", app.listen(job)[0][1])]
    assert app.client.delete(f"/api/jobs/{job}").status_code == 200  # again: nothing more happens


def test_a_job_whose_watcher_has_gone_stops_asking_the_model(start_app):
    app = start_app(grace=0.2, patience=60.0)
    job = app.start_long(app.give()["id"])
    with app.client.stream("GET", f"/api/jobs/{job}/events") as stream:
        for _, told in events(stream.iter_lines()):
            if told["done"]:
                break
    until_the_model_rests(app)
    assert app.patches.asked < 50_000
    assert app.status(job)["state"] == "cancelled"


def test_a_job_that_nobody_ever_watches_is_given_up(start_app):
    app = start_app(patience=0.3)
    job = app.start_long(app.give()["id"])
    until_the_model_rests(app, seconds=2.0)  # asking for the job's state would keep it alive
    assert app.status(job)["state"] == "cancelled"


def test_one_of_two_watchers_may_go(start_app):
    app = start_app(grace=0.1, patience=0.1)
    job = app.start_long(app.give()["id"])
    with (
        httpx.Client(base_url=app.client.base_url, headers=app.client.headers) as other,
        app.client.stream("GET", f"/api/jobs/{job}/events") as stays,
    ):
        lines = events(stays.iter_lines())
        with other.stream("GET", f"/api/jobs/{job}/events") as goes:
            next(events(goes.iter_lines()))
        time.sleep(0.5)
        before = app.patches.asked
        for _, told in lines:
            assert told["state"] == "running"
            if app.patches.asked > before + 500:
                break


def test_methods_are_compared(app):
    job = app.explained(kind="compare", methods="occlusion,rise", budget=64, segments="grid:3")
    item = app.client.get(f"/api/jobs/{job}/view").json()["items"][0]
    assert [row["name"] for row in item["comparison"]["rows"]] == ["occlusion", "rise"]
    assert app.what_if(job, [0]).status_code == 200
    files = archive(app, job).namelist()
    assert any(name.endswith("comparison.json") for name in files)


def archive(app, job):
    reply = app.client.get(f"/api/jobs/{job}/result.zip")
    assert reply.status_code == 200
    return zipfile.ZipFile(io.BytesIO(reply.content))


def test_the_zip_is_the_result_that_python_loads(app, tmp_path):
    picture = app.give(name='../ü "x"\r\n.png')
    job = app.start(picture["id"])
    app.listen(job)
    reply = app.client.get(f"/api/jobs/{job}/result.zip")
    where = reply.headers["content-disposition"]
    assert re.fullmatch(r"attachment; filename=\"([\w.-]+)\"; filename\*=UTF-8''\1", where)
    packed = zipfile.ZipFile(io.BytesIO(reply.content))
    assert all(".." not in name and not name.startswith("/") for name in packed.namelist())
    packed.extractall(tmp_path)
    (folder,) = tmp_path.iterdir()
    result = sw.Explained.load(folder)
    assert result.picture.name == picture["name"]
    assert result.picture.path is None
    assert result["occlusion"].values.shape == (16, 3)


def test_the_report_is_one_page_to_keep(app):
    hostile = "</script><img src=x onerror=alert(1)>.png"
    job = app.start(app.give(name=hostile)["id"])
    app.listen(job)
    reply = app.client.get(f"/api/jobs/{job}/report.html")
    assert reply.status_code == 200
    assert reply.headers["content-disposition"].startswith("attachment; ")
    assert "<img src=x" not in reply.text
    assert "Content-Security-Policy" in reply.text


@pytest.mark.parametrize("what", ["", "/events", "/view", "/report.html", "/result.zip"])
def test_jobs_that_are_not_there(app, what):
    reply = app.client.get(f"/api/jobs/nosuchjob{what}")
    assert reply.status_code == 404
    assert "no longer here" in reply.json()["error"]
    assert app.what_if("nosuchjob", [0]).status_code == 404
    assert app.client.delete("/api/jobs/nosuchjob").status_code == 404
    assert app.submit("nosuchpicture").status_code == 404


def test_results_that_are_too_old_are_dropped(start_app):
    app = start_app(results_kept=2, pictures_kept=1)
    picture = app.give()["id"]
    jobs = []
    for _ in range(3):
        jobs.append(app.start(picture))
        app.listen(jobs[-1])
    assert app.what_if(jobs[0], [0]).status_code == 404
    assert app.what_if(jobs[1], [0]).status_code == 200
    app.give()
    assert app.submit(picture).status_code == 404
    assert app.what_if(jobs[2], [0]).status_code == 200  # it holds its own picture


@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        (lambda images: np.full((len(images), 3), np.nan), "NaN or infinity"),
        (lambda images: 1 / 0, "ZeroDivisionError"),
        (lambda images: np.zeros((len(images), 2)), "3 columns"),
        (lambda images: (_ for _ in ()).throw(SystemExit(1)), "something went wrong"),
    ],
    ids=["NaN", "raises", "other shape", "exits"],
)
def test_a_model_that_fails_in_the_middle_fails_its_job_only(app, trouble, sentence):
    done, picture = app.explained(), app.give()["id"]
    job = app.start_long(picture)
    app.until_busy(job)
    app.patches.trouble = trouble
    status = app.until(job, "failed")
    assert sentence in status["error"]
    assert "Traceback" not in status["error"]
    assert app.client.get(f"/api/jobs/{job}/view").json()["error"] == status["error"]
    refusal = app.what_if(done, [0, 5, 6, 11])
    assert refusal.status_code == 500
    assert refusal.json()["error"]
    app.patches.trouble, app.patches.pause = None, 0.0
    assert app.what_if(done, [0, 5, 6, 11]).status_code == 200
    assert app.listen(app.start(picture))[-1][0] == "done"


@pytest.mark.parametrize(
    "asked",
    [
        {"target": "no such class"},
        {"target": "corner", "against": "corner"},
        {"methods": "grad-cam"},
        {"score": "raw", "true": "rest", "target": "corner"},
    ],
    ids=str,
)
def test_a_question_that_makes_no_sense_fails_in_a_sentence(app, asked):
    job = app.start(app.give()["id"], **asked)
    name, told = app.listen(job)[-1]
    assert name == "failed"
    assert told["error"].endswith(tuple(".?'\"")) or len(told["error"]) > 20
    assert "\n" not in told["error"]


@pytest.mark.parametrize(
    "asked",
    [
        {"fill": "picture:/etc/passwd"},
        {"segments": "/etc/passwd"},
        {"methods": "py:os:system"},
        {"methods": "gradient-shap:reference=pictures:pictures=/etc"},
        {"model": "py:os:system"},
        {"image": "http://127.0.0.1:22/"},
        {"backgrounds": ["/"]},
    ],
    ids=str,
)
def test_a_browser_cannot_name_files_modules_or_addresses(app, asked):
    reply = app.submit(app.give()["id"], **asked)
    assert reply.status_code == 400
    assert reply.json()["error"]


def test_many_clients_at_once(app):
    job = app.explained()
    expected = {n: app.what_if(job, [n]).json() for n in range(16)}
    wrong = []

    def ask(n):
        with httpx.Client(base_url=app.client.base_url, headers=app.client.headers) as client:
            reply = client.post(f"/api/jobs/{job}/what-if", json={"hidden": [n]}, timeout=WAIT)
            if reply.status_code != 200 or reply.json() != expected[n]:
                wrong.append(reply.text)

    threads = [threading.Thread(target=ask, args=(n % 16,)) for n in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert not wrong


def test_raw_outputs_have_no_probabilities():
    patches = Patches()
    model = sw.CallableModel(patches, labels=LABELS, output="raw", input_size=(32, 32))
    with running(model, patches) as app:
        assert app.client.get("/api/about").json()["scores"] == ["raw"]
        assert [one["probability"] for one in app.give()["predictions"]] == [None] * 3
        job = app.explained(score="raw")
        told = app.what_if(job, [0]).json()
        case = game_in_python(model, {"score": "raw"})
        mask = np.ones((1, 16), bool)
        mask[0, 0] = False
        outputs = case.subject.game(mask)[0]
        for index, _, probability, score in told["probabilities"]:
            assert probability is None
            assert score == pytest.approx(outputs[index], abs=1e-6)


def test_names_that_no_encoding_has_are_survived():
    patches = Patches()
    labels = ["lone \ud800", "</script>", "‮right to left"]
    model = sw.CallableModel(patches, labels=labels, output="logits", input_size=(32, 32))
    with running(model, patches) as app:
        assert {one["label"] for one in app.give()["predictions"]} == set(labels)
        job = app.explained()
        assert app.client.get(f"/api/jobs/{job}/view").status_code == 200
        assert app.client.get(f"/api/jobs/{job}/report.html").status_code == 200
        assert app.client.get("/api/labels?q=script").json() == [{"index": 1, "label": "</script>"}]


def test_the_embedded_network_from_a_sample_to_a_click():
    model = sw.load_model("builtin:imagenet")
    with running(model) as app:
        about = app.client.get("/api/about").json()
        assert about["model"]["labels_count"] == 1000
        picture = app.client.post("/api/pictures/sample/coffee").json()
        assert picture["predictions"][0]["label"]
        job = app.start(picture["id"], methods="lime:budget=64", segments="slic:20")
        assert app.listen(job)[-1][0] == "done"
        item = app.client.get(f"/api/jobs/{job}/view").json()["items"][0]
        assert item["predictions"][0]["label"] == picture["predictions"][0]["label"]
        told = app.what_if(job, [0, 5]).json()
        from seewhy.image.samples import sample_path

        question = question_of({**ASKED, "methods": "lime:budget=64", "segments": "slic:20"})
        _, case = answer_case(question, read_picture(sample_path("coffee")), model)
        mask = np.ones((1, item["count"]), bool)
        mask[0, [0, 5]] = False
        expected = np.exp(case.subject.game(mask)[0].astype(float))
        for index, label, probability, _ in told["probabilities"]:
            assert label == model.labels[index]
            assert probability == pytest.approx(expected[index], abs=1e-6)


def test_what_is_told_is_json_that_every_browser_reads(app):
    job = app.explained()
    text = app.client.get(f"/api/jobs/{job}/view").text
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert text.isascii()
