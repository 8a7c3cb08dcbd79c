"""Batching: the same answers for any batch, and clear words when a model misbehaves."""

from __future__ import annotations

import numpy as np
import pytest

from seewhy.errors import InputError, ModelError
from seewhy.image.compositing import Compositor
from seewhy.models.batching import (
    Batcher,
    forward_in_batches,
    is_memory_error,
    masked_forward,
    resolve_batch,
)

SIZE = (4, 4, 3)
IMAGES = np.random.default_rng(0).random((11, *SIZE), dtype=np.float32)


def sums(images):
    """Closed form: the sum of each channel."""
    return images.reshape(len(images), -1, 3).sum(axis=1)


def run(forward, batcher, images=IMAGES):
    return forward_in_batches(forward, images, batcher, input_size=SIZE)


class TestBatches:
    @pytest.mark.parametrize("size", [1, 2, 3, 11, 64])
    def test_answers_do_not_depend_on_the_batch(self, size):
        outputs = run(sums, Batcher(size, name="sums"))
        np.testing.assert_array_equal(outputs, sums(IMAGES))
        assert outputs.dtype == np.float32

    def test_every_picture_is_seen_once(self):
        seen = []
        run(lambda images: seen.append(len(images)) or sums(images), Batcher(4, name="sums"))
        assert seen == [4, 4, 3]

    def test_a_single_output_is_a_column(self):
        outputs = run(lambda images: images.mean(axis=(1, 2, 3)), Batcher(4, name="mean"))
        assert outputs.shape == (11, 1)

    def test_no_pictures(self):
        batcher = Batcher(4, name="sums")
        run(sums, batcher)
        assert run(sums, batcher, IMAGES[:0]).shape == (0, 3)

    def test_half_precision_answers_become_float32(self):
        outputs = run(lambda images: sums(images).astype(np.float16), Batcher(4, name="half"))
        assert outputs.dtype == np.float32

    def test_an_answer_that_is_a_reused_buffer_is_copied(self):
        buffer = np.empty((2, 3), np.float32)

        def forward(images):
            buffer[: len(images)] = sums(images)
            return buffer[: len(images)]

        np.testing.assert_array_equal(run(forward, Batcher(2, name="buffer")), sums(IMAGES))

    def test_pictures_of_another_size_are_refused(self):
        with pytest.raises(InputError, match=r"\(n, 4, 4, 3\); got \(11, 3, 4, 4\)"):
            run(sums, Batcher(4, name="sums"), IMAGES.transpose(0, 3, 1, 2))


class TestAnswersThatMakeNoSense:
    @pytest.mark.parametrize(
        ("forward", "message"),
        [
            (lambda images: np.where(images[:, 0, 0] > 0.5, np.nan, 1), "NaN or infinity for"),
            (lambda images: sums(images) / np.zeros(3), "NaN or infinity for 4 of 4"),
            (lambda images: images.mean(), r"\(4, k\) for 4 pictures.*got shape \(\)"),
            (lambda images: images, r"got shape \(4, 4, 4, 3\)"),
            (lambda images: sums(images)[:1], r"got shape \(1, 3\)"),
            (lambda images: sums(images)[:, :0], r"got shape \(4, 0\)"),
            (lambda images: ["cat"] * len(images), "must return numbers"),
            (lambda images: [None] * len(images), "must return numbers"),
        ],
    )
    @pytest.mark.filterwarnings("ignore:divide by zero")
    def test_named(self, forward, message):
        with pytest.raises(ModelError, match=f"my model .*{message}"):
            run(forward, Batcher(4, name="my model"))

    def test_columns_must_not_change(self):
        with pytest.raises(ModelError, match=r"must return 4 columns.*got 3"):
            run(lambda images: np.zeros((len(images), len(images))), Batcher(4, name="square"))

    def test_columns_must_be_those_promised(self):
        with pytest.raises(ModelError, match=r"must return 10 columns.*got 3"):
            run(sums, Batcher(4, name="sums", columns=10))


class OutOfMemoryError(RuntimeError):
    """Named as PyTorch's, which need not be imported to be recognised."""


