"""A pulse radar, turning or staring: the model.

``docs/sensors/radar.md`` holds the formulas and what they leave out.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from sensors.cfar import cfar_loss_db
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
from sensors.discretes import Discretes, discretes_of
from sensors.ground_echoes import looks_at_ground
from sensors.jamming import Receiver
from sensors.radar_budget import Budget, budget_of
from sensors.radar_spec import PulseSpec, RadarSpec
from sensors.scanning import Looks, Rotation, Scan
from sensors.sight import Sight
from sim.core.geodesy import SEMI_MAJOR_AXIS_M
from sim.core.tables import FALSE_ALARM, Measured, Plots, Truth, Visibility
from sim.world.electronic_attack import RangeGatePullOff
from sim.world.windows import inside, is_on

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sensors.mount import Mount
    from sensors.scene import Scene
    from sim.core.tables import Bools, Bytes, Floats, Ints
    from sim.world.relief import Floats32
    from sim.world.surroundings import Surroundings
    from sim.world.truth import Targets

__all__ = ["Radar", "RadarSpec"]

_NO_REPLIES = np.empty(0, np.uint8)
_CLEAR_SINE = np.sin(np.radians(2.0))
_STEPS = 40


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Radar:
    """A radar at its place, in SI units; see ``sensors.registry.Sensor``.

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
            budget=budget_of(spec, snr_of_unit_echo, scan, sight, surroundings.environment),
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
            ),
            transmit_eirp_w=spec.peak_power_kw * 1e3 * 10.0 ** (spec.gain_db / 10.0),
            silent_s=spec.emission_control,
            discretes=discretes_of(surroundings, spec.frequency_ghz * 1e9, scan.dwell_s),
            **more,
        )

    def moved_to(self, position_enu_m: Floats, surroundings: Surroundings) -> Self:
        """Return the radar at another place (3,), where ground and air are those there."""
        sight = Sight.over(surroundings, position_enu_m, self.range_max_m)
        budget = self.budget
        if abs(sight.height_m - self.sight.height_m) > 0.02 * abs(self.sight.height_m):
            environment = surroundings.environment
            budget = budget_of(self.spec, self.snr_of_unit_echo, self.scan, sight, environment)
        return replace(
            self,
            origin_enu_m=sight.origin_enu_m,
            enu_R_sensor=sight.enu_R_sensor,
            height_m=sight.mast_m,
            sight=sight,
            budget=budget,
            receiver=replace(self.receiver, sight=sight),
        )

    def in_clear_air(self) -> Self:
        """Return the radar without ground, clutter and blind zones: air and beam remain."""
        return replace(self, budget=self.budget.in_clear_air())

    def in_free_space(self) -> Self:
        """Return the radar without air, ground and clutter: the radar equation alone."""
        return replace(self, budget=self.budget.in_free_space())

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
        budget, level = self.budget, self.snr_of_unit_echo * rcs_m2 / dwell
        half_m = level**0.25
        for _ in range(_STEPS):  # the loss hardly changes while the range settles
            height_m = budget.height_m + _CLEAR_SINE * half_m + 0.5 * half_m**2 / SEMI_MAJOR_AXIS_M
            loss_db = path_attenuation_db(
                half_m,
                budget.height_m,
                height_m,
                budget.gas_db_per_m,
                budget.rain_db_per_m,
                budget.rain_top_m,
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
        kind: Ints,
        rotor_rcs: Floats,
        rotor_tip_mps: Floats,
    ) -> Floats:
        """Return the SNR (K,) of dwells on 1 m² in places; see ``ExpectsEchoes``."""
        from sensors.expectation import strengths_at  # numba: only where it runs

        place = (range_m, azimuth_rad, height_m - self.sight.level_m, range_rate_mps)
        snr = strengths_at(
            *place, kind, rotor_rcs, rotor_tip_mps, self.snr_of_unit_echo, self.budget
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

    def observe(self, scene: Scene, rng: np.random.Generator) -> Plots:
        """Return the plots of the window, start excluded, end included, in order of time."""
        targets, start, end = scene.targets, scene.start, scene.end
        # A deceiver may be heard from where no echo would be.
        far = targets.attackers.deception
        reach = np.array([np.inf if far else self.range_max_m, self.sight.height_m])
        looks = self.scan.looks(targets, start, end, self.origin_enu_m, self.enu_R_sensor, reach)
        if self.silent_s:
            looks = looks.take(~inside(self.silent_s, looks.time_s))
        ground = None
        if len(self.discretes):
            place = (self.origin_enu_m, self.enu_R_sensor, reach)
            ground = looks_at_ground(
                self.discretes, self.scan, start.time_s, end.time_s, *place, rng
            )
        found = []
        if len(looks) or ground is not None:
            found.append(self._echoes(targets, looks, rng, nobody=ground))
        turns = self.scan.turns(start.time_s, end.time_s)
        alarms = int(rng.poisson(turns * self.false_alarms_per_look))
        if alarms:
            found.append(self._false_alarms(alarms, start.time_s, end.time_s, rng))
        if not found:
            return Plots.empty()
        return self._plots(Detections.join(found), targets, rng)

    def visibility(self, targets: Targets, truth: Truth) -> tuple[Floats, Bytes]:
        """Return how detectable every target is by one look now.

        Returns
        -------
        pd : (N,) single-look detection probability of the target alone
        code : (N,) ``Visibility``
        """
        return self._graded(targets, truth, np.ones(len(truth)))

    def noise_db(self, targets: Targets, time_s: float, azimuth_rad: Floats) -> Floats:
        """Return how far its noise is up, (A,), where the beam looks: infinitely while silent.

        The beam is as high as each jammer: it hears no more of it at another elevation.
        """
        now_s, factor = np.array([time_s]), np.ones(azimuth_rad.size)
        if inside(self.silent_s, now_s).any():
            return np.full(azimuth_rad.size, np.inf)
        for attacker in targets.attackers.noise:
            there, heard = self.receiver.noise_of(attacker, targets, now_s)
            if not heard[0] > 0.0:
                continue
            low, high = self.elevation_rad
            level = np.full(azimuth_rad.size, min(max(there[0, 2], low), high))
            beam = np.stack([azimuth_rad, level], axis=1)
            times_s = np.full(azimuth_rad.size, time_s)
            factor += self.receiver.noise_of(attacker, targets, times_s, beam)[1]
        found: Floats = 10.0 * np.log10(factor)
        return found

    def misled(self, targets: Targets, truth: Truth) -> Bools:
        """Return (N,) whose echo is overlaid by one that pulls its range off."""
        found = np.zeros(len(truth), np.bool_)
        now_s = np.array([truth.time_s])
        for attacker in targets.attackers.deception:
            spec = attacker.spec
            if isinstance(spec, RangeGatePullOff) and self.receiver.hears(spec):
                found[attacker.carrier] |= bool(is_on(spec.active_s, now_s)[0])
        return found & truth.present

    def _graded(self, targets: Targets, truth: Truth, gain: Floats) -> tuple[Floats, Bytes]:
        """Return ``visibility`` with a factor (N,) on every echo."""
        from sensors.echoes import grade, strengths  # numba: only where it runs
        from sensors.kernels import locate

        signatures = targets.signatures
        polar, code = np.empty((len(truth), 4)), np.empty(len(truth), np.uint8)
        locate(truth.position_enu_m, truth.velocity_enu_mps, *self._reach(), polar, code)
        if inside(self.silent_s, np.array([truth.time_s])).any():
            code[code != Visibility.ABSENT] = Visibility.NOT_LOOKED_AT
        position, velocity = truth.position_enu_m, truth.velocity_enu_mps
        time_s = np.full(len(truth), truth.time_s)
        strength = strengths(
            polar,
            velocity,
            np.arange(len(truth), dtype=np.int32),
            signatures.rcs_m2 * gain,
            self.receiver.noise_factor(targets, time_s, position, velocity),
            code,
            signatures.rcs_aspect,
            signatures.rotor_rcs,
            signatures.rotor_tip_mps,
            self.snr_of_unit_echo,
            self.budget,
        )
        pd = grade(
            polar,
            strength,
            signatures.swerling,
            self.resolution,
            self.pulses,
            *detector(self.pfa, self.pulses),
            code,
        )
        return pd, code

    def _reach(
        self,
    ) -> tuple[Floats, Floats, float, Floats, Floats, Floats, Floats, Floats, Floats32, float]:
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
            self.sight.lowest_m,
            self.sight.cell_m,
        )

    def _echoes(
        self,
        targets: Targets,
        looks: Looks,
        rng: np.random.Generator,
        gain: Floats | None = None,
        nobody: tuple[Looks, Floats] | None = None,
    ) -> Detections:
        """Return what is detected of looks.

        Parameters
        ----------
        gain : (K,) factor on every echo
        nobody : further looks, at what is no target, and their cross sections (Swerling 1)
        """
        from sensors.echoes import receive  # numba: only where it runs

        signatures, truth_id = targets.signatures, looks.target
        rcs_m2, swerling = signatures.rcs_m2[truth_id], signatures.swerling[truth_id]
        if gain is not None:
            rcs_m2 = rcs_m2 * gain
        others = [] if nobody is None else [(*nobody, 1)]
        if targets.attackers.deception:
            false = false_echoes(
                targets.attackers.deception, looks, self.receiver, self.transmit_eirp_w
            )
            others.append((false.looks, false.rcs_m2, 0))
        for other, other_m2, case in others:
            size = len(other)
            looks = Looks.concatenate([looks, other])
            rcs_m2 = np.concatenate([rcs_m2, other_m2])
            swerling = np.concatenate([swerling, np.full(size, case, np.uint8)])
            truth_id = np.concatenate([truth_id, np.full(size, FALSE_ALARM, np.int32)])
        polar, snr, look, spread = receive(
            looks.position_enu_m,
            looks.velocity_enu_mps,
            looks.time_s,
            truth_id,
            rcs_m2,
            self.receiver.noise_factor(
                targets, looks.time_s, looks.position_enu_m, looks.velocity_enu_mps
            ),
            signatures.rcs_aspect,
            signatures.rotor_rcs,
            signatures.rotor_tip_mps,
            *self._reach(),
            self.snr_of_unit_echo,
            self.budget,
            self.resolution,
            self._look_gap_s,
        )
        power = draw_echo_power(snr, self.pulses, swerling[look], rng)
        threshold = detection_threshold(self.pfa, self.pulses)
        found = looks.due[look] & (power > threshold)
        row = look[found]
        return Detections(
            looks.time_s[row], polar[found], power[found], truth_id[row], row, spread[found]
        )

    @property
    def _look_gap_s(self) -> float:
        """Echoes further apart in time belong to different looks."""
        return 0.5 * self.period_s

    def _false_alarms(
        self, size: int, start_s: float, end_s: float, rng: np.random.Generator
    ) -> Detections:
        time_s, azimuth = self.scan.draw_looks(size, start_s, end_s, rng)
        place = np.empty((size, 4))
        place[:, 0] = rng.uniform(self.range_limits_m[0], self.range_limits_m[1], size)
        place[:, 1] = azimuth
        place[:, 2] = rng.uniform(self.elevation_rad[0], self.elevation_rad[1], size)
        place[:, 3] = self.range_rate_max_mps * rng.uniform(-1.0, 1.0, size)
        power = draw_noise_power_over_threshold(size, self.pfa, self.pulses, rng)
        nothing = np.full(size, FALSE_ALARM, np.int32)
        alarms = Detections(time_s, place, power, nothing, nothing, np.zeros((size, 4)))
        if self.silent_s:
            alarms = alarms.take(~inside(self.silent_s, alarms.time_s))
        for near_m, far_m in self.blind_ranges_m:
            alarms = alarms.take((alarms.polar[:, 0] < near_m) | (alarms.polar[:, 0] >= far_m))
        return alarms

    def _plots(self, found: Detections, targets: Targets, rng: np.random.Generator) -> Plots:
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
            sigma=np.hypot(sigma, found.spread),
            snr_db=10.0 * np.log10(snr),
            reply=reply,
            truth_id=found.truth_id,
        )


@dataclass(frozen=True, slots=True)
class Detections:
    """Dwells whose power crossed the threshold, one row each.

    Attributes
    ----------
    time_s, power, truth_id : when, how strong, of what
    polar : (K, 4) exactly where
    look : row of the look that found it, -1 for noise
    spread : (K, 4) of the parts of a merged echo about its place, 0 of one alone
    """

    time_s: Floats
    polar: Floats
    power: Floats
    truth_id: Ints
    look: Ints
    spread: Floats

    def take(self, rows: Bools | NDArray[np.intp]) -> Detections:
        """Return the given rows as a new table."""
        return Detections(
            self.time_s[rows],
            self.polar[rows],
            self.power[rows],
            self.truth_id[rows],
            self.look[rows],
            self.spread[rows],
        )

    @classmethod
    def join(cls, tables: list[Detections]) -> Detections:
        """Stack tables, in order."""
        if len(tables) == 1:
            return tables[0]
        names = [column.name for column in fields(cls)]
        return cls(*(np.concatenate([getattr(table, name) for table in tables]) for name in names))
