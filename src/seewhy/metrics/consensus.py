"""Consensus: where methods that measure different things say the same, and where they do not.

LIME, Banzhaf values and RISE are one number up to a factor: they are one voice, however many
of them were asked, and so are two estimators of Shapley values, or two averages of gradients
along a path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from seewhy.game.agreement import kendall_w
from seewhy.game.statistics import certain, interval_factor
from seewhy.methods.explanation import Attribution
from seewhy.methods.registry import method_key

VOICES: Mapping[str, str] = {
    "lime": "main effects",
    "banzhaf": "main effects",
    "rise": "main effects",
    "kernel-shap": "Shapley values",
    "permutation-shap": "Shapley values",
    "partition-shap": "Owen values",
    "occlusion": "occlusion",
    "gradient-shap": "path gradients",
    "integrated-gradients": "path gradients",
    "deep-shap": "DeepLIFT",
    "grad-cam": "Grad-CAM",
}
"""What every method measures. Methods of one voice count once."""

STRONG = 1 / 3
"""An agreed region is among the strongest third of every voice …"""
VERY_STRONG = 1 / 10
"""… and one that is among the strongest tenth of one, but not certain in another, is in dispute."""
NOTABLE = 1 / 10
"""Of the largest value of a voice: what is smaller has no sign worth a dispute."""


@dataclass(frozen=True, eq=False)
class Voice:
    """One way to measure, and what it says: values between −1 and 1, with their errors.

    Attributes
    ----------
    name : str
    method : str
        The method that speaks for it: the first of its kind that was asked.
    values, standard_error : (d,) arrays
        Divided by the largest magnitude; no error where nothing was sampled.
    """

    name: str
    method: str
    values: Float64[np.ndarray, " d"]
    standard_error: Float64[np.ndarray, " d"] | None

    def signs(self) -> Float64[np.ndarray, " d"]:
        """Return 1 or −1 where the sign is certain and the value notable, 0 elsewhere."""
        known = certain(self.values, self.standard_error) & (np.abs(self.values) >= NOTABLE)
        return np.where(known, np.sign(self.values), 0.0)

    def strongest(self, share: float) -> Bool[np.ndarray, " d"]:
        """Tell which superpixels are among the strongest share of all, at least one."""
        d = len(self.values)
        chosen = np.zeros(d, bool)
        order = np.argsort(-np.abs(self.values), kind="stable")
        chosen[order[: max(1, round(share * d))]] = True
        return chosen & (self.values != 0)

    def interval(self) -> tuple[Float64[np.ndarray, " d"], Float64[np.ndarray, " d"]]:
        """Return lower and upper ends of 95 % intervals."""
        reach = 0.0 if self.standard_error is None else interval_factor() * self.standard_error
        return self.values - reach, self.values + reach


@dataclass(frozen=True, eq=False)
class Consensus:
    """Where distinct voices agree in sign and rank, and where they differ.

    Attributes
    ----------
    voices : tuple of Voice
        At least two.
    agreed : dict of int to float
        Superpixels that every voice is certain about, with one sign, and counts among its
        strongest third: the mean strength, strongest first.
    disputed : tuple of int
        Superpixels of which two voices are certain of opposite signs, or that are among
        the strongest tenth of one while another cannot tell their sign.
    concordance : float
        Kendall's W of the voices' rankings: 1 if they are the same.
    """

    voices: tuple[Voice, ...]
    agreed: Mapping[int, float]
    disputed: tuple[int, ...]
    concordance: float


def consensus_of(attributions: Sequence[Attribution], column: int = 0) -> Consensus | None:
    """Find out where methods agree that measure different things.

    Parameters
    ----------
    attributions : sequence of Attribution
        Of the same superpixels and target. Weights without a sign (Grad-CAM) have no voice.
    column : int
        Of the target.

    Returns
    -------
    Consensus or None
        None with fewer than two voices.
    """
    voices = voices_of(attributions, column)
    if len(voices) < 2:
        return None
    signs = np.array([voice.signs() for voice in voices])
    strong = np.array([voice.strongest(STRONG) for voice in voices])
    very = np.array([voice.strongest(VERY_STRONG) for voice in voices])
    one_sign = np.abs(signs.sum(axis=0)) == len(voices)
    agreed = one_sign & strong.all(axis=0)
    opposed = (signs > 0).any(axis=0) & (signs < 0).any(axis=0)
    unclear = very.any(axis=0) & (signs == 0).any(axis=0)
    strength = np.mean([voice.values for voice in voices], axis=0)
    largest = np.max([np.abs(voice.values) for voice in voices], axis=0)
    return Consensus(
        voices=voices,
        agreed={player: float(strength[player]) for player in _ordered(agreed, np.abs(strength))},
        disputed=tuple(_ordered(opposed | unclear, largest)),
        concordance=kendall_w(np.array([voice.values for voice in voices])),
    )


def voices_of(attributions: Sequence[Attribution], column: int = 0) -> tuple[Voice, ...]:
    """Let the first method of every kind speak for it; those without a sign are left out."""
    found: dict[str, Voice] = {}
    for each in attributions:
        name = VOICES[method_key(each.method)]
        values = each.values[:, column]
        largest = float(np.abs(values).max())
        if name in found or each.method.reading == "weight" or largest == 0:
            continue
        error = None if each.standard_error is None else each.standard_error[:, column] / largest
        found[name] = Voice(name, each.name, values / largest, error)
    return tuple(found.values())


def _ordered(chosen: Bool[np.ndarray, " d"], strength: Float64[np.ndarray, " d"]) -> list[int]:
    order = np.argsort(-strength, kind="stable")
    return [int(player) for player in order if chosen[player]]
