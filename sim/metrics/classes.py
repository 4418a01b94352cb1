"""Whether the picture knows what it sees: the classes of its tracks against the truth."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from sim.core.tables import Bools
from sim.metrics.facts import Facts
from sim.metrics.history import TrackHistory, TruthHistory
from sim.metrics.matching import Matching
from sim.metrics.siap import ratio


@dataclass(frozen=True, slots=True)
class Classification:
    """Classes over all steps of confirmed tracks on a target; None if none was ever told.

    Attributes
    ----------
    correctness : share of the time with the right class
    stated : mean probability that the picture gave the class it told; where it told one,
        it is right as often if it is honest
    """

    correctness: float | None
    stated: float | None

    def to_json(self) -> dict[str, float | None]:
        """Return plain values."""
        return asdict(self)


def classification(
    truth: TruthHistory, confirmed: TrackHistory, matching: Matching, facts: Facts
) -> Classification:
    """Judge the class of every confirmed track that is on a target, extra tracks included."""
    told = matching.on_target & (confirmed.target_class >= 0)
    if not told.any():
        return Classification(None, None)
    right = class_is_right(truth, confirmed, matching, facts)
    return Classification(
        correctness=ratio(right.sum(), matching.on_target.sum()),
        stated=ratio(confirmed.class_probability[told].sum(), told.sum()),
    )


def class_is_right(
    truth: TruthHistory, confirmed: TrackHistory, matching: Matching, facts: Facts
) -> Bools:
    """Return for every row (Q,) whether the track is on a target of the class it tells."""
    right: Bools = matching.on_target & (confirmed.target_class >= 0)
    target = truth.target[matching.truth_row[right]]
    right[right] = confirmed.target_class[right] == facts.right_class[target]
    return np.asarray(right)
