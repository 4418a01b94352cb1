"""A passive radar as a scenario names it: one receiver, and the transmitters that it listens to.

``docs/sensors/passive-radar.md`` tells every key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from sensors.antenna import Antenna
from sensors.detection import BOLTZMANN_J_PER_K, SPEED_OF_LIGHT_MPS
from sensors.jamming import Receiver
from sensors.presets import require_own_keys_only, with_preset
from sensors.radar_equation import bistatic_snr
from sensors.scanning import Stare
from sensors.sight import Sight
from sensors.way import Way
from sim.world.spec import Identifier, Position, Spec
from sim.world.surroundings import height_above_ellipsoid_m

if TYPE_CHECKING:
    from sensors.mount import Mount
    from sensors.passive_radar import PassiveRadar
    from sim.core.tables import Floats
    from sim.world.surroundings import Surroundings

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Frequency = Annotated[float, Field(ge=30, le=3000)]

#: Broadcasters state power against a half-wave dipole, 2.15 dB above an isotropic source.
DIPOLE_GAIN = 1.64
_ALL_ROUND = np.array([0.0, np.pi])


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
    sidelobe_db: Annotated[
        float, Field(ge=-60, le=-3, description="highest side lobe against the main lobe")
    ] = -10.0
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
        way = Way.over(surroundings.environment, frequency_hz, vertical=False).in_air()
        antenna = Antenna(
            peak_gain_db=self.gain_db,
            beamwidth_rad=float(np.radians(self.beamwidth_deg)),
            elevation_beamwidth_rad=np.pi,
            sidelobe_db=self.sidelobe_db,
            pattern="fan",
        )
        noise = 1.0 + direct_w * left / noise_w
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
        from sensors.passive_radar import PassiveRadar

        return PassiveRadar(
            id=f"{self.id}.{illuminator.id}",
            index=index,
            site=mount.site,
            receiver=receiver,
            transmitter=transmitter,
            baseline_m=baseline_m,
            transmitter_way=way.begun_at(transmitter),
            array=Receiver(
                antenna=antenna,
                frequency_hz=frequency_hz,
                bandwidth_hz=bandwidth_hz,
                system_temperature_k=self.system_temperature_k,
                sight=receiver,
                way=way.begun_at(receiver),
            ),
            noise=noise,
            scan=Stare(self.update_s, _ALL_ROUND),
            snr_of_unit_echo=float(snr_of_unit_echo) / noise,
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
