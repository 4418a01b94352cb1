"""A pulse radar, turning or staring: its looks.

``docs/sensors/radar.md`` holds the formulas and what they leave out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sensors.deception import false_echoes
from sensors.detection import (
    detection_threshold,
    detector,
    draw_echo_power,
    draw_noise_power_over_threshold,
)
from sensors.detections import Detections
from sensors.ground_echoes import GroundEchoes, looks_at_ground
from sensors.radar_at_place import RadarAtPlace
from sensors.radar_spec import RadarSpec
from sensors.scanning import Looks
from sim.core.tables import FALSE_ALARM, Plots, Truth, Visibility
from sim.world.electronic_attack import RangeGatePullOff
from sim.world.windows import inside, is_on

if TYPE_CHECKING:
    from sensors.scene import Scene
    from sim.core.tables import Bools, Bytes, Floats
    from sim.world.truth import Targets

__all__ = ["Radar", "RadarSpec"]

_NO_REPLIES = np.empty(0, np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Radar(RadarAtPlace):
    """A radar that looks; see ``sensors.registry.Sensor``."""

    def observe(self, scene: Scene, rng: np.random.Generator) -> Plots:
        """Return the plots of the window, start excluded, end included, in order of time."""
        targets, start, end = scene.targets, scene.start, scene.end
        # Deceivers and ghosts may be heard from where no echo would be.
        far = bool(targets.attackers.deception) or self.budget.ghosts
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
            found.append(self._echoes(targets, looks, rng, ground=ground))
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

    def detection(self, targets: Targets, truth: Truth) -> Floats:
        """Return the single-look detection probability (N,) of ``visibility``, no reasons."""
        return self._detected(targets, truth, np.ones(len(truth)))

    def _detected(self, targets: Targets, truth: Truth, gain: Floats) -> Floats:
        """Return ``detection`` with a factor (N,) on every echo."""
        from sensors.dwells import pd_of_dwells  # numba: only where it runs

        _, strength, code = self._strengths(targets, truth, gain)
        pd, shown = np.zeros(len(truth)), np.flatnonzero(code == Visibility.VISIBLE)
        swerling = targets.signatures.swerling[shown]
        detecting = detector(self.pfa, self.pulses)
        pd[shown] = pd_of_dwells(strength[shown, 0], swerling, self.pulses, *detecting)
        return pd

    def _graded(self, targets: Targets, truth: Truth, gain: Floats) -> tuple[Floats, Bytes]:
        """Return ``visibility`` with a factor (N,) on every echo."""
        from sensors.echoes import grade  # numba: only where it runs

        polar, strength, code = self._strengths(targets, truth, gain)
        pd = grade(
            polar,
            strength,
            targets.signatures.swerling,
            self.resolution,
            self.pulses,
            *detector(self.pfa, self.pulses),
            code,
        )
        return pd, code

    def _strengths(
        self, targets: Targets, truth: Truth, gain: Floats
    ) -> tuple[Floats, Floats, Bytes]:
        """Return places (N, 4), strengths (N, 5) and, of geometry alone, ``Visibility`` (N,)."""
        from sensors.echoes import strengths  # numba: only where it runs
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
        return polar, strength, code

    def _echoes(
        self,
        targets: Targets,
        looks: Looks,
        rng: np.random.Generator,
        gain: Floats | None = None,
        ground: GroundEchoes | None = None,
    ) -> Detections:
        """Return what is detected of looks.

        Parameters
        ----------
        gain : (K,) factor on every echo
        ground : what turbines and vehicles send back meanwhile
        """
        from sensors.echoes import receive  # numba: only where it runs

        signatures, truth_id = targets.signatures, looks.target
        rcs_m2, swerling = signatures.rcs_m2[truth_id], signatures.swerling[truth_id]
        if gain is not None:
            rcs_m2 = rcs_m2 * gain
        own = len(looks)
        others = [] if ground is None else [(ground.looks, ground.rcs_m2, 1)]
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
        thing = np.full(len(looks), -1, np.int32)
        if ground is not None:
            thing[own : own + len(ground.looks)] = ground.looks.target
        polar, snr, look, wrong, spread = receive(
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
        whose = np.where(wrong[found], FALSE_ALARM, truth_id[row]).astype(np.int32)
        return Detections(
            looks.time_s[row], polar[found], power[found], whose, thing[row], spread[found]
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
