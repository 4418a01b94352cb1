"""Scenario → World."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from sensors.aboard import Carrier
from sensors.mount import Mount
from sensors.registry import Sensor, build_sensors
from sensors.strobe import Strobe
from sim.core.tables import Affiliation, Floats
from sim.engine.defending import build_defence, effector_facts
from sim.engine.grounds import enu_of, grounds_of
from sim.engine.hindrance import SECTORS, hindered
from sim.engine.platforms import Platforms
from sim.engine.sensor_models import echo_facts, sensor_models
from sim.engine.world import SiteSensors, World
from sim.network.jamming import jammed_windows
from sim.picture.class_models import generic_models
from sim.record.setting import LinkFacts, ProtectedFacts, SensorFacts, Setting, TargetFacts
from sim.scenario.along import standing_sites
from sim.scenario.loader import LoadedScenario
from sim.scenario.protecting import Corridor, Line
from sim.scenario.sites import Network, Site
from sim.scenario.specs import Scenario
from sim.world.chance import Chance
from sim.world.course import cross_sections
from sim.world.frames import Frame
from sim.world.surroundings import Surroundings
from sim.world.terrain import build_ground
from sim.world.truth import Targets, build_targets


def build(scenario: LoadedScenario) -> World:
    """Compile a checked scenario; raises as ``build_spec``."""
    return build_spec(scenario.spec, scenario.folder)


def build_spec(spec: Scenario, folder: Path) -> World:
    """Compile a checked scenario whose references to files start in a folder.

    Raises
    ------
    ValueError
        If terrain cannot be used, a sensor is below it, a route cannot be flown or a recorded
        flight cannot be read; names which.
    """
    area = spec.area
    frame = Frame.at(
        math.radians(area.latitude_deg), math.radians(area.longitude_deg), area.height_m
    )
    ground = build_ground(
        area.terrain, frame.latitude_rad, frame.longitude_rad, area.height_m, folder
    )
    surroundings = Surroundings(frame, ground, spec.environment, spec.time.start)
    chance = Chance(spec.seed)
    targets = build_targets(
        spec.targets,
        frame,
        ground,
        folder,
        lambda name: chance.generator(f"target/{name}"),
        spec.time.duration_s,
        spec.emitters,
    )
    sensors, kinds, carriers, sites = _sites(spec, surroundings, targets)
    blinded = hindered(sensors, targets)
    record_every = max(1, math.ceil(spec.record.interval_s / spec.tracker.cycle_s - 1e-9))
    platforms = Platforms(carriers, surroundings, blinded)
    setting = _setting(spec, surroundings, targets, sensors, kinds, sites)
    defended = build_defence(
        spec, surroundings, targets, sensors, setting.classes, _down(spec, targets, surroundings)
    )
    if defended is not None:
        setting = replace(setting, effectors=effector_facts(defended.stage, targets.ids))
    return World(
        spec=spec,
        folder=folder,
        setting=setting,
        frame=frame,
        targets=targets,
        sensors=sensors,
        platforms=platforms,
        models=sensor_models(
            sensors, surroundings, SECTORS if blinded.size else 1, platforms.moving.tolist()
        ),
        echoes=echo_facts(sensors, surroundings.frame, platforms.moving.tolist()),
        grounds=grounds_of(spec, surroundings),
        sites=sites,
        step_s=spec.record.interval_s / record_every,
        record_every=record_every,
        defended=defended,
    )


def _sites(
    spec: Scenario, surroundings: Surroundings, targets: Targets
) -> tuple[
    tuple[Sensor, ...], tuple[str, ...], tuple[Carrier | None, ...], tuple[SiteSensors, ...]
]:
    """Return the sensors, the kind and the carrier of each, and the sites."""
    networks = {network.id: network for network in spec.networks}
    sensors: list[Sensor] = []
    kinds: list[str] = []
    carriers: list[Carrier | None] = []
    sites = []
    for _, site in standing_sites(spec):
        carrier = None
        if site.position is not None:
            place = np.array(enu_of(surroundings, site.position))
        else:
            carrier, place = _carrier(site, surroundings, targets)
        row = -1 if carrier is None else carrier.target
        first = len(sensors)
        for sensor in site.sensors:
            mount = Mount(len(sensors), site.id, place, row)
            try:
                built = build_sensors(sensor, mount, surroundings)
            except ValueError as error:
                raise ValueError(f"sensor {sensor.id}: {error}") from error
            sensors += built
            kinds += ["strobe" if isinstance(one, Strobe) else sensor.kind for one in built]
            carriers += [carrier] * len(built)
        link = networks[site.network] if site.network else Network(id="at-once")
        own = np.arange(first, len(sensors), dtype=np.int32)
        sites.append(
            SiteSensors(
                id=site.id,
                sensors=own,
                latency_s=link.latency_s,
                loss=link.loss,
                outages=tuple(link.outages),
                outage_loss=link.outage_loss,
                jammed=_drowned(link, spec, targets, surroundings),
            )
        )
    return tuple(sensors), tuple(kinds), tuple(carriers), tuple(sites)


def _carrier(site: Site, surroundings: Surroundings, targets: Targets) -> tuple[Carrier, Floats]:
    """Return what carries a site, and where its sensors are when the carrier's path begins.

    A carrier that is not among the targets leaves them over the frame's origin.
    """
    if site.aboard not in targets.ids:
        return Carrier(-1, site.mast_m), np.array([0.0, 0.0, site.mast_m])
    row = targets.ids.index(site.aboard)
    paths = targets.trajectories
    carrier = Carrier(row, site.mast_m)
    return carrier, carrier.place(paths.knots[paths.first_knot[row], 1:4], surroundings)


def _drowned(
    link: Network, spec: Scenario, targets: Targets, surroundings: Surroundings
) -> tuple[tuple[float, float], ...]:
    """Return when noise jammers drown a link."""
    if link.radio is None or not targets.attackers.noise:
        return ()
    receiver = np.array(enu_of(surroundings, link.radio.receiver))
    return jammed_windows(
        link.radio, receiver, targets, surroundings, spec.time.duration_s, spec.record.interval_s
    )


def _down(
    spec: Scenario, targets: Targets, surroundings: Surroundings
) -> dict[str, tuple[tuple[float, float], ...]]:
    """Return when each network is out or drowned."""
    return {
        link.id: tuple(link.outages) + _drowned(link, spec, targets, surroundings)
        for link in spec.networks
    }


def _setting(
    spec: Scenario,
    surroundings: Surroundings,
    targets: Targets,
    sensors: tuple[Sensor, ...],
    kinds: tuple[str, ...],
    sites: tuple[SiteSensors, ...],
) -> Setting:
    frame = surroundings.frame
    aboard = {site.id: site.aboard for _, site in standing_sites(spec)}
    grouped = {target.id for target in spec.targets if target.judged == "group"}
    return Setting(
        scenario=spec.name,
        title=spec.title or spec.name,
        start=spec.time.start.isoformat().replace("+00:00", "Z"),
        duration_s=spec.time.duration_s,
        origin_latitude_rad=frame.latitude_rad,
        origin_longitude_rad=frame.longitude_rad,
        origin_height_m=frame.height_m,
        sensors=tuple(
            _sensor_facts(sensor, kind, aboard[sensor.site])
            for sensor, kind in zip(sensors, kinds, strict=True)
        ),
        targets=tuple(
            TargetFacts(
                id=id_,
                group=group,
                target_class=class_,
                affiliation=Affiliation(affiliation).name.lower(),
                judged_as=group if group in grouped else id_,
            )
            for id_, group, class_, affiliation in zip(
                targets.ids,
                targets.groups,
                targets.classes,
                targets.affiliation.tolist(),
                strict=True,
            )
        ),
        protected=tuple(_protected_facts(spec, surroundings)),
        classes=generic_models().names if spec.picture.classification else (),
        links=tuple(
            LinkFacts(site.id, site.outages, site.jammed, site.outage_loss)
            for site in sites
            if site.outages or site.jammed
        ),
    )


def _sensor_facts(sensor: Sensor, kind: str, carrier: str | None) -> SensorFacts:
    east, north, up = sensor.origin_enu_m
    first_azimuth_rad = sensor.beam_azimuth_rad(0.0)
    return SensorFacts(
        id=sensor.id,
        kind=kind,
        site=sensor.site,
        position_enu_m=(float(east), float(north), float(up)),
        range_max_m=float(sensor.range_max_m),
        period_s=float(sensor.period_s),
        first_azimuth_rad=None if math.isnan(first_azimuth_rad) else first_azimuth_rad,
        carrier=carrier,
        measured=sensor.measured.name.lower(),
    )


def _protected_facts(spec: Scenario, surroundings: Surroundings) -> list[ProtectedFacts]:
    facts = []
    for thing in spec.protect:
        if isinstance(thing, Line):
            facts.append(_line_facts(thing, surroundings.frame))
            continue
        if isinstance(thing, Corridor):
            path, radius_m = thing.path, 500.0 * thing.width_km
        else:
            path, radius_m = (thing.position,), 1e3 * thing.radius_km
        places = tuple(enu_of(surroundings, place) for place in path)
        facts.append(ProtectedFacts(thing.id, thing.kind, places, radius_m, value=thing.value))
    return facts


def _line_facts(line: Line, frame: Frame) -> ProtectedFacts:
    """Return the edges of a line's band, at the height of the frame's origin, to a decimetre."""
    depth_m = 1e3 * line.depth_km
    outer, inner = (
        frame.from_geodetic(edge[:, 0], edge[:, 1], frame.height_m).round(1).tolist()
        for edge in cross_sections(line.vertices_deg, line.threat_from, depth_m)
    )
    outer, inner = ([(east, north, up) for east, north, up in edge] for edge in (outer, inner))
    return ProtectedFacts(line.id, line.kind, tuple(outer), depth_m, tuple(inner), line.value)
