"""Measures measured: on planted evidence the truth must win, and what knows nothing must not.

What a measure cannot see is written down here as well: a blob in the middle is as stable as the
truth, is on the object where photographers put it, and edges find marks because marks have edges.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from seewhy.game.scores import ClassScores
from seewhy.image.fill import MeanFill
from seewhy.methods.explanation import Attribution
from seewhy.methods.registry import method_class
from seewhy.metrics.bench import bench_of
from seewhy.metrics.consensus import consensus_of
from seewhy.metrics.localisation import inside_shares, localise
from seewhy.metrics.measures import BY_KEY
from seewhy.metrics.planted import planted
from seewhy.metrics.planted_rule import PlantedRule, additive, all_of, any_of, at_least
from seewhy.metrics.references import centre_map, constant_map, edge_map, random_map
from seewhy.metrics.sanity import passes
from seewhy.metrics.scoreboard import Candidate, judge
from seewhy.models.masking_game import game_of, masked_picture

RULES = {
    "additive": additive(3.0, 2.0, 1.0, -1.5, distractors=1),
    "and": all_of(2, distractors=1),
    "or": any_of(2, distractors=1),
    "two of three": at_least(2, 3),
    "mixed": PlantedRule(weights=(-1.0, 2.0), together=3, needed=2, off_object=1),
}
PICTURES = [(name, 3 * k + j) for k, name in enumerate(RULES) for j in range(3)]
D = 24
RUNS = 3
FAITHFUL = (
    "srg", "srg_other", "insertion", "deletion", "r2", "correlation", "sufficient_area",
    "flip_area", "kept_at_rule",
)  # fmt: skip
IGNORANT = ("edges", "centre", "constant", "random")


def drawn(name, seed, **changes):
    rule = RULES[name] if isinstance(name, str) else name
    return planted(rule, np.random.default_rng(seed), side=64, segments=D, **changes)


def bench_on(case, seed):
    picture = masked_picture(case.model, case.image, case.segmentation, fill=MeanFill())
    asked = ClassScores("log-odds", (case.target,))
    game = game_of(case.model, picture)
    return bench_of(case.model, picture, game, asked, fill=MeanFill(), seed=seed)


def maps_of(case, rng):
    """Runs of the truth, of the truth with noise, and of what knows nothing of the network."""
    truth = case.main_effects()
    spread = 0.25 * np.abs(truth).max()
    alike = {
        "oracle": truth,
        "edges": edge_map(case.image, case.segmentation),
        "centre": centre_map(case.segmentation),
        "constant": constant_map(D),
    }
    return {
        **{name: np.tile(values, (RUNS, 1)) for name, values in alike.items()},
        "noisy oracle": truth + spread * rng.standard_normal((RUNS, D)),
        "random": np.array([random_map(D, rng) for _ in range(RUNS)]),
    }


@pytest.fixture(scope="module")
def judged():
    """Every map on every planted picture: name → scores in the order of `PICTURES`."""
    found = {}
    for name, seed in PICTURES:
        case, rng = drawn(name, seed), np.random.default_rng([seed, 1])
        bench = bench_on(case, seed)
        needed = bench.areas[list(case.supporting)].sum()
        # What the network forgets, only what asks the network forgets, too.
        forgotten = case.main_effects()[rng.permutation(D)] + 1e-3 * rng.standard_normal(D)
        for kind, maps in maps_of(case, rng).items():
            candidate = Candidate(
                name=kind,
                maps=maps,
                reading="hiding",
                noisy=maps_of(case, rng)[kind][:2],
                shuffled=maps[0] if kind in IGNORANT[:3] else forgotten,
            )
            inside = inside_shares(case.segmentation, case.mask)
            scores = judge(candidate, bench, inside=inside, rule_area=needed)
            found.setdefault(kind, []).append(scores)
    return found


@pytest.fixture
def table(judged):
    """Mean over pictures, so signed that more is better, and every picture's number."""

    def of(key):
        sign = {"higher": 1, "lower": -1}[BY_KEY[key].better]
        each = {
            kind: sign
            * np.array([line.numbers[key].value for line in lines if key in line.numbers])
            for kind, lines in judged.items()
        }
        return SimpleNamespace(each=each, mean={kind: v.mean() for kind, v in each.items()})

    return of


