"""What sensors measure of a state, and its derivatives.

A measurement has up to four components, each NaN where it was not measured; what they
are tells its ``Measured`` kind. Their errors are independent.
"""

from __future__ import annotations

import math

from sim.core.jit import kernel
from sim.core.tables import Floats, Measured

SPEED_OF_LIGHT_MPS = 299_792_458.0

_POLAR = int(Measured.POLAR)
_POSITION = int(Measured.POSITION)
_BISTATIC = int(Measured.BISTATIC)


@kernel(leaf=True)
def wrap_angle(angle: float) -> float:
    """Return the angle in [−π, π)."""
    return angle - 2.0 * math.pi * math.floor((angle + math.pi) / (2.0 * math.pi))


@kernel(leaf=True)
def polar(x: Floats, origin: Floats, enu_R_sensor: Floats, predicted: Floats, H: Floats) -> None:
    """Predict range, azimuth, elevation and range rate of a state, and their Jacobian.

    Parameters
    ----------
    x : (6,) position and velocity, scenario ENU
    origin : (3,) the sensor's place, scenario ENU
    enu_R_sensor : (3, 3) columns are the sensor's own east, north, up
    predicted : (4,) written: slant range, azimuth (clockwise from north), elevation,
        range rate (positive when opening)
    H : (4, 6) written: derivatives of ``predicted`` by x

    Notes
    -----
    Straight overhead the azimuth is undefined: the horizontal distance is kept at a
    millimetre or more, and its derivative stays finite.
    """
    d0 = x[0] - origin[0]
    d1 = x[1] - origin[1]
    d2 = x[2] - origin[2]
    e = enu_R_sensor[0, 0] * d0 + enu_R_sensor[1, 0] * d1 + enu_R_sensor[2, 0] * d2
    n = enu_R_sensor[0, 1] * d0 + enu_R_sensor[1, 1] * d1 + enu_R_sensor[2, 1] * d2
    u = enu_R_sensor[0, 2] * d0 + enu_R_sensor[1, 2] * d1 + enu_R_sensor[2, 2] * d2
    horizontal = max(math.sqrt(e * e + n * n), 1e-3)
    r = max(math.sqrt(horizontal * horizontal + u * u), 1e-3)
    rate = (d0 * x[3] + d1 * x[4] + d2 * x[5]) / r
    predicted[0] = r
    predicted[1] = math.atan2(e, n)
    predicted[2] = math.atan2(u, horizontal)
    predicted[3] = rate
    azimuth_e = n / (horizontal * horizontal)
    azimuth_n = -e / (horizontal * horizontal)
    elevation_e = -e * u / (r * r * horizontal)
    elevation_n = -n * u / (r * r * horizontal)
    elevation_u = horizontal / (r * r)
    for j in range(3):
        toward = (d0 if j == 0 else d1 if j == 1 else d2) / r
        H[0, j] = toward
        H[1, j] = enu_R_sensor[j, 0] * azimuth_e + enu_R_sensor[j, 1] * azimuth_n
        H[2, j] = (
            enu_R_sensor[j, 0] * elevation_e
            + enu_R_sensor[j, 1] * elevation_n
            + enu_R_sensor[j, 2] * elevation_u
        )
        H[3, j] = (x[j + 3] - rate * toward) / r
        H[0, j + 3] = 0.0
        H[1, j + 3] = 0.0
        H[2, j + 3] = 0.0
        H[3, j + 3] = toward


