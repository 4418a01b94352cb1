"""Links under jamming: when noise at the receiving end lets nothing through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensors.line_of_sight import clears_the_earth
from sim.world.windows import is_on

if TYPE_CHECKING:
    from sim.core.tables import Bools, Floats
    from sim.scenario.sites import LinkRadio
    from sim.world.attackers import Attacker
    from sim.world.electronic_attack import NoiseJammer
    from sim.world.surroundings import Surroundings
    from sim.world.truth import Targets


def jam_to_signal(
    radio: LinkRadio,
    receiver_enu_m: Floats,
    attacker: Attacker[NoiseJammer],
    targets: Targets,
    time_s: Floats,
    surroundings: Surroundings,
) -> Floats:
    """Return J/S (K,), linear, of one jammer at a link's receiver at times (K,).

    J/S = (ERPj s Rs² / (ERPs Rj² L)) g, both ways in free space: s = min(1, B / Bj) the share
    of the noise that falls into the link's bandwidth, g the receiving antenna's gain towards
    the jammer over that towards the sender, L the loss by polarisation (Adamy, EW 101).
    """
    spec, ratio = attacker.spec, np.zeros(time_s.size)
    frequency_hz, bandwidth_hz = radio.frequency_ghz * 1e9, radio.bandwidth_mhz * 1e6
    if not any(low <= frequency_hz <= high for low, high in spec.bands_hz):
        return ratio
    place, _ = attacker.at(targets, time_s)
    on = np.flatnonzero(is_on(spec.active_s, time_s) & ~np.isnan(place[:, 0]))
    here, there = np.broadcast_to(receiver_enu_m, (on.size, 3)), place[on]
    range_m = np.maximum(np.linalg.norm(there - here, axis=1), 1.0)
    share = min(1.0, bandwidth_hz / spec.bandwidth_hz)
    gain = 10.0 ** ((radio.off_axis_db - spec.polarisation_loss_db - radio.erp_dbw) / 10.0)
    received = spec.erp_w * share * gain * (radio.length_km * 1e3 / range_m) ** 2
    ratio[on] = np.where(clears_the_earth(here, there, surroundings), received, 0.0)
    return ratio


def jammed_windows(
    radio: LinkRadio,
    receiver_enu_m: Floats,
    targets: Targets,
    surroundings: Surroundings,
    duration_s: float,
    step_s: float,
) -> tuple[tuple[float, float], ...]:
    """Return the windows of time in which the noise of all jammers drowns a link.

    It is looked at every ``step_s``, and what is found holds until the next time.
    """
    time_s = step_s * np.arange(np.ceil(duration_s / step_s) + 1.0)
    total = np.zeros(time_s.size)
    for attacker in targets.attackers.noise:
        total += jam_to_signal(radio, receiver_enu_m, attacker, targets, time_s, surroundings)
    drowned = total > 10.0 ** (radio.jam_to_signal_max_db / 10.0)
    return _windows(drowned, time_s, step_s)


def _windows(drowned: Bools, time_s: Floats, step_s: float) -> tuple[tuple[float, float], ...]:
    """Return from and to of each run of True."""
    edges = np.diff(np.concatenate([[False], drowned, [False]]).astype(np.int8))
    first, after = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return tuple(
        (float(time_s[a]), float(time_s[b - 1] + step_s)) for a, b in zip(first, after, strict=True)
    )
