"""A pulse radar at its place: what it is built of, and what tracker and engine are told of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from sensors.cfar import cfar_loss_db
from sensors.detection import (
    SPEED_OF_LIGHT_MPS,
    detection_threshold,
    radar_snr,
    required_snr,
)
from sensors.discretes import Discretes, discretes_of
from sensors.jamming import Receiver
from sensors.radar_budget import Budget, budget_of
from sensors.radar_spec import PulseSpec
from sensors.scanning import Rotation, Scan
from sensors.sight import Sight
from sim.core.geodesy import SEMI_MAJOR_AXIS_M
from sim.core.tables import Measured

if TYPE_CHECKING:
    from sensors.mount import Mount
    from sensors.obstacles import Obstacles
    from sim.core.tables import Bools, Floats, Ints
    from sim.world.surroundings import Surroundings

_CLEAR_SINE = np.sin(np.radians(2.0))
_STEPS = 40


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RadarAtPlace:
    """A radar at its place, in SI units: all but its looks.

    Attributes
    ----------
    height_m : of the antenna above ground
    sight : what the earth and its relief leave in sight
    spec : what it was built of
    snr_of_unit_echo : SNR of 1 m² at 1 m in the beam's centre, in a vacuum
    budget : what else decides of an echo's strength
    false_alarms_per_look : expected in the whole sector, blind ranges included
    range_limits_m, elevation_rad : (2,) lowest and highest
    blind_ranges_m : (B, 2) from, to
    range_rate_max_mps : NaN if range rate is not measured
    resolution, sigma_min : (4,) cell and lowest error of range, azimuth, elevation, range
        rate; the resolution is NaN for what is not measured
    receiver : as jammers meet it
    transmit_eirp_w : peak power times gain
    silent_s : windows of emission control
    discretes : turbines and vehicles on the ground
    """

    spec: PulseSpec
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
    sight: Sight
    snr_of_unit_echo: float
    budget: Budget
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
    discretes: Discretes
    silent_s: tuple[tuple[float, float], ...] = ()

    @classmethod
    def of(
        cls,
        spec: PulseSpec,
        mount: Mount,
        surroundings: Surroundings,
        scan: Scan,
        **more: Any,
    ) -> Self:
        """Return the radar of a specification at its place, with further fields of its class."""
        reach_m = spec.range_max_km * 1e3
        resolution = spec.resolution()
        sight = Sight.over(surroundings, mount.position_enu_m, reach_m)
        elevation = np.radians([spec.elevation_min_deg, spec.elevation_max_deg])
        cells = (spec.range_max_km - spec.range_min_km) * 1e3 / resolution[0]
        cells *= 2.0 * scan.sector_rad[1] / resolution[1]
        if spec.dimensions == 3:
            cells *= (elevation[1] - elevation[0]) / resolution[2]
        losses_db = spec.losses_db
        if spec.cfar_cells:
            losses_db += cfar_loss_db(spec.pfa, spec.cfar_cells, spec.pulses)
        snr_of_unit_echo = float(
            radar_snr(
                1.0,
                1.0,
                peak_power_w=spec.peak_power_kw * 1e3,
                pulse_width_s=spec.pulse_width_us * 1e-6,
                gain=10.0 ** (spec.gain_db / 10.0),
                frequency_hz=spec.frequency_ghz * 1e9,
                system_temperature_k=spec.system_temperature_k,
                losses=10.0 ** (losses_db / 10.0),
                processing_gain=10.0 ** (spec.processing_gain_db / 10.0),
            )
        )
        budget = budget_of(spec, snr_of_unit_echo, scan, sight, surroundings.environment)
        return cls(
            spec=spec,
            id=spec.id,
            index=mount.index,
            site=mount.site,
            origin_enu_m=sight.origin_enu_m,
            enu_R_sensor=sight.enu_R_sensor,
            period_s=scan.period_s,
            measures=~np.isnan(resolution),
            interrogates=spec.interrogates,
            scan=scan,
            height_m=sight.mast_m,
            sight=sight,
            snr_of_unit_echo=snr_of_unit_echo,
            budget=budget,
            pfa=spec.pfa,
            pulses=spec.pulses,
            false_alarms_per_look=float(spec.pfa * cells),
            range_limits_m=np.array([spec.range_min_km, spec.range_max_km]) * 1e3,
            blind_ranges_m=np.array(spec.blind_ranges_km).reshape(-1, 2) * 1e3,
            elevation_rad=elevation,
            range_rate_max_mps=spec.range_rate_max_mps or np.nan,
            resolution=resolution,
            sigma_min=spec.sigma_min(),
            receiver=Receiver(
                antenna=spec.antenna(),
                frequency_hz=spec.frequency_ghz * 1e9,
                bandwidth_hz=0.5 * SPEED_OF_LIGHT_MPS / spec.range_resolution_m,
                system_temperature_k=spec.system_temperature_k,
                sight=sight,
                way=budget.way,
            ),
            transmit_eirp_w=spec.peak_power_kw * 1e3 * 10.0 ** (spec.gain_db / 10.0),
            silent_s=spec.emission_control,
            discretes=discretes_of(surroundings, spec.frequency_ghz * 1e9, scan.dwell_s),
            **more,
        )

    def moved_to(self, position_enu_m: Floats, surroundings: Surroundings) -> Self:
        """Return the radar at another place (3,), where ground and air are those there."""
        sight = Sight.passing(surroundings, position_enu_m)
        budget = self.budget
        if abs(sight.height_m - self.sight.height_m) > 0.02 * abs(self.sight.height_m) or (
            self.sight.ground_m.size
        ):
            environment = surroundings.environment
            budget = budget_of(self.spec, self.snr_of_unit_echo, self.scan, sight, environment)
        else:
            way = budget.way.begun_at(sight)
            budget = budget._replace(way=way if sight.smooth else way.in_air())
        return replace(
            self,
            origin_enu_m=sight.origin_enu_m,
            enu_R_sensor=sight.enu_R_sensor,
            height_m=sight.mast_m,
            sight=sight,
            budget=budget,
            receiver=replace(self.receiver, sight=sight, way=budget.way),
        )

    def in_clear_air(self) -> Self:
        """Return the radar without ground, clutter and blind zones: air and beam remain."""
        return self._through(self.budget.in_clear_air())

    def in_free_space(self) -> Self:
        """Return the radar without air, ground and clutter: the radar equation alone."""
        return self._through(self.budget.in_free_space())

    def _through(self, budget: Budget) -> Self:
        return replace(self, budget=budget, receiver=replace(self.receiver, way=budget.way))

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

        A dwell of several pulses, and the air on the way, count as the one pulse in a vacuum
        that detects half of all looks at the same range: the two curves over range cross
        there, and nearly agree elsewhere. The air is that 2 degrees above the horizon.
        """
        from sensors.paths import path_attenuation_db  # numba: only where it runs

        dwell = required_snr(0.5, self.pfa, self.pulses, swerling=1)
        pulse = required_snr(0.5, self.pfa, swerling=1)
        way, level = self.budget.way, self.snr_of_unit_echo * rcs_m2 / dwell
        half_m = level**0.25
        for _ in range(_STEPS):  # the loss hardly changes while the range settles
            height_m = way.height_m + _CLEAR_SINE * half_m + 0.5 * half_m**2 / SEMI_MAJOR_AXIS_M
            loss_db = path_attenuation_db(
                half_m,
                way.height_m,
                height_m,
                way.gas_db_per_m,
                way.rain_db_per_m,
                way.rain_top_m,
            )
            half_m = 0.5 * (half_m + (level * 10.0 ** (-0.2 * loss_db)) ** 0.25)
        return float(half_m * pulse**0.25)

    @property
    def snr_reference_db(self) -> float:
        """SNR of a dwell, all pulses summed, on 1 m² at 1 km."""
        return float(10.0 * np.log10(self.pulses * self.snr_of_unit_echo) - 120.0)

    @property
    def snr_least_db(self) -> float:
        """SNR of a dwell whose power just crosses the threshold."""
        return float(10.0 * np.log10(detection_threshold(self.pfa, self.pulses) - self.pulses))

    def expected_snr(
        self,
        range_m: Floats,
        azimuth_rad: Floats,
        height_m: Floats,
        range_rate_mps: Floats,
        noise: Floats,
        kind: Ints,
        rotor_rcs: Floats,
        rotor_tip_mps: Floats,
    ) -> Floats:
        """Return the SNR (K,) of dwells on 1 m² in places; see ``ExpectsEchoes``."""
        from sensors.expectation import strengths_at  # numba: only where it runs

        place = (range_m, azimuth_rad, height_m - self.sight.level_m, range_rate_mps)
        snr = strengths_at(
            *place, noise, kind, rotor_rcs, rotor_tip_mps, self.snr_of_unit_echo, self.budget
        )
        return self.pulses * snr

    @property
    def clutter_density(self) -> float:
        """Expected false alarms of one look per unit of the measured components.

        One chance of a false alarm in every cell of range, azimuth and elevation, spread evenly
        over ±``range_rate_max_mps`` where range rate is measured.
        """
        cell = float(np.nanprod(self.resolution[:3]))
        density = self.false_alarm_probability / cell
        return density / (2.0 * self.range_rate_max_mps) if self.measures[3] else density

    def beam_azimuth_rad(self, time_s: float) -> float:
        """Return where the beam looks, in [0, 2π); NaN if it does not turn."""
        return self.scan.azimuth_rad(time_s)

    def _reach(
        self,
    ) -> tuple[Floats, Floats, float, Floats, Floats, Floats, Floats, Floats, Obstacles]:
        """Return what decides of geometry alone whether a target is visible."""
        return (
            self.origin_enu_m,
            self.enu_R_sensor,
            self.sight.height_m,
            self.sight.curvature_per_m,
            self.range_limits_m,
            self.blind_ranges_m,
            self.scan.sector_rad,
            self.elevation_rad,
            self.sight.obstacles,
        )
