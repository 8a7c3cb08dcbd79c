"""Whether the network clearly knows more when it is fed in another way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float64

from seewhy.errors import SeewhyError
from seewhy.run.checkup.asking import Asking, Reading, read
from seewhy.run.checkup.evidence import gains, right, sticks_to, told_apart, truth_scores
from seewhy.run.checkup.feeding import DECLARED, Feeding, alternatives
from seewhy.run.checkup.photos import (
    FIRST_VIEWS,
    FURTHER_VIEWS,
    FURTHER_WITHOUT_TRUTH,
    WITHOUT_TRUTH,
    Photo,
    shown,
)

_RIVALS = 2

# Calibrated on real networks, fed rightly and wrongly: see tests/unit/run/test_doctor.py.
FAULT, ADVICE = 0.25, 0.15  # mean gain in the log-probability of the truth, over several photos
ALONE = 1.0  # likewise over the views of a single photo
SIMPLER = 0.25  # what a second change must bring to be believed
_SEVERAL, _FEWEST_TOGETHER = 4, 3
_MOST_OF_THEM, _OUTWEIGHS = 0.6, 3.0
_MORE_TOLD = 0.3  # nats
_STICKS = 0.1


@dataclass(frozen=True)
class Better:
    """A way of feeding that beats the declared one.

    Attributes
    ----------
    feeding : Feeding
    verdict : {"advice", "fault"}
    evidence : str
        What it rests on, for the sentence.
    """

    feeding: Feeding
    verdict: Literal["advice", "fault"]
    evidence: str


@dataclass
class Trial:
    """Answers to photos under several ways of feeding.

    Attributes
    ----------
    asking : Asking
    reading : str
    photos : sequence of Photo
    views : tuple of str
        Asked so far.
    answers : dict of Feeding to (photos, views, classes) array
    """

    asking: Asking
    reading: Reading
    photos: Sequence[Photo]
    views: tuple[str, ...]
    answers: dict[Feeding, Float64[np.ndarray, "p v c"]]

    @classmethod
    def begin(
        cls, asking: Asking, reading: Reading, photos: Sequence[Photo], views: tuple[str, ...]
    ) -> Trial:
        """Try every alternative on a few views."""
        trial = cls(asking, reading, photos, (), {})
        trial.add([DECLARED, *alternatives(asking.model.preprocessing)], views)
        return trial

    def add(self, feedings: Iterable[Feeding], views: tuple[str, ...]) -> None:
        """Ask about further views; what the model refuses to take is no alternative."""
        pixels = shown(self.photos, views)
        kept: dict[Feeding, Float64[np.ndarray, "p v c"]] = {}
        for feeding in feedings:
            images = feeding.images(pixels, self.asking.model.preprocessing)
            try:
                with np.errstate(over="ignore", invalid="ignore"):
                    outputs = self.asking(images, "other ways to feed it")
                log_p = read(outputs, self.reading).reshape(len(self.photos), len(views), -1)
            except SeewhyError:
                if feeding == DECLARED:
                    raise
                continue
            before = [self.answers[feeding]] if feeding in self.answers else []
            kept[feeding] = np.concatenate([*before, log_p], axis=1)
        self.answers = kept
        self.views += views

    @property
    def rivals(self) -> list[Feeding]:
        """All ways but the declared one."""
        return [feeding for feeding in self.answers if feeding != DECLARED]


def better_by_truth(
    asking: Asking, reading: Reading, photos: Sequence[Photo], samples: Sequence[Photo]
) -> Better | None:
    """Look for a way of feeding with which photos are clearly better known.

    Parameters
    ----------
    asking : Asking
    reading : str
        Of the model's outputs.
    photos : sequence of Photo
        With their truths; one is enough, several are better.
    samples : sequence of Photo
        With or without; what is seen on a single photo must not speak against these.

    Returns
    -------
    Better or None
    """
    trial = Trial.begin(asking, reading, photos, FIRST_VIEWS)
    rivals = _ranked({f: _gain(trial, f) for f in trial.rivals})
    if not rivals:
        return None
    trial.add([DECLARED, *rivals], FURTHER_VIEWS)
    best = _simplest({f: _gain(trial, f) for f in trial.rivals})
    if best is None or not _is_right(trial, best):
        return None
    if len(photos) >= _SEVERAL:
        return _by_several(trial, best)
    return _by_one(trial, best, samples)


def better_without_truth(
    asking: Asking, reading: Reading, photos: Sequence[Photo]
) -> Better | None:
    """Look for a way of feeding with which photos are clearly better told apart.

    Parameters
    ----------
    asking : Asking
    reading : str
    photos : sequence of Photo

    Returns
    -------
    Better or None
        Never a fault: photos need not be of a kind that the network knows.
    """
    if len(photos) < _FEWEST_TOGETHER:
        return None
    trial = Trial.begin(asking, reading, photos, WITHOUT_TRUTH)
    rivals = _ranked({f: _more_told(trial, f) for f in trial.rivals})
    if not rivals:
        return None
    trial.add([DECLARED, *rivals], FURTHER_WITHOUT_TRUTH)
    best = _simplest({f: _more_told(trial, f) for f in trial.rivals})
    if best is None:
        return None
    declared, other = trial.answers[DECLARED], trial.answers[best]
    before, after = told_apart(declared), told_apart(other)
    surely = after >= 2 * before and after - before >= _MORE_TOLD
    if not surely or sticks_to(other) - sticks_to(declared) < _STICKS:
        return None
    return Better(
        best,
        "advice",
        f"tells the sample photos apart better ({after:.2f} against {before:.2f} of "
        f"{np.log(len(photos)):.2f} nats)",
    )


def _gain(trial: Trial, feeding: Feeding) -> float:
    scores = (truth_scores(trial.answers[f], trial.photos) for f in (feeding, DECLARED))
    return float(gains(*scores).mean())


def _more_told(trial: Trial, feeding: Feeding) -> float:
    return told_apart(trial.answers[feeding]) - told_apart(trial.answers[DECLARED])


def _ranked(gained: dict[Feeding, float]) -> list[Feeding]:
    """The best alternatives, and the best of those that change one thing only."""
    promising = sorted((f for f in gained if gained[f] > 0), key=lambda f: -gained[f])
    simple = [f for f in promising if f.changes == 1]
    return list(dict.fromkeys([*promising[:_RIVALS], *simple[:1]]))


def _simplest(gained: dict[Feeding, float]) -> Feeding | None:
    """The best one, or one that changes less and is nearly as good."""
    if not gained:
        return None
    most = max(gained.values())
    near = [f for f in gained if gained[f] >= most - SIMPLER * (f.changes == 1)]
    best = min(near, key=lambda f: (f.changes, -gained[f]))
    return best if gained[best] > 0 else None


def _is_right(trial: Trial, feeding: Feeding) -> bool:
    return bool(right(trial.answers[feeding], trial.photos)[:, 0].mean() >= 0.5)


def _by_several(trial: Trial, best: Feeding) -> Better | None:
    scores = (truth_scores(trial.answers[f], trial.photos) for f in (best, DECLARED))
    gained = gains(*scores)
    moved = gained[np.abs(gained) > 0.02]  # grey photos do not care for the order of colours
    won, lost = gained.clip(0, None).sum(), -gained.clip(None, 0).sum()
    if gained.mean() < ADVICE or (moved > 0).mean() < _MOST_OF_THEM or won < _OUTWEIGHS * lost:
        return None
    verdict: Literal["advice", "fault"] = "fault" if gained.mean() >= FAULT else "advice"
    better, n = int((moved > 0).sum()), len(trial.photos)
    return Better(
        best,
        verdict,
        f"knows {better} of {n} photos better, what they show being "
        f"{np.exp(gained.mean()):.1f} times as likely",
    )


def _by_one(trial: Trial, best: Feeding, samples: Sequence[Photo]) -> Better | None:
    """A single photo may be misread by chance: others must not speak against it."""
    was = right(trial.answers[DECLARED], trial.photos)
    gained = _gain(trial, best)
    enough = ALONE if best.layout == "kept" else 1.5 * ALONE  # some things look alike when turned
    if gained < enough or was.mean() > 0.5:
        return None
    asking, reading = trial.asking, trial.reading
    others = Trial(asking, reading, samples, (), {})
    others.add([DECLARED, best], WITHOUT_TRUTH)
    supported = best in others.answers and _more_told(others, best) > 0
    reliably = right(trial.answers[best], trial.photos).mean() >= 0.5
    return Better(
        best,
        "fault" if supported and reliably else "advice",
        f"knows the picture, what it shows being {np.exp(gained):.1f} times as likely",
    )