@pytest.mark.parametrize("key", [*FAITHFUL, "localisation"])
def test_the_truth_comes_first(table, key):
    each, mean = table(key).each, table(key).mean
    # with a quarter of noise the order at the top hardly changes: it may tie, not win
    assert mean["oracle"] >= mean["noisy oracle"] - 0.01
    for kind in IGNORANT:
        gap = each["oracle"] - each[kind]
        # edges do find the marks, which are sharp: as much area of theirs often is enough, too
        alike = key == "kept_at_rule" and kind == "edges"
        assert gap.mean() > (0 if alike else 2 * gap.std(ddof=1) / np.sqrt(len(gap)))


@pytest.mark.parametrize("key", FAITHFUL)
def test_chance_comes_last(table, key):
    mean = table(key).mean
    last = sorted(mean, key=mean.__getitem__)[:2]
    assert set(last) == {"random", "constant"}


@pytest.mark.parametrize("key", FAITHFUL)
def test_the_truth_beats_chance_on_nearly_every_picture(table, key):
    each = table(key).each
    assert np.mean(each["oracle"] > each["random"]) >= 0.9


@pytest.mark.parametrize("key", FAITHFUL)
def test_a_blob_in_the_middle_is_told_from_the_truth(table, key):
    """Objects are in the middle and evidence on them: it beats chance, by no merit of its own."""
    each, mean = table(key).each, table(key).mean
    gap = each["oracle"] - each["centre"]
    assert gap.mean() > 3 * gap.std(ddof=1) / np.sqrt(len(gap))
    assert mean["centre"] > mean["random"]


@pytest.mark.parametrize("key", ["srg", "srg_other"])
def test_chance_has_no_gap(table, key):
    """These models see marks or none, so that both fills hide alike, and both gaps are one."""
    for kind in ("random", "constant"):
        each = table(key).each[kind]
        assert abs(each.mean()) <= 3 * each.std(ddof=1) / np.sqrt(len(each))


def test_the_truth_about_sums_is_exact_where_evidence_adds_up(judged):
    for (name, _), line in zip(PICTURES, judged["oracle"], strict=True):
        r2 = line.numbers["r2"].value
        assert (r2 > 1 - 1e-6) == (name == "additive")
        assert r2 > 0.5
    assert all(line.numbers["r2"].value < 0.5 for kind in IGNORANT for line in judged[kind])


def test_the_truth_keeps_and_changes_the_prediction_with_as_little_as_can_be(judged):
    """With one superpixel at a time in the true order; of an order among equals one is taken."""
    for (name, seed), line in zip(PICTURES, judged["oracle"], strict=True):
        case = drawn(name, seed)
        areas = bench_on(case, seed).areas
        enough = [areas[list(s)].sum() for s in case.smallest_sufficient(precision=0.95)]
        changes = [areas[list(s)].sum() for s in case.smallest_changes()]
        assert line.numbers["kept_at_rule"].value == 1.0
        assert line.numbers["sufficient_area"].value >= min(enough) - 1e-9
        assert line.numbers["flip_area"].value >= min(changes) - 1e-9
        if name == "and":
            assert line.numbers["sufficient_area"].value == pytest.approx(enough[0])
        if name == "or":
            assert line.numbers["flip_area"].value == pytest.approx(changes[0])


def test_a_constant_map_is_flagged_and_no_other(judged):
    assert {kind for kind, lines in judged.items() if any(line.constant for line in lines)} == {
        "constant"
    }


def test_stability_cannot_tell_who_looked_at_the_network(table):
    """It only tells who says the same again: never to be read alone."""
    for key in ("stability", "top_stability"):
        mean = table(key).mean
        assert mean["oracle"] == mean["edges"] == mean["centre"] == 1.0
        assert mean["oracle"] > mean["noisy oracle"] > mean["random"]
        assert mean["constant"] == 0.0  # or saying nothing would be the most stable
        assert mean["random"] < 0.15


