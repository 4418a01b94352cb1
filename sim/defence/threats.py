"""How much a track threatens what is protected: where it goes, when, and what it would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from sim.core.tables import Floats, Ints
from sim.world.presets import read_presets

THREATS = Path(__file__).with_name("threats.yaml")

#: A track that would pass a protected object may yet turn to it: so far aside of its way at
#: rest, and so much more per metre that it is away (assumption; sweep 0.05 to 0.4).
_ASIDE_M, _ASIDE_SHARE = 1000.0, 0.15
#: What moves slower than this goes nowhere in particular.
_SLOW_MPS = 2.0


@dataclass(frozen=True, slots=True)
class Assets:
    """What is protected, as places with a radius.

    Attributes
    ----------
    owner : (A,) index of the protected object that each place belongs to
    position_enu_m : (A, 3)
    radius_m, value : (A,)
    """

    owner: Ints
    position_enu_m: Floats
    radius_m: Floats
    value: Floats


@dataclass(frozen=True, slots=True)
class Threats:
    """What tracks threaten, one row per track.

    Attributes
    ----------
    worth : (M,) value that is lost if it is let through and hostile
    asset : (M,) index of the place that it threatens most, −1 for none
    time_to_go_s : (M,) until it is there, infinite if it does not come nearer
    closest_m : (M,) how near its straight way leads to the place's edge; 0 inside
    """

    worth: Floats
    asset: Ints
    time_to_go_s: Floats
    closest_m: Floats


@cache
def damage_of(names: Sequence[str]) -> Floats:
    """Return what each class destroys, as a share of the value."""
    return _by_class("damage", names)


@cache
def attack_cost_keur(names: Sequence[str]) -> Floats:
    """Return what each class costs its owner."""
    return _by_class("attack_cost_keur", names)


def _by_class(key: str, names: Sequence[str]) -> Floats:
    known = read_presets(THREATS)[key]
    return np.array([float(known[name if name in known else "other"].value) for name in names])


def evaluate(
    position_enu_m: Floats, velocity_enu_mps: Floats, damage: Floats, assets: Assets
) -> Threats:
    """Judge tracks by straight flight from where they are.

    Parameters
    ----------
    position_enu_m, velocity_enu_mps : (M, 3)
    damage : (M,) expected share of the value that such a target destroys
    assets : the places, A of them

    Returns
    -------
    Threats
        ``worth`` is damage × value × chance that it means this place: a Gaussian of the distance
        by which its straight way passes the place's edge, with a deviation that grows with its
        distance from there; of the place for which that is largest.

    Notes
    -----
    Closest point of approach and time to go are the classical pair of threat evaluation (Roux
    and van Vuuren, ORiON 23, 2007); how they are weighed is this project's.
    """
    m, a = position_enu_m.shape[0], assets.owner.size
    if not m or not a:
        return Threats(
            np.zeros(m), np.full(m, -1, np.int32), np.full(m, np.inf), np.full(m, np.inf)
        )
    away = assets.position_enu_m[None, :, :2] - position_enu_m[:, None, :2]
    velocity = velocity_enu_mps[:, None, :2]
    speed2 = (velocity**2).sum(-1)
    moving = speed2 > _SLOW_MPS**2
    closest_s = np.where(moving, (away * velocity).sum(-1) / np.maximum(speed2, 1e-9), 0.0)
    closest_s = np.maximum(closest_s, 0.0)
    passing_m = np.linalg.norm(away - closest_s[..., None] * velocity, axis=-1)
    distance_m = np.linalg.norm(away, axis=-1)
    short_m = np.maximum(passing_m - assets.radius_m, 0.0)
    inside = distance_m <= assets.radius_m
    aside_m = _ASIDE_M + _ASIDE_SHARE * distance_m
    chance = np.where(inside, 1.0, np.exp(-0.5 * (short_m / aside_m) ** 2))
    worth = damage[:, None] * assets.value * chance
    best = worth.argmax(axis=1)
    rows = np.arange(m)
    half_m = np.sqrt(np.maximum(assets.radius_m**2 - passing_m**2, 0.0))
    to_go_s = closest_s - half_m / np.sqrt(np.maximum(speed2, 1e-9))
    to_go_s = np.where(
        inside, 0.0, np.where(moving & (closest_s > 0.0), np.maximum(to_go_s, 0.0), np.inf)
    )
    return Threats(
        worth[rows, best],
        best.astype(np.int32),
        to_go_s[rows, best],
        np.where(inside, 0.0, short_m)[rows, best],
    )
