"""Plots that tell nothing of height: how they update a state, and what is guessed instead.

Range from one place fixes a target on a sphere. An extended or cubature filter linearises
that sphere anew at every look: the height's share in the range, which differs from look to
look, is taken for news of the height, and over minutes the filter becomes sure of a height that
nothing has measured.
"""

from __future__ import annotations

import math

from sim.core.geodesy import MEAN_EARTH_RADIUS_M
from sim.core.jit import kernel
from sim.core.measurement import measure
from sim.core.tables import Floats
from sim.core.update import cubature_update, extended_update, update_by_scalar

#: Close by, a guessed height would be steep, where few targets fly.
_ELEVATION_MAX_RAD = 0.25
#: Mean square of ½δ² for a standard normal δ.
_SQUARE_OF_HALF_SQUARE = 0.75


@kernel(leaf=True)
def guessed_height(
    range_m: float, sensor_height_m: float, height_m: float, sigma_m: float
) -> tuple[float, float]:
    """Return the height to assume above a sensor's horizontal plane, and its uncertainty.

    Parameters
    ----------
    range_m : slant range
    sensor_height_m : of the sensor, above the ellipsoid
    height_m, sigma_m : guess above the ellipsoid, where it is not steep
    """
    drop = range_m * range_m / (2.0 * MEAN_EARTH_RADIUS_M)
    limit = math.sin(_ELEVATION_MAX_RAD) * range_m
    height = max(-limit, min(limit, height_m - sensor_height_m - drop))
    return height, min(sigma_m, _ELEVATION_MAX_RAD * range_m)


@kernel(leaf=True)
def update_without_height(
    cubature: bool,
    kind: int,
    x: Floats,
    P: Floats,
    n: int,
    measured: Floats,
    sigma: Floats,
    origin: Floats,
    enu_R_sensor: Floats,
    other: Floats,
    height: float,
    height_sigma: float,
    climb_sigma: float,
    work: Floats,
) -> float:
    """Update by a plot without elevation, in place; height learns what is truly told of it.

    Parameters
    ----------
    cubature : by ``cubature_update`` instead of ``extended_update``
    kind … other, work : as they take them; the kind is polar or bistatic
    height, height_sigma : what is assumed of height above the sensor's plane, m
    climb_sigma : and of climb, about level flight over the round earth, m/s

    Returns
    -------
    float
        ln N(innovation; 0, S), as they do.

    Notes
    -----
    1. A height less certain than the assumption is brought back to it by a
       pseudo-measurement that leaves ``height_sigma``; so is the climb. Without that, both would
       spread without end.
    2. Let d be what one standard deviation of height does to the place. The range changes by
       its slope s along d, and by its bend b. Where the bend outweighs the slope the
       linearisation says nothing of height, and that share b²/(s² + b²) of the update of height and
       climb is taken back: the partial-update Schmidt–Kalman filter of K. Brink, J. Guidance,
       Control, and Dynamics 40(9), 2017; at 1 a considered parameter (S. F. Schmidt, 1966).
       Ranges from several places have slopes, and do tell of height.
    3. The bend is in no covariance, and it stays, so no number of looks averages it out.
       Along the range the covariance is kept at its second moment, ¾b² (second-order terms:
       Bar-Shalom, Li, Kirubarajan, Estimation with Applications to Tracking and Navigation,
       10.3.2).
    """
    parts = 3 if n == 9 else 2  # position, velocity and perhaps acceleration
    up = enu_R_sensor[:, 2]
    # The updates leave rows 34 to 39 alone.
    gradient, level = work[34], work[35]
    _hold(x, P, n, up, origin, 0, height, height_sigma, work)
    _hold(x, P, n, up, origin, 1, _level_climb(x, up, origin), climb_sigma, work)
    slope, bend = 0.0, 0.0
    if not math.isnan(measured[0]):
        slope, bend = _slope_and_bend(kind, x, P, origin, enu_R_sensor, other, work)
    square = slope * slope + bend * bend
    share = bend * bend / square if square > 0.0 else 0.0
    for k in range(parts):
        level[k] = _along(x[3 * k : 3 * k + 3], up)
        for c in range(parts):
            work[36 + k, c] = _spread(P, up, k, c)
    if cubature:
        log_likelihood = cubature_update(
            kind, x, P, n, measured, sigma, origin, enu_R_sensor, other, work
        )
    else:
        log_likelihood = extended_update(
            kind, x, P, n, measured, sigma, origin, enu_R_sensor, other, work
        )
    if share > 0.0:
        for k in range(parts):
            back = share * (level[k] - _along(x[3 * k : 3 * k + 3], up))
            for a in range(3):
                x[3 * k + a] += back * up[a]
            for c in range(parts):
                lost = share * share * (work[36 + k, c] - _spread(P, up, k, c))
                for a in range(3):
                    for b in range(3):
                        P[3 * k + a, 3 * c + b] += lost * up[a] * up[b]
        _floor(P, gradient, _SQUARE_OF_HALF_SQUARE * bend * bend)
    return log_likelihood


