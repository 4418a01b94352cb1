"""Kernels of a radar's echoes: which come back, apart or merged, and how detectable they are."""

from __future__ import annotations

import numpy as np

from sensors.dwells import pd_of_dwell
from sensors.kernels import locate
from sensors.resolution import merge_echoes, shared_cells
from sim.core.jit import kernel
from sim.core.sweep import Floats32
from sim.core.tables import Bytes, Floats, Ints, Visibility

_VISIBLE = int(Visibility.VISIBLE)
_WEAK_ECHO = int(Visibility.WEAK_ECHO)
_UNRESOLVED = int(Visibility.UNRESOLVED)


@kernel()
def echo_snr(snr_of_unit_echo: float, rcs_m2: float, range_m: float) -> float:
    """Return the SNR per pulse, linear."""
    squared_m2 = range_m * range_m
    return snr_of_unit_echo * rcs_m2 / (squared_m2 * squared_m2)


@kernel()
def receive(
    position_enu_m: Floats,
    velocity_enu_mps: Floats,
    time_s: Floats,
    target: Ints,
    rcs_m2: Floats,
    origin_enu_m: Floats,
    enu_R_sensor: Floats,
    height_m: float,
    curvature_per_m: Floats,
    range_limits_m: Floats,
    blind_ranges_m: Floats,
    sector_rad: Floats,
    elevation_rad: Floats,
    lowest_m: Floats32,
    cell_m: float,
    snr_of_unit_echo: float,
    resolution: Floats,
    look_gap_s: float,
) -> tuple[Floats, Floats, Ints]:
    """Return the echoes of looks (K,), those that share a resolution cell as one.

    Parameters
    ----------
    position_enu_m, velocity_enu_mps, time_s, target : of each look
    rcs_m2 : (N,) of each target
    origin_enu_m ... cell_m : as in ``sensors.kernels.locate``
    snr_of_unit_echo : SNR of 1 m² at 1 m
    resolution, look_gap_s : as in ``sensors.resolution.shared_cells``

    Returns
    -------
    polar (G, 4), SNR per pulse (G,), and the look (G,) with the strongest part of each echo.
    """
    polar = np.empty((time_s.size, 4))
    reason = np.empty(time_s.size, np.uint8)
    locate(
        position_enu_m,
        velocity_enu_mps,
        origin_enu_m,
        enu_R_sensor,
        height_m,
        curvature_per_m,
        range_limits_m,
        blind_ranges_m,
        sector_rad,
        elevation_rad,
        lowest_m,
        cell_m,
        polar,
        reason,
    )
    look, look_s = np.empty(reason.size, np.int32), np.empty(reason.size)
    snr = np.empty(reason.size)
    size = 0
    for row in range(reason.size):
        if reason[row] == _VISIBLE:
            polar[size] = polar[row]
            snr[size] = echo_snr(snr_of_unit_echo, rcs_m2[target[row]], polar[row, 0])
            look[size] = row
            look_s[size] = time_s[row]
            size += 1
    polar, snr, look = polar[:size], snr[:size], look[:size]
    group, groups = shared_cells(polar, look_s[:size], resolution, look_gap_s)
    if groups == size:
        return polar, snr, look
    polar, snr, strongest = merge_echoes(polar, snr, group, groups)
    for row in range(groups):
        strongest[row] = look[strongest[row]]
    return polar, snr, strongest


@kernel()
def grade(
    polar: Floats,
    rcs_m2: Floats,
    swerling: Bytes,
    snr_of_unit_echo: float,
    resolution: Floats,
    pulses: int,
    threshold: float,
    shape: Floats,
    log_weight: Floats,
    miss: Floats,
    code: Bytes,
) -> Floats:
    """Return the detection probability (N,) of targets, zero unless geometry shows them.

    ``code`` (N,) comes from ``sensors.kernels.locate``; here it takes in weak echoes and those
    that share a cell with a stronger one.

    Parameters
    ----------
    polar : (N, 4) exact place
    rcs_m2, swerling : (N,) of each target
    snr_of_unit_echo : SNR of 1 m² at 1 m
    resolution : (4,) as in ``sensors.resolution.shared_cells``
    pulses ... miss : as in ``sensors.dwells.pd_of_dwell``
    code : input and output
    """
    pd, snr = np.zeros(code.size), np.zeros(code.size)
    for row in range(code.size):
        if code[row] != _VISIBLE:
            continue
        snr[row] = echo_snr(snr_of_unit_echo, rcs_m2[row], polar[row, 0])
        pd[row] = pd_of_dwell(snr[row], swerling[row], pulses, threshold, shape, log_weight, miss)
        if pd[row] < 0.5:
            code[row] = _WEAK_ECHO
    shown = np.flatnonzero(code == _VISIBLE)
    group, groups = shared_cells(polar[shown], np.zeros(shown.size), resolution, np.inf)
    if groups < shown.size:
        _, _, strongest = merge_echoes(polar[shown], snr[shown], group, groups)
        code[shown] = _UNRESOLVED
        code[shown[strongest]] = _VISIBLE
    return pd
