"""The coordinated-turn motion model: a horizontal circle at a turn rate that drifts.

A state is position and velocity (scenario ENU) and the turn rate (rad/s), clockwise seen
from above.
"""

from __future__ import annotations

import math

from sim.core.jit import kernel
from sim.core.tables import Floats

#: Components that a turn couples.
_TURNING = (0, 1, 3, 4, 6)
# Gauss and Legendre's four points on [0, 1].
_NODE = (0.06943184420297371, 0.33000947820757187, 0.6699905217924281, 0.9305681557970262)
_WEIGHT = (0.17392742256872692, 0.32607257743127307, 0.32607257743127307, 0.17392742256872692)


@kernel(leaf=True)
def _sinc(angle: float) -> float:
    """Return sin(angle)/angle."""
    if abs(angle) < 1e-4:
        return 1.0 - angle * angle / 6.0
    return math.sin(angle) / angle


@kernel(leaf=True)
def _sine_gap(angle: float) -> float:
    """Return (angle − sin(angle))/angle³."""
    if abs(angle) < 0.02:
        square = angle * angle
        return (1.0 - square / 20.0 * (1.0 - square / 42.0)) / 6.0
    return (angle - math.sin(angle)) / (angle * angle * angle)


@kernel(leaf=True)
def turn(x: Floats, dt: float) -> None:
    """Move a turning state's mean by dt, in place."""
    angle = x[6] * dt
    sine, cosine = math.sin(angle), math.cos(angle)
    half = _sinc(0.5 * angle)
    ahead, aside = dt * _sinc(angle), 0.5 * dt * angle * half * half
    east, north = x[3], x[4]
    x[0] += ahead * east + aside * north
    x[1] += ahead * north - aside * east
    x[2] += dt * x[5]
    x[3] = cosine * east + sine * north
    x[4] = cosine * north - sine * east


@kernel(leaf=True)
def predict_turn(x: Floats, P: Floats, dt: float, parameters: Floats, work: Floats) -> None:
    """Coordinated turn of unknown rate: Bar-Shalom, Li, Kirubarajan, 11.7.

    With z = v_e + i v_n the motion is dz/dt = −iωz + white noise; the integrals of its
    noise are closed. The drift of ω enters by the four-point rule, exact for ω → 0 and to
    a part in 10⁵ for turns of up to a radian.
    """
    angle = x[6] * dt
    sinc, gap, half = _sinc(angle), _sine_gap(angle), _sinc(0.5 * angle)
    half = 0.5 * half * half  # (1 − cos)/angle²
    sine, cosine = math.sin(angle), math.cos(angle)
    ahead, aside = dt * sinc, dt * angle * half
    ahead_by_rate, aside_by_rate = dt * dt * angle * (gap - half), dt * dt * (sinc - half)
    east, north = x[3], x[4]
    turn(x, dt)
    by_rate = work[1]
    by_rate[0] = ahead_by_rate * east + aside_by_rate * north
    by_rate[1] = ahead_by_rate * north - aside_by_rate * east
    by_rate[3] = dt * x[4]
    by_rate[4] = -dt * x[3]
    # F P Fᵀ: first the rows, then the columns; F differs from one in a few entries.
    for j in range(7):
        p3, p4, p6 = P[3, j], P[4, j], P[6, j]
        P[0, j] += ahead * p3 + aside * p4 + by_rate[0] * p6
        P[1, j] += ahead * p4 - aside * p3 + by_rate[1] * p6
        P[2, j] += dt * P[5, j]
        P[3, j] = cosine * p3 + sine * p4 + by_rate[3] * p6
        P[4, j] = cosine * p4 - sine * p3 + by_rate[4] * p6
    for i in range(7):
        p3, p4, p6 = P[i, 3], P[i, 4], P[i, 6]
        P[i, 0] += ahead * p3 + aside * p4 + by_rate[0] * p6
        P[i, 1] += ahead * p4 - aside * p3 + by_rate[1] * p6
        P[i, 2] += dt * P[i, 5]
        P[i, 3] = cosine * p3 + sine * p4 + by_rate[3] * p6
        P[i, 4] = cosine * p4 - sine * p3 + by_rate[4] * p6
    for i in range(7):
        for j in range(i):
            P[i, j] = P[j, i]
    q = parameters[0]
    for i in range(2):
        P[i, i] += 2.0 * q * dt * dt * dt * gap
        P[i, i + 3] += q * dt * dt * half
        P[i + 3, i] = P[i, i + 3]
        P[i + 3, i + 3] += q * dt
    P[0, 4] -= q * dt * dt * angle * gap
    P[4, 0] = P[0, 4]
    P[1, 3] += q * dt * dt * angle * gap
    P[3, 1] = P[1, 3]
    q = parameters[1]
    P[2, 2] += q * dt * dt * dt / 3.0
    P[2, 5] += q * dt * dt / 2.0
    P[5, 2] = P[2, 5]
    P[5, 5] += q * dt
    shift = work[0]  # of the end of the step, by a change of the rate so long before
    for k in range(4):
        before = _NODE[k] * dt
        angle = x[6] * before
        half = _sinc(0.5 * angle)
        along, across = before * before * angle * _sine_gap(angle), before * before * half * half
        shift[0] = along * x[3] + 0.5 * across * x[4]
        shift[1] = along * x[4] - 0.5 * across * x[3]
        shift[2] = before * x[4]
        shift[3] = -before * x[3]
        shift[4] = 1.0
        weight = parameters[2] * dt * _WEIGHT[k]
        for i in range(5):
            for j in range(i, 5):
                P[_TURNING[i], _TURNING[j]] += weight * shift[i] * shift[j]
                P[_TURNING[j], _TURNING[i]] = P[_TURNING[i], _TURNING[j]]
