"""What the tracker knows of each sensor: where it stands and what it measures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.core.tables import Bools, Floats


@dataclass(frozen=True, slots=True)
class SensorModels:
    """One row per sensor; ``Plots.sensor`` is the row.

    Attributes
    ----------
    origin_enu_m : (S, 3) place, scenario frame
    enu_R_sensor : (S, 3, 3) columns are the sensor's own east, north, up
    height_m : (S,) height above the ellipsoid
    period_s : (S,) time between two looks in one direction
    measures : (S, 4) which of range, azimuth, elevation, range rate
    clutter_density : (S,) false alarms expected per look in a unit of measured volume
        (m, rad, rad, m/s, as far as measured)
    """

    origin_enu_m: Floats
    enu_R_sensor: Floats
    height_m: Floats
    period_s: Floats
    measures: Bools
    clutter_density: Floats

    def __post_init__(self) -> None:
        n = len(self)
        shapes = {
            "origin_enu_m": (n, 3),
            "enu_R_sensor": (n, 3, 3),
            "height_m": (n,),
            "measures": (n, 4),
            "clutter_density": (n,),
        }
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(
                    f"{name} must have shape {shape}, found {getattr(self, name).shape}"
                )
        if not (self.measures[:, :2]).all():
            raise ValueError("every sensor must measure range and azimuth")
        if not (self.period_s > 0).all():
            raise ValueError("period_s must be positive")
        if not (self.clutter_density > 0).all():
            raise ValueError("clutter_density must be positive")

    def __len__(self) -> int:
        return int(self.period_s.size)

    @classmethod
    def at_origin(
        cls, *, period_s: float, measures_range_rate: bool = False, clutter_density: float = 1e-8
    ) -> SensorModels:
        """Return one 3-D sensor standing at the frame's origin."""
        return cls(
            origin_enu_m=np.zeros((1, 3)),
            enu_R_sensor=np.eye(3)[None],
            height_m=np.zeros(1),
            period_s=np.array([period_s]),
            measures=np.array([[True, True, True, measures_range_rate]]),
            clutter_density=np.array([clutter_density]),
        )
