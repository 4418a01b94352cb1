"""Satellite navigation under attack: where receivers lose it, and where they are led astray.

Used for what targets report of themselves. ``docs/electronic-warfare.md`` holds the formulas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from sensors.detection import SPEED_OF_LIGHT_MPS
from sensors.line_of_sight import clears_the_earth
from sim.world.windows import is_on

if TYPE_CHECKING:
    from sim.core.tables import Floats, Ints
    from sim.world.attackers import Attacker
    from sim.world.electronic_attack import GnssAttack
    from sim.world.surroundings import Surroundings
    from sim.world.truth import Targets

#: GPS L1 C/A: the weakest signal promised at the ground (IS-GPS-200), and its code's rate.
FREQUENCY_HZ = 1575.42e6
SIGNAL_DBW = -158.5
CHIP_RATE_HZ = 1.023e6
#: Without jamming, and where a common receiver loses lock (Kaplan and Hegarty, chapter 6).
CARRIER_TO_NOISE_DB_HZ = 44.0
LOCK_DB_HZ = 28.0
#: Quality factor of noise as wide as the code, from the same chapter.
MATCHED_NOISE = 1.5
#: Of an antenna on an aircraft towards the ground and the horizon: assumed; sweep -10 to 0.
ANTENNA_DBI = -5.0
#: How much stronger a false signal must be to take over: assumed; sweep 0 to 10.
CAPTURE_DB = 3.0


def free_space_loss_db(range_m: ArrayLike, frequency_hz: float) -> Floats:
    """Return 20 log₁₀ (4π R / λ) (Recommendation ITU-R P.525)."""
    turns = np.asarray(range_m, float) * frequency_hz / SPEED_OF_LIGHT_MPS
    loss: Floats = 20.0 * np.log10(4.0 * np.pi * turns)
    return loss


def tolerable_jam_to_signal_db(
    carrier_to_noise_db_hz: float = CARRIER_TO_NOISE_DB_HZ,
    lock_db_hz: float = LOCK_DB_HZ,
    quality: float = MATCHED_NOISE,
) -> float:
    """Return the J/S at which a receiver loses lock.

    J/S = Q Rc (1 / c_lock - 1 / c), c the carrier over the noise density without jamming and
    at the loss of lock, Rc the code's rate (Kaplan and Hegarty, Understanding GPS, chapter 6).
    """
    spare = 10.0 ** (-lock_db_hz / 10.0) - 10.0 ** (-carrier_to_noise_db_hz / 10.0)
    return float(10.0 * np.log10(quality * CHIP_RATE_HZ * spare))


def reach_m(erp_w: float, jam_to_signal_db: float) -> float:
    """Return the range within which a transmitter exceeds the satellites by so much."""
    spare_db = 10.0 * np.log10(erp_w) + ANTENNA_DBI - SIGNAL_DBW - jam_to_signal_db
    wavelength_m = SPEED_OF_LIGHT_MPS / FREQUENCY_HZ
    return float(wavelength_m / (4.0 * np.pi) * 10.0 ** (spare_db / 20.0))


def spoofed_position(position_enu_m: Floats, time_s: Floats, spec: GnssAttack) -> Floats:
    """Return where receivers (K, 3) that a spoofer leads believe to be at times (K,).

    In each window off by ``offset_m`` from its start on, and by ``drift_mps`` more and more;
    outside the windows where they are.
    """
    windows = spec.active_s or ((0.0, np.inf),)
    astray = np.zeros(np.shape(position_enu_m))
    for start, end in windows:
        led = ((time_s >= start) & (time_s < end))[:, None]
        grown = (time_s - start)[:, None] * np.array(spec.drift_mps)
        astray = np.where(led, np.array(spec.offset_m) + grown, astray)
    return position_enu_m + astray


def reported_position(
    position_enu_m: Floats,
    time_s: Floats,
    row: Ints,
    targets: Targets,
    surroundings: Surroundings,
) -> Floats:
    """Return what receivers believe of their place under all attacks on satellite navigation.

    Parameters
    ----------
    position_enu_m, time_s, row : (K, 3), (K,), (K,) where each receiver is, when, and on which
        target: none suffers from what it carries itself

    Returns
    -------
    (K, 3), NaN where navigation is denied. A jammer outdoes a spoofer; of several spoofers,
    the strongest leads.
    """
    believed, denied = np.array(position_enu_m), np.zeros(time_s.size, bool)
    strongest_db = np.full(time_s.size, CAPTURE_DB)
    for attacker in targets.attackers.gnss:
        ratio_db = _jam_to_signal_db(attacker, position_enu_m, time_s, targets, surroundings)
        ratio_db = np.where(row == attacker.carrier, -np.inf, ratio_db)
        if attacker.spec.kind == "jammer":
            denied |= ratio_db > tolerable_jam_to_signal_db()
            continue
        led = ratio_db > strongest_db
        believed[led] = spoofed_position(position_enu_m[led], time_s[led], attacker.spec)
        strongest_db[led] = ratio_db[led]
    believed[denied] = np.nan
    return believed


def _jam_to_signal_db(
    attacker: Attacker[GnssAttack],
    position_enu_m: Floats,
    time_s: Floats,
    targets: Targets,
    surroundings: Surroundings,
) -> Floats:
    """Return J/S (K,) of one attacker; minus infinity where off, absent or below the horizon."""
    there, _ = attacker.at(targets, time_s)
    radiating = is_on(attacker.spec.active_s, time_s) & ~np.isnan(there[:, 0])
    ratio_db = np.full(time_s.size, -np.inf)
    here, there = position_enu_m[radiating], there[radiating]
    range_m = np.maximum(np.linalg.norm(there - here, axis=1), 1.0)
    received_db = 10.0 * np.log10(attacker.spec.erp_w) - free_space_loss_db(range_m, FREQUENCY_HZ)
    in_sight = clears_the_earth(here, there, surroundings)
    ratio_db[radiating] = np.where(in_sight, received_db + ANTENNA_DBI - SIGNAL_DBW, -np.inf)
    return ratio_db
