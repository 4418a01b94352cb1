"""What a picture is worth beside the truth, for all trackers alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.core.tables import Floats, Tracks, Visibility
from sim.metrics.consistency import nees
from sim.metrics.history import TrackHistory, TruthHistory
from sim.metrics.matching import match
from sim.metrics.sets import set_distances

#: c of GOSPA (p = 2, alpha = 2): several errors of the farthest plots, far below the spacing.
CUTOFF_M = 500.0


@dataclass(frozen=True, slots=True)
class Score:
    """Means over the judged scans: GOSPA (m), and what it is made of."""

    gospa_m: float
    localisation_m: float
    missed: float
    false: float


def score(truth: list[Floats], tracks: list[Floats], cutoff_m: float = CUTOFF_M) -> Score:
    """Compare positions (N, 3) of targets and confirmed tracks, scan by scan.

    ``localisation_m`` is the rms distance of assigned pairs, ``missed`` and ``false`` are
    numbers a scan.
    """
    found = set_distances(
        np.concatenate(truth), np.concatenate(tracks), _starts(truth), _starts(tracks), cutoff_m
    )
    pairs = sum(map(len, truth)) - found.missed_targets.sum()
    return Score(
        gospa_m=float(found.gospa_m.mean()),
        localisation_m=float(np.sqrt(found.localisation.sum() / max(pairs, 1))),
        missed=float(found.missed_targets.mean()),
        false=float(found.false_tracks.mean()),
    )


def _starts(tables: list[Floats]) -> Any:
    return np.cumsum([0, *map(len, tables)]).astype(np.intp)


@dataclass(frozen=True, slots=True)
class Continuity:
    """How tracks hold their targets.

    Attributes
    ----------
    switches : how often a target's track changes its number
    swaps : how often a track leaves its target for another one
    nees : mean normalised squared error of the position of tracks on targets, 3 if honest
    """

    switches: int
    swaps: int
    nees: float


def continuity(
    time_s: Floats, truth: list[Floats], pictures: list[Tracks], cutoff_m: float = CUTOFF_M
) -> Continuity:
    """Judge whole pictures; every ``truth`` table (N, 3) has the same targets in order."""
    targets = _truth_history(time_s, truth)
    tracks = _track_history(time_s, pictures).confirmed()
    matching = match(targets, tracks, cutoff_m)
    held = np.flatnonzero(matching.track_row >= 0)
    rows = matching.track_row[held]
    errors = nees(
        tracks.position_enu_m[rows] - targets.position_enu_m[held],
        tracks.position_covariance_m2[rows],
    )
    usable = errors[np.isfinite(errors)]
    return Continuity(
        switches=_changes(targets.target[held], tracks.number[rows]),
        swaps=_changes(tracks.number[rows], targets.target[held]),
        nees=float(usable.mean()) if usable.size else float("nan"),
    )


def _changes(of: Any, value: Any) -> int:
    """Count how often ``value`` changes between successive rows of the same ``of``."""
    order = np.argsort(of, kind="stable")
    same = np.diff(of[order]) == 0
    return int((same & (np.diff(value[order]) != 0)).sum())


def _truth_history(time_s: Floats, truth: list[Floats]) -> TruthHistory:
    position = np.concatenate(truth)
    n = len(position)
    return TruthHistory(
        time_s=np.repeat(time_s, [len(table) for table in truth]),
        target=np.concatenate([np.arange(len(table), dtype=np.int32) for table in truth]),
        position_enu_m=position,
        velocity_enu_mps=np.zeros((n, 3)),
        height_m=position[:, 2],
        detectability=np.full(n, np.nan),
        visibility=np.full(n, Visibility.VISIBLE, np.uint8),
        best_sensor=np.zeros(n, np.int32),
    )


def _track_history(time_s: Floats, pictures: list[Tracks]) -> TrackHistory:
    def column(name: str) -> Any:
        return np.concatenate([getattr(picture, name) for picture in pictures])

    position = column("position_enu_m")
    return TrackHistory(
        time_s=np.repeat(time_s, [len(picture.number) for picture in pictures]),
        number=column("number"),
        status=column("status"),
        identity=column("identity"),
        position_enu_m=position,
        velocity_enu_mps=column("velocity_enu_mps"),
        position_covariance_m2=column("position_covariance_m2"),
        height_m=position[:, 2],
        last_plot_s=column("last_plot_s"),
        hits=column("hits"),
        sensors=column("sensors"),
    )
