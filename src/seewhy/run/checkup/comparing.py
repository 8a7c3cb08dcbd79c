"""Whether the network clearly knows more when it is fed in another way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, cast

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

# What the best other way gains over the declared one, in mean log-probability of what several
# photos show: less than nothing (-0.11 at most) on three sound ImageNet networks, and 0.39 or more
# on those fed wrongly, see tests/unit/run/test_doctor.py. A fault begins half way, advice before.
FAULT, ADVICE = 0.25, 0.15
SIMPLER = 0.25  # as much as makes a fault: what a second change must bring to be believed
_SEVERAL = 4  # photos; with fewer, one that is misread by chance decides
_FEWEST_TOGETHER = 3  # to be told apart from each other: of two, chance does that too often
_UNMOVED = 0.02  # nats: grey photos do not care for the order of colours, but for rounding
# Most of the photos that care must gain, and far more than others lose: on the sound networks what
# was won came to 0.41 of what was lost at most, with 5 of 6 photos gaining a little.
_MOST_OF_THEM, _OUTWEIGHS = 0.6, 3.0

# Without a truth: on sound networks other ways told photos apart better by up to 0.43 nats, but
# stuck to it less then, or more by 0.08 at most. Both must rise, and the first be doubled.
_MORE_TOLD, _DOUBLED = 0.3, 2.0
_STICKS = 0.1

# Of a single photo. A fault is called where what it shows was held to be this unlikely, and is as
# sure as that in half of its views when one thing is changed: of pictures that sound networks get
# wrong, 3 of 200 of CIFAR-10's and 0 of 30 of MNIST's do so, see docs/doctor.md.
_CLEARLY_WRONG, _CLEARLY_RIGHT, _MOST_VIEWS = 1e-3, 0.9, 0.5
ALONE = 1.0  # for advice: e times as likely on average over its views
_TURNED = 1.5  # times that, since many things look alike when turned


@dataclass(frozen=True)
class Better:
    """A way of feeding that beats the declared one.

    Attributes
    ----------
    feeding : Feeding
    verdict : {"advice", "fault"}
    evidence : str
        What it rests on, for the sentence.
    alone : bool
        Whether that is a single photo.
    """

    feeding: Feeding
    verdict: Literal["advice", "fault"]
    evidence: str
    alone: bool = False


@dataclass(frozen=True)
class Compared:
    """What came of trying other ways of feeding on photos with known truths.

    Attributes
    ----------
    better : Better or None
    known : bool
        Whether most photos are known as they are fed.
    otherwise : bool
        Whether most are known when one thing is changed, be it by chance.
    """

    better: Better | None
    known: bool
    otherwise: bool


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


def compare_by_truth(
    asking: Asking, reading: Reading, photos: Sequence[Photo], samples: Sequence[Photo]
) -> Compared:
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
    Compared
    """
    trial = Trial.begin(asking, reading, photos, FIRST_VIEWS)
    known = _is_right(trial, DECLARED)
    able = [f for f in trial.rivals if _is_right(trial, f)]
    otherwise = any(f.changes == 1 for f in able)
    rivals = _ranked({f: _gain(trial, f) for f in able})
    if not rivals:
        return Compared(None, known, otherwise)
    trial.add([DECLARED, *rivals], FURTHER_VIEWS)
    gained = {f: _gain(trial, f) for f in trial.rivals}
    several = len(photos) >= _SEVERAL
    if not several:  # of a single photo, two changes prove nothing where one will do
        gained = {f: gained[f] for f in gained if f.changes == 1} or gained
    best = _simplest(gained)
    if best is None:
        return Compared(None, known, otherwise)
    better = _by_several(trial, best) if several else _by_one(trial, best, samples)
    return Compared(better, known, otherwise)


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
    surely = after >= _DOUBLED * before and after - before >= _MORE_TOLD
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
    moved = gained[np.abs(gained) > _UNMOVED]
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
    """Any network misreads some photos, and reads a few of them by chance when fed otherwise."""
    was, now = (right(trial.answers[f], trial.photos).mean() for f in (DECLARED, best))
    gained = _gain(trial, best)
    enough = ALONE if best.layout == "kept" else _TURNED * ALONE
    if gained < enough or was > 0.5 or now < 0.5:
        return None
    before, after = (_chances(trial, f)[0] for f in (DECLARED, best))
    simple = best.changes == 1 and best.layout == "kept"  # scrambled, some pictures seem anything
    sure = simple and _turns_clearly(trial, best)
    return Better(
        best,
        "fault" if sure and _supported(trial, best, samples) else "advice",
        f"knows the picture ({after:.0%} for what it shows, against {before:.2g})",
        alone=True,
    )


def _turns_clearly(trial: Trial, best: Feeding) -> bool:
    """Whether a clear no becomes a clear yes, however the photo is shown."""
    before, after = (_chances(trial, f) for f in (DECLARED, best))
    sure = after > _CLEARLY_RIGHT
    return bool(before[0] < _CLEARLY_WRONG and sure[0] and sure.mean() >= _MOST_VIEWS)


def _chances(trial: Trial, feeding: Feeding) -> Float64[np.ndarray, " v"]:
    """How likely what a single photo shows is held to be, in every view."""
    truth = list(trial.photos[0].truth)
    return cast(np.ndarray, np.exp(trial.answers[feeding][0][:, truth]).sum(1))


def _supported(trial: Trial, best: Feeding, samples: Sequence[Photo]) -> bool:
    """Whether photos are told apart no worse, too, whatever they show."""
    if len(samples) < _FEWEST_TOGETHER:
        return False
    others = Trial(trial.asking, trial.reading, samples, (), {})
    others.add([DECLARED, best], WITHOUT_TRUTH)
    return best in others.answers and _more_told(others, best) > 0
