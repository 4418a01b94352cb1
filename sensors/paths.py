"""Kernels of what a wave loses on its way through the air."""

from __future__ import annotations

import math

from sensors.attenuation import HEIGHT_STEP_M
from sensors.surface import EFFECTIVE_EARTH_RADIUS_M
from sim.core.jit import kernel
from sim.core.tables import Floats

# Gauss-Legendre of eight points: half of the nodes on (0, 1), the others lie opposite.
_NODES = (0.019855071751231884, 0.10166676129318664, 0.2372337950418355, 0.4082826787521751)
_WEIGHTS = (0.05061426814518813, 0.11119051722668724, 0.15685332293894364, 0.18134189168918100)


@kernel(leaf=True)
def _gas_db_per_m(height_m: float, gas_db_per_m: Floats) -> float:
    """Return the table's value at a height, none above it."""
    step = max(height_m, 0.0) / HEIGHT_STEP_M
    row = int(step)
    if row >= gas_db_per_m.size - 1:
        return 0.0
    part = step - row
    value: float = (1.0 - part) * gas_db_per_m[row] + part * gas_db_per_m[row + 1]
    return value


@kernel(leaf=True)
def share_below(level_m: float, height_a_m: float, height_b_m: float, sag_m: float) -> float:
    """Return the share of a path that lies below a level.

    Parameters
    ----------
    level_m, height_a_m, height_b_m : above the ground
    sag_m : s of the path's height a + (b − a) t − s t (1 − t), t from 0 to 1
    """
    if sag_m < 1e-9:
        low, high = min(height_a_m, height_b_m), max(height_a_m, height_b_m)
        if high <= level_m:
            return 1.0
        return max(level_m - low, 0.0) / (high - low)
    half = 0.5 * (height_b_m - height_a_m - sag_m) / sag_m
    square = half * half - (height_a_m - level_m) / sag_m
    if square <= 0.0:  # never that low
        return 0.0
    root = math.sqrt(square)
    return max(min(root - half, 1.0) - max(-root - half, 0.0), 0.0)


@kernel(leaf=True)
def path_attenuation_db(
    range_m: float,
    height_a_m: float,
    height_b_m: float,
    gas_db_per_m: Floats,
    rain_db_per_m: float,
    rain_top_m: float,
) -> float:
    """Return what gas and rain take on a path, one way (dB); an echo loses twice that.

    The path runs straight over an earth of 4/3 the size. Gas is summed at eight points of
    it, rain along the share below ``rain_top_m``.

    Parameters
    ----------
    range_m : length of the path
    height_a_m, height_b_m : of its ends above the ground
    gas_db_per_m, rain_db_per_m, rain_top_m : from ``sensors.attenuation.Air``
    """
    height_m, climb_m = min(height_a_m, height_b_m), abs(height_b_m - height_a_m)
    sag_m = max(range_m * range_m - climb_m * climb_m, 0.0) / (2.0 * EFFECTIVE_EARTH_RADIUS_M)
    loss = 0.0
    if rain_db_per_m > 0.0:
        rainy = share_below(rain_top_m, height_m, height_m + climb_m, sag_m)
        loss += rain_db_per_m * range_m * rainy
    top_m = HEIGHT_STEP_M * (gas_db_per_m.size - 1)
    if height_m >= top_m:
        return loss
    if height_m + climb_m > top_m:  # sum over the part inside the air
        inside = share_below(top_m, height_m, height_m + climb_m, sag_m)
        range_m, climb_m, sag_m = inside * range_m, top_m - height_m, inside * inside * sag_m
    gas = 0.0
    for node in range(4):
        t = _NODES[node]
        low = sag_m * t * (1.0 - t)
        gas += _WEIGHTS[node] * (
            _gas_db_per_m(height_m + climb_m * t - low, gas_db_per_m)
            + _gas_db_per_m(height_m + climb_m * (1.0 - t) - low, gas_db_per_m)
        )
    return loss + gas * range_m
