"""When an electronically scanned radar looks where: search, confirmation, tracks, one clock.

Everything follows from the time and the cues, without a memory: a search beam has its turn once
a frame; a cue, one every ``track_s``. What does not fit into a window is dropped, search
first, down to the share that search is promised. Which of equals goes first changes from turn
to turn by the golden ratio, so that a beam which is left out once has its turn soon after, and
of a demand d over its budget b every beam is served b/d of the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sensors.antenna import faces

if TYPE_CHECKING:
    from sim.core.tables import Bools, Floats, Ints

_GOLDEN = 0.5 * (np.sqrt(5.0) - 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """The beams of a search frame, side by side, bar above bar.

    Attributes
    ----------
    sector_rad : (2,) azimuth of the middle, and half the width
    elevation_rad : (2,) lowest and highest
    columns, bars : how many beams beside and above each other
    """

    sector_rad: Floats
    elevation_rad: Floats
    columns: int
    bars: int

    @classmethod
    def over(
        cls, sector_rad: Floats, elevation_rad: Floats, beamwidth_rad: float, height_rad: float
    ) -> Raster:
        """Return the fewest equal beams, no wider than a beamwidth, that fill a sector."""
        columns = int(np.ceil(2.0 * sector_rad[1] / beamwidth_rad - 1e-9))
        bars = int(np.ceil((elevation_rad[1] - elevation_rad[0]) / height_rad - 1e-9))
        return cls(sector_rad, elevation_rad, max(columns, 1), max(bars, 1))

    def __len__(self) -> int:
        return self.columns * self.bars

    def centres_rad(self, beam: Ints) -> Floats:
        """Return azimuth and elevation (K, 2) of beams (K,)."""
        bar, column = np.divmod(beam, self.columns)
        middle, half = self.sector_rad
        low, high = self.elevation_rad
        azimuth = middle - half + 2.0 * half * (column + 0.5) / self.columns
        elevation = low + (high - low) * (bar + 0.5) / self.bars
        return np.stack([azimuth % (2.0 * np.pi), elevation], axis=1)

    def beams_of(self, azimuth_rad: Floats, elevation_rad: Floats) -> Ints:
        """Return the beam (K,) in which each direction lies, -1 outside."""
        middle, half = self.sector_rad
        low, high = self.elevation_rad
        off = (azimuth_rad - middle + np.pi) % (2.0 * np.pi) - np.pi
        column = np.floor((off + half) / (2.0 * half) * self.columns)
        bar = np.floor((elevation_rad - low) / (high - low) * self.bars)
        inside = (column >= 0) & (column < self.columns) & (bar >= 0) & (bar < self.bars)
        beam: Ints = np.where(inside, bar * self.columns + column, -1).astype(np.int32)
        return beam


@dataclass(frozen=True, slots=True, eq=False)
class Dwells:
    """Where the radar looks in one window, in order of time.

    Attributes
    ----------
    time_s : (D,) middle of each dwell
    beam : (D,) of the raster, -1 for a dwell on a track
    cue : (D,) row of the cue that it follows, -1 for search
    wanted_s, used_s : (2,) time for search and for tracks: asked for, and spent
    budget_s : time that there was, less what confirmation is promised
    """

    time_s: Floats
    beam: Ints
    cue: Ints
    wanted_s: Floats
    used_s: Floats
    budget_s: float

    @property
    def utilisation(self) -> float:
        """Share of the budget that is spent."""
        return float(self.used_s.sum() / self.budget_s) if self.budget_s > 0.0 else 0.0

    @property
    def saturated(self) -> bool:
        """Whether more was asked for than there was time."""
        return bool(self.wanted_s.sum() > self.budget_s * (1.0 + 1e-9))


@dataclass(frozen=True, slots=True, eq=False)
class Timetable:
    """Dwell times and shares of a radar; all faces work at the same time.

    Attributes
    ----------
    raster : of the search
    frame_s : time in which search has looked everywhere, if nothing else is asked
    track_s : time between two dwells on a cue
    search_dwell_s, track_dwell_s : how long each takes
    search_share : of the time that tracks never take
    confirm_share : of the time kept for confirmation
    """

    raster: Raster
    frame_s: float
    track_s: float
    search_dwell_s: float
    track_dwell_s: float
    search_share: float
    confirm_share: float

    @property
    def faces(self) -> int:
        """How many faces share the sector."""
        return faces(2.0 * float(self.raster.sector_rad[1]))

    def dwells(self, start_s: float, end_s: float, number: Ints, seen: Bools) -> Dwells:
        """Return the dwells in (start, end].

        Parameters
        ----------
        number, seen : (K,) air track number of each cue, and whether it can be looked at
        """
        budget_s = (end_s - start_s) * self.faces * (1.0 - self.confirm_share)
        row, track_s, turn = self._due_tracks(start_s, end_s, number, seen)
        wanted_track = row.size * self.track_dwell_s
        beam, search_s, frame = self._due_search(start_s, end_s)
        wanted_search = beam.size * self.search_dwell_s

        promised = min(self.search_share * budget_s, wanted_search)
        first = _in_turn(number[row].astype(float), turn)
        kept = _fitting(first, self.track_dwell_s, budget_s - promised)
        row, track_s = row[kept], track_s[kept]
        left_s = budget_s - row.size * self.track_dwell_s
        kept = _fitting(_in_turn(beam.astype(float), frame), self.search_dwell_s, left_s)
        beam, search_s = beam[kept], search_s[kept]

        time_s = np.concatenate([search_s, track_s])
        order = np.argsort(time_s, kind="stable")
        no_beam, no_cue = np.full(row.size, -1, np.int32), np.full(beam.size, -1, np.int32)
        return Dwells(
            time_s[order],
            np.concatenate([beam, no_beam])[order],
            np.concatenate([no_cue, row])[order],
            np.array([wanted_search, wanted_track]),
            np.array([beam.size * self.search_dwell_s, row.size * self.track_dwell_s]),
            budget_s,
        )

    def _due_search(self, start_s: float, end_s: float) -> tuple[Ints, Floats, Floats]:
        """Return beams whose turn falls into (start, end], when, and in which frame."""
        size = len(self.raster)
        slot_s = self.frame_s / size
        first, last = np.floor(start_s / slot_s) - 1.0, np.floor(end_s / slot_s) + 1.0
        slot = np.arange(max(first, 0.0), last + 1.0)
        time_s = (slot + 0.5) * slot_s  # a turn's time is one product
        slot, time_s = (a[(time_s > start_s) & (time_s <= end_s)] for a in (slot, time_s))
        frame, beam = np.divmod(slot, size)
        return beam.astype(np.int32), time_s, frame

    def _due_tracks(
        self, start_s: float, end_s: float, number: Ints, seen: Bools
    ) -> tuple[Ints, Floats, Floats]:
        """Return rows of cues whose turn falls into (start, end], when, and which turn it is."""
        rows = np.flatnonzero(seen).astype(np.int32)
        phase_s = self.track_s * ((number[rows] * _GOLDEN) % 1.0)
        first = np.floor((start_s - phase_s) / self.track_s)
        turns = np.arange(np.ceil((end_s - start_s) / self.track_s) + 2.0)
        turn = first[:, None] + turns
        time_s = phase_s[:, None] + turn * self.track_s
        due = (time_s > start_s) & (time_s <= end_s)
        row = np.broadcast_to(rows[:, None], due.shape)
        return row[due], time_s[due], turn[due]


def _in_turn(which: Floats, turn: Floats) -> Floats:
    """Return a number in [0, 1) for each: the lowest goes first in this turn.

    For one beam it runs through [0, 1) evenly from turn to turn.
    """
    order: Floats = (which * _GOLDEN * _GOLDEN + turn * _GOLDEN) % 1.0
    return order


def _fitting(order: Floats, dwell_s: float, budget_s: float) -> Bools:
    """Tell which dwells fit into a budget if the lowest in order go first."""
    count = int(np.floor(max(budget_s, 0.0) / dwell_s + 1e-9))
    kept = np.zeros(order.size, bool)
    kept[np.argsort(order, kind="stable")[:count]] = True
    return kept
