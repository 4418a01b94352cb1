"""Scenario → the stage of its defence: effectors, nodes, what is protected, who sees what."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sensors.aboard import Carrier
from sensors.registry import Sensor
from sim.core.tables import Bools, Floats, Indices, Ints, Truth
from sim.defence.command import ALONE, Nodes
from sim.defence.effectors import ENDLESS, CaveatFlag, Effectors
from sim.defence.planner import Doctrine
from sim.defence.room import Stage
from sim.defence.rules import Restrictions, Weapons
from sim.defence.threats import Assets
from sim.engine.grounds import enu_of, on_the_ground
from sim.engine.sharing import Groups, groups_of
from sim.record.setting import EffectorFacts
from sim.scenario.along import standing_sites
from sim.scenario.defending import Defence, Node
from sim.scenario.effector_spec import CREWED, EffectorSpec
from sim.scenario.protecting import Corridor, Line
from sim.scenario.specs import Scenario
from sim.world.course import cross_sections
from sim.world.surroundings import Surroundings
from sim.world.targets import CLASS_NAMES
from sim.world.truth import Targets

#: Long protected things are watched over as places so far from each other, and as wide.
_SPACING_M = 10_000.0
#: 4/3 of the earth's radius: radio and, near enough, light.
_EFFECTIVE_RADIUS_M = 4.0 / 3.0 * 6_371_000.0
#: Points of the way at which the ground is asked whether it stands in it.
_SAMPLES = 24


@dataclass(frozen=True, slots=True)
class Defended:
    """The defence of a compiled scenario.

    Attributes
    ----------
    stage : what the defence is
    groups : whose sensors feed whose picture
    """

    stage: Stage
    groups: Groups

    def places(self, truth: Truth) -> Floats:
        """Return where effectors are (E, 3); NaN for one whose carrier is not there."""
        effectors = self.stage.effectors
        places = effectors.position_enu_m.copy()
        carried = np.flatnonzero(effectors.carrier >= 0)
        places[carried] = truth.position_enu_m[effectors.carrier[carried]]
        return places


def build_defence(
    spec: Scenario,
    surroundings: Surroundings,
    targets: Targets,
    sensors: Sequence[Sensor],
    classes: tuple[str, ...],
    links_down_s: dict[str, tuple[tuple[float, float], ...]],
) -> Defended | None:
    """Compile the defence of a checked scenario; None if it has none.

    Parameters
    ----------
    classes : that the picture tells tracks from
    links_down_s : by network, when it is out or drowned
    """
    defence = spec.defence
    if defence is None:
        return None
    listed = [one for given in defence.effectors for one in expanded(given)]
    nodes = _nodes(defence.nodes)
    node_rows = {name: k for k, name in enumerate(nodes.id)}
    node = np.array([node_rows.get(one.node or "", ALONE) for one in listed], np.int32)
    down = tuple(links_down_s.get(one.network or "", ()) for one in listed)
    sensor_row = {sensor.id: k for k, sensor in enumerate(sensors)}
    nation_of = {site.id: site.nation for _, site in standing_sites(spec)}
    on_their_own = [
        bool(windows) or (k != ALONE and bool(nodes.lost_s[k]))
        for windows, k in zip(down, node, strict=True)
    ]
    groups = groups_of(
        defence,
        listed,
        [nation_of.get(sensor.site) for sensor in sensors],
        lambda ids: [sensor_row[name] for name in ids],
        on_their_own,
    )
    effectors = _effectors(
        spec, defence, listed, surroundings, targets, classes, node, groups, sensor_row
    )
    planner, doubt = defence.planner, defence.doubt
    levels = tuple(
        (level.hostile_tracks, Weapons[level.weapons.upper()]) for level in defence.escalation
    )
    stage = Stage(
        effectors=effectors,
        nodes=nodes,
        assets=_assets(spec, surroundings),
        restrictions=_restrictions(defence, surroundings),
        doctrine=Doctrine(
            method=planner.method,
            interval_s=planner.interval_s,
            look_first=planner.doctrine == "shoot-look-shoot",
            shots_max=planner.shots_max,
            hold_back=planner.hold_back,
            keep_for_value=planner.keep_for_value,
            value_per_keur=1e-3 * planner.cost_weight,
            price_of_error=doubt.engaged,
        ),
        levels=levels or ((0, Weapons.TIGHT),),
        calm_s=defence.calm_s,
        alone=Weapons[defence.alone.upper()],
        unknown_hostility=doubt.hostile_if_unknown,
        links_down_s=down,
        local=groups.own,
        groups=groups.shared,
        classes=classes,
        crewed=CREWED,
        frame=surroundings.frame,
        sees=LineOfSight(surroundings, effectors),
    )
    return Defended(stage, groups)


def effector_facts(stage: Stage, carriers: Sequence[str] = ()) -> tuple[EffectorFacts, ...]:
    """Return what is recorded of the effectors, carriers by the targets' ids."""
    one = stage.effectors
    return tuple(
        EffectorFacts(
            id=one.id[k],
            kind=one.kind[k],
            layer=one.layer[k],
            nation=one.nation[k],
            node=stage.nodes.id[one.node[k]] if one.node[k] != ALONE else "",
            position_enu_m=(
                float(one.position_enu_m[k, 0]),
                float(one.position_enu_m[k, 1]),
                float(one.position_enu_m[k, 2]),
            ),
            carrier=carriers[one.carrier[k]] if one.carrier[k] >= 0 else None,
            range_min_m=float(one.range_min_m[k]),
            range_max_m=float(one.range_max_m[k]),
            height_min_m=float(one.height_min_m[k]),
            height_max_m=float(one.height_max_m[k]),
            channels=int(one.channels[k]),
            magazine=None if one.magazine[k] == ENDLESS else int(one.magazine[k]),
            cost_keur=float(one.cost_keur[k]),
            assessment_s=float(one.assessment_s[k]),
        )
        for k in range(len(one))
    )


