"""A pulse radar, turning or staring: specification and model.

``docs/sensors/radar.md`` holds the formulas and what they leave out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from sensors.antenna import Antenna
from sensors.deception import false_echoes
from sensors.detection import (
    SPEED_OF_LIGHT_MPS,
    detection_threshold,
    detector,
    draw_echo_power,
    draw_noise_power_over_threshold,
    radar_snr,
    required_snr,
)
from sensors.jamming import Receiver
from sensors.presets import require_own_keys_only, with_preset
from sensors.scanning import Looks, Rotation, Scan, Stare
from sensors.strobe import Strobe
from sim.core.geodesy import ECCENTRICITY_SQUARED, SEMI_MAJOR_AXIS_M
from sim.core.tables import FALSE_ALARM, Measured, Plots, Truth, Visibility
from sim.world.spec import Identifier, Spec
from sim.world.windows import Window, inside

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sensors.mount import Mount
    from sensors.scene import Scene
    from sim.core.tables import Bools, Bytes, Floats, Ints
    from sim.world.surroundings import Surroundings
    from sim.world.truth import Targets

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
BlindRange = tuple[NotNegative, Positive]

_ROTATING_KEYS = ("first_azimuth_deg",)
_STARING_KEYS = ("azimuth_deg", "sector_deg")
_NO_REPLIES = np.empty(0, np.uint8)


class RadarSpec(Spec):
    """A radar as a scenario names it: a preset, values of its own, or both.

    Explicit keys win over those of the preset. ``rate_rpm`` makes the antenna turn;
    ``update_s`` with ``azimuth_deg`` and ``sector_deg`` makes it stare.
    """

    model_config = ConfigDict(json_schema_extra=require_own_keys_only)

    kind: Literal["radar"]
    id: Identifier
    preset: str | None = None

    rate_rpm: Annotated[float, Field(gt=0, le=600)] | None = None
    first_azimuth_deg: Annotated[float, Field(ge=0, lt=360)] = 0.0
    update_s: Annotated[float, Field(ge=0.01, le=3600)] | None = None
    azimuth_deg: Annotated[float, Field(ge=0, lt=360)] = 0.0
    sector_deg: Annotated[float, Field(gt=0, le=360)] = 360.0

    frequency_ghz: Annotated[float, Field(gt=0.01, le=300)]
    peak_power_kw: Positive
    pulse_width_us: Positive
    gain_db: Annotated[float, Field(ge=0, le=70)]
    system_temperature_k: Positive
    losses_db: Annotated[float, Field(ge=0, le=60)]
    processing_gain_db: Annotated[float, Field(ge=0, le=80)] = 0.0
    pulses: Annotated[int, Field(ge=1, le=10_000)]
    pfa: Annotated[float, Field(ge=1e-15, le=0.1)]

    dimensions: Literal[2, 3]
    interrogates: bool = False
    range_min_km: NotNegative
    range_max_km: Annotated[float, Field(gt=0, le=10_000)]
    blind_ranges_km: tuple[BlindRange, ...] = ()
    elevation_min_deg: Annotated[float, Field(ge=-90, le=90)]
    elevation_max_deg: Annotated[float, Field(ge=-90, le=90)]

    beamwidth_deg: Annotated[float, Field(gt=0, le=180)]
    elevation_beamwidth_deg: Annotated[float, Field(gt=0, le=180)] | None = None
    range_resolution_m: Positive
    range_rate_resolution_mps: Positive | None = None
    range_rate_max_mps: Positive | None = None
    range_sigma_min_m: NotNegative
    azimuth_sigma_min_deg: NotNegative
    elevation_sigma_min_deg: NotNegative = 0.0
    range_rate_sigma_min_mps: NotNegative = 0.0

    emission_control: Annotated[
        tuple[Window, ...], Field(description="[from_s, to_s] of each time in which it is silent")
    ] = ()
    strobes: Annotated[
        bool, Field(description="report bearings of jammers, as a sensor of its own: ID.strobe")
    ] = False
    strobe_threshold_db: Annotated[
        float, Field(ge=0, le=60, description="a jammer's noise over all other noise")
    ] = 10.0

    @model_validator(mode="before")
    @classmethod
    def _merge_preset(cls, given: Any) -> Any:
        # Who makes a turning preset stare, or the reverse, replaces its whole way to scan.
        replaced = {
            "rate_rpm": ("update_s", *_STARING_KEYS),
            "update_s": ("rate_rpm", *_ROTATING_KEYS),
        }
        return with_preset(given, cls, "radar", replaced)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.rate_rpm is None) == (self.update_s is None):
            raise ValueError("give either rate_rpm (turning antenna) or update_s (staring)")
        turning = self.rate_rpm is not None
        for key in _STARING_KEYS if turning else _ROTATING_KEYS:
            if getattr(self, key) != type(self).model_fields[key].default:
                scan = "turning" if turning else "staring"
                raise ValueError(f"{key} has no meaning for a {scan} radar")
        if self.range_min_km >= self.range_max_km:
            raise ValueError(
                f"range_min_km ({self.range_min_km:g}) must be below "
                f"range_max_km ({self.range_max_km:g})"
            )
        if self.elevation_min_deg >= self.elevation_max_deg:
            raise ValueError(
                f"elevation_min_deg ({self.elevation_min_deg:g}) must be below "
                f"elevation_max_deg ({self.elevation_max_deg:g})"
            )
        for low, high in self.blind_ranges_km:
            if low >= high:
                raise ValueError(f"blind_ranges_km: [{low:g}, {high:g}] must be [from, to]")
        if self.dimensions == 3 and self.elevation_beamwidth_deg is None:
            raise ValueError("a radar of 3 dimensions needs elevation_beamwidth_deg")
        if (self.range_rate_resolution_mps is None) != (self.range_rate_max_mps is None):
            raise ValueError("give range_rate_resolution_mps and range_rate_max_mps, or neither")
        return self

    def build(self, mount: Mount, surroundings: Surroundings) -> Radar:
        """Return the radar at its place."""
        three_dimensional = self.dimensions == 3
        resolution = np.array(
            [
                self.range_resolution_m,
                np.radians(self.beamwidth_deg),
                np.radians(self.elevation_beamwidth_deg or np.nan) if three_dimensional else np.nan,
                self.range_rate_resolution_mps or np.nan,
            ]
        )
        sigma_min = np.array(
            [
                self.range_sigma_min_m,
                np.radians(self.azimuth_sigma_min_deg),
                np.radians(self.elevation_sigma_min_deg),
                self.range_rate_sigma_min_mps,
            ]
        )
        scan: Scan
        if self.update_s is not None:
            centre, half_width = np.radians([self.azimuth_deg, 0.5 * self.sector_deg])
            scan = Stare(self.update_s, np.array([centre, half_width]))
        else:
            assert self.rate_rpm is not None
            first_azimuth = float(np.radians(self.first_azimuth_deg))
            scan = Rotation(60.0 / self.rate_rpm, first_azimuth, float(resolution[1]))
        elevation = np.radians([self.elevation_min_deg, self.elevation_max_deg])
        cells = (self.range_max_km - self.range_min_km) * 1e3 / resolution[0]
        cells *= 2.0 * scan.sector_rad[1] / resolution[1]
        if three_dimensional:
            cells *= (elevation[1] - elevation[0]) / resolution[2]
        snr_of_unit_echo = radar_snr(
            1.0,
            1.0,
            peak_power_w=self.peak_power_kw * 1e3,
            pulse_width_s=self.pulse_width_us * 1e-6,
            gain=10.0 ** (self.gain_db / 10.0),
            frequency_hz=self.frequency_ghz * 1e9,
            system_temperature_k=self.system_temperature_k,
            losses=10.0 ** (self.losses_db / 10.0),
            processing_gain=10.0 ** (self.processing_gain_db / 10.0),
        )
        frame, position = surroundings.frame, np.array(mount.position_enu_m, float)
        ground_height_m = float(surroundings.ground_m(position))
        latitude_rad, _, height_m = frame.to_geodetic(position)
        return Radar(
            id=self.id,
            index=mount.index,
            site=mount.site,
            origin_enu_m=position,
            enu_R_sensor=np.ascontiguousarray(frame.local_axes(position)),
            period_s=scan.period_s,
            measures=~np.isnan(resolution),
            interrogates=self.interrogates,
            scan=scan,
            height_m=float(height_m) - ground_height_m,
            curvature_per_m=ground_curvature_per_m(float(latitude_rad), ground_height_m),
            snr_of_unit_echo=float(snr_of_unit_echo),
            pfa=self.pfa,
            pulses=self.pulses,
            false_alarms_per_look=float(self.pfa * cells),
            range_limits_m=np.array([self.range_min_km, self.range_max_km]) * 1e3,
            blind_ranges_m=np.array(self.blind_ranges_km).reshape(-1, 2) * 1e3,
            elevation_rad=elevation,
            range_rate_max_mps=self.range_rate_max_mps or np.nan,
            resolution=resolution,
            sigma_min=sigma_min,
            receiver=Receiver(
                antenna=self._antenna(),
                frequency_hz=self.frequency_ghz * 1e9,
                bandwidth_hz=0.5 * SPEED_OF_LIGHT_MPS / self.range_resolution_m,
                system_temperature_k=self.system_temperature_k,
                origin_enu_m=position,
                enu_R_sensor=np.ascontiguousarray(frame.local_axes(position)),
                height_m=float(height_m) - ground_height_m,
                curvature_per_m=ground_curvature_per_m(float(latitude_rad), ground_height_m),
            ),
            transmit_eirp_w=self.peak_power_kw * 1e3 * 10.0 ** (self.gain_db / 10.0),
            silent_s=self.emission_control,
        )

    def build_all(self, mount: Mount, surroundings: Surroundings) -> tuple[Radar | Strobe, ...]:
        """Return the radar, and what reports the jammers that it hears if ``strobes`` is set."""
        radar = self.build(mount, surroundings)
        if not self.strobes:
            return (radar,)
        threshold = 10.0 ** (self.strobe_threshold_db / 10.0)
        return (radar, Strobe(radar=radar, index=mount.index + 1, threshold=threshold))

    def _antenna(self) -> Antenna:
        elevation = np.radians([self.elevation_min_deg, self.elevation_max_deg])
        width_deg = self.elevation_beamwidth_deg or self.elevation_max_deg - self.elevation_min_deg
        return Antenna(
            peak_gain_db=self.gain_db,
            beamwidth_rad=float(np.radians(self.beamwidth_deg)),
            elevation_beamwidth_rad=float(np.radians(width_deg)),
            pattern="pencil" if self.dimensions == 3 else "fan",
            elevation_rad=(float(elevation[0]), float(elevation[1])),
        )


def ground_curvature_per_m(latitude_rad: float, ground_height_m: float) -> Floats:
    """Return the curvature (2,) of the ground eastwards and northwards, from WGS 84."""
    squeeze = 1.0 - ECCENTRICITY_SQUARED * np.sin(latitude_rad) ** 2
    east_radius_m = SEMI_MAJOR_AXIS_M / np.sqrt(squeeze)
    north_radius_m = east_radius_m * (1.0 - ECCENTRICITY_SQUARED) / squeeze
    return 1.0 / (np.array([east_radius_m, north_radius_m]) + ground_height_m)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Radar:
    """A radar at its place, in SI units; see ``sensors.registry.Sensor``.

    Attributes
    ----------
    height_m : of the antenna above ground
    curvature_per_m : (2,) of the ground below it, eastwards and northwards
    snr_of_unit_echo : SNR of 1 m² at 1 m
    false_alarms_per_look : expected in the whole sector, blind ranges included
    range_limits_m, elevation_rad : (2,) lowest and highest
    blind_ranges_m : (B, 2) from, to
    range_rate_max_mps : NaN if range rate is not measured
    resolution, sigma_min : (4,) cell and lowest error of range, azimuth, elevation, range
        rate; the resolution is NaN for what is not measured
    receiver : as jammers meet it
    transmit_eirp_w : peak power times gain
    silent_s : windows of emission control
    """

    id: str
    index: int
    site: str
    origin_enu_m: Floats
    enu_R_sensor: Floats
    period_s: float
    measures: Bools
    interrogates: bool
    scan: Scan
    height_m: float
    curvature_per_m: Floats
    snr_of_unit_echo: float
    pfa: float
    pulses: int
    false_alarms_per_look: float
    range_limits_m: Floats
    blind_ranges_m: Floats
    elevation_rad: Floats
    range_rate_max_mps: float
    resolution: Floats
    sigma_min: Floats
    receiver: Receiver
    transmit_eirp_w: float
    silent_s: tuple[tuple[float, float], ...] = ()

    @property
    def measured(self) -> Measured:
        """Slant range, azimuth, elevation, range rate."""
        return Measured.POLAR

    @property
    def range_max_m(self) -> float:
        """Instrumented range."""
        return float(self.range_limits_m[1])

    @property
    def range_min_m(self) -> float:
        """Nearest slant range; blind ranges beyond it are not told."""
        return float(self.range_limits_m[0])

    @property
    def sector_rad(self) -> Floats:
        """(2,) azimuth of the middle of what it looks at, and half the width."""
        return self.scan.sector_rad

    @property
    def rotates(self) -> bool:
        """Whether the antenna turns."""
        return isinstance(self.scan, Rotation)

    @property
    def horizon(self) -> bool:
        """Radar does not see through the earth."""
        return True

    @property
    def listens(self) -> bool:
        """What gives no echo is not there."""
        return False

    @property
    def other_enu_m(self) -> Floats:
        """It sends and receives at one place."""
        return self.origin_enu_m

    @property
    def false_alarm_probability(self) -> float:
        """In one resolution cell and look."""
        return self.pfa

    def snr_range_m(self, rcs_m2: float) -> float:
        """Return the range at which one pulse on a Swerling 1 target has an SNR of 1.

        A dwell of several pulses counts as the one pulse that detects half of all looks at
        the same range: the two curves over range cross there, and nearly agree elsewhere.
        """
        dwell = required_snr(0.5, self.pfa, self.pulses, swerling=1)
        pulse = required_snr(0.5, self.pfa, swerling=1)
        return float((self.snr_of_unit_echo * rcs_m2 * pulse / dwell) ** 0.25)

    @property
    def snr_reference_db(self) -> float:
        """SNR of a dwell, all pulses summed, on 1 m² at 1 km."""
        return float(10.0 * np.log10(self.pulses * self.snr_of_unit_echo) - 120.0)

    @property
    def snr_least_db(self) -> float:
        """SNR of a dwell whose power just crosses the threshold."""
        return float(10.0 * np.log10(detection_threshold(self.pfa, self.pulses) - self.pulses))

    @property
    def clutter_density(self) -> float:
        """Expected false alarms of one look per unit of the measured components.

        One chance of ``pfa`` in every cell of range, azimuth and elevation, spread evenly
        over ±``range_rate_max_mps`` where range rate is measured.
        """
        density = self.pfa / float(np.nanprod(self.resolution[:3]))
        return density / (2.0 * self.range_rate_max_mps) if self.measures[3] else density

    def beam_azimuth_rad(self, time_s: float) -> float:
        """Return where the beam looks, in [0, 2π); NaN if it does not turn."""
        return self.scan.azimuth_rad(time_s)

    def observe(self, scene: Scene, rng: np.random.Generator) -> Plots:
        """Return the plots of the window, start excluded, end included, in order of time."""
        targets, start, end = scene.targets, scene.start, scene.end
        looks = self.scan.looks(targets, start, end, self.origin_enu_m, self.enu_R_sensor)
        if self.silent_s:
            looks = looks.take(~inside(self.silent_s, looks.time_s))
        found = []
        if len(looks):
            found.append(self._echoes(targets, looks, rng))
        turns = self.scan.turns(start.time_s, end.time_s)
        alarms = int(rng.poisson(turns * self.false_alarms_per_look))
        if alarms:
            found.append(self._false_alarms(alarms, start.time_s, end.time_s, rng))
        if not found:
            return Plots.empty()
        detections = found[0] if len(found) == 1 else _Detections.join(*found)
        return self._plots(detections, targets, rng)

    def visibility(self, targets: Targets, truth: Truth) -> tuple[Floats, Bytes]:
        """Return how detectable every target is by one look now.

        Returns
        -------
        pd : (N,) single-look detection probability of the target alone
        code : (N,) ``Visibility``
        """
        from sensors.echoes import grade  # numba: only where it runs
        from sensors.kernels import locate

        polar, code = np.empty((len(truth), 4)), np.empty(len(truth), np.uint8)
        locate(truth.position_enu_m, truth.velocity_enu_mps, *self._reach(), polar, code)
        if inside(self.silent_s, np.array([truth.time_s])).any():
            code[code != Visibility.ABSENT] = Visibility.NOT_LOOKED_AT
        pd = grade(
            polar,
            targets.signatures.rcs_m2,
            targets.signatures.swerling,
            self.receiver.noise_factor(
                targets,
                np.full(len(truth), truth.time_s),
                truth.position_enu_m,
                truth.velocity_enu_mps,
            ),
            self.snr_of_unit_echo,
            self.resolution,
            self.pulses,
            *detector(self.pfa, self.pulses),
            code,
        )
        return pd, code

    def _reach(self) -> tuple[Floats, Floats, float, Floats, Floats, Floats, Floats, Floats]:
        """Return what decides of geometry alone whether a target is visible."""
        return (
            self.origin_enu_m,
            self.enu_R_sensor,
            self.height_m,
            self.curvature_per_m,
            self.range_limits_m,
            self.blind_ranges_m,
            self.scan.sector_rad,
            self.elevation_rad,
        )

    def _echoes(self, targets: Targets, looks: Looks, rng: np.random.Generator) -> _Detections:
        from sensors.echoes import receive  # numba: only where it runs

        signatures, truth_id = targets.signatures, looks.target
        rcs_m2, swerling = signatures.rcs_m2[looks.target], signatures.swerling[looks.target]
        if targets.attackers.deception:
            false = false_echoes(
                targets.attackers.deception, looks, self.receiver, self.transmit_eirp_w
            )
            looks, nobody = Looks.concatenate([looks, false.looks]), len(false.looks)
            rcs_m2 = np.concatenate([rcs_m2, false.rcs_m2])
            swerling = np.concatenate([swerling, np.zeros(nobody, np.uint8)])
            truth_id = np.concatenate([truth_id, np.full(nobody, FALSE_ALARM, np.int32)])
        polar, snr, look = receive(
            looks.position_enu_m,
            looks.velocity_enu_mps,
            looks.time_s,
            rcs_m2,
            self.receiver.noise_factor(
                targets, looks.time_s, looks.position_enu_m, looks.velocity_enu_mps
            ),
            *self._reach(),
            self.snr_of_unit_echo,
            self.resolution,
            0.5 * self.period_s,
        )
        power = draw_echo_power(snr, self.pulses, swerling[look], rng)
        threshold = detection_threshold(self.pfa, self.pulses)
        found = looks.due[look] & (power > threshold)
        return _Detections(
            looks.time_s[look[found]], polar[found], power[found], truth_id[look[found]]
        )

    def _false_alarms(
        self, size: int, start_s: float, end_s: float, rng: np.random.Generator
    ) -> _Detections:
        time_s, azimuth = self.scan.draw_looks(size, start_s, end_s, rng)
        place = np.empty((size, 4))
        place[:, 0] = rng.uniform(self.range_limits_m[0], self.range_limits_m[1], size)
        place[:, 1] = azimuth
        place[:, 2] = rng.uniform(self.elevation_rad[0], self.elevation_rad[1], size)
        place[:, 3] = self.range_rate_max_mps * rng.uniform(-1.0, 1.0, size)
        power = draw_noise_power_over_threshold(size, self.pfa, self.pulses, rng)
        alarms = _Detections(time_s, place, power, np.full(size, FALSE_ALARM, np.int32))
        alarms = alarms.take(~inside(self.silent_s, alarms.time_s))
        for near_m, far_m in self.blind_ranges_m:
            alarms = alarms.take((alarms.polar[:, 0] < near_m) | (alarms.polar[:, 0] >= far_m))
        return alarms

    def _plots(self, found: _Detections, targets: Targets, rng: np.random.Generator) -> Plots:
        """Return detections as measured: with errors, replies, in order of time."""
        from sensors.accuracy import measure  # numba: only where it runs

        if found.time_s.size > 1:
            found = found.take(np.argsort(found.time_s, kind="stable"))
        snr = found.power - self.pulses  # what is left of the sum once mean noise is taken off
        measurement, sigma, reply = measure(
            found.polar,
            snr,
            found.truth_id,
            rng.standard_normal(found.polar.shape),
            self.resolution,
            self.sigma_min,
            targets.signatures.reply if self.interrogates else _NO_REPLIES,
        )
        return Plots(
            time_s=found.time_s,
            sensor=np.full(snr.size, self.index, np.int32),
            measurement=measurement,
            sigma=sigma,
            snr_db=10.0 * np.log10(snr),
            reply=reply,
            truth_id=found.truth_id,
        )


@dataclass(frozen=True, slots=True)
class _Detections:
    """Dwells whose power crossed the threshold: when, exactly where, how strong, of what."""

    time_s: Floats
    polar: Floats
    power: Floats
    truth_id: Ints

    def take(self, rows: Bools | NDArray[np.intp]) -> _Detections:
        return _Detections(
            self.time_s[rows], self.polar[rows], self.power[rows], self.truth_id[rows]
        )

    @staticmethod
    def join(one: _Detections, other: _Detections) -> _Detections:
        return _Detections(
            np.concatenate([one.time_s, other.time_s]),
            np.concatenate([one.polar, other.polar]),
            np.concatenate([one.power, other.power]),
            np.concatenate([one.truth_id, other.truth_id]),
        )
