"""A passive radar: echoes of broadcasts, timed against the broadcast itself.

``docs/sensors/passive-radar.md`` holds the formulas and what they leave out. Every
illuminator makes a sensor of its own: path, azimuth and rate of the path.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from sensors.detection import (
    BOLTZMANN_J_PER_K,
    SPEED_OF_LIGHT_MPS,
    detection_threshold,
    detector,
    draw_echo_power,
    draw_noise_power_over_threshold,
)
from sensors.presets import require_own_keys_only, with_preset
from sensors.radar_equation import bistatic_snr
from sensors.scanning import Stare
from sensors.sight import Sight
from sim.core.tables import FALSE_ALARM, Measured, Plots, Truth, Visibility
from sim.world.spec import Identifier, Position, Spec
from sim.world.surroundings import height_above_ellipsoid_m

if TYPE_CHECKING:
    from sensors.mount import Mount
    from sensors.scene import Scene
    from sim.core.tables import Bools, Bytes, Floats
    from sim.world.surroundings import Surroundings
    from sim.world.truth import Targets

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Frequency = Annotated[float, Field(ge=30, le=3000)]

#: Broadcasters state power against a half-wave dipole, 2.15 dB above an isotropic source.
DIPOLE_GAIN = 1.64
_ALL_ROUND = np.array([0.0, np.pi])
_ANY_RANGE = np.array([0.0, np.inf])
_ANY_ELEVATION = np.array([-0.5 * np.pi, 0.5 * np.pi])
_NO_BANDS = np.empty((0, 2))
_NO_REPLIES = np.empty(0, np.uint8)


class Illuminator(Spec):
    """A transmitter that the radar listens to; what is left out, the preset says."""

    id: Identifier
    position: Position
    frequency_mhz: Frequency | None = None
    erp_kw: Annotated[Positive | None, Field(description="against a half-wave dipole")] = None
    bandwidth_khz: Positive | None = None


class PassiveRadarSpec(Spec):
    """A passive radar as a scenario names it: a preset, values of its own, or both."""

    model_config = ConfigDict(json_schema_extra=require_own_keys_only)

    kind: Literal["passive-radar"]
    id: Identifier
    preset: str | None = None
    illuminators: Annotated[tuple[Illuminator, ...], Field(min_length=1, max_length=16)]

    frequency_mhz: Frequency
    erp_kw: Positive
    bandwidth_khz: Positive
    update_s: Annotated[float, Field(ge=0.1, le=60)]
    integration_s: Annotated[float, Field(gt=0, le=10)]
    gain_db: Annotated[float, Field(ge=-5, le=40)]
    system_temperature_k: Positive
    losses_db: Annotated[float, Field(ge=0, le=40)]
    direct_rejection_db: Annotated[float, Field(ge=0, le=150)]
    dynamic_range_db: Annotated[float, Field(ge=20, le=150)]
    pfa: Annotated[float, Field(ge=1e-15, le=0.1)]
    range_max_km: Annotated[float, Field(gt=0, le=1000)]
    beamwidth_deg: Annotated[float, Field(gt=0, le=180)]
    bistatic_angle_max_deg: Annotated[float, Field(gt=0, le=180)] = 150.0
    range_rate_max_mps: Positive
    range_sigma_min_m: NotNegative
    azimuth_sigma_min_deg: NotNegative
    range_rate_sigma_min_mps: NotNegative

    @model_validator(mode="before")
    @classmethod
    def _merge_preset(cls, given: Any) -> Any:
        return with_preset(given, cls, "passive-radar", {})

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.integration_s > self.update_s:
            raise ValueError(
                f"integration_s ({self.integration_s:g}) must not be above "
                f"update_s ({self.update_s:g})"
            )
        names = [illuminator.id for illuminator in self.illuminators]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two illuminators have the id {name!r}")
        return self

    @property
    def sensor_ids(self) -> tuple[str, ...]:
        """Names of the sensors that ``build_all`` makes."""
        return tuple(f"{self.id}.{illuminator.id}" for illuminator in self.illuminators)

    def build_all(self, mount: Mount, surroundings: Surroundings) -> tuple[PassiveRadar, ...]:
        """Return a sensor for each illuminator, numbered from the mount's index on.

        Raises
        ------
        ValueError
            If an illuminator stands where the receiver does.
        """
        return tuple(
            self._of(illuminator, mount, mount.index + number, surroundings)
            for number, illuminator in enumerate(self.illuminators)
        )

    def _of(
        self, illuminator: Illuminator, mount: Mount, index: int, surroundings: Surroundings
    ) -> PassiveRadar:
        frequency_hz = 1e6 * (illuminator.frequency_mhz or self.frequency_mhz)
        bandwidth_hz = 1e3 * (illuminator.bandwidth_khz or self.bandwidth_khz)
        eirp_w = 1e3 * DIPOLE_GAIN * (illuminator.erp_kw or self.erp_kw)
        wavelength_m = SPEED_OF_LIGHT_MPS / frequency_hz
        reach_m = 1e3 * self.range_max_km
        receiver = Sight.over(surroundings, mount.position_enu_m, reach_m)
        transmitter = Sight.over(
            surroundings, _enu(illuminator.position, surroundings), 2.0 * reach_m
        )
        baseline_m = float(np.linalg.norm(transmitter.origin_enu_m - receiver.origin_enu_m))
        if baseline_m < 100.0:
            raise ValueError(
                f"sensor {self.id}: illuminator {illuminator.id} stands {baseline_m:.0f} m from "
                "the receiver: there is no bistatic radar below 100 m"
            )
        resolution = np.array(
            [
                SPEED_OF_LIGHT_MPS / bandwidth_hz,
                np.radians(self.beamwidth_deg),
                np.nan,
                wavelength_m / self.integration_s,
            ]
        )
        noise_w = BOLTZMANN_J_PER_K * self.system_temperature_k * bandwidth_hz
        direct_w = eirp_w * (wavelength_m / (4.0 * np.pi * baseline_m)) ** 2
        left = 10.0 ** (-self.direct_rejection_db / 10.0) + 10.0 ** (-self.dynamic_range_db / 10.0)
        snr_of_unit_echo = bistatic_snr(
            1.0,
            1.0,
            1.0,
            erp_w=eirp_w,
            gain=10.0 ** (self.gain_db / 10.0),
            frequency_hz=frequency_hz,
            integration_s=self.integration_s,
            system_temperature_k=self.system_temperature_k,
            losses=10.0 ** (self.losses_db / 10.0),
        )
        return PassiveRadar(
            id=f"{self.id}.{illuminator.id}",
            index=index,
            site=mount.site,
            receiver=receiver,
            transmitter=transmitter,
            baseline_m=baseline_m,
            scan=Stare(self.update_s, _ALL_ROUND),
            snr_of_unit_echo=float(snr_of_unit_echo) / (1.0 + direct_w * left / noise_w),
            pfa=self.pfa,
            range_max_m=1e3 * self.range_max_km,
            cos_half_angle_max=float(np.cos(0.5 * np.radians(self.bistatic_angle_max_deg))),
            range_rate_max_mps=self.range_rate_max_mps,
            resolution=resolution,
            sigma_min=np.array(
                [
                    self.range_sigma_min_m,
                    np.radians(self.azimuth_sigma_min_deg),
                    0.0,
                    self.range_rate_sigma_min_mps,
                ]
            ),
        )


def _enu(position: Position, surroundings: Surroundings) -> Floats:
    latitude, longitude = np.radians([position.latitude_deg, position.longitude_deg])
    height_m = height_above_ellipsoid_m(position, surroundings.ground)
    return np.array(surroundings.frame.from_geodetic(latitude, longitude, height_m))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PassiveRadar:
    """One receiver and one illuminator, in SI units; see ``sensors.registry.Sensor``.

    Attributes
    ----------
    snr_of_unit_echo : SNR of 1 m² at 1 m from both, what is left of the direct signal
        counted as noise
    cos_half_angle_max : cosine of half the largest bistatic angle
    resolution, sigma_min : (4,) of path, azimuth, elevation, rate of the path
    """

    id: str
    index: int
    site: str
    receiver: Sight
    transmitter: Sight
    baseline_m: float
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
        pd = np.zeros(len(truth))
        shown = np.flatnonzero(code == Visibility.VISIBLE)
        pd[shown] = pd_of_dwells(snr[shown], signatures.swerling[shown], 1, *detector(self.pfa, 1))
        code[shown[pd[shown] < 0.5]] = Visibility.WEAK_ECHO
        shown = np.flatnonzero(code == Visibility.VISIBLE)
        place = bistatic[shown]
        group, groups = shared_cells(place, np.zeros(shown.size), self.resolution, np.inf)
        _, _, strongest, _ = merge_echoes(place, snr[shown], group, groups)
        code[shown] = Visibility.UNRESOLVED
        code[shown[strongest]] = Visibility.VISIBLE
        return pd, code

    def _echoes(
        self, position_enu_m: Floats, velocity_enu_mps: Floats, rcs_m2: Floats
    ) -> tuple[Floats, Floats, Bytes]:
        """Return path, azimuth, elevation, rate (K, 4), SNR (K,) and ``Visibility`` (K,)."""
        polar, code = self.receiver.locate(position_enu_m, velocity_enu_mps)
        other, lit = self.transmitter.locate(position_enu_m, velocity_enu_mps)
        np.minimum(code, lit, out=code)
        bistatic = polar.copy()
        bistatic[:, 0] = polar[:, 0] + other[:, 0] - self.baseline_m
        bistatic[:, 3] = polar[:, 3] + other[:, 3]
        snr = self.snr_of_unit_echo * rcs_m2 / (polar[:, 0] * other[:, 0]) ** 2
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
