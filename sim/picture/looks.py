"""What plots say of the tracks that took them, beside where they are: echo and reply."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sim.core.tables import (
    RANGE,
    Bools,
    Floats,
    Ints,
    Plots,
    Reply,
    fill_left_out,
    no_class,
    nothing,
)
from sim.picture.classification import rcs_from_snr


@dataclass(frozen=True, slots=True)
class EchoFacts:
    """What must be known of sensors to read their plots, one row per sensor.

    Attributes
    ----------
    snr_reference_db : (S,) SNR of a dwell on 1 m² at 1 km; NaN without echoes
    snr_least_db : (S,) SNR of the weakest dwell that makes a plot; NaN without echoes
    interrogates : (S,) whether a plot without reply is a silence
    measures_height : (S,) whether a track that it feeds has a height of its own
    confusion : (S,) chance that a class that it tells is wrong; NaN if it tells none
    """

    snr_reference_db: Floats
    snr_least_db: Floats
    interrogates: Bools
    measures_height: Bools
    confusion: Floats = field(default_factory=nothing)

    def __post_init__(self) -> None:
        fill_left_out(self, self.interrogates.size, confusion=np.nan)


@dataclass(frozen=True, slots=True)
class Looks:
    """One row per plot that a track took, in order of time for each track.

    Attributes
    ----------
    number : (K,) the track
    rcs_dbsm : (K,) radar cross-section that explains the echo, NaN if unknown
    rcs_least_dbsm : (K,) the smallest one that would have made a plot there, NaN if unknown
    silent : (K,) interrogated, and no reply
    seen_class : (K,) as in ``Plots``
    confusion : (K,) chance that it is wrong
    """

    number: Ints
    rcs_dbsm: Floats
    rcs_least_dbsm: Floats
    silent: Bools
    seen_class: Ints = field(default_factory=no_class)
    confusion: Floats = field(default_factory=nothing)

    def __post_init__(self) -> None:
        fill_left_out(self, self.number.size, seen_class=-1, confusion=np.nan)

    def __len__(self) -> int:
        return int(self.number.size)

    @classmethod
    def of(cls, plots: Plots, number: Ints, sensors: EchoFacts) -> Self:
        """Read plots (K,), each taken by the track of the given number."""
        s, range_m = plots.sensor, plots.measurement[:, RANGE]
        reference_db = sensors.snr_reference_db[s]
        return cls(
            number=number,
            rcs_dbsm=rcs_from_snr(plots.snr_db, range_m, reference_db),
            rcs_least_dbsm=rcs_from_snr(sensors.snr_least_db[s], range_m, reference_db),
            silent=sensors.interrogates[s] & (plots.reply == Reply.NONE),
            seen_class=plots.seen_class,
            confusion=sensors.confusion[s],
        )

    @classmethod
    def concatenate(cls, tables: list[Looks]) -> Looks:
        """Stack tables, in order."""
        if not tables:
            none = np.empty(0)
            return cls(np.empty(0, np.int32), none, none, np.empty(0, np.bool_))
        return cls(*(np.concatenate([getattr(t, f.name) for t in tables]) for f in fields(cls)))

    def take(self, rows: NDArray[np.intp] | Bools) -> Looks:
        """Return the given rows (indices or mask) as a new table."""
        return Looks(*(getattr(self, f.name)[rows] for f in fields(self)))

    def renumbered(self, number: Ints) -> Looks:
        """Return the looks of tracks that have other numbers elsewhere, 0 for none."""
        return replace(self, number=number).take(number > 0)
