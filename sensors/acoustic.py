"""A cluster of microphones, small or large: specification and model.

``docs/sensors/acoustic.md`` holds the formulas and what they leave out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from sensors.detection import (
    detection_probability,
    detection_threshold,
    draw_echo_power,
    draw_noise_power_over_threshold,
)
from sensors.listener import Listener
from sensors.presets import require_own_keys_only, with_preset
from sensors.refraction import roughness_length_m, shadow_db
from sensors.scanning import Stare
from sensors.sight import Sight
from sensors.sound import absorption_db_per_m, speed_of_sound_mps, wind_noise_dba
from sim.core.tables import FALSE_ALARM, Plots, Truth, Visibility
from sim.world.environment import Environment
from sim.world.spec import Identifier, Spec

if TYPE_CHECKING:
    from sensors.mount import Mount
    from sensors.scene import Scene
    from sim.core.tables import Bytes, Floats, Ints
    from sim.world.signatures import Signatures
    from sim.world.surroundings import Surroundings
    from sim.world.truth import Targets

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]

#: Sound of rotors and exhausts is noise itself: its power varies from sample to sample.
_NOISE_LIKE = 2
_ARRIVAL_STEPS = 12
_ARRIVAL_TOLERANCE_S = 1e-5
#: Straight overhead an azimuth says nothing; its error is bounded there.
_LEAST_COSINE = 0.1
#: Sound from farther than this many times the range neither is reported nor disturbs.
_HEARD_FROM = 2.0


class AcousticSpec(Spec):
    """Microphones as a scenario names them: a preset, values of its own, or both."""

    model_config = ConfigDict(json_schema_extra=require_own_keys_only)

    kind: Literal["acoustic"]
    id: Identifier
    preset: str | None = None

    microphones: Annotated[int, Field(ge=1, le=4096)]
    aperture_m: Annotated[float, Field(gt=0, le=100)]
    windscreen_m: Annotated[float, Field(gt=0, le=10)]
    measures_elevation: bool
    update_s: Annotated[float, Field(ge=0.05, le=3600)]
    samples: Annotated[int, Field(ge=1, le=10_000)]
    band_gain_db: Annotated[float, Field(ge=0, le=40)]
    excess_attenuation_db_per_km: Annotated[float, Field(ge=0, le=100)]
    shadow_max_db: Annotated[
        float, Field(ge=0, le=60, description="the deepest shadow against the wind; 0: none")
    ]
    pfa: Annotated[float, Field(ge=1e-12, le=0.1)]
    range_max_km: Annotated[float, Field(gt=0, le=100)]
    elevation_min_deg: Annotated[float, Field(ge=-90, le=90)]
    angle_sigma_min_deg: Annotated[float, Field(gt=0, le=90)]
    expected_speed_mps: NotNegative

    @model_validator(mode="before")
    @classmethod
    def _merge_preset(cls, given: Any) -> Any:
        return with_preset(given, cls, "acoustic", {})

    @model_validator(mode="after")
    def _check(self) -> Self:
        least = 4 if self.measures_elevation else 3
        if self.microphones < least:
            what = "azimuth and elevation" if self.measures_elevation else "an azimuth"
            raise ValueError(
                f"{self.microphones} microphones tell no direction: {what} takes {least} or more"
            )
        return self

    def build(self, mount: Mount, surroundings: Surroundings) -> Acoustic:
        """Return the microphones at their place."""
        elevation = np.array([np.radians(self.elevation_min_deg), 0.5 * np.pi])
        span = 2.0 * np.pi
        if self.measures_elevation:
            span *= float(elevation[1] - elevation[0])
        return Acoustic(
            id=self.id,
            index=mount.index,
            site=mount.site,
            sight=Sight.over(surroundings, mount.position_enu_m, 1e3 * self.range_max_km),
            period_s=self.update_s,
            range_limits_m=np.array([0.0, self.range_max_km * 1e3]),
            elevation_rad=elevation,
            measures=np.array([False, True, self.measures_elevation, False]),
            clutter_density=self.pfa / span,
            pfa=self.pfa,
            samples=self.samples,
            microphones=self.microphones,
            aperture_m=self.aperture_m,
            windscreen_m=self.windscreen_m,
            band_gain_db=self.band_gain_db,
            excess_db_per_m=self.excess_attenuation_db_per_km / 1e3,
            shadow_max_db=self.shadow_max_db,
            angle_sigma_min_rad=float(np.radians(self.angle_sigma_min_deg)),
            expected_speed_mps=self.expected_speed_mps,
            environment=surroundings.environment,
        )


def arrivals(
    targets: Targets, time_s: Floats, target: Ints, origin_enu_m: Floats, speed_mps: float
) -> tuple[Floats, Floats, Floats]:
    """Return when, where and how fast targets were when they sounded what arrives now.

    Newton's method on t + |x(t) − o| / c = ``time_s``.

    Parameters
    ----------
    time_s, target : (K,) when the sound arrives, and whose
    origin_enu_m : (3,) where
    speed_mps : of sound

    Returns
    -------
    sounded_s (K,), position_enu_m, velocity_enu_mps (K, 3). A position is NaN where the target
    was not there, or comes on too fast for a single solution.
    """
    sounded = time_s.astype(float)
    late = np.full(sounded.size, np.inf)
    for _ in range(_ARRIVAL_STEPS):
        position, velocity = targets.at(sounded, target)
        offset = position - origin_enu_m
        range_m = np.maximum(np.sqrt((offset * offset).sum(axis=1)), 1e-3)
        late = sounded + range_m / speed_mps - time_s
        closing = (offset * velocity).sum(axis=1) / range_m / speed_mps
        if not (np.abs(late) > _ARRIVAL_TOLERANCE_S).any():
            break
        step = late / np.maximum(1.0 + closing, 0.05)
        sounded = np.where(np.isnan(step), sounded, sounded - step)
    position = np.where(np.abs(late)[:, None] <= 1e-2, position, np.nan)
    return sounded, position, velocity


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Acoustic(Listener):
    """Microphones at their place, in SI units; see ``sensors.registry.Sensor``.

    Attributes
    ----------
    samples : independent samples of power that a look sums
    aperture_m, windscreen_m : diameter of the array, and of one microphone's screen
    band_gain_db : how much quieter the background is in the band listened to than over all
    excess_db_per_m : attenuation besides spreading and absorption
    shadow_max_db : what the deepest shadow against the wind takes
    angle_sigma_min_rad : error of direction that more sound does not cure
    expected_speed_mps : across the line of sight (1 σ), for what the delay hides
    """

    pfa: float
    samples: int
    microphones: int
    aperture_m: float
    windscreen_m: float
    band_gain_db: float
    excess_db_per_m: float
    shadow_max_db: float
    angle_sigma_min_rad: float
    expected_speed_mps: float
    environment: Environment

    def level_dba(self, signatures: Signatures, target: Ints, range_m: Floats) -> Floats:
        """Return the sound pressure level (K,) that arrives from targets."""
        air = self.environment
        absorbed_db_per_m = absorption_db_per_m(
            signatures.acoustic_hz[target], air.temperature_c, air.humidity_pct, air.pressure_hpa
        )
        level: Floats = signatures.acoustic_db[target] - 20.0 * np.log10(np.maximum(range_m, 1.0))
        return level - (absorbed_db_per_m + self.excess_db_per_m) * range_m

    def shadow_db(self, polar: Floats, frequency_hz: Floats) -> Floats:
        """Return what the shadow against the wind takes of sounds (K,) from places (K, 4).

        Heights are counted from the ground below the microphones.
        """
        air, sight = self.environment, self.sight
        # Sound comes from the azimuth; wind from there carries it along.
        upwind = np.cos(polar[:, 1] - np.radians(air.wind_from_deg))
        return shadow_db(
            polar[:, 0] * np.cos(polar[:, 2]),
            sight.target_height_m(polar) - sight.height_m + sight.mast_m,
            sight.mast_m,
            -air.wind_mps * upwind,
            frequency_hz,
            speed_mps=self._speed_mps,
            rough_m=roughness_length_m(air),
            most_db=self.shadow_max_db,
        )

    def noise_dba(self, frequency_hz: Floats) -> Floats:
        """Return the noise (K,) about the frequencies of sounds: background and wind."""
        background = 10.0 ** (0.1 * (self.environment.background_noise_dba - self.band_gain_db))
        wind = wind_noise_dba(frequency_hz, self.environment.wind_mps, self.windscreen_m)
        noise: Floats = 10.0 * np.log10(background + 10.0 ** (0.1 * wind))
        return noise

    def direction_sigma_rad(self, snr: Floats, frequency_hz: Floats) -> Floats:
        """Return the error of direction (K,), without that of the delay.

        The bound for one source, √((1 + 1/S) / (2 n S)) / (k ρ), S being the SNR of all
        microphones together, n samples, k the wave number, ρ = D/√8 the spread of a ring of
        microphones along one axis (Stoica, Nehorai, IEEE T-ASSP 37, 1989), and the floor.
        """
        spread = self.aperture_m / np.sqrt(8.0)
        phase_per_rad = 2.0 * np.pi * frequency_hz / self._speed_mps * spread
        bound = np.sqrt((1.0 + 1.0 / snr) / (2.0 * self.samples * snr)) / phase_per_rad
        sigma: Floats = np.hypot(np.minimum(bound, 1.0), self.angle_sigma_min_rad)
        return sigma

    @property
    def lag_sigma_rad(self) -> float:
        """Angle that a target crosses while its sound travels, v / c at any distance (1 σ)."""
        return self.expected_speed_mps / self._speed_mps

    @property
    def _speed_mps(self) -> float:
        return speed_of_sound_mps(self.environment.temperature_c)

    def observe(self, scene: Scene, rng: np.random.Generator) -> Plots:
        """Return the plots of the window, start excluded, end included, in order of time."""
        start, end = scene.start, scene.end
        scan = Stare(self.period_s, self.sector_rad)
        look_s = scan.look_times_s(start.time_s, end.time_s)
        sounds = np.isfinite(scene.targets.signatures.acoustic_db)
        rows = self._in_reach(scene, sounds, _HEARD_FROM * self.range_max_m)
        plots = [
            self._look(scene.targets, time_s, rows, rng) for time_s in look_s.tolist() if rows.size
        ]
        alarms = int(rng.poisson(self.pfa * look_s.size))
        if alarms:
            plots.append(self._false_alarms(alarms, look_s, rng))
        found = Plots.concatenate(plots)
        return found.take(np.argsort(found.time_s, kind="stable"))

    def visibility(self, targets: Targets, truth: Truth) -> tuple[Floats, Bytes]:
        """Return how detectable every target is by one look now.

        Returns
        -------
        pd : (N,) single-look detection probability of the target alone
        code : (N,) ``Visibility``; UNRESOLVED is drowned by louder targets
        """
        pd = np.zeros(len(truth))
        code = np.where(truth.present, Visibility.SILENT, Visibility.ABSENT).astype(np.uint8)
        rows = np.flatnonzero(truth.present & np.isfinite(targets.signatures.acoustic_db)).astype(
            np.int32
        )
        if rows.size:
            _, reason, alone, among, _ = self._hear(targets, truth.time_s, rows)
            shown = reason == Visibility.VISIBLE
            pd[rows[shown]] = self._pd(alone[shown])
            heard = np.zeros(rows.size)
            heard[shown] = self._pd(among[shown])
            reason[shown & (heard < 0.5)] = Visibility.UNRESOLVED
            reason[shown & (pd[rows] < 0.5)] = Visibility.WEAK_ECHO
            reason[reason == Visibility.ABSENT] = Visibility.SILENT  # nothing has arrived yet
            code[rows] = reason
        return pd, code

    def _pd(self, snr: Floats) -> Floats:
        noise_like = np.full(snr.shape, _NOISE_LIKE, np.uint8)
        return detection_probability(snr, self.pfa, self.samples, noise_like)

    def _hear(
        self, targets: Targets, time_s: float, rows: Ints
    ) -> tuple[Floats, Bytes, Floats, Floats, Floats]:
        """Return what arrives at one time from targets that sound.

        Returns
        -------
        polar (K, 4) and code (K,) of the place where each sounded, its SNR (K,) alone and among
        the others, whose sound is noise to it, of all microphones together, and frequency (K,)
        """
        times = np.full(rows.size, time_s)
        _, position, velocity = arrivals(targets, times, rows, self.origin_enu_m, self._speed_mps)
        polar, code = self._locate(position, velocity)
        frequency = targets.signatures.acoustic_hz[rows]
        arrives = code > Visibility.BELOW_HORIZON
        power = np.zeros(rows.size)
        level = self.level_dba(targets.signatures, rows[arrives], polar[arrives, 0])
        level -= self.shadow_db(polar[arrives], frequency[arrives])
        power[arrives] = 10.0 ** (0.1 * level)
        noise = 10.0 ** (0.1 * self.noise_dba(frequency))
        alone = self.microphones * power / noise
        among = self.microphones * power / (noise + np.maximum(power.sum() - power, 0.0))
        return polar, code, alone, among, frequency

    def _look(self, targets: Targets, time_s: float, rows: Ints, rng: np.random.Generator) -> Plots:
        polar, code, _, snr, frequency = self._hear(targets, time_s, rows)
        noise_like = np.full(rows.size, _NOISE_LIKE, np.uint8)
        power = draw_echo_power(snr, self.samples, noise_like, rng)
        found = (code == Visibility.VISIBLE) & (power > detection_threshold(self.pfa, self.samples))
        return self._plots(
            np.full(int(found.sum()), time_s),
            polar[found, 1:3],
            power[found],
            frequency[found],
            rows[found],
            rng,
        )

    def _false_alarms(self, size: int, look_s: Floats, rng: np.random.Generator) -> Plots:
        direction = np.empty((size, 2))
        direction[:, 0] = rng.uniform(0.0, 2.0 * np.pi, size)
        direction[:, 1] = rng.uniform(self.elevation_rad[0], self.elevation_rad[1], size)
        return self._plots(
            rng.choice(look_s, size),
            direction,
            draw_noise_power_over_threshold(size, self.pfa, self.samples, rng),
            10.0 ** rng.uniform(2.0, 3.0, size),
            np.full(size, FALSE_ALARM, np.int32),
            rng,
        )

    def _plots(
        self,
        time_s: Floats,
        direction_rad: Floats,
        power: Floats,
        frequency_hz: Floats,
        truth_id: Ints,
        rng: np.random.Generator,
    ) -> Plots:
        """Return directions (K, 2) as measured; the error of false alarms is in their place."""
        snr = power / self.samples - 1.0
        error = self.direction_sigma_rad(snr, frequency_hz)
        drawn = error[:, None] * rng.standard_normal((time_s.size, 2))
        drawn[truth_id == FALSE_ALARM] = 0.0
        level = np.maximum(np.cos(direction_rad[:, 1]), _LEAST_COSINE)
        stated = np.minimum(np.hypot(error, self.lag_sigma_rad), 1.0)
        measurement, sigma = np.full((time_s.size, 4), np.nan), np.full((time_s.size, 4), np.nan)
        measurement[:, 1] = (direction_rad[:, 0] + drawn[:, 0] / level) % (2.0 * np.pi)
        sigma[:, 1] = np.minimum(stated / level, 0.9 * np.pi)
        if self.measures[2]:
            up = direction_rad[:, 1] + drawn[:, 1]
            measurement[:, 2] = np.clip(up, -0.5 * np.pi, 0.5 * np.pi)
            sigma[:, 2] = stated
        return Plots(
            time_s=time_s,
            sensor=np.full(time_s.size, self.index, np.int32),
            measurement=measurement,
            sigma=sigma,
            snr_db=10.0 * np.log10(snr),
            reply=np.zeros(time_s.size, np.uint8),
            truth_id=truth_id.astype(np.int32),
        )
