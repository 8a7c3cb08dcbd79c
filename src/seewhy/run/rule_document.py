"""Rules and changes as entries of the JSON document, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from seewhy.game.robustness import Level, Transplant
from seewhy.methods.change import Change
from seewhy.methods.explanation import method_settings
from seewhy.methods.registry import method_class, method_key
from seewhy.methods.rule import Example, Rule

Json = dict[str, Any]
Names = Mapping[int, str]


def rule_entry(rule: Rule, names: Names) -> Json:
    """Turn a rule into an entry; classes are given by index and label."""
    return {
        "name": rule.name,
        "method": method_key(rule.method),
        "settings": method_settings(rule.method),
        "kind": "rule",
        "target": _class(rule.target, names),
        "against": None if rule.against is None else _class(rule.against, names),
        **_findings(rule, names),
        "alternatives": [_findings(other, names) for other in rule.alternatives],
        "seconds": rule.seconds,
    }


def rule_of(entry: Json) -> Rule:
    """Rebuild a rule from its entry."""
    method = method_class(entry["method"])(name=entry["name"], **entry["settings"])
    against = entry["against"]
    shared = {
        "target": entry["target"]["index"],
        "against": None if against is None else against["index"],
        "method": method,
    }
    others = [Rule(**_found(other), **shared, seconds=0.0) for other in entry["alternatives"]]
    return Rule(**_found(entry), **shared, seconds=entry["seconds"], alternatives=tuple(others))


def change_entry(change: Change, names: Names) -> Json:
    """Turn a change into an entry; classes are given by index and label."""
    return {
        "name": change.name,
        "method": method_key(change.method),
        "settings": method_settings(change.method),
        "kind": "counterfactual",
        "target": _class(change.target, names),
        "wanted": None if change.wanted is None else _class(change.wanted, names),
        "status": change.status,
        "hide": list(change.hide),
        "becomes": {
            **_class(change.becomes, names),
            "probability": change.probabilities.get(change.becomes),
        },
        "margin": change.margin,
        "probabilities": [
            {**_class(index, names), "before": change.before[index], "after": after}
            for index, after in change.probabilities.items()
        ],
        "area": change.area,
        "irreducible": change.irreducible,
        "smallest": change.smallest,
        "evaluations": change.evaluations,
        "seconds": change.seconds,
    }


def change_of(entry: Json) -> Change:
    """Rebuild a change from its entry."""
    wanted = entry["wanted"]
    return Change(
        status=entry["status"],
        hide=tuple(entry["hide"]),
        target=entry["target"]["index"],
        wanted=None if wanted is None else wanted["index"],
        becomes=entry["becomes"]["index"],
        margin=entry["margin"],
        before={told["index"]: told["before"] for told in entry["probabilities"]},
        probabilities={told["index"]: told["after"] for told in entry["probabilities"]},
        area=entry["area"],
        irreducible=entry["irreducible"],
        smallest=entry["smallest"],
        evaluations=entry["evaluations"],
        seconds=entry["seconds"],
        method=method_class(entry["method"])(name=entry["name"], **entry["settings"]),
    )


def names_in(entry: Json) -> dict[int, str]:
    """Collect every class that an entry gives by index and label."""
    found: dict[int, str] = {}

    def collect(value: object) -> None:
        if isinstance(value, Mapping):
            if "index" in value and "label" in value:
                found[int(value["index"])] = str(value["label"])
            for part in value.values():
                collect(part)
        elif isinstance(value, list):
            for part in value:
                collect(part)

    collect(entry)
    return found


def classes_told(explanation: Rule | Change) -> set[int]:
    """Return every class that a rule or a change speaks of."""
    if isinstance(explanation, Change):
        told = {explanation.target, explanation.becomes, *explanation.probabilities}
        return told if explanation.wanted is None else told | {explanation.wanted}
    told = {explanation.target, *(each.becomes for each in explanation.transplants)}
    told |= {each.becomes for each in (*explanation.keeps, *explanation.breaks)}
    if explanation.against is not None:
        told.add(explanation.against)
    return told.union(*map(classes_told, explanation.alternatives))


def _findings(rule: Rule, names: Names) -> Json:
    return {
        "status": rule.status,
        "superpixels": list(rule.superpixels),
        "precision": rule.precision,
        "precision_lower_bound": rule.precision_lower_bound,
        "confidence": rule.confidence,
        "exact": rule.exact,
        "draws": rule.draws,
        "coverage": rule.coverage,
        "area": rule.area,
        "irreducible": rule.irreducible,
        "without": list(rule.without),
        "breakdown": rule.breakdown,
        "levels": [asdict(level) for level in rule.levels],
        "transplant_rate": rule.transplant_rate,
        "transplants": [
            {**asdict(transplant), "becomes": _class(transplant.becomes, names)}
            for transplant in rule.transplants
        ],
        "keeps": [_example(example, names) for example in rule.keeps],
        "breaks": [_example(example, names) for example in rule.breaks],
        "found_after": rule.found_after,
        "evaluations": rule.evaluations,
    }


def _found(entry: Json) -> Json:
    return {
        "status": entry["status"],
        "superpixels": tuple(entry["superpixels"]),
        "precision": entry["precision"],
        "precision_lower_bound": entry["precision_lower_bound"],
        "exact": entry["exact"],
        "draws": entry["draws"],
        "coverage": entry["coverage"],
        "area": entry["area"],
        "irreducible": entry["irreducible"],
        "without": tuple(entry["without"]),
        "breakdown": entry["breakdown"],
        "levels": tuple(Level(**level) for level in entry["levels"]),
        "transplants": tuple(
            Transplant(**{**told, "becomes": told["becomes"]["index"]})
            for told in entry["transplants"]
        ),
        "keeps": tuple(map(_example_of, entry["keeps"])),
        "breaks": tuple(map(_example_of, entry["breaks"])),
        "found_after": entry["found_after"],
        "evaluations": entry["evaluations"],
    }


def _example(example: Example, names: Names) -> Json:
    return {
        "hidden": list(example.hidden),
        "becomes": _class(example.becomes, names),
        "margin": example.margin,
        "background": example.background,
    }


def _example_of(entry: Json) -> Example:
    return Example(
        hidden=tuple(entry["hidden"]),
        becomes=entry["becomes"]["index"],
        margin=entry["margin"],
        background=entry["background"],
    )


def _class(index: int, names: Names) -> Json:
    return {"index": index, "label": names[index]}
