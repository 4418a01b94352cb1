"""A radio direction finder: specification and model.

``docs/sensors/rf.md`` holds the formulas and what they leave out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from sensors.detection import draw_noise_power_over_threshold
from sensors.link import Receiver
from sensors.listener import ALL_ELEVATIONS_RAD, Listener
from sensors.presets import require_own_keys_only, with_preset
from sensors.scanning import Stare
from sensors.sight import Sight
from sim.core.tables import FALSE_ALARM, Plots, Truth, Visibility
from sim.world.spec import Identifier, Spec

if TYPE_CHECKING:
    from sensors.mount import Mount
    from sensors.scene import Scene
    from sim.core.tables import Bytes, Floats, Ints
    from sim.world.signatures import Signatures
    from sim.world.surroundings import Surroundings
    from sim.world.truth import Targets

#: Slope of an amplitude comparison of two beams, per beamwidth, as of a monopulse radar.
_SLOPE = 1.6


class ReceiverSpec(Spec):
    """The keys that all receivers of targets' own radio links share."""

    sensitivity_dbm: Annotated[float, Field(ge=-150, le=0)]
    gain_db: Annotated[float, Field(ge=-20, le=60)] = 0.0
    two_ray: bool = False
    pulses: Annotated[int, Field(ge=1, le=10_000)]
    pfa: Annotated[float, Field(ge=1e-12, le=0.1)]
    intercept_probability: Annotated[float, Field(gt=0, le=1)] = 1.0
    update_s: Annotated[float, Field(ge=0.05, le=3600)]
    range_max_km: Annotated[float, Field(gt=0, le=1000)]

    @property
    def receiver(self) -> Receiver:
        """The detector."""
        return Receiver(self.sensitivity_dbm, self.gain_db, self.pfa, self.pulses, self.two_ray)


class DirectionFinderSpec(ReceiverSpec):
    """A direction finder as a scenario names it: a preset, values of its own, or both."""

    model_config = ConfigDict(json_schema_extra=require_own_keys_only)

    kind: Literal["rf-direction-finder"]
    id: Identifier
    preset: str | None = None

    beamwidth_deg: Annotated[float, Field(gt=0, le=180)]
    azimuth_sigma_min_deg: Annotated[float, Field(gt=0, le=60)]

    @model_validator(mode="before")
    @classmethod
    def _merge_preset(cls, given: Any) -> Any:
        return with_preset(given, cls, "rf-direction-finder", {})

    def build(self, mount: Mount, surroundings: Surroundings) -> DirectionFinder:
        """Return the direction finder at its place."""
        return DirectionFinder(
            id=self.id,
            index=mount.index,
            site=mount.site,
            sight=Sight.over(surroundings, mount.position_enu_m, 1e3 * self.range_max_km),
            period_s=self.update_s,
            range_limits_m=np.array([0.0, self.range_max_km * 1e3]),
            elevation_rad=ALL_ELEVATIONS_RAD,
            measures=np.array([False, True, False, False]),
            clutter_density=self.pfa / (2.0 * np.pi),
            receiver=self.receiver,
            intercept_probability=self.intercept_probability,
            beamwidth_rad=float(np.radians(self.beamwidth_deg)),
            azimuth_sigma_min_rad=float(np.radians(self.azimuth_sigma_min_deg)),
        )


