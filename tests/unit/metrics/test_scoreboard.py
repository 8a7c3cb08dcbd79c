"""The scoreboard: what is measured of whom, and who can be told from whom."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t as student
from scipy.stats import ttest_rel

from seewhy.errors import InputError
from seewhy.game.toys import linear_game, threshold_game
from seewhy.metrics.faithfulness import deletion, flip_area, insertion, ranked
from seewhy.metrics.measures import BY_KEY, MEASURES, Number
from seewhy.metrics.scoreboard import Candidate, Scoreboard, Scores, judge, leaders

D = 12
WEIGHTS = np.linspace(3, -1, D)
RANKS = {key for key, measure in BY_KEY.items() if measure.better}


def rng(*seed):
    return np.random.default_rng(seed)


@pytest.fixture
def bench(bench_for):
    """Of a class that needs more than a weighted half to stay ahead."""
    return bench_for(threshold_game(WEIGHTS, 4.0), D)


def candidate(maps, **settings):
    maps = np.atleast_2d(np.asarray(maps, float))
    return Candidate(**{"name": "tried", "maps": maps, **settings})


def line(name, **runs):
    arrays = {key: np.asarray(values, float) for key, values in runs.items()}
    return Scores(name=name, numbers={}, runs=arrays)


def test_all_that_can_be_measured_is(bench):
    inside = (np.arange(D) < 4).astype(float)
    maps = WEIGHTS + 0.3 * rng(0).standard_normal((3, D))
    full = candidate(
        maps, reading="hiding", noisy=maps[:2], shuffled=-maps[0], evaluations=7, seconds=2.5
    )
    found = judge(full, bench, inside=inside, rule_area=0.25)
    assert list(found.numbers) == [measure.key for measure in MEASURES]
    assert set(found.runs) == {
        "srg", "srg_other", "insertion", "deletion", "flip_area", "r2", "correlation"
    }  # fmt: skip
    assert all(values.shape == (3,) for values in found.runs.values())
    assert (found.numbers["evaluations"], found.numbers["seconds"]) == (Number(7.0), Number(2.5))
    assert found.numbers["sanity"].value == 1.0  # turned round is not changed
    assert not found.constant


def test_what_was_not_given_is_absent(bench):
    found = judge(candidate(WEIGHTS), bench)
    missing = {measure.key for measure in MEASURES} - set(found.numbers)
    assert missing == {
        "r2", "kept_at_rule", "stability", "top_stability", "noise", "localisation", "pointing",
        "sanity", "evaluations", "seconds",
    }  # fmt: skip


def test_numbers_are_those_of_the_measures(bench):
    maps = WEIGHTS + 0.5 * rng(1).standard_normal((4, D))
    found = judge(candidate(maps), bench)
    for key, one in (
        ("srg", lambda values: ranked(bench, values).gap),
        ("insertion", lambda values: insertion(bench, values).area),
        ("deletion", lambda values: deletion(bench, values).area),
        ("flip_area", lambda values: flip_area(bench, values)),
    ):
        each = [one(values) for values in maps]
        assert found.runs[key].tolist() == each
        assert found.numbers[key].value == pytest.approx(np.mean(each))
    assert found.walks.gap == found.runs["srg"][0]


def test_equal_runs_are_measured_once_and_have_no_interval(bench_for):
    fresh = [bench_for(threshold_game(WEIGHTS, 4.0), D) for _ in range(2)]
    one = judge(candidate(WEIGHTS), fresh[0])
    three = judge(candidate(np.tile(WEIGHTS, (3, 1))), fresh[1])
    assert fresh[0].evaluations == fresh[1].evaluations
    assert one.numbers["srg"] == Number(one.runs["srg"][0])
    assert three.numbers["srg"] == Number(pytest.approx(one.numbers["srg"].value, abs=1e-12))
    assert three.runs["srg"].shape == (3,)
    assert three.numbers["stability"].value == 1.0


def test_runs_keep_their_order(bench):
    maps = np.stack([WEIGHTS, -WEIGHTS, WEIGHTS])
    srg = judge(candidate(maps), bench).runs["srg"]
    assert srg[0] == srg[2] == pytest.approx(-srg[1])
    assert srg[0] > 0


def test_shares_stay_shares_and_r_squared_below_one(bench_for):
    bench = bench_for(linear_game(WEIGHTS), D)
    maps = WEIGHTS + 0.4 * rng(2).standard_normal((3, D))
    found = judge(candidate(maps, reading="hiding"), bench).numbers
    for key in ("r2", "correlation"):
        assert found[key].low < found[key].value < found[key].high <= 1.0
    true = judge(candidate(np.tile(WEIGHTS, (3, 1)), reading="hiding"), bench).numbers
    assert true["r2"].value == pytest.approx(1.0)
    assert true["r2"].low == pytest.approx(1.0)


def test_runs_and_masks_both_widen_the_interval_of_r_squared(bench_for):
    bench = bench_for(threshold_game(WEIGHTS, 4.0), D)
    maps = 0.3 * WEIGHTS + 0.2 * rng(3).standard_normal((3, D))
    several = judge(candidate(maps, reading="hiding"), bench).numbers["r2"]
    single = judge(candidate(maps[:1], reading="hiding"), bench).numbers["r2"]
    down = single.value - single.low
    reach = np.std(judge(candidate(maps, reading="hiding"), bench).runs["r2"], ddof=1)
    reach *= 4.302653 / np.sqrt(3)  # Student's, two degrees of freedom
    assert several.value - several.low == pytest.approx(np.hypot(down, reach), rel=1e-4)


def test_a_rule_brings_its_area_and_takes_no_part_run_by_run(bench):
    member = (np.arange(D) < 3).astype(float)
    rule = candidate(member, name="rule", rerun=False, area=0.25, proves="sufficient_area")
    found = judge(rule, bench)
    assert found.numbers["sufficient_area"] == Number(0.25)
    assert found.runs == {}
    assert not found.valued
    assert {"stability", "top_stability"}.isdisjoint(found.numbers)
    change = candidate(member, name="change", rerun=False, area=0.5, proves="flip_area")
    found = judge(change, bench)
    assert found.numbers["flip_area"] == Number(0.5)
    assert found.numbers["sufficient_area"].value != 0.5
    # and leaders are told among the others alone
    assert leaders([line("a", srg=[1, 1]), Scores(name="rule", numbers={})], "srg") == {"a"}


def test_what_a_rule_proves_is_not_searched_again(bench_for):
    member = (np.arange(D) < 3).astype(float)
    costs = []
    for settings in ({}, {"area": 0.25, "proves": "sufficient_area"}):
        bench = bench_for(threshold_game(WEIGHTS, 4.0), D)
        judge(candidate(member, rerun=False, **settings), bench)
        costs.append(bench.evaluations)
    assert costs[1] < costs[0] - 50
    twice = judge(candidate(np.tile(member, (2, 1)), rerun=False), bench)
    assert "stability" not in twice.numbers


def test_each_game_of_the_bench_has_its_measure(bench_for):
    games = [linear_game(np.roll(WEIGHTS, k)) for k in range(4)]
    other, removing, adding = games[1:]
    bench = bench_for(games[0], D, other=other, removing=removing, adding=adding)
    found = judge(candidate(WEIGHTS), bench).numbers
    middles = (np.arange(D) + 0.5) / D  # WEIGHTS fall: this is where each is hidden

    def gap(game):
        weights = game.main_effects()
        return weights @ (middles[::-1] - middles) / weights.sum()

    assert found["srg"].value == pytest.approx(gap(games[0]), abs=1e-5)
    assert found["srg_other"].value == pytest.approx(gap(other), abs=1e-5)
    assert found["deletion"].value == pytest.approx(removing.main_effects() @ middles, abs=1e-4)
    assert found["insertion"].value == pytest.approx(
        adding.main_effects() @ middles[::-1], abs=1e-4
    )


def test_a_constant_map_is_flagged(bench):
    constant = judge(candidate(np.full((3, D), 2.0)), bench)
    assert constant.constant
    assert constant.numbers["stability"].value == 0.0
    assert constant.numbers["sparsity"].value == 0.0


def test_a_class_that_the_model_does_not_say_has_no_decision_to_keep(bench_for):
    bench = bench_for(threshold_game(WEIGHTS, 100.0), D)
    found = judge(candidate(WEIGHTS), bench, rule_area=0.2).numbers
    assert {"sufficient_area", "kept_at_rule", "flip_area"}.isdisjoint(found)
    assert "srg" in found


@pytest.mark.parametrize(
    "maps", [np.zeros(D), np.zeros((0, D)), np.full((2, D), np.nan), np.zeros((1, 2, D))]
)
def test_maps_that_are_none_are_refused(maps):
    with pytest.raises(InputError, match=r"maps of odd must be finite numbers of shape \(runs, "):
        Candidate(name="odd", maps=maps)


def test_maps_of_another_picture_are_refused(bench):
    with pytest.raises(InputError, match=f"maps of tried must have {D} superpixels; got 5"):
        judge(candidate(np.zeros(5)), bench)


def test_a_difference_without_chance_is_a_fact():
    board = [line("a", srg=[0.5, 0.5]), line("b", srg=[0.5 - 1e-6] * 2)]
    assert leaders(board, "srg") == {"a"}


def test_equal_maps_tie():
    board = [line("a", srg=[0.5, 0.5]), line("b", srg=[0.5, 0.5]), line("c", srg=[0.4, 0.4])]
    assert leaders(board, "srg") == {"a", "b"}
    board[1] = line("b", srg=[0.5 + 1e-13, 0.5])  # rounding
    assert leaders(board, "srg") == {"a", "b"}


def test_rounding_that_leans_one_way_is_no_difference():
    board = [line("a", srg=0.5 + 1e-13 * np.array([1.0, 1.1, 1.0])), line("b", srg=[0.5] * 3)]
    assert leaders(board, "srg") == {"a", "b"}


def test_the_lower_is_better_where_that_is_so():
    board = [line("a", deletion=[0.2, 0.2]), line("b", deletion=[0.1, 0.1])]
    assert leaders(board, "deletion") == {"b"}


def test_it_is_the_paired_t_test():
    """What both share from run to run cancels; what one of them alone has does not."""
    common = np.array([0.0, 0.4, -0.3, 0.2, 0.1])
    apart = np.array([0.011, 0.009, 0.01, 0.012, 0.008])
    board = [line("a", srg=0.5 + common), line("b", srg=0.5 + common - apart)]
    assert leaders(board, "srg") == {"a"}
    board[1] = line("b", srg=0.5 + common[::-1] - apart)
    assert ttest_rel(board[0].runs["srg"], board[1].runs["srg"]).pvalue > 0.05
    assert leaders(board, "srg") == {"a", "b"}


@pytest.mark.parametrize(("rivals", "told"), [(1, True), (3, True), (4, False), (9, False)])
def test_with_more_rivals_it_takes_more(rivals, told):
    """Holm: all have p = .0126, and the smallest counts once for every rival."""
    unit = np.array([-1.0, 0.0, 1.0, 0.5, -0.5])
    spread = np.sqrt(5) / (student.isf(0.0126 / 2, 4) * unit.std(ddof=1))
    assert ttest_rel(1 + spread * unit, 0 * unit).pvalue == pytest.approx(0.0126)
    others = [line(f"b{k}", srg=np.zeros(5)) for k in range(rivals)]
    found = leaders([line("a", srg=1 + spread * unit), *others], "srg")
    assert (found == {"a"}) == told
    assert "a" in found


def test_a_single_run_tells_nothing():
    assert leaders([line("a", srg=[0.9]), line("b", srg=[0.1])], "srg") == frozenset()
    assert leaders([], "srg") == frozenset()
    assert leaders([line("a")], "srg") == frozenset()


def test_what_only_is_reported_has_no_leader():
    with pytest.raises(InputError, match="sparsity ranks nothing"):
        leaders([line("a", sparsity=[1, 2])], "sparsity")


@pytest.mark.parametrize("methods", [2, 5, 10])
def test_among_equals_few_are_said_to_be_worse(methods):
    """5 % for two; that the best is picked from the same runs costs some of that with more."""
    said = 0
    for seed in range(400):
        runs = rng(seed).standard_normal((methods, 3))
        found = leaders([line(str(k), srg=row) for k, row in enumerate(runs)], "srg")
        said += len(found) < methods
    assert said / 400 < 0.05 + 0.01 * methods + 3 * np.sqrt(0.05 * 0.95 / 400)


def test_who_is_clearly_better_leads_alone():
    said = 0
    for seed in range(200):
        draw = rng(seed)
        board = [line("best", srg=1 + 0.02 * draw.standard_normal(3))]
        board += [line(str(k), srg=0.02 * draw.standard_normal(3)) for k in range(3)]
        said += leaders(board, "srg") == {"best"}
    assert said > 180


def test_the_board_finds_lines_by_name_and_leaders_by_measure():
    scores = (line("a", srg=[2, 2], deletion=[0.3, 0.3]), line("b", srg=[1, 1], deletion=[0.1] * 2))
    board = Scoreboard(scores, (line("random order", srg=[9, 9], deletion=[0.0, 0.0]),))
    assert board["b"] is scores[1]
    assert board["random order"].name == "random order"
    # references are shown beside the others, and lead nothing
    assert board.best == {"srg": {"a"}, "deletion": {"b"}}
    with pytest.raises(KeyError, match=r"holds 'a', 'b', 'random order'; got 'random ordr'.*mean"):
        board["random ordr"]


def test_measures_have_names_of_their_own():
    assert len({measure.key for measure in MEASURES}) == len(MEASURES) == len(BY_KEY)
    assert len({measure.label for measure in MEASURES}) == len(MEASURES)
    assert all(measure.meaning.endswith(".") for measure in MEASURES)
    assert set(BY_KEY) - {"sparsity", "evaluations", "seconds"} == RANKS
