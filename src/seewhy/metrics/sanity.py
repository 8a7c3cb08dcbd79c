"""The sanity check: an explanation must change when the network forgets what it learned.

Explain the same class of the same picture for the network and for `shuffle_weights` of it,
and compare. It is a gate, not a score to rank by: a random map passes it too.

References
----------
.. [1] J. Adebayo, J. Gilmer, M. Muelly, I. Goodfellow, M. Hardt, B. Kim. Sanity checks for
       saliency maps. NeurIPS 2018.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.special import stdtrit  # scipy.stats takes a second to import
from scipy.stats import rankdata

from seewhy.errors import InputError

MOST_SIMILAR = 0.5
"""No larger rank correlation passes, whatever the number of superpixels."""
_BY_CHANCE = 0.00135  # one tail beyond three standard deviations, as often as chance may fail one


def similarity_to_shuffled(
    original: Float[np.ndarray, " d"], shuffled: Float[np.ndarray, " d"]
) -> float:
    """Say how alike the explanations of a network and of its shuffled copy are.

    Parameters
    ----------
    original, shuffled : (d,) arrays
        The values of the superpixels, of the same class.

    Returns
    -------
    float in [0, 1]
        Spearman's rank correlation of the values or of their magnitudes, whichever is the
        larger in absolute terms: a map that keeps its outlines and flips its signs has
        not changed either. 1 for two maps that are constant, 0 where only one is.

    Raises
    ------
    InputError
        When the arrays differ in shape, hold fewer than two values or one that is not finite.

    Examples
    --------
    >>> values = np.array([3.0, -1.0, 0.5, 0.0])
    >>> similarity_to_shuffled(values, -values)
    1.0
    """
    a, b = np.asarray(original, np.float64), np.asarray(shuffled, np.float64)
    if a.shape != b.shape or a.ndim != 1 or len(a) < 2:
        raise InputError(
            "original and shuffled must have one shape (d,), with d at least 2; got "
            f"{a.shape} and {b.shape}"
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise InputError("original and shuffled must be finite; some of their values are not")
    return max(abs(_rank_correlation(a, b)), abs(_rank_correlation(np.abs(a), np.abs(b))))


def most_similar(n_players: int) -> float:
    """Say which similarity may still pass.

    Parameters
    ----------
    n_players : int
        How many superpixels are compared.

    Returns
    -------
    float
        The rank correlation that unrelated values exceed as rarely as three standard
        deviations (by Student's t with d − 2 degrees of freedom), at least 0.5; 1 for two
        superpixels or fewer, of which nothing can be told.

    Examples
    --------
    >>> [round(most_similar(d), 2) for d in (5, 10, 20, 60)]
    [0.98, 0.83, 0.63, 0.5]
    """
    if n_players <= 2:
        return 1.0
    t = float(stdtrit(n_players - 2, 1 - _BY_CHANCE))
    return max(MOST_SIMILAR, t / float(np.sqrt(n_players - 2 + t**2)))


def passes(similarity: float, n_players: int) -> bool:
    """Tell whether an explanation changed enough with the network to be about it.

    Parameters
    ----------
    similarity : float
        From `similarity_to_shuffled`; or its mean over pictures.
    n_players : int
        How many superpixels were compared.

    Returns
    -------
    bool
        False: the map agrees with that of the shuffled network beyond chance and beyond 0.5.
    """
    return similarity <= most_similar(n_players)


def _rank_correlation(a: Float[np.ndarray, " d"], b: Float[np.ndarray, " d"]) -> float:
    """Spearman's, ties at their mean rank; constants agree with each other and nothing else."""
    flat = [bool((each == each[0]).all()) for each in (a, b)]
    if any(flat):
        return float(all(flat))
    ranks = [rankdata(each) - (len(each) + 1) / 2 for each in (a, b)]
    squares = [float(r @ r) for r in ranks]
    return float(np.clip(ranks[0] @ ranks[1] / np.sqrt(squares[0] * squares[1]), -1.0, 1.0))
