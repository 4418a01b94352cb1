"""Loops over pairs of a target's and a track's whole history: OSPA(2) and T-GOSPA."""

from __future__ import annotations

import numpy as np

from sim.core.assignment import assign
from sim.core.jit import kernel
from sim.core.tables import Bools, Floats, Ints
from sim.metrics.kernels import Rows, near_points


@kernel()
def near_rows(
    x: Floats,
    x_start: Rows,
    y: Floats,
    y_start: Rows,
    order: Rows,
    axes: Rows,
    axis: int,
    cutoff: float,
    first_step: int,
    last_step: int,
) -> tuple[Rows, Rows, Floats]:
    """List all pairs of rows of equal step closer than the cutoff.

    Parameters
    ----------
    x, y : (R, D), (Q, D) points
    x_start, y_start : (K + 1,) first row of every step
    order, axes, axis : see ``near_points``
    first_step, last_step : the steps to look at, the last one excluded

    Returns
    -------
    x_row, y_row, distance : (E,), by step and row of x
    """
    x_row = np.empty(1024, np.intp)
    y_row = np.empty(1024, np.intp)
    distance = np.empty(1024)
    column = np.empty(1024, np.int32)
    apart = np.empty(1024)
    count = 0
    for step in range(first_step, last_step):
        first = x_start[step]
        start = np.zeros(x_start[step + 1] - first + 1, np.int32)
        column, apart = near_points(
            x, first, x_start[step + 1], y, y_start[step], y_start[step + 1],
            order, axes, axis, cutoff, start, column, apart,
        )  # fmt: skip
        if count + start[-1] > x_row.size:
            size = 2 * (count + start[-1])
            longer_x = np.empty(size, np.intp)
            longer_y = np.empty(size, np.intp)
            longer = np.empty(size)
            for e in range(count):
                longer_x[e] = x_row[e]
                longer_y[e] = y_row[e]
                longer[e] = distance[e]
            x_row, y_row, distance = longer_x, longer_y, longer
        for i in range(start.size - 1):
            for e in range(start[i], start[i + 1]):
                x_row[count] = first + i
                y_row[count] = y_start[step] + column[e]
                distance[count] = apart[e]
                count += 1
    return x_row[:count], y_row[:count], distance[:count]


@kernel()
def _account(
    sign: int,
    step: int,
    x: Floats,
    x_owner: Ints,
    x_start: Rows,
    y: Floats,
    y_owner: Ints,
    y_start: Rows,
    pair_start: Ints,
    pair_column: Ints,
    cutoff: float,
    inner: float,
    y_row: Rows,
    x_steps: Ints,
    y_steps: Ints,
    both: Ints,
    near: Ints,
    credit: Floats,
) -> None:
    """Let one step enter (sign 1) or leave (-1) the window."""
    for b in range(y_start[step], y_start[step + 1]):
        y_row[y_owner[b]] = b
        y_steps[y_owner[b]] += sign
    for a in range(x_start[step], x_start[step + 1]):
        i = x_owner[a]
        x_steps[i] += sign
        for e in range(pair_start[i], pair_start[i + 1]):
            b = y_row[pair_column[e]]
            if b < 0:
                continue
            both[e] += sign
            square = 0.0
            for k in range(x.shape[1]):
                square += (x[a, k] - y[b, k]) ** 2
            distance = np.sqrt(square)
            if distance < cutoff:
                near[e] += sign
                credit[e] += sign * (cutoff**inner - distance**inner)
            if near[e] == 0:
                credit[e] = 0.0  # no rounding error outlives its step
    for b in range(y_start[step], y_start[step + 1]):
        y_row[y_owner[b]] = -1


@kernel()
def ospa2_windows(
    x: Floats,
    x_owner: Ints,
    x_start: Rows,
    y: Floats,
    y_owner: Ints,
    y_start: Rows,
    y_count: int,
    pair_start: Ints,
    pair_column: Ints,
    window: int,
    wanted: Bools,
    cutoff: float,
    power: float,
    inner: float,
    result: Floats,
) -> None:
    """Compute OSPA(2) over the windows that end at each wanted step.

    Parameters
    ----------
    x, y : (R, D), (Q, D) points, sorted by step
    x_owner, y_owner : (R,), (Q,) trajectory of each point
    x_start, y_start : (K + 1,) first row of every step
    y_count : number of trajectories of y
    pair_start, pair_column : of each trajectory of x, those of y that are ever near it
    window : steps; windows that would begin before the first step begin there
    wanted : (K,)
    cutoff, power, inner : c, p and the order of the mean over time
    result : (K,) filled where wanted

    Notes
    -----
    The base distance to the power q is c^q less the mean credit c^q − d^q of the steps at
    which either trajectory exists; a pair that was never near has none.
    """
    x_count = pair_start.size - 1
    y_row = np.full(y_count, -1, np.intp)
    x_steps = np.zeros(x_count, np.int32)
    y_steps = np.zeros(y_count, np.int32)
    both = np.zeros(pair_column.size, np.int32)
    near = np.zeros(pair_column.size, np.int32)
    credit = np.zeros(pair_column.size)
    column = np.empty(pair_column.size, np.int32)
    gain = np.empty(pair_column.size)
    for step in range(result.size):
        for sign, at in ((1, step), (-1, step - window)):
            if at >= 0:
                _account(
                    sign, at, x, x_owner, x_start, y, y_owner, y_start, pair_start, pair_column,
                    cutoff, inner, y_row, x_steps, y_steps, both, near, credit,
                )  # fmt: skip
        if not wanted[step]:
            continue
        start = np.zeros(x_count + 1, np.int32)
        count = 0
        for i in range(x_count):
            for e in range(pair_start[i], pair_start[i + 1]):
                if near[e] > 0:
                    j = pair_column[e]
                    mean = credit[e] / (x_steps[i] + y_steps[j] - both[e])
                    base = max(cutoff**inner - mean, 0.0) ** (1 / inner)
                    column[count] = j
                    gain[count] = cutoff**power - base**power
                    count += 1
            start[i + 1] = count
        column_of = assign(start, column, gain, y_count)
        gained = 0.0
        for i in range(x_count):
            for e in range(start[i], start[i + 1]):
                if column[e] == column_of[i]:
                    gained += gain[e]
        x_alive, y_alive = 0, 0
        for i in range(x_count):
            x_alive += x_steps[i] > 0
        for j in range(y_count):
            y_alive += y_steps[j] > 0
        larger = max(x_alive, y_alive)
        mean = cutoff**power - gained / max(larger, 1)
        result[step] = max(mean, 0.0) ** (1 / power) if larger else 0.0


