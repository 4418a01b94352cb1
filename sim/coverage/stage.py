"""What coverage is computed for: ground, weather, jammers, and where every sensor stands."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from sensors.aboard import Carrier
from sensors.mount import Mount
from sensors.registry import Sensor, SensorSpec, build_sensors
from sensors.sight import Sight
from sensors.strobe import Strobe
from sim.core.tables import Floats, Measured
from sim.scenario.along import standing_sites
from sim.scenario.coverage_spec import Condition
from sim.scenario.ground import check_ground
from sim.scenario.loader import LoadedScenario
from sim.scenario.sites import Site
from sim.scenario.specs import Scenario
from sim.world.chance import Chance
from sim.world.spec import Position
from sim.world.surroundings import Surroundings, height_above_ellipsoid_m
from sim.world.truth import Targets, build_targets

#: Farther away than so many of its ranges no sensor sees anything: a bistatic one sees nearly
#: twice its own, to the far side of its transmitter.
_RANGES = 2.0


@dataclass(frozen=True, slots=True)
class Placed:
    """One sensor of the scenario, not built yet: maps of sight are large.

    Attributes
    ----------
    id, kind : as in the scenario
    site : id of its site
    position_enu_m : (3,)
    spec : what it is
    cued : whether it is pointed where the picture holds something, and sees little by itself
    candidate : whether it is one that might be bought
    """

    id: str
    kind: str
    site: str
    position_enu_m: Floats
    spec: SensorSpec
    cued: bool
    candidate: bool = False

    def may_see(self, place_enu_m: Floats, off_m: float = 0.0, ranges: float = _RANGES) -> bool:
        """Tell whether anything within ``off_m`` of places (K, 3) is within so many ranges.

        To build a sensor and find that it sees nothing costs time.
        """
        reach_km = getattr(self.spec, "range_max_km", np.inf)
        apart_m = np.linalg.norm(place_enu_m - self.position_enu_m, axis=-1).min()
        return bool(apart_m <= off_m + 1e3 * ranges * reach_km)

    def build(
        self, index: int, surroundings: Surroundings, sights: list[Sight] | None = None
    ) -> tuple[Sensor, ...]:
        """Return the sensors that the specification asks for, strobes of jammers left out.

        What they have in sight is added to ``sights``, if given: sensors built there again
        share their maps for as long as it is kept.
        """
        mount = Mount(index, self.site, self.position_enu_m)
        try:
            built = build_sensors(self.spec, mount, surroundings)
        except ValueError as error:
            raise ValueError(f"sensor {self.id}: {error}") from error
        if sights is not None:
            seen = (getattr(one, "sight", None) for one in built)
            sights += [sight for sight in seen if isinstance(sight, Sight)]
        return tuple(one for one in built if not isinstance(one, Strobe))


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """A scenario as coverage needs it.

    Attributes
    ----------
    spec : what the file says
    surroundings : frame, ground, weather
    targets : the scenario's own; jammers fly on them
    sensors : all, those of candidate sites last
    time_s : of the scenario, when carried sensors and jammers are where they are taken to be
    sights : maps of sight, for as long as they may be of use again; None if they are not kept
    """

    spec: Scenario
    surroundings: Surroundings
    targets: Targets
    sensors: tuple[Placed, ...]
    time_s: float
    sights: list[Sight] | None = None

    def keeping_sights(self) -> Stage:
        """Return a stage that keeps maps: they are the same in any weather."""
        return replace(self, sights=[])

    @classmethod
    def of(cls, loaded: LoadedScenario, time_s: float | None = None) -> Stage:
        """Return the stage of a checked scenario, in the middle of it unless told otherwise.

        Raises
        ------
        ScenarioError
            If the terrain does not fit the scenario; names the place in the file.
        ValueError
            If a route cannot be flown or a carrier is not there; names which.
        """
        frame, ground = check_ground(loaded)
        spec = loaded.spec
        chance = Chance(spec.seed)
        surroundings = Surroundings(frame, ground, spec.environment, spec.time.start)
        targets = build_targets(
            spec.targets,
            frame,
            ground,
            loaded.folder,
            lambda name: chance.generator(f"target/{name}"),
            spec.time.duration_s,
            spec.emitters,
        )
        when_s = 0.5 * spec.time.duration_s if time_s is None else time_s
        sensors = tuple(_placed(spec, surroundings, targets, when_s))
        return cls(spec, surroundings, targets, sensors, when_s)

    def under(self, condition: Condition) -> Surroundings:
        """Return the surroundings in the weather of a condition."""
        if condition.rain_mm_per_h is None:
            return self.surroundings
        weather = {"rain_mm_per_h": condition.rain_mm_per_h}
        environment = self.surroundings.environment.model_copy(update=weather)
        return replace(self.surroundings, environment=environment)

    def enu_m(self, position: Position) -> Floats:
        """Return a place (3,) in the scenario's frame."""
        return _enu_m(self.surroundings, position)


def _placed(
    spec: Scenario, surroundings: Surroundings, targets: Targets, time_s: float
) -> Iterator[Placed]:
    sites: list[tuple[Site, bool]] = [(site, False) for _, site in standing_sites(spec)]
    sites += [(candidate, True) for candidate in spec.coverage.candidates]
    for site, candidate in sites:
        if site.position is not None:
            place = _enu_m(surroundings, site.position)
        elif site.aboard in targets.ids:
            row = targets.ids.index(site.aboard)
            here = targets.truth(time_s).position_enu_m[row]
            if np.isnan(here[0]):
                continue  # its carrier is not there then
            place = Carrier(row, site.mast_m).place(here, surroundings)
        else:
            continue
        for sensor in site.sensors:
            cued = getattr(sensor, "cued_by", "none") != "none"
            yield Placed(sensor.id, sensor.kind, site.id, place, sensor, cued, candidate)


def _enu_m(surroundings: Surroundings, position: Position) -> Floats:
    return surroundings.frame.from_geodetic(
        math.radians(position.latitude_deg),
        math.radians(position.longitude_deg),
        height_above_ellipsoid_m(position, surroundings.ground),
    )


def locates(sensor: Sensor) -> bool:
    """Tell whether one look of a sensor places a target; else it takes two from two sites."""
    if sensor.measured == Measured.POSITION:
        return True
    if sensor.measured == Measured.TIME_DIFFERENCE:
        return False
    return bool(sensor.measures[0] and sensor.measures[1])