@kernel(leaf=True)
def measure(
    kind: int,
    x: Floats,
    origin: Floats,
    enu_R_sensor: Floats,
    other: Floats,
    predicted: Floats,
    H: Floats,
) -> None:
    """Predict the measurement of a state, and its Jacobian.

    Parameters
    ----------
    kind : a ``Measured``
    x : (6 or more,) position and velocity first, scenario ENU
    origin : (3,) the sensor's place, scenario ENU
    enu_R_sensor : (3, 3) columns are the sensor's own east, north, up
    other : (3,) the transmitter or the second receiver, scenario ENU; else not read
    predicted : (4,) written; 0 for a component that the kind has not
    H : (4, 6 or more) its first six columns are written: derivatives by x
    """
    if kind == _POLAR:
        polar(x, origin, enu_R_sensor, predicted, H)
    elif kind == _POSITION:
        for a in range(4):
            predicted[a] = 0.0
            for j in range(6):
                H[a, j] = 0.0
        for a in range(3):
            for j in range(3):
                H[a, j] = enu_R_sensor[j, a]
                predicted[a] += enu_R_sensor[j, a] * (x[j] - origin[j])
    elif kind == _BISTATIC:
        polar(x, origin, enu_R_sensor, predicted, H)
        _add_distance(x, other, 1.0, predicted, H)
        predicted[0] -= math.sqrt(
            (other[0] - origin[0]) ** 2 + (other[1] - origin[1]) ** 2 + (other[2] - origin[2]) ** 2
        )
    else:
        for a in range(4):
            predicted[a] = 0.0
            for j in range(6):
                H[a, j] = 0.0
        _add_distance(x, origin, 1.0, predicted, H)
        _add_distance(x, other, -1.0, predicted, H)
        predicted[0] /= SPEED_OF_LIGHT_MPS
        predicted[3] = 0.0
        for j in range(3):
            H[0, j] /= SPEED_OF_LIGHT_MPS
            H[3, j] = 0.0
            H[3, j + 3] = 0.0


@kernel(leaf=True)
def _add_distance(x: Floats, place: Floats, sign: float, predicted: Floats, H: Floats) -> None:
    """Add a distance to component 0 and its rate to component 3, with derivatives."""
    d0 = x[0] - place[0]
    d1 = x[1] - place[1]
    d2 = x[2] - place[2]
    r = max(math.sqrt(d0 * d0 + d1 * d1 + d2 * d2), 1e-3)
    rate = (d0 * x[3] + d1 * x[4] + d2 * x[5]) / r
    predicted[0] += sign * r
    predicted[3] += sign * rate
    for j in range(3):
        toward = (x[j] - place[j]) / r
        H[0, j] += sign * toward
        H[3, j] += sign * (x[j + 3] - rate * toward) / r
        H[3, j + 3] += sign * toward


@kernel(leaf=True)
def innovate(kind: int, measured: Floats, predicted: Floats, innovation: Floats) -> None:
    """Write measured minus predicted (4,), azimuths wrapped; NaN where not measured."""
    for a in range(4):
        innovation[a] = measured[a] - predicted[a]
    if kind in (_POLAR, _BISTATIC) and not math.isnan(innovation[1]):
        innovation[1] = wrap_angle(innovation[1])


@kernel(leaf=True)
def unresolved(kind: int, mine: Floats, its: Floats, resolution: Floats) -> bool:
    """Tell whether a sensor cannot tell two measurements (4,) apart.

    They are then nearer than each ``resolution`` (4,) that is not 0; a sensor without any
    resolves everything.
    """
    limited = False
    for a in range(4):
        if not resolution[a] > 0.0:
            continue
        limited = True
        apart = mine[a] - its[a]
        if a == 1 and kind in (_POLAR, _BISTATIC):
            apart = wrap_angle(apart)
        if not abs(apart) < resolution[a]:
            return False
    return limited


@kernel(leaf=True)
def to_position(
    kind: int,
    measured: Floats,
    sigma: Floats,
    origin: Floats,
    enu_R_sensor: Floats,
    position: Floats,
    noise: Floats,
) -> bool:
    """Convert a measurement that fixes a position on its own.

    Parameters
    ----------
    kind : ``Measured.POLAR`` with range, azimuth and elevation, or ``Measured.POSITION``
    measured, sigma : (4,)
    origin, enu_R_sensor : the sensor's place and axes
    position : (3,) written, scenario ENU, m
    noise : (6,) written: its covariance, upper triangle, scenario ENU, m²

    Returns
    -------
    bool
        False, with nothing written, for another kind or where a component is missing.

    Notes
    -----
    First order, not debiased: a converted position lies r·σ²/2 too close for each angle's
    σ. That hurts where r·σ² / σ_range exceeds 0.4 (Lerro, Bar-Shalom, Tracking with
    Debiased Consistent Converted Measurements, IEEE Trans. AES 29 (1993)); 3 mrad and
    25 m at 80 km make 0.03. Above that, use an extended or cubature update.
    """
    if math.isnan(measured[0] + measured[1] + measured[2]):
        return False
    if kind == _POLAR:
        polar_to_position(
            measured[0], measured[1], measured[2], sigma, origin, enu_R_sensor, position, noise
        )
    elif kind == _POSITION:
        row = 0
        for i in range(3):
            position[i] = origin[i]
            for k in range(3):
                position[i] += enu_R_sensor[i, k] * measured[k]
            for j in range(i, 3):
                noise[row] = 0.0
                for k in range(3):
                    noise[row] += enu_R_sensor[i, k] * enu_R_sensor[j, k] * sigma[k] * sigma[k]
                row += 1
    else:
        return False
    return True


