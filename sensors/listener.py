"""What sensors share that live on what targets send, tell or sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.core.tables import Measured

if TYPE_CHECKING:
    from sensors.scene import Scene
    from sensors.sight import Sight
    from sim.core.tables import Bools, Bytes, Floats, Ints

ALL_ROUND_RAD = np.array([0.0, np.pi])
ALL_ELEVATIONS_RAD = np.array([-0.5 * np.pi, 0.5 * np.pi])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Listener:
    """A listening sensor at its place; see ``sensors.registry.Sensor``.

    It has no echoes, and its silence about a target says nothing: the target may be silent.

    Attributes
    ----------
    sight : from where it is
    period_s : time between two looks, or two reports of one target
    range_limits_m : (2,) nearest and farthest that it reports
    elevation_rad : (2,) lowest and highest
    measures, clutter_density : as ``sensors.registry.Sensor``
    """

    id: str
    index: int
    site: str
    sight: Sight
    period_s: float
    range_limits_m: Floats
    elevation_rad: Floats
    measures: Bools
    clutter_density: float

    @property
    def origin_enu_m(self) -> Floats:
        """(3,) its place."""
        return self.sight.origin_enu_m

    @property
    def enu_R_sensor(self) -> Floats:
        """(3, 3) its local axes."""
        return self.sight.enu_R_sensor

    @property
    def other_enu_m(self) -> Floats:
        """None other is needed."""
        return np.zeros(3)

    @property
    def measured(self) -> Measured:
        """Directions."""
        return Measured.POLAR

    @property
    def range_max_m(self) -> float:
        """Farthest that it reports."""
        return float(self.range_limits_m[1])

    @property
    def range_min_m(self) -> float:
        """Nearest that it reports."""
        return float(self.range_limits_m[0])

    @property
    def sector_rad(self) -> Floats:
        """All round."""
        return ALL_ROUND_RAD

    @property
    def rotates(self) -> bool:
        """It hears all directions at once."""
        return False

    @property
    def resolution(self) -> Floats:
        """(4,) NaN: it has no cells."""
        return np.full(4, np.nan)

    @property
    def false_alarm_probability(self) -> float:
        """NaN: it has no cells."""
        return float("nan")

    def snr_range_m(self, rcs_m2: float) -> float:
        """Return NaN: it has no echoes."""
        return float("nan")

    @property
    def snr_reference_db(self) -> float:
        """NaN: it has no echoes."""
        return float("nan")

    @property
    def snr_least_db(self) -> float:
        """NaN: it has no echoes."""
        return float("nan")

    @property
    def horizon(self) -> bool:
        """The earth is in its way."""
        return True

    @property
    def interrogates(self) -> bool:
        """It asks nobody, so that silence is no refusal."""
        return False

    @property
    def listens(self) -> bool:
        """Silence tells nothing."""
        return True

    def beam_azimuth_rad(self, time_s: float) -> float:
        """Return NaN: nothing turns."""
        return float("nan")

    def _in_reach(self, scene: Scene, able: Bools, reach_m: float) -> Ints:
        """Return the targets (K,) that are able to be heard, and near enough at either end.

        A window's way is added: who could come near in between is among them. Ghosts, who are
        at neither end, are not.
        """
        start, end = scene.start, scene.end
        able = able & (start.present | end.present)
        way_m, apart_m = np.zeros(able.size), np.full(able.size, np.inf)
        for truth in (start, end):
            apart_m = np.fmin(apart_m, _lengths(truth.position_enu_m - self.origin_enu_m))
            way_m = np.fmax(way_m, _lengths(truth.velocity_enu_mps))
        near = apart_m <= reach_m + 2.0 * way_m * (end.time_s - start.time_s)
        return np.flatnonzero(able & near).astype(np.int32)

    def _locate(self, position_enu_m: Floats, velocity_enu_mps: Floats) -> tuple[Floats, Bytes]:
        """Return polar places (K, 4) and ``Visibility`` (K,) by geometry and relief."""
        return self.sight.locate(
            position_enu_m,
            velocity_enu_mps,
            self.range_limits_m,
            self.sector_rad,
            self.elevation_rad,
        )


def _lengths(vectors: Floats) -> Floats:
    """Return the lengths (K,) of vectors (K, 3); a sum along so short an axis is slow."""
    lengths: Floats = np.sqrt(np.einsum("kc,kc->k", vectors, vectors))
    return lengths
