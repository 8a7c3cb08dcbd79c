"""Which method to take, in words, with the reasons: read off a scoreboard, not decided by taste."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seewhy.metrics.consensus import Consensus
from seewhy.metrics.measures import BY_KEY
from seewhy.metrics.sanity import passes
from seewhy.metrics.scoreboard import Scoreboard, Scores
from seewhy.show.comparison_words import with_interval, written

DECIDING = ("r2", "correlation", "srg_other", "insertion", "deletion", "flip_area")
"""Among methods whose rankings cannot be told apart, who leads most of these is taken; then
whose sums foretell most, whose SRG is larger, and who is cheaper."""

RANKED = ("srg", "srg_other", "insertion", "deletion", "sufficient_area", "flip_area")
"""Measures by which also a map is judged that explains nothing."""

TOO_SIMPLE = 0.5
SHAKY = 0.8


@dataclass(frozen=True, eq=False)
class Verdict:
    """What a recommendation is made from.

    Attributes
    ----------
    scoreboard : Scoreboard
    consensus : Consensus or None
    n_players : int
    repeats : int
    rule : str or None
        The name of an anchor that was certified and points at something.
    """

    scoreboard: Scoreboard
    consensus: Consensus | None
    n_players: int
    repeats: int
    rule: str | None

    def usable(self) -> list[Scores]:
        """Methods that value every superpixel, say something, and depend on the network."""
        return [each for each in self._valued() if not each.constant and self._passes(each)]

    def sentences(self) -> list[str]:
        """Say which method to take here, and what to beware of."""
        said = [*self._choice(), *self._robustness(), *self._against_references()]
        said += self._additivity()
        said += [*self._few_regions(), *self.agreement(), *self._refused()]
        return said

    def choice(self) -> Scores | None:
        """Who is taken: of the rankings that none beats for certain, the one that leads most."""
        usable = [each for each in self.usable() if "srg" in each.numbers]
        if not usable:
            return None
        best = self.scoreboard.best.get("srg", frozenset())
        group = [each for each in usable if each.name in best]
        if not group:
            return max(usable, key=lambda each: each.numbers["srg"].value)

        def worth(each: Scores) -> tuple[float, ...]:
            leads = sum(each.name in self.scoreboard.best.get(key, ()) for key in DECIDING)
            cost = each.numbers.get("evaluations")
            foretells = each.numbers.get("correlation")
            told = 0.0 if foretells is None else round(foretells.value, 1)
            reached = round(each.numbers["srg"].value, 2)
            return leads, told, reached, -(cost.value if cost is not None else 0)

        return max(group, key=worth)

    def _valued(self) -> list[Scores]:
        return [each for each in self.scoreboard.scores if each.valued]

    def _passes(self, each: Scores) -> bool:
        alike = each.numbers.get("sanity")
        return alike is None or passes(alike.value, self.n_players)

    def _choice(self) -> list[str]:
        taken = self.choice()
        if taken is None:
            return [self._why_none()]
        usable = {each.name for each in self.usable()}
        best = self.scoreboard.best.get("srg", frozenset()) & usable
        said = f"Take {taken.name}: "
        said += f"SRG {with_interval(taken.numbers['srg'], BY_KEY['srg'])}"
        if self.repeats < 2:
            largest = ", the largest of values for all regions" if len(usable) > 1 else ""
            return [said + f"{largest}; a single run does not tell what is chance."]
        rivals = sorted(best - {taken.name})
        if rivals:
            said += f", not separable from {_listed(rivals)} in {self.repeats} runs"
            leads = [BY_KEY[k].label for k in DECIDING if self._leads(taken, k)]
            said += f"; it is among the best by {_listed(leads)}" if leads else ""
        elif len(usable) > 1:
            said += ", better than every other that values all regions and depends on the network"
        return [said + "." + self._reliability(taken)]

    def _why_none(self) -> str:
        if not self._valued():
            return (
                "No method was asked that values every region, so that there is no ranking to take."
            )
        if all("srg" not in each.numbers for each in self._valued()):
            return (
                "Hiding everything does not lower the score, so that no ranking can be judged on "
                "this picture; try another fill or another target."
            )
        return "No ranking is taken: none of them tells regions apart and depends on the network."

    def _leads(self, each: Scores, key: str) -> bool:
        return each.name in self.scoreboard.best.get(key, ())

    def _reliability(self, taken: Scores) -> str:
        again = taken.numbers.get("stability")
        if again is None or again.value == 1:
            return ""
        told = f" Runs with other random draws agree to {written(again, BY_KEY['stability'])}"
        return told + (": raise the budget." if again.value < SHAKY else ".")

    def _against_references(self) -> list[str]:
        """A measure by which a map wins that knows nothing of the network says little here."""
        said = []
        for reference in self.scoreboard.references:
            won = [BY_KEY[key].label for key in RANKED if self._wins(reference, key)]
            if won:
                said.append(
                    f"Beware: by {_listed(won)}, a {reference.name} does no worse on this picture "
                    "than the best of these methods, without knowing the network: there, a score "
                    "proves little."
                )
        return said

    def _wins(self, reference: Scores, key: str) -> bool:
        sign = 1 if BY_KEY[key].better == "higher" else -1
        rivals = [sign * e.numbers[key].value for e in self.usable() if key in e.numbers]
        own = reference.numbers.get(key)
        return own is not None and bool(rivals) and sign * own.value >= max(rivals)

    def _robustness(self) -> list[str]:
        """Where the prediction hardly needs the picture, no region is worth pointing at."""
        key = "sufficient_area"
        areas = [e.numbers[key].value for e in self._valued() if key in e.numbers]
        if not areas or min(areas) > 0:
            return []
        return [
            "The prediction holds whatever is hidden at random, so that there is little to point "
            "at: try another fill, or hide more."
        ]

    def _additivity(self) -> list[str]:
        fits = [each.numbers["r2"] for each in self._valued() if "r2" in each.numbers]
        if not fits:
            return []
        best = max(fits, key=lambda number: number.value)
        if best.value >= TOO_SIMPLE:
            return []
        return [
            f"No sum of values explains more than {max(best.value, 0):.0%} of what the model does "
            "with half-hidden pictures: regions work together here, and a value by region is a "
            "tendency at most."
        ]

    def _few_regions(self) -> list[str]:
        taken, key = self.choice(), "sufficient_area"
        if self.rule is None or taken is None:
            return []
        rule, own = self.scoreboard[self.rule].numbers.get(key), taken.numbers.get(key)
        kept = taken.numbers.get("kept_at_rule")
        if rule is None or own is None:
            return []
        said = (
            f"Where few regions must do, {self.rule} keeps the prediction with "
            f"{written(rule, BY_KEY[key])} of the picture, the strongest of {taken.name} with "
            f"{written(own, BY_KEY[key])}"
        )
        if kept is not None:
            shown = with_interval(kept, BY_KEY["kept_at_rule"])
            said += f"; as much of the latter as of the former keeps it in {shown} of pictures"
        return [said + "."]

    def agreement(self) -> list[str]:
        """Say on how many regions different measures agree."""
        found = self.consensus
        if found is None:
            return []
        agreed, disputed = len(found.agreed), len(found.disputed)
        return [
            f"{len(found.voices)} different measures ({_listed([v.name for v in found.voices])}) "
            f"agree on {_regions(agreed)} in sign and rank and differ on {disputed} "
            f"(Kendall's W {found.concordance:.2f})."
        ]

    def _refused(self) -> list[str]:
        said = []
        for each in self._valued():
            if each.constant:
                said.append(f"{each.name} gives every region the same value: it says nothing.")
            elif not self._passes(each):
                alike = written(each.numbers["sanity"], BY_KEY["sanity"])
                said.append(
                    f"{each.name} is not taken: in one trial it looked much the same for a network "
                    f"with shuffled weights (rank agreement {alike})."
                )
        return said


def _regions(count: int) -> str:
    return "no region" if count == 0 else f"{count} region{'s' * (count > 1)}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
