"""All targets of a scenario, and where they are at any time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.core.geodesy import ecef_from_geodetic, ecef_R_local
from sim.core.tables import Affiliation, Bytes, Floats, Truth
from sim.world.attackers import Attackers, build_attackers
from sim.world.ballistic import arc_between
from sim.world.clearance import check_over_ground
from sim.world.corners import Limits
from sim.world.electronic_attack import GroundEmitter
from sim.world.flight import Flight
from sim.world.formation import (
    formation_offsets_m,
    members,
    spread_offsets_m,
    trail_delays_s,
)
from sim.world.frames import Frame
from sim.world.recorded import read_recorded
from sim.world.relief import Relief
from sim.world.route import plan_route
from sim.world.signatures import Signatures, signatures_of
from sim.world.spec import Position
from sim.world.surroundings import Ground, height_above_ellipsoid_m
from sim.world.targets import Ballistic, TargetSpec
from sim.world.trajectories import Knots, Trajectories, sample_adaptively

#: Gives each target's id its own, stable random generator.
RngFor = Callable[[str], np.random.Generator]


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """Single targets, one row each; groups are expanded.

    Attributes
    ----------
    ids : own id; ``group/1``, ``group/2``, … if the group has several
    groups : id in the scenario
    classes : target class
    affiliation : (N,) ``Affiliation``
    signatures : what makes each seen and heard
    trajectories : their paths
    dropped_rows : for each recorded flight that had any, the rows dropped by reason
    attackers : what they, and emitters on the ground, do to sensors
    """

    ids: tuple[str, ...]
    groups: tuple[str, ...]
    classes: tuple[str, ...]
    affiliation: Bytes
    signatures: Signatures
    trajectories: Trajectories
    dropped_rows: dict[str, dict[str, int]] = field(default_factory=dict)
    attackers: Attackers = field(default_factory=Attackers)

    def __len__(self) -> int:
        return len(self.ids)

    def truth(self, time_s: float) -> Truth:
        """Return where all targets are at one time; ghosts are not there."""
        truth, ghost = self.trajectories.truth(time_s), self.signatures.ghost
        if ghost.any():
            truth.present[ghost] = False
            truth.position_enu_m[ghost] = np.nan
            truth.velocity_enu_mps[ghost] = np.nan
        return truth

    def at(self, time_s: ArrayLike, target: NDArray[np.integer]) -> tuple[Floats, Floats]:
        """Return positions and velocities (K, 3) for pairs of time and target (K,).

        Of a ghost, where its reports claim it to be.
        """
        return self.trajectories.at(time_s, target)

    def ended(self, rows: Sequence[int], time_s: float) -> Targets:
        """Return the targets with some of them gone after a time."""
        return replace(self, trajectories=self.trajectories.ended(rows, time_s))

    def standing(self, time_s: Floats, place_enu_m: Floats) -> tuple[Floats, Floats]:
        """Return positions and velocities (K, 3), among the targets, of what stands at (3,)."""
        return np.tile(place_enu_m, (time_s.size, 1)), np.zeros((time_s.size, 3))


def build_targets(
    specs: Sequence[TargetSpec],
    frame: Frame,
    ground: Ground,
    folder: Path,
    rng_for: RngFor,
    duration_s: float,
    emitters: Sequence[GroundEmitter] = (),
) -> Targets:
    """Compile all targets' paths.

    Parameters
    ----------
    specs
        Targets of the scenario.
    frame
        The scenario's frame.
    ground
        The height of the ground.
    folder
        Where paths of recorded flights start: the scenario file's folder.
    rng_for
        Returns the generator of a target's id; only swarms draw from it.
    duration_s
        Until when targets with ``at_end: stay`` stay.
    emitters
        Jammers and spoofers on the ground.

    Raises
    ------
    ValueError
        If a path cannot be flown, leaves the terrain or meets the ground, or a recording cannot
        be read; names the target.
    """
    paths: list[Knots] = []
    owners: list[TargetSpec] = []
    dropped_rows: dict[str, dict[str, int]] = {}
    for spec in specs:
        try:
            if spec.recorded:
                recorded = read_recorded(folder / spec.recorded.file, spec.recorded)
                found = [recorded.knots(frame)]
                if recorded.dropped():
                    dropped_rows[spec.id] = recorded.dropped()
            else:
                found = _paths(spec, frame, ground, rng_for, duration_s)
            if isinstance(ground, Relief):
                for knots in found:
                    check_over_ground(knots, frame, ground, above=False)
        except ValueError as error:
            raise ValueError(f"target {spec.id}: {error}") from error
        paths += found
        owners += [spec] * len(found)
    return Targets(
        tuple(
            f"{spec.id}/{k + 1}" if spec.count > 1 else spec.id
            for spec in specs
            for k in range(spec.count)
        ),
        tuple(spec.id for spec in owners),
        tuple(spec.target_class for spec in owners),
        np.array([Affiliation[spec.affiliation.upper()] for spec in owners], np.uint8),
        signatures_of(owners),
        Trajectories.join(paths),
        dropped_rows,
        build_attackers(owners, emitters, lambda place: _enu_m(place, frame, ground)),
    )


def _enu_m(position: Position, frame: Frame, ground: Ground) -> Floats:
    height_m = height_above_ellipsoid_m(position, ground)
    latitude, longitude = np.radians(position.latitude_deg), np.radians(position.longitude_deg)
    return frame.from_geodetic(latitude, longitude, height_m)


def _paths(
    spec: TargetSpec,
    frame: Frame,
    ground: Ground,
    rng_for: RngFor,
    duration_s: float,
) -> list[Knots]:
    offsets_m = np.zeros((spec.count, 3))
    if spec.formation:
        offsets_m = formation_offsets_m(spec.formation, spec.count)
    elif spec.spread:
        offsets_m = spread_offsets_m(spec.spread, spec.count, rng_for(spec.id))
    if spec.ballistic:
        paths = [
            _ballistic(spec.ballistic, spec.start_s, frame, ground, offset_m)
            for offset_m in offsets_m
        ]
        speed_mps = float(np.linalg.norm(paths[0].velocity_enu_mps[0]))
    else:
        flight, speed_mps = _flight(spec, ground)
        if isinstance(ground, Relief):
            (leader,) = members(flight, frame, np.zeros((1, 3)), speed_mps)
            check_over_ground(leader, frame, ground, above=True)
        paths = members(flight, frame, offsets_m, speed_mps)
    delays_s = trail_delays_s(spec.formation, spec.count, speed_mps)
    paths = [path.delayed(delay_s) for path, delay_s in zip(paths, delays_s, strict=True)]
    if spec.at_end == "stay":
        return [path.resting_until(duration_s) for path in paths]
    return paths


def _flight(spec: TargetSpec, ground: Ground) -> tuple[Flight, float]:
    """Return the leader's flight, and its speed at the first waypoint."""

    def limit(key: str) -> float:
        given = getattr(spec.motion, key)
        return float(spec.characteristic(key) if given is None else given)

    route = spec.route or []
    limits = Limits(
        limit("speed_mps"),
        float(np.radians(limit("turn_rate_deg_per_s"))),
        limit("climb_rate_mps"),
        limit("acceleration_mps2"),
        bool(spec.characteristic("hovers")),
    )
    flight = plan_route(
        route,
        limits,
        start_s=spec.start_s,
        ground=ground,
        rest_at_end=spec.at_end == "stay",
    )
    return flight, getattr(route[0], "speed_mps", None) or limits.speed_mps


def _ballistic(
    spec: Ballistic, start_s: float, frame: Frame, ground: Ground, offset_m: Floats
) -> Knots:
    """Return a ballistic arc with launch and impact moved by an offset east, north and up."""

    def place(position: Position) -> Floats:
        latitude, longitude = np.radians(position.latitude_deg), np.radians(position.longitude_deg)
        height_m = height_above_ellipsoid_m(position, ground)
        moved: Floats = ecef_R_local(latitude, longitude) @ offset_m
        return ecef_from_geodetic(latitude, longitude, height_m) + moved

    arc = arc_between(
        place(spec.launch),
        place(spec.impact),
        apogee_m=None if spec.apogee_km is None else 1000 * spec.apogee_km,
        flight_time_s=spec.flight_time_s,
    )

    def path(time_s: Floats) -> tuple[Floats, Floats]:
        position, velocity = arc.at(time_s)
        return frame.from_ecef(position), velocity @ frame.enu_R_ecef.T

    time_s, position, velocity = sample_adaptively(path, np.array([0.0, arc.duration_s]))
    return Knots.without_gaps(start_s + time_s, position, velocity)
