"""The scene of `scale`: one target per square kilometre, reported positions, no radar.

Scans are drawn one at a time, so that a million targets do not fill the memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.core.tables import FALSE_ALARM, Floats, Measured, Plots
from sim.tracking import SensorModels

PERIOD_S = 1.0
PD, FALSE_SHARE = 0.9, 0.1
SIGMA_M = 50.0
SPEED_MPS = (100.0, 250.0)
HEIGHT_M = (0.0, 10e3)


@dataclass(slots=True)
class WideScene:
    """Level flights over a square; ``scan`` moves them on.

    Attributes
    ----------
    position_enu_m, velocity_enu_mps : (N, 3) truth, as of the last scan
    """

    position_enu_m: Floats
    velocity_enu_mps: Floats
    side_m: float
    rng: np.random.Generator
    time_s: float = -PERIOD_S

    @classmethod
    def of(cls, targets: int, seed: int) -> WideScene:
        """Return so many targets on as many square kilometres."""
        rng = np.random.default_rng(seed)
        side_m = 1e3 * float(np.sqrt(targets))
        heading = rng.uniform(0, 2 * np.pi, targets)
        speed = rng.uniform(*SPEED_MPS, targets)
        velocity = np.zeros((targets, 3))
        velocity[:, 0], velocity[:, 1] = speed * np.sin(heading), speed * np.cos(heading)
        return cls(_anywhere(rng, targets, side_m), velocity, side_m, rng)

    def sensors(self) -> SensorModels:
        """Return the one source of positions."""
        return SensorModels.at_origin(
            period_s=PERIOD_S,
            clutter_density=FALSE_SHARE * 1e-6 / (HEIGHT_M[1] - HEIGHT_M[0]),
            kind=Measured.POSITION,
        )

    def scan(self) -> Plots:
        """Move the targets to the next scan and return its plots, in no order."""
        self.time_s += PERIOD_S
        if self.time_s > 0:
            self.position_enu_m += PERIOD_S * self.velocity_enu_mps
        seen = np.flatnonzero(self.rng.random(len(self.position_enu_m)) < PD)
        false = round(FALSE_SHARE * len(self.position_enu_m))
        n = seen.size + false
        place = self.rng.permutation(n)
        measurement = np.full((n, 4), np.nan)
        true = self.position_enu_m[seen] + SIGMA_M * self.rng.standard_normal((seen.size, 3))
        measurement[place[: seen.size], :3] = true
        measurement[place[seen.size :], :3] = _anywhere(self.rng, false, self.side_m)
        truth_id = np.full(n, FALSE_ALARM, np.int32)
        truth_id[place[: seen.size]] = seen
        sigma = np.full((n, 4), SIGMA_M)
        sigma[:, 3] = np.nan
        return Plots(
            time_s=np.full(n, self.time_s),
            sensor=np.zeros(n, np.int32),
            measurement=measurement,
            sigma=sigma,
            snr_db=np.full(n, 15.0),
            reply=np.zeros(n, np.uint8),
            truth_id=truth_id,
        )


def _anywhere(rng: np.random.Generator, n: int, side_m: float) -> Floats:
    position = rng.uniform(-0.5, 0.5, (n, 3)) * side_m
    position[:, 2] = rng.uniform(*HEIGHT_M, n)
    return position
