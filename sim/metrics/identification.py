"""How well identities are told where evidence is weighed: how soon, how often, how honestly."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.core.tables import FRIENDLY, THREATENING, Affiliation, Bools, Floats, Identity
from sim.metrics.facts import Facts
from sim.metrics.history import TrackHistory, TruthHistory
from sim.metrics.matching import Matching
from sim.metrics.siap import ratio

#: What is stated is compared with what is right in so many classes of probability.
BINS = 10
#: Which hypothesis is right for each affiliation; nobody knows for an unknown one.
_TRULY = np.array([-1, 0, 1, 2])
_DOUBT = (Identity.UNKNOWN, Identity.SUSPECT)
_WORDS = {word: word.name.lower().replace("_", "-") for word in Identity}


def identification(
    truth: TruthHistory,
    confirmed: TrackHistory,
    matching: Matching,
    facts: Facts,
    probability: Floats,
    interval_s: float,
) -> dict[str, Any]:
    """Judge identities and the probabilities behind them.

    Parameters
    ----------
    probability : (Q, 3) that each confirmed row is a friend, neutral, hostile; NaN where none
        was recorded
    interval_s : time that each row stands for

    Returns
    -------
    ``stated`` and ``right``: mean probability of the most probable hypothesis, and how often it
    is right, over all tracks on targets whose side is known; ``calibration_error``: mean
    difference of the two over ``reliability``, classes of stated probability; ``brier``: mean
    squared error of all three. ``in_doubt``: tracks on friends and neutrals that are held
    unknown or suspect, ``taken_for_hostile`` those held hostile: how many, and for how long in
    all. ``targets``: of each its share of time under track by word, and how long after its
    first track it was first held to be friendly, neutral, or a threat.
    """
    on = matching.on_target
    side = np.full(len(confirmed), -1)
    side[on] = _TRULY[facts.affiliation[truth.target[matching.truth_row[on]]]]
    known = (side >= 0) & np.isfinite(probability).all(axis=1)
    harmless = (side == 0) | (side == 1)
    doubted = harmless & np.isin(confirmed.identity, _DOUBT)
    wronged = harmless & (confirmed.identity == Identity.HOSTILE)

    def told(rows: Bools) -> dict[str, float | int]:
        return {
            "tracks": int(np.unique(confirmed.number[rows]).size),
            "time_s": float(rows.sum() * interval_s),
        }

    return (
        _calibration(probability[known], side[known])
        | {"in_doubt": told(doubted), "taken_for_hostile": told(wronged)}
        | {"targets": _targets(truth, confirmed, matching, facts)}
    )


def _calibration(probability: Floats, side: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Compare what is stated (K, 3) with which hypothesis is right (K,)."""
    rows = np.arange(side.size)
    stated = probability.max(axis=1, initial=0.0)
    right = probability.argmax(axis=1) == side if side.size else np.zeros(0, np.bool_)
    truly = np.zeros(probability.shape)
    truly[rows, side] = 1.0
    which = np.minimum((stated * BINS).astype(int), BINS - 1)
    reliability = []
    for k in np.unique(which):
        own = which == k
        reliability.append(
            {
                "from": k / BINS,
                "to": (k + 1) / BINS,
                "share": float(own.mean()),
                "stated": float(stated[own].mean()),
                "right": float(right[own].mean()),
            }
        )
    errors = [one["share"] * abs(one["stated"] - one["right"]) for one in reliability]
    return {
        "stated": ratio(stated.sum(), side.size),
        "right": ratio(right.sum(), side.size),
        "calibration_error": float(sum(errors)) if side.size else None,
        "brier": ratio(((probability - truly) ** 2).sum(), side.size),
        "reliability": reliability,
    }


def _targets(
    truth: TruthHistory, confirmed: TrackHistory, matching: Matching, facts: Facts
) -> list[dict[str, Any]]:
    held_as = np.where(matching.tracked, confirmed.identity[matching.track_row], 255)
    told = []
    for index, id_ in enumerate(facts.target_ids):
        rows = np.flatnonzero((truth.target == index) & matching.tracked)
        words, time_s = held_as[rows], truth.time_s[rows]

        def after_s(*wanted: Identity, words: Any = words, time_s: Floats = time_s) -> float | None:
            first = np.flatnonzero(np.isin(words, wanted))
            return float(time_s[first[0]] - time_s[0]) if first.size else None

        told.append(
            {
                "id": id_,
                "affiliation": Affiliation(int(facts.affiliation[index])).name.lower(),
                "friendly_after_s": after_s(*FRIENDLY),
                "neutral_after_s": after_s(Identity.NEUTRAL),
                "threat_after_s": after_s(*THREATENING),
                "hostile_after_s": after_s(Identity.HOSTILE),
                "shares": {
                    word: float((words == code).mean())
                    for code, word in _WORDS.items()
                    if (words == code).any()
                },
            }
        )
    return told
