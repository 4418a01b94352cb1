"""Attributes of a single integrated air picture (SIAP), after Votruba et al. 2001.

At each step: J targets in the air, JT of them under track, N confirmed tracks, NA of
them on a target (extra tracks included). Per target: T time in the air, TT time under
track, NU track numbers one after the other, TL longest time under one number.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from sim.core.tables import FRIENDLY, THREATENING, Affiliation, Bools, Bytes, Identity
from sim.metrics.facts import Facts
from sim.metrics.history import TrackHistory, TruthHistory
from sim.metrics.holding import holding, since_s
from sim.metrics.matching import Matching

#: A target is in coverage where some sensor detects it in one look with this probability.
COVERED_PD = 0.5

#: The verdicts that are right for each affiliation.
_RIGHT_IDENTITIES = {
    Affiliation.UNKNOWN: (Identity.UNKNOWN, Identity.SUSPECT),
    Affiliation.FRIEND: FRIENDLY,
    Affiliation.NEUTRAL: (Identity.NEUTRAL,),
    Affiliation.HOSTILE: (Identity.UNKNOWN, *THREATENING),
}
_IS_RIGHT: Bools = np.zeros((len(Affiliation), len(Identity)), np.bool_)
for _affiliation, _right in _RIGHT_IDENTITIES.items():
    _IS_RIGHT[_affiliation, list(_right)] = True

#: What contradicts what: an assumed friend is a friend, a suspect is as good as hostile.
_SIDE = np.arange(len(Identity), dtype=np.uint8)
_SIDE[Identity.ASSUMED_FRIEND] = Identity.FRIEND
_SIDE[Identity.SUSPECT] = Identity.HOSTILE


@dataclass(frozen=True, slots=True)
class Siap:
    """SIAP attributes of a run; None where there was nothing to divide by."""

    completeness: float | None
    completeness_in_coverage: float | None
    completeness_in_coverage_after_grace: float | None
    initiation_grace_s: float
    ambiguity: float | None
    spuriousness: float | None
    position_accuracy_m: float | None
    velocity_accuracy_mps: float | None
    number_changes_per_s: float | None
    number_changes_per_h: float | None
    longest_segment: float | None
    identity_completeness: float | None
    identity_correctness: float | None
    identity_ambiguity: float | None

    def to_json(self) -> dict[str, float | None]:
        """Return plain values."""
        return asdict(self)


def ratio(part: float, whole: float) -> float | None:
    """Return part / whole, None if the whole is zero."""
    return float(part) / float(whole) if whole else None


def covered(truth: TruthHistory) -> Bools:
    """(R,) whether the target is in coverage; no where it was not evaluated."""
    mask: Bools = truth.detectability >= COVERED_PD
    return mask


def identity_is_right(identity: Bytes, affiliation: Bytes) -> Bools:
    """Compare ``Identity`` with ``Affiliation``.

    An assumed friend counts as a friend. Unknown is right for unknown and hostile targets,
    suspect too; hostile for hostile ones only.
    """
    right: Bools = _IS_RIGHT[affiliation, identity]
    return right


def siap(
    truth: TruthHistory,
    confirmed: TrackHistory,
    matching: Matching,
    facts: Facts,
    interval_s: float,
    initiation_grace_s: float,
) -> Siap:
    """Compute the SIAP attributes over a run.

    Parameters
    ----------
    interval_s : time that each row stands for
    initiation_grace_s : ``completeness_in_coverage_after_grace`` counts a target only
        once it has been in coverage for so long without a break
    """
    tracked, on_target = matching.tracked, matching.on_target
    in_coverage = covered(truth)
    since = since_s(truth, in_coverage, interval_s)
    settled = in_coverage.copy()
    settled[in_coverage] = (truth.time_s - since)[in_coverage] >= initiation_grace_s

    its_truth = matching.truth_row[on_target]
    position_error_m = np.linalg.norm(
        matching.position_error_m(truth, confirmed, its_truth, np.flatnonzero(on_target)), axis=1
    )
    velocity_error_mps = np.linalg.norm(
        confirmed.velocity_enu_mps[on_target] - truth.velocity_enu_mps[its_truth], axis=1
    )
    held = holding(truth, confirmed, matching, len(facts.target_ids), interval_s)
    changes = ratio(held.number_changes.sum(), held.tracked_s.sum())

    identity = confirmed.identity[matching.track_row[tracked]]
    right = identity_is_right(identity, facts.affiliation[truth.target[tracked]])
    n_tracked, n_on_target = int(tracked.sum()), int(on_target.sum())
    return Siap(
        completeness=ratio(n_tracked, len(truth)),
        completeness_in_coverage=ratio((tracked & in_coverage).sum(), in_coverage.sum()),
        completeness_in_coverage_after_grace=ratio((tracked & settled).sum(), settled.sum()),
        initiation_grace_s=float(initiation_grace_s),
        ambiguity=ratio(n_on_target, n_tracked),
        spuriousness=ratio(len(confirmed) - n_on_target, len(confirmed)),
        position_accuracy_m=ratio(position_error_m.sum(), n_on_target),
        velocity_accuracy_mps=ratio(velocity_error_mps.sum(), n_on_target),
        number_changes_per_s=changes,
        number_changes_per_h=None if changes is None else 3600.0 * changes,
        longest_segment=ratio(held.longest_segment_s.sum(), held.present_s.sum()),
        identity_completeness=ratio((identity != Identity.PENDING).sum(), n_tracked),
        identity_correctness=ratio(right.sum(), n_tracked),
        identity_ambiguity=ratio(_contradictions(confirmed, matching), n_tracked),
    )


def _contradictions(confirmed: TrackHistory, matching: Matching) -> int:
    """Return how many tracked targets their tracks judge differently, extra tracks included."""
    judged = matching.on_target & (confirmed.identity != Identity.PENDING)
    verdicts = np.unique(
        np.stack([matching.truth_row[judged], _SIDE[confirmed.identity[judged]]]), axis=1
    )
    _, count = np.unique(verdicts[0], return_counts=True)
    return int((count > 1).sum())


def is_threat(affiliation: Bytes) -> Bools:
    """Tell which targets the defence must know of: unknown and hostile ones."""
    threat: Bools = (affiliation == Affiliation.UNKNOWN) | (affiliation == Affiliation.HOSTILE)
    return threat
