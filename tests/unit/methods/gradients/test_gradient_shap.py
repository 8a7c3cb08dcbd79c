"""GradientSHAP: right on average, soon, with error bars that hold."""

from __future__ import annotations

import numpy as np
import pytest

from seewhy.errors import InputError
from seewhy.game.scores import ClassScores
from seewhy.methods.gradients.gradient_shap import GradientShap, error_of_grids, shifted_grid
from seewhy.methods.gradients.integrated_gradients import IntegratedGradients

torch = pytest.importorskip("torch")


def rng(seed=0):
    return np.random.default_rng(seed)


def rough(seed=0, classes=4):
    """A network whose gradient jumps often on the way."""
    torch.manual_seed(seed)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 24, 3, padding=1),
        torch.nn.ReLU(inplace=True),
        torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(24, 24, 3),
        torch.nn.ReLU(inplace=True),
        torch.nn.Flatten(),
        torch.nn.Linear(24 * 16, classes),
    )


def relative(found, truth):
    return ((found - truth) ** 2).sum() / (truth**2).sum()


def test_both_samplings_tend_to_integrated_gradients(view_of, network):
    view = view_of(network(), batch=512)
    truth = IntegratedGradients(steps=256)(view, rng())
    assert relative(GradientShap(samples=128)(view, rng()).values, truth.values) < 1e-4
    random = GradientShap(samples=2048, sampling="random")(view, rng())
    assert relative(random.values, truth.values) < 1e-2
    np.testing.assert_allclose(random.base_value, truth.base_value)


def test_samples_on_a_grid_need_far_fewer(view_of):
    view = view_of(rough(), batch=512)
    truth = IntegratedGradients(steps=512)(view, rng()).values
    even, independent = (
        np.mean(
            [
                relative(GradientShap(samples=n, sampling=s)(view, rng(i)).values, truth)
                for i in range(12)
            ]
        )
        for n, s in ((16, "structured"), (128, "random"))
    )
    assert even < independent


@pytest.mark.parametrize(
    ("reference", "sampling"),
    [("fill", "structured"), ("noise", "structured"), ("fill", "random"), ("noise", "random")],
)
def test_intervals_hold_the_truth_about_as_often_as_they_say(view_of, reference, sampling):
    view = view_of(rough(1), batch=512)
    if reference == "fill":
        truth = IntegratedGradients(steps=512)(view, rng()).values
    else:
        truth = GradientShap(samples=1024, reference="noise")(view, rng(99)).values
    method = GradientShap(samples=32, reference=reference, sampling=sampling)
    held = []
    for seed in range(25):
        found = method(view, rng(seed))
        low, high = found.interval(0.9)
        held.append((low <= truth) & (truth <= high))
    assert 0.82 <= np.mean(held) <= 0.98


def test_pictures_are_used_equally_often_at_places_between_each_others(view_of, network):
    view = view_of(network())
    asked = []

    class Watched:
        def __getattr__(self, name):
            return getattr(view.model, name)

        def __call__(self, images):
            return view.model(images)

        def path_gradients(self, image, references, positions, scores):
            asked.extend(zip(references.sum(axis=(1, 2, 3)), positions, strict=True))
            return view.model.path_gradients(image, references, positions, scores)

    pictures = tuple(np.random.default_rng(s).random((12, 12, 3)) for s in range(3))
    method = GradientShap(samples=20, reference="pictures", pictures=pictures)
    other = type(view)(Watched(), view.picture, view.asked)
    found = method(other, rng())
    assert len(asked) == 18
    assert found.evaluations == 18 + 1 + 3
    sums = np.array([total for total, _ in asked])
    assert sorted(np.unique(sums.round(2), return_counts=True)[1]) == [6, 6, 6]
    places = np.sort([place for _, place in asked])
    even = np.arcsin(np.sqrt(places)) * 2 / np.pi
    np.testing.assert_allclose(np.diff(even), 1 / 18, atol=1e-9)


def test_of_more_pictures_than_samples_some_are_taken(view_of, network):
    pictures = tuple(np.random.default_rng(s).random((12, 12, 3)) for s in range(9))
    found = GradientShap(samples=5, reference="pictures", pictures=pictures)(
        view_of(network()), rng()
    )
    assert found.evaluations == 5 + 1 + 9
    assert (found.standard_error > 0).all()


def test_the_same_generator_gives_the_same_bits(view_of, network):
    view = view_of(network())
    for settings in ({}, {"sampling": "random"}, {"reference": "noise"}):
        one, other = (GradientShap(**settings)(view, rng(3)) for _ in range(2))
        assert one.values.tobytes() == other.values.tobytes()
        assert one.standard_error.tobytes() == other.standard_error.tobytes()
        assert one.pixel_map.tobytes() == other.pixel_map.tobytes()
        third = GradientShap(**settings)(view, rng(4))
        assert not np.array_equal(third.values, one.values)


def test_the_batch_makes_no_difference_but_rounding(view_of, network):
    few, many = (
        GradientShap(reference="noise", samples=10)(view_of(network(), batch=b), rng())
        for b in (2, 64)
    )
    np.testing.assert_allclose(few.values, many.values, atol=1e-6)
    np.testing.assert_allclose(few.pixel_map, many.pixel_map, atol=1e-6)
    np.testing.assert_allclose(few.base_value, many.base_value, atol=1e-6)


def test_values_are_the_map_summed_over_superpixels(view_of, network):
    view = view_of(network(), ClassScores("probability", (0, 1, 3)))
    found = GradientShap(samples=7)(view, rng())
    np.testing.assert_allclose(found.values, view.pool(found.pixel_map), atol=1e-6)
    assert found.pixel_map.dtype == np.float32
    assert found.targets == (0, 1, 3)
    assert found.fidelity is None


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("shift", [0.0, 0.3, 0.5, 0.99])
def test_a_shifted_grid_integrates_constants_and_nearly_lines(count, shift):
    positions, weights = shifted_grid(count, shift)
    assert weights.sum() == pytest.approx(1)
    assert (weights > 0).all()
    assert ((positions >= 0) & (positions < 1)).all()
    assert abs(weights @ positions - 0.5) <= 1 / count**2


def test_the_error_of_grids_of_independent_samples_is_theirs():
    samples = rng().normal(size=(2, 4000, 3, 1)) * np.array([1.0, 2.0, 5.0])[:, None]
    found = error_of_grids(samples)[:, 0]
    np.testing.assert_allclose(found, np.array([1, 2, 5]) / np.sqrt(8000), rtol=0.08)


def test_an_even_change_along_the_way_is_no_error():
    line = np.arange(6.0)[None, :, None, None]
    assert error_of_grids(line).ravel().tolist() == [0.0]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"samples": 3}, "samples must be a whole number of at least 4; got 3"),
        ({"samples": "auto"}, "samples must be a whole number"),
        ({"sampling": "sobol"}, "sampling must be 'structured' or 'random'; got 'sobol'"),
        ({"epsilon": 0}, "epsilon must be positive"),
        ({"top_regions": 0}, "top_regions must be a whole number"),
        ({"reference": "nothing"}, "reference must be"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, said):
    with pytest.raises(InputError, match=said):
        GradientShap(**settings)