def expanded(spec: EffectorSpec) -> list[EffectorSpec]:
    """Return the single effectors that one entry stands for."""
    if not spec.positions:
        return [spec]
    return [
        spec.model_copy(update={"id": f"{spec.id}-{k + 1}", "position": place, "positions": ()})
        for k, place in enumerate(spec.positions)
    ]


def _nodes(specs: Sequence[Node]) -> Nodes:
    rows = {node.id: k for k, node in enumerate(specs)}
    return Nodes(
        id=tuple(rows),
        delay_s=np.array([node.delay_s for node in specs]),
        decisions_per_s=np.array(
            [
                math.inf if node.decisions_per_min is None else node.decisions_per_min / 60.0
                for node in specs
            ]
        ),
        weapons=np.array(
            [-1 if node.weapons is None else Weapons[node.weapons.upper()] for node in specs],
            np.int32,
        ),
        lost_s=tuple(node.lost_s for node in specs),
        takeover=np.array([rows.get(node.takeover or "", ALONE) for node in specs], np.int32),
        takeover_s=np.array([node.takeover_s for node in specs]),
    )


def _effectors(
    spec: Scenario,
    defence: Defence,
    listed: Sequence[EffectorSpec],
    surroundings: Surroundings,
    targets: Targets,
    classes: tuple[str, ...],
    node: Ints,
    groups: Groups,
    sensor_row: dict[str, int],
) -> Effectors:
    frame = surroundings.frame
    rows = {name: k for k, name in enumerate(targets.ids)}
    carrier = np.array([rows.get(one.aboard or "", -1) for one in listed], np.int32)
    places = np.array(
        [
            enu_of(surroundings, one.position)
            if one.position is not None
            else Carrier(int(row), 0.0).place(
                targets.trajectories.knots[targets.trajectories.first_knot[row], 1:4], surroundings
            )
            for one, row in zip(listed, carrier, strict=True)
        ]
    ).reshape(-1, 3)
    nation = tuple(one.nation or "" for one in listed)
    orders = {territory.nation: territory for territory in defence.territories}
    chance = np.array([one.probabilities() for one in listed]).reshape(-1, len(CLASS_NAMES))
    other = [one.kill_probability.get("other", 0.0) for one in listed]

    def column(name: str, scale: float = 1.0, missing: float = math.nan) -> Floats:
        values = [getattr(one, name) for one in listed]
        return np.array([missing if v is None else scale * v for v in values], float)

    def caveats(one: EffectorSpec) -> int:
        given = orders[one.nation].caveats if one.nation in orders else ()
        words = {*one.caveats, *given}
        return sum(int(CaveatFlag[word.replace("-", "_").upper()]) for word in words)

    return Effectors(
        id=tuple(one.id for one in listed),
        kind=tuple(one.kind for one in listed),
        layer=tuple(one.preset or one.kind for one in listed),
        nation=nation,
        node=node,
        group=groups.of_effector,
        position_enu_m=places,
        carrier=carrier,
        range_min_m=column("range_min_km", 1e3),
        range_max_m=column("range_max_km", 1e3),
        height_min_m=column("height_min_m"),
        height_max_m=column("height_max_m"),
        speed_mps=column("speed_mps", missing=math.inf),
        dwell_s=column("dwell_s"),
        reaction_s=column("reaction_s"),
        assessment_s=column("assessment_s"),
        interval_s=column("interval_s"),
        reload_s=column("reload_s", missing=math.inf),
        channels=column("channels").astype(np.int32),
        magazine=column("magazine", missing=ENDLESS).astype(np.int32),
        sigma_max_m=column("track_sigma_max_m"),
        basket_m=column("basket_m"),
        line_of_sight=np.array([one.line_of_sight for one in listed], np.bool_),
        listens_only=np.array([one.listens_only for one in listed], np.bool_),
        soft=np.array([one.kind == "jammer" for one in listed], np.bool_),
        kill_probability=chance,
        kill_told=np.array(
            [
                [one.kill_probability.get(name, rest) for name in classes]  # type: ignore[call-overload]
                for one, rest in zip(listed, other, strict=True)
            ]
        ).reshape(len(listed), len(classes)),
        kill_unknown=np.array(other),
        cost_keur=column("cost_keur"),
        own_sensors=np.array([_bits(one.sensors, sensor_row) for one in listed], np.uint64),
        caveats=np.array([caveats(one) for one in listed], np.int32),
        territory=tuple(
            on_the_ground(orders[name].area, frame)
            if name in orders and orders[name].area
            else np.empty((0, 2))
            for name in nation
        ),
    )


