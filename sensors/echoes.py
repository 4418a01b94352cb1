"""Kernels of a radar's echoes: which come back, apart or merged, and how detectable they are."""

from __future__ import annotations

import math

import numpy as np

from sensors.dwells import pd_of_dwell
from sensors.kernels import locate
from sensors.multipath import propagation_factor
from sensors.paths import path_attenuation_db
from sensors.radar_budget import Budget
from sensors.resolution import merge_echoes, shared_cells
from sensors.surface import EFFECTIVE_EARTH_RADIUS_M
from sim.core.jit import kernel
from sim.core.sweep import Floats32
from sim.core.tables import Bytes, Floats, Ints, Visibility

_VISIBLE = int(Visibility.VISIBLE)
_BLIND_RANGE = int(Visibility.BLIND_RANGE)
_TOO_SLOW = int(Visibility.TOO_SLOW)
_IN_CLUTTER = int(Visibility.IN_CLUTTER)
_JAMMED = int(Visibility.JAMMED)
_WEAK_ECHO = int(Visibility.WEAK_ECHO)
_UNRESOLVED = int(Visibility.UNRESOLVED)

#: What takes the step from one column of ``strengths`` to the one before it.
_BLAMED = np.array([_JAMMED, _TOO_SLOW, _IN_CLUTTER, _BLIND_RANGE], np.uint8)

#: Slower than this, a target has no nose that its velocity would tell.
_HOVERS_MPS = 1.0
#: A pulse rate sees a target if it gets so much of the pulse, and of the echo after filters.
_HEARD, _PASSED = 0.5, 0.1
#: Weaker than this, the bounced wave is left out.
_FAINT = 1e-3


@kernel(leaf=True)
def aspect_factor(
    rcs_aspect: Floats, target: int, speed_mps: float, range_rate_mps: float
) -> float:
    """Return the factor on the mean cross section by the angle from the nose.

    Between the angles of the table (0, 45, ... 180 degrees) it changes evenly.

    Parameters
    ----------
    rcs_aspect : (N, A) as in ``Signatures``
    speed_mps, range_rate_mps : of the target; the nose points along its velocity
    """
    if not speed_mps > _HOVERS_MPS:
        return 1.0
    cosine = min(max(-range_rate_mps / speed_mps, -1.0), 1.0)
    steps = rcs_aspect.shape[1] - 1
    place = math.acos(cosine) / math.pi * steps
    low = min(int(place), steps - 1)
    part = place - low
    factor: float = (1.0 - part) * rcs_aspect[target, low] + part * rcs_aspect[target, low + 1]
    return factor


@kernel(leaf=True)
def _between(table: Floats, row: int, place: float) -> float:
    """Return the value of a row of a table at a place in columns."""
    low = min(max(int(place), 0), table.shape[1] - 2)
    part = place - low
    value: float = (1.0 - part) * table[row, low] + part * table[row, low + 1]
    return value


@kernel(leaf=True)
def _phase(turns: float, phases: int) -> float:
    """Return the place of a number of turns in a table of one turn."""
    return (turns - math.floor(turns)) * phases


@kernel(leaf=True)
def heard_share(shown_m: float, fold: int, unambiguous_m: float, pulse_m: float) -> float:
    """Return the share of a pulse that comes back while the radar listens.

    Near the radar short pulses fill in for what the long one covers.

    Parameters
    ----------
    shown_m, fold : range after the last pulse before the echo, and how many came between
    unambiguous_m, pulse_m : range of a pulse interval, and of a pulse
    """
    if pulse_m <= 0.0:
        return 1.0
    heard = min(1.0, (unambiguous_m - shown_m) / pulse_m)
    return heard if fold == 0 else min(heard, shown_m / pulse_m)


@kernel(leaf=True)
def rotor_share(tip_mps: float, filter_mps: float, cycles_per_mps: float, bank: bool) -> float:
    """Return what turning blades bring to detection, of their share of the echo.

    They spread it evenly over the speeds of their tips. Without a bank all of that passes
    if it fills half a turn of phase. A bank splits it over m filters, which a detector
    sums: 1/m in each, √m gained by the sum (small signals; Skolnik, chapter 2). Tips that do
    not leave the three filters about standing still bring nothing.
    """
    if not bank:
        return 1.0 if 4.0 * tip_mps * cycles_per_mps >= 1.0 else 0.0
    if tip_mps < 3.0 * filter_mps:
        return 0.0
    span_mps = min(2.0 * tip_mps, 1.0 / cycles_per_mps)
    return 1.0 / math.sqrt(max(span_mps / filter_mps, 1.0))


