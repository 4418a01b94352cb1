"""What plots say of the tracks that took them, beside where they are: echo and reply."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from sim.core.tables import (
    RANGE_RATE,
    Bools,
    Floats,
    Ints,
    Plots,
    Reply,
    fill_left_out,
    no_class,
    nothing,
)

if TYPE_CHECKING:
    from sensors.abilities import ExpectsEchoes


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
    expects : the sensors that know what comes back from a place, None for others; if left
        out, echoes are taken for those of the beam's centre in a vacuum
    enu_R_sensor : (S, 3, 3) columns are the sensors' local east, north, up
    height_m : (S,) of the sensors above the ellipsoid; if left out, they look level
    """

    snr_reference_db: Floats
    snr_least_db: Floats
    interrogates: Bools
    measures_height: Bools
    confusion: Floats = field(default_factory=nothing)
    expects: tuple[ExpectsEchoes | None, ...] = ()
    enu_R_sensor: Floats = field(default_factory=lambda: np.empty((0, 3, 3)))
    height_m: Floats = field(default_factory=nothing)

    def __post_init__(self) -> None:
        size = self.interrogates.size
        fill_left_out(self, size, confusion=np.nan, height_m=np.nan)
        if len(self.expects) != size:
            object.__setattr__(self, "expects", (None,) * size)
        if len(self.enu_R_sensor) != size:
            object.__setattr__(self, "enu_R_sensor", np.tile(np.eye(3), (size, 1, 1)))


@dataclass(frozen=True, slots=True)
class Looks:
    """One row per plot that a track took, in order of time for each track.

    Attributes
    ----------
    number : (K,) the track
    sensor, time_s, snr_db, measurement : of the plot, as in ``Plots``
    range_rate_sigma_mps : (K,) as in ``Plots.sigma``
    silent : (K,) interrogated, and no reply
    seen_class : (K,) as in ``Plots``
    confusion : (K,) chance that it is wrong
    noise_db : (K,) by how much jamming raised the sensor's noise there
    """

    number: Ints
    sensor: Ints
    time_s: Floats
    snr_db: Floats
    measurement: Floats
    range_rate_sigma_mps: Floats
    silent: Bools
    seen_class: Ints = field(default_factory=no_class)
    confusion: Floats = field(default_factory=nothing)
    noise_db: Floats = field(default_factory=nothing)

    def __post_init__(self) -> None:
        fill_left_out(self, self.number.size, seen_class=-1, confusion=np.nan, noise_db=0.0)

    def __len__(self) -> int:
        return int(self.number.size)

    @classmethod
    def of(
        cls, plots: Plots, number: Ints, sensors: EchoFacts, noise_db: Floats | None = None
    ) -> Self:
        """Read plots (K,), each taken by the track of the given number, out of that noise."""
        s = plots.sensor
        return cls(
            number=number,
            sensor=s,
            time_s=plots.time_s,
            snr_db=plots.snr_db,
            measurement=plots.measurement,
            range_rate_sigma_mps=plots.sigma[:, RANGE_RATE],
            silent=sensors.interrogates[s] & (plots.reply == Reply.NONE),
            seen_class=plots.seen_class,
            confusion=sensors.confusion[s],
            noise_db=nothing() if noise_db is None else noise_db,
        )

    @classmethod
    def concatenate(cls, tables: list[Looks]) -> Looks:
        """Stack tables, in order."""
        if not tables:
            none, no_index = np.empty(0), np.empty(0, np.int32)
            no_place, no_mark = np.empty((0, 4)), np.empty(0, np.bool_)
            return cls(no_index, no_index, none, none, no_place, none, no_mark)
        return cls(*(np.concatenate([getattr(t, f.name) for t in tables]) for f in fields(cls)))

    def take(self, rows: NDArray[np.intp] | Bools) -> Looks:
        """Return the given rows (indices or mask) as a new table."""
        return Looks(*(getattr(self, f.name)[rows] for f in fields(self)))

    def renumbered(self, number: Ints) -> Looks:
        """Return the looks of tracks that have other numbers elsewhere, 0 for none."""
        return replace(self, number=number).take(number > 0)
