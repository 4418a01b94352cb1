"""Motion models: how a state moves between plots.

A state begins with position and velocity (scenario ENU, m and m/s); behind them stand
the components that its model adds:

==================  ==  ====================================================================
constant velocity    6  –
acceleration         9  acceleration e, n, u (m/s²)
Singer               9  acceleration e, n, u (m/s²), fading with a time constant
coordinated turn     7  turn rate (rad/s), clockwise seen from above
ballistic            7  natural logarithm of the drag parameter Cd·A/m (m²/kg)
==================  ==  ====================================================================

Each model has four numbers ``parameters``; white noise is given by its spectral density,
horizontal (east and north alike) and vertical:

- constant velocity: acceleration q_h, q_v (m²/s³);
- acceleration: jerk q_h, q_v (m²/s⁵);
- Singer: rms acceleration σ_h, σ_v (m/s²), time constant (s);
- coordinated turn: acceleration q_h, q_v (m²/s³), of the turn rate's drift (rad²/s³);
- ballistic: acceleration q_h, q_v (m²/s³), of the drag logarithm's drift (1/s).

The transition and its noise are the exact solution of the linearised motion, so that two
steps are the same as one step of their sum; the ballistic model is integrated by
Runge–Kutta's fourth-order method (``sim.core.ballistic_motion``).
"""

from __future__ import annotations

import math
from enum import IntEnum

from sim.core.ballistic_motion import fall, predict_ballistic
from sim.core.gaussian import cholesky
from sim.core.jit import kernel
from sim.core.tables import Floats


class Motion(IntEnum):
    """Which model moves a state."""

    CONSTANT_VELOCITY = 0
    CONSTANT_ACCELERATION = 1
    SINGER = 2
    COORDINATED_TURN = 3
    BALLISTIC = 4


#: Components of a state, by ``Motion``.
DIMENSION = (6, 9, 9, 7, 7)

#: What is believed of a newborn track before its second plot (standard deviations).
START_ACCELERATION_SIGMA_MPS2 = 10.0
START_TURN_RATE_SIGMA_RAD_S = 0.1
#: A ballistic coefficient m/(Cd·A) of 5 t/m², give or take a factor of e.
START_DRAG_M2_KG = 2e-4
START_DRAG_LOGARITHM_SIGMA = 1.0

_CONSTANT_ACCELERATION = int(Motion.CONSTANT_ACCELERATION)
_SINGER = int(Motion.SINGER)
_COORDINATED_TURN = int(Motion.COORDINATED_TURN)
_TURNING = (0, 1, 3, 4, 6)
# Gauss and Legendre's four points on [0, 1].
_NODE = (0.06943184420297371, 0.33000947820757187, 0.6699905217924281, 0.9305681557970262)
_WEIGHT = (0.17392742256872692, 0.32607257743127307, 0.32607257743127307, 0.17392742256872692)


@kernel(leaf=True)
def predict(kind: int, parameters: Floats, x: Floats, P: Floats, dt: float, work: Floats) -> None:
    """Move a state by dt, in place: the mean by the model, the covariance linearised.

    Parameters
    ----------
    kind : a ``Motion``
    parameters : (4,) of the model
    x, P : mean and covariance, n = ``DIMENSION[kind]`` or larger
    dt : s, not negative
    work : (40, 9) scratch
    """
    if kind == 0:
        predict_constant_velocity(x, P, dt, parameters[0], parameters[1])
    elif kind == _CONSTANT_ACCELERATION:
        _predict_constant_acceleration(x, P, dt, parameters)
    elif kind == _SINGER:
        _predict_singer(x, P, dt, parameters)
    elif kind == _COORDINATED_TURN:
        _predict_turn(x, P, dt, parameters, work)
    else:
        predict_ballistic(x, P, dt, parameters, work)


