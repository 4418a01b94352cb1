"""Deception: echoes of nobody, which a repeater on a target sends back to a radar.

A false echo is a look at a place where nobody is, with the radar cross section that would
echo as strongly: it shares cells, merges, is measured and missed as any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sensors.scanning import Looks
from sim.world.electronic_attack import Deception, FalseTargets
from sim.world.windows import is_on

if TYPE_CHECKING:
    from sensors.jamming import Receiver
    from sim.core.tables import Floats
    from sim.world.attackers import Attacker


@dataclass(frozen=True, slots=True)
class FalseEchoes:
    """Looks at places where nobody is.

    Attributes
    ----------
    looks : (K,) ``target`` is the carrier
    rcs_m2 : (K,) that would echo as strongly there
    """

    looks: Looks
    rcs_m2: Floats


def offsets_m(spec: Deception, time_s: Floats) -> tuple[Floats, Floats]:
    """Return how far behind its carrier each false echo is, and how fast it recedes from it.

    Returns
    -------
    (C, K) offset in range (m) and its rate (m/s) of C echoes at times (K,).
    """
    began = np.zeros(time_s.size)
    for start, end in spec.active_s:
        began = np.where((time_s >= start) & (time_s < end), start, began)
    since = time_s - began
    if isinstance(spec, FalseTargets):
        places = spec.spacing_m * np.arange(1.0, spec.count + 1.0)[:, None]
        offset = places - spec.closing_mps * since
        return offset, np.full(offset.shape, -spec.closing_mps)
    walked = since % (spec.dwell_s + spec.pull_s + spec.hold_s) - spec.dwell_s
    offset = spec.rate_mps * np.clip(walked, 0.0, spec.pull_s)
    walking = (walked > 0.0) & (walked < spec.pull_s)
    return offset[None], np.where(walking, spec.rate_mps, 0.0)[None]


def equivalent_rcs_m2(
    erp_w: float, losses: float, transmit_eirp_w: float, carrier_range_m: Floats, range_m: Floats
) -> Floats:
    """Return the radar cross section (K,) of a target that echoes as a repeater does.

    The repeater's signal, one way, is P / (4π R²) at the radar; that of an echo is
    Pt Gt σ / ((4π)² r⁴): equal for σ = 4π r⁴ P / (Pt Gt R²).

    Parameters
    ----------
    erp_w, losses : of the repeater, which is saturated: it always sends with full power
    transmit_eirp_w : Pt Gt of the radar
    carrier_range_m, range_m : (K,) R of the repeater and r of the false echo
    """
    power_w = erp_w / losses
    return 4.0 * np.pi * range_m**4 * power_w / (transmit_eirp_w * carrier_range_m**2)


def false_echoes(
    attackers: tuple[Attacker[Deception], ...],
    looks: Looks,
    receiver: Receiver,
    transmit_eirp_w: float,
) -> FalseEchoes:
    """Return the false echoes that looks at their carriers bring.

    The echo is as wide as a pulse and as coherent as a true one; it comes from the carrier's
    direction, with a range rate that fits the way its range changes.
    """
    parts: list[tuple[Looks, Floats]] = []
    for attacker in attackers:
        spec = attacker.spec
        if not receiver.hears(spec):
            continue
        rows = np.flatnonzero(
            (looks.target == attacker.carrier) & is_on(spec.active_s, looks.time_s)
        )
        way = looks.position_enu_m[rows] - receiver.sight.origin_enu_m
        carrier_m = np.linalg.norm(way, axis=1)
        for offset, rate in zip(*offsets_m(spec, looks.time_s[rows]), strict=True):
            # Before the radar there is no room for an echo; NaN is an absent carrier.
            there = np.flatnonzero(carrier_m + offset > 1.0)
            row, range_m = rows[there], (carrier_m + offset)[there]
            line = way[there] / carrier_m[there, None]
            echo = Looks(
                looks.time_s[row],
                looks.target[row],
                looks.due[row],
                receiver.sight.origin_enu_m + range_m[:, None] * line,
                looks.velocity_enu_mps[row] + rate[there, None] * line,
            )
            losses = 10.0 ** (spec.polarisation_loss_db / 10.0)
            rcs = equivalent_rcs_m2(spec.erp_w, losses, transmit_eirp_w, carrier_m[there], range_m)
            parts.append((echo, rcs))
    if not parts:
        return FalseEchoes(Looks.none(), np.empty(0))
    return FalseEchoes(
        Looks.concatenate([echo for echo, _ in parts]), np.concatenate([rcs for _, rcs in parts])
    )
