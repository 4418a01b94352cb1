"""What is known of the ground when tracks are identified: areas, ways, a border."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sim.core.tables import Bools, Floats, Ints


def _rows(*shape: int) -> Floats:
    return np.empty(shape)


@dataclass(frozen=True, slots=True)
class Cylinders:
    """Upright cylinders: (K, 2) centres (m, east and north), radii, heights of their tops (m)."""

    ids: tuple[str, ...] = ()
    centre_m: Floats = field(default_factory=lambda: _rows(0, 2))
    radius_m: Floats = field(default_factory=lambda: _rows(0))
    top_m: Floats = field(default_factory=lambda: _rows(0))

    def holding(self, position_m: Floats, height_m: Floats) -> Ints:
        """Return which cylinder each place (M, 2) is in, the first of several, −1 for none."""
        if not self.ids:
            return np.full(height_m.size, -1, np.int32)
        away_m = position_m[:, None, :] - self.centre_m
        inside = np.einsum("mkx,mkx->mk", away_m, away_m) <= self.radius_m**2
        inside &= height_m[:, None] <= self.top_m
        return np.where(inside.any(axis=1), inside.argmax(axis=1), -1).astype(np.int32)

    def ahead(
        self,
        position_m: Floats,
        velocity_mps: Floats,
        height_m: Floats,
        climb_mps: Floats,
        speed_least_mps: float,
    ) -> tuple[Ints, Floats]:
        """Return which cylinder each mover reaches first if it goes straight on, and when (s).

        Zero for one inside; −1 and infinity for one that reaches none, or is too slow to
        have a course.

        Parameters
        ----------
        position_m, velocity_mps : (M, 2)
        height_m, climb_mps : (M,); it has to be below the top when it arrives
        """
        if not self.ids:
            return np.full(height_m.size, -1, np.int32), np.full(height_m.size, np.inf)
        to_m = self.centre_m - position_m[:, None, :]
        square = np.einsum("mx,mx->m", velocity_mps, velocity_mps)[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            closest_s = np.einsum("mkx,mx->mk", to_m, velocity_mps) / square
            distance2 = np.einsum("mkx,mkx->mk", to_m, to_m)
            closest2 = distance2 - closest_s**2 * square
            half_s = np.sqrt((self.radius_m**2 - closest2) / square)  # of the way through
            after_s = closest_s - half_s
            meets = (square >= speed_least_mps**2) & (after_s >= 0.0)
        after_s = np.where(distance2 <= self.radius_m**2, 0.0, np.where(meets, after_s, np.inf))
        with np.errstate(invalid="ignore"):
            low = height_m[:, None] + climb_mps[:, None] * after_s <= self.top_m
        after_s[~low] = np.inf
        first = after_s.argmin(axis=1)
        soonest_s: Floats = after_s[np.arange(first.size), first]
        return np.where(np.isfinite(soonest_s), first, -1).astype(np.int32), soonest_s


@dataclass(frozen=True, slots=True)
class Ways:
    """Corridors as S straight legs, east and north.

    Attributes
    ----------
    ids : of the corridors
    corridor : (S,) whose leg it is
    start_m, along : (S, 2) where it begins, and its direction
    length_m, half_width_m : (S,)
    both_ways : (S,)
    """

    ids: tuple[str, ...] = ()
    corridor: Ints = field(default_factory=lambda: np.empty(0, np.int32))
    start_m: Floats = field(default_factory=lambda: _rows(0, 2))
    along: Floats = field(default_factory=lambda: _rows(0, 2))
    length_m: Floats = field(default_factory=lambda: _rows(0))
    half_width_m: Floats = field(default_factory=lambda: _rows(0))
    both_ways: Bools = field(default_factory=lambda: np.empty(0, np.bool_))

    def followed(
        self, position_m: Floats, velocity_mps: Floats, cosine_least: float, near_m: float
    ) -> tuple[Ints, Bools]:
        """Return which corridor each mover keeps to (−1: none), and which are off all of them.

        Off is who is inside none and within ``near_m`` of one. Who is inside one, but not in
        its direction, is neither.
        """
        if not self.ids:
            return np.full(len(position_m), -1, np.int32), np.zeros(len(position_m), np.bool_)
        from_m = position_m[:, None, :] - self.start_m
        done_m = np.clip(np.einsum("msx,sx->ms", from_m, self.along), 0.0, self.length_m)
        away_m = from_m - done_m[:, :, None] * self.along
        away2 = np.einsum("msx,msx->ms", away_m, away_m)
        inside = away2 <= self.half_width_m**2
        onward = np.einsum("mx,sx->ms", velocity_mps, self.along)
        onward[:, self.both_ways] = np.abs(onward[:, self.both_ways])
        speed = np.sqrt(np.einsum("mx,mx->m", velocity_mps, velocity_mps))[:, None]
        keeps = inside & (onward >= cosine_least * speed) & (speed > 0.0)
        leg = keeps.argmax(axis=1)
        kept = np.where(keeps.any(axis=1), self.corridor[leg], -1).astype(np.int32)
        off: Bools = ~inside.any(axis=1) & (away2.min(axis=1) <= near_m**2)
        return kept, off


@dataclass(frozen=True, slots=True)
class Frontier:
    """A border: (V, 2) vertices (m, east and north), and the side that threats come from."""

    path_m: Floats = field(default_factory=lambda: _rows(0, 2))
    threat_left: bool = True

    def beyond(self, position_m: Floats, margin_m: float) -> Bools:
        """Return which places (M, 2) are farther than a margin on the threat's side.

        The side is that of the nearest leg; at a bend, of the legs that meet there, the one
        that the place is more squarely beside (so that the inside of a corner is no gap).
        """
        if len(self.path_m) < 2:
            return np.zeros(len(position_m), np.bool_)
        start, leg = self.path_m[:-1], np.diff(self.path_m, axis=0)
        length = np.linalg.norm(leg, axis=1)
        along = leg / length[:, None]
        from_m = position_m[:, None, :] - start
        done_m = np.clip(np.einsum("msx,sx->ms", from_m, along), 0.0, length)
        away_m = from_m - done_m[:, :, None] * along
        away2 = np.einsum("msx,msx->ms", away_m, away_m)
        left_m = along[:, 0] * from_m[:, :, 1] - along[:, 1] * from_m[:, :, 0]
        nearest2 = away2.min(axis=1, keepdims=True)
        tied = away2 <= nearest2 * (1.0 + 1e-9) + 1e-6
        squarely = np.where(tied, np.abs(left_m), -1.0).argmax(axis=1)
        side_m = left_m[np.arange(len(position_m)), squarely]
        threat = side_m > 0.0 if self.threat_left else side_m < 0.0
        beyond: Bools = threat & (nearest2[:, 0] > margin_m**2)
        return beyond


@dataclass(frozen=True, slots=True)
class Grounds:
    """All of it: what is protected, restricted areas, corridors, the border."""

    protected: Cylinders = field(default_factory=Cylinders)
    restricted: Cylinders = field(default_factory=Cylinders)
    ways: Ways = field(default_factory=Ways)
    border: Frontier = field(default_factory=Frontier)