@kernel()
def contest_prices(
    step_start: Rows, row: Ints, column: Ints, gain: Floats, rows: int, columns: int, price: Floats
) -> None:
    """Find at every step the least prices of the columns that make its best assignment stable.

    At these prices no row gains more by another column than by its own, which is how the
    assignment problem and its dual meet (Kuhn 1955). A column that one row alone wants is free.

    Parameters
    ----------
    step_start : (K + 1,) first entry of every step
    row, column, gain : (E,) entries, by step and row
    price : (E,) filled with the price of the entry's column at its step
    """
    claims = np.zeros(columns, np.int32)
    value = np.zeros(columns)
    for step in range(step_start.size - 1):
        first, last = step_start[step], step_start[step + 1]
        contested = False
        for e in range(first, last):
            claims[column[e]] += 1
            contested = contested or claims[column[e]] > 1
        for e in range(first, last):
            claims[column[e]] = 0
            price[e] = 0.0
        if not contested:
            continue
        start = np.zeros(rows + 1, np.int32)
        for e in range(first, last):
            start[row[e] + 1] += 1
        for i in range(rows):
            start[i + 1] += start[i]
        column_of = assign(start, column[first:last].copy(), gain[first:last].copy(), columns)
        raised = True
        while raised:
            raised = False
            for i in range(rows):
                surplus = 0.0
                for e in range(first + start[i], first + start[i + 1]):
                    if column[e] == column_of[i]:
                        surplus = gain[e] - value[column[e]]
                for e in range(first + start[i], first + start[i + 1]):
                    asked = gain[e] - surplus
                    if column[e] != column_of[i] and asked > value[column[e]] + 1e-12 * gain[e]:
                        value[column[e]] = asked
                        raised = True
        for e in range(first, last):
            price[e] = value[column[e]]
        for e in range(first, last):
            value[column[e]] = 0.0


@kernel()
def best_path(
    gain: Floats,
    sub_start: Ints,
    sub_state: Ints,
    sub_pair: Ints,
    penalty: float,
    came_from: Ints,
    path: Ints,
) -> float:
    """Choose a state at every step: sum of gains less the penalties for changes, at its best.

    A state is a set of pairs that share no member; it gains what its pairs gain, and every
    pair that begins or ends between two steps costs the penalty (Viterbi's algorithm). From
    one state to another it is shortest to drop pairs first and add others then, and every
    stop on that way is a state too: two passes over single drops and adds find all changes.

    Parameters
    ----------
    gain : (E, K)
    sub_start, sub_state : of each of S states, those with one pair less; states are
        ordered by size, the empty one first
    sub_pair : the pair that each of them lacks
    came_from : (K, S) work space
    path : (K,) filled with the states chosen

    Returns
    -------
    the sum
    """
    steps, states = came_from.shape
    value = np.zeros(states)
    own = np.zeros(states)
    for k in range(steps):
        for s in range(states):
            came_from[k, s] = s
        if k > 0:
            for s in range(states - 1, 0, -1):
                for e in range(sub_start[s], sub_start[s + 1]):
                    t = sub_state[e]
                    if value[s] - penalty > value[t]:
                        value[t] = value[s] - penalty
                        came_from[k, t] = came_from[k, s]
            for s in range(1, states):
                for e in range(sub_start[s], sub_start[s + 1]):
                    t = sub_state[e]
                    if value[t] - penalty > value[s]:
                        value[s] = value[t] - penalty
                        came_from[k, s] = came_from[k, t]
        for s in range(1, states):
            e = sub_start[s]
            own[s] = own[sub_state[e]] + gain[sub_pair[e], k]
            value[s] += own[s]
    best = 0
    for s in range(states):
        if value[s] > value[best]:
            best = s
    total = value[best]
    for k in range(steps - 1, -1, -1):
        path[k] = best
        best = came_from[k, best]
    return float(total)