@kernel()
def strengths(
    polar: Floats,
    velocity_enu_mps: Floats,
    target: Ints,
    rcs_m2: Floats,
    noise: Floats,
    code: Bytes,
    rcs_aspect: Floats,
    rotor_rcs: Floats,
    rotor_tip_mps: Floats,
    snr_of_unit_echo: float,
    budget: Budget,
) -> Floats:
    """Return what looks (K,) bring against noise and clutter, per pulse: (K, 5).

    Columns: signal to all that competes with it; the same without jamming; without jamming
    at the best speed; without clutter either; all of the signal, transmissions in between
    notwithstanding. All are 0 unless geometry shows the target.

    S = S₁ σ g F⁴ a / R⁴: S₁ of 1 m² at 1 m, g the beam's shape, F² lobing, a what air takes.
    Each pulse rate of a dwell has its own (S f² H) / (N + C A + R B): f the share of the pulse
    that is heard between transmissions, H, A and B what filters leave of signal, ground and
    rain. Their mean counts, as for power that is summed over the dwell; but beyond the
    range that one pulse rate tells apart, two must see the target.

    Parameters
    ----------
    polar : (K, 4) exact places
    velocity_enu_mps : (K, 3)
    target : (K,) row of the target, negative for what is none: ``rcs_m2`` says all of it
    rcs_m2 : (K,) mean radar cross section
    noise : (K,) factor by which jamming raises the receiver's noise
    code : (K,) from ``locate``
    rcs_aspect, rotor_rcs, rotor_tip_mps : as in ``Signatures``
    budget : see there
    """
    gas_db_per_m, elevation_gain = budget.gas_db_per_m, budget.elevation_gain
    azimuth_gain = budget.azimuth_gain.reshape(1, -1)
    unambiguous_m, surface, rain = budget.unambiguous_m, budget.surface, budget.rain
    cycles_per_mps, response = budget.cycles_per_mps, budget.response
    surface_left, rain_left = budget.surface_left, budget.rain_left
    filter_mps, wind = budget.filter_mps, budget.wind
    curvature, antenna_m = budget.curvature_per_m, budget.height_m
    wavelength_m, pulse_m, bank = budget.wavelength_m, budget.pulse_m, budget.bank
    bounces, permittivity, vertical = budget.bounces, budget.permittivity, budget.vertical
    roughness_m, rain_db_per_m, rain_top_m = (
        budget.roughness_m,
        budget.rain_db_per_m,
        budget.rain_top_m,
    )
    rates, phases = response.shape[0], response.shape[1] - 1
    nearest_m = unambiguous_m.min()
    found = np.zeros((code.size, 5))
    for row in range(code.size):
        if code[row] != _VISIBLE:
            continue
        range_m, azimuth, elevation = polar[row, 0], polar[row, 1], polar[row, 2]
        rate_mps = polar[row, 3]
        signal = snr_of_unit_echo * rcs_m2[row] / range_m**4
        turning, tip_mps = 0.0, 0.0
        if target[row] >= 0:
            v = velocity_enu_mps[row]
            speed = math.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])
            signal *= aspect_factor(rcs_aspect, target[row], speed, rate_mps)
            turning, tip_mps = rotor_rcs[target[row]], rotor_tip_mps[target[row]]

        # The way there and back.
        north = math.cos(azimuth)
        bend = curvature[0] + (curvature[1] - curvature[0]) * north * north
        across_m, up_m = range_m * math.cos(elevation), range_m * math.sin(elevation)
        from_centre_m = 1.0 / bend + antenna_m + up_m
        target_m = math.hypot(across_m, from_centre_m) - 1.0 / bend
        ground_m = math.atan2(across_m, from_centre_m) / bend
        beam = (elevation / math.pi + 0.5) * (elevation_gain.shape[1] - 1)
        signal *= _between(elevation_gain, 0, beam)
        scanned = _between(azimuth_gain, 0, azimuth / (2.0 * math.pi) * (azimuth_gain.size - 1))
        signal *= scanned
        if gas_db_per_m.size > 2:
            loss_db = path_attenuation_db(
                range_m, antenna_m, target_m, gas_db_per_m, rain_db_per_m, rain_top_m
            )
            signal *= math.pow(10.0, -0.2 * loss_db)
        if bounces:
            bounce = _between(elevation_gain, 1, beam)
            if bounce > _FAINT or ground_m * ground_m > EFFECTIVE_EARTH_RADIUS_M * target_m:
                one_way = propagation_factor(
                    ground_m,
                    antenna_m,
                    max(target_m, 0.1),
                    wavelength_m,
                    permittivity,
                    vertical,
                    roughness_m,
                    1.0 / EFFECTIVE_EARTH_RADIUS_M,
                    bounce,
                )
                signal *= one_way * one_way

        # What competes with it, for each pulse rate.
        ground = _between(elevation_gain, 2, beam) * scanned
        wind_mps = -wind[0] * math.cos(azimuth - wind[1])
        seen, in_time = 0, 0
        for k in range(rates):
            fold = math.floor(range_m / unambiguous_m[k])
            shown_m = range_m - fold * unambiguous_m[k]
            heard = heard_share(shown_m, fold, unambiguous_m[k], pulse_m)
            power = signal * heard * heard / rates
            place = math.sqrt(shown_m / unambiguous_m[k]) * (surface.shape[1] - 1)
            still = _between(surface, k, place) * ground
            wet = _between(rain, k, place) * scanned
            turns = rate_mps * cycles_per_mps[k]
            blown = wind_mps * cycles_per_mps[k]
            own, other = _phase(turns, phases), _phase(turns - blown if bank else blown, phases)
            passed = _between(response, k, own)
            left = still * (_between(surface_left, k, own) if bank else surface_left[k, 0])
            left += wet * _between(rain_left, k, other)
            away = left  # what is left in filters far from where clutter is
            if bank:
                away = still * surface_left[k, phases // 2] + wet * rain_left[k, phases // 2]
            body = power * passed / (noise[row] + left)
            rotor = 0.0
            if turning > 0.0:
                share = rotor_share(tip_mps, filter_mps[k], cycles_per_mps[k], bank)
                rotor = power * turning * share / (noise[row] + away)
            found[row, 0] += max(body, rotor)
            # The same without jamming.
            body *= (noise[row] + left) / (1.0 + left)
            rotor *= (noise[row] + away) / (1.0 + away)
            found[row, 1] += max(body, rotor)
            found[row, 2] += power / (1.0 + away)
            found[row, 3] += power
            in_time += heard >= _HEARD
            seen += heard >= _HEARD and (passed >= _PASSED or rotor > body)
        found[row, 4] = signal
        if rates > 1 and range_m > nearest_m:
            if seen < 2:
                found[row, 0] = found[row, 1] = 0.0
            if in_time < 2:
                found[row, 2] = found[row, 3] = 0.0
    return found


@kernel()
def receive(
    position_enu_m: Floats,
    velocity_enu_mps: Floats,
    time_s: Floats,
    target: Ints,
    rcs_m2: Floats,
    noise: Floats,
    rcs_aspect: Floats,
    rotor_rcs: Floats,
    rotor_tip_mps: Floats,
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
    budget: Budget,
    resolution: Floats,
    look_gap_s: float,
) -> tuple[Floats, Floats, Ints, Floats]:
    """Return the echoes of looks (K,), those that share a resolution cell as one.

    Parameters
    ----------
    position_enu_m, velocity_enu_mps, time_s : of each look
    target ... rotor_tip_mps, snr_of_unit_echo, budget : as in ``strengths``
    origin_enu_m ... cell_m : as in ``sensors.kernels.locate``
    resolution, look_gap_s : as in ``sensors.resolution.shared_cells``

    Returns
    -------
    polar (G, 4), SNR per pulse (G,), the look (G,) with the strongest part of each echo, and
    the spread (G, 4) of its parts, 0 of one alone.
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
    strength = strengths(
        polar,
        velocity_enu_mps,
        target,
        rcs_m2,
        noise,
        reason,
        rcs_aspect,
        rotor_rcs,
        rotor_tip_mps,
        snr_of_unit_echo,
        budget,
    )
    look, look_s = np.empty(reason.size, np.int32), np.empty(reason.size)
    snr = np.empty(reason.size)
    size = 0
    for row in range(reason.size):
        if strength[row, 0] > 0.0:
            polar[size] = polar[row]
            snr[size] = strength[row, 0]
            look[size] = row
            look_s[size] = time_s[row]
            size += 1
    polar, snr, look = polar[:size], snr[:size], look[:size]
    group, groups = shared_cells(polar, look_s[:size], resolution, look_gap_s)
    if groups == size:
        return polar, snr, look, np.zeros((size, 4))
    polar, snr, strongest, spread = merge_echoes(polar, snr, group, groups)
    for row in range(groups):
        strongest[row] = look[strongest[row]]
    return polar, snr, strongest, spread


@kernel()
def grade(
    polar: Floats,
    strength: Floats,
    swerling: Bytes,
    resolution: Floats,
    pulses: int,
    threshold: float,
    shape: Floats,
    series: Floats,
    miss: Floats,
    code: Bytes,
) -> Floats:
    """Return the detection probability (N,) of targets, zero unless geometry shows them.

    ``code`` (N,) comes from ``sensors.kernels.locate``; here it takes in what makes an echo
    weak, and those that share a cell with a stronger one.

    Parameters
    ----------
    polar : (N, 4) exact place
    strength : (N, 5) from ``strengths``
    swerling : (N,) of each target
    resolution : (4,) as in ``sensors.resolution.shared_cells``
    pulses ... miss : as in ``sensors.dwells.pd_of_dwell``
    code : input and output
    """
    pd = np.zeros(code.size)
    for row in range(code.size):
        if code[row] != _VISIBLE:
            continue
        case = swerling[row]
        pd[row] = pd_of_dwell(strength[row, 0], case, pulses, threshold, shape, series, miss)
        if pd[row] >= 0.5:
            continue
        code[row] = _WEAK_ECHO
        for column in range(4, 0, -1):  # what would do if less stood against it
            enough = pd_of_dwell(
                strength[row, column], case, pulses, threshold, shape, series, miss
            )
            if enough < 0.5:
                break
            code[row] = _BLAMED[column - 1]
    shown = np.flatnonzero(code == _VISIBLE)
    group, groups = shared_cells(polar[shown], np.zeros(shown.size), resolution, np.inf)
    if groups < shown.size:
        _, _, strongest, _ = merge_echoes(polar[shown], strength[shown, 0], group, groups)
        code[shown] = _UNRESOLVED
        code[shown[strongest]] = _VISIBLE
    return pd