@kernel(leaf=True)
def predict_cubature(
    kind: int, parameters: Floats, x: Floats, P: Floats, dt: float, work: Floats
) -> None:
    """Move a state by dt as ``predict``, but carry its spread through the motion by points.

    Linear models are the same in both. A covariance that is not positive definite is
    predicted by ``predict``.

    Notes
    -----
    Third-degree spherical-radial rule: Arasaratnam, Haykin, Cubature Kalman Filters, IEEE
    Trans. Automatic Control 54 (2009), section IV. The noise is that of ``predict``.
    """
    n = DIMENSION[kind]
    L = work[33:40]
    if kind < _COORDINATED_TURN or not cholesky(P, n, L):
        predict(kind, parameters, x, P, dt, work)
        return
    prior = work[32]
    for i in range(n):
        prior[i] = x[i]
        for j in range(n):
            P[i, j] = 0.0
    predict(kind, parameters, x, P, dt, work)  # of a point without spread: the noise alone
    reach = math.sqrt(n)
    for i in range(n):
        x[i] = 0.0
    for k in range(2 * n):
        point = work[k]
        for i in range(n):
            point[i] = prior[i] + (reach if k % 2 == 0 else -reach) * L[i, k // 2]
        if kind == _COORDINATED_TURN:
            _turn(point, dt)
        else:
            fall(point, dt, work[14:18])
        for i in range(n):
            x[i] += point[i] / (2 * n)
    for i in range(n):
        for j in range(i, n):
            total = 0.0
            for k in range(2 * n):
                total += (work[k, i] - x[i]) * (work[k, j] - x[j])
            P[i, j] += total / (2 * n)
            P[j, i] = P[i, j]


@kernel(leaf=True)
def initial_extra(kind: int, parameters: Floats, x: Floats, P: Floats) -> None:
    """Set what stands behind the velocity of a newborn track, in place.

    Uncorrelated with position and velocity. Acceleration: 0, or at rest for Singer with
    the model's own rms value; turn rate: 0; drag: ``START_DRAG_M2_KG``; spreads as the
    ``START_…`` values above.
    """
    for i in range(6, DIMENSION[kind]):
        for j in range(i):
            P[i, j] = 0.0
            P[j, i] = 0.0
        x[i] = 0.0
        if kind == _CONSTANT_ACCELERATION:
            P[i, i] = START_ACCELERATION_SIGMA_MPS2**2
        elif kind == _SINGER:
            P[i, i] = parameters[1 if i == 8 else 0] ** 2
        elif kind == _COORDINATED_TURN:
            P[i, i] = START_TURN_RATE_SIGMA_RAD_S**2
        else:
            x[i] = math.log(START_DRAG_M2_KG)
            P[i, i] = START_DRAG_LOGARITHM_SIGMA**2


@kernel(leaf=True)
def predict_constant_velocity(
    x: Floats, P: Floats, dt: float, q_horizontal: float, q_vertical: float
) -> None:
    """Move a full state by dt under nearly constant velocity, in place.

    Parameters
    ----------
    x, P : (6,) mean and (6, 6) covariance, changed in place
    dt : s, not negative
    q_horizontal, q_vertical : spectral density of the white-noise acceleration along
        east and north, and along up, m²/s³

    Notes
    -----
    Continuous white-noise acceleration: Bar-Shalom, Li, Kirubarajan, Estimation with
    Applications to Tracking and Navigation, 6.2.2.
    """
    for i in range(3):
        x[i] += dt * x[i + 3]
    for i in range(3):
        for j in range(i, 3):
            P[i, j] += dt * (P[i, j + 3] + P[j, i + 3] + dt * P[i + 3, j + 3])
            P[j, i] = P[i, j]
    for i in range(3):
        for j in range(3):
            P[i, j + 3] += dt * P[i + 3, j + 3]
            P[j + 3, i] = P[i, j + 3]
    for i in range(3):
        q = q_vertical if i == 2 else q_horizontal
        P[i, i] += q * dt * dt * dt / 3.0
        P[i, i + 3] += q * dt * dt / 2.0
        P[i + 3, i] = P[i, i + 3]
        P[i + 3, i + 3] += q * dt


@kernel(leaf=True)
def _predict_constant_acceleration(x: Floats, P: Floats, dt: float, parameters: Floats) -> None:
    """White-noise jerk: Bar-Shalom, Li, Kirubarajan, 6.2.3."""
    _accelerate(x, P, dt, 0.5 * dt * dt, dt, 1.0)
    d2 = dt * dt
    for i in range(3):
        q = parameters[1] if i == 2 else parameters[0]
        _add_axis_noise(
            P,
            i,
            q * dt * d2 * d2 / 20.0,
            q * d2 * d2 / 8.0,
            q * dt * d2 / 6.0,
            q * dt * d2 / 3.0,
            q * d2 / 2.0,
            q * dt,
        )


@kernel(leaf=True)
def _predict_singer(x: Floats, P: Floats, dt: float, parameters: Floats) -> None:
    """Acceleration as a first-order Gauss–Markov process.

    Singer, Estimating Optimal Tracking Filter Performance for Manned Maneuvering Targets,
    IEEE Trans. AES-6 (1970). The noise is q ∫ g gᵀ over g = (position, velocity,
    acceleration) after a unit of acceleration; as each is the next one's integral, four
    of the six integrals follow from g itself. The other two, and the position, would lose
    all digits for steps short against the time constant, and are summed as series there.
    """
    tau = parameters[2]
    t = dt / tau
    aa = math.exp(-t)
    va = -math.expm1(-t) * tau
    if t < 1.0:
        pa, vv, pp = 0.0, 0.0, 0.0
        power, factorial, two = 1.0, 2.0, 4.0  # (−t)^m, (m + 2)!, 2^(m + 2)
        for m in range(20):
            pa += power / factorial
            vv += power * (two - 2.0) / (factorial * (m + 3))
            pp += power * (4.0 * two - 2.0 * m - 10.0) / (factorial * (m + 3) * (m + 4) * (m + 5))
            power *= -t
            factorial *= m + 3
            two *= 2.0
        pa *= dt * dt
        vv *= dt * dt * dt
        pp *= dt * dt * dt * dt * dt
    else:
        pa = tau * (dt - va)
        vv = tau * (pa - 0.5 * va * va)
        # ∫ s·g_position ds, with g_position = τ (s − τ (1 − exp(−s/τ))).
        moment = tau * (dt**3 / 3.0 - 0.5 * tau * dt * dt + tau * tau * (va - dt * aa))
        pp = tau * (moment - 0.5 * pa * pa)
    _accelerate(x, P, dt, pa, va, aa)
    for i in range(3):
        sigma = parameters[1] if i == 2 else parameters[0]
        q = 2.0 * sigma * sigma / tau
        _add_axis_noise(
            P,
            i,
            q * pp,
            q * 0.5 * pa * pa,
            q * (pa * va - vv),
            q * vv,
            q * 0.5 * va * va,
            -0.5 * q * tau * math.expm1(-2.0 * t),
        )


@kernel(leaf=True)
def _accelerate(x: Floats, P: Floats, dt: float, pa: float, va: float, aa: float) -> None:
    """Apply p += dt·v + pa·a, v += va·a, a *= aa on each axis, to mean and covariance."""
    for i in range(3):
        x[i] += dt * x[i + 3] + pa * x[i + 6]
        x[i + 3] += va * x[i + 6]
        x[i + 6] *= aa
    for i in range(3):
        for j in range(i, 3):
            P[i, j] += (
                dt * (P[i, j + 3] + P[j, i + 3] + dt * P[i + 3, j + 3])
                + pa * (P[i, j + 6] + P[j, i + 6] + pa * P[i + 6, j + 6])
                + pa * dt * (P[i + 3, j + 6] + P[j + 3, i + 6])
            )
            P[j, i] = P[i, j]
    for i in range(3):
        for j in range(3):
            to_acceleration = P[i, j + 6] + dt * P[i + 3, j + 6] + pa * P[i + 6, j + 6]
            P[i, j + 3] += dt * P[i + 3, j + 3] + pa * P[j + 3, i + 6] + va * to_acceleration
            P[i, j + 6] = aa * to_acceleration
            P[j + 3, i] = P[i, j + 3]
            P[j + 6, i] = P[i, j + 6]
    for i in range(3):
        for j in range(i, 3):
            P[i + 3, j + 3] += va * (P[i + 3, j + 6] + P[j + 3, i + 6] + va * P[i + 6, j + 6])
            P[j + 3, i + 3] = P[i + 3, j + 3]
    for i in range(3):
        for j in range(3):
            P[i + 3, j + 6] = aa * (P[i + 3, j + 6] + va * P[i + 6, j + 6])
            P[j + 6, i + 3] = P[i + 3, j + 6]
    for i in range(6, 9):
        for j in range(6, 9):
            P[i, j] *= aa * aa


@kernel(leaf=True)
def _add_axis_noise(
    P: Floats, i: int, pp: float, pv: float, pa: float, vv: float, va: float, aa: float
) -> None:
    P[i, i] += pp
    P[i, i + 3] += pv
    P[i + 3, i] = P[i, i + 3]
    P[i, i + 6] += pa
    P[i + 6, i] = P[i, i + 6]
    P[i + 3, i + 3] += vv
    P[i + 3, i + 6] += va
    P[i + 6, i + 3] = P[i + 3, i + 6]
    P[i + 6, i + 6] += aa


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
def _turn(x: Floats, dt: float) -> None:
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
def _predict_turn(x: Floats, P: Floats, dt: float, parameters: Floats, work: Floats) -> None:
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
    _turn(x, dt)
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
