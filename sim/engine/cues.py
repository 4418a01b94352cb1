"""Cues: what of the picture a sensor that can be pointed is told."""

from __future__ import annotations

import numpy as np

from sensors.scene import Cues
from sim.core.tables import Tracks


def cues_of(tracks: Tracks) -> Cues:
    """Return where a picture holds targets to be at its time, tentative tracks included.

    Nothing else is told: a cue is as wrong as its track is, and may be of nothing.
    """
    variance = np.einsum("kii->k", tracks.position_covariance_m2) / 3.0
    return Cues(
        number=tracks.number,
        position_enu_m=tracks.position_enu_m,
        velocity_enu_mps=tracks.velocity_enu_mps,
        position_sigma_m=np.sqrt(np.maximum(variance, 0.0)),
    )
