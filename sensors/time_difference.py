"""A network that compares when an emission arrives at several receivers.

``docs/sensors/rf.md`` holds the formulas and what they leave out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from sensors.detection import SPEED_OF_LIGHT_MPS, draw_noise_power_over_threshold
from sensors.emissions import emissions
from sensors.link import Receiver
from sensors.listener import ALL_ELEVATIONS_RAD, Listener
from sensors.presets import require_own_keys_only, with_preset
from sensors.rf import ReceiverSpec, emission_snr
from sensors.sight import Sight
from sim.core.tables import FALSE_ALARM, Measured, Plots, Truth, Visibility
from sim.world.spec import Identifier, Position

if TYPE_CHECKING:
    from sensors.mount import Mount
    from sensors.scene import Scene
    from sim.core.tables import Bytes, Floats, Ints
    from sim.world.signatures import Signatures
    from sim.world.surroundings import Surroundings
    from sim.world.truth import Targets

_NEAREST_M = 10.0


class TimeDifferenceSpec(ReceiverSpec):
    """A network as a scenario names it: its first receiver is at the site, which may move.

    That one is compared with each of the others on the ground: ``<id>/1``, ``<id>/2``, …
    """

    model_config = ConfigDict(json_schema_extra=require_own_keys_only)

    kind: Literal["time-difference"]
    id: Identifier
    preset: str | None = None

    receivers: Annotated[
        tuple[Position, ...], Field(min_length=1, max_length=50, description="the others")
    ]
    timing_sigma_ns: Annotated[float, Field(gt=0, le=1e5)]
    bandwidth_mhz: Annotated[float, Field(gt=0, le=1000)]

    @model_validator(mode="before")
    @classmethod
    def _merge_preset(cls, given: Any) -> Any:
        return with_preset(given, cls, "time-difference", {})

    def build(self, mount: Mount, surroundings: Surroundings) -> tuple[TimeDifference, ...]:
        """Return one sensor for each of the other receivers.

        Raises
        ------
        ValueError
            If two receivers stand at one place.
        """
        reach_m = 1e3 * self.range_max_km
        sight = Sight.over(surroundings, mount.position_enu_m, reach_m)
        places = [sight.origin_enu_m]
        pairs = []
        for k, receiver in enumerate(self.receivers):
            latitude, longitude = np.radians([receiver.latitude_deg, receiver.longitude_deg])
            ground_m = float(surroundings.ground.height_m(latitude, longitude))
            place = surroundings.frame.from_geodetic(
                latitude, longitude, receiver.height_above_ellipsoid_m(ground_m)
            )
            if min(float(np.linalg.norm(place - other)) for other in places) < _NEAREST_M:
                raise ValueError(
                    f"sensor {self.id}: receivers[{k}] stands within {_NEAREST_M:g} m of another"
                )
            places.append(place)
            pairs.append(
                TimeDifference(
                    id=f"{self.id}/{k + 1}",
                    index=mount.index + k,
                    site=mount.site,
                    sight=sight,
                    period_s=self.update_s,
                    range_limits_m=np.array([0.0, reach_m]),
                    elevation_rad=ALL_ELEVATIONS_RAD,
                    measures=np.array([True, False, False, False]),
                    clutter_density=self.pfa / (2.0 * _baseline_s(sight.origin_enu_m, place)),
                    receiver=self.receiver,
                    other=Sight.over(surroundings, place, reach_m),
                    intercept_probability=self.intercept_probability,
                    timing_sigma_s=self.timing_sigma_ns * 1e-9,
                    bandwidth_hz=self.bandwidth_mhz * 1e6,
                )
            )
        return tuple(pairs)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TimeDifference(Listener):
    """Two receivers at their places, in SI units; see ``sensors.registry.Sensor``.

    Attributes
    ----------
    sight, other : from the receiver at the site, and from the one it is compared with
    intercept_probability : that an emission falls into what is recorded
    timing_sigma_s : error of the difference of the two clocks
    bandwidth_hz : of the emissions
    """

    receiver: Receiver
    other: Sight
    intercept_probability: float
    timing_sigma_s: float
    bandwidth_hz: float

    @property
    def measured(self) -> Measured:
        """A difference of times."""
        return Measured.TIME_DIFFERENCE

    @property
    def other_enu_m(self) -> Floats:
        """(3,) place of the receiver that the site's is compared with."""
        return self.other.origin_enu_m

    @property
    def baseline_s(self) -> float:
        """What light takes between the two receivers."""
        return _baseline_s(self.origin_enu_m, self.other_enu_m)

    def difference_sigma_s(self, snr: Floats) -> Floats:
        """Return the error of a difference (K,) by the SNR of a sample at the weaker receiver.

        Clocks and noise together: noise gives √3 / (π B √(2 n SNR)) for a flat spectrum of
        width B (Knapp, Carter, IEEE T-ASSP 24, 1976, at high SNR).
        """
        noise = np.sqrt(3.0) / (
            np.pi * self.bandwidth_hz * np.sqrt(2.0 * self.receiver.pulses * snr)
        )
        sigma: Floats = np.hypot(self.timing_sigma_s, noise)
        return sigma

    def observe(self, scene: Scene, rng: np.random.Generator) -> Plots:
        """Return the plots of the window, start excluded, end included, in order of time."""
        targets, start, end = scene.targets, scene.start, scene.end
        rows = self._in_reach(scene, np.isfinite(targets.signatures.rf_dbm), self.range_max_m)
        time_s, target = emissions(rows, start.time_s, end.time_s, self.period_s)
        position, velocity = targets.at(time_s, target)
        snr, code, difference = self._receive(targets.signatures, target, position, velocity)
        # The pair hears as well as the weaker receiver does.
        noticed, measured_snr = self.receiver.draw(snr, rng)
        found = (code == Visibility.VISIBLE) & noticed
        found &= rng.random(target.size) < self.intercept_probability
        sigma = self.difference_sigma_s(measured_snr[found])
        plots = self._plots(
            time_s[found],
            difference[found] + sigma * rng.standard_normal(sigma.size),
            sigma,
            measured_snr[found],
            target[found],
        )
        looks = (end.time_s - start.time_s) / self.period_s
        alarms = int(rng.poisson(self.receiver.pfa * looks))
        if not alarms:
            return plots
        both = Plots.concatenate([plots, self._false_alarms(alarms, scene, rng)])
        return both.take(np.argsort(both.time_s, kind="stable"))

    def visibility(self, targets: Targets, truth: Truth) -> tuple[Floats, Bytes]:
        """Return how detectable every target is by one look of this pair now.

        Returns
        -------
        pd : (N,) single-look detection probability
        code : (N,) ``Visibility`` at the worse of the two receivers
        """
        everyone = np.arange(len(truth), dtype=np.int32)
        snr, code, _ = self._receive(
            targets.signatures, everyone, truth.position_enu_m, truth.velocity_enu_mps
        )
        silent = truth.present & ~np.isfinite(targets.signatures.rf_dbm)
        code[silent] = Visibility.SILENT
        pd = np.zeros(len(truth))
        rows = np.flatnonzero(code == Visibility.VISIBLE)
        pd[rows] = self.intercept_probability * self.receiver.pd(snr[rows])
        code[rows[pd[rows] < 0.5 * self.intercept_probability]] = Visibility.WEAK_ECHO
        return pd, code

    def _receive(
        self, signatures: Signatures, target: Ints, position: Floats, velocity: Floats
    ) -> tuple[Floats, Bytes, Floats]:
        """Return the SNR (K,) at the weaker receiver, the worse code, and the difference (s)."""
        here, code = self._locate(position, velocity)
        there, other_code = self.other.locate(
            position, velocity, self.range_limits_m, self.sector_rad, self.elevation_rad
        )
        code = np.minimum(code, other_code)
        snr = np.zeros(target.size)
        rows = (code == Visibility.VISIBLE) & np.isfinite(signatures.rf_dbm[target])
        snr[rows] = np.minimum(
            emission_snr(self.receiver, self.sight, signatures, target[rows], here[rows]),
            emission_snr(self.receiver, self.other, signatures, target[rows], there[rows]),
        )
        return snr, code, (here[:, 0] - there[:, 0]) / SPEED_OF_LIGHT_MPS

    def _false_alarms(self, size: int, scene: Scene, rng: np.random.Generator) -> Plots:
        power = draw_noise_power_over_threshold(size, self.receiver.pfa, self.receiver.pulses, rng)
        snr = power / self.receiver.pulses - 1.0
        span_s = scene.end.time_s - scene.start.time_s
        return self._plots(
            scene.end.time_s - span_s * rng.random(size),
            self.baseline_s * rng.uniform(-1.0, 1.0, size),
            self.difference_sigma_s(snr),
            snr,
            np.full(size, FALSE_ALARM, np.int32),
        )

    def _plots(
        self, time_s: Floats, difference_s: Floats, sigma_s: Floats, snr: Floats, truth_id: Ints
    ) -> Plots:
        measurement, sigma = np.full((time_s.size, 4), np.nan), np.full((time_s.size, 4), np.nan)
        measurement[:, 0], sigma[:, 0] = difference_s, sigma_s
        return Plots(
            time_s=time_s,
            sensor=np.full(time_s.size, self.index, np.int32),
            measurement=measurement,
            sigma=sigma,
            snr_db=10.0 * np.log10(snr),
            reply=np.zeros(time_s.size, np.uint8),
            truth_id=truth_id.astype(np.int32),
        )


def _baseline_s(one_enu_m: Floats, other_enu_m: Floats) -> float:
    """Return what light takes between two places."""
    return float(np.linalg.norm(other_enu_m - one_enu_m)) / SPEED_OF_LIGHT_MPS