@kernel(leaf=True)
def polar_to_position(
    range_m: float,
    azimuth: float,
    elevation: float,
    sigma: Floats,
    origin: Floats,
    enu_R_sensor: Floats,
    position: Floats,
    noise: Floats,
) -> None:
    """Turn a polar measurement into a position with covariance, first order.

    ``sigma`` (3,) of range, azimuth, elevation; ``position`` (3,) and the upper triangle of
    its covariance ``noise`` (6,) are written, in scenario ENU.
    """
    sin_a, cos_a = math.sin(azimuth), math.cos(azimuth)
    sin_e, cos_e = math.sin(elevation), math.cos(elevation)
    R = enu_R_sensor
    # Unit vectors along the line of sight, across it level, and across it upwards.
    level = (
        R[0, 0] * sin_a + R[0, 1] * cos_a,
        R[1, 0] * sin_a + R[1, 1] * cos_a,
        R[2, 0] * sin_a + R[2, 1] * cos_a,
    )
    up = (R[0, 2], R[1, 2], R[2, 2])
    # The spread along each of them, as a vector.
    along, side, rise = sigma[0], range_m * cos_e * sigma[1], range_m * sigma[2]
    for i in range(3):
        position[i] = origin[i] + range_m * (cos_e * level[i] + sin_e * up[i])
    row = 0
    for i in range(3):
        away_i = along * (cos_e * level[i] + sin_e * up[i])
        side_i = side * (R[i, 0] * cos_a - R[i, 1] * sin_a)
        rise_i = rise * (cos_e * up[i] - sin_e * level[i])
        for j in range(i, 3):
            noise[row] = (
                away_i * along * (cos_e * level[j] + sin_e * up[j])
                + side_i * side * (R[j, 0] * cos_a - R[j, 1] * sin_a)
                + rise_i * rise * (cos_e * up[j] - sin_e * level[j])
            )
            row += 1


@kernel(leaf=True)
def innovation_distance(
    innovation: Floats, S: Floats, sigma: Floats, measured: Floats, work: Floats
) -> tuple[float, float, int]:
    """Return squared Mahalanobis distance and log-determinant of measured components.

    Parameters
    ----------
    innovation : (4,) measured minus predicted, angles wrapped
    S : (4, 4) the state's part H P Hᵀ of the innovation covariance
    sigma : (4,) standard deviations of the measurement
    measured : (4,) NaN marks a component that was not measured
    work : (4, 5) scratch

    Returns
    -------
    distance, log_determinant, dimensions
        dᵀ(S + R)⁻¹d and ln|S + R| over the measured components (Cholesky).
    """
    m = 0
    distance = 0.0
    log_determinant = 0.0
    for a in range(4):
        if math.isnan(measured[a]):
            continue
        # Row m of the Cholesky factor over measured components, and the whitened innovation.
        row = 0
        for b in range(a):
            if math.isnan(measured[b]):
                continue
            value = S[a, b]
            for k in range(row):
                value -= work[m, k] * work[row, k]
            work[m, row] = value / work[row, row]
            row += 1
        pivot = S[a, a] + sigma[a] * sigma[a]
        white = innovation[a]
        for k in range(m):
            pivot -= work[m, k] * work[m, k]
            white -= work[m, k] * work[k, 4]
        root = math.sqrt(pivot)
        work[m, m] = root
        white /= root
        work[m, 4] = white
        distance += white * white
        log_determinant += 2.0 * math.log(root)
        m += 1
    return distance, log_determinant, m
