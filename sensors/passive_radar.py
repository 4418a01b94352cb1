"""A passive radar: echoes of broadcasts, timed against the broadcast itself.

``docs/sensors/passive-radar.md`` holds the formulas and what they leave out. Every
illuminator makes a sensor of its own: path, azimuth and rate of the path.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sensors.detection import (
    detection_threshold,
    detector,
    draw_echo_power,
    draw_noise_power_over_threshold,
)
from sensors.scanning import Stare
from sensors.sight import Sight
from sim.core.tables import FALSE_ALARM, Measured, Plots, Truth, Visibility

if TYPE_CHECKING:
    from sensors.jamming import Receiver
    from sensors.scene import Scene
    from sensors.way import Way
    from sim.core.tables import Bools, Bytes, Floats
    from sim.world.truth import Targets

_ALL_ROUND = np.array([0.0, np.pi])
_ANY_RANGE = np.array([0.0, np.inf])
_ANY_ELEVATION = np.array([-0.5 * np.pi, 0.5 * np.pi])
_NO_BANDS = np.empty((0, 2))
_NO_REPLIES = np.empty(0, np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PassiveRadar:
    """One receiver and one illuminator, in SI units; see ``sensors.registry.Sensor``.

    Attributes
    ----------
    transmitter_way : the air from there
    array : the receiver as jammers meet it
    noise : with what is left of the direct signal, against the receiver's own
    snr_of_unit_echo : SNR of 1 m² at 1 m from both in a vacuum, by that noise
    cos_half_angle_max : cosine of half the largest bistatic angle
    resolution, sigma_min : (4,) of path, azimuth, elevation, rate of the path
    """

    id: str
    index: int
    site: str
    receiver: Sight
    transmitter: Sight
    baseline_m: float
    transmitter_way: Way
    array: Receiver
    noise: float
    scan: Stare
    snr_of_unit_echo: float
    pfa: float
    range_max_m: float
    cos_half_angle_max: float
    range_rate_max_mps: float
    resolution: Floats
    sigma_min: Floats

    @property
    def measured(self) -> Measured:
        """Path less the baseline, azimuth, elevation, rate of the path."""
        return Measured.BISTATIC

    @property
    def measures(self) -> Bools:
        """All but elevation."""
        return ~np.isnan(self.resolution)

    @property
    def origin_enu_m(self) -> Floats:
        """(3,) the receiver."""
        return self.receiver.origin_enu_m

    @property
    def enu_R_sensor(self) -> Floats:
        """(3, 3) axes of the receiver."""
        return self.receiver.enu_R_sensor

    @property
    def other_enu_m(self) -> Floats:
        """(3,) the transmitter."""
        return self.transmitter.origin_enu_m

    @property
    def period_s(self) -> float:
        """Time between two looks."""
        return self.scan.period_s

    @property
    def range_min_m(self) -> float:
        """Nearest range from the receiver."""
        return 0.0

    @property
    def sector_rad(self) -> Floats:
        """(2,) all round."""
        return _ALL_ROUND

    @property
    def elevation_rad(self) -> Floats:
        """(2,) any elevation."""
        return _ANY_ELEVATION

    @property
    def rotates(self) -> bool:
        """It listens all round at once."""
        return False

    @property
    def horizon(self) -> bool:
        """The earth hides targets from it."""
        return True

    @property
    def listens(self) -> bool:
        """What gives no echo is not there."""
        return False

    @property
    def interrogates(self) -> bool:
        """It sends nothing."""
        return False

    @property
    def false_alarm_probability(self) -> float:
        """In one resolution cell and look."""
        return self.pfa

    def snr_range_m(self, rcs_m2: float) -> float:
        """Return NaN: two ranges decide, not one."""
        return float("nan")

    @property
    def snr_reference_db(self) -> float:
        """Return NaN: two ranges decide, not one."""
        return float("nan")

    @property
    def snr_least_db(self) -> float:
        """SNR of a dwell whose power just crosses the threshold."""
        return float(10.0 * np.log10(detection_threshold(self.pfa) - 1.0))

    @property
    def path_max_m(self) -> float:
        """Longest path less the baseline: there and back along the range limit."""
        return 2.0 * self.range_max_m

    @property
    def clutter_density(self) -> float:
        """Expected false alarms of one look per m, rad and m/s."""
        area = float(self.resolution[0] * self.resolution[1])
        return self.pfa / area / (2.0 * self.range_rate_max_mps)

    def beam_azimuth_rad(self, time_s: float) -> float:
        """Return NaN: the beam does not turn."""
        return float("nan")

    def observe(self, scene: Scene, rng: np.random.Generator) -> Plots:
        """Return the plots of the window, start excluded, end included, in order of time."""
        from sensors.accuracy import measure  # numba: only where it runs
        from sensors.resolution import merge_echoes, shared_cells

        targets = scene.targets
        looks = self.scan.looks(
            targets, scene.start, scene.end, self.origin_enu_m, self.enu_R_sensor
        )
        bistatic, snr, code = self._echoes(
            looks.position_enu_m,
            looks.velocity_enu_mps,
            targets.signatures.rcs_m2[looks.target],
        )
        snr /= self._jammed(targets, looks.time_s, looks.position_enu_m, looks.velocity_enu_mps)
        seen = np.flatnonzero(code == Visibility.VISIBLE)
        bistatic, snr = bistatic[seen], snr[seen]
        gap_s = 0.5 * self.period_s
        group, groups = shared_cells(bistatic, looks.time_s[seen], self.resolution, gap_s)
        bistatic, snr, strongest, spread = merge_echoes(bistatic, snr, group, groups)
        look = seen[strongest]
        target = looks.target[look]
        power = draw_echo_power(snr, 1, targets.signatures.swerling[target], rng)
        found = power > detection_threshold(self.pfa)
        times = self.scan.look_times_s(scene.start.time_s, scene.end.time_s)
        alarm_s, alarm, alarm_power = self._false_alarms(times, rng)
        time_s = np.concatenate([looks.time_s[look[found]], alarm_s])
        order = np.argsort(time_s, kind="stable")
        snr = np.concatenate([power[found], alarm_power])[order] - 1.0
        truth_id = np.concatenate(
            [target[found], np.full(alarm_s.size, FALSE_ALARM, np.int32)]
        ).astype(np.int32)[order]
        exact = np.concatenate([bistatic[found], alarm])[order]
        measurement, sigma, reply = measure(
            exact,
            snr,
            truth_id,
            rng.standard_normal(exact.shape),
            self.resolution,
            self.sigma_min,
            _NO_REPLIES,
        )
        sigma = np.hypot(sigma, np.concatenate([spread[found], np.zeros_like(alarm)])[order])
        return Plots(
            time_s=time_s[order],
            sensor=np.full(snr.size, self.index, np.int32),
            measurement=measurement,
            sigma=sigma,
            snr_db=10.0 * np.log10(snr),
            reply=reply,
            truth_id=truth_id,
        )

    def visibility(self, targets: Targets, truth: Truth) -> tuple[Floats, Bytes]:
        """Return how detectable every target is by one look now, and why not."""
        from sensors.dwells import pd_of_dwells  # numba: only where it runs
        from sensors.resolution import merge_echoes, shared_cells

        signatures = targets.signatures
        bistatic, snr, code = self._echoes(
            truth.position_enu_m, truth.velocity_enu_mps, signatures.rcs_m2
        )
        time_s = np.full(len(truth), truth.time_s)
        seen = (truth.position_enu_m, truth.velocity_enu_mps)
        jammed = snr / self._jammed(targets, time_s, *seen)
        pd = np.zeros(len(truth))
        shown = np.flatnonzero(code == Visibility.VISIBLE)
        clear, pd[shown] = (
            pd_of_dwells(each[shown], signatures.swerling[shown], 1, *detector(self.pfa, 1))
            for each in (snr, jammed)
        )
        hidden = np.where(clear < 0.5, Visibility.WEAK_ECHO, Visibility.JAMMED)
        code[shown] = np.where(pd[shown] < 0.5, hidden, Visibility.VISIBLE)
        snr = jammed
        shown = np.flatnonzero(code == Visibility.VISIBLE)
        place = bistatic[shown]
        group, groups = shared_cells(place, np.zeros(shown.size), self.resolution, np.inf)
        _, _, strongest, _ = merge_echoes(place, snr[shown], group, groups)
        code[shown] = Visibility.UNRESOLVED
        code[shown[strongest]] = Visibility.VISIBLE
        return pd, code

    def _jammed(
        self, targets: Targets, time_s: Floats, position_enu_m: Floats, velocity_enu_mps: Floats
    ) -> Floats:
        """Return by how much jamming raises the noise (K,) of looks at these places."""
        factor = self.array.noise_factor(targets, time_s, position_enu_m, velocity_enu_mps)
        raised: Floats = 1.0 + (factor - 1.0) / self.noise
        return raised

    def _echoes(
        self, position_enu_m: Floats, velocity_enu_mps: Floats, rcs_m2: Floats
    ) -> tuple[Floats, Floats, Bytes]:
        """Return path, azimuth, elevation, rate (K, 4), SNR (K,) and ``Visibility`` (K,)."""
        from sensors.way_kernels import way_factors  # numba: only where it runs

        polar, code = self.receiver.locate(position_enu_m, velocity_enu_mps)
        other, lit = self.transmitter.locate(position_enu_m, velocity_enu_mps)
        np.minimum(code, lit, out=code)
        bistatic = polar.copy()
        bistatic[:, 0] = polar[:, 0] + other[:, 0] - self.baseline_m
        bistatic[:, 3] = polar[:, 3] + other[:, 3]
        snr = self.snr_of_unit_echo * rcs_m2 / (polar[:, 0] * other[:, 0]) ** 2
        no_bounce = np.zeros(snr.size)
        snr *= way_factors(self.array.way, polar, no_bounce)
        snr *= way_factors(self.transmitter_way, other, no_bounce)
        # cos β by the law of cosines, and cos² of its half from that.
        squares = polar[:, 0] ** 2 + other[:, 0] ** 2 - self.baseline_m**2
        cosine = squares / (2.0 * polar[:, 0] * other[:, 0])
        half = np.sqrt(np.maximum(0.5 * (1.0 + cosine), 0.0))
        beyond = (code == Visibility.VISIBLE) & (polar[:, 0] > self.range_max_m)
        code[beyond] = Visibility.BEYOND_RANGE
        # About the baseline path and rate say nothing, and the direct signal covers the echo.
        near = (half < self.cos_half_angle_max) | (bistatic[:, 0] < self.resolution[0])
        code[(code == Visibility.VISIBLE) & near] = Visibility.BLIND_RANGE
        still = np.abs(bistatic[:, 3]) < self.resolution[3]
        code[(code == Visibility.VISIBLE) & still] = Visibility.TOO_SLOW
        return bistatic, snr, code

    def _false_alarms(
        self, times_s: Floats, rng: np.random.Generator
    ) -> tuple[Floats, Floats, Floats]:
        """Draw when, where (A, 4) and how strong noise crosses the threshold."""
        span_m = self.path_max_m - float(self.resolution[0])
        expected = self.clutter_density * span_m * 2.0 * np.pi * 2.0 * self.range_rate_max_mps
        size = int(rng.poisson(expected * times_s.size))
        place = np.full((size, 4), np.nan)
        place[:, 0] = rng.uniform(self.resolution[0], self.path_max_m, size)
        place[:, 1] = rng.uniform(0.0, 2.0 * np.pi, size)
        place[:, 3] = self.range_rate_max_mps * rng.uniform(-1.0, 1.0, size)
        time_s = rng.choice(times_s, size) if size else np.empty(0)
        return time_s, place, draw_noise_power_over_threshold(size, self.pfa, 1, rng)