def _bits(sensors: Sequence[str], sensor_row: dict[str, int]) -> int:
    """Return bits as in ``Tracks.sensors``."""
    bits = 0
    for name in sensors:
        bits |= 1 << (sensor_row[name] % 64)
    return bits


def _restrictions(defence: Defence, surroundings: Surroundings) -> Restrictions:
    places = on_the_ground([one.position for one in defence.restricted], surroundings.frame)
    ground_m = surroundings.frame.height_m
    return Restrictions(
        position_m=places,
        radius_m=np.array([1e3 * one.radius_km for one in defence.restricted]),
        ceiling_height_m=np.array(
            [
                math.inf if one.ceiling_m is None else ground_m + one.ceiling_m
                for one in defence.restricted
            ]
        ),
        friend_clearance_m=1e3 * defence.friend_clearance_km,
        self_defence_m=1e3 * defence.self_defence_km,
    )


def _assets(spec: Scenario, surroundings: Surroundings) -> Assets:
    """Return what is protected as places: points as they are, lines and corridors in pieces."""
    owner: list[int] = []
    places: list[Floats] = []
    radii: list[float] = []
    for k, thing in enumerate(spec.protect):
        if isinstance(thing, Line):
            inner = cross_sections(thing.vertices_deg, thing.threat_from, 1e3 * thing.depth_km)[1]
            corners = surroundings.frame.from_geodetic(
                inner[:, 0], inner[:, 1], surroundings.frame.height_m
            )
            found, radius_m = _pieces(corners), 0.5 * _SPACING_M
        elif isinstance(thing, Corridor):
            found = _pieces(np.array([enu_of(surroundings, place) for place in thing.path]))
            radius_m = 500.0 * thing.width_km
        else:
            found, radius_m = (
                [np.array(enu_of(surroundings, thing.position))],
                1e3 * thing.radius_km,
            )
        owner += [k] * len(found)
        places += found
        radii += [radius_m] * len(found)
    return Assets(
        np.array(owner, np.int32),
        np.array(places).reshape(-1, 3),
        np.array(radii),
        np.array([spec.protect[k].value for k in owner]),
    )


def _pieces(corners: Floats) -> list[Floats]:
    found = [corners[0]]
    for here, there in pairwise(corners):
        count = max(1, math.ceil(float(np.linalg.norm(there - here)) / _SPACING_M))
        found += [here + (there - here) * (k + 1) / count for k in range(count)]
    return found


class LineOfSight:
    """Which tracks effectors see that must see what they shoot at: over the earth and its relief.

    Parameters
    ----------
    surroundings : of the scenario
    effectors : all of them
    """

    def __init__(self, surroundings: Surroundings, effectors: Effectors) -> None:
        self._surroundings = surroundings
        self._effectors = effectors

    def __call__(
        self, rows: Indices, places_enu_m: Floats, position_enu_m: Floats, height_m: Floats
    ) -> Bools:
        """Return (E, M); always true of effectors that need not see, and beyond their reach."""
        free = np.ones((rows.size, position_enu_m.shape[0]), np.bool_)
        for at in np.flatnonzero(self._effectors.line_of_sight[rows]):
            away = position_enu_m - places_enu_m[at]
            distance_m = np.linalg.norm(away, axis=1)
            near = np.flatnonzero(distance_m <= 2.0 * self._effectors.range_max_m[rows[at]])
            if near.size:
                free[at, near] = self._over_ground(places_enu_m[at], position_enu_m[near])
        return free

    def _over_ground(self, place_enu_m: Floats, position_enu_m: Floats) -> Bools:
        share = (np.arange(_SAMPLES) + 0.5) / _SAMPLES
        way = place_enu_m + share[:, None, None] * (position_enu_m - place_enu_m)
        length_m = np.linalg.norm(position_enu_m - place_enu_m, axis=1)
        height_m = self._surroundings.frame.height_m_of(way)
        # A ray bends with the earth: it passes higher over it than the straight line.
        square = share[:, None] * (1.0 - share[:, None]) * length_m**2
        lifted_m = height_m + 0.5 * square * (1.0 / 6_371_000.0 - 1.0 / _EFFECTIVE_RADIUS_M)
        ground_m = self._surroundings.ground_m(way)
        # Its own place is above ground by being there.
        clear: Bools = (np.isnan(ground_m) | (lifted_m > ground_m - 1.0)).all(axis=0)
        return clear