@kernel(leaf=True)
def _level_climb(x: Floats, up: Floats, origin: Floats) -> float:
    """Velocity along a sensor's vertical of a target that keeps its height above the earth."""
    total = 0.0
    for a in range(3):
        total += (x[a] - origin[a]) * x[a + 3]
    height, climb = _along(x[:3], up) - _along(origin, up), _along(x[3:6], up)
    return -(total - height * climb) / MEAN_EARTH_RADIUS_M


@kernel(leaf=True)
def _along(x: Floats, up: Floats) -> float:
    total: float = x[0] * up[0] + x[1] * up[1] + x[2] * up[2]
    return total


@kernel(leaf=True)
def _spread(P: Floats, up: Floats, k: int, c: int) -> float:
    """Covariance of the vertical components of parts k and c of the state."""
    total = 0.0
    for a in range(3):
        for b in range(3):
            total += up[a] * P[3 * k + a, 3 * c + b] * up[b]
    return total


@kernel(leaf=True)
def _hold(
    x: Floats,
    P: Floats,
    n: int,
    up: Floats,
    origin: Floats,
    k: int,
    expected: float,
    sigma: float,
    work: Floats,
) -> None:
    """Let the vertical component of part k be no less certain than ``sigma``."""
    variance, limit = _spread(P, up, k, k), sigma * sigma
    if variance <= limit * (1.0 + 1e-9):
        return
    h = work[34]
    for j in range(6):
        h[j] = up[j - 3 * k] if 3 * k <= j < 3 * k + 3 else 0.0
    level = _along(x[3 * k : 3 * k + 3], up)
    if k == 0:
        level -= _along(origin, up)
    noise = variance * limit / (variance - limit)
    update_by_scalar(x, P, n, h, expected - level, noise, work[35], work[36], work[37])


@kernel(leaf=True)
def _slope_and_bend(
    kind: int,
    x: Floats,
    P: Floats,
    origin: Floats,
    enu_R_sensor: Floats,
    other: Floats,
    work: Floats,
) -> tuple[float, float]:
    """What a standard deviation of height does to component 0: half the difference of up and
    down, and their mean's excess, doubled. Writes the gradient to row 34."""
    up = enu_R_sensor[:, 2]
    variance = _spread(P, up, 0, 0)
    if not variance > 0.0:
        return 0.0, 0.0
    H, gradient, point, predicted = work[0:4], work[34], work[35], work[36]
    measure(kind, x, origin, enu_R_sensor, other, predicted, H)
    here = predicted[0]
    for j in range(6):
        gradient[j] = H[0, j]
    slope, bend = 0.0, -2.0 * here
    for sign in (1.0, -1.0):
        for j in range(6):
            point[j] = x[j]
            if j < 3:
                point[j] += sign * _along(P[j, :3], up) / math.sqrt(variance)
        measure(kind, point, origin, enu_R_sensor, other, predicted, H)
        slope += 0.5 * sign * predicted[0]
        bend += predicted[0]
    return slope, bend


@kernel(leaf=True)
def _floor(P: Floats, gradient: Floats, least: float) -> None:
    """Let the variance along a gradient by the place be no less than ``least``."""
    variance, square = 0.0, 0.0
    for a in range(3):
        square += gradient[a] * gradient[a]
        for b in range(3):
            variance += gradient[a] * P[a, b] * gradient[b]
    if variance < least:
        lift = (least - variance) / (square * square)
        for a in range(3):
            for b in range(3):
                P[a, b] += lift * gradient[a] * gradient[b]
