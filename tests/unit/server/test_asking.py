"""What a browser may say, and that nothing it says reads a file, a module or the network."""

from __future__ import annotations

import builtins
import io
import os

import pytest

from seewhy.image.fill import BlurFill, MeanFill
from seewhy.image.segmenters import Grid, Slic
from seewhy.methods.anchors import Anchors
from seewhy.methods.counterfactual import Counterfactual
from seewhy.methods.kernel_shap import KernelShap
from seewhy.methods.lime import Lime
from seewhy.run.contest import EQUAL_BUDGET, Contest
from seewhy.server.asking import picture_of, players_of, question_of, session_of
from seewhy.server.refusal import RefusedError


def test_what_is_left_out_has_the_defaults_of_explain():
    question = question_of({})
    assert question.methods == (Lime(),)
    assert (question.top, question.segments, question.fill) == (3, Slic(60), MeanFill())
    assert (question.score, question.budget, question.seed) == ("log-odds", "auto", None)
    assert question.target is question.against is question.true is None
    assert question.curves  # the viewer draws them


def test_what_is_said_is_meant():
    question = question_of(
        {
            "session": "s",
            "picture": "p",
            "kind": "explain",
            "methods": "lime,anchors:precision=0.9,kernel-shap:budget=128",
            "segments": "grid:7x9",
            "fill": "blur:0.1",
            "score": "probability",
            "budget": 200,
            "top": 5,
            "target": "bus",
            "against": 7,
            "true": None,
            "seed": 0,
        }
    )
    assert question.methods == (Lime(), Anchors(precision=0.9), KernelShap(budget=128))
    assert (question.segments, question.fill) == (Grid(7, 9), BlurFill(0.1))
    assert (question.target, question.against, question.seed) == ("bus", 7, 0)
    assert (question.score, question.budget, question.top) == ("probability", 200, 5)


def test_a_true_class_brings_the_methods_of_the_story():
    assert question_of({"true": "bus"}).methods == (Lime(), Anchors(), Counterfactual())


def test_a_comparison_is_a_contest_of_all_methods_at_one_budget():
    contest = question_of({"kind": "compare", "budget": "auto", "top": 3, "target": "bus"})
    assert isinstance(contest, Contest)
    assert contest.question.methods == ()
    assert contest.budget == EQUAL_BUDGET
    assert contest.question.target == "bus"
    assert question_of({"kind": "compare", "budget": 96}).budget == 96


FORBIDDEN = [
    {"model": "py:os:system"},
    {"image": "/etc/passwd"},
    {"backgrounds": ["/etc"]},
    {"kind": "train"},
    {"kind": None, "kin": 1},
    {"fill": "picture:/etc/passwd"},
    {"fill": " PICTURE:secret.png"},
    {"fill": "picture"},
    {"fill": "http://localhost/x.png"},
    {"segments": "/etc/passwd"},
    {"segments": "labels.npy"},
    {"segments": "grid:100000000"},
    {"segments": [[0, 1], [1, 0]]},
    {"methods": "py:os:system"},
    {"methods": "gradient-shap:reference=pictures:pictures=/etc/passwd"},
    {"methods": "gradient-shap:pictures=secret"},
    {"methods": "deep-shap:reference=picture=secret.png"},
    {"methods": "deep-shap:reference=PICTURE=secret.png"},
    {"methods": "deep-shap:REFERENCE=picture=secret.png"},
    {"methods": "integrated-gradients:reference=a/b"},
    {"methods": "partition-shap:hierarchy=x"},
    {"methods": "lime:name=../../x"},
    {"methods": "lime:budget=1000000000"},
    {"methods": "lime:budget=1_000_000_000"},
    {"methods": "lime:budget=1e300"},
    {"methods": "lime:epsilon=nan"},
    {"methods": "lime:budget=-1"},
    {"methods": "nonsense"},
    {"methods": ","},
    {"methods": ["lime"]},
    {"methods": ""},
    {"methods": "lime," * 200},
    {"methods": "lime,lime"},
    {"score": "log"},
    {"score": 3},
    {"budget": 10**9},
    {"budget": 1},
    {"budget": "128"},
    {"budget": True},
    {"budget": 64.5},
    {"top": 0},
    {"top": 10**6},
    {"top": "3"},
    {"seed": -1},
    {"seed": 2**64},
    {"target": ["a", "b"]},
    {"target": {"a": 1}},
    {"target": "x" * 10_000},
    {"against": -1},
    {"true": True},
    {"kind": "compare", "true": "bus"},
    {"kind": "compare", "budget": 2},
]


@pytest.mark.parametrize("document", FORBIDDEN, ids=lambda document: str(document)[:60])
def test_everything_else_is_refused_and_no_file_is_touched(document, monkeypatch):
    def touched(*arguments, **settings):
        raise AssertionError(f"a file was touched: {arguments[0]!r}")

    with monkeypatch.context() as watched:
        for module, name in ((builtins, "open"), (io, "open"), (os, "open"), (os, "stat")):
            watched.setattr(module, name, touched)
        with pytest.raises(RefusedError) as refusal:
            question_of(document)
    assert refusal.value.status == 400
    assert refusal.value.sentence
    assert "\n" not in refusal.value.sentence


@pytest.mark.parametrize("session", [None, "", "a" * 65, "a b", "../x", 7, ["s"], "é"])
def test_sessions_are_plain(session):
    with pytest.raises(RefusedError):
        session_of({"session": session})
    assert session_of({"session": "page_1-x"}) == "page_1-x"


@pytest.mark.parametrize("picture", [None, "", 3, "x" * 65, {"id": 1}])
def test_pictures_are_named_by_their_ids(picture):
    with pytest.raises(RefusedError):
        picture_of({"picture": picture})


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"hidden": None},
        {"hidden": 3},
        {"hidden": "1,2"},
        {"hidden": [1.0]},
        {"hidden": [True]},
        {"hidden": [[1]]},
        {"hidden": [1], "kept": [2]},
    ],
)
def test_regions_are_whole_numbers(document):
    with pytest.raises(RefusedError):
        players_of(document)
    assert players_of({"hidden": [3, 0]}) == [3, 0]
