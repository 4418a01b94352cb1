"""Layered defence where a formula tells the outcome: what simulations are judged by.

Shots are independent of each other. Sources: R. Soland, "Optimal terminal defense tactics when
several sequential engagements are possible", Operations Research 35, 1987 (shoot-look-shoot);
J. S. Przemieniecki, *Mathematical Methods in Defense Analyses*, AIAA 2000 (layers); A. K. Erlang,
1917, and V. B. Iversen, *Teletraffic Engineering and Network Planning*, 2015 (channels).
"""

from __future__ import annotations

import math
from collections.abc import Iterable


def salvo(kill_probability: float, shots: int) -> float:
    """Return the probability that at least one of several shots kills: 1 − (1 − p)^n."""
    return 1.0 - (1.0 - _share(kill_probability)) ** _count("shots", shots)


def shoot_look_shoot(kill_probability: float, looks: int) -> tuple[float, float]:
    """Return kill probability and expected shots, when misses are seen and shot at again.

    Parameters
    ----------
    kill_probability : of one shot
    looks : assessments after which another shot is possible: one shot more than looks

    Returns
    -------
    killed : 1 − q^(looks + 1), q = 1 − p
    shots : 1 + q + … + q^looks, as each miss but the last costs another
    """
    missed = 1.0 - _share(kill_probability)
    shots = _count("looks", looks) + 1
    return 1.0 - missed**shots, math.fsum(missed**k for k in range(shots))


def layered_leakage(kill_probabilities: Iterable[float]) -> float:
    """Return the share of threats that passes all layers: Π (1 − p)."""
    return math.prod(1.0 - _share(p) for p in kill_probabilities)


def no_leaker(leakage: float, threats: int) -> float:
    """Return the probability that none of so many threats leaks: (1 − leakage)^n."""
    return (1.0 - _share(leakage)) ** _count("threats", threats)


def erlang_b(offered: float, channels: int) -> float:
    """Return the share of threats that find all fire channels taken, and go on.

    Parameters
    ----------
    offered : rate of arrivals times the mean time that one holds a channel (erlang)
    channels : that serve one threat at a time

    Notes
    -----
    B(0) = 1, B(n) = A B(n − 1) / (n + A B(n − 1)): all terms are shares, nothing overflows.
    Arrivals are a Poisson process; only the mean of the holding time matters.
    """
    if not (offered >= 0.0 and math.isfinite(offered)):
        raise ValueError(f"offered is {offered}, expected 0 erlang or more")
    blocked = 1.0
    for n in range(1, _count("channels", channels) + 1):
        blocked = offered * blocked / (n + offered * blocked)
    return blocked


def engagement_opportunities(
    detection_m: float,
    threat_mps: float,
    interceptor_mps: float,
    reaction_s: float,
    assessment_s: float,
    inner_m: float,
    outer_m: float,
) -> tuple[float, ...]:
    """Return where one shot after the other meets a threat that comes straight in.

    Parameters
    ----------
    detection_m : range at which it is first seen
    threat_mps, interceptor_mps : constant speeds
    reaction_s : from the detection to the first shot
    assessment_s : from an intercept to the next shot, which needs no reaction again
    inner_m, outer_m : ranges between which intercepts are possible, both included

    Returns
    -------
    tuple
        Ranges of the intercepts (m), the first outermost; as many as there are opportunities.

    Notes
    -----
    Each shot is fired as soon as it may, but so late that it meets the threat no farther out
    than ``outer_m``. Fired at a threat at range R, it meets it at R u / (u + v), u the
    interceptor's speed and v the threat's.
    """
    for name, number in (
        ("detection_m", detection_m),
        ("threat_mps", threat_mps),
        ("interceptor_mps", interceptor_mps),
        ("inner_m", inner_m),
    ):
        if not (number > 0.0 and math.isfinite(number)):
            raise ValueError(f"{name} is {number}, expected a number above 0")
    if not outer_m >= inner_m:
        raise ValueError(f"outer_m is {outer_m}, expected inner_m ({inner_m}) or more")
    for name, number in (("reaction_s", reaction_s), ("assessment_s", assessment_s)):
        if not number >= 0.0:
            raise ValueError(f"{name} is {number}, expected 0 or more")
    share = interceptor_mps / (interceptor_mps + threat_mps)
    intercepts: list[float] = []
    threat_m = detection_m - threat_mps * reaction_s
    while (meets_m := min(threat_m * share, outer_m)) >= inner_m:
        intercepts.append(meets_m)
        threat_m = meets_m - threat_mps * assessment_s
    return tuple(intercepts)


def _share(probability: float) -> float:
    if not 0.0 <= probability <= 1.0:
        raise ValueError(f"{probability} is no probability, expected 0 to 1")
    return probability


def _count(name: str, number: int) -> int:
    if number < 0:
        raise ValueError(f"{name} is {number}, expected 0 or more")
    return number