def test_noise_costs_nothing_who_does_not_look(table):
    each = table("noise").each
    for kind in ("oracle", "edges", "centre", "constant"):
        assert np.abs(each[kind]).max() < 1e-12
    for kind in ("noisy oracle", "random"):  # chance is not fragility
        lost = each[kind]
        assert abs(lost.mean()) < 3 * lost.std(ddof=1) / np.sqrt(len(lost))


def test_what_does_not_change_with_the_network_is_caught(table, judged):
    similar = {kind: -value for kind, value in table("sanity").mean.items()}
    for kind in ("edges", "centre", "constant"):
        assert similar[kind] == 1.0
        assert not passes(similar[kind], D)
    for kind in ("oracle", "noisy oracle", "random"):  # a gate, and chance walks through it, too
        assert passes(similar[kind], D)


def test_pointing_is_at_the_evidence(table):
    mean = table("pointing").mean
    assert mean["oracle"] == 1.0
    assert mean["noisy oracle"] > 0.7
    assert max(mean["random"], mean["constant"], mean["centre"]) < 0.6


@pytest.mark.parametrize("seed", range(4))
def test_on_the_object_is_a_question_about_the_object(seed):
    """A blob is on a thing in the middle; the truth about a model that goes by the rest is not."""
    beside = drawn(additive(3.0, 2.0, 1.0, off_object=3), seed)
    truth, blob = beside.main_effects(), centre_map(beside.segmentation)
    areas = beside.segmentation.areas()
    thing = inside_shares(beside.segmentation, beside.on_object)
    evidence = inside_shares(beside.segmentation, beside.mask)
    assert localise(blob, areas, thing).corrected > 0.3
    assert localise(blob, areas, thing).points_at_object == 1.0
    assert localise(truth, areas, thing).corrected < 0.1
    # asked about the evidence, which is planted, the truth has all of it and the blob no more than
    # an even spread
    assert localise(truth, areas, evidence).corrected == pytest.approx(1.0)
    assert localise(truth, areas, evidence).points_at_object == 1.0
    assert localise(blob, areas, evidence).corrected < 0.1


def attribution(key, values, error=None):
    return Attribution(
        values=np.array(values, float)[:, None],
        standard_error=None if error is None else np.full((len(values), 1), float(error)),
        base_value=np.zeros(1),
        targets=(0,),
        evaluations=1,
        seconds=0.0,
        fidelity=None,
        converged=np.ones(1, bool),
        method=method_class(key)(),
    )


def occluded(case):
    """What hiding one superpixel takes away from the whole picture."""
    masks = np.vstack([np.ones(D, bool), ~np.eye(D, dtype=bool)])
    values = case.game(masks)[:, 0]
    return values[0] - values[1:]


@pytest.mark.parametrize(("name", "seed"), PICTURES)
def test_true_values_of_different_kinds_agree_on_the_evidence(name, seed):
    case = drawn(name, seed)
    voices = [
        attribution("lime", case.main_effects()),
        attribution("kernel-shap", case.shapley_values()),
        attribution("occlusion", occluded(case)),
    ]
    found = consensus_of(voices)
    if name == "two of three":  # none is missed when it alone goes: occlusion is silent
        assert [voice.name for voice in found.voices] == ["main effects", "Shapley values"]
    if name != "mixed":
        assert set(found.agreed) == set(case.relevant)
        assert found.disputed == ()
    assert set(found.agreed) <= set(case.relevant)
    assert all((value > 0) == (player in case.supporting) for player, value in found.agreed.items())
    assert found.concordance > 0.6


def test_chance_agrees_with_nothing():
    agreed, concordance = 0, []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        voices = [
            attribution(key, random_map(D, rng), 0.5)
            for key in ("lime", "kernel-shap", "occlusion")
        ]
        found = consensus_of(voices)
        agreed += len(found.agreed)
        concordance.append(found.concordance)
    assert agreed / 40 < 0.5
    assert np.mean(concordance) == pytest.approx(1 / 3, abs=0.05)