def emission_snr(
    receiver: Receiver, sight: Sight, signatures: Signatures, target: Ints, polar: Floats
) -> Floats:
    """Return the SNR (K,) of targets' own radio links at polar places (K, 4)."""
    return receiver.snr(
        signatures.rf_dbm[target],
        signatures.rf_hz[target],
        polar[:, 0],
        sight.mast_m,
        sight.target_height_m(polar),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DirectionFinder(Listener):
    """A direction finder at its place, in SI units; see ``sensors.registry.Sensor``.

    Attributes
    ----------
    intercept_probability : that an emitter sends while a look listens on its channel
    beamwidth_rad : of the beams that are compared
    azimuth_sigma_min_rad : error that more signal does not cure
    """

    receiver: Receiver
    intercept_probability: float
    beamwidth_rad: float
    azimuth_sigma_min_rad: float

    def azimuth_sigma_rad(self, snr: Floats) -> Floats:
        """Return the error of azimuth (K,) by the SNR of a sample, never below the floor.

        θ / (1.6 √(2 n SNR)), as a monopulse radar's (Barton, Modern Radar System Analysis).
        """
        bound = self.beamwidth_rad / (_SLOPE * np.sqrt(2.0 * self.receiver.pulses * snr))
        sigma: Floats = np.clip(bound, self.azimuth_sigma_min_rad, 1.0)
        return sigma

    def observe(self, scene: Scene, rng: np.random.Generator) -> Plots:
        """Return the plots of the window, start excluded, end included, in order of time."""
        scan = Stare(self.period_s, self.sector_rad)
        look_s = scan.look_times_s(scene.start.time_s, scene.end.time_s)
        signatures = scene.targets.signatures
        rows = self._in_reach(scene, np.isfinite(signatures.rf_dbm), self.range_max_m)
        time_s, target = np.repeat(look_s, rows.size), np.tile(rows, look_s.size)
        polar, code = self._locate(*scene.targets.at(time_s, target))
        seen = code == Visibility.VISIBLE
        time_s, target, polar = time_s[seen], target[seen], polar[seen]
        snr = emission_snr(self.receiver, self.sight, signatures, target, polar)
        noticed, measured_snr = self.receiver.draw(snr, rng)
        found = noticed & (rng.random(target.size) < self.intercept_probability)
        sigma = self.azimuth_sigma_rad(measured_snr[found])
        azimuth = polar[found, 1] + sigma * rng.standard_normal(sigma.size)
        plots = self._plots(time_s[found], azimuth, sigma, measured_snr[found], target[found])
        alarms = self._false_alarms(look_s, rng)
        if not len(alarms):
            return plots
        found_all = Plots.concatenate([plots, alarms])
        return found_all.take(np.argsort(found_all.time_s, kind="stable"))

    def visibility(self, targets: Targets, truth: Truth) -> tuple[Floats, Bytes]:
        """Return how detectable every target is by one look now.

        Returns
        -------
        pd : (N,) single-look detection probability
        code : (N,) ``Visibility``
        """
        polar, code = self._locate(truth.position_enu_m, truth.velocity_enu_mps)
        silent = truth.present & ~np.isfinite(targets.signatures.rf_dbm)
        code[silent] = Visibility.SILENT
        pd = np.zeros(len(truth))
        rows = np.flatnonzero(code == Visibility.VISIBLE).astype(np.int32)
        snr = emission_snr(self.receiver, self.sight, targets.signatures, rows, polar[rows])
        pd[rows] = self.intercept_probability * self.receiver.pd(snr)
        code[rows[pd[rows] < 0.5 * self.intercept_probability]] = Visibility.WEAK_ECHO
        return pd, code

    def _false_alarms(self, look_s: Floats, rng: np.random.Generator) -> Plots:
        size = int(rng.poisson(self.receiver.pfa * look_s.size))
        if not size:
            return Plots.empty()
        power = draw_noise_power_over_threshold(size, self.receiver.pfa, self.receiver.pulses, rng)
        snr = power / self.receiver.pulses - 1.0
        azimuth = rng.uniform(0.0, 2.0 * np.pi, size)
        none = np.full(size, FALSE_ALARM, np.int32)
        return self._plots(
            rng.choice(look_s, size), azimuth, self.azimuth_sigma_rad(snr), snr, none
        )

    def _plots(
        self, time_s: Floats, azimuth_rad: Floats, sigma_rad: Floats, snr: Floats, truth_id: Ints
    ) -> Plots:
        measurement, sigma = np.full((time_s.size, 4), np.nan), np.full((time_s.size, 4), np.nan)
        measurement[:, 1] = azimuth_rad % (2.0 * np.pi)
        sigma[:, 1] = sigma_rad
        return Plots(
            time_s=time_s,
            sensor=np.full(time_s.size, self.index, np.int32),
            measurement=measurement,
            sigma=sigma,
            snr_db=10.0 * np.log10(snr),
            reply=np.zeros(time_s.size, np.uint8),
            truth_id=truth_id.astype(np.int32),
        )
