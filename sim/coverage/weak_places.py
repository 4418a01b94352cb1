"""The weakest places of a line: why they are weak, and what would mend them at least cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sim.core.tables import Bools, Bytes, Floats, Visibility
from sim.coverage.costs import Range, cost_of_sensor, cost_of_site, total
from sim.coverage.costs import in_words as costs_in_words
from sim.coverage.grid import Grid, part_of
from sim.coverage.line import Confirming, Straight
from sim.coverage.looks import cells_in_reach, velocity_of
from sim.coverage.network import Look, Network
from sim.coverage.probes import ProbeKind
from sim.coverage.stage import Placed, Stage
from sim.coverage.straight import crossings
from sim.scenario.coverage_spec import Condition
from sim.world.targets import TargetClass

#: A place is a kilometre, and two of them are this many depths apart.
_PLACE_KM, _APART = 1.0, 0.5
#: Mended is what holds over this much of the line about the place.
_MENDED_KM = 1.0
#: Where what is bought stands, from the outer edge to the inner.
_DEPTHS = (0.1, 0.4)
#: Of what one more sensor cannot mend, so many may; where along the line, from the place.
_MOST_OF_A_KIND = 3
_SPREAD_M = (0.0, 1500.0, -1500.0)
#: What raises a probability by less is no help.
_HELPS = 1e-3

#: How a reason not to see is told.
_WORDS = {
    Visibility.SILENT: "the target is silent to it",
    Visibility.BELOW_HORIZON: "below its horizon",
    Visibility.MASKED: "behind relief",
    Visibility.BEYOND_RANGE: "beyond its range",
    Visibility.BLIND_RANGE: "in a blind range",
    Visibility.OUTSIDE_AZIMUTH: "outside its sector",
    Visibility.OUTSIDE_ELEVATION: "above or below its beam",
    Visibility.NOT_LOOKED_AT: "not looked at",
    Visibility.TOO_DARK: "too dark",
    Visibility.TOO_SLOW: "too slow across the line of sight",
    Visibility.IN_CLUTTER: "lost in clutter",
    Visibility.JAMMED: "jammed",
    Visibility.WEAK_ECHO: "too weak",
}


@dataclass(frozen=True, slots=True)
class Mend:
    """What would make a place good enough.

    Attributes
    ----------
    what : in words
    sensors : how many of it
    before, tracked : worst probability about the place before and after it
    cost_keur : lowest and highest
    enough : whether the required probability is reached
    """

    what: str
    sensors: int
    before: float
    tracked: float
    cost_keur: Range
    enough: bool


@dataclass(frozen=True, slots=True)
class WeakPlace:
    """A place of a line where something comes through most easily.

    Attributes
    ----------
    km : along the line
    latitude_deg, longitude_deg : on its outer edge
    height_agl_m, target_class : what comes through there most easily
    tracked : probability that such a crossing is tracked
    tracked_after_loss : the same once the sensor that matters most there has failed
    nearest : sensor nearest to that way in, and how far it is, km
    why : (sensor's kind, reason, share) of the way on which sensors in reach do not see it
    mend : the cheapest that is enough, or the best of those tried; None if nothing helps or
        nothing is to be mended
    weakness : by which places are compared, see ``weakest_columns``
    """

    km: float
    latitude_deg: float
    longitude_deg: float
    height_agl_m: float
    target_class: str
    tracked: float
    tracked_after_loss: float
    nearest: tuple[str, float]
    why: tuple[tuple[str, str, float], ...]
    mend: Mend | None
    weakness: float


def weakest_columns(
    straight: Straight, along_km: Floats, depth_km: float, count: int
) -> list[tuple[int, float]]:
    """Return column and weakness of the weakest places, weakest first, apart from each other.

    Weak is what falls most short of a sure track, over all heights and classes that are
    tracked anywhere; after that, what would fall shortest after the loss of one sensor.
    """
    able = _trackable(straight)
    short = (1.0 - straight.tracked)[able].mean(axis=0)
    short += 0.01 * (1.0 - straight.after_loss[0])[able].mean(axis=0)
    step_km = float(along_km[1] - along_km[0])
    width = max(1, round(_PLACE_KM / step_km))
    weakness = np.convolve(short, np.ones(width) / width, mode="same")
    left = weakness.copy()
    found: list[tuple[int, float]] = []
    while len(found) < count and np.isfinite(left).any() and left.max() > -np.inf:
        column = int(left.argmax())
        found.append((column, float(left[column])))
        left[np.abs(along_km - along_km[column]) < _APART * depth_km] = -np.inf
    return found


def _trackable(straight: Straight) -> Bools:
    """Return of which heights and classes (H, K) anything is tracked; all if none is."""
    able: Bools = straight.tracked.max(axis=2) >= 0.5
    return able if able.any() else np.ones_like(able)


def columns_about(column: int, cell_m: float, columns: int) -> tuple[int, int]:
    """Return first and last (excluded) of the columns about a place: what is to be mended."""
    cells = max(1, round(_MENDED_KM * 1e3 / cell_m / 2))
    return max(0, column - cells), min(columns, column + cells + 1)


def weak_place(
    stage: Stage,
    about: Grid,
    condition: Condition,
    straight: Straight,
    column: int,
    weakness: float,
    *,
    heights_agl_m: Sequence[float],
    classes: Sequence[TargetClass],
    rule: Confirming,
    required: float,
) -> WeakPlace:
    """Return what there is to say of one place.

    Parameters
    ----------
    about : the band's columns about the place
    straight : of the whole line
    column, weakness : from ``weakest_columns``
    """
    here = straight.tracked[:, :, column]
    worst = np.where(_trackable(straight), here, 2.0).argmin()
    h, k = (int(axis) for axis in np.unravel_index(worst, here.shape))
    middle = column - about.first_column
    case = _Case(stage, about, condition, float(heights_agl_m[h]), classes[k], rule, required)
    near = case.nearest_first()
    return WeakPlace(
        km=float(about.along_km[middle]),
        latitude_deg=float(np.degrees(about.latitude_rad[0, middle])),
        longitude_deg=float(np.degrees(about.longitude_rad[0, middle])),
        height_agl_m=case.height_agl_m,
        target_class=case.target_class,
        tracked=float(here[h, k]),
        tracked_after_loss=float(straight.after_loss[0, h, k, column]),
        nearest=near[0] if near else ("none", float("inf")),
        why=case.reasons(),
        mend=case.mend(),
        weakness=weakness,
    )


@dataclass(frozen=True, slots=True)
class _Case:
    """One height and class over the cells about a place."""

    stage: Stage
    grid: Grid
    condition: Condition
    height_agl_m: float
    target_class: TargetClass
    rule: Confirming
    required: float

    @property
    def _standing(self) -> list[Placed]:
        return [one for one in self.stage.sensors if not one.candidate]

    def nearest_first(self) -> list[tuple[str, float]]:
        """Return the sensors and their distance (km) from the way in, nearest first."""
        way = self.grid.ground_enu_m[:, self.grid.shape[1] // 2]
        apart = [
            (one.id, float(np.linalg.norm(way - one.position_enu_m, axis=1).min()) / 1e3)
            for one in self._standing
        ]
        return sorted(apart, key=lambda pair: pair[1])

    def reasons(self) -> tuple[tuple[str, str, float], ...]:
        """Return by kind of sensor the commonest reason not to see the target on its way in.

        Of several sensors of a kind, at each point of the way the one counts that comes
        nearest to seeing it.
        """
        middle = self.grid.shape[1] // 2
        grid = part_of(self.grid, middle, middle + 1)
        kind = ProbeKind.of(self.target_class, self.stage.targets, self.condition)
        surroundings = self.stage.under(self.condition)
        best: dict[str, Bytes] = {}
        for placed in self._standing:
            if not placed.may_see(grid.ground_enu_m[:, 0]):
                continue
            for sensor in placed.build(0, surroundings, self.stage.sights):
                cell = cells_in_reach(grid, sensor)
                if not cell.size:
                    continue
                axes = grid.axes.reshape(-1, 3, 3)[cell]
                ground = grid.ground_enu_m.reshape(-1, 3)[cell]
                probes = kind.at(ground + self.height_agl_m * axes[:, :, 2])
                velocity = velocity_of(axes, grid.inward_rad.ravel()[cell], kind.speed_mps)
                truth = probes.truth_of(self.stage.time_s, velocity)
                _, code = sensor.visibility(probes, truth)
                code = code[probes.own :]
                code[code == Visibility.UNRESOLVED] = Visibility.VISIBLE  # probes among themselves
                nowhere = np.full(grid.shape[0], Visibility.ABSENT, np.uint8)
                so_far = best.setdefault(placed.kind, nowhere)
                so_far[cell] = np.maximum(so_far[cell], code)
        found = []
        for name, code in best.items():
            code[code == Visibility.ABSENT] = Visibility.BEYOND_RANGE
            reason, rows = (
                Counter(code[code != Visibility.VISIBLE].tolist()).most_common(1)[0]
                if (code != Visibility.VISIBLE).any()
                else (None, 0)
            )
            if reason is not None:
                found.append((name, _WORDS[Visibility(reason)], rows / code.size))
        return tuple(sorted(found, key=lambda each: -each[2]))

    def mend(self) -> Mend | None:
        """Return the cheapest of what might be bought that is enough, else what helps most."""
        network = self._network(self._standing)
        before = self._worst(network)
        if before >= 1.0 - _HELPS:
            return None
        tried = []
        for what, bought, cost in self._offers():
            after = network.copy()
            after.add_all(bought)
            worst = self._worst(after)
            tried.append(Mend(what, len(bought), before, worst, cost, worst >= self.required))
        helping = [one for one in tried if one.tracked > before + _HELPS]
        if not helping:
            return None
        enough = [one for one in helping if one.enough]
        if enough:
            return min(enough, key=lambda one: (sum(one.cost_keur), -one.tracked))
        return max(helping, key=lambda one: (round(one.tracked, 2), -sum(one.cost_keur)))

    def _network(self, sensors: Sequence[Placed]) -> Network:
        look = Look.on(
            self.stage, self.grid, self.condition, [self.height_agl_m], [self.target_class], 1
        )
        network = Network(look, [one.id for one in sensors])
        network.add_all(sensors)
        return network

    def _worst(self, network: Network) -> float:
        volume = network.volume()
        tracked, _ = crossings(
            volume.inward_per_s[0, 0],
            volume.look_s[0, 0],
            cell_m=self.grid.cell_m,
            speed_mps=float(volume.speeds_mps[0]),
            hits=self.rule.hits,
            looks=self.rule.looks,
            required=self.required,
        )
        return float(tracked.min())

    def _offers(self) -> Iterator[tuple[str, list[Placed], Range]]:
        """Return what might be bought: candidate sites near by, else more of what there is."""
        middle = self.grid.shape[1] // 2
        way = self.grid.ground_enu_m[:, middle]
        near = {
            one.site for one in self.stage.sensors if one.candidate and one.may_see(way, ranges=1.0)
        }
        for site in self.stage.spec.coverage.candidates:
            if site.id in near:
                bought = [
                    one for one in self.stage.sensors if one.candidate and one.site == site.id
                ]
                yield f"candidate {site.id}", bought, cost_of_site(site)
        if near:
            return
        kinds = {(one.kind, getattr(one.spec, "preset", None)): one for one in self._standing}
        for (kind, preset), like in kinds.items():
            mast_m = self._above_ground_m(like.position_enu_m)
            cost = cost_of_sensor(like.spec)
            for share in _DEPTHS:
                row = round(share * (self.grid.shape[0] - 1))
                along = self.grid.axes[row, middle, :, 0]  # some way to be apart
                for count in range(1, _MOST_OF_A_KIND + 1):
                    places = [way[row] + _SPREAD_M[i] * along for i in range(count)]
                    bought = [self._stood(like, place, mast_m, i) for i, place in enumerate(places)]
                    depth_km = (row + 0.5) * self.grid.cell_m * 1e-3
                    name = preset or kind
                    what = f"{count} more {name}, {depth_km:.0f} km inside the line"
                    yield what, bought, total([cost] * count)

    def _above_ground_m(self, place_enu_m: Floats) -> float:
        surroundings = self.stage.surroundings
        height_m = float(surroundings.frame.height_m_of(place_enu_m))
        return height_m - float(surroundings.ground_m(place_enu_m))

    def _stood(self, like: Placed, place_enu_m: Floats, mast_m: float, number: int) -> Placed:
        """Return a sensor like another one near a place, its mast on the ground there."""
        up = self.stage.surroundings.frame.local_axes(place_enu_m)[:, 2]
        lift_m = max(mast_m, 1.0) - self._above_ground_m(place_enu_m)
        name = f"bought-{number + 1}"
        return replace(like, id=name, site=name, position_enu_m=place_enu_m + lift_m * up)


def in_words(place: WeakPlace, required: float) -> str:
    """Return a weak place in sentences."""
    nearest, apart_km = place.nearest
    text = (
        f"kilometre {place.km:.0f} ({place.latitude_deg:.3f} north, {place.longitude_deg:.3f} "
        f"east): a {place.target_class} at {place.height_agl_m:g} m is tracked with "
        f"{place.tracked:.0%} before it is through, {place.tracked_after_loss:.0%} if the sensor "
        f"that matters most there fails. The nearest sensor, {nearest}, is {apart_km:.1f} km from "
        "its way."
    )
    if place.why:
        told = (f"{kind}: {share:.0%} of the way {why}" for kind, why, share in place.why)
        reasons = "; ".join(told)
        text += f" Not seen by {reasons}."
    if place.mend is None and place.tracked >= required:
        return text + " That is enough: nothing is to be mended there."
    if place.mend is None:
        return text + " Nothing that was tried would help."
    what = place.mend
    end = (
        f"from {what.before:.0%} to {what.tracked:.0%} within half a kilometre, for "
        f"{costs_in_words(what.cost_keur)}"
    )
    if what.enough:
        return text + f" {what.what.capitalize()} would bring it {end}."
    return text + f" Best of what was tried, {what.what}: {end}; {required:.0%} is not reached."
