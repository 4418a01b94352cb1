"""A pulse radar as a scenario names it, turning or staring.

``docs/sensors/radar.md`` tells every key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from sensors.antenna import Antenna, ElevationPattern
from sensors.detection import SPEED_OF_LIGHT_MPS
from sensors.presets import require_own_keys_only, with_preset
from sensors.scanning import Rotation, Scan, Stare
from sim.world.spec import Identifier, Spec
from sim.world.windows import Window

if TYPE_CHECKING:
    from sensors.mount import Mount
    from sensors.radar import Radar
    from sensors.strobe import Strobe
    from sim.core.tables import Floats
    from sim.world.surroundings import Surroundings

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
BlindRange = tuple[NotNegative, Positive]
Prf = Annotated[float, Field(ge=10, le=1e6)]
#: What tells moving targets from ground: nothing, a canceller of 2 or 3 pulses, filters.
Mti = Literal["none", "canceller-2", "canceller-3", "doppler-bank"]

_ROTATING_KEYS = ("first_azimuth_deg",)
_STARING_KEYS = ("azimuth_deg", "sector_deg")


class PulseSpec(Spec):
    """What radars have in common, however they scan."""

    model_config = ConfigDict(json_schema_extra=require_own_keys_only)

    id: Identifier
    preset: str | None = None

    frequency_ghz: Annotated[float, Field(gt=0.01, le=300)]
    polarisation: Literal["horizontal", "vertical"] = "horizontal"
    peak_power_kw: Positive
    pulse_width_us: Positive
    gain_db: Annotated[float, Field(ge=0, le=70)]
    system_temperature_k: Positive
    losses_db: Annotated[float, Field(ge=0, le=60)]
    processing_gain_db: Annotated[float, Field(ge=0, le=80)] = 0.0
    pulses: Annotated[int, Field(ge=1, le=10_000)]
    pfa: Annotated[float, Field(ge=1e-15, le=0.1)]
    cfar_cells: Annotated[
        int, Field(ge=0, le=1000, description="cells that the threshold is averaged over, 0: known")
    ] = 0

    prf_hz: Annotated[
        Annotated[tuple[Prf, ...], Field(min_length=1, max_length=16)] | None,
        Field(description="pulse rates of a dwell; null: neither range nor speed is ambiguous"),
    ] = None
    mti: Annotated[
        Mti | None, Field(description="doppler-bank by default where range rate is measured")
    ] = None
    coherent_pulses: Annotated[
        int, Field(ge=2, le=10_000, description="of a filter, unless the range rate's cell says")
    ] = 8
    stability_db: Annotated[
        float, Field(ge=10, le=120, description="no filter rejects more clutter than this")
    ] = 50.0
    clutter_map: Annotated[
        bool, Field(description="whether the filter about zero range rate is kept")
    ] = False

    ghosts: Annotated[
        bool, Field(description="report what too few pulse rates see, at its folded place")
    ] = False

    dimensions: Literal[2, 3]
    interrogates: bool = False
    range_min_km: NotNegative
    range_max_km: Annotated[float, Field(gt=0, le=10_000)]
    blind_ranges_km: tuple[BlindRange, ...] = ()
    elevation_min_deg: Annotated[float, Field(ge=-90, le=90)]
    elevation_max_deg: Annotated[float, Field(ge=-90, le=90)]

    beamwidth_deg: Annotated[float, Field(gt=0, le=180)]
    elevation_beamwidth_deg: Annotated[float, Field(gt=0, le=180)] | None = None
    elevation_pattern: Annotated[
        ElevationPattern | None, Field(description="pencil if it measures elevation, else fan")
    ] = None
    sidelobe_db: Annotated[
        float, Field(ge=-60, le=-10, description="highest side lobe against the main lobe")
    ] = -25.0
    scan_exponent: Annotated[
        float, Field(ge=0, le=4, description="gain falls by this power of cos off broadside")
    ] = 0.0
    tilt_deg: Annotated[float, Field(ge=-90, le=90, description="elevation of the broadside")] = 0.0
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

    @model_validator(mode="after")
    def _check_pulses(self) -> Self:
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
        if self.elevation_pattern == "cosecant-squared" and self.elevation_beamwidth_deg is None:
            raise ValueError("a cosecant-squared beam needs elevation_beamwidth_deg, of its nose")
        if self.dimensions == 2 and self.elevation_pattern == "pencil":
            raise ValueError("a pencil beam measures elevation: it needs dimensions 3")
        if (self.range_rate_resolution_mps is None) != (self.range_rate_max_mps is None):
            raise ValueError("give range_rate_resolution_mps and range_rate_max_mps, or neither")
        self._check_prf()
        return self

    def _check_prf(self) -> None:
        if self.mti in ("canceller-2", "canceller-3") and not self.prf_hz:
            raise ValueError(f"mti {self.mti} needs prf_hz: it compares echoes of pulses")
        if self.ghosts and not self.prf_hz:
            raise ValueError("ghosts needs prf_hz: without pulse rates nothing is folded")
        if self.prf_hz is None:
            return
        for prf_hz in self.prf_hz:
            if prf_hz * self.pulse_width_us >= 0.5e6:
                raise ValueError(
                    f"prf_hz {prf_hz:g} leaves no time to listen: pulses of "
                    f"{self.pulse_width_us:g} µs may come at most half of the time"
                )
        if len(self.prf_hz) == 1:
            reach_km = 5e-4 * SPEED_OF_LIGHT_MPS / self.prf_hz[0]
            if reach_km < self.range_max_km:
                raise ValueError(
                    f"range_max_km ({self.range_max_km:g}) is beyond the {reach_km:.4g} km that "
                    f"one prf_hz of {self.prf_hz[0]:g} tells apart: give several"
                )

    @property
    def filters(self) -> Mti:
        """What tells moving targets from ground."""
        if self.mti is not None:
            return self.mti
        return "none" if self.range_rate_resolution_mps is None else "doppler-bank"

    def antenna(self) -> Antenna:
        """Return the pattern of the beam."""
        low, high = np.radians([self.elevation_min_deg, self.elevation_max_deg])
        pattern = self.elevation_pattern or ("pencil" if self.dimensions == 3 else "fan")
        width_deg = self.elevation_max_deg - self.elevation_min_deg
        if pattern != "fan" and self.elevation_beamwidth_deg is not None:
            width_deg = self.elevation_beamwidth_deg
        return Antenna(
            peak_gain_db=self.gain_db,
            beamwidth_rad=float(np.radians(self.beamwidth_deg)),
            elevation_beamwidth_rad=float(np.radians(width_deg)),
            sidelobe_db=self.sidelobe_db,
            pattern=pattern,
            elevation_rad=(float(low), float(high)),
            scan_exponent=self.scan_exponent,
            tilt_rad=float(np.radians(self.tilt_deg)),
        )

    def resolution(self) -> Floats:
        """Return the cell (4,) of range, azimuth, elevation, range rate; NaN: not measured."""
        elevation = self.elevation_beamwidth_deg if self.dimensions == 3 else None
        return np.array(
            [
                self.range_resolution_m,
                np.radians(self.beamwidth_deg),
                np.nan if elevation is None else np.radians(elevation),
                self.range_rate_resolution_mps or np.nan,
            ]
        )

    def sigma_min(self) -> Floats:
        """Return the lowest errors (4,)."""
        return np.array(
            [
                self.range_sigma_min_m,
                np.radians(self.azimuth_sigma_min_deg),
                np.radians(self.elevation_sigma_min_deg),
                self.range_rate_sigma_min_mps,
            ]
        )


class RadarSpec(PulseSpec):
    """A radar as a scenario names it: a preset, values of its own, or both.

    Explicit keys win over those of the preset. ``rate_rpm`` makes the antenna turn;
    ``update_s`` with ``azimuth_deg`` and ``sector_deg`` makes it stare.
    """

    kind: Literal["radar"]
    rate_rpm: Annotated[float, Field(gt=0, le=600)] | None = None
    first_azimuth_deg: Annotated[float, Field(ge=0, lt=360)] = 0.0
    update_s: Annotated[float, Field(ge=0.01, le=3600)] | None = None
    azimuth_deg: Annotated[float, Field(ge=0, lt=360)] = 0.0
    sector_deg: Annotated[float, Field(gt=0, le=360)] = 360.0
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
    def _check_scan(self) -> Self:
        if (self.rate_rpm is None) == (self.update_s is None):
            raise ValueError("give either rate_rpm (turning antenna) or update_s (staring)")
        turning = self.rate_rpm is not None
        for key in _STARING_KEYS if turning else _ROTATING_KEYS:
            if getattr(self, key) != type(self).model_fields[key].default:
                scan = "turning" if turning else "staring"
                raise ValueError(f"{key} has no meaning for a {scan} radar")
        return self

    def scan(self) -> Scan:
        """Return when it looks where."""
        if self.update_s is not None:
            middle, half_width = np.radians([self.azimuth_deg, 0.5 * self.sector_deg])
            return Stare(self.update_s, np.array([middle, half_width]))
        assert self.rate_rpm is not None
        first_azimuth = float(np.radians(self.first_azimuth_deg))
        return Rotation(60.0 / self.rate_rpm, first_azimuth, float(np.radians(self.beamwidth_deg)))

    def build(self, mount: Mount, surroundings: Surroundings) -> Radar:
        """Return the radar at its place."""
        from sensors.radar import Radar

        return Radar.of(self, mount, surroundings, self.scan())

    @property
    def sensor_ids(self) -> tuple[str, ...]:
        """Names of the sensors that ``build_all`` makes."""
        return (self.id, f"{self.id}.strobe") if self.strobes else (self.id,)

    def build_all(self, mount: Mount, surroundings: Surroundings) -> tuple[Radar | Strobe, ...]:
        """Return the radar, and what reports the jammers that it hears if ``strobes`` is set."""
        from sensors.strobe import Strobe

        radar = self.build(mount, surroundings)
        if not self.strobes:
            return (radar,)
        threshold = 10.0 ** (self.strobe_threshold_db / 10.0)
        return (radar, Strobe(radar=radar, index=mount.index + 1, threshold=threshold))
