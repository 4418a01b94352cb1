"""Strobes: the bearings of noise jammers that a jammed radar hears, as a sensor beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sim.core.tables import ELEVATION, FALSE_ALARM, Measured, Plots, Truth, Visibility
from sim.world.attackers import Attacker
from sim.world.windows import inside

if TYPE_CHECKING:
    from sensors.radar import Radar
    from sensors.scanning import Looks
    from sensors.scene import Scene
    from sim.core.tables import Bools, Bytes, Floats, Ints
    from sim.world.electronic_attack import NoiseJammer
    from sim.world.surroundings import Surroundings
    from sim.world.truth import Targets

#: Beyond the radio horizon of any aircraft: √(2 k Rₑ h) is 583 km at 20 km of height.
_RANGE_MAX_M = 600e3
#: False strobes in the whole sector per look: assumed; sweep 1e-4 to 1e-1.
_FALSE_STROBES_PER_LOOK = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Strobe:
    """Bearings, and elevations of a radar that measures them; see ``sensors.registry.Sensor``.

    Whatever jams makes a strobe when the beam passes over it, if its noise stands out by the
    threshold over the receiver's own and over what jammers elsewhere bring in through side
    lobes. Jammers closer than a beamwidth are one strobe, where their power lies.

    Attributes
    ----------
    radar : whose beam and receiver it uses
    index : number in the run, as in ``Plots.sensor``
    threshold : least ratio of the noise to the rest, linear
    """

    radar: Radar
    index: int
    threshold: float

    def moved_to(self, position_enu_m: Floats, surroundings: Surroundings) -> Strobe:
        """Return the same of the radar at another place (3,)."""
        return replace(self, radar=self.radar.moved_to(position_enu_m, surroundings))

    @property
    def id(self) -> str:
        """The radar's, with ``.strobe`` behind."""
        return f"{self.radar.id}.strobe"

    @property
    def site(self) -> str:
        """Where the radar stands."""
        return self.radar.site

    @property
    def origin_enu_m(self) -> Floats:
        """(3,) the radar's."""
        return self.radar.origin_enu_m

    @property
    def enu_R_sensor(self) -> Floats:
        """(3, 3) the radar's."""
        return self.radar.enu_R_sensor

    @property
    def period_s(self) -> float:
        """The radar's."""
        return self.radar.period_s

    @property
    def measures(self) -> Bools:
        """Azimuth; elevation if the radar measures it."""
        return np.array([False, True, bool(self.radar.measures[ELEVATION]), False])

    @property
    def measured(self) -> Measured:
        """Angles of a polar place."""
        return Measured.POLAR

    @property
    def clutter_density(self) -> float:
        """False strobes of one look per radian, or per radian squared."""
        span = 2.0 * float(self.sector_rad[1])
        if self.measures[ELEVATION]:
            span *= float(np.ptp(self.elevation_rad))
        return _FALSE_STROBES_PER_LOOK / span

    @property
    def range_max_m(self) -> float:
        """One way, nothing but the horizon hides a jammer."""
        return _RANGE_MAX_M

    @property
    def range_min_m(self) -> float:
        """None."""
        return 0.0

    @property
    def elevation_rad(self) -> Floats:
        """(2,) the radar's."""
        return self.radar.elevation_rad

    @property
    def sector_rad(self) -> Floats:
        """(2,) the radar's."""
        return self.radar.sector_rad

    @property
    def rotates(self) -> bool:
        """As the radar does."""
        return self.radar.rotates

    @property
    def resolution(self) -> Floats:
        """(4,) beamwidths of the measured angles."""
        return np.where(self.measures, self.radar.resolution, np.nan)

    @property
    def false_alarm_probability(self) -> float:
        """NaN: noise is no matter of cells."""
        return float("nan")

    @property
    def listens(self) -> bool:
        """Whether a look without a strobe says nothing: most targets do not jam."""
        return True

    @property
    def other_enu_m(self) -> Floats:
        """None other is needed."""
        return np.zeros(3)

    def snr_range_m(self, rcs_m2: float) -> float:
        """Return NaN: it detects no echoes."""
        return float("nan")

    @property
    def snr_reference_db(self) -> float:
        """NaN: it detects no echoes."""
        return float("nan")

    @property
    def snr_least_db(self) -> float:
        """NaN: it detects no echoes."""
        return float("nan")

    @property
    def horizon(self) -> bool:
        """As for the radar."""
        return True

    @property
    def interrogates(self) -> bool:
        """Strobes carry no reply."""
        return False

    def beam_azimuth_rad(self, time_s: float) -> float:
        """Return NaN: the radar tells where the beam is."""
        return float("nan")

    def observe(self, scene: Scene, rng: np.random.Generator) -> Plots:
        """Return the strobes of the window, start excluded, end included, in order of time."""
        start_s, end_s = scene.start.time_s, scene.end.time_s
        place, ratio, time_s, truth_id, spread = self._strobes(scene)
        turns = self.radar.scan.turns(start_s, end_s)
        false = int(rng.poisson(turns * _FALSE_STROBES_PER_LOOK))
        sigma = self._sigma(ratio)
        place = place + sigma * rng.standard_normal(place.shape)
        sigma = np.hypot(sigma, spread)
        if false:
            false_s, azimuth = self.radar.scan.draw_looks(false, start_s, end_s, rng)
            elevation = rng.uniform(self.elevation_rad[0], self.elevation_rad[1], false)
            heard = ~inside(self.radar.silent_s, false_s)
            weak = np.full(heard.sum(), self.threshold)
            place = np.concatenate([place, np.stack([azimuth, elevation], axis=1)[heard]])
            sigma = np.concatenate([sigma, self._sigma(weak)])
            ratio, time_s = np.concatenate([ratio, weak]), np.concatenate([time_s, false_s[heard]])
            truth_id = np.concatenate([truth_id, np.full(weak.size, FALSE_ALARM, np.int32)])
        n = time_s.size
        measurement, spread = np.full((n, 4), np.nan), np.full((n, 4), np.nan)
        measurement[:, 1:3], spread[:, 1:3] = place, sigma
        measurement[:, 1] %= 2.0 * np.pi
        measurement[:, 2] = np.clip(measurement[:, 2], -0.5 * np.pi, 0.5 * np.pi)
        measurement[:, ~self.measures] = spread[:, ~self.measures] = np.nan
        plots = Plots(
            time_s=time_s,
            sensor=np.full(n, self.index, np.int32),
            measurement=measurement,
            sigma=spread,
            snr_db=10.0 * np.log10(ratio),
            reply=np.zeros(n, np.uint8),
            truth_id=truth_id,
        )
        return plots.take(np.argsort(time_s, kind="stable"))

    def visibility(self, targets: Targets, truth: Truth) -> tuple[Floats, Bytes]:
        """Return whether a look now would make a strobe of each target: 1 or 0, and why."""
        pd = np.zeros(len(truth))
        code = np.where(truth.present, Visibility.SILENT, Visibility.ABSENT).astype(np.uint8)
        jammers = targets.attackers.noise
        rows = np.array([attacker.carrier for attacker in jammers], np.int32)
        now_s = np.full(rows.size, truth.time_s)
        _, ratio = self._heard(jammers, targets, now_s, np.arange(rows.size, dtype=np.int32))
        shown = rows[(ratio >= self.threshold) & (rows >= 0)]
        if not inside(self.radar.silent_s, now_s[:1]).any():
            pd[shown], code[shown] = 1.0, Visibility.VISIBLE
        return pd, code

    def _strobes(self, scene: Scene) -> tuple[Floats, Floats, Floats, Ints, Floats]:
        """Return angles (K, 2), ratio, time and target (K,), and spread (K, 2) of what jams."""
        from sensors.resolution import merge_echoes, shared_cells  # numba: only where it runs

        jammers = scene.targets.attackers.noise
        looks = self._looks(jammers, scene) if jammers else None
        if looks is None or not len(looks):
            none = np.empty(0)
            return np.empty((0, 2)), none, none, np.empty(0, np.int32), np.empty((0, 2))
        polar, ratio = self._heard(jammers, scene.targets, looks.time_s, looks.target)
        heard = (ratio >= self.threshold) & ~inside(self.radar.silent_s, looks.time_s)
        polar, ratio, time_s = polar[heard], ratio[heard], looks.time_s[heard]
        owner, due = looks.target[heard], looks.due[heard]
        polar[:, [0, 3]] = 0.0
        group, groups = shared_cells(polar, time_s, self.resolution, 0.5 * self.period_s)
        polar, _, strongest, spread = merge_echoes(polar, ratio, group, groups)
        carrier = np.array([attacker.carrier for attacker in jammers], np.int32)
        kept = due[strongest]
        row = strongest[kept]
        return polar[kept, 1:3], ratio[row], time_s[row], carrier[owner[row]], spread[kept, 1:3]

    def _looks(self, jammers: tuple[Attacker[NoiseJammer], ...], scene: Scene) -> Looks:
        """Return the looks at jammers; ``Looks.target`` is their row in ``jammers``."""
        view = _Jammers(jammers, scene.targets)
        return self.radar.scan.looks(
            view,  # type: ignore[arg-type]
            view.truth(scene.start.time_s),
            view.truth(scene.end.time_s),
            self.origin_enu_m,
            self.enu_R_sensor,
        )

    def _heard(
        self,
        jammers: tuple[Attacker[NoiseJammer], ...],
        targets: Targets,
        time_s: Floats,
        jammer: Ints,
    ) -> tuple[Floats, Floats]:
        """Return where the jammer of each look is, and its beam's noise over all other noise."""
        receiver, n = self.radar.receiver, time_s.size
        polar = np.full((n, 4), np.nan)
        for row, attacker in enumerate(jammers):
            own = jammer == row
            polar[own] = receiver.noise_of(attacker, targets, time_s[own])[0]
        low, high = self.elevation_rad
        middle, half = self.sector_rad
        off = (polar[:, 1] - middle + np.pi) % (2.0 * np.pi) - np.pi
        looked_at = (np.abs(off) <= half) & (polar[:, 2] >= low) & (polar[:, 2] <= high)
        beam = np.where(looked_at[:, None], polar[:, 1:3], 0.0)
        inside, outside = np.zeros(n), np.ones(n)
        width = np.nan_to_num(self.resolution[1:3], nan=np.inf)
        for attacker in jammers:
            there, ratio = receiver.noise_of(attacker, targets, time_s, beam)
            apart = np.abs(there[:, 1:3] - beam)
            apart[:, 0] = np.minimum(apart[:, 0], 2.0 * np.pi - apart[:, 0])
            with_it = (apart < width).all(axis=1)
            inside += np.where(with_it, ratio, 0.0)
            outside += np.where(with_it, 0.0, ratio)
        return polar, np.where(looked_at, inside / outside, 0.0)

    def _sigma(self, ratio: Floats) -> Floats:
        """Return the errors (K, 2) of both angles."""
        from sensors.accuracy import measurement_sigma  # numba: only where it runs

        return measurement_sigma(self.resolution, ratio, self.radar.sigma_min)[:, 1:3]


@dataclass(frozen=True, slots=True)
class _Jammers:
    """Jammers as a scan takes targets: one row each."""

    attackers: tuple[Attacker[NoiseJammer], ...]
    targets: Targets

    def at(self, time_s: Floats, target: Ints) -> tuple[Floats, Floats]:
        position, velocity = np.empty((time_s.size, 3)), np.empty((time_s.size, 3))
        for row, attacker in enumerate(self.attackers):
            own = target == row
            position[own], velocity[own] = attacker.at(self.targets, time_s[own])
        return position, velocity

    def truth(self, time_s: float) -> Truth:
        rows = np.arange(len(self.attackers), dtype=np.int32)
        position, velocity = self.at(np.full(rows.size, time_s), rows)
        return Truth(time_s, position, velocity, ~np.isnan(position[:, 0]))
