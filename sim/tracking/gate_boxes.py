"""Where a track's gate lies along a scan's cells."""

from __future__ import annotations

import math
from typing import NamedTuple

from sim.core.cells import cell_of
from sim.core.jit import kernel
from sim.core.measurement import measure, wrap_angle
from sim.core.motion import Motion, predict_constant_velocity
from sim.core.tables import Floats, Ints
from sim.tracking.cycle import Cycle
from sim.tracking.policy import Models

_DRIFT_NOISE_M2PS3 = 500.0
_CONSTANT_VELOCITY = int(Motion.CONSTANT_VELOCITY)
_COORDINATED_TURN = int(Motion.COORDINATED_TURN)


class Grid(NamedTuple):
    """The cells of one scan: by which components, how many, where they begin and how large."""

    a: int
    b: int
    bins_a: int
    bins_b: int
    low_a: float
    low_b: float
    width_a: float
    width_b: float
    cyclic: bool


@kernel(inline=True)
def drift(x: Floats, P: Floats, dt: float, m: int, models: Models) -> None:
    """Move position and velocity on within a cycle, going straight on.

    Within so short a time the models differ by the noise they allow; those whose noise is
    not a white acceleration borrow a generous one.
    """
    q = _DRIFT_NOISE_M2PS3
    q_up = 0.1 * _DRIFT_NOISE_M2PS3
    if models.kind[m] == _CONSTANT_VELOCITY or models.kind[m] == _COORDINATED_TURN:
        q, q_up = models.parameters[m, 0], models.parameters[m, 1]
    predict_constant_velocity(x, P, dt, q, q_up)


@kernel(leaf=True)
def _variance_along(H: Floats, a: int, P: Floats) -> float:
    """H P Hᵀ of one row of the Jacobian."""
    total = 0.0
    for i in range(6):
        if H[a, i] == 0.0:
            continue
        for j in range(6):
            total += H[a, i] * P[i, j] * H[a, j]
    return total


@kernel(inline=True)
def grid_of(g: int, cycle: Cycle, cartesian: bool) -> Grid:
    axes, bins, low, width = cycle.axes, cycle.bins, cycle.low, cycle.width
    return Grid(
        axes[g, 0],
        axes[g, 1],
        bins[g, 0],
        bins[g, 1],
        low[g, 0],
        low[g, 1],
        width[g, 0],
        width[g, 1],
        axes[g, 1] >= 0 and not cartesian,
    )


class Span(NamedTuple):
    """The cells that a track's box touches: along the first axis, and rows along the second."""

    a_first: int
    a_last: int
    b_first: int
    b_count: int


@kernel(leaf=True)
def widen_box(
    box: Floats,
    m: int,
    x: Floats,
    P: Floats,
    kind: int,
    cartesian: bool,
    origin: Floats,
    enu_R_sensor: Floats,
    other: Floats,
    axis: Ints,
    sigma_max: Floats,
    gate: float,
    half_s: float,
    predicted: Floats,
    H: Floats,
) -> None:
    """Bound a track's gate along the scan's axes by model m, united with those before it.

    ``box`` (4,) is written: centre and half width along the first axis, then along the
    second. The box of an ellipsoid dᵀS⁻¹d ≤ gate is ±√(gate·Sᵢᵢ); the way the target may
    move between the middle of the scan and its ends is added.
    """
    speed = math.sqrt(x[3] * x[3] + x[4] * x[4] + x[5] * x[5])
    if not cartesian:
        measure(kind, x, origin, enu_R_sensor, other, predicted, H)
    for b in range(2):
        a = axis[b]
        if a < 0:
            continue
        if cartesian:
            centre, variance, reach = x[a], P[a, a], half_s * abs(x[a + 3])
        else:
            centre, variance = predicted[a], _variance_along(H, a, P)
            slope = math.sqrt(H[a, 0] ** 2 + H[a, 1] ** 2 + H[a, 2] ** 2)
            reach = half_s * speed * slope
            if a == 1 and reach > 0.3:
                reach = math.pi
        sigma = sigma_max[b]
        half = math.sqrt(gate * (variance + sigma * sigma)) + reach
        if m == 0:
            box[2 * b] = centre
            box[2 * b + 1] = half
        else:
            apart = centre - box[2 * b]
            if a == 1 and not cartesian:
                apart = wrap_angle(apart)
            low = min(-box[2 * b + 1], apart - half)
            high = max(box[2 * b + 1], apart + half)
            box[2 * b] += 0.5 * (low + high)
            box[2 * b + 1] = 0.5 * (high - low)


@kernel(inline=True)
def span_of(box: Floats, grid: Grid) -> Span:
    """Return the cells that a box touches."""
    a_first, a_last, b_first, b_count = 0, grid.bins_a - 1, 0, grid.bins_b
    if grid.a >= 0:
        a_first = cell_of(box[0] - box[1], grid.low_a, grid.width_a, grid.bins_a)
        a_last = cell_of(box[0] + box[1], grid.low_a, grid.width_a, grid.bins_a)
    if grid.cyclic:
        step = grid.width_b
        if 2.0 * box[3] < 2.0 * math.pi - 2.0 * step:
            b_first = math.floor((box[2] - box[3]) / step)
            b_count = math.floor((box[2] + box[3]) / step) - b_first + 1
    elif grid.b >= 0:
        b_first = cell_of(box[2] - box[3], grid.low_b, grid.width_b, grid.bins_b)
        b_count = cell_of(box[2] + box[3], grid.low_b, grid.width_b, grid.bins_b) - b_first + 1
    return Span(a_first, a_last, b_first, b_count)


@kernel(inline=True)
def in_box(measured: Floats, box: Floats, grid: Grid) -> bool:
    """Tell whether a plot lies in a box."""
    inside = grid.a < 0 or abs(measured[grid.a] - box[0]) <= box[1]
    if inside and grid.b >= 0:
        apart = measured[grid.b] - box[2]
        if grid.cyclic:
            apart = wrap_angle(apart)
        inside = abs(apart) <= box[3]
    return inside
