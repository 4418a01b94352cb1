"""The ballistic motion model: a falling body in gravity and air.

A state is position and velocity (scenario ENU) and the natural logarithm of the drag
parameter Cd·A/m (m²/kg).
"""

from __future__ import annotations

import math

from sim.core.gaussian import transform
from sim.core.geodesy import MEAN_EARTH_RADIUS_M
from sim.core.jit import kernel
from sim.core.tables import Floats

#: Gravitational parameter of the earth, m³/s² (WGS 84).
EARTH_MU = 3.986004418e14
#: One exponential atmosphere: at most 27 % below the standard one up to 30 km height, which
#: the drag parameter takes up.
AIR_DENSITY_KG_M3 = 1.225
SCALE_HEIGHT_M = 7200.0
_BALLISTIC_STEP_S = 1.0
_STAGE_REACH = (0.0, 0.5, 0.5, 1.0)
_STAGE_WEIGHT = (1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0)


@kernel(leaf=True)
def predict_ballistic(x: Floats, P: Floats, dt: float, parameters: Floats, work: Floats) -> None:
    """Runge–Kutta on the state and on its derivative by the start, in steps of a second."""
    steps = max(math.ceil(dt / _BALLISTIC_STEP_S), 1)
    h = dt / steps
    A, reached, rate, F, product = work[0:3], work[3:9], work[9:15], work[15:22], work[22:29]
    start, point, a = work[29], work[30], work[31]
    for _ in range(steps):
        for i in range(7):
            for j in range(7):
                F[i, j] = 1.0 if i == j else 0.0
                if i < 6:
                    rate[i, j] = 0.0
        _begin_step(x, start, point, a)
        for stage in range(4):
            reach, weight = h * _STAGE_REACH[stage], h * _STAGE_WEIGHT[stage]
            for i in range(6):
                for j in range(7):
                    reached[i, j] = reach * rate[i, j]
                reached[i, i] += 1.0
            _next_point(start, point, a, reach)
            _acceleration(point, a, A, True)
            for i in range(3):
                x[i] += weight * point[i + 3]
                x[i + 3] += weight * a[i]
                for j in range(7):
                    total = A[i, 6] if j == 6 else 0.0
                    for k in range(6):
                        total += A[i, k] * reached[k, j]
                    rate[i, j] = reached[i + 3, j]
                    rate[i + 3, j] = total
                    F[i, j] += weight * rate[i, j]
                    F[i + 3, j] += weight * total
        transform(P, F, 7, product)
        for i in range(3):
            q = parameters[1] if i == 2 else parameters[0]
            P[i, i] += q * h * h * h / 3.0
            P[i, i + 3] += q * h * h / 2.0
            P[i + 3, i] = P[i, i + 3]
            P[i + 3, i + 3] += q * h
        if h > 0.0:
            _add_drift_noise(P, F, parameters[2], h)


@kernel(leaf=True)
def fall(x: Floats, dt: float, work: Floats) -> None:
    """Move a ballistic state's mean by dt, in place; work (4, 9)."""
    steps = max(math.ceil(dt / _BALLISTIC_STEP_S), 1)
    h = dt / steps
    start, point, a = work[0], work[1], work[2]
    for _ in range(steps):
        _begin_step(x, start, point, a)
        for stage in range(4):
            _next_point(start, point, a, h * _STAGE_REACH[stage])
            _acceleration(point, a, work, False)
            for i in range(3):
                x[i] += h * _STAGE_WEIGHT[stage] * point[i + 3]
                x[i + 3] += h * _STAGE_WEIGHT[stage] * a[i]


@kernel(leaf=True)
def _acceleration(x: Floats, a: Floats, A: Floats, with_jacobian: bool) -> None:
    """Write gravity and drag (3,), and if asked their derivatives (3, 7) by the state.

    Gravity pulls to the centre of a sphere below the scenario's origin; the earth's
    rotation is left out. Li, Jilkov, Survey of Maneuvering Target Tracking, Part II: Motion
    Models of Ballistic and Space Targets, IEEE Trans. AES 46 (2010).
    """
    above = x[2] + MEAN_EARTH_RADIUS_M
    r2 = x[0] * x[0] + x[1] * x[1] + above * above
    r = math.sqrt(r2)
    pull = EARTH_MU / (r2 * r)
    speed = math.sqrt(x[3] * x[3] + x[4] * x[4] + x[5] * x[5])
    # Below the ground, where a wrong track may get to, the air grows no denser.
    height = max(r - MEAN_EARTH_RADIUS_M, 0.0)
    brake = 0.5 * AIR_DENSITY_KG_M3 * math.exp(x[6] - height / SCALE_HEIGHT_M)
    for i in range(3):
        place = above if i == 2 else x[i]
        a[i] = -pull * place - brake * speed * x[i + 3]
        if with_jacobian:
            A[i, 6] = -brake * speed * x[i + 3]
            for j in range(3):
                other = above if j == 2 else x[j]
                A[i, j] = 3.0 * pull * place * other / r2
                if height > 0.0:
                    A[i, j] += brake * speed * x[i + 3] * other / (r * SCALE_HEIGHT_M)
                A[i, j + 3] = -brake * x[i + 3] * x[j + 3] / max(speed, 1e-9)
            A[i, i] -= pull
            A[i, i + 3] -= brake * speed


@kernel(leaf=True)
def _begin_step(x: Floats, start: Floats, point: Floats, a: Floats) -> None:
    for i in range(7):
        start[i] = x[i]
        point[i] = x[i]
    for i in range(3):
        a[i] = 0.0


@kernel(leaf=True)
def _next_point(start: Floats, point: Floats, a: Floats, reach: float) -> None:
    """Go from the start along the slope at the stage before: its velocity and acceleration."""
    for i in range(3):
        point[i] = start[i] + reach * point[i + 3]
        point[i + 3] = start[i + 3] + reach * a[i]


@kernel(leaf=True)
def _add_drift_noise(P: Floats, F: Floats, q: float, h: float) -> None:
    """Add what a drift of component 6, of density q, does over a short step of matrix F."""
    for i in range(3):
        push = F[i + 3, 6] / h  # the mean acceleration per unit of component 6
        for j in range(3):
            both = q * h * h * (F[i + 3, 6] * F[j + 3, 6])
            P[i, j] += both * h * h / 20.0
            P[i, j + 3] += both * h / 8.0
            P[j + 3, i] = P[i, j + 3]
            P[i + 3, j + 3] += both / 3.0
        P[i, 6] += q * push * h * h * h / 6.0
        P[6, i] = P[i, 6]
        P[i + 3, 6] += q * push * h * h / 2.0
        P[6, i + 3] = P[i + 3, 6]
    P[6, 6] += q * h
