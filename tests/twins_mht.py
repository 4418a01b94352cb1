"""Obvious twins of multiple-hypothesis tracking: all choices, all global hypotheses."""

from __future__ import annotations

import math
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from reference import kalman_update, transition, white_noise_acceleration

Floats = NDArray[np.float64]

MISS = -1


def all_choices(
    groups: list[list[tuple[float, set[int]]]],
) -> list[tuple[float, tuple[int, ...]]]:
    """Weights and options (−1: none) of every choice without clashes, the heaviest first.

    A group is a list of options, an option its weight and the items that it uses; options
    that are not worth having are not had.
    """
    found = []
    for pick in product(*(range(-1, len(group)) for group in groups)):
        options = [group[a] for group, a in zip(groups, pick, strict=True) if a >= 0]
        items = [item for _, used in options for item in used]
        if len(items) == len(set(items)) and all(weight > 0.0 for weight, _ in options):
            found.append((sum(weight for weight, _ in options), pick))
    return sorted(found, key=lambda choice: -choice[0])


class Target(NamedTuple):
    """A supposed target: its plots, one (scan, plot) per scan since birth, MISS for none."""

    plots: tuple[tuple[int, int], ...]
    x: Floats
    P: Floats
    score: float


class Scene(NamedTuple):
    """Scans of positions, a fixed time apart, and what is known of them."""

    scans: list[Floats]
    period_s: float
    sigma_m: Floats
    clutter: float
    detection: float
    birth_score: float
    start_sigma_mps: Floats
    noise: tuple[float, float, float]
    gate: float


def grown(scene: Scene, hypothesis: tuple[Target, ...], scan: int) -> list[tuple[Target, ...]]:
    """Every way in which one global hypothesis may go on: all plots to targets, new or false."""
    R = np.diag(scene.sigma_m**2)
    H = np.eye(3, 6)
    F = transition(scene.period_s)
    Q = white_noise_acceleration(scene.period_s, scene.noise)
    plots = scene.scans[scan]
    children: list[list[Target | None]] = []
    for target in hypothesis:
        x, P = F @ target.x, F @ target.P @ F.T + Q
        missed = target.score + math.log(1.0 - scene.detection)
        options: list[Target | None] = [Target((*target.plots, (scan, MISS)), x, P, missed)]
        for j, z in enumerate(plots):
            innovation = z - x[:3]
            x_new, P_new, S = kalman_update(x, P, innovation, H, R)
            d2 = innovation @ np.linalg.solve(S, innovation)
            if d2 <= scene.gate:
                fit = -0.5 * (d2 + math.log(np.linalg.det(2.0 * math.pi * S)))
                gain = math.log(scene.detection / scene.clutter) + fit
                options.append(
                    Target((*target.plots, (scan, j)), x_new, P_new, target.score + gain)
                )
        children.append(options)
    for j, z in enumerate(plots):
        P = np.zeros((6, 6))
        P[:3, :3], P[3:, 3:] = R, np.diag(scene.start_sigma_mps**2)
        born = Target(((scan, j),), np.concatenate([z, np.zeros(3)]), P, scene.birth_score)
        children.append([None, born])
    result = []
    for pick in product(*children):
        targets = tuple(target for target in pick if target is not None)
        used = [target.plots[-1] for target in targets if target.plots[-1][1] != MISS]
        if len(used) == len(set(used)):
            result.append(targets)
    return result


def best_hypotheses(scene: Scene, scans_back: int) -> list[tuple[Target, ...]]:
    """The best global hypothesis after each scan, by keeping all that N-scan pruning leaves."""
    kept: list[tuple[Target, ...]] = [()]
    winners = []
    for scan in range(len(scene.scans)):
        kept = [child for hypothesis in kept for child in grown(scene, hypothesis, scan)]
        best = max(kept, key=lambda targets: sum(target.score for target in targets))
        winners.append(best)
        final = scan - scans_back
        kept = [h for h in kept if decided(h, final) == decided(best, final)]
    return winners


def decided(hypothesis: tuple[Target, ...], scan: int) -> set[tuple[tuple[int, int], ...]]:
    """What a hypothesis says about everything up to and including a scan."""
    histories = (tuple(p for p in target.plots if p[0] <= scan) for target in hypothesis)
    return {history for history in histories if history}


def kept_and_gospa(
    pictures: list[tuple[NDArray[np.int32], Floats]], truth: list[Floats], cutoff_m: float
) -> tuple[int, float]:
    """Targets that end under the number they began with, and mean GOSPA (p = 2, α = 2).

    ``pictures`` and ``truth`` have one entry per time: numbers and positions of the tracks,
    and positions of the targets. GOSPA: Rahmathullah, García-Fernández and Svensson,
    "Generalized optimal sub-pattern assignment metric", FUSION 2017.
    """
    from scipy.optimize import linear_sum_assignment

    held: dict[int, int] = {}
    first: dict[int, int] = {}
    total = 0.0
    for (number, place), targets in zip(pictures, truth, strict=True):
        apart = np.linalg.norm(targets[:, None] - place[None], axis=2)
        cost = np.minimum(apart, cutoff_m) ** 2
        rows, columns = linear_sum_assignment(cost)
        good = apart[rows, columns] < cutoff_m
        lonely = len(targets) + len(place) - 2 * int(good.sum())
        total += math.sqrt(cost[rows, columns][good].sum() + 0.5 * cutoff_m**2 * lonely)
        # A pair lasts as long as it can: while targets are close, numbers may not be told apart.
        before = np.array([held.get(i, 0) for i in range(len(targets))])
        lasts = (before[:, None] == number[None]) & (apart < cutoff_m)
        rows, columns = linear_sum_assignment(np.where(lasts, -(cutoff_m**2), cost))
        for i, j in zip(rows.tolist(), columns.tolist(), strict=True):
            if apart[i, j] < cutoff_m:
                held[i] = int(number[j])
                first.setdefault(i, held[i])
            else:
                held.pop(i, None)
    kept = sum(held.get(i) == number for i, number in first.items())
    return kept, total / len(truth)
