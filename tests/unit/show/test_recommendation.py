"""Which method to take, and what to beware of, read off scoreboards that are made up."""

from __future__ import annotations

import numpy as np

from seewhy.metrics.measures import Number
from seewhy.metrics.scoreboard import Scoreboard, Scores
from seewhy.show.recommendation import Verdict


def scores(name, *, runs=None, constant=False, valued=True, **numbers):
    taken = {key: np.array(values) for key, values in (runs or {}).items()}
    told = {key: Number(float(values.mean())) for key, values in taken.items()}
    told.update({key: Number(value) for key, value in numbers.items()})
    return Scores(name=name, numbers=told, runs=taken, constant=constant, valued=valued)


def verdict(*methods, references=(), repeats=3, rule=None):
    board = Scoreboard(tuple(methods), tuple(references))
    return Verdict(scoreboard=board, consensus=None, n_players=60, repeats=repeats, rule=rule)


def test_of_rankings_that_cannot_be_told_apart_who_leads_most_else_is_taken():
    near = {"srg": [0.6, 0.7, 0.5]}
    also = {"srg": [0.61, 0.66, 0.52], "r2": [0.8, 0.8, 0.8]}
    found = verdict(
        scores("a", runs={**near, "r2": [0.2, 0.2, 0.2]}, evaluations=10),
        scores("b", runs=also, evaluations=500),
    )
    assert found.choice().name == "b"
    (sentence,) = found.sentences()
    assert sentence.startswith("Take b: SRG 0.60")
    assert "not separable from a in 3 runs; it is among the best by R²" in sentence


def test_among_equals_the_larger_score_then_the_cheaper_one():
    wild = {"srg": [0.1, 0.9, -0.5]}
    high = {"srg": [1.5, 1.5, 1.5]}
    assert verdict(scores("a", runs=wild), scores("b", runs=high)).choice().name == "b"
    same = {"srg": [0.5, 0.6, 0.7]}
    found = verdict(scores("a", runs=same, evaluations=500), scores("b", runs=same, evaluations=60))
    assert found.choice().name == "b"


def test_among_equals_whose_sums_foretell_more_comes_first():
    same = {"srg": [0.5, 0.6, 0.7]}
    found = verdict(
        scores("a", runs=same, correlation=0.4, evaluations=60),
        scores("b", runs=same, correlation=0.9, evaluations=500),
    )
    assert found.choice().name == "b"


def test_who_fails_the_gate_or_says_nothing_is_refused_with_the_reason():
    found = verdict(
        scores("edges", runs={"srg": [0.9, 0.9, 0.9]}, sanity=0.97),
        scores("flat", runs={"srg": [0.0, 0.0, 0.0]}, constant=True),
        scores("lime", runs={"srg": [0.5, 0.6, 0.55]}, sanity=0.1),
    )
    assert found.choice().name == "lime"
    told = " ".join(found.sentences())
    assert "edges is not taken: in one trial it looked much the same" in told
    assert "flat gives every region the same value" in told
    assert "not separable from edges" not in told


def test_a_reference_that_wins_is_named_with_the_measures_it_wins_by():
    blob = scores("blob in the middle", srg=0.4, deletion=0.05, flip_area=0.9)
    found = verdict(
        scores("lime", runs={"srg": [0.5, 0.5, 0.5], "deletion": [0.1, 0.1, 0.1]}, flip_area=0.2),
        references=[blob],
    )
    told = " ".join(found.sentences())
    assert "by deletion, a blob in the middle does no worse" in told
    assert "by SRG" not in told
    assert "flip area" not in told


def test_where_the_prediction_needs_nothing_there_is_little_to_point_at():
    found = verdict(scores("lime", runs={"srg": [0.1, 0.1, 0.1]}, sufficient_area=0.0))
    assert any("little to point at" in sentence for sentence in found.sentences())


def test_what_no_sum_explains_is_said():
    found = verdict(scores("lime", runs={"srg": [0.5, 0.5, 0.5], "r2": [0.3, 0.3, 0.3]}))
    assert any("more than 30% of what the model does" in said for said in found.sentences())


def test_the_rule_and_the_strongest_regions_are_held_together():
    found = verdict(
        scores("lime", runs={"srg": [0.5, 0.5, 0.5]}, sufficient_area=0.2, kept_at_rule=0.9),
        scores("anchors", valued=False, sufficient_area=0.1),
        rule="anchors",
    )
    (sentence,) = [said for said in found.sentences() if "few regions" in said]
    assert "anchors keeps the prediction with 10 % of the picture" in sentence
    assert "the strongest of lime with 20 %" in sentence
    assert "keeps it in 90 %" in sentence


def test_shaky_runs_ask_for_a_larger_budget():
    found = verdict(scores("lime", runs={"srg": [0.5, 0.6, 0.4]}, stability=0.6))
    assert "agree to 0.60: raise the budget." in found.sentences()[0]
