"""Who may engage what: weapons states, caveats, restricted places, friends nearby."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from sim.core.tables import Bools, Floats
from sim.defence.effectors import CaveatFlag, Effectors


class Weapons(IntEnum):
    """What may be engaged: nothing but in self-defence; what is hostile; all but friends."""

    HOLD = 0
    TIGHT = 1
    FREE = 2


@dataclass(frozen=True, slots=True)
class Restrictions:
    """Where nothing is to be hit.

    Attributes
    ----------
    position_m : (R, 2) of the places, east and north
    radius_m, ceiling_height_m : (R,); the ceiling, above the ellipsoid, infinite without one
    friend_clearance_m : no track is met nearer than this to one that is held a friend or neutral
    self_defence_m : what is so near an effector may be engaged in any weapons state
    """

    position_m: Floats
    radius_m: Floats
    ceiling_height_m: Floats
    friend_clearance_m: float
    self_defence_m: float


@dataclass(frozen=True, slots=True)
class Standing:
    """What tracks are held to be, one row per track.

    Attributes
    ----------
    hostile, friendly : (M,) held hostile; held a friend, an assumed friend or neutral
    crewed, known : (M,) of a class with a crew; of a class that is told at all
    """

    hostile: Bools
    friendly: Bools
    crewed: Bools
    known: Bools


def by_weapons(weapons: Floats, standing: Standing, near: Bools) -> Bools:
    """Return (E, M) which tracks the weapons states (E,) let effectors engage.

    ``near`` (E, M) tells what is near enough for self-defence: all but friends.
    """
    state = weapons[:, None]
    others = ~standing.friendly
    allowed: Bools = (state >= Weapons.FREE) & others
    allowed |= (state >= Weapons.TIGHT) & standing.hostile
    return (allowed | (near & others)) & ~standing.friendly


def by_caveats(
    effectors: Effectors,
    rows: np.ndarray[tuple[int], np.dtype[np.intp]],
    standing: Standing,
    own_sensor: Bools,
    aim_enu_m: Floats,
) -> Bools:
    """Return (E, M) what caveats let some effectors engage.

    Parameters
    ----------
    rows : (E,) the effectors
    own_sensor : (E, M) whether one of the effector's own sensors feeds the track
    aim_enu_m : (E, M, 3) where each would meet each
    """
    flags = effectors.caveats[rows][:, None]

    def has(flag: CaveatFlag) -> Bools:
        given: Bools = (flags & int(flag)) != 0
        return given

    allowed = ~has(CaveatFlag.OWN_SENSOR) | own_sensor
    allowed &= ~has(CaveatFlag.ONLY_CREWED) | (standing.crewed & standing.known)
    allowed &= ~has(CaveatFlag.ONLY_UNCREWED) | (~standing.crewed & standing.known)
    allowed &= ~has(CaveatFlag.ONLY_HOSTILE) | standing.hostile
    allowed &= ~(has(CaveatFlag.NO_SOFT_KILL) & effectors.soft[rows][:, None])
    for at in np.flatnonzero((flags[:, 0] & int(CaveatFlag.OWN_TERRITORY)) != 0):
        area = effectors.territory[rows[at]]
        allowed[at] &= inside(area, aim_enu_m[at, :, 0], aim_enu_m[at, :, 1])
    return allowed


def by_place(
    restrictions: Restrictions, aim_enu_m: Floats, aim_height_m: Floats, friends_enu_m: Floats
) -> Bools:
    """Return (K,) where a track may be met at all: over no town, near no friend.

    Parameters
    ----------
    aim_enu_m, aim_height_m : (K, 3), (K,) where an effector would meet a track
    friends_enu_m : (F, 3) of tracks that are held friends or neutral
    """
    allowed = np.ones(aim_height_m.shape, np.bool_)
    for place, radius_m, ceiling_m in zip(
        restrictions.position_m,
        restrictions.radius_m,
        restrictions.ceiling_height_m,
        strict=True,
    ):
        away = aim_enu_m[:, :2] - place
        over = np.hypot(away[:, 0], away[:, 1]) < radius_m
        allowed &= ~(over & (aim_height_m < ceiling_m))
    if restrictions.friend_clearance_m > 0.0:
        for friend in friends_enu_m:
            away = aim_enu_m - friend
            near = np.einsum("kc,kc->k", away, away) < restrictions.friend_clearance_m**2
            allowed &= ~near
    return allowed


def inside(corners_m: Floats, east_m: Floats, north_m: Floats) -> Bools:
    """Tell which points (K,) lie in a polygon (P, 2), by crossings of a ray to the east."""
    found = np.zeros(np.shape(east_m), np.bool_)
    if len(corners_m) < 3:
        return found
    for (x0, y0), (x1, y1) in zip(corners_m, np.roll(corners_m, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        spans = (y0 > north_m) != (y1 > north_m)
        found ^= spans & (east_m < x0 + (north_m - y0) * (x1 - x0) / (y1 - y0))
    return found


@dataclass(slots=True)
class Escalation:
    """The level that a group of sharers is at: up at once, down after a calm time.

    Attributes
    ----------
    hostile_tracks, weapons : (L,) of the levels, rising
    """

    hostile_tracks: Sequence[int]
    weapons: Sequence[Weapons]
    calm_s: float
    level: int = 0
    _held_until_s: float = -np.inf

    def judge(self, hostile_tracks: int, now_s: float) -> Weapons:
        """Take in how many hostile tracks there are; return the weapons state."""
        wanted = max(
            (k for k, least in enumerate(self.hostile_tracks) if hostile_tracks >= least),
            default=0,
        )
        if wanted >= self.level:
            self.level, self._held_until_s = wanted, now_s + self.calm_s
        elif now_s >= self._held_until_s:
            self.level = wanted
        return self.weapons[self.level]
