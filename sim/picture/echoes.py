"""What the echo of a look says of the cross section, if the target were of each class.

A class decides of more than its mean: its shape of how much it shows from where, its rotors
of what is left when its body stands still among ground echoes. The sensor knows what its
beam, air and ground, pulses and filters do to an echo from a place; the track tells the
place, and how surely.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sim.core.geodesy import SEMI_MAJOR_AXIS_M
from sim.core.tables import AZIMUTH, RANGE, RANGE_RATE, Floats
from sim.picture.class_models import FADING_DB, ClassModels, log_over
from sim.picture.looks import EchoFacts, Looks

#: Places over which what a sensor expects is averaged: quantiles of a normal law, those of
#: range rate in another order than those of height (van der Corput's).
_PLACES = 8
_QUANTILES = np.array([-1.534, -0.887, -0.489, -0.157, 0.157, 0.489, 0.887, 1.534])
_HEIGHT, _RATE = _QUANTILES, _QUANTILES[[0, 4, 2, 6, 1, 5, 3, 7]]
#: Where even a sensor that errs would get no echo at all (dB).
_NOTHING_DB = -100.0
#: Slower than this, a target has no nose that its velocity would tell.
_HOVERS_MPS = 1.0


@dataclass(frozen=True, slots=True)
class Echoes:
    """Cross sections that explain looks (K,), if of each class (C,).

    Attributes
    ----------
    rcs_dbsm : (K, C) averaged over aspects; NaN if unknown
    least_dbsm : (K, C) the smallest that would have made a plot
    sigma_db : (K, C) how unsure they are because the place is
    """

    rcs_dbsm: Floats
    least_dbsm: Floats
    sigma_db: Floats

    @classmethod
    def plain(cls, rcs_dbsm: Floats, least_dbsm: Floats, classes: int) -> Self:
        """Return what is the same for all classes, and sure."""
        shape = (rcs_dbsm.size, classes)
        rcs, least = (np.broadcast_to(a[:, None], shape) for a in (rcs_dbsm, least_dbsm))
        return cls(rcs, least, np.zeros(shape))

    def take(self, rows: NDArray[np.intp]) -> Echoes:
        """Return the given rows as a new table."""
        return Echoes(self.rcs_dbsm[rows], self.least_dbsm[rows], self.sigma_db[rows])


def echoes_of(
    looks: Looks,
    height_m: Floats,
    height_sigma_m: Floats,
    velocity_enu_mps: Floats,
    velocity_sigma_mps: Floats,
    models: ClassModels,
    sensors: EchoFacts,
) -> Echoes:
    """Return what looks (K,), every one with an echo, say of their targets.

    Parameters
    ----------
    height_m, height_sigma_m : (K,) of the track at the look's time, above the ellipsoid
    velocity_enu_mps, velocity_sigma_mps : (K, 3), (K,) of the track; along the beam only
        where the plot has no range rate
    """
    s, size = looks.sensor, len(looks)
    range_m, azimuth_rad = looks.measurement[:, RANGE], looks.measurement[:, AZIMUTH]
    rate_mps, sigma_mps = looks.measurement[:, RANGE_RATE].copy(), looks.range_rate_sigma_mps.copy()
    unmeasured = np.isnan(rate_mps)
    up = (height_m - sensors.height_m[s]) / range_m - 0.5 * range_m / SEMI_MAJOR_AXIS_M
    up = np.clip(np.nan_to_num(up), -1.0, 1.0)
    level = np.sqrt(1.0 - up * up)
    local = np.column_stack([level * np.sin(azimuth_rad), level * np.cos(azimuth_rad), up])
    beam = np.einsum("kij,kj->ki", sensors.enu_R_sensor[s], local)
    rate_mps[unmeasured] = np.einsum("ki,ki->k", beam, velocity_enu_mps)[unmeasured]
    sigma_mps[unmeasured] = velocity_sigma_mps[unmeasured]

    expected_db = np.empty((size, _PLACES, models.rotor_rcs.size))
    for k in np.unique(s).tolist():
        rows = np.flatnonzero(s == k)
        sensor = sensors.expects[k]
        if sensor is None:
            reference_db = sensors.snr_reference_db[k]
            quiet_db = reference_db - 40.0 * np.log10(range_m[rows] / 1e3)
            expected_db[rows] = (quiet_db - looks.noise_db[rows])[:, None, None]
            continue
        shape = (rows.size, _PLACES, models.rotor_rcs.size)
        height = height_m[rows, None] + _HEIGHT * height_sigma_m[rows, None]
        rate = rate_mps[rows, None] + _RATE * sigma_mps[rows, None]
        snr = sensor.expected_snr(
            *(
                np.broadcast_to(column, shape).ravel()
                for column in (
                    range_m[rows, None, None],
                    azimuth_rad[rows, None, None],
                    height[:, :, None],
                    rate[:, :, None],
                    10.0 ** (0.1 * looks.noise_db[rows, None, None]),
                    np.arange(shape[2]),
                )
            ),
            models.rotor_rcs,
            models.rotor_tip_mps,
        )
        expected_db[rows] = 10.0 * np.log10(np.maximum(snr, 10.0 ** (0.1 * _NOTHING_DB))).reshape(
            shape
        )
    expected_db = expected_db[:, :, models.rotor]
    expected_db += aspect_db(rate_mps, velocity_enu_mps, models)[:, None, :]

    # Places from which nothing would have come back are not where it came from.
    least_db = sensors.snr_least_db[s]
    over = log_over(
        least_db[:, None, None],
        expected_db + models.rcs_dbsm + FADING_DB[0],
        models.rcs_spread_db**2 + FADING_DB[1] ** 2,
    )
    weight = np.exp(over - over.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    mean_db = (weight * expected_db).sum(axis=1)
    variance = (weight * (expected_db - mean_db[:, None]) ** 2).sum(axis=1)
    return Echoes(looks.snr_db[:, None] - mean_db, least_db[:, None] - mean_db, np.sqrt(variance))


def aspect_db(rate_mps: Floats, velocity_enu_mps: Floats, models: ClassModels) -> Floats:
    """Return by how much each class shows more from there than on average (K, C).

    Between the angles of the table it changes evenly, as ``sensors.echoes.aspect_factor``.
    """
    speed = np.linalg.norm(velocity_enu_mps, axis=1)
    cosine = np.clip(-rate_mps / np.maximum(speed, _HOVERS_MPS), -1.0, 1.0)
    steps = models.rcs_aspect.shape[1] - 1
    place = np.arccos(cosine) / np.pi * steps
    low = np.minimum(place.astype(int), steps - 1)
    part = (place - low)[:, None]
    table = models.rcs_aspect.T
    factor = (1.0 - part) * table[low] + part * table[low + 1]
    aspect: Floats = np.where(speed[:, None] > _HOVERS_MPS, 10.0 * np.log10(factor), 0.0)
    return aspect