class TestLackOfMemory:
    @pytest.mark.parametrize("error", [MemoryError, OutOfMemoryError])
    def test_the_batch_is_halved_for_good_and_nothing_is_lost(self, error):
        sizes = []

        def forward(images):
            sizes.append(len(images))
            if len(images) > 3:
                raise error
            return sums(images)

        batcher = Batcher(8, name="small")
        np.testing.assert_array_equal(run(forward, batcher), sums(IMAGES))
        assert sizes == [8, 4, 2, 2, 2, 2, 2, 1]
        assert batcher.size == 2
        sizes.clear()
        run(forward, batcher)
        assert max(sizes) == 2

    def test_an_adapter_may_recognise_its_own(self):
        def forward(images):
            if len(images) > 1:
                raise RuntimeError("Failed to allocate memory")
            return sums(images)

        batcher = Batcher(4, name="x", out_of_memory=lambda error: "allocate" in str(error))
        np.testing.assert_array_equal(run(forward, batcher), sums(IMAGES))
        assert batcher.size == 1

    def test_a_single_picture_too_many(self):
        def forward(images):
            raise MemoryError

        with pytest.raises(ModelError, match="huge ran out of memory on a single picture"):
            run(forward, Batcher(8, name="huge"))

    def test_other_errors_pass(self):
        def forward(images):
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            run(forward, Batcher(8, name="x"))
        assert not is_memory_error(ZeroDivisionError())


class TestMasked:
    LABELS = np.repeat(np.arange(4, dtype=np.int32), 4).reshape(4, 4)

    def bound(self, forward, batcher):
        image, fill = np.ones(SIZE, np.float32), np.zeros(SIZE, np.float32)
        compositor = Compositor(image, fill, self.LABELS, layout="NHWC")
        return masked_forward(forward, compositor, batcher)

    @pytest.mark.parametrize("size", [1, 3, 100])
    def test_masks_become_pictures(self, size):
        """With a white image, black fill and rows as players, the sum counts kept rows."""
        masks = np.random.default_rng(1).random((20, 4)) < 0.5
        outputs = self.bound(sums, Batcher(size, name="sums"))(masks)
        np.testing.assert_array_equal(outputs, np.repeat(4.0 * masks.sum(1)[:, None], 3, axis=1))

    def test_one_buffer_serves_all_batches(self):
        addresses = set()

        def forward(images):
            addresses.add(images.__array_interface__["data"][0])
            return sums(images)

        outputs = self.bound(forward, Batcher(4, name="sums"))
        for n in (20, 4, 9):
            outputs(np.ones((n, 4), bool))
        assert len(addresses) == 1

    def test_a_model_that_writes_into_its_input_harms_nobody(self):
        def forward(images):
            images *= 255
            return sums(images) / 255

        masks = np.random.default_rng(1).random((20, 4)) < 0.5
        outputs = self.bound(forward, Batcher(3, name="sums"))(masks)
        np.testing.assert_allclose(outputs[:, 0], 4.0 * masks.sum(1))

    def test_lack_of_memory_is_survived(self):
        def forward(images):
            if len(images) > 2:
                raise MemoryError
            return sums(images)

        masks = np.random.default_rng(1).random((20, 4)) < 0.5
        batcher = Batcher(16, name="sums")
        np.testing.assert_array_equal(self.bound(forward, batcher)(masks)[:, 0], 4.0 * masks.sum(1))
        assert batcher.size == 2


class TestRule:
    @pytest.mark.parametrize(
        ("size", "expected"),
        [((224, 224), 16), ((112, 112), 64), ((448, 448), 4), ((2000, 2000), 1), ((299, 299), 8)],
    )
    def test_about_as_many_pixels_whatever_the_size(self, size, expected):
        assert resolve_batch("auto", size, at_224=16) == expected

    @pytest.mark.parametrize("batch", [0, -1, 2.5, "many", True, None])
    def test_nonsense_is_refused(self, batch):
        with pytest.raises(InputError, match="'auto' or a positive integer"):
            resolve_batch(batch, (224, 224), at_224=16)
